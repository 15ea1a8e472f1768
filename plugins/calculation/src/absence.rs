//! Temporary absence: what was charged by norm for people who were away goes back.

use kabinet_tariff_sdk::{Basis, Decimal, Exact, Line, Operation, Recalculation, Role, ServiceKind, Trace, Unit};

use crate::case::Case;
use crate::problem::Problem;
use crate::volume::{PLACES, ZoneVolumes};

/// Days away, summed over people; zero where no absence counts. That an absence is long enough (more than
/// five full days in a row) is known to the platform alone: it may begin or end in another month.
///
/// `people` is who was charged, so that nobody gets back more than was charged.
pub(crate) fn person_days(case: &Case<'_>, people: Exact) -> Result<Exact, Problem> {
    let mut sum = Exact::ZERO;
    // Heat warms an empty flat as well.
    if case.table.kind == ServiceKind::Heating {
        return Ok(sum);
    }
    for absence in &case.account.absences {
        let days = absence.days.min(case.run.days);
        sum = sum.plus(Exact::from(absence.residents).times(days.into())?)?;
    }
    // A part month's number of people is rounded, so half a day is not worth a quarrel.
    let charged = people.times(case.run.days.into())?.rounded(0)?;
    if sum.compare(charged)?.is_gt() {
        let message = "дней отсутствия больше, чем начислено проживающим: проверьте заявления об отсутствии";
        return Err(Problem::Account(message.to_owned()));
    }
    Ok(sum)
}

/// The part of the month's volume that falls to absent people, in the table's units.
pub(crate) fn volume(case: &Case<'_>, person_days: Exact, norm: Decimal) -> Result<Exact, Problem> {
    Ok(person_days.times(norm.into())?.divided(case.run.days.into(), PLACES)?)
}

/// Gives back the last `absent` units of the line's volume.
pub(crate) fn give_back(case: &Case<'_>, absent: Exact, line: &mut Line) -> Result<(), Problem> {
    if absent.is_zero() {
        return Ok(());
    }
    let volume = Exact::from(line.volume);
    let rest = volume.minus(absent.smaller(volume)?)?;
    let stays = case.prices.charge(&ZoneVolumes::whole_day(rest), 1, &mut Trace::default())?;
    let amount = stays.amount.minus(line.amount.into())?;
    let mut trace = Trace::with_capacity(3);
    match case.prices.single() {
        Some(tariff) => {
            trace.push(Operation::Start, Role::Volume, absent.negated(), case.table.unit)?;
            trace.push_decimal(Operation::Times, Role::Tariff, tariff, Unit::Rouble);
        }
        None => {
            trace.push(Operation::Start, Role::Other, stays.amount, Unit::Rouble)?;
            trace.push_decimal(Operation::Minus, Role::Amount, line.amount, Unit::Rouble);
        }
    }
    trace.push(Operation::Equals, Role::Recalculation, amount, Unit::Rouble)?;
    line.trace.extend(trace.into_terms());
    line.recalculations.push(Recalculation {
        basis: Basis::Absence,
        period: case.run.batch.period,
        amount: amount.fit()?,
    });
    Ok(())
}
