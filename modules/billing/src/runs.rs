//! Billing runs: a month is calculated in batches, can be interrupted and resumed, and is published in
//! one step.

use kabinet_accounts::roster;
use kabinet_contracts::{RunId, RunPublished};
use kabinet_core::calendar::CompanyCalendar;
use kabinet_core::jobs::NewJob;
use kabinet_core::{Day, DbError, Period, Timestamp, Tx};
use kabinet_render::typeset::{DEFAULT_TEMPLATE, LARGE_TEMPLATE};
use sea_orm::{ActiveValue::Unchanged, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};

use crate::catalog;
use crate::due_days::DueDays;
use crate::entity::billing_run;
use crate::error::Error;
use crate::instalments;
use crate::plan::Snapshot;
use crate::settings::{BillingSettings, MODULE};
use crate::store::{self, FAILED, PUBLISHED};

pub mod document_ids;
mod late;
pub mod replay;
mod rows;
mod stored;
pub mod trial;
mod work;

pub use work::continue_run;

/// The kind of the job that calculates a run.
pub const BILL_JOB: &str = "bill";
/// The kind of the job that computes the estimates of all accounts.
pub const ESTIMATES_JOB: &str = "estimates";
/// A payment is booked at the moment its transaction began and seen once it committed. A bill of the running
/// month leaves the last minute to the next one, or a payment on its way would be in neither.
const IN_FLIGHT_SECONDS: i64 = 60;

/// The topic of change counters that runs are started under, one at a time.
const TOPIC: &str = "billing.runs";

const RUNNING: &str = "running";
const DONE: &str = "done";

/// A run as staff see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Identifier.
    pub id: RunId,
    /// The month.
    pub period: Period,
    /// `running`, `done`, `failed` or `published`.
    pub state: String,
    /// Accounts to calculate.
    pub total: u32,
    /// Accounts calculated.
    pub done: u32,
    /// Payments booked up to this moment are counted.
    pub cutoff_at: Timestamp,
    /// The last day to pay.
    pub due_on: Day,
    /// SHA-256 over what was calculated; the same for the same inputs.
    pub result_hash: String,
    /// Hash of the plugin.
    pub plugin_hash: String,
    /// Why it stopped; empty when it did not.
    pub problem: String,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it was published.
    pub published_at: Option<Timestamp>,
}

impl From<billing_run::Model> for Run {
    fn from(row: billing_run::Model) -> Self {
        Self {
            id: row.id,
            period: row.period,
            state: row.state,
            total: row.total.unsigned_abs(),
            done: row.done.unsigned_abs(),
            cutoff_at: row.cutoff_at,
            due_on: row.due_on,
            result_hash: row.result_hash,
            plugin_hash: row.plugin_hash,
            problem: row.problem,
            started_at: row.started_at,
            published_at: row.published_at,
        }
    }
}

/// The latest published period; none before the first.
pub async fn latest_published(tx: &Tx) -> Result<Option<Period>, Error> {
    Ok(store::latest_period(tx).await?)
}

/// A run.
pub async fn find(tx: &Tx, id: RunId) -> Result<Run, Error> {
    Ok(store::run(tx, id).await?.ok_or(Error::NoSuchRun)?.into())
}

/// Up to `limit` runs, the latest period and start first, after the run `after`.
pub async fn list(tx: &Tx, after: Option<RunId>, limit: u16) -> Result<Vec<Run>, Error> {
    // Identifiers grow with time, so their order is the order of starts.
    let mut select = billing_run::Entity::find().order_by_desc(billing_run::Column::Id).limit(u64::from(limit));
    if let Some(after) = after {
        select = select.filter(billing_run::Column::Id.lt(after));
    }
    Ok(tx.all(select).await?.into_iter().map(Run::from).collect())
}

/// The moment up to which corrections of closed months are billed by a run: shortly before it was started, or one
/// on its way would be on no bill.
pub(crate) const fn corrections_until(run: &billing_run::Model) -> Timestamp {
    run.started_at.plus_seconds(-IN_FLIGHT_SECONDS)
}

