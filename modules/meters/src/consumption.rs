//! What billing asks: what each meter of a batch of accounts shows for a month.

use std::collections::{BTreeMap, HashMap};

use kabinet_contracts::{AccountId, ImaginedReading, MeterId};
use kabinet_core::{Day, DbError, Period, Quantity, Timestamp, Tx};
use uuid::Uuid;

use crate::entity::meter;
use crate::faults::Faults;
use crate::replacement::{Counted, part_until, volumes};
use crate::store::{self, BillingMeter, BillingReading};
use crate::uncounted::Uncounted;
use crate::volume::{Figures, closings, months_between};

/// Most monthly volumes in [`ZoneMonth::history`].
const HISTORY_MONTHS: usize = 12;

/// When an average stands in for the meters of an account, as the plugin that charges it has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Averages {
    /// Months in a row that are charged by average before the norm takes its place.
    pub periods: u32,
    /// Known months that make an average.
    pub months: u32,
    /// As many are enough for a meter that has not been there as long.
    pub months_when_new: u32,
}

impl Averages {
    /// The `known` months before `unread`, or nothing where they make no average for a meter installed on a day.
    pub(crate) fn made_of(self, known: Vec<Quantity>, installed_on: Day, unread: Period) -> Vec<Quantity> {
        let there = u32::try_from(months_between(installed_on.period(), unread)).unwrap_or_default();
        let least = if there < self.months { self.months_when_new } else { self.months };
        if known.len() < usize::try_from(least).unwrap_or(HISTORY_MONTHS) { Vec::new() } else { known }
    }
}

/// A meter that was in service in a month, with what it showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterMonth {
    /// The meter.
    pub meter: MeterId,
    /// Code of the service it measures: `cold_water`, … (see [`crate::Resource`]).
    pub service_code: String,
    /// Serial number.
    pub serial: String,
    /// Where it hangs; may be empty.
    pub place: String,
    /// One entry a zone, Т1 first.
    pub zones: Vec<ZoneMonth>,
    /// Consecutive periods directly before this one without a reading.
    pub missed_periods: u32,
    /// Last day of its verification.
    pub verified_until: Option<Day>,
    /// Whether it reports by itself.
    pub automatic: bool,
    /// What keeps the month from being charged by it: how it stood at the end, where no reading came before.
    pub uncounted: Option<Uncounted>,
}

/// One zone of a meter in a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneMonth {
    /// The last reading of any earlier period, or the one at installation when it was installed in this.
    pub previous: Quantity,
    /// Its date; the day of installation when there is no reading at all.
    pub previous_on: Day,
    /// The last reading of the month; `None` when none came.
    pub current: Option<Quantity>,
    /// Its date.
    pub current_on: Option<Day>,
    /// `current` − `previous`, a dial that started again from 0 considered; negative only after a
    /// correction downwards.
    pub volume: Option<Quantity>,
    /// Monthly volumes of earlier metered months, newest first, at most 12: filled where an average may be needed,
    /// that is without a current reading or after months without one; empty elsewhere, and where they are too few for
    /// one (see [`Averages`]). Of a meter that took another's place the other's months come along. Of one that was
    /// replaced within the month and left without a reading, each volume's part for the days before.
    pub history: Vec<Quantity>,
}

