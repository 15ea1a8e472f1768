//! Every query of the module.

use std::collections::HashMap;

use kabinet_contracts::{AccountId, MeterId};
use kabinet_core::{Day, DbError, Period, Quantity, Timestamp, Tx};
use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, ExprTrait, FromQueryResult, QueryFilter, QueryOrder, QueryResult, Value,
};
use uuid::Uuid;

use crate::entity::{house_meter, meter, meter_fault, meter_link, reading, reading_sending};
use crate::faults::{Fault, FaultKind};
use crate::links::{MOST_USES, MeterLink};
use crate::resource::Resource;
use crate::volume::Figures;

/// Identifiers in one IN list.
const MOST_IDS: usize = 512;

/// A meter as billing needs it.
#[derive(Clone, Debug)]
pub(crate) struct BillingMeter {
    pub(crate) id: MeterId,
    pub(crate) account: AccountId,
    pub(crate) service_code: String,
    pub(crate) serial: String,
    pub(crate) place: String,
    pub(crate) zones: i32,
    pub(crate) digits: i32,
    pub(crate) automatic: bool,
    pub(crate) installed_on: Day,
    pub(crate) verified_until: Option<Day>,
    pub(crate) removed_on: Option<Day>,
    pub(crate) replaces: Option<MeterId>,
    /// Whether it, or the one whose place it took, ever had a fault.
    pub(crate) faulty: bool,
}

impl FromQueryResult for BillingMeter {
    // By position: a run reads hundreds of thousands of these.
    fn from_query_result(row: &QueryResult, _prefix: &str) -> Result<Self, DbErr> {
        Ok(Self {
            id: row.try_get_by_index(0)?,
            account: row.try_get_by_index(1)?,
            service_code: row.try_get_by_index(2)?,
            serial: row.try_get_by_index(3)?,
            place: row.try_get_by_index(4)?,
            zones: row.try_get_by_index(5)?,
            digits: row.try_get_by_index(6)?,
            automatic: row.try_get_by_index(7)?,
            installed_on: row.try_get_by_index(8)?,
            verified_until: row.try_get_by_index(9)?,
            removed_on: row.try_get_by_index(10)?,
            replaces: row.try_get_by_index(11)?,
            faulty: row.try_get_by_index(12)?,
        })
    }
}

/// A reading as billing needs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BillingReading {
    pub(crate) meter: MeterId,
    pub(crate) id: Uuid,
    pub(crate) created_at: Timestamp,
    pub(crate) figures: Figures,
}

impl FromQueryResult for BillingReading {
    fn from_query_result(row: &QueryResult, _prefix: &str) -> Result<Self, DbErr> {
        let zone = |index| row.try_get_by_index::<Option<Quantity>>(index).map(Option::unwrap_or_default);
        Ok(Self {
            meter: row.try_get_by_index(0)?,
            id: row.try_get_by_index(1)?,
            created_at: row.try_get_by_index(2)?,
            figures: Figures {
                period: row.try_get_by_index(3)?,
                taken_on: row.try_get_by_index(4)?,
                values: [zone(5)?, zone(6)?, zone(7)?],
                rollover: row.try_get_by_index(8)?,
            },
        })
    }
}

/// Meters of accounts `from` to `to` that were in service on some day of `period`.
pub(crate) async fn meters_in_service(
    tx: &Tx,
    from: AccountId,
    to: AccountId,
    period: Period,
) -> Result<Vec<BillingMeter>, DbError> {
    let sql = "SELECT m.id, m.account_id, m.service_code, m.serial, m.place, m.zones, m.digits, m.automatic,
                      m.installed_on, m.verified_until, m.removed_on, m.replaces,
                      EXISTS (SELECT 1 FROM meter_fault f
                              WHERE f.tenant_id = m.tenant_id AND f.meter_id IN (m.id, m.replaces))
               FROM meter m
               WHERE m.tenant_id = $1 AND m.account_id BETWEEN $2 AND $3 AND m.installed_on <= $4
                 AND (m.removed_on IS NULL OR m.removed_on >= $5)
               ORDER BY m.id";
    let days = [period.last_day().into(), period.first_day().into()];
    tx.rows(sql, [from.into(), to.into()].into_iter().chain(days).collect()).await
}

