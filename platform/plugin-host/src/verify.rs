//! Answers that contradict the question or themselves are refused: a plugin may be wrong or lie.

use std::fmt::Display;

use rust_decimal::Decimal;

use crate::api::{Account, AccountCharges, Batch, Line, Operation, Period, Role, Term};
use crate::error::PluginError;
use crate::limits;
use crate::v1::Described;

/// Largest volume, 22 digits with 7 places in the state's own format.
const MAX_VOLUME: Decimal = Decimal::from_parts(2_764_472_319, 232_830, 0, false, 0);
/// Largest tariff, roubles: 14 digits with 6 places.
const MAX_TARIFF: Decimal = Decimal::from_parts(100_000_000, 0, 0, false, 0);
/// Largest coefficient: 5 digits with 2 places.
const MAX_COEFFICIENT: Decimal = Decimal::from_parts(1_000, 0, 0, false, 0);
/// Largest sum, kopecks: 13 digits with 2 places.
const MAX_SUM: i64 = 10_000_000_000_000;
/// How far a product may be from its factors, roubles: places beyond the contract's are cut.
const TOLERANCE: Decimal = Decimal::from_parts(1, 0, 0, false, 6);

/// Refuses an answer unless it has exactly the accounts and services that were asked for,
/// in their order, with figures in range that add up.
pub(crate) fn charges(batch: &Batch, charges: &[AccountCharges]) -> Result<(), PluginError> {
    for (position, account) in batch.accounts.iter().enumerate() {
        match charges.get(position) {
            Some(answer) if answer.index == account.index => check_account(batch, account, answer)?,
            Some(answer) => return Err(out_of_place(batch, charges, position, answer)),
            None => {
                return Err(refused(format_args!("account {} is missing", account.index)));
            }
        }
    }
    match charges.get(batch.accounts.len()) {
        Some(extra) => Err(out_of_place(batch, charges, batch.accounts.len(), extra)),
        None => Ok(()),
    }
}

/// Refuses what a plugin says about itself if it is too long or empty.
pub(crate) fn described(described: &Described) -> Result<(), PluginError> {
    let texts = [&described.id, &described.version].into_iter().chain(&described.rules);
    for text in texts {
        if text.is_empty() || text.len() > limits::TEXT || text.chars().any(char::is_control) {
            return Err(refused("an id, version or rule is empty, too long or not plain text"));
        }
    }
    if described.rules.len() > limits::RULES {
        return Err(refused("it names too many rules"));
    }
    Ok(())
}

fn refused(what: impl Display) -> PluginError {
    PluginError::Output(what.to_string())
}

fn out_of_place(batch: &Batch, charges: &[AccountCharges], position: usize, answer: &AccountCharges) -> PluginError {
    let index = answer.index;
    if charges.iter().take(position).any(|earlier| earlier.index == index) {
        refused(format_args!("account {index} comes twice"))
    } else if batch.accounts.iter().any(|account| account.index == index) {
        refused(format_args!("account {index} is out of order"))
    } else {
        refused(format_args!("account {index} was not asked for"))
    }
}

fn check_account(batch: &Batch, account: &Account, answer: &AccountCharges) -> Result<(), PluginError> {
    let index = account.index;
    if answer.lines.len() != account.services.len() {
        let (got, asked) = (answer.lines.len(), account.services.len());
        return Err(refused(format_args!("account {index} has {got} lines, {asked} were asked for")));
    }
    for (line, asked) in answer.lines.iter().zip(&account.services) {
        let service = line.service;
        if service != asked.service {
            return Err(refused(format_args!(
                "account {index} has service {service} where {} was asked for",
                asked.service
            )));
        }
        check_line(line, batch.period)
            .map_err(|what| refused(format_args!("account {index}, service {service}: {what}")))?;
    }
    Ok(())
}

fn check_line(line: &Line, period: Period) -> Result<(), &'static str> {
    if line.parts.len() > limits::PARTS
        || line.recalculations.len() > limits::RECALCULATIONS
        || line.trace.len() > limits::TERMS
    {
        return Err("too many parts, recalculations or operands");
    }
    within(line.volume, MAX_VOLUME, "the volume is out of range")?;
    if line.norm.is_some_and(|norm| norm.is_sign_negative() || norm > MAX_TARIFF) {
        return Err("the norm is out of range");
    }
    if line.coefficient.is_some_and(|coefficient| coefficient.is_sign_negative() || coefficient > MAX_COEFFICIENT) {
        return Err("the coefficient is out of range");
    }
    check_parts(line)?;
    for kopecks in [line.amount, line.excess].into_iter().chain(line.recalculations.iter().map(|r| r.amount)) {
        if kopecks.checked_abs().is_none_or(|kopecks| kopecks > MAX_SUM) {
            return Err("a sum is out of range");
        }
    }
    if line.recalculations.iter().any(|r| !(1..=12).contains(&r.period.month) || r.period > period) {
        return Err("a recalculation is of a month that cannot be");
    }
    check_trace(line)
}

/// Each part must be its volume × its tariff, and all of them the line's amount.
fn check_parts(line: &Line) -> Result<(), &'static str> {
    let mut sum = Decimal::ZERO;
    for part in &line.parts {
        within(part.volume, MAX_VOLUME, "the volume is out of range")?;
        if part.tariff.is_sign_negative() || part.tariff > MAX_TARIFF {
            return Err("the tariff is out of range");
        }
        let product = part.volume.checked_mul(part.tariff).ok_or("an amount is out of range")?;
        same(product, part.exact_amount, "a part is not its volume × its tariff")?;
        sum = sum.checked_add(part.exact_amount).ok_or("an amount is out of range")?;
    }
    same(sum, line.exact_amount, "the amount is not the sum of its parts")
}

