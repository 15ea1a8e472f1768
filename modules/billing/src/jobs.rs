//! Work in the background: runs and the estimates that follow them.

use async_trait::async_trait;
use kabinet_contracts::RunId;
use kabinet_core::jobs::{JobContext, JobError, JobHandler};
use serde::Deserialize;

use crate::estimate::Preliminary;
use crate::plugins::Plugins;
use crate::runs::{self, BILL_JOB, ESTIMATES_JOB};

/// Calculates a run.
pub(crate) struct BillJob(pub(crate) Plugins);

/// Computes the estimates of a company's accounts.
pub(crate) struct EstimatesJob(pub(crate) Preliminary);

#[derive(Deserialize)]
struct BillPayload {
    run: RunId,
}

#[async_trait]
impl JobHandler for BillJob {
    fn kind(&self) -> &'static str {
        BILL_JOB
    }

    fn is_long(&self) -> bool {
        true
    }

    async fn run(&self, context: JobContext, payload: serde_json::Value) -> Result<(), JobError> {
        let payload: BillPayload = serde_json::from_value(payload)?;
        runs::continue_run(&context.db, &context.tenant, &self.0, payload.run, |_, _| {}).await?;
        Ok(())
    }
}

#[async_trait]
impl JobHandler for EstimatesJob {
    fn kind(&self) -> &'static str {
        ESTIMATES_JOB
    }

    fn is_long(&self) -> bool {
        true
    }

    async fn run(&self, context: JobContext, _: serde_json::Value) -> Result<(), JobError> {
        Ok(self.0.over(&context.db).refresh_all(&context.tenant).await?)
    }
}