/// Readings of accounts `from` to `to` of the periods `first` to `last`, in no order.
pub(crate) async fn readings_of_periods(
    tx: &Tx,
    from: AccountId,
    to: AccountId,
    first: Period,
    last: Period,
) -> Result<Vec<BillingReading>, DbError> {
    let sql = "SELECT r.meter_id, r.id, r.created_at, r.period, r.taken_on, r.value_t1, r.value_t2, r.value_t3,
                      r.rollover
               FROM reading r
               WHERE r.tenant_id = $1 AND r.account_id BETWEEN $2 AND $3 AND r.period BETWEEN $4 AND $5
                 AND r.withdrawn_at IS NULL";
    tx.rows(sql, vec![from.into(), to.into(), first.into(), last.into()]).await
}

/// Readings of `meters` from the latest one that counts before `since` to `until`, in no order.
pub(crate) async fn readings_back_to(
    tx: &Tx,
    meters: &[MeterId],
    since: Day,
    until: Day,
) -> Result<Vec<BillingReading>, DbError> {
    let mut readings = Vec::new();
    for some in meters.chunks(MOST_IDS) {
        let sql = format!(
            "SELECT r.meter_id, r.id, r.created_at, r.period, r.taken_on, r.value_t1, r.value_t2, r.value_t3,
                    r.rollover
             FROM meter m
             JOIN reading r ON r.tenant_id = m.tenant_id AND r.meter_id = m.id AND r.taken_on <= $3
              AND r.withdrawn_at IS NULL
              AND r.taken_on >= COALESCE((SELECT o.taken_on FROM reading o
                    WHERE o.tenant_id = m.tenant_id AND o.meter_id = m.id AND o.taken_on < $2
                      AND o.withdrawn_at IS NULL AND (m.verified_until IS NULL OR o.taken_on <= m.verified_until)
                      AND NOT EXISTS (SELECT 1 FROM meter_fault f
                            WHERE f.tenant_id = o.tenant_id AND f.meter_id = o.meter_id AND f.since <= o.taken_on
                              AND (f.ended_on IS NULL OR o.taken_on < f.ended_on))
                    ORDER BY o.taken_on DESC LIMIT 1), 0)
             WHERE m.tenant_id = $1 AND m.id IN ({})",
            placeholders(some.len(), 4)
        );
        let values = [since.into(), until.into()].into_iter().chain(padded(some)).collect();
        readings.extend(tx.rows::<BillingReading>(&sql, values).await?);
    }
    Ok(readings)
}

/// `$first, $first+1, …` for `count` values and the repetitions that [`padded`] adds.
fn placeholders(count: usize, first: usize) -> String {
    let names: Vec<String> = (first..first + count.next_power_of_two()).map(|n| format!("${n}")).collect();
    names.join(", ")
}

/// The identifiers, the last one repeated up to a power of two: few texts of statements to prepare.
fn padded(ids: &[MeterId]) -> impl Iterator<Item = Value> {
    let last = ids.last().copied();
    let more = ids.len().next_power_of_two() - ids.len();
    ids.iter().copied().chain(last.into_iter().cycle().take(more)).map(Value::from)
}

/// A meter with its latest readings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterState {
    /// The meter.
    pub id: MeterId,
    /// Code of the service it measures.
    pub service_code: String,
    /// Serial number.
    pub serial: String,
    /// Where it hangs; may be empty.
    pub place: String,
    /// Maker's model; may be empty.
    pub model: String,
    /// Zones, 1 to 3.
    pub zones: usize,
    /// Whole digits of its dial.
    pub digits: i32,
    /// Whether it reports by itself.
    pub automatic: bool,
    /// Day of installation.
    pub installed_on: Day,
    /// Day of removal.
    pub removed_on: Option<Day>,
    /// Last day of its verification.
    pub verified_until: Option<Day>,
    /// The meter whose place it took.
    pub replaces: Option<MeterId>,
    /// The fault it has now.
    pub fault: Option<Fault>,
    /// Readings, newest first.
    pub readings: Vec<StoredReading>,
}

