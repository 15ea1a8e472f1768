//! Taking readings: from people, judged, and from files and programs, as they are.

use std::collections::{BTreeSet, HashMap};

use kabinet_contracts::{AccountId, Estimates, ImaginedReading, MeterId, ReadingsStored};
use kabinet_core::{Day, DbError, Period, Quantity, Timestamp, Tx};
use sea_orm::Set;
use serde_json::json;
use uuid::Uuid;

use crate::entity::reading;
use crate::error::Error;
use crate::resource::Source;
use crate::store::{self, LookBack, MeterState, StoredReading};
use crate::submission::Submission;
use crate::verdict::{Judged, Read, Terms, judge};
use crate::view::service_title;
use crate::volume::MOST_ZONES;

/// Months before the current one whose readings are loaded, however many: their volumes are shown, and their mean is
/// the usual.
pub(crate) const USUAL_MONTHS: i32 = 6;

/// Readings that were stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Their date.
    pub date: Day,
    /// The month they count for.
    pub period: Period,
    /// When they were stored: with the account it names this submission.
    pub stored_at: Timestamp,
    /// The meters that were read.
    pub meters: Vec<MeterId>,
    /// Their readings, in the same order.
    pub readings: Vec<Uuid>,
    /// Which of them bills will not count and why, a line for each, in Russian.
    pub uncounted: Vec<String>,
}

/// A reading from a file or a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReading {
    /// The meter.
    pub meter: MeterId,
    /// The date it was taken.
    pub taken_on: Day,
    /// One value a zone of the meter.
    pub values: Vec<Quantity>,
    /// Where it came from.
    pub source: Source,
}

/// The readings that a judgement and the readings page need: those of this month and of the usual ones before it, and
/// the one that they are counted from.
pub(crate) fn look_back(today: Day) -> LookBack {
    LookBack { before: today.period().plus(-USUAL_MONTHS).first_day(), depth: 1 }
}

/// The account's meters with these readings. One statement.
pub(crate) async fn load(tx: &Tx, account: AccountId) -> Result<Vec<MeterState>, DbError> {
    store::meters_with_readings(tx, account, None, look_back(tx.today())).await
}

/// Judges what somebody sent and stores it, all or nothing; then announces [`ReadingsStored`] and writes the
/// audit log. Six statements, however many meters.
pub async fn submit(
    tx: &mut Tx,
    estimates: &dyn Estimates,
    account: AccountId,
    submission: &Submission,
    source: Source,
) -> Result<Accepted, Error> {
    // First of all: two forms sent at once would otherwise be judged by the same last reading.
    let charged = estimates.outdate(tx, &[account]).await?;
    let meters = load(tx, account).await?;
    take(tx, account, &meters, submission, (source, charged)).await
}

/// Judges what was sent for some of the account's `meters` and stores it; the account's estimate is outdated. What
/// comes after the bills of its month, the latest of which is `charged`, counts for the next.
pub(crate) async fn take(
    tx: &mut Tx,
    account: AccountId,
    meters: &[MeterState],
    submission: &Submission,
    (source, charged): (Source, Option<Period>),
) -> Result<Accepted, Error> {
    let today = submission.typed_on.unwrap_or(tx.today());
    let terms = Terms { charged, ..Terms::of(tx.tenant(), today, source)? };
    let judged = judge(meters, submission, terms).map_err(|refusal| Error::Refused(Box::new(refusal)))?;
    let moment = |read: &Read| moment(tx.now(), judged.date, meters[read.meter].readings.first());
    let stored_at = judged.values.iter().map(moment).max().unwrap_or(tx.now());
    let row = |read: &Read| reading::ActiveModel {
        created_at: Set(stored_at),
        captured_at: Set(submission.captured_at),
        ..judged_row(tx, account, meters, &judged, read, source)
    };
    let rows: Vec<_> = judged.values.iter().map(row).collect();
    let readings = rows.iter().filter_map(|row| row.id.try_as_ref().copied()).collect();
    tx.insert_many(rows).await?;
    announce(tx, account, judged.period).await?;
    tx.audit("meters.readings_stored", account, detail(meters, &judged, source)).await?;
    Ok(Accepted {
        date: judged.date,
        period: judged.period,
        stored_at,
        meters: judged.values.iter().map(|read| meters[read.meter].id).collect(),
        readings,
        uncounted: judged.values.iter().filter_map(|read| uncounted(&meters[read.meter], judged.date)).collect(),
    })
}

/// «Холодная вода № 18-1: срок поверки истёк 21.11.2026, показание не войдёт в расчёт»; none where it does.
fn uncounted(meter: &MeterState, on: Day) -> Option<String> {
    let (service, why) = (service_title(&meter.service_code), meter.uncounted(on)?.words());
    Some(format!("{service} № {}: {why}, показание не войдёт в расчёт", meter.serial))
}

/// Judges what somebody is typing, for a question what it would cost: doubts need no confirmation yet.
pub(crate) async fn imagine(
    tx: &Tx,
    account: AccountId,
    mut typed: Submission,
    (source, charged): (Source, Option<Period>),
) -> Result<Vec<ImaginedReading>, Error> {
    typed.rows.values_mut().for_each(|row| row.confirmed = true);
    let terms = Terms { charged, ..Terms::of(tx.tenant(), tx.today(), source)? };
    let meters = load(tx, account).await?;
    let judged = judge(&meters, &typed, terms).map_err(|refusal| Error::Refused(Box::new(refusal)))?;
    let (taken_on, period) = (judged.date, judged.period);
    let reading = |read: Read| {
        let (meter, values, rollover) = (meters[read.meter].id, read.values, read.rollover);
        ImaginedReading { meter, taken_on, period, values, rollover }
    };
    Ok(judged.values.into_iter().map(reading).collect())
}