/// The formula must be whole and end in the sums that the line charges.
fn check_trace(line: &Line) -> Result<(), &'static str> {
    let mut fresh = true;
    for term in &line.trace {
        if fresh != (term.operation == Operation::Start) {
            return Err("the formula is broken");
        }
        fresh = term.operation == Operation::Equals;
    }
    if !fresh {
        return Err("the formula has no end");
    }
    let result = |role: Role| {
        let is = |term: &&Term| term.operation == Operation::Equals && term.role == role;
        line.trace.iter().rev().find(is).map_or(Decimal::ZERO, |term| term.value)
    };
    same(result(Role::Amount), line.exact_amount, "the formula ends in another amount")?;
    same(result(Role::Excess), line.exact_excess, "the formula ends in another excess")
}

fn within(value: Decimal, most: Decimal, what: &'static str) -> Result<(), &'static str> {
    if value.abs() > most { Err(what) } else { Ok(()) }
}

fn same(a: Decimal, b: Decimal, what: &'static str) -> Result<(), &'static str> {
    // Equal as they stand is the usual case, and needs no arithmetic.
    if a.scale() == b.scale() && a.mantissa() == b.mantissa() {
        return Ok(());
    }
    let difference = a.checked_sub(b).ok_or(what)?;
    within(difference, TOLERANCE, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::api::{Basis, Consumption, Method, Part, Recalculation, Unit, Zone};

    #[test]
    fn limits_are_what_they_say() {
        assert_eq!(MAX_VOLUME.to_string(), "999999999999999");
        assert_eq!(TOLERANCE.to_string(), "0.000001");
    }

    fn term(operation: Operation, role: Role, value: Decimal, unit: Unit) -> Term {
        Term { operation, role, value, unit }
    }

    /// 4 m³ × 39.56 = 158.24, as an honest plugin says it.
    fn honest() -> Line {
        let (volume, tariff, amount) = (Decimal::from(4), Decimal::new(3_956, 2), Decimal::new(15_824, 2));
        Line {
            service: 0,
            method: Method::Meter,
            reason: None,
            volume,
            parts: vec![Part { zone: Zone::WholeDay, above: Decimal::ZERO, volume, tariff, exact_amount: amount }],
            norm: None,
            coefficient: None,
            amount: 15_824,
            excess: 0,
            exact_amount: amount,
            exact_excess: Decimal::ZERO,
            recalculations: Vec::new(),
            trace: vec![
                term(Operation::Start, Role::Volume, volume, Unit::CubicMetre),
                term(Operation::Times, Role::Tariff, tariff, Unit::Rouble),
                term(Operation::Equals, Role::Amount, amount, Unit::Rouble),
            ],
        }
    }

    fn outcome(line: Line, services: &[u16]) -> Result<(), PluginError> {
        let consumption = |&service: &u16| Consumption {
            service,
            meters: Vec::new(),
            meter_possible: false,
            averaged: Vec::new(),
            parameters: Vec::new(),
        };
        let account = Account {
            index: 1,
            premises: crate::api::Premises::Flat,
            area: Decimal::ONE,
            residents: 1,
            owners: 1,
            house: None,
            spans: Vec::new(),
            absences: Vec::new(),
            services: services.iter().map(consumption).collect(),
        };
        let batch = Batch {
            period: PERIOD,
            parameters: Vec::new(),
            tables: Vec::new(),
            houses: Vec::new(),
            accounts: vec![account],
        };
        let lines = vec![line];
        charges(&batch, &[AccountCharges { index: 1, lines }])
    }

    const PERIOD: Period = Period { year: 2026, month: 10 };

    type Lie = fn(&mut Line);

    #[test]
    fn an_honest_line_passes_and_each_lie_is_named() {
        assert_eq!(outcome(honest(), &[0]), Ok(()));
        let lies: &[(Lie, &str)] = &[
            (|line| line.service = 3, "has service 3 where 0"),
            (|line| line.volume = Decimal::MAX, "the volume is out of range"),
            (|line| line.parts[0].volume = Decimal::from(3), "a part is not its volume"),
            (|line| line.parts[0].tariff = Decimal::from(-1), "the tariff is out of range"),
            (|line| line.parts.clear(), "not the sum of its parts"),
            (|line| line.exact_amount = Decimal::from(158), "not the sum of its parts"),
            (|line| line.parts = vec![line.parts[0].clone(); 33], "too many parts"),
            (|line| line.norm = Some(Decimal::from(-2)), "the norm is out of range"),
            (|line| line.coefficient = Some(Decimal::from(1_001)), "the coefficient"),
            (|line| line.excess = i64::MIN, "a sum is out of range"),
            (|line| line.exact_excess = Decimal::ONE, "another excess"),
            (|line| line.trace[2].value = Decimal::ONE, "another amount"),
            (|line| line.trace.truncate(2), "the formula has no end"),
            (|line| line.trace[0].operation = Operation::Plus, "the formula is broken"),
            (|line| line.recalculations.push(correction(2026, 13)), "a month that cannot be"),
            (|line| line.recalculations.push(correction(2026, 11)), "a month that cannot be"),
        ];
        for (lie, words) in lies {
            let mut line = honest();
            lie(&mut line);
            let refused = outcome(line, &[0]);
            let named = |text: &str| text.contains(words);
            assert!(matches!(&refused, Err(PluginError::Output(text)) if named(text)), "{words}: {refused:?}");
        }
        assert!(outcome(honest(), &[0, 1]).is_err(), "a missing line");
        assert!(outcome(honest(), &[]).is_err(), "a line too many");
    }

    fn correction(year: u16, month: u8) -> Recalculation {
        Recalculation {
            basis: Basis::Correction,
            period: Period { year, month },
            amount: 0,
            exact_amount: Decimal::ZERO,
        }
    }
}
