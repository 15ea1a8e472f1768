//! Work in the background: what follows a refused attempt to link an account.

use async_trait::async_trait;
use kabinet_contracts::{AccountId, ResidentId};
use kabinet_core::jobs::{JobContext, JobError, JobHandler};
use kabinet_core::limits::{self, Limit, Verdict};
use serde::Deserialize;

use crate::linking::{PER_ACCOUNT, account_counter};
use crate::notices;

/// The kind of the job after a refused attempt.
pub(crate) const REFUSED_JOB: &str = "link_refused";
/// Failures in a day after which those who have the account linked are told.
const TOLD_AFTER: i64 = 3;
/// One such letter a day.
const LETTERS: Limit = Limit { most: 1, seconds: 24 * 3600 };

/// Records a refused attempt and tells those who have the account linked.
pub(crate) struct RefusedJob;

#[derive(Deserialize)]
struct Refused {
    account: Option<AccountId>,
    counted: String,
    resident: ResidentId,
}

#[async_trait]
impl JobHandler for RefusedJob {
    fn kind(&self) -> &'static str {
        REFUSED_JOB
    }

    async fn run(&self, context: JobContext, payload: serde_json::Value) -> Result<(), JobError> {
        let refused: Refused = serde_json::from_value(payload)?;
        let Some(account) = refused.account else { return Ok(()) };
        let counter = account_counter(&context.tenant, &refused.counted);
        let few = Limit { most: TOLD_AFTER, ..PER_ACCOUNT };
        let often = limits::peek(&context.db, &counter, few).await? != Verdict::Allowed;
        let letter = format!("link-letter:{}:{account}", context.tenant.id);
        let told = often && limits::hit(&context.db, &letter, LETTERS).await? == Verdict::Allowed;
        let mut tx = context.begin().await?;
        tx.audit("account.link_refused", account, serde_json::json!({ "resident": refused.resident })).await?;
        if told {
            notices::attempts(&mut tx, account).await?;
        }
        Ok(tx.commit().await?)
    }
}
