//! Benefits: a share of the charge, or of a part of it, goes back.

use kabinet_tariff_sdk::{Basis, Consumption, Exact, Line, Operation, Recalculation, Role, TooLarge, Trace, Unit};

use crate::case::Case;
use crate::parameter;
use crate::problem::Problem;
use crate::volume::{PLACES, of_open_days};

/// Gives back what benefits take off the month, and off the correction of a year.
pub(crate) fn apply(case: &Case<'_>, line: &mut Line) -> Result<(), Problem> {
    of_month(case, line)?;
    of_year(case.consumption, line)
}

/// `benefit_share` of the charge, or of its first `benefit_volume` units only.
///
/// The base is what is really paid for this month: what goes back anyway, for absence or for
/// months charged by average (they had their own benefit then), does not count.
fn of_month(case: &Case<'_>, line: &mut Line) -> Result<(), Problem> {
    let parameters = &case.consumption.parameters;
    let volume = parameter::find(parameters, "benefit_volume");
    let Some(share) = parameter::find(parameters, "benefit_share") else {
        return match volume {
            Some(_) => Err(Problem::Account("задан объём льготы, но не её доля".to_owned())),
            None => Ok(()),
        };
    };
    if share.is_negative() || share.compare(Exact::ONE)?.is_gt() {
        return Err(Problem::Account("доля льготы должна быть от 0 до 1".to_owned()));
    }
    if volume.is_some_and(Exact::is_negative) {
        return Err(Problem::Account("объём льготы не может быть отрицательным".to_owned()));
    }
    let base = base(case, line, volume)?;
    let amount = base.times(share)?.negated();
    if amount.is_zero() {
        return Ok(());
    }
    let mut trace = Trace::with_capacity(3);
    trace.push(Operation::Start, Role::Amount, base, Unit::Rouble)?;
    trace.push(Operation::Times, Role::Share, share.negated(), Unit::One)?;
    trace.push(Operation::Equals, Role::Recalculation, amount, Unit::Rouble)?;
    line.trace.extend(trace.into_terms());
    let period = case.run.batch.period;
    line.recalculations.push(Recalculation { basis: Basis::Benefit, period, amount: amount.fit()? });
    Ok(())
}

/// Of the correction of a year the part that benefits took off that year's charges, whatever benefit holds now: the
/// charges that are corrected are those before benefits.
fn of_year(consumption: &Consumption, line: &mut Line) -> Result<(), Problem> {
    let given = |name| parameter::find(&consumption.parameters, name);
    let (Some(charged), Some(benefit)) = (given("year_charged"), given("year_benefit")) else {
        return Ok(());
    };
    if benefit.is_negative() {
        return Err(Problem::Account("льгота за год не может быть отрицательной".to_owned()));
    }
    // A year that was corrected by hand may have charged less than its benefit.
    let benefit = benefit.smaller(charged)?;
    let correction = line.recalculations.iter().find(|recalculation| recalculation.basis == Basis::Correction);
    let Some((period, correction)) = correction.map(|found| (found.period, Exact::from(found.amount))) else {
        return Ok(());
    };
    if benefit.is_zero() || correction.is_zero() {
        return Ok(());
    }
    let amount = benefit.times(correction)?.divided(charged, PLACES)?.negated();
    let mut trace = Trace::with_capacity(4);
    trace.push(Operation::Start, Role::Other, benefit, Unit::Rouble)?;
    trace.push(Operation::Divide, Role::Other, charged, Unit::Rouble)?;
    trace.push(Operation::Times, Role::Other, correction.negated(), Unit::Rouble)?;
    trace.push(Operation::Equals, Role::Recalculation, amount, Unit::Rouble)?;
    line.trace.extend(trace.into_terms());
    line.recalculations.push(Recalculation { basis: Basis::Benefit, period, amount: amount.fit()? });
    Ok(())
}

/// Roubles that the share is taken of.
fn base(case: &Case<'_>, line: &Line, limit: Option<Exact>) -> Result<Exact, Problem> {
    let (mut absent, mut reversed, mut earlier) = (Exact::ZERO, Exact::ZERO, 0u16);
    for recalculation in &line.recalculations {
        match recalculation.basis {
            Basis::Absence => absent = absent.plus(recalculation.amount.into())?,
            Basis::AverageReversed => {
                reversed = reversed.plus(reversed_part(case.consumption, recalculation, limit)?)?;
                earlier = earlier.saturating_add(1);
            }
            _ => {}
        }
    }
    let paid = absent.plus(line.amount.into())?;
    let part = match limit {
        Some(limit) => {
            // Months before this one count as whole ones.
            let units = of_open_days(case, limit, &mut Trace::default())?.plus(limit.times(earlier.into())?)?;
            part_up_to(line, units)?.smaller(paid)?
        }
        None => paid,
    };
    Ok(part.plus(reversed)?)
}

/// Roubles for the first `limit` units; each zone has its share of them, cheap ranges first.
fn part_up_to(line: &Line, limit: Exact) -> Result<Exact, TooLarge> {
    let total = Exact::from(line.volume);
    if total.compare(limit)?.is_le() {
        return Ok(line.amount.into());
    }
    let mut sum = Exact::ZERO;
    for (position, part) in line.parts.iter().enumerate() {
        let zone = || line.parts.iter().filter(|other| other.zone == part.zone);
        let of_zone = zone().try_fold(Exact::ZERO, |sum, part| sum.plus(part.volume.into()))?;
        let mut before = line.parts.iter().take(position).filter(|other| other.zone == part.zone);
        let before = before.try_fold(Exact::ZERO, |sum, part| sum.plus(part.volume.into()))?;
        let quota = limit.times(of_zone)?.divided(total, PLACES)?.minus(before)?;
        if !quota.is_negative() {
            sum = sum.plus(quota.smaller(part.volume.into())?.times(part.tariff.into())?)?;
        }
    }
    Ok(sum)
}

/// The part of a reversed month that had the benefit then; negative like the reversal.
fn reversed_part(consumption: &Consumption, reversal: &Recalculation, limit: Option<Exact>) -> Result<Exact, TooLarge> {
    let amount = Exact::from(reversal.amount);
    let Some(limit) = limit else {
        return Ok(amount);
    };
    let month = consumption.averaged.iter().find(|month| month.period == reversal.period);
    let volume = month.map_or(Exact::ZERO, |month| month.volume.into());
    if volume.compare(limit)?.is_le() { Ok(amount) } else { amount.times(limit)?.divided(volume, PLACES) }
}