/// Begins a run for `period`, or finds the one that is under way. Freezes what it is calculated with:
/// catalogue, plugin, receipt template, cut-off, due day. Months follow each other.
pub async fn start(tx: &mut Tx, period: Period) -> Result<RunId, Error> {
    // Whoever starts one as well waits until the transaction ends, and then finds it.
    tx.touch(TOPIC).await?;
    let before = store::latest_run(tx).await?;
    in_order(before.as_ref().map(|latest| latest.period), period, tx.today())?;
    if let Some(latest) = &before {
        // Once more: a reading may have been on its way when the month was published.
        late::close_again(tx, latest).await?;
    }
    let under_way = billing_run::Entity::find()
        .filter(billing_run::Column::Period.eq(period))
        .filter(billing_run::Column::State.eq(RUNNING))
        .order_by_desc(billing_run::Column::Id);
    if let Some(run) = tx.one(under_way).await? {
        return Ok(run.id);
    }
    let (snapshot, plugin_hash) = Snapshot::take(tx, period).await?;
    if let Some(day) = snapshot.penalty.rates.missing(period).filter(|_| !snapshot.penalty.rates.is_empty()) {
        return Err(Error::NoPenaltyRate(day));
    }
    let settings = BillingSettings::of(tx.tenant())?;
    let (template_hash, large_template_hash) = templates(tx, &settings).await?;
    instalments::call_due(tx, period, tx.now().plus_seconds(-IN_FLIGHT_SECONDS)).await?;
    let end = period.next().first_day().start(tx.tenant().zone);
    let id: RunId = tx.new_id();
    let total = roster::count(tx, period).await?;
    tx.insert(billing_run::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        id: Set(id),
        period: Set(period),
        state: Set(RUNNING.to_owned()),
        plugin_hash: Set(plugin_hash),
        template_hash: Set(template_hash),
        large_template_hash: Set(large_template_hash),
        snapshot: Set(serde_json::to_string(&snapshot)?),
        base_run: Set(before.as_ref().map(|run| run.id)),
        base_cutoff_at: Set(before.as_ref().map_or(Timestamp(0), |run| run.cutoff_at)),
        cutoff_at: Set(end.min(tx.now().plus_seconds(-IN_FLIGHT_SECONDS))),
        due_on: Set(DueDays::of(tx).await?.due_on(&CompanyCalendar::of(tx.tenant())?, period)),
        total: Set(i32::try_from(total).unwrap_or(i32::MAX)),
        done: Set(0),
        last_account: Set(None),
        result_hash: Set(String::new()),
        problem: Set(String::new()),
        started_at: Set(tx.now()),
        finished_at: Set(None),
        published_at: Set(None),
    })
    .await?;
    tx.audit("billing.run_started", id, serde_json::json!({ "period": period.to_string() })).await?;
    Ok(id)
}

/// The hashes of the templates that the month's receipts are printed with, the usual one and the large one. The
/// platform's own are kept as well: a release that draws its receipts otherwise leaves those of this month alone.
async fn templates(tx: &mut Tx, settings: &BillingSettings) -> Result<(String, String), Error> {
    let usual = match settings.receipt_template.as_str() {
        "" => catalog::set_receipt_template(tx, DEFAULT_TEMPLATE).await?.0,
        own => own.to_owned(),
    };
    Ok((usual, catalog::set_receipt_template(tx, LARGE_TEMPLATE).await?.0))
}

/// Refuses a month that is published, that does not follow the latest one that is, or that has not begun.
fn in_order(published: Option<Period>, period: Period, today: Day) -> Result<(), Error> {
    match published {
        Some(latest) if latest >= period => Err(Error::AlreadyPublished(period)),
        Some(latest) if latest.next() != period => Err(Error::OutOfOrder { expected: latest.next(), asked: period }),
        _ if period.first_day() > today => Err(Error::NotBegun(period)),
        _ => Ok(()),
    }
}

/// Queues the calculation of a run for the job runner.
pub async fn enqueue(tx: &mut Tx, run: RunId) -> Result<(), Error> {
    let job = NewJob::new(MODULE, BILL_JOB, serde_json::json!({ "run": run })).once(format!("bill:{run}"));
    Ok(tx.enqueue(job).await?)
}