/// The meters of `accounts` in service during `period`, by account, each account's by identifier, as if the
/// `imagined` readings of that month had come last.
///
/// Fast for accounts that follow each other in the order of their identifiers, up to about 1,000: two
/// statements over that range, and one per 512 meters that need a longer look back (no reading this
/// month or the month before that counts, the first months after a replacement).
pub async fn for_accounts(
    tx: &Tx,
    period: Period,
    accounts: &HashMap<AccountId, Averages>,
    imagined: &[ImaginedReading],
) -> Result<HashMap<AccountId, Vec<MeterMonth>>, DbError> {
    let (Some(from), Some(to)) = (accounts.keys().min(), accounts.keys().max()) else { return Ok(HashMap::new()) };
    let mut meters = store::meters_in_service(tx, *from, *to, period).await?;
    meters.retain(|meter| accounts.contains_key(&meter.account));
    let mut stored = store::readings_of_periods(tx, *from, *to, period.previous(), period).await?;
    stored.extend(imagined.iter().map(as_stored));
    let mut counting = Counting::of(tx, &meters, period).await?;
    stored.retain(|reading| counting.counts(reading));
    let mut readings = by_meter(stored);

    let unclear: Vec<&BillingMeter> = meters
        .iter()
        .filter(|meter| needs_history(meter, period, readings.get(&meter.id).map_or(&[], Vec::as_slice)))
        .collect();
    let old: Vec<MeterId> = unclear.iter().filter_map(|meter| meter.replaces).collect();
    let ids: Vec<MeterId> = unclear.iter().map(|meter| meter.id).chain(old.iter().copied()).collect();
    let gone = dials(tx, &old).await?;
    counting.know(gone.iter().map(|(id, dial)| (*id, dial.verified_until)));
    let look_back = period.plus(-13).first_day();
    let mut further = store::readings_back_to(tx, &ids, look_back, period.last_day()).await?;
    further.extend(imagined.iter().filter(|reading| ids.contains(&reading.meter)).map(as_stored));
    further.retain(|reading| counting.counts(reading));
    // What was looked for anew is all that counts of these.
    for id in &ids {
        readings.remove(id);
    }
    readings.extend(by_meter(further));

    let mut months: HashMap<AccountId, Vec<MeterMonth>> = HashMap::with_capacity(accounts.len());
    // Identifiers differ from one import to the next; what is calculated must not depend on them.
    meters.sort_by(|a, b| {
        (a.account, &a.service_code, &a.serial, a.id).cmp(&(b.account, &b.service_code, &b.serial, b.id))
    });
    let replaced: std::collections::HashSet<MeterId> = meters.iter().filter_map(|meter| meter.replaces).collect();
    for meter in meters {
        let Some(averages) = accounts.get(&meter.account).copied() else { continue };
        let figures = |id: &MeterId| -> Vec<Figures> {
            readings.get(id).into_iter().flatten().map(|reading| reading.figures).collect()
        };
        let before = meter.replaces.and_then(|old| Some(Before { readings: figures(&old), of: *gone.get(&old)? }));
        let end = meter.removed_on.map_or(period.last_day(), |on| on.min(period.last_day()));
        let uncounted = counting.uncounted(meter.id, end);
        let replaced = replaced.contains(&meter.id);
        let case = Case { period, averages, own: figures(&meter.id), before, replaced, uncounted, meter };
        months.entry(case.meter.account).or_default().push(case.month());
    }
    Ok(months)
}

/// What counts of what was read up to the end of a month.
struct Counting {
    month: Period,
    faults: Faults,
    /// Last days of the verifications that ended before the month.
    verified: HashMap<MeterId, Day>,
}

impl Counting {
    /// With the faults of these meters and of those whose places they took.
    async fn of(tx: &Tx, meters: &[BillingMeter], month: Period) -> Result<Self, DbError> {
        let faulty = meters.iter().filter(|meter| meter.faulty);
        let ids: Vec<MeterId> = faulty.flat_map(|meter| [Some(meter.id), meter.replaces]).flatten().collect();
        let mut counting = Self { month, faults: Faults::of(tx, &ids).await?, verified: HashMap::new() };
        counting.know(meters.iter().map(|meter| (meter.id, meter.verified_until)));
        Ok(counting)
    }

    /// Learns when the verifications of meters end.
    fn know(&mut self, meters: impl Iterator<Item = (MeterId, Option<Day>)>) {
        let end = self.month.last_day();
        self.verified.extend(meters.filter_map(|(id, until)| Some((id, until.filter(|until| *until < end)?))));
    }

    /// What keeps a reading of the meter on a day from being charged by.
    fn uncounted(&self, meter: MeterId, day: Day) -> Option<Uncounted> {
        Uncounted::of(self.faults.on(meter, day), self.verified.get(&meter).copied(), day)
    }

    fn counts(&self, reading: &BillingReading) -> bool {
        // What counts for a later month may have been taken in this one.
        reading.figures.period <= self.month && self.uncounted(reading.meter, reading.figures.taken_on).is_none()
    }
}

/// What a meter that left was like.
#[derive(Clone, Copy, Debug)]
struct Dial {
    digits: i32,
    zones: i32,
    installed_on: Day,
    verified_until: Option<Day>,
}

/// The dials of these meters, wherever they are now.
async fn dials(tx: &Tx, meters: &[MeterId]) -> Result<HashMap<MeterId, Dial>, DbError> {
    let rows = store::meters_by_id(tx, meters).await?;
    let dial = |row: meter::Model| {
        let meter::Model { id, digits, zones, installed_on, verified_until, .. } = row;
        (id, Dial { digits, zones, installed_on, verified_until })
    };
    Ok(rows.into_iter().map(dial).collect())
}

