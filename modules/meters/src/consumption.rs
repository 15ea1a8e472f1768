//! What billing asks: what each meter of a batch of accounts shows for a month.

use std::collections::{BTreeMap, HashMap};

use kabinet_contracts::{AccountId, ImaginedReading, MeterId};
use kabinet_core::{Day, DbError, Period, Quantity, Timestamp, Tx};
use uuid::Uuid;

use crate::faults::{Fault, FaultKind, Faults};
use crate::replacement::{AVERAGE_MONTHS, Counted, part_until, volumes};
use crate::store::{self, BillingMeter, BillingReading};
use crate::volume::{Figures, closings, months_between};

/// Months that are charged by average before the norm takes its place, where people live (plugins know of the others).
const AVERAGED_AT_MOST: i32 = 3;
/// Most monthly volumes in [`ZoneMonth::history`].
const HISTORY_MONTHS: usize = 12;

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
    /// What keeps the month from being charged by it: the fault that it had at the end, where no reading came before.
    pub fault: Option<FaultKind>,
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
    /// Monthly volumes of earlier metered months, newest first, at most 12: filled where an average may
    /// be needed, that is without a current reading, after months without one, or with an expired verification; empty
    /// elsewhere. Of a meter
    /// that took another's place the other's months come along. Of one that was replaced within the month and left
    /// without a reading, each volume's part for the days before.
    pub history: Vec<Quantity>,
}

/// The meters of `accounts` in service during `period`, by account, each account's by identifier.
///
/// Fast for accounts that follow each other in the order of their identifiers, up to about 1,000: two
/// statements over that range, and one per 512 meters that need a longer look back (no reading this
/// month or the month before, verification expired, a fault, the first months after a replacement).
pub async fn for_accounts(
    tx: &Tx,
    period: Period,
    accounts: &[AccountId],
) -> Result<HashMap<AccountId, Vec<MeterMonth>>, DbError> {
    with_imagined(tx, period, accounts, &[]).await
}

/// The same as if the `imagined` readings of that month had come last.
pub async fn with_imagined(
    tx: &Tx,
    period: Period,
    accounts: &[AccountId],
    imagined: &[ImaginedReading],
) -> Result<HashMap<AccountId, Vec<MeterMonth>>, DbError> {
    let (Some(from), Some(to)) = (accounts.iter().min(), accounts.iter().max()) else { return Ok(HashMap::new()) };
    let wanted: std::collections::HashSet<&AccountId> = accounts.iter().collect();
    let mut meters = store::meters_in_service(tx, *from, *to, period).await?;
    meters.retain(|meter| wanted.contains(&meter.account));
    let mut stored = store::readings_of_periods(tx, *from, *to, period.previous(), period).await?;
    stored.extend(imagined.iter().map(as_stored));
    let faults = faults(tx, &meters).await?;
    // What counts for a later month may have been taken in this one.
    let counts = |reading: &BillingReading| {
        reading.figures.period <= period && faults.on(reading.meter, reading.figures.taken_on).is_none()
    };
    stored.retain(counts);
    let mut readings = by_meter(stored);

    let unclear: Vec<&BillingMeter> = meters
        .iter()
        .filter(|meter| needs_history(meter, period, readings.get(&meter.id).map_or(&[], Vec::as_slice)))
        .collect();
    let old: Vec<MeterId> = unclear.iter().filter_map(|meter| meter.replaces).collect();
    let ids: Vec<MeterId> = unclear.iter().map(|meter| meter.id).chain(old.iter().copied()).collect();
    let look_back = period.plus(-13).first_day();
    let mut further = store::readings_back_to(tx, &ids, look_back, period.last_day()).await?;
    further.extend(imagined.iter().filter(|reading| ids.contains(&reading.meter)).map(as_stored));
    further.retain(counts);
    readings.extend(by_meter(further));
    let gone = dials(tx, &old).await?;

    let mut months: HashMap<AccountId, Vec<MeterMonth>> = HashMap::with_capacity(accounts.len());
    // Identifiers differ from one import to the next; what is calculated must not depend on them.
    meters.sort_by(|a, b| {
        (a.account, &a.service_code, &a.serial, a.id).cmp(&(b.account, &b.service_code, &b.serial, b.id))
    });
    let replaced: std::collections::HashSet<MeterId> = meters.iter().filter_map(|meter| meter.replaces).collect();
    for meter in meters {
        let figures = |id: &MeterId| -> Vec<Figures> {
            readings.get(id).into_iter().flatten().map(|reading| reading.figures).collect()
        };
        let before = meter.replaces.and_then(|old| Some(Before { readings: figures(&old), of: *gone.get(&old)? }));
        let fault = faults.on(meter.id, meter.removed_on.map_or(period.last_day(), |on| on.min(period.last_day())));
        let replaced = replaced.contains(&meter.id);
        let case = Case { period, own: figures(&meter.id), before, replaced, fault, meter };
        months.entry(case.meter.account).or_default().push(case.month());
    }
    Ok(months)
}

