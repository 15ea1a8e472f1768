//! Meters of the made-up town and what they show: pure functions of (seed, meter, month).

use kabinet_core::{Day, Period, Quantity};
use kabinet_meters::meters::NewMeter;
use kabinet_meters::{Resource, Source};

use super::city::{BLOCK, City, Dwelling};

/// Meters an account may have; numbers them over the whole town.
const METERS_AN_ACCOUNT: u64 = 8;
/// The account whose holder is the demo's resident: it shows every kind of meter.
pub(super) const SHOWN: u64 = 0;

/// A meter that the town has.
#[derive(Clone, Debug)]
pub struct Dial {
    /// Its number in the town.
    pub number: u64,
    /// The account's number.
    pub account: u64,
    /// What it measures.
    pub resource: Resource,
    /// Zones, 1 or 2.
    pub zones: usize,
    place: &'static str,
    /// How many meters of the resource share the account's consumption.
    shared: u64,
}

impl Dial {
    /// The meters of an account where the company measures `resources`.
    #[must_use]
    pub fn of(city: &City, account: u64, resources: &[Resource]) -> Vec<Self> {
        let mut dials = Vec::new();
        for (kind, resource) in (0_u64..).zip(resources) {
            let (count, zones) = fitted(city, account, *resource);
            for place in 0..count {
                dials.push(Self {
                    number: account * METERS_AN_ACCOUNT + kind * 2 + place,
                    account,
                    resource: *resource,
                    zones,
                    place: place_of(*resource, place, count),
                    shared: count,
                });
            }
        }
        dials
    }

    /// The meter as it is put into service, the day before the first billed month.
    #[must_use]
    pub fn installation(&self, city: &City) -> NewMeter {
        let serial = city.chance.draw("serial", self.number, 0, 1_000_000);
        let (serial, model, digits) = match self.resource {
            Resource::Electricity => (format!("0110{:07}{serial:06}", self.number), "Меркурий 201", 6),
            _ => (format!("{:02}-{:07}{}", serial % 12 + 13, self.number, serial % 10), "СВ-15", 5),
        };
        NewMeter {
            account: city.account_id(self.account),
            resource: self.resource,
            serial,
            place: self.place.to_owned(),
            model: model.to_owned(),
            digits,
            automatic: false,
            installed_on: city.first.previous().last_day(),
            verified_until: Some(self.verified_until(city)),
            initial: self.initial(city),
        }
    }

    fn verified_until(&self, city: &City) -> Day {
        let expires_soon = self.account > BLOCK && city.chance.happens("verification", self.number, 0, 4);
        let months = if expires_soon { 8 } else { 24 + city.chance.draw("verified", self.number, 0, 36) };
        city.first.plus(i32::try_from(months).unwrap_or(24)).last_day()
    }

    /// What it showed when it was put into service.
    #[must_use]
    pub fn initial(&self, city: &City) -> Vec<Quantity> {
        let range = if self.resource == Resource::Electricity { 30_000 } else { 900 };
        let zone = |zone: usize| {
            let shown = 10 + city.chance.draw("initial", self.number, i32::try_from(zone).unwrap_or_default(), range);
            Quantity::whole(i64::try_from(shown).unwrap_or_default())
        };
        (0..self.zones).map(zone).collect()
    }

    /// What is consumed in `period` in each zone: water by the litre, electricity by the kWh.
    #[must_use]
    pub fn consumption(&self, city: &City, period: Period) -> Vec<Quantity> {
        let people = u64::from(city.registered(self.account).max(1));
        let dwelling = Dwelling::of(self.account);
        let spread = 80 + city.chance.draw("month", self.number, period.0, 41);
        let electricity = self.resource == Resource::Electricity;
        let usual = match (electricity, dwelling) {
            (true, Dwelling::Shop) => 600 + city.chance.draw("shop", self.account, 0, 4_200),
            (true, Dwelling::PrivateHouse) => season(period) * (180 + 70 * people) / 100,
            (true, _) => season(period) * (55 + 45 * people) / 100,
            (false, Dwelling::Shop) => 6_500 / self.shared,
            // A meter of water counts one to four m³ a month.
            (false, _) => (1_300 + 650 * people.min(4)) / self.shared.clamp(1, 2),
        };
        let volume = i64::try_from(usual * spread / 100).unwrap_or_default();
        match (electricity, self.zones) {
            (true, 1) => vec![Quantity::whole(volume)],
            (true, _) => vec![Quantity::whole(volume * 7 / 10), Quantity::whole(volume - volume * 7 / 10)],
            // Litres: thousandths of a cubic metre.
            (false, _) => vec![Quantity(volume.max(1_000) * 10_000)],
        }
    }