/// A stored reading of a meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReading {
    /// The month whose bill it counts for.
    pub period: Period,
    /// Its date.
    pub taken_on: Day,
    /// Its values by zone; zero beyond the meter's zones.
    pub values: [Quantity; 3],
    /// Code of its source.
    pub source: String,
    /// When it was stored: the readings of a day follow each other by it (see `readings::moment`).
    pub created_at: Timestamp,
    /// Identifier.
    pub id: Uuid,
    /// A lower value than before means that the dial began again from 0.
    pub rollover: bool,
}

struct StateRow(MeterState);

impl FromQueryResult for StateRow {
    // By position: names cost more than the values here.
    fn from_query_result(row: &QueryResult, _prefix: &str) -> Result<Self, DbErr> {
        let zone = |index| row.try_get_by_index::<Option<Quantity>>(index).map(Option::unwrap_or_default);
        let mut readings = Vec::new();
        if let Some(period) = row.try_get_by_index::<Option<Period>>(11)? {
            readings.push(StoredReading {
                period,
                taken_on: row.try_get_by_index(12)?,
                values: [zone(13)?, zone(14)?, zone(15)?],
                source: row.try_get_by_index(16)?,
                created_at: row.try_get_by_index(17)?,
                id: row.try_get_by_index(18)?,
                rollover: row.try_get_by_index(19)?,
            });
        }
        Ok(Self(MeterState {
            id: row.try_get_by_index(0)?,
            service_code: row.try_get_by_index(1)?,
            serial: row.try_get_by_index(2)?,
            place: row.try_get_by_index(3)?,
            model: row.try_get_by_index(4)?,
            zones: usize::try_from(row.try_get_by_index::<i32>(5)?).unwrap_or(1).clamp(1, 3),
            digits: row.try_get_by_index(6)?,
            automatic: row.try_get_by_index(7)?,
            installed_on: row.try_get_by_index(8)?,
            removed_on: row.try_get_by_index(9)?,
            verified_until: row.try_get_by_index(10)?,
            replaces: row.try_get_by_index(20)?,
            fault: row
                .try_get_by_index::<Option<Day>>(21)?
                .map(|since| -> Result<Fault, DbErr> {
                    let kind: String = row.try_get_by_index(22)?;
                    Ok(Fault { kind: FaultKind::of(&kind), since, ended_on: None })
                })
                .transpose()?,
            readings,
        }))
    }
}

/// How far back readings are loaded: all since `before`, and the `depth` latest before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LookBack {
    pub(crate) before: Day,
    pub(crate) depth: u32,
}

impl LookBack {
    /// The very last reading only.
    pub(crate) const LAST: Self = Self { before: Day(99_991_231), depth: 1 };
}

