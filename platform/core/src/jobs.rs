//! The job queue: work that outlives a request. Jobs are idempotent, carry their company, are claimed
//! in batches and resume after a crash.

mod lane;
mod lease;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use sea_orm::sea_query::{Expr, OnConflict, SimpleExpr};
use sea_orm::{
    ActiveValue::NotSet, ColumnTrait, ConnectionTrait, DatabaseBackend, EntityTrait, ExprTrait, QueryFilter, Set,
    Statement, TryInsertResult,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::crash;
use crate::daily::Daily;
use crate::db::{Actor, Db, Tx};
use crate::entity::{job, job_payload};
use crate::error::DbError;
use crate::module::Registry;
use crate::tenancy::{Tenant, TenantId, Tenants};
use crate::values::Timestamp;

use lane::Lane;

/// The kind of the job that carries an event to its subscribers.
pub(crate) const EVENT_JOB: &str = "event";

/// A job that waits for its turn.
pub(crate) const WAITING: i32 = 0;
const CLAIMED: i32 = 1;
const FAILED: i32 = 2;
const BATCH: i64 = 20;
const LEASE_SECONDS: i64 = 60;
/// A clock that goes back by more than so many milliseconds was set back.
const SET_BACK: i64 = 1000;
const MOST_ATTEMPTS: i32 = 8;
const POSTPONED_SECONDS: i64 = 60;

/// Something that happened, in the past tense; other modules may react.
pub trait Event: Serialize + DeserializeOwned + Send + Sync {
    /// Stable name: `meters.reading_stored`.
    const NAME: &'static str;
}

/// A job to be queued.
#[derive(Clone, Debug)]
pub struct NewJob {
    module: &'static str,
    kind: &'static str,
    payload: serde_json::Value,
    dedup_key: Option<String>,
    run_at: Option<Timestamp>,
}

impl NewJob {
    /// A job of `module`, to be run as soon as possible.
    #[must_use]
    pub const fn new(module: &'static str, kind: &'static str, payload: serde_json::Value) -> Self {
        Self { module, kind, payload, dedup_key: None, run_at: None }
    }

    /// The job, queued only if none with this key is waiting.
    #[must_use]
    pub fn once(mut self, key: impl Into<String>) -> Self {
        self.dedup_key = Some(key.into());
        self
    }

    /// The job, to be run not before `moment`.
    #[must_use]
    pub const fn at(mut self, moment: Timestamp) -> Self {
        self.run_at = Some(moment);
        self
    }
}

/// Why a job did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// It may succeed later: it is tried again with growing pauses.
    #[error("{0}")]
    Retry(String),
    /// It cannot be tried now, which counts as no attempt: it comes up again after a minute.
    #[error("{0}")]
    Postpone(String),
    /// It will never succeed: its envelope is kept with this reason, its payload is erased.
    #[error("{0}")]
    Fail(String),
}

impl From<DbError> for JobError {
    fn from(error: DbError) -> Self {
        Self::Retry(error.to_string())
    }
}

/// A payload that cannot be read never will be. What stands in it is not told: it may be about people.
impl From<serde_json::Error> for JobError {
    fn from(_: serde_json::Error) -> Self {
        Self::Fail("the payload cannot be read".to_owned())
    }
}

/// What a job or an event handler works with.
#[derive(Clone, Debug)]
pub struct JobContext {
    /// The database.
    pub db: Db,
    /// The company the job belongs to.
    pub tenant: Arc<Tenant>,
    /// The job, the same at every attempt.
    pub job: Uuid,
    module: String,
    runner: JobRunner,
}

impl JobContext {
    /// A transaction of the platform for the job's company.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        self.db.begin(&self.tenant, Actor::System).await
    }

    /// The context with the company as it is now, for work that goes on for long; none where the company is gone or has
    /// switched the job's module off meanwhile.
    pub async fn renewed(&self) -> Result<Option<Self>, DbError> {
        let tenant = self.runner.tenants.by_id(self.tenant.id).await?;
        let on = tenant.filter(|tenant| self.runner.registry.is_on(tenant, &self.module));
        Ok(on.map(|tenant| Self { tenant, ..self.clone() }))
    }
}

