//! What the meters of a house counted of a resource, month by month, and what stands in for those that were not read.
//! Pure.
//!
//! A month that a house meter was not read in, or that it was broken or overdue for verification in, counts by the
//! average of the months before, for as many months in a row as the company says, and by norm after them (rule 59(1)
//! of ПП РФ № 354: three months; six known ones make an average, three of a meter that has not been there as long).
//! Of heat the months of the heating season make it, and it stands in for months of the season alone. A meter that came
//! in another's place goes on with its months; for days on which the place was empty the average stands in as well.

use std::cmp::Reverse;
use std::collections::HashMap;

use kabinet_core::{Day, Period, Quantity};
use serde::{Deserialize, Serialize};

use crate::consumption::Averages;
use crate::entity::house_meter;
use crate::faults::Fault;
use crate::replacement::part_until;
use crate::resource::Resource;
use crate::uncounted::Uncounted;
use crate::volume::{Figures, by_month, closings, divide, mean};

/// Months in which an average looks for known ones: one heating season, never two.
const YEAR: i32 = 12;
/// Days for which a place may be empty until another meter takes it.
const LONGEST_GAP: i64 = 31;

/// Why a month was not counted by the house's meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unread {
    /// Nobody read it.
    NoReading,
    /// It was broken.
    Failed,
    /// Its verification was over.
    Expired,
}

impl Unread {
    /// The reason, in Russian: «прибор неисправен».
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NoReading => "показаний нет",
            Self::Failed => "прибор неисправен",
            Self::Expired => "истёк срок поверки",
        }
    }
}

/// What stands in for a month that was not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instead {
    /// The average of the months before, in the resource's units.
    Average(Quantity),
    /// Nothing, and nothing was used: it is heat, of which the same month of the year before had none.
    OffSeason,
    /// Nothing: the norm counts.
    Norm,
}

impl Instead {
    /// What stands in for two meters together.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Average(one), Self::Average(two)) => Self::Average(one + two),
            (Self::OffSeason, Self::OffSeason | Self::Average(Quantity::ZERO))
            | (Self::Average(Quantity::ZERO), Self::OffSeason) => Self::OffSeason,
            // Where one used heat, nobody knows that the other did not.
            _ => Self::Norm,
        }
    }
}

/// A house meter with what it counted.
pub(super) struct Metered {
    meter: house_meter::Model,
    faults: Vec<Fault>,
    closed: Vec<Figures>,
    /// The reading it was installed with, where that is known.
    first: Option<Figures>,
    months: HashMap<Period, Quantity>,
}

impl Metered {
    /// `newest_first` are its readings, `faults` all that it ever had.
    pub(super) fn of(meter: house_meter::Model, mut newest_first: Vec<Figures>, faults: Vec<Fault>) -> Self {
        let fault_on = |day: Day| faults.iter().copied().find(|fault| fault.covers(day));
        newest_first
            .retain(|read| Uncounted::of(fault_on(read.taken_on), meter.verified_until, read.taken_on).is_none());
        let first = newest_first.last().copied().filter(|first| first.taken_on == meter.installed_on);
        let closed = closings(newest_first.into_iter());
        // What a dial showed before it broke says nothing of what it shows once it is mended.
        let worked = |newer: &Figures, older: &Figures| {
            faults.iter().all(|fault| newer.taken_on < fault.since || fault.since <= older.taken_on)
        };
        let months = monthly(&closed, &meter, worked);
        Self { meter, faults, closed, first, months }
    }

    fn serves(&self, period: Period) -> bool {
        let gone = self.meter.removed_on.is_some_and(|removed| removed <= period.first_day());
        self.meter.installed_on <= period.last_day() && !gone
    }

    /// Whether it was installed in the month.
    fn begins(&self, period: Period) -> bool {
        self.meter.installed_on.period() == period
    }