/// The moment under which a reading of the day `on` is stored that follows `last`: the readings of a day stand in the
/// order of their moments, and the clock may have been set back since.
pub(crate) fn moment(now: Timestamp, on: Day, last: Option<&StoredReading>) -> Timestamp {
    let last = last.filter(|last| last.taken_on == on);
    last.map_or(now, |last| now.max(Timestamp(last.created_at.0 + 1)))
}

fn judged_row(
    tx: &Tx,
    account: AccountId,
    meters: &[MeterState],
    judged: &Judged,
    read: &Read,
    source: Source,
) -> reading::ActiveModel {
    let meter = &meters[read.meter];
    let row = row(tx, account, meter.id, judged.date, &read.values[..meter.zones], source);
    reading::ActiveModel { period: Set(judged.period), rollover: Set(read.rollover), ..row }
}

fn detail(meters: &[MeterState], judged: &Judged, source: Source) -> serde_json::Value {
    let read = |read: &Read| {
        let meter = &meters[read.meter];
        let mut said = json!({ "meter": meter.id, "values": &read.values[..meter.zones] });
        if read.rollover {
            said["rollover"] = json!(true);
        }
        said
    };
    json!({
        "date": judged.date,
        "source": source.code(),
        "readings": judged.values.iter().map(read).collect::<Vec<_>>(),
    })
}

pub(crate) async fn announce(tx: &mut Tx, account: AccountId, period: Period) -> Result<(), DbError> {
    tx.publish(&ReadingsStored { account, period }).await
}

pub(crate) fn row(
    tx: &Tx,
    account: AccountId,
    meter: MeterId,
    taken_on: Day,
    values: &[Quantity],
    source: Source,
) -> reading::ActiveModel {
    reading::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        id: Set(tx.new_id::<Uuid>()),
        meter_id: Set(meter),
        account_id: Set(account),
        period: Set(taken_on.period()),
        taken_on: Set(taken_on),
        value_t1: Set(values.first().copied().unwrap_or_default()),
        value_t2: Set(values.get(1).copied()),
        value_t3: Set(values.get(2).copied()),
        source: Set(source.code().to_owned()),
        actor_id: Set(tx.actor().id()),
        created_at: Set(tx.now()),
        rollover: Set(false),
        withdrawn_at: Set(None),
        withdrawn_by: Set(None),
        withdrawn_reason: Set(String::new()),
        captured_at: Set(None),
    }
}

/// Stores readings as they are, without the judgement that people get; how many were new. A reading of the same
/// meter, day and source that is there already is skipped, so that an import can be repeated. No event: the importer
/// reports what it did. Three statements per 512 meters and two per 1,000 new rows: bring up to a few thousand a call.
pub async fn record_many(tx: &Tx, estimates: &dyn Estimates, readings: Vec<NewReading>) -> Result<usize, Error> {
    let accounts = keep(tx, readings).await?;
    estimates.outdate(tx, &accounts).await?;
    Ok(accounts.len())
}

/// Stores the readings that are new; the account of each.
pub(crate) async fn keep(tx: &Tx, readings: Vec<NewReading>) -> Result<Vec<AccountId>, Error> {
    let (Some(from), Some(to)) = (readings.iter().map(|r| r.taken_on).min(), readings.iter().map(|r| r.taken_on).max())
    else {
        return Ok(Vec::new());
    };
    let ids: Vec<MeterId> = readings.iter().map(|r| r.meter).collect::<BTreeSet<_>>().into_iter().collect();
    let known = store::meters_by_id(tx, &ids).await?;
    let known: HashMap<MeterId, _> = known.into_iter().map(|meter| (meter.id, meter)).collect();
    let stored = store::readings_between(tx, &ids, from, to).await?;
    let mut seen: BTreeSet<(MeterId, Day, String)> =
        stored.into_iter().map(|r| (r.meter_id, r.taken_on, r.source)).collect();
    let (mut rows, mut accounts) = (Vec::new(), Vec::new());
    for reading in readings {
        let meter = known.get(&reading.meter).ok_or(Error::UnknownMeter(reading.meter))?;
        check_values(&reading.values, meter.zones, &meter.serial)?;
        if seen.insert((reading.meter, reading.taken_on, reading.source.code().to_owned())) {
            accounts.push(meter.account_id);
            rows.push(row(tx, meter.account_id, meter.id, reading.taken_on, &reading.values, reading.source));
        }
    }
    tx.insert_many(rows).await?;
    Ok(accounts)
}

/// Refuses a month whose bills are published, and gives up those that are only calculated: staff are about to change
/// what they are made of.
pub(crate) async fn uncharged(tx: &Tx, estimates: &dyn Estimates, period: Period) -> Result<(), Error> {
    // First of all: who publishes at this moment is waited for here, and seen by the question.
    estimates.outdate_runs(tx, period).await?;
    match estimates.published_until(tx).await? {
        Some(latest) if period <= latest => Err(Error::MonthCharged(period)),
        _ => Ok(()),
    }
}

/// One value a zone, none below zero.
pub(crate) fn check_values(values: &[Quantity], zones: i32, serial: &str) -> Result<(), Error> {
    let count = usize::try_from(zones).unwrap_or(1).clamp(1, MOST_ZONES);
    if values.len() != count {
        return Err(Error::Invalid(format!("meter {serial}: {} values for {count} zones", values.len())));
    }
    if values.iter().any(|value| value.0 < 0) {
        return Err(Error::Invalid(format!("meter {serial}: a value below zero")));
    }
    Ok(())
}