/// The account's meters with their readings, in the order of lists: by resource, place, identifier.
/// One statement.
pub(crate) async fn meters_with_readings(
    tx: &Tx,
    account: AccountId,
    only: Option<MeterId>,
    back: LookBack,
) -> Result<Vec<MeterState>, DbError> {
    let narrow = if only.is_some() { "AND m.id = $5" } else { "" };
    // The oldest reading wanted is sought once a meter, in reading_meter, and before the readings are joined:
    // inside the join PostgreSQL would seek it again for each reading.
    // Of readings stored in the same millisecond the higher one is the later one.
    let sql = format!(
        "WITH mine AS MATERIALIZED (
           SELECT m.*, COALESCE((SELECT o.taken_on FROM reading o
                  WHERE o.tenant_id = $1 AND o.meter_id = m.id AND o.taken_on < $3 AND o.withdrawn_at IS NULL
                  ORDER BY o.taken_on DESC LIMIT 1 OFFSET $4), 0) AS since
           FROM meter m WHERE m.tenant_id = $1 AND m.account_id = $2 {narrow})
         SELECT m.id, m.service_code, m.serial, m.place, m.model, m.zones, m.digits, m.automatic, m.installed_on,
                m.removed_on, m.verified_until,
                r.period, r.taken_on, r.value_t1, r.value_t2, r.value_t3, r.source, r.created_at,
                r.id, r.rollover, m.replaces, f.since, f.kind
         FROM mine m
         LEFT JOIN meter_fault f ON f.tenant_id = $1 AND f.meter_id = m.id AND f.ended_on IS NULL
         LEFT JOIN reading r ON r.tenant_id = $1 AND r.meter_id = m.id AND r.taken_on >= m.since
                            AND r.withdrawn_at IS NULL
         ORDER BY m.service_code, m.id, r.taken_on DESC, r.created_at DESC, r.value_t1 DESC, r.id DESC"
    );
    let mut values: Vec<Value> = vec![account.into(), back.before.into(), i64::from(back.depth - 1).into()];
    values.extend(only.map(Value::from));
    let mut meters: Vec<MeterState> = Vec::new();
    for StateRow(row) in tx.rows::<StateRow>(&sql, values).await? {
        match meters.last_mut().filter(|meter| meter.id == row.id) {
            Some(meter) => meter.readings.extend(row.readings),
            None => meters.push(row),
        }
    }
    let order = |code: &str| Resource::ALL.iter().position(|resource| resource.code() == code);
    meters.sort_by(|a, b| (order(&a.service_code), &a.place, a.id).cmp(&(order(&b.service_code), &b.place, b.id)));
    Ok(meters)
}

/// The rows of these meters.
pub(crate) async fn meters_by_id(tx: &Tx, ids: &[MeterId]) -> Result<Vec<meter::Model>, DbError> {
    let mut rows = Vec::new();
    for some in ids.chunks(MOST_IDS) {
        let wanted = meter::Column::Id.is_in(some.iter().copied());
        rows.extend(tx.all(meter::Entity::find().filter(wanted)).await?);
    }
    Ok(rows)
}

/// The faults of these meters, the oldest first.
pub(crate) async fn faults_of(tx: &Tx, meters: &[MeterId]) -> Result<Vec<meter_fault::Model>, DbError> {
    let mut rows = Vec::new();
    for some in meters.chunks(MOST_IDS) {
        let wanted = meter_fault::Column::MeterId.is_in(some.iter().copied());
        rows.extend(tx.all(meter_fault::Entity::find().filter(wanted).order_by_asc(meter_fault::Column::Since)).await?);
    }
    Ok(rows)
}

/// One meter's row.
pub(crate) async fn meter(tx: &Tx, id: MeterId) -> Result<Option<meter::Model>, DbError> {
    tx.one(meter::Entity::find().filter(meter::Column::Id.eq(id))).await
}

/// One reading of a meter, taken back or not.
pub(crate) async fn reading(tx: &Tx, meter: MeterId, id: Uuid) -> Result<Option<reading::Model>, DbError> {
    let wanted = reading::Column::MeterId.eq(meter).and(reading::Column::Id.eq(id));
    tx.one(reading::Entity::find().filter(wanted)).await
}

/// All readings of a meter, the latest first, those taken back among them.
pub(crate) async fn all_readings(tx: &Tx, meter: &meter::Model) -> Result<Vec<reading::Model>, DbError> {
    // By the account: the index by meter leaves out what was taken back.
    let mine = reading::Column::AccountId.eq(meter.account_id).and(reading::Column::MeterId.eq(meter.id));
    let latest = reading::Entity::find().filter(mine).order_by_desc(reading::Column::TakenOn);
    tx.all(latest.order_by_desc(reading::Column::CreatedAt).order_by_desc(reading::Column::Id)).await
}