/// The faults of these meters and of those whose places they took.
async fn faults(tx: &Tx, meters: &[BillingMeter]) -> Result<Faults, DbError> {
    let faulty = meters.iter().filter(|meter| meter.faulty);
    let ids: Vec<MeterId> = faulty.flat_map(|meter| [Some(meter.id), meter.replaces]).flatten().collect();
    Faults::of(tx, &ids).await
}

/// What the dial of a meter is like.
#[derive(Clone, Copy, Debug)]
struct Dial {
    digits: i32,
    zones: i32,
}

/// The dials of these meters, wherever they are now.
async fn dials(tx: &Tx, meters: &[MeterId]) -> Result<HashMap<MeterId, Dial>, DbError> {
    let rows = store::meters_by_id(tx, meters).await?;
    Ok(rows.into_iter().map(|meter| (meter.id, Dial { digits: meter.digits, zones: meter.zones })).collect())
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
    let faults = faults(tx, &meters).await?;
    let counts = |reading: &BillingReading| {
        reading.figures.period <= to && faults.on(reading.meter, reading.figures.taken_on).is_none()
    };
    readings.retain(counts);
    let readings = by_meter(readings);
    let gone = dials(tx, &old).await?;
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
    let own = Dial { digits: meter.digits, zones: meter.zones };
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

fn expired(meter: &BillingMeter, period: Period) -> bool {
    meter.verified_until.is_some_and(|until| until < period.last_day())
}

/// Whether the two months at hand do not tell everything about the meter.
fn needs_history(meter: &BillingMeter, period: Period, newest_first: &[BillingReading]) -> bool {
    let now = newest_first.iter().any(|r| r.figures.period == period);
    let before = newest_first.iter().find(|r| r.figures.period < period);
    let young = meter.replaces.is_some() && before.is_some_and(|r| r.figures.taken_on == meter.installed_on);
    !now || before.is_none() || young || expired(meter, period)
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
    /// Its readings up to the end of the month, newest first.
    own: Vec<Figures>,
    /// The meter whose place it took, where that is known to matter.
    before: Option<Before>,
    /// Another took its place within the month.
    replaced: bool,
    /// What it had at the end of the month, or of its service.
    fault: Option<Fault>,
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
        let with_history = unread || missed_periods > 0 || expired(meter, period);
        let left = meter.removed_on.filter(|removed| unread && self.replaced && removed.period() == period);
        let zones = usize::try_from(meter.zones).unwrap_or(1).clamp(1, 3);
        let zone = |index: usize| {
            let history = if with_history { self.history(index) } else { Vec::new() };
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
        let fault = self.fault.filter(|_| unread).map(|fault| fault.kind);
        MeterMonth { meter: id, service_code, serial, place, zones, missed_periods, verified_until, automatic, fault }
    }

    /// Volumes of the months before this one, newest first.
    fn history(&self, zone: usize) -> Vec<Quantity> {
        let earlier: Vec<Figures> = self.own.iter().copied().filter(|f| f.period < self.period).collect();
        let own = Counted { readings: &earlier, digits: self.meter.digits };
        let alike = self.before.as_ref().filter(|old| old.of.zones == self.meter.zones);
        let before = alike.map(|old| {
            let counted = Counted { readings: &old.readings, digits: old.of.digits };
            (counted, self.meter.installed_on)
        });
        let known = volumes(own, before, zone).into_iter().filter(|(period, _)| *period < self.period);
        known.map(|(_, volume)| volume).take(HISTORY_MONTHS).collect()
    }

    /// Whether the month in which the meter took another's place is charged by norm: the other left without a
    /// reading, and its earlier months make no average, or the months before were charged by it already. The new one is unread in that month then.
    fn begins_unknown(&self, period: Period) -> bool {
        let Some(old) = self.before.as_ref() else { return false };
        let left_unread = old.readings.iter().all(|f| f.period != period);
        let earlier: Vec<Figures> = old.readings.iter().copied().filter(|f| f.period < period).collect();
        let known = volumes(Counted { readings: &earlier, digits: old.of.digits }, None, 0);
        let missed = earlier.first().map_or(i32::MAX, |last| months_between(last.period, period) - 1);
        left_unread && (known.len() < AVERAGE_MONTHS || missed >= AVERAGED_AT_MOST)
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
