//! The month's volume from meters: readings, or the average of earlier months.

use kabinet_tariff_sdk::{
    Exact, Meter, MeterState, Method, Operation, Reason, Role, TooLarge, Trace, Unit, Zone, ZoneReading,
};

use crate::case::Case;
use crate::people;
use crate::problem::Problem;

/// Places a volume is rounded to before it meets the tariff.
pub(crate) const PLACES: u8 = 7;

/// Every zone, in the order of the contract.
pub(crate) const ZONES: [Zone; 5] = [Zone::WholeDay, Zone::Day, Zone::Night, Zone::Peak, Zone::HalfPeak];

/// Volumes by zone; a zone without a meter is absent, which is not the same as zero.
#[derive(Clone, Copy, Default)]
pub(crate) struct ZoneVolumes([Option<Exact>; ZONES.len()]);

impl ZoneVolumes {
    /// All of it in one zone.
    pub(crate) fn whole_day(volume: Exact) -> ZoneVolumes {
        let mut volumes = ZoneVolumes::default();
        volumes.0[Zone::WholeDay as usize] = Some(volume);
        volumes
    }

    pub(crate) fn get(&self, zone: Zone) -> Option<Exact> {
        self.0[zone as usize]
    }

    pub(crate) fn total(&self) -> Result<Exact, TooLarge> {
        self.0.iter().flatten().try_fold(Exact::ZERO, |sum, volume| sum.plus(*volume))
    }

    fn add(&mut self, zone: Zone, volume: Exact) -> Result<(), TooLarge> {
        let place = &mut self.0[zone as usize];
        *place = Some(match *place {
            Some(sum) => sum.plus(volume)?,
            None => volume,
        });
        Ok(())
    }
}

/// What the meters give.
#[allow(clippy::large_enum_variant, reason = "one lives at a time, and an allocation costs more than the room")]
pub(crate) enum Metered {
    /// A volume by reading or average.
    Volume { volumes: ZoneVolumes, method: Method, reason: Option<Reason> },
    /// Neither a reading nor a right to an average: the norm, for this reason; raised once the
    /// periods of the average are over, unless a reading merely was not sent.
    Norm { reason: Reason, raised: bool },
}

/// The month's volume by the meters of the case's service.
pub(crate) fn by_meters(case: &Case<'_>, trace: &mut Trace) -> Result<Metered, Problem> {
    let consumption = case.consumption;
    if let Some(norm) = consumption.meters.iter().find_map(|meter| norm_instead(case, meter)) {
        return Ok(norm);
    }
    let mut volumes = ZoneVolumes::default();
    let (mut method, mut reason) = (Method::Meter, None);
    let mut zones = 0;
    for meter in &consumption.meters {
        let missing = missing(meter);
        for zone in &meter.zones {
            volumes.add(zone.zone, of_zone(case, zone, missing, trace)?)?;
            zones += 1;
        }
        if missing.is_some() {
            (method, reason) = (Method::Average, missing);
        }
    }
    let counted = volumes.0.iter().flatten().count();
    if zones == 0 {
        return Err(Problem::Account("у прибора нет ни одной тарифной зоны".to_owned()));
    }
    if zones > counted && counted == 1 {
        trace_sum(case, volumes.total()?, trace)?;
    }
    Ok(Metered::Volume { volumes, method, reason })
}

/// Why a meter's reading cannot be used, if so.
fn missing(meter: &Meter) -> Option<Reason> {
    match meter.state {
        MeterState::Failed => Some(Reason::MeterFailed),
        MeterState::VerificationExpired => Some(Reason::VerificationExpired),
        MeterState::AccessRefused => Some(Reason::AccessRefused),
        MeterState::Working => meter.zones.iter().any(|zone| zone.current.is_none()).then_some(Reason::ReadingMissing),
    }
}

/// The norm where a reading is missing and no average may be used (any more).
fn norm_instead(case: &Case<'_>, meter: &Meter) -> Option<Metered> {
    let (reason, averages) = (missing(meter)?, &case.run.averages);
    let over = averages.are_over(case.account, meter.missed_periods);
    let known = meter.zones.iter().all(|zone| averages.are_made_of(zone.history.len()));
    let raised = over && reason != Reason::ReadingMissing;
    (over || !known).then_some(Metered::Norm { reason, raised })
}

/// By the month's reading; where it is missing, by average for the days on which the account was open.
fn of_zone(case: &Case<'_>, zone: &ZoneReading, missing: Option<Reason>, trace: &mut Trace) -> Result<Exact, Problem> {
    if missing.is_none() {
        return by_reading(zone, case.table.unit, trace);
    }
    let average = by_average(zone, case.table.unit, trace)?;
    of_open_days(case, average, trace)
}

fn by_reading(zone: &ZoneReading, unit: Unit, trace: &mut Trace) -> Result<Exact, Problem> {
    let Some(current) = zone.current else {
        return Err(Problem::Account("нет показания".to_owned()));
    };
    let volume = Exact::from(current).minus(zone.previous.into())?.rounded(PLACES)?;
    if volume.is_negative() {
        return Err(Problem::Account("показание меньше предыдущего".to_owned()));
    }
    trace.push_decimal(Operation::Start, Role::ReadingCurrent, current, unit);
    trace.push_decimal(Operation::Minus, Role::ReadingPrevious, zone.previous, unit);
    trace.push(Operation::Equals, Role::Volume, volume, unit)?;
    Ok(volume)
}

/// The average of the known months, of a whole month; at least one is known.
fn by_average(zone: &ZoneReading, unit: Unit, trace: &mut Trace) -> Result<Exact, Problem> {
    let sum = zone.history.iter().try_fold(Exact::ZERO, |sum, volume| sum.plus((*volume).into()))?;
    let months = u16::try_from(zone.history.len()).map_err(|_| TooLarge)?;
    let volume = sum.divided(months.into(), PLACES)?;
    if volume.is_negative() {
        return Err(Problem::Account("средний объём прошлых месяцев отрицательный".to_owned()));
    }
    trace.push(Operation::Start, Role::History, sum, unit)?;
    trace.push(Operation::Divide, Role::Months, months.into(), Unit::Month)?;
    trace.push(Operation::Equals, Role::Average, volume, unit)?;
    Ok(volume)
}

/// What of a whole month's volume falls to the days on which the account was open; all of it where it was all month.
pub(crate) fn of_open_days(case: &Case<'_>, month: Exact, trace: &mut Trace) -> Result<Exact, Problem> {
    let Some(open) = people::open_days(case.account, case.run.days) else {
        return Ok(month);
    };
    let volume = month.times(open.into())?.divided(case.run.days.into(), PLACES)?;
    trace.push(Operation::Start, Role::Average, month, case.table.unit)?;
    trace.push(Operation::Times, Role::DaysCharged, open.into(), Unit::Day)?;
    trace.push(Operation::Divide, Role::DaysInMonth, case.run.days.into(), Unit::Day)?;
    trace.push(Operation::Equals, Role::Volume, volume, case.table.unit)?;
    Ok(volume)
}

/// Several meters of one zone: their volumes are added up in words too.
fn trace_sum(case: &Case<'_>, total: Exact, trace: &mut Trace) -> Result<(), Problem> {
    let mut discarded = Trace::default();
    for meter in &case.consumption.meters {
        let missing = missing(meter);
        for zone in &meter.zones {
            let volume = of_zone(case, zone, missing, &mut discarded)?;
            trace.push(Operation::Plus, Role::Volume, volume, case.table.unit)?;
        }
    }
    trace.push(Operation::Equals, Role::Volume, total, case.table.unit)?;
    Ok(())
}