/// The meter's latest reading.
pub(crate) async fn newest(tx: &Tx, id: MeterId) -> Result<Option<StoredReading>, DbError> {
    let Some(meter) = meter(tx, id).await? else { return Ok(None) };
    let meters = meters_with_readings(tx, meter.account_id, Some(id), LookBack::LAST).await?;
    Ok(meters.into_iter().next().and_then(|meter| meter.readings.into_iter().next()))
}

/// The meters of these accounts.
pub(crate) async fn meters_of(tx: &Tx, accounts: &[AccountId]) -> Result<Vec<meter::Model>, DbError> {
    let mut rows = Vec::new();
    for some in accounts.chunks(MOST_IDS) {
        let wanted = meter::Column::AccountId.is_in(some.iter().copied());
        rows.extend(tx.all(meter::Entity::find().filter(wanted)).await?);
    }
    Ok(rows)
}

/// The readings of these meters taken on days `from` to `to`.
pub(crate) async fn readings_between(
    tx: &Tx,
    meters: &[MeterId],
    from: Day,
    to: Day,
) -> Result<Vec<reading::Model>, DbError> {
    let mut rows = Vec::new();
    for some in meters.chunks(MOST_IDS) {
        let wanted =
            reading::Column::MeterId.is_in(some.iter().copied()).and(reading::Column::TakenOn.between(from, to));
        let wanted = wanted.and(reading::Column::WithdrawnAt.is_null());
        rows.extend(tx.all(reading::Entity::find().filter(wanted)).await?);
    }
    Ok(rows)
}

/// A reading as the person who sent it may read it.
#[derive(Debug, FromQueryResult)]
pub(crate) struct SentReading {
    pub(crate) service_code: String,
    pub(crate) serial: String,
    pub(crate) taken_on: Day,
    pub(crate) value_t1: Quantity,
    pub(crate) value_t2: Option<Quantity>,
    pub(crate) value_t3: Option<Quantity>,
    pub(crate) source: String,
    pub(crate) created_at: Timestamp,
    pub(crate) captured_at: Option<Timestamp>,
}

/// The readings that a resident sent, oldest first.
pub(crate) async fn readings_of(tx: &Tx, who: Uuid) -> Result<Vec<SentReading>, DbError> {
    let sql = "SELECT m.service_code, m.serial, r.taken_on, r.value_t1, r.value_t2, r.value_t3, r.source, r.created_at,
                      r.captured_at
               FROM reading r JOIN meter m ON m.tenant_id = r.tenant_id AND m.id = r.meter_id
               WHERE r.tenant_id = $1 AND r.actor_id = $2 AND r.source IN ('portal', 'helper', 'messenger') ORDER BY r.created_at, r.id";
    tx.rows(sql, vec![who.into()]).await
}

/// What is known of the links of these meters for `period`; nothing of those that nobody used or took back.
pub(crate) async fn link_rows(tx: &Tx, meters: &[MeterId], period: Period) -> Result<Vec<meter_link::Model>, DbError> {
    let mut rows = Vec::new();
    for some in meters.chunks(MOST_IDS) {
        let wanted = meter_link::Column::MeterId.is_in(some.iter().copied());
        let wanted = wanted.and(meter_link::Column::Period.eq(period));
        rows.extend(tx.all(meter_link::Entity::find().filter(wanted)).await?);
    }
    Ok(rows)
}

/// Counts a use of the link; false when it was taken back or used up meanwhile.
pub(crate) async fn count_use(tx: &Tx, link: MeterLink) -> Result<bool, DbError> {
    let sql = "INSERT INTO meter_link (tenant_id, meter_id, period, issue, uses, changed_at)
               VALUES ($1, $2, $3, $4, 1, $5)
               ON CONFLICT (tenant_id, meter_id, period) DO UPDATE SET uses = meter_link.uses + 1, changed_at = $5
               WHERE meter_link.tenant_id = $1 AND meter_link.issue = $4 AND meter_link.uses < $6";
    let values = vec![link.meter.into(), link.period.into(), link.issue.into(), tx.now().into(), MOST_USES.into()];
    Ok(tx.execute(sql, values).await? > 0)
}

