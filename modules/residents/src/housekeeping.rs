//! What nobody can use any more is removed: unfinished registrations, mailed links, archives, sessions.

use async_trait::async_trait;
use kabinet_core::jobs::{JobContext, JobError, JobHandler, NewJob};
use kabinet_core::{DbError, Timestamp, Tx};
use kabinet_web::session::Sessions;

use crate::settings::MODULE;
use crate::store;

const FORGET_EXPIRED: &str = "forget_expired";
const EMPTY_LOG: &str = "empty_log";

/// Has what expires by `moment` removed within the hour after it: one job an hour and company.
pub(crate) async fn at(tx: &mut Tx, moment: Timestamp) -> Result<(), DbError> {
    const HOUR: i64 = 3_600_000;
    let hour = moment.0.div_euclid(HOUR) + 1;
    let job = NewJob::new(MODULE, FORGET_EXPIRED, serde_json::Value::Null);
    tx.enqueue(job.once(format!("{MODULE}.{FORGET_EXPIRED}:{hour}")).at(Timestamp(hour * HOUR))).await
}

/// Has the database's log emptied after this transaction: what it deleted is found in no file then.
pub(crate) async fn empty_log(tx: &mut Tx) -> Result<(), DbError> {
    tx.enqueue(NewJob::new(MODULE, EMPTY_LOG, serde_json::Value::Null)).await
}

/// Removes what expired.
pub(crate) struct ForgetExpired;

#[async_trait]
impl JobHandler for ForgetExpired {
    fn kind(&self) -> &'static str {
        FORGET_EXPIRED
    }

    async fn run(&self, context: JobContext, _payload: serde_json::Value) -> Result<(), JobError> {
        let tx = context.begin().await?;
        store::forget_expired(&tx).await?;
        Sessions::forget_expired(&tx).await?;
        Ok(tx.commit().await?)
    }
}

/// Empties the database's log; tried again while somebody reads from it.
pub(crate) struct EmptyLog;

#[async_trait]
impl JobHandler for EmptyLog {
    fn kind(&self) -> &'static str {
        EMPTY_LOG
    }

    async fn run(&self, context: JobContext, _payload: serde_json::Value) -> Result<(), JobError> {
        if context.db.empty_log().await? { Ok(()) } else { Err(JobError::Retry("the log is being read".into())) }
    }
}
