//! The job queue: work that outlives a request. Jobs are idempotent, carry their company, are claimed
//! in batches and resume after a crash.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::NotSet, ColumnTrait, ConnectionTrait, DatabaseBackend, EntityTrait, ExprTrait, QueryFilter, Set,
    Statement, TryInsertResult,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::db::{Actor, Db, Tx};
use crate::entity::{job, job_payload};
use crate::error::DbError;
use crate::module::Registry;
use crate::tenancy::{Tenant, TenantId, Tenants};
use crate::values::Timestamp;

/// The kind of the job that carries an event to its subscribers.
pub(crate) const EVENT_JOB: &str = "event";

const WAITING: i32 = 0;
const CLAIMED: i32 = 1;
const FAILED: i32 = 2;
const BATCH: i64 = 20;
const LEASE_SECONDS: i64 = 60;
const MOST_ATTEMPTS: i32 = 8;

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
}

impl NewJob {
    /// A job of `module`, to be run as soon as possible.
    #[must_use]
    pub const fn new(module: &'static str, kind: &'static str, payload: serde_json::Value) -> Self {
        Self { module, kind, payload, dedup_key: None }
    }

    /// The same job, queued only if none with this key is waiting.
    #[must_use]
    pub fn once(mut self, key: impl Into<String>) -> Self {
        self.dedup_key = Some(key.into());
        self
    }
}

/// Why a job did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// It may succeed later: it is tried again with growing pauses.
    #[error("{0}")]
    Retry(String),
    /// It will never succeed: it is kept with its reason.
    #[error("{0}")]
    Fail(String),
}

impl From<DbError> for JobError {
    fn from(error: DbError) -> Self {
        Self::Retry(error.to_string())
    }
}

/// What a job or an event handler works with.
#[derive(Clone, Debug)]
pub struct JobContext {
    /// The database.
    pub db: Db,
    /// The company the job belongs to.
    pub tenant: Arc<Tenant>,
}

impl JobContext {
    /// A transaction of the platform for the job's company.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        self.db.begin(&self.tenant, Actor::System).await
    }
}

/// Work of one kind.
#[async_trait]
pub trait JobHandler: Send + Sync {
    /// The kind it handles, unique within its module.
    fn kind(&self) -> &'static str;
    /// Does the work; may be called again for the same payload.
    async fn run(&self, context: JobContext, payload: serde_json::Value) -> Result<(), JobError>;
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

/// Stores the envelope; false when a job with its dedup key waits already.
pub(crate) async fn store_envelope(
    connection: &impl ConnectionTrait,
    tenant: TenantId,
    id: Uuid,
    now: Timestamp,
    new: &NewJob,
) -> Result<bool, DbError> {
    let row = job::ActiveModel {
        id: Set(id),
        tenant_id: Set(tenant),
        module: Set(new.module.to_owned()),
        kind: Set(new.kind.to_owned()),
        dedup_key: Set(new.dedup_key.as_ref().map(|key| format!("{tenant}:{key}"))),
        state: Set(WAITING),
        attempts: Set(0),
        run_at: Set(now),
        lease_until: Set(Timestamp(0)),
        fence: Set(0),
        last_error: Set(None),
        created_at: Set(now),
    };
    let insert = job::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned()).try_insert();
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
}

impl JobRunner {
    /// A runner for the jobs and events of `registry`'s modules.
    #[must_use]
    pub const fn new(db: Db, tenants: Tenants, registry: Arc<Registry>) -> Self {
        Self { db, tenants, registry }
    }