    /// The day of `period` on which it is read; none in a month without a reading.
    #[must_use]
    pub fn read_on(&self, city: &City, period: Period) -> Option<Day> {
        let forgotten = self.account % BLOCK != SHOWN && city.chance.happens("forgotten", self.account, period.0, 4);
        let day = 16 + city.chance.draw("reading", self.account, period.0, 9);
        (!forgotten).then(|| period.first_day().plus_days(i64::try_from(day).unwrap_or(20) - 1))
    }

    /// Where its readings come from.
    #[must_use]
    pub fn source(&self, city: &City, period: Period) -> Source {
        match city.chance.draw("source", self.account, period.0, 10) {
            0..7 => Source::Portal,
            7..9 => Source::Phone,
            _ => Source::Guest,
        }
    }
}

/// Meters of a resource and their zones.
fn fitted(city: &City, account: u64, resource: Resource) -> (u64, usize) {
    let electricity = resource == Resource::Electricity;
    if account == SHOWN {
        return if electricity { (1, 2) } else { (2, 1) };
    }
    let drawn = city.chance.draw(resource.code(), account, 0, 100);
    match (electricity, Dwelling::of(account)) {
        (true, Dwelling::Room) => (0, 1),
        (true, _) => (1, if drawn < 25 { 2 } else { 1 }),
        (false, Dwelling::Room) => (0, 1),
        (false, Dwelling::Flat) if drawn < 12 => (0, 1),
        (false, Dwelling::Flat) if drawn < 30 => (2, 1),
        (false, _) => (1, 1),
    }
}

const fn place_of(resource: Resource, place: u64, count: u64) -> &'static str {
    match (resource, place, count) {
        (Resource::Electricity, ..) => "прихожая",
        (_, 1, _) => "ванная",
        (_, 0, 2) => "кухня",
        _ => "санузел",
    }
}

/// Percent of the year's mean: more light and heat in winter.
const fn season(period: Period) -> u64 {
    match period.month() {
        12 | 1 | 2 => 125,
        3 | 4 | 10 | 11 => 105,
        _ => 85,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::chance::Chance;

    const WATER_AND_LIGHT: [Resource; 2] = [Resource::ColdWater, Resource::Electricity];

    #[test]
    fn a_meter_of_water_counts_one_to_four_cubic_metres() {
        let city = City::new(Chance::new(1, "beregovoy"), Period(202_509));
        for account in 0..300 {
            for dial in Dial::of(&city, account, &WATER_AND_LIGHT) {
                for month in 0..14 {
                    let period = city.first.plus(month);
                    let volumes = dial.consumption(&city, period);
                    assert_eq!(volumes, dial.consumption(&city, period));
                    assert_eq!(volumes.len(), dial.zones);
                    let ordinary = Quantity::whole(1)..=Quantity(48_000_000);
                    let flat = Dwelling::of(account) != Dwelling::Shop && dial.resource == Resource::ColdWater;
                    assert!(!flat || ordinary.contains(&volumes[0]), "{account} {period}: {}", volumes[0]);
                }
            }
        }
    }

    #[test]
    fn the_shown_account_has_every_kind_of_meter_and_all_its_readings() {
        let city = City::new(Chance::new(1, "beregovoy"), Period(202_509));
        let dials = Dial::of(&city, SHOWN, &WATER_AND_LIGHT);
        assert_eq!(dials.iter().map(|dial| dial.zones).collect::<Vec<_>>(), [1, 1, 2]);
        assert!((0..14).all(|month| dials[0].read_on(&city, city.first.plus(month)).is_some()));
    }

    #[test]
    fn readings_fall_into_the_narrowest_window() {
        let city = City::new(Chance::new(1, "teploset"), Period(202_509));
        for account in 0..300 {
            for dial in Dial::of(&city, account, &[Resource::HotWater]) {
                let day = dial.read_on(&city, city.first).map_or(16, |day| day.0 % 100);
                assert!((15..=25).contains(&day));
            }
        }
    }
}
