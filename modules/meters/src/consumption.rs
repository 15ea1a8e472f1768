//! What billing asks: what each meter of a batch of accounts shows for a month.

use std::collections::{BTreeMap, HashMap};

use kabinet_contracts::{AccountId, ImaginedReading, MeterId};
use kabinet_core::{Day, DbError, Period, Quantity, Timestamp, Tx};
use uuid::Uuid;

use crate::store::{self, BillingMeter, BillingReading};
use crate::volume::{Figures, closings, consumed, monthly_volumes, months_between};

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
    /// be needed, that is without a current reading or with an expired verification, empty elsewhere.
    pub history: Vec<Quantity>,
}

/// The meters of `accounts` in service during `period`, by account, each account's by identifier.
///
/// Fast for accounts that follow each other in the order of their identifiers, up to about 1,000: two
/// statements over that range, and one per 512 meters that need a longer look back (no reading this
/// month or the month before, verification expired).
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
    let mut readings = by_meter(stored);

    let unclear: Vec<MeterId> = meters
        .iter()
        .filter(|meter| needs_history(meter, period, readings.get(&meter.id).map_or(&[], Vec::as_slice)))
        .map(|meter| meter.id)
        .collect();
    let look_back = period.plus(-13).first_day();
    let mut further = store::readings_back_to(tx, &unclear, look_back, period.last_day()).await?;
    further.extend(imagined.iter().filter(|reading| unclear.contains(&reading.meter)).map(as_stored));
    readings.extend(by_meter(further));

    let mut months: HashMap<AccountId, Vec<MeterMonth>> = HashMap::with_capacity(accounts.len());
    // Identifiers differ from one import to the next; what is calculated must not depend on them.
    meters.sort_by(|a, b| {
        (a.account, &a.service_code, &a.serial, a.id).cmp(&(b.account, &b.service_code, &b.serial, b.id))
    });
    for meter in meters {
        let read = readings.get(&meter.id).map_or(&[][..], Vec::as_slice);
        months.entry(meter.account).or_default().push(month(meter, period, read));
    }
    Ok(months)
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
    let ids: Vec<MeterId> = meters.iter().map(|meter| meter.id).collect();
    let readings = by_meter(store::readings_back_to(tx, &ids, from.first_day(), to.last_day()).await?);
    let mut sums: HashMap<AccountId, Option<Quantity>> = HashMap::new();
    for meter in meters {
        let read = readings.get(&meter.id).map_or(&[][..], Vec::as_slice);
        let volume = between(&meter, (from, to), read);
        let sum = sums.entry(meter.account).or_insert(Some(Quantity::ZERO));
        *sum = sum.zip(volume).map(|(sum, volume)| sum + volume);
    }
    Ok(sums.into_iter().filter_map(|(account, sum)| Some((account, sum?))).collect())
}

/// What the meter measured between the last reading before `from` and the last of `to`, all zones together.
fn between(meter: &BillingMeter, (from, to): (Period, Period), newest_first: &[BillingReading]) -> Option<Quantity> {
    let closed = closings(newest_first.iter().map(|reading| reading.figures));
    let end = closed.first().filter(|f| f.period == to)?;
    let start = closed.iter().find(|f| f.period < from)?;
    let zone = |index: usize| consumed(start.values[index], end.values[index], meter.digits);
    Some((0..usize::try_from(meter.zones).unwrap_or(1).clamp(1, 3)).map(zone).fold(Quantity::ZERO, |sum, of| sum + of))
}

/// As the latest of its day.
fn as_stored(reading: &ImaginedReading) -> BillingReading {
    let ImaginedReading { meter, taken_on, values } = *reading;
    let figures = Figures { period: taken_on.period(), taken_on, values };
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
    let before = newest_first.iter().any(|r| r.figures.period < period);
    !now || !before || expired(meter, period)
}

/// What `meter` showed in `period`; `newest_first` are its readings up to the end of it.
fn month(meter: BillingMeter, period: Period, newest_first: &[BillingReading]) -> MeterMonth {
    let figures = || newest_first.iter().map(|reading| reading.figures);
    let last = figures().find(|f| f.period == period);
    let earlier = figures().find(|f| f.period < period);
    // Installed this month: the oldest reading is the one it was installed with.
    let first = figures().next_back().filter(|_| earlier.is_none());
    let previous = earlier.or(first);
    let only_first = earlier.is_none() && newest_first.len() == 1;
    let current = last.filter(|_| !only_first);

    let closed = closings(figures().filter(|f| f.period < period));
    let with_history = current.is_none() || expired(&meter, period);
    let zones = usize::try_from(meter.zones).unwrap_or(1).clamp(1, 3);
    let zone = |index: usize| {
        let before = previous.map_or(Quantity::ZERO, |f: Figures| f.values[index]);
        let now = current.map(|f| f.values[index]);
        let history =
            if with_history { monthly_volumes(&closed, index, meter.digits, HISTORY_MONTHS) } else { Vec::new() };
        ZoneMonth {
            previous: before,
            previous_on: previous.map_or(meter.installed_on, |f| f.taken_on),
            current: now,
            current_on: current.map(|f| f.taken_on),
            volume: now.map(|now| consumed(before, now, meter.digits)),
            history,
        }
    };
    MeterMonth {
        meter: meter.id,
        zones: (0..zones).map(zone).collect(),
        missed_periods: missed(&meter, period, earlier),
        service_code: meter.service_code,
        serial: meter.serial,
        place: meter.place,
        verified_until: meter.verified_until,
        automatic: meter.automatic,
    }
}

fn missed(meter: &BillingMeter, period: Period, earlier: Option<Figures>) -> u32 {
    // A meter without any reading missed every period since the one it was installed in.
    let last = earlier.map_or(meter.installed_on.period().previous(), |f| f.period);
    u32::try_from(months_between(last, period) - 1).unwrap_or_default()
}
