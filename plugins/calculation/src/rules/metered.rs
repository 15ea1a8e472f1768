//! Volumes by meter, by average and by norm.

use kabinet_tariff_sdk::{
    AveragedMonth, Basis, Decimal, Line, Method, Operation, Reason, Recalculation, Role, Trace, Unit,
};

use crate::absence;
use crate::case::{Case, How, new_trace};
use crate::people;
use crate::problem::Problem;
use crate::volume::{Metered, PLACES, ZoneVolumes, by_meters};

/// The meters' volume; without a meter the norm, raised where a meter is possible.
pub(crate) fn metered(case: &Case<'_>, _: &[Option<Line>]) -> Result<Line, Problem> {
    if !case.consumption.meters.is_empty() {
        return by_own_meters(case, case.table.coefficient);
    }
    if case.consumption.meter_possible {
        return by_norm(case, Reason::MeterPossible, case.table.coefficient, new_trace());
    }
    by_norm(case, Reason::NoMeter, None, new_trace())
}

/// The volume of the account's meters; `coefficient` raises the norm that stands in for them.
pub(crate) fn by_own_meters(case: &Case<'_>, coefficient: Option<Decimal>) -> Result<Line, Problem> {
    let mut trace = new_trace();
    let metered = by_meters(case, &mut trace)?;
    let (volumes, method, reason) = match metered {
        Metered::Norm { reason, raised } => return by_norm(case, reason, coefficient.filter(|_| raised), trace),
        Metered::Volume { volumes, method, reason } => (volumes, method, reason),
    };
    // A reading after averaged months covers them all: each gets its ranges, and what was charged for its
    // meter is given back. Another meter of the service may be without a reading still.
    let averaged = case.consumption.averaged.iter();
    let priced = case.prices.charge(&volumes, months_covered(averaged.clone()), &mut trace)?;
    let how = How { reason, ..How::by(method) };
    let mut line = case.finish(volumes.total()?, priced, how, trace)?;
    give_averages_back(averaged, &mut line)?;
    Ok(line)
}

/// How many months a reading covers: this one, and those before it that were charged without one.
pub(crate) fn months_covered<'a>(averaged: impl Iterator<Item = &'a AveragedMonth>) -> u16 {
    u16::try_from(averaged.count() + 1).unwrap_or(u16::MAX)
}

/// Gives back what was charged in the months whose averages a reading of this month covers.
pub(crate) fn give_averages_back<'a>(
    averaged: impl Iterator<Item = &'a AveragedMonth>,
    line: &mut Line,
) -> Result<(), Problem> {
    for month in averaged {
        let Some(back) = month.charged.checked_neg() else {
            return Err(Problem::TooLarge);
        };
        line.recalculations.push(Recalculation {
            basis: Basis::AverageReversed,
            period: month.period,
            amount: Decimal { mantissa: back, scale: 2 },
        });
    }
    Ok(())
}

/// People × norm, raised where there is a coefficient.
pub(crate) fn by_norm(
    case: &Case<'_>,
    reason: Reason,
    coefficient: Option<Decimal>,
    mut trace: Trace,
) -> Result<Line, Problem> {
    let Some(norm) = case.table.norm else {
        return Err(Problem::Table("не задан норматив, а он нужен: нет показаний или прибора".to_owned()));
    };
    let people = people::people(case.account, case.run.days, &mut trace)?;
    let volume = people.value.times(norm.into())?.rounded(PLACES)?;
    trace.push(Operation::Start, people.role, people.value, people.unit)?;
    trace.push_decimal(Operation::Times, Role::Norm, norm, case.table.unit);
    let priced = match case.prices.single() {
        // One sentence: people × norm × tariff.
        Some(tariff) => {
            let mut unseen = Trace::default();
            let priced = case.prices.charge(&ZoneVolumes::whole_day(volume), 1, &mut unseen)?;
            trace.push_decimal(Operation::Times, Role::Tariff, tariff, Unit::Rouble);
            trace.push(Operation::Equals, Role::Amount, priced.amount, Unit::Rouble)?;
            priced
        }
        None => {
            trace.push(Operation::Equals, Role::Volume, volume, case.table.unit)?;
            case.prices.charge(&ZoneVolumes::whole_day(volume), 1, &mut trace)?
        }
    };
    let method = if coefficient.is_some() { Method::NormRaised } else { Method::Norm };
    let how = How { method, reason: Some(reason), norm: Some(norm), coefficient };
    let mut line = case.finish(volume, priced, how, trace)?;
    // Only where no meter can be installed: others could have one that counts nothing while away.
    if reason == Reason::NoMeter {
        let person_days = absence::person_days(case, people.value)?;
        absence::give_back(case, absence::volume(case, person_days, norm)?, &mut line)?;
    }
    Ok(line)
}
