//! Volumes meet prices: by zone of the day and by range of the month's volume.

use std::cmp::Ordering;

use kabinet_tariff_sdk::{Decimal, Exact, Operation, Part, Role, ServiceTable, TooLarge, Trace, Unit, Zone};

use crate::problem::Problem;
use crate::volume::{PLACES, ZONES, ZoneVolumes};

/// The prices of a table, by zone, each zone's ranges in ascending order.
pub(crate) struct PriceList {
    zones: [Vec<Range>; ZONES.len()],
    unit: Unit,
}

struct Range {
    above: Decimal,
    tariff: Decimal,
}

/// The parts of a line and their sum in roubles.
pub(crate) struct Priced {
    pub(crate) parts: Vec<Part>,
    pub(crate) amount: Exact,
}

impl PriceList {
    /// The prices in order, or what is wrong with them.
    pub(crate) fn new(table: &ServiceTable) -> Result<PriceList, Problem> {
        let mut zones = [const { Vec::<Range>::new() }; ZONES.len()];
        for price in &table.prices {
            if price.amount.mantissa < 0 || price.above.mantissa < 0 {
                return Err(Problem::Table("тариф и граница диапазона не могут быть отрицательными".to_owned()));
            }
            let ranges = &mut zones[price.zone as usize];
            let above = Exact::from(price.above);
            let before = ranges.last().map(|last| above.compare(last.above.into())).transpose()?;
            if before.is_some_and(Ordering::is_le) {
                return Err(Problem::Table("границы диапазонов должны возрастать".to_owned()));
            }
            if ranges.is_empty() && !above.is_zero() {
                return Err(Problem::Table("первый диапазон должен начинаться с нуля".to_owned()));
            }
            ranges.push(Range { above: price.above, tariff: price.amount });
        }
        if zones.iter().all(Vec::is_empty) {
            return Err(Problem::Table("не задан ни один тариф".to_owned()));
        }
        Ok(PriceList { zones, unit: table.unit })
    }

    /// The tariff of the whole day where there is just one range: the plain case.
    pub(crate) fn single(&self) -> Option<Decimal> {
        match self.zones[Zone::WholeDay as usize].as_slice() {
            [only] => Some(only.tariff),
            _ => None,
        }
    }

    /// Each zone's volume at its tariffs; `months` widens the ranges where one reading
    /// covers several months.
    pub(crate) fn charge(&self, volumes: &ZoneVolumes, months: u16, trace: &mut Trace) -> Result<Priced, Problem> {
        let total = volumes.total()?;
        let mut priced = Priced { parts: Vec::with_capacity(1), amount: Exact::ZERO };
        for zone in ZONES {
            let Some(volume) = volumes.get(zone) else {
                continue;
            };
            let ranges = self.zones[zone as usize].as_slice();
            if ranges.is_empty() {
                return Err(Problem::Table(format!("нет тарифа зоны «{}»", zone_name(zone))));
            }
            self.charge_zone(zone, ranges, volume, Share { total, months }, &mut priced, trace)?;
        }
        trace.push(Operation::Equals, Role::Amount, priced.amount, Unit::Rouble)?;
        Ok(priced)
    }

    fn charge_zone(
        &self,
        zone: Zone,
        ranges: &[Range],
        volume: Exact,
        share: Share,
        priced: &mut Priced,
        trace: &mut Trace,
    ) -> Result<(), TooLarge> {
        for (position, range) in ranges.iter().enumerate() {
            let part = if ranges.len() == 1 {
                volume
            } else {
                let from = share.limit(range.above, volume)?;
                let to = match ranges.get(position + 1) {
                    Some(next) => share.limit(next.above, volume)?.smaller(volume)?,
                    None => volume,
                };
                to.minus(from)?
            };
            // The first range is shown even when nothing was used; further ones only when reached.
            if position > 0 && (part.is_zero() || part.is_negative()) {
                break;
            }
            let amount = part.times(range.tariff.into())?;
            priced.amount = priced.amount.plus(amount)?;
            let volume_out = part.fit()?;
            priced.parts.push(Part {
                zone,
                above: range.above,
                volume: volume_out,
                tariff: range.tariff,
                amount: amount.fit()?,
            });
            trace.push_decimal(Operation::Plus, Role::Volume, volume_out, self.unit);
            trace.push_decimal(Operation::Times, Role::Tariff, range.tariff, Unit::Rouble);
        }
        Ok(())
    }
}

/// How the limits of the ranges are shared between zones and months.
#[derive(Clone, Copy)]
struct Share {
    total: Exact,
    months: u16,
}

impl Share {
    /// The limit that falls to a zone: limits are set for the volume of all zones together.
    fn limit(self, above: Decimal, volume: Exact) -> Result<Exact, TooLarge> {
        let limit = Exact::from(above).times(self.months.into())?;
        if self.total.is_zero() || self.total.compare(volume)?.is_eq() {
            return Ok(limit);
        }
        limit.times(volume)?.divided(self.total, PLACES)
    }
}

fn zone_name(zone: Zone) -> &'static str {
    match zone {
        Zone::WholeDay => "сутки",
        Zone::Day => "день",
        Zone::Night => "ночь",
        Zone::Peak => "пик",
        Zone::HalfPeak => "полупик",
    }
}