/// Work of one kind.
#[async_trait]
pub trait JobHandler: Send + Sync {
    /// The kind it handles, unique within its module.
    fn kind(&self) -> &'static str;
    /// How often it is tried, with pauses that double up to a quarter of an hour.
    fn attempts(&self) -> i32 {
        MOST_ATTEMPTS
    }
    /// Whether it may work for minutes: such jobs have a lane of their own and hold up no others.
    fn is_long(&self) -> bool {
        false
    }
    /// Whether it spends its time waiting for other machines: such jobs have a lane of their own, several at a time.
    fn waits_for_others(&self) -> bool {
        false
    }
    /// The hour of the company's day, 0 to 23, from which one job of this kind is queued each day; none for jobs
    /// that others queue. A day on which no server ran then is left out.
    fn daily_from(&self) -> Option<u32> {
        None
    }
    /// Does the work; may be called again for the same payload. The text of an error is stored and
    /// logged: no personal data in it.
    async fn run(&self, context: JobContext, payload: serde_json::Value) -> Result<(), JobError>;
    /// Hears in the transaction that ends the job that it failed for good, and why.
    async fn gave_up(&self, _: &mut Tx, _: serde_json::Value, _: &JobError) -> Result<(), DbError> {
        Ok(())
    }
}

/// A module's reaction to an event of another.
#[async_trait]
pub trait EventHandler: Send + Sync {
    /// The event's name.
    fn event(&self) -> &'static str;
    /// Reacts; may be called again for the same event.
    async fn handle(&self, context: JobContext, data: serde_json::Value) -> Result<(), JobError>;
}

#[derive(Deserialize)]
struct EventPayload {
    name: String,
    data: serde_json::Value,
}

/// What is known of a job without its payload.
pub(crate) fn envelope(tenant: TenantId, id: Uuid, now: Timestamp, new: &NewJob) -> job::ActiveModel {
    job::ActiveModel {
        id: Set(id),
        tenant_id: Set(tenant),
        module: Set(new.module.to_owned()),
        kind: Set(new.kind.to_owned()),
        dedup_key: Set(new.dedup_key.as_ref().map(|key| format!("{tenant}:{key}"))),
        state: Set(WAITING),
        attempts: Set(0),
        run_at: Set(new.run_at.unwrap_or(now)),
        lease_until: Set(Timestamp(0)),
        fence: Set(0),
        last_error: Set(None),
        created_at: Set(now),
    }
}

/// Stores the envelope; false when a job with its dedup key waits already.
pub(crate) async fn store_envelope(
    connection: &impl ConnectionTrait,
    envelope: job::ActiveModel,
) -> Result<bool, DbError> {
    let insert = job::Entity::insert(envelope).on_conflict(OnConflict::new().do_nothing().to_owned()).try_insert();
    Ok(matches!(insert.exec_without_returning(connection).await?, TryInsertResult::Inserted(rows) if rows > 0))
}

pub(crate) fn payload_row(tenant: TenantId, id: Uuid, new: &NewJob) -> job_payload::ActiveModel {
    job_payload::ActiveModel { tenant_id: Set(tenant), job_id: Set(id), payload: Set(new.payload.to_string()) }
}

/// Runs the queue of one process.
#[derive(Clone, Debug)]
pub struct JobRunner {
    db: Db,
    tenants: Tenants,
    registry: Arc<Registry>,
    /// The latest look at the queue, milliseconds; before the first one, later than all.
    looked_at: Arc<AtomicI64>,
}

impl JobRunner {
    /// A runner for the jobs and events of `registry`'s modules.
    #[must_use]
    pub fn new(db: Db, tenants: Tenants, registry: Arc<Registry>) -> Self {
        Self { db, tenants, registry, looked_at: Arc::new(AtomicI64::new(i64::MAX)) }
    }

    /// Runs jobs for as long as the process lives. Letters and messages wait for other machines and long jobs take
    /// minutes, so they have lanes of their own and hold up nothing else.
    pub async fn run(self) {
        let lanes = [Lane::Letters, Lane::Outward, Lane::Long, Lane::Rest];
        let [letters, outward, long, rest] = lanes.map(|lane| self.keep_running(lane));
        let daily = Daily::new(self.db.clone(), self.tenants.clone(), self.registry.clone());
        tokio::join!(letters, outward, long, rest, daily.run());
    }