/// What the meters of a service's code measured over the months `from` to `to`, of the accounts `first` to `last`
/// all of whose meters of it were read before the first and in the last of these months.
pub async fn over_months(
    tx: &Tx,
    service_code: &str,
    (from, to): (Period, Period),
    (first, last): (AccountId, AccountId),
) -> Result<HashMap<AccountId, Quantity>, DbError> {
    let mut meters = store::meters_in_service(tx, first, last, to).await?;
    meters.retain(|meter| meter.service_code == service_code);
    let old: Vec<MeterId> = meters.iter().filter_map(|meter| meter.replaces).collect();
    let ids: Vec<MeterId> = meters.iter().map(|meter| meter.id).chain(old.iter().copied()).collect();
    let mut readings = store::readings_back_to(tx, &ids, from.first_day(), to.last_day()).await?;
    let gone = dials(tx, &old).await?;
    let mut counting = Counting::of(tx, &meters, to).await?;
    counting.know(gone.iter().map(|(id, dial)| (*id, dial.verified_until)));
    readings.retain(|reading| counting.counts(reading));
    let readings = by_meter(readings);
    let mut sums: HashMap<AccountId, Option<Quantity>> = HashMap::new();
    // What a meter counted that was replaced comes along with the one in its place.
    for meter in meters.iter().filter(|meter| !old.contains(&meter.id)) {
        let read = |id: &MeterId| readings.get(id).map_or(&[][..], Vec::as_slice);
        let before = meter.replaces.and_then(|old| Some((read(&old), *gone.get(&old)?)));
        let volume = between(meter, (from, to), read(&meter.id), before);
        let sum = sums.entry(meter.account).or_insert(Some(Quantity::ZERO));
        *sum = sum.zip(volume).map(|(sum, volume)| sum + volume);
    }
    Ok(sums.into_iter().filter_map(|(account, sum)| Some((account, sum?))).collect())
}

/// What the meter measured between the last reading before `from` and the last of `to`, all zones together; one
/// that took another's place within these months with what the other had measured by then.
fn between(
    meter: &BillingMeter,
    (from, to): (Period, Period),
    newest_first: &[BillingReading],
    before: Option<(&[BillingReading], Dial)>,
) -> Option<Quantity> {
    let counted = |end: &Figures, start: &Figures, dial: Dial| {
        let zones = usize::try_from(dial.zones).unwrap_or(1).clamp(1, 3);
        (0..zones).map(|zone| end.since(start, zone, dial.digits)).fold(Quantity::ZERO, |sum, of| sum + of)
    };
    let BillingMeter { digits, zones, installed_on, verified_until, .. } = *meter;
    let own = Dial { digits, zones, installed_on, verified_until };
    let closed = closings(newest_first.iter().map(|reading| reading.figures));
    let end = closed.first().filter(|f| f.period == to)?;
    if let Some(start) = closed.iter().find(|f| f.period < from) {
        return Some(counted(end, start, own));
    }
    let first = newest_first.last().map(|reading| reading.figures).filter(|f| f.taken_on == meter.installed_on)?;
    let (old, dial) = before?;
    let old = closings(old.iter().map(|reading| reading.figures));
    let last = old.first().filter(|f| f.taken_on == meter.installed_on)?;
    let start = old.iter().find(|f| f.period < from)?;
    Some(counted(end, &first, own) + counted(last, start, dial))
}

/// As the latest of its day.
fn as_stored(reading: &ImaginedReading) -> BillingReading {
    let ImaginedReading { meter, taken_on, period, values, rollover } = *reading;
    let figures = Figures { period, taken_on, values, rollover };
    BillingReading { meter, id: Uuid::max(), created_at: Timestamp(i64::MAX), figures }
}

fn by_meter(rows: Vec<BillingReading>) -> BTreeMap<MeterId, Vec<BillingReading>> {
    let mut readings: BTreeMap<MeterId, Vec<BillingReading>> = BTreeMap::new();
    for row in rows {
        readings.entry(row.meter).or_default().push(row);
    }
    for list in readings.values_mut() {
        list.sort_unstable_by_key(|r| std::cmp::Reverse((r.figures.taken_on, r.created_at, r.figures.values, r.id)));
    }
    readings
}

/// Whether the two months at hand do not tell everything about the meter.
fn needs_history(meter: &BillingMeter, period: Period, newest_first: &[BillingReading]) -> bool {
    let now = newest_first.iter().any(|r| r.figures.period == period);
    let before = newest_first.iter().find(|r| r.figures.period < period);
    let young = meter.replaces.is_some() && before.is_some_and(|r| r.figures.taken_on == meter.installed_on);
    !now || before.is_none() || young
}

/// The meter whose place another took.
struct Before {
    /// Its readings, newest first.
    readings: Vec<Figures>,
    of: Dial,
}

/// A meter in a month with what was read of it.
struct Case {
    meter: BillingMeter,
    period: Period,
    averages: Averages,
    /// Its readings up to the end of the month, newest first.
    own: Vec<Figures>,
    /// The meter whose place it took, where that is known to matter.
    before: Option<Before>,
    /// Another took its place within the month.
    replaced: bool,
    /// What kept readings from counting at the end of the month, or of its service.
    uncounted: Option<Uncounted>,
}