/// Raises the issue that links of the meter and month have to carry; the new issue was used by nobody.
pub(crate) async fn raise_issue(tx: &Tx, meter: MeterId, period: Period) -> Result<(), DbError> {
    let sql =
        "INSERT INTO meter_link (tenant_id, meter_id, period, issue, uses, changed_at) VALUES ($1, $2, $3, 1, 0, $4)
               ON CONFLICT (tenant_id, meter_id, period)
               DO UPDATE SET issue = meter_link.issue + 1, uses = 0, changed_at = $4
               WHERE meter_link.tenant_id = $1";
    tx.execute(sql, vec![meter.into(), period.into(), tx.now().into()]).await?;
    Ok(())
}

/// When the readings under the resident's `mark` were stored.
pub(crate) async fn sending(tx: &Tx, resident: Uuid, mark: &str) -> Result<Option<Timestamp>, DbError> {
    let own = reading_sending::Column::ResidentId.eq(resident).and(reading_sending::Column::Mark.eq(mark));
    Ok(tx.one(reading_sending::Entity::find().filter(own)).await?.map(|row| row.stored_at))
}

/// Forgets the resident's marks older than `before`.
pub(crate) async fn forget_sendings(tx: &Tx, resident: Uuid, before: Timestamp) -> Result<(), DbError> {
    let old = reading_sending::Column::ResidentId.eq(resident).and(reading_sending::Column::StoredAt.lt(before));
    tx.delete_where(reading_sending::Entity::delete_many().filter(old)).await?;
    Ok(())
}

/// Readings of the meters of a house, or of all, of the periods `first` to `last` by meter, the latest first.
pub(crate) async fn house_figures(
    tx: &Tx,
    house: Option<Uuid>,
    (first, last): (Period, Period),
) -> Result<HashMap<Uuid, Vec<Figures>>, DbError> {
    #[derive(FromQueryResult)]
    struct Row {
        meter_id: Uuid,
        period: Period,
        taken_on: Day,
        value: Quantity,
        rollover: bool,
    }
    let here = match house {
        Some(_) => {
            "AND r.meter_id IN (SELECT m.id FROM house_meter m WHERE m.tenant_id = r.tenant_id AND m.house_id = $4)"
        }
        None => "",
    };
    let sql = format!(
        "SELECT r.meter_id, r.period, r.taken_on, r.value, r.rollover FROM house_reading r
         WHERE r.tenant_id = $1 AND r.period BETWEEN $2 AND $3 AND r.withdrawn_at IS NULL {here}
         ORDER BY r.taken_on DESC, r.created_at DESC, r.value DESC, r.id DESC"
    );
    let values = [Value::from(first), Value::from(last)].into_iter().chain(house.map(Value::from));
    let rows: Vec<Row> = tx.rows(&sql, values.collect()).await?;
    let mut read: HashMap<Uuid, Vec<Figures>> = HashMap::new();
    for row in rows {
        let figures = crate::houses::figures(row.taken_on, row.period, row.value, row.rollover);
        read.entry(row.meter_id).or_default().push(figures);
    }
    Ok(read)
}

/// Meters of the house in which the account is that are in service on `day`.
pub(crate) async fn house_meters_of(tx: &Tx, account: AccountId, day: Day) -> Result<Vec<house_meter::Model>, DbError> {
    let sql = "SELECT m.* FROM account a
               JOIN premises p ON p.tenant_id = a.tenant_id AND p.id = a.premises_id
               JOIN house_meter m ON m.tenant_id = p.tenant_id AND m.house_id = p.house_id
                AND (m.removed_on IS NULL OR m.removed_on > $3)
               WHERE a.tenant_id = $1 AND a.id = $2 ORDER BY m.service_code, m.serial, m.id";
    tx.rows(sql, vec![account.into(), day.into()]).await
}