    /// The meter whose place it took: of those that were gone by the day of its installation, not for long, the last
    /// one in whose place none came before it. Of meters of one day the first took the first one's place.
    fn before<'a>(&self, group: &'a [Self]) -> Option<&'a Self> {
        let mut left: Vec<&Self> = group.iter().filter(|other| other.meter.removed_on.is_some()).collect();
        left.sort_by_key(|other| Reverse(other.meter.removed_on));
        let mut came: Vec<&Self> = group.iter().collect();
        came.sort_by_key(|other| other.meter.installed_on);
        for meter in came {
            let before = left.iter().position(|old| meter.may_follow(old)).map(|at| left.remove(at));
            if std::ptr::eq(meter, self) {
                return before;
            }
        }
        None
    }

    fn may_follow(&self, old: &Self) -> bool {
        let day = self.meter.installed_on;
        let gone = |removed: Day| removed <= day && removed >= day.plus_days(-LONGEST_GAP);
        old.meter.removed_on.is_some_and(gone) && old.meter.installed_on < day
    }

    /// Whether it took the place on the day on which the meter before was removed.
    fn follows_at_once(&self, before: &Self) -> bool {
        before.meter.removed_on == Some(self.meter.installed_on)
    }

    /// What it counted in the month; of the month in which it was installed only where it took another's place at once.
    fn counted(&self, period: Period, group: &[Self]) -> Option<Quantity> {
        if self.begins(period) {
            let before = self.before(group)?;
            return self.begun(period).filter(|_| self.follows_at_once(before));
        }
        self.used(*self.months.get(&period)?)
    }

    /// What it counted of the month since it was installed in it.
    fn begun(&self, period: Period) -> Option<Quantity> {
        let first = self.first.filter(|_| self.begins(period))?;
        let last = self.closed.iter().find(|figures| figures.period == period)?;
        self.used(last.since(&first, 0, self.meter.digits))
    }

    /// What its dial counted, in the resource's units.
    fn used(&self, shown: Quantity) -> Option<Quantity> {
        let volume = Quantity(shown.0.checked_mul(i64::from(self.meter.factor))?);
        Some(volume).filter(|volume| volume.0 >= 0)
    }

    /// What was counted in its place in a month: before its time by the meter whose place it took.
    fn in_place(&self, period: Period, group: &[Self]) -> Option<Quantity> {
        let Some(before) = self.before(group) else { return self.counted(period, group) };
        match period.cmp(&self.meter.installed_on.period()) {
            std::cmp::Ordering::Less => before.in_place(period, group),
            std::cmp::Ordering::Equal => Some(before.counted(period, group)? + self.counted(period, group)?),
            std::cmp::Ordering::Greater => self.counted(period, group),
        }
    }

    /// The day from which there was a meter in its place.
    fn there_since(&self, group: &[Self]) -> Day {
        self.before(group).map_or(self.meter.installed_on, |before| before.there_since(group))
    }

    /// What stands in for a month that it did not count.
    fn instead(&self, period: Period, group: &[Self], averages: Averages) -> Instead {
        if heats(&self.meter) && self.in_place(period.plus(-YEAR), group) == Some(Quantity::ZERO) {
            return Instead::OffSeason;
        }
        let average = self.average(period, group, averages);
        average.map_or(Instead::Norm, |average| Instead::Average(self.part(average, period, group)))
    }

    /// The mean of the months before one that it did not count.
    fn average(&self, period: Period, group: &[Self], averages: Averages) -> Option<Quantity> {
        let most = i32::try_from(averages.periods).unwrap_or(YEAR);
        let back = |months: i32| self.in_place(period.plus(-months), group);
        let last = (1..=most).find(|months| back(*months).is_some())?;
        let heats = heats(&self.meter);
        // Heat is not used in summer: where nobody knows the month of the year before, the last one that is known tells.
        if heats && back(YEAR).is_none() && back(last) == Some(Quantity::ZERO) {
            return None;
        }
        let known = (last..last + YEAR).filter_map(back).filter(|volume| !heats || *volume > Quantity::ZERO);
        let months = if heats {
            known.collect::<Vec<_>>()
        } else {
            known.take(usize::try_from(averages.months).unwrap_or_default()).collect()
        };
        // A season is shorter than what a meter that counts all year must be known for.
        let wanted = Averages { months: if heats { averages.months_when_new } else { averages.months }, ..averages };
        mean(&wanted.made_of(months, self.there_since(group), period.plus(1 - last)))
    }

    /// What of a month's average stands in for it: of the month in which it was taken away the part until then; of the
    /// one in which it came the part for which the place was empty, beside what it counted since.
    fn part(&self, average: Quantity, period: Period, group: &[Self]) -> Quantity {
        let until = |day: Day| part_until(average, day);
        if self.begins(period) {
            let empty_since = self.before(group).and_then(|before| before.meter.removed_on);
            let until_empty = empty_since.filter(|day| day.period() == period).map(until).unwrap_or_default();
            let until_there = until(self.meter.installed_on);
            let since = self.begun(period).unwrap_or(average - until_there);
            return until_there - until_empty + since;
        }
        let left = self.meter.removed_on.filter(|removed| removed.period() == period);
        left.map_or(average, until)
    }

    fn unread(&self, period: Period, group: &[Self]) -> Unread {
        let before = self.before(group).filter(|before| self.begins(period) && !self.follows_at_once(before));
        if let Some(before) = before {
            // The place was empty for the reason for which it was taken away.
            return before.unread(period, group);
        }
        let (first, last) = (period.first_day(), period.last_day());
        let end = self.meter.removed_on.map_or(last, |removed| removed.min(last));
        let within = |fault: &Fault| fault.since <= end && fault.ended_on.is_none_or(|ended| ended > first);
        match self.meter.verified_until {
            _ if self.faults.iter().any(within) => Unread::Failed,
            Some(until) if until < end => Unread::Expired,
            _ => Unread::NoReading,
        }
    }
}

