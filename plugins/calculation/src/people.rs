//! How many people and square metres count in the month, by days where they changed.

use kabinet_tariff_sdk::{Account, Exact, Operation, Role, Span, Trace, Unit};

use crate::problem::Problem;
use crate::volume::PLACES;

/// Refuses parts of the month that overlap, are out of order or outside the month, and areas below zero.
pub(crate) fn check(account: &Account, days: u8) -> Result<(), Problem> {
    if account.area.mantissa < 0 || account.spans.iter().any(|span| span.area.mantissa < 0) {
        return Err(Problem::Account("площадь помещения не может быть отрицательной".to_owned()));
    }
    let mut free_from = 1;
    for span in &account.spans {
        if span.from_day < free_from || span.to_day < span.from_day || span.to_day > days {
            return Err(Problem::Account("части месяца пересекаются или выходят за его пределы".to_owned()));
        }
        free_from = span.to_day + 1;
    }
    Ok(())
}

/// On how many days of the month the account was open; none where it was on all of them.
pub(crate) fn open_days(account: &Account, days: u8) -> Option<u8> {
    let open: u8 = account.spans.iter().map(|span| span.to_day - span.from_day + 1).sum();
    (!account.spans.is_empty() && open < days).then_some(open)
}

/// A number of people or square metres, and what it is.
#[derive(Clone, Copy)]
pub(crate) struct Basis {
    pub(crate) value: Exact,
    pub(crate) role: Role,
    pub(crate) unit: Unit,
}

/// Registered residents, or the owners where nobody is registered.
pub(crate) fn people(account: &Account, days: u8, trace: &mut Trace) -> Result<Basis, Problem> {
    let whole = count(account.residents, account.owners);
    by_days(account, days, trace, whole, |span| count(span.residents, span.owners))
}

/// Square metres.
pub(crate) fn area(account: &Account, days: u8, trace: &mut Trace) -> Result<Basis, Problem> {
    let of = |value: Exact| Basis { value, role: Role::Area, unit: Unit::SquareMetre };
    by_days(account, days, trace, of(account.area.into()), |span| of(span.area.into()))
}

fn count(residents: u16, owners: u16) -> Basis {
    let (value, role) = if residents > 0 { (residents, Role::Residents) } else { (owners, Role::Owners) };
    Basis { value: value.into(), role, unit: Unit::Person }
}

/// The figure of the whole month, or Σ figure × days ÷ days of the month with its formula.
fn by_days(
    account: &Account,
    days: u8,
    trace: &mut Trace,
    whole: Basis,
    part: impl Fn(&Span) -> Basis,
) -> Result<Basis, Problem> {
    if account.spans.is_empty() {
        return Ok(whole);
    }
    let mut weighted = Exact::ZERO;
    for span in &account.spans {
        let basis = part(span);
        let length = Exact::from(span.to_day - span.from_day + 1);
        weighted = weighted.plus(basis.value.times(length)?)?;
        trace.push(Operation::Plus, basis.role, basis.value, basis.unit)?;
        trace.push(Operation::Times, Role::DaysCharged, length, Unit::Day)?;
        trace.push(Operation::Divide, Role::DaysInMonth, days.into(), Unit::Day)?;
    }
    let value = weighted.divided(days.into(), PLACES)?;
    trace.push(Operation::Equals, whole.role, value, whole.unit)?;
    Ok(Basis { value, ..whole })
}
