//! Benefits: a share of the charge, or of a part of it, goes back.

use kabinet_tariff_sdk::{
    Basis, Consumption, Exact, Line, Operation, Period, Recalculation, Role, TooLarge, Trace, Unit,
};

use crate::parameter;
use crate::problem::Problem;
use crate::volume::PLACES;

/// Gives `benefit_share` of the charge back, or of its first `benefit_volume` units only.
///
/// The base is what is really paid for this month: what goes back anyway, for absence or for
/// months charged by average (they had their own benefit then), does not count.
pub(crate) fn apply(consumption: &Consumption, line: &mut Line, period: Period) -> Result<(), Problem> {
    let volume = parameter::find(&consumption.parameters, "benefit_volume");
    let Some(share) = parameter::find(&consumption.parameters, "benefit_share") else {
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
    let base = base(consumption, line, volume)?;
    let amount = base.times(share)?.negated();
    if amount.is_zero() {
        return Ok(());
    }
    let mut trace = Trace::with_capacity(3);
    trace.push(Operation::Start, Role::Amount, base, Unit::Rouble)?;
    trace.push(Operation::Times, Role::Share, share.negated(), Unit::One)?;
    trace.push(Operation::Equals, Role::Recalculation, amount, Unit::Rouble)?;
    line.trace.extend(trace.into_terms());
    line.recalculations.push(Recalculation { basis: Basis::Benefit, period, amount: amount.fit()? });
    Ok(())
}

/// Roubles that the share is taken of.
fn base(consumption: &Consumption, line: &Line, limit: Option<Exact>) -> Result<Exact, Problem> {
    let (mut absent, mut reversed, mut months) = (Exact::ZERO, Exact::ZERO, 1u16);
    for recalculation in &line.recalculations {
        match recalculation.basis {
            Basis::Absence => absent = absent.plus(recalculation.amount.into())?,
            Basis::AverageReversed => {
                reversed = reversed.plus(reversed_part(consumption, recalculation, limit)?)?;
                months = months.saturating_add(1);
            }
            _ => {}
        }
    }
    let paid = absent.plus(line.amount.into())?;
    let part = match limit {
        Some(limit) => part_up_to(line, limit.times(months.into())?)?.smaller(paid)?,
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