    /// Runs jobs for as long as the process lives.
    pub async fn run(self) {
        loop {
            match self.run_due().await {
                Ok(0) => {
                    let pause = tokio::time::sleep(Duration::from_millis(500));
                    tokio::select! { () = pause => {}, () = self.db.work().notified() => {} }
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
        let claimed = self.claim().await?;
        let count = claimed.len();
        for job in claimed {
            let outcome = self.run_one(&job).await;
            self.finish(&job, outcome).await?;
        }
        Ok(count)
    }

    /// Runs until nothing is due: for commands and tests.
    pub async fn drain(&self) -> Result<(), DbError> {
        while self.run_due().await? > 0 {}
        Ok(())
    }

    async fn claim(&self) -> Result<Vec<job::Model>, DbError> {
        let now = self.db.clock().now();
        let backend = self.db.platform().get_database_backend();
        let lock = if backend == DatabaseBackend::Postgres { "FOR UPDATE SKIP LOCKED" } else { "" };
        let sql = format!(
            "UPDATE job SET state = {CLAIMED}, dedup_key = NULL, attempts = attempts + 1,
                            fence = fence + 1, lease_until = $1
             WHERE id IN (SELECT id FROM job WHERE (state = {WAITING} AND run_at <= $2)
                          OR (state = {CLAIMED} AND lease_until < $2) ORDER BY run_at, id LIMIT $3 {lock})
             RETURNING *"
        );
        let values = [now.plus_seconds(LEASE_SECONDS).into(), now.into(), BATCH.into()];
        let statement = Statement::from_sql_and_values(backend, sql, values);
        let mut jobs = job::Entity::find().from_raw_sql(statement).all(self.db.platform()).await?;
        jobs.sort_by_key(|job| (job.run_at, job.id));
        Ok(jobs)
    }

    async fn run_one(&self, job: &job::Model) -> Result<(), JobError> {
        let tenant = self.tenants.by_id(job.tenant_id).await?;
        let tenant = tenant.ok_or_else(|| JobError::Fail("the company is gone".into()))?;
        let tx = self.db.read(&tenant, Actor::System).await?;
        let payload = tx.one(job_payload::Entity::find().filter(job_payload::Column::JobId.eq(job.id))).await?;
        tx.commit().await?;
        let payload = payload.ok_or_else(|| JobError::Fail("the payload is gone".into()))?;
        let payload = serde_json::from_str(&payload.payload).map_err(|e| JobError::Fail(e.to_string()))?;
        let context = JobContext { db: self.db.clone(), tenant };
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
        let event: EventPayload = serde_json::from_value(payload).map_err(|e| JobError::Fail(e.to_string()))?;
        for (module, handler) in self.registry.subscribers(&event.name) {
            if self.registry.is_on(&context.tenant, module) {
                handler.handle(context.clone(), event.data.clone()).await?;
            }
        }
        Ok(())
    }

    async fn finish(&self, job: &job::Model, outcome: Result<(), JobError>) -> Result<(), DbError> {
        let mine = job::Column::Id.eq(job.id).and(job::Column::Fence.eq(job.fence));
        let error = match outcome {
            Ok(()) => return self.forget(job).await,
            Err(error) => error,
        };
        tracing::warn!(module = job.module, kind = job.kind, attempts = job.attempts, %error, "job failed");
        let again = matches!(error, JobError::Retry(_)) && job.attempts < MOST_ATTEMPTS;
        let pause = 1_i64 << job.attempts.clamp(0, 10);
        let change = job::ActiveModel {
            id: NotSet,
            state: Set(if again { WAITING } else { FAILED }),
            run_at: Set(self.db.clock().now().plus_seconds(pause)),
            last_error: Set(Some(error.to_string())),
            ..Default::default()
        };
        job::Entity::update_many().set(change).filter(mine).exec(self.db.platform()).await?;
        Ok(())
    }

    /// Removes a job that is done, envelope and payload in one transaction; not one that another runner
    /// has claimed meanwhile.
    async fn forget(&self, job: &job::Model) -> Result<(), DbError> {
        let Some(tenant) = self.tenants.by_id(job.tenant_id).await? else { return Ok(()) };
        let tx = self.db.begin(&tenant, Actor::System).await?;
        let mine = job::Column::Id.eq(job.id).and(job::Column::Fence.eq(job.fence));
        if job::Entity::delete_many().filter(mine).exec(tx.platform()).await?.rows_affected > 0 {
            let payload = job_payload::Column::JobId.eq(job.id);
            tx.delete_where(job_payload::Entity::delete_many().filter(payload)).await?;
        }
        tx.commit().await
    }
}