fn heats(meter: &house_meter::Model) -> bool {
    meter.service_code == Resource::Heat.code()
}

/// What a dial counted month by month between `closed` readings, newest first, where it `worked` from one to the next.
/// What was read at once over several months was used in equal parts; heat in those of them that had some the year
/// before.
fn monthly(
    closed: &[Figures],
    meter: &house_meter::Model,
    worked: impl Fn(&Figures, &Figures) -> bool,
) -> HashMap<Period, Quantity> {
    let mut months: HashMap<Period, Quantity> = HashMap::new();
    for pair in closed.windows(2).rev().filter(|pair| worked(&pair[0], &pair[1])) {
        let summer = |period: &Period| heats(meter) && months.get(&period.plus(-YEAR)) == Some(&Quantity::ZERO);
        let equal: Vec<(Period, Quantity)> = by_month(pair, 0, meter.digits).collect();
        let (idle, heated): (Vec<Period>, Vec<Period>) = equal.iter().map(|(period, _)| *period).partition(summer);
        if idle.is_empty() || heated.is_empty() {
            months.extend(equal);
            continue;
        }
        let part = divide(pair[0].since(&pair[1], 0, meter.digits), i64::try_from(heated.len()).unwrap_or(i64::MAX));
        months.extend(heated.into_iter().map(|period| (period, part)));
        months.extend(idle.into_iter().map(|period| (period, Quantity::ZERO)));
    }
    months
}

fn serving(group: &[Metered], period: Period) -> Vec<&Metered> {
    group.iter().filter(|meter| meter.serves(period)).collect()
}

fn serials(meters: &[&Metered]) -> String {
    meters.iter().map(|meter| meter.meter.serial.as_str()).collect::<Vec<_>>().join(", ")
}

fn sum(volumes: Vec<Quantity>) -> Quantity {
    volumes.into_iter().fold(Quantity::ZERO, |sum, of| sum + of)
}

/// What all the meters of a resource counted in a month, their serial numbers, and of a single meter that shows the
/// volume itself the readings around it.
pub(super) type Together = (Quantity, String, Option<(Quantity, Quantity)>);

/// The month where each of the meters counted it.
pub(super) fn together(group: &[Metered], period: Period) -> Option<Together> {
    let serving = serving(group, period);
    let volumes: Option<Vec<Quantity>> = serving.iter().map(|meter| meter.counted(period, group)).collect();
    let volumes = volumes.filter(|volumes| !volumes.is_empty())?;
    let readings = match serving.as_slice() {
        [only] if only.meter.factor == 1 => {
            let now = only.closed.iter().find(|figures| figures.period == period);
            let before = only.closed.iter().find(|figures| figures.period == period.previous());
            before.zip(now).map(|(before, now)| (before.values[0], now.values[0]))
        }
        _ => None,
    };
    Some((sum(volumes), serials(&serving), readings))
}

/// The month where some meter did not count it, from the month after that of the installation on: why, the serial
/// numbers, and what stands in for what all meters come to.
pub(super) fn instead(group: &[Metered], period: Period, averages: Averages) -> Option<(Unread, String, Instead)> {
    let serving = serving(group, period);
    if serving.iter().any(|meter| meter.begins(period) && meter.before(group).is_none()) {
        return None;
    }
    let missing = serving.iter().find(|meter| meter.counted(period, group).is_none())?;
    let each = serving.iter().map(|meter| match meter.counted(period, group) {
        Some(volume) => Instead::Average(volume),
        None => meter.instead(period, group, averages),
    });
    Some((missing.unread(period, group), serials(&serving), each.reduce(Instead::and)?))
}

#[cfg(test)]
mod tests;