/// Publishes a complete run: from now on its receipts are seen and its ledger entries count. One run a
/// month can be published; publishing it again changes nothing.
pub async fn publish(tx: &mut Tx, id: RunId) -> Result<Run, Error> {
    let run = store::run(tx, id).await?.ok_or(Error::NoSuchRun)?;
    if run.state == PUBLISHED {
        return Ok(run.into());
    }
    if run.state != DONE {
        return Err(not_complete(&run));
    }
    if store::latest_run(tx).await?.map(|latest| latest.id) != run.base_run {
        return Err(Error::Outdated(run.period));
    }
    let flip = billing_run::Entity::update_many()
        .col_expr(billing_run::Column::State, PUBLISHED.into())
        .col_expr(billing_run::Column::PublishedAt, tx.now().0.into())
        .filter(billing_run::Column::Id.eq(id))
        .filter(billing_run::Column::State.eq(DONE));
    match tx.update_where(flip).await {
        Ok(1) => {}
        Ok(_) => return Err(not_complete(&store::run(tx, id).await?.ok_or(Error::NoSuchRun)?)),
        Err(kabinet_core::DbError::Duplicate(_)) => return Err(Error::AlreadyPublished(run.period)),
        Err(error) => return Err(error.into()),
    }
    late::close(tx, &run).await?;
    let detail = serde_json::json!({ "period": run.period.to_string(), "result_hash": run.result_hash });
    tx.audit("billing.run_published", id, detail).await?;
    tx.publish(&RunPublished { run: id, period: run.period }).await?;
    let job = NewJob::new(MODULE, ESTIMATES_JOB, serde_json::json!({})).once("estimates");
    tx.enqueue(job).await?;
    find(tx, id).await
}

fn not_complete(run: &billing_run::Model) -> Error {
    Error::NotComplete { period: run.period, state: state_words(&run.state).to_owned() }
}

/// Marks a run as stopped, with the reason for staff. What was published before stands.
async fn fail(tx: &mut Tx, id: RunId, problem: &str) -> Result<(), Error> {
    tx.update(billing_run::ActiveModel {
        tenant_id: Unchanged(tx.tenant_id()),
        id: Unchanged(id),
        state: Set(FAILED.to_owned()),
        problem: Set(problem.to_owned()),
        finished_at: Set(Some(tx.now())),
        ..Default::default()
    })
    .await?;
    tx.audit("billing.run_failed", id, serde_json::json!({ "problem": problem })).await?;
    Ok(())
}

/// Gives up what is calculated for `period` and later months and not published: it would be published with what
/// staff have changed since, as `problem` tells.
pub(crate) async fn give_up(tx: &Tx, period: Period, problem: &str) -> Result<(), DbError> {
    use billing_run::Column;
    let given_up = billing_run::Entity::update_many()
        .col_expr(Column::State, FAILED.into())
        .col_expr(Column::Problem, problem.into())
        .col_expr(Column::FinishedAt, tx.now().0.into())
        .filter(Column::Period.gte(period))
        .filter(Column::State.is_in([RUNNING, DONE]));
    if tx.update_where(given_up).await? > 0 {
        tx.audit("billing.run_given_up", period, serde_json::json!({ "problem": problem })).await?;
    }
    Ok(())
}

/// Gives up what [`give_up`] does, before staff change what months are calculated with: whoever starts a run waits
/// until that is done, and what is about to be published is published or given up before it is looked at.
pub(crate) async fn outdate(tx: &mut Tx, period: Period, problem: &str) -> Result<(), DbError> {
    tx.touch(TOPIC).await?;
    give_up(tx, period, problem).await
}

/// Lets a service go to another receipt: what is calculated with the old one and not published is given up. A
/// service that was billed stays, since what it owes is booked on its receipt ([`Error::ServiceBilled`]).
pub(crate) async fn release(tx: &mut Tx, service: &str) -> Result<(), Error> {
    outdate(tx, Period(0), "услуга перешла в другую квитанцию: рассчитайте месяц заново").await?;
    let Some(run) = store::latest_run(tx).await? else { return Ok(()) };
    let snapshot: Snapshot = serde_json::from_str(&run.snapshot)?;
    if snapshot.service(service).is_some() { Err(Error::ServiceBilled(service.to_owned())) } else { Ok(()) }
}

/// A run's state in words.
#[must_use]
pub fn state_words(state: &str) -> &str {
    match state {
        RUNNING => "выполняется",
        DONE => "рассчитан, не опубликован",
        FAILED => "остановлен",
        PUBLISHED => "опубликован",
        other => other,
    }
}
