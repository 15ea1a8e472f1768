//! Charges as the platform sees them: rounded to kopecks, and refused where they contradict themselves.

use kabinet_tariff_sdk::{AccountCharges, Batch, Decimal, Exact, Line, Operation, Role, TooLarge};

/// How far a product may be from its factors, roubles.
const TOLERANCE: Exact = Exact::new(1, 6);

/// The sum in kopecks, rounded half-up (away from zero), as the platform rounds each line once.
///
/// # Panics
/// Where the sum does not fit 64 bits.
pub fn kopecks(roubles: Decimal) -> i64 {
    let rounded = Exact::from(roubles).times(Exact::new(100, 0)).and_then(|kopecks| kopecks.rounded(0));
    let Ok(Ok(Decimal { mantissa, scale })) = rounded.map(Exact::fit) else {
        panic!("{roubles:?} roubles are too many");
    };
    mantissa / 10i64.pow(u32::from(scale))
}

/// What a line comes to in kopecks: charge, excess and recalculations, each rounded by itself.
pub fn to_pay(line: &Line) -> i64 {
    let recalculated = line.recalculations.iter().map(|recalculation| kopecks(recalculation.amount));
    kopecks(line.amount) + kopecks(line.excess) + recalculated.sum::<i64>()
}

/// What the platform would refuse about an answer; `Ok` if nothing.
///
/// # Errors
/// A sentence that names account and service.
pub fn check(batch: &Batch, charges: &[AccountCharges]) -> Result<(), String> {
    if charges.len() != batch.accounts.len() {
        return Err(format!("{} accounts charged, {} asked for", charges.len(), batch.accounts.len()));
    }
    for (account, answer) in batch.accounts.iter().zip(charges) {
        let index = account.index;
        if answer.index != index || answer.lines.len() != account.services.len() {
            return Err(format!("account {index} is out of place or lacks lines"));
        }
        for (line, asked) in answer.lines.iter().zip(&account.services) {
            let place = format!("account {index}, service {}", line.service);
            if line.service != asked.service {
                return Err(format!("{place}: {} was asked for", asked.service));
            }
            match check_line(line) {
                Ok(None) => {}
                Ok(Some(what)) => return Err(format!("{place}: {what}")),
                Err(TooLarge) => return Err(format!("{place}: a number is too large")),
            }
        }
    }
    Ok(())
}

/// What is wrong with a line, if anything.
fn check_line(line: &Line) -> Result<Option<&'static str>, TooLarge> {
    let mut sum = Exact::ZERO;
    for part in &line.parts {
        let product = Exact::from(part.volume).times(part.tariff.into())?;
        if part.tariff.mantissa < 0 || !same(product, part.amount.into())? {
            return Ok(Some("a part is not its volume × its tariff"));
        }
        sum = sum.plus(part.amount.into())?;
    }
    if !same(sum, line.amount.into())? {
        return Ok(Some("the amount is not the sum of its parts"));
    }
    let mut fresh = true;
    for term in &line.trace {
        if fresh != (term.operation == Operation::Start) {
            return Ok(Some("the formula is broken"));
        }
        fresh = term.operation == Operation::Equals;
    }
    if !fresh {
        return Ok(Some("the formula has no end"));
    }
    let result = |role: Role| {
        let ends = |term: &&kabinet_tariff_sdk::Term| term.operation == Operation::Equals && term.role == role;
        line.trace.iter().rev().find(ends).map_or(Exact::ZERO, |term| term.value.into())
    };
    if !same(result(Role::Amount), line.amount.into())? || !same(result(Role::Excess), line.excess.into())? {
        return Ok(Some("the formula ends in another sum"));
    }
    Ok(None)
}

fn same(a: Exact, b: Exact) -> Result<bool, TooLarge> {
    let difference = a.minus(b)?;
    let size = if difference.is_negative() { difference.negated() } else { difference };
    Ok(size.compare(TOLERANCE)?.is_le())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decimal;

    #[test]
    fn half_a_kopeck_goes_away_from_zero() {
        let of = |text: &str| kopecks(decimal(text));
        assert_eq!([of("158.24"), of("0.005"), of("0.00499"), of("-0.005"), of("12")], [15_824, 1, 0, -1, 1_200]);
    }
}