impl Case {
    /// What the meter showed in the month.
    fn month(self) -> MeterMonth {
        let (meter, period) = (&self.meter, self.period);
        let last = self.own.iter().find(|f| f.period == period);
        let earlier = self.own.iter().find(|f| f.period < period);
        // Installed this month: the oldest reading is the one it was installed with.
        let previous = earlier.or(self.own.last());
        let only_first = earlier.is_none() && self.own.len() == 1;
        // What a meter counts after it took another's place is charged by its next reading.
        let begins = only_first && self.before.is_some() && !self.begins_unknown(period);
        let current = last.filter(|_| !only_first || begins);

        let unread = current.is_none();
        let missed_periods = self.missed(earlier);
        let with_history = unread || missed_periods > 0;
        let left = meter.removed_on.filter(|removed| unread && self.replaced && removed.period() == period);
        let zones = usize::try_from(meter.zones).unwrap_or(1).clamp(1, 3);
        let zone = |index: usize| {
            let history = if with_history { self.history(index, missed_periods) } else { Vec::new() };
            let history = history.into_iter().map(|volume| left.map_or(volume, |day| part_until(volume, day)));
            ZoneMonth {
                previous: previous.map_or(Quantity::ZERO, |f| f.values[index]),
                previous_on: previous.map_or(meter.installed_on, |f| f.taken_on),
                current: current.map(|f| f.values[index]),
                current_on: current.map(|f| f.taken_on),
                volume: current.zip(previous).map(|(now, before)| now.since(before, index, meter.digits)),
                history: history.collect(),
            }
        };
        let zones = (0..zones).map(zone).collect();
        let BillingMeter { id, service_code, serial, place, verified_until, automatic, .. } = self.meter;
        MeterMonth {
            meter: id,
            service_code,
            serial,
            place,
            zones,
            missed_periods,
            verified_until,
            automatic,
            uncounted: self.uncounted.filter(|_| unread),
        }
    }

    /// Volumes of the months before this one, newest first, where they make an average after so many missed months.
    fn history(&self, zone: usize, missed: u32) -> Vec<Quantity> {
        let earlier: Vec<Figures> = self.own.iter().copied().filter(|f| f.period < self.period).collect();
        let own = Counted { readings: &earlier, digits: self.meter.digits };
        let alike = self.before.as_ref().filter(|old| old.of.zones == self.meter.zones);
        let before = alike.map(|old| {
            let counted = Counted { readings: &old.readings, digits: old.of.digits };
            (counted, self.meter.installed_on)
        });
        let known = volumes(own, before, zone).into_iter().filter(|(period, _)| *period < self.period);
        let known = known.map(|(_, volume)| volume).take(HISTORY_MONTHS).collect();
        let unread = self.period.plus(-i32::try_from(missed).unwrap_or_default());
        self.averages.made_of(known, self.meter.installed_on, unread)
    }

    /// Whether the month in which the meter took another's place is charged by norm: the other left without a reading,
    /// and its earlier months make no average, or the months before were charged by it already. The new one is unread
    /// in that month then.
    fn begins_unknown(&self, period: Period) -> bool {
        let Some(old) = self.before.as_ref() else { return false };
        let left_unread = old.readings.iter().all(|f| f.period != period);
        let earlier: Vec<Figures> = old.readings.iter().copied().filter(|f| f.period < period).collect();
        let Some(last) = earlier.first() else { return left_unread };
        let known = volumes(Counted { readings: &earlier, digits: old.of.digits }, None, 0);
        let known = known.into_iter().map(|(_, volume)| volume).take(HISTORY_MONTHS).collect();
        let unknown = self.averages.made_of(known, old.of.installed_on, last.period.next()).is_empty();
        let missed = u32::try_from(months_between(last.period, period) - 1).unwrap_or_default();
        left_unread && (unknown || missed >= self.averages.periods)
    }

    fn missed(&self, earlier: Option<&Figures>) -> u32 {
        // A meter without any reading missed every period since the one it was installed in.
        let since = self.meter.installed_on.period();
        let last = earlier.map_or(since.previous(), |f| f.period);
        let first = earlier.is_some_and(|f| f.taken_on == self.meter.installed_on) && self.begins_unknown(since);
        let months = months_between(last, self.period) - 1 + i32::from(first);
        u32::try_from(months).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_that_was_there_for_half_a_year_must_be_known_for_as_long() {
        let usual = Averages { periods: 3, months: 6, months_when_new: 3 };
        let known = |months: usize, installed_on: i32| {
            usual.made_of(vec![Quantity::whole(4); months], Day(installed_on), Period(202_611)).len()
        };
        // Installed in May, six months before; installed in June.
        assert_eq!((known(6, 20_260_531), known(5, 20_260_531)), (6, 0));
        assert_eq!((known(3, 20_260_601), known(2, 20_260_601)), (3, 0));
    }
}