    async fn keep_running(&self, lane: Lane) {
        loop {
            // Made before the look at the queue: what is committed meanwhile is heard.
            let woken = self.db.work().notified();
            match self.run_lane(lane).await {
                Ok(0) => {
                    let pause = tokio::time::sleep(Duration::from_millis(500));
                    tokio::select! { () = pause => {}, () = woken => {} }
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "the job queue cannot be read");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    /// Claims and runs what is due now; how many jobs that were.
    pub async fn run_due(&self) -> Result<usize, DbError> {
        self.run_lane(Lane::All).await
    }

    async fn run_lane(&self, lane: Lane) -> Result<usize, DbError> {
        let claimed = self.claim(lane).await?;
        let count = claimed.len();
        if count > 0 {
            self.hear().await;
        }
        // One that cannot be finished stops no other.
        let outcomes = stream::iter(claimed).map(|job| self.for_one_job().run_claimed(job)).buffered(lane.at_once());
        let outcomes: Vec<_> = outcomes.collect().await;
        outcomes.into_iter().collect::<Result<(), _>>()?;
        Ok(count)
    }

    /// Learns what was changed before now: a job may come from a server that has heard before this one that its module
    /// is on again.
    async fn hear(&self) {
        if let Err(error) = self.db.changes().look(self.db.platform_read()).await {
            tracing::warn!(%error, "change counters cannot be read");
        }
    }

    /// The runner of one job among others, which rests for what that one did.
    fn for_one_job(&self) -> Self {
        Self { db: self.db.for_one_job(), ..self.clone() }
    }

    async fn run_claimed(self, job: job::Model) -> Result<(), DbError> {
        if !self.holds(&job).await? {
            return Ok(());
        }
        crash::point("job-claimed");
        // Side by side: on SQLite the renewal waits for the writer, which the job may hold.
        let outcome = tokio::select! {
            outcome = self.run_one(&job) => outcome,
            () = self.keep_lease(&job) => return Ok(()),
        };
        crash::point("job-done");
        self.finish(&job, outcome).await
    }

    /// Runs until nothing is due: for commands and tests.
    pub async fn drain(&self) -> Result<(), DbError> {
        while self.run_due().await? > 0 {}
        Ok(())
    }

    async fn claim(&self, lane: Lane) -> Result<Vec<job::Model>, DbError> {
        let now = self.db.clock().now();
        if now.0 + SET_BACK < self.looked_at.load(Ordering::Relaxed) {
            self.set_back_to(now).await?;
        }
        self.looked_at.store(now.0, Ordering::Relaxed);
        let backend = self.db.platform().get_database_backend();
        let lock = if backend == DatabaseBackend::Postgres { "FOR UPDATE SKIP LOCKED" } else { "" };
        let sql = format!(
            "UPDATE job SET state = {CLAIMED}, dedup_key = NULL, attempts = attempts + 1,
                            fence = fence + 1, lease_until = $1
             WHERE id IN (SELECT id FROM job WHERE ((state = {WAITING} AND run_at <= $2)
                          OR (state = {CLAIMED} AND lease_until < $2)) {} ORDER BY run_at, id LIMIT $3 {lock})
             RETURNING *",
            lane.condition(&self.registry)
        );
        let values = [now.plus_seconds(LEASE_SECONDS).into(), now.into(), BATCH.into()];
        let statement = Statement::from_sql_and_values(backend, sql, values);
        let mut jobs = job::Entity::find().from_raw_sql(statement).all(self.db.platform()).await?;
        jobs.sort_by_key(|job| (job.run_at, job.id));
        Ok(jobs)
    }

    /// What a clock that was ahead has queued, to be run at once, and claimed would wait until the clock is there
    /// again. Also asked for by the first look: the clock may have been set back while no server ran.
    async fn set_back_to(&self, now: Timestamp) -> Result<(), DbError> {
        use job::Column;
        let at_once = job::Entity::update_many()
            .col_expr(Column::RunAt, now.0.into())
            .filter(Column::State.eq(WAITING))
            .filter(Column::RunAt.gt(now))
            .filter(SimpleExpr::from(Expr::col(Column::RunAt)).eq(Expr::col(Column::CreatedAt)));
        at_once.exec(self.db.platform()).await?;
        // No lease is that long: twice its length is for servers whose clocks differ.
        let leased = job::Entity::update_many()
            .col_expr(Column::LeaseUntil, now.plus_seconds(LEASE_SECONDS).0.into())
            .filter(Column::State.eq(CLAIMED))
            .filter(Column::LeaseUntil.gt(now.plus_seconds(2 * LEASE_SECONDS)));
        leased.exec(self.db.platform()).await?;
        Ok(())
    }

    async fn run_one(&self, job: &job::Model) -> Result<(), JobError> {
        let tenant = self.tenants.by_id(job.tenant_id).await?;
        let tenant = tenant.ok_or_else(|| JobError::Fail("the company is gone".into()))?;
        let tx = self.db.read(&tenant, Actor::System).await?;
        let payload = tx.one(job_payload::Entity::find().filter(job_payload::Column::JobId.eq(job.id))).await?;
        tx.commit().await?;
        let payload = payload.ok_or_else(|| JobError::Fail("the payload is gone".into()))?;
        let payload = serde_json::from_str(&payload.payload)?;
        let (db, module) = (self.db.clone(), job.module.clone());
        let context = JobContext { db, tenant, job: job.id, module, runner: self.clone() };
        if job.kind == EVENT_JOB {
            self.dispatch(context, payload).await
        } else {
            self.work(context, job, payload).await
        }
    }

    /// A module that the company switched off does not work: its jobs are dropped.
    async fn work(&self, context: JobContext, job: &job::Model, payload: serde_json::Value) -> Result<(), JobError> {
        if !self.registry.is_on(&context.tenant, &job.module) {
            return Ok(());
        }
        let handler = self.registry.job(&job.module, &job.kind);
        let handler = handler.ok_or_else(|| JobError::Fail(format!("no handler for {} {}", job.module, job.kind)))?;
        handler.run(context, payload).await
    }

    /// A module that the company switched off hears no events.
    async fn dispatch(&self, context: JobContext, payload: serde_json::Value) -> Result<(), JobError> {
        let event: EventPayload = serde_json::from_value(payload)?;
        for (module, handler) in self.registry.subscribers(&event.name) {
            if self.registry.is_on(&context.tenant, module) {
                handler.handle(context.clone(), event.data.clone()).await?;
            }
        }
        Ok(())
    }

    async fn finish(&self, job: &job::Model, outcome: Result<(), JobError>) -> Result<(), DbError> {
        let error = match outcome {
            Ok(()) => return self.forget(job).await,
            Err(error) => error,
        };
        let pause = match &error {
            JobError::Postpone(_) => Some(POSTPONED_SECONDS),
            JobError::Retry(_) if job.attempts < self.attempts(job) => Some(1_i64 << job.attempts.clamp(0, 10)),
            JobError::Retry(_) | JobError::Fail(_) => None,
        };
        if !matches!(error, JobError::Postpone(_)) {
            tracing::warn!(job = %job.id, module = job.module, kind = job.kind, attempts = job.attempts, %error, "job failed");
        }
        match pause {
            Some(pause) => self.put_back(job, &error, pause).await,
            None => self.give_up(job, &error).await,
        }
    }

    fn attempts(&self, job: &job::Model) -> i32 {
        self.registry.job(&job.module, &job.kind).map_or(MOST_ATTEMPTS, |handler| handler.attempts())
    }

    /// The job waits again; a postponed one has not used up an attempt.
    async fn put_back(&self, job: &job::Model, error: &JobError, pause: i64) -> Result<(), DbError> {
        let tried = i32::from(!matches!(error, JobError::Postpone(_)));
        let change = job::ActiveModel {
            id: NotSet,
            state: Set(WAITING),
            attempts: Set(job.attempts - 1 + tried),
            run_at: Set(self.db.clock().now().plus_seconds(pause)),
            last_error: Set(Some(error.to_string())),
            ..Default::default()
        };
        job::Entity::update_many().set(change).filter(mine(job)).exec(self.db.platform()).await?;
        Ok(())
    }

    /// Keeps the envelope of a job that failed for good, with the reason; the payload may be about
    /// people and goes.
    async fn give_up(&self, job: &job::Model, error: &JobError) -> Result<(), DbError> {
        let failed = job::ActiveModel {
            id: NotSet,
            state: Set(FAILED),
            last_error: Set(Some(error.to_string())),
            ..Default::default()
        };
        let update = job::Entity::update_many().set(failed).filter(mine(job));
        let Some(tenant) = self.tenants.by_id(job.tenant_id).await? else {
            update.exec(self.db.platform()).await?;
            return Ok(());
        };
        let mut tx = self.db.begin(&tenant, Actor::System).await?;
        if update.exec(tx.platform()).await?.rows_affected > 0 {
            let payload = tx.one(job_payload::Entity::find().filter(job_payload::Column::JobId.eq(job.id))).await?;
            if let Some((handler, payload)) = self.registry.job(&job.module, &job.kind).zip(payload) {
                handler.gave_up(&mut tx, serde_json::from_str(&payload.payload).unwrap_or_default(), error).await?;
            }
            erase_payload(&tx, job).await?;
        }
        tx.commit().await
    }

    /// Removes a job that is done, envelope and payload in one transaction; not one that another runner
    /// has claimed meanwhile.
    async fn forget(&self, job: &job::Model) -> Result<(), DbError> {
        let Some(tenant) = self.tenants.by_id(job.tenant_id).await? else { return Ok(()) };
        let tx = self.db.begin(&tenant, Actor::System).await?;
        if job::Entity::delete_many().filter(mine(job)).exec(tx.platform()).await?.rows_affected > 0 {
            erase_payload(&tx, job).await?;
        }
        tx.commit().await
    }
}

/// The job as this runner claimed it: another's claim has another fence.
fn mine(job: &job::Model) -> SimpleExpr {
    job::Column::Id.eq(job.id).and(job::Column::Fence.eq(job.fence))
}

async fn erase_payload(tx: &Tx, job: &job::Model) -> Result<(), DbError> {
    let payload = job_payload::Column::JobId.eq(job.id);
    tx.delete_where(job_payload::Entity::delete_many().filter(payload)).await?;
    Ok(())
}
