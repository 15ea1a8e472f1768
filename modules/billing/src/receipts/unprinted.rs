//! Receipts that a company's template does not print, although it printed all samples: staff are told which and why, and
//! nobody makes a worker try the same again at once. One that is stopped at a limit of time or memory is tried again
//! first, since a busy machine may have been to blame.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kabinet_contracts::AccountId;
use kabinet_core::limits::{self, Limit, Verdict};
use kabinet_core::{Actor, DbError, Period, Tenant, Timestamp, Tx};
use kabinet_render::RenderError;
use moka::future::Cache;
use sea_orm::FromQueryResult;
use serde::{Deserialize, Serialize};

use super::{Key, Receipts};
use crate::error::Error;

/// Seconds after which such a receipt is tried again.
pub(crate) const TRIED_AGAIN: i64 = 60;
/// Seconds for which it is remembered that one was stopped at a limit.
const REMEMBERED_STOPPED: u64 = 3600;
/// Receipts that are remembered meanwhile.
const REMEMBERED: u64 = 10_000;
/// A template may fail for everybody: so many of its receipts are told in an hour.
const TOLD: Limit = Limit { most: 20, seconds: 3600 };
/// Of all templates together, the newest that are listed.
const LISTED: i64 = 100;
/// The entry of the audit log; its subject is the template.
const ACTION: &str = "billing.receipt_unprinted";

/// Which receipts were not printed lately. Cheap to clone.
#[derive(Clone)]
pub(super) struct Unprintable {
    /// Those that their template failed on a moment ago.
    failed: Cache<Key, Failure>,
    /// Those that were stopped at a limit the last time.
    stopped: Cache<Key, ()>,
}

/// Why a template does not print a receipt.
#[derive(Clone)]
struct Failure {
    reason: Arc<str>,
    /// Whether staff were told.
    told: bool,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Unprintable { reason: failure.reason.to_string(), told: failure.told }
    }
}

/// An attempt to print a receipt.
pub(super) struct Attempt {
    pub(super) key: Key,
    period: Period,
    /// Hash of the template.
    template: String,
    /// Whether the attempt before it was stopped at a limit.
    stopped_before: bool,
}

impl Unprintable {
    /// Nothing was tried yet.
    pub(super) fn none_yet() -> Self {
        Self { failed: remembered_for(TRIED_AGAIN.unsigned_abs()), stopped: remembered_for(REMEMBERED_STOPPED) }
    }

    /// Refuses a receipt that its template failed on a moment ago.
    pub(super) async fn refuse(&self, key: &Key) -> Result<(), Error> {
        self.failed.get(key).await.map_or(Ok(()), |failure| Err(failure.into()))
    }

    /// An attempt that begins: of two that are made at once neither comes after the other.
    pub(super) fn attempt(&self, key: Key, period: Period, template: &str) -> Attempt {
        let stopped_before = self.stopped.contains_key(&key);
        Attempt { key, period, template: template.to_owned(), stopped_before }
    }

    /// The receipt was printed.
    pub(super) async fn forget(&self, key: &Key) {
        self.stopped.invalidate(key).await;
    }
}

fn remembered_for<V: Clone + Send + Sync + 'static>(seconds: u64) -> Cache<Key, V> {
    Cache::builder().max_capacity(REMEMBERED).time_to_live(Duration::from_secs(seconds)).build()
}

/// A receipt that was not printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unprinted {
    /// The account.
    pub account: AccountId,
    /// The month.
    pub period: Period,
    /// Code of the receipt kind.
    pub kind: String,
    /// Why, with the template's line where it is known.
    pub reason: String,
}

#[derive(FromQueryResult)]
struct Entry {
    template: String,
    at: Timestamp,
    detail: String,
}

/// The receipts that were not printed and when that was found, by the hash of their template, the newest first.
pub async fn unprinted(tx: &Tx) -> Result<HashMap<String, Vec<(Timestamp, Unprinted)>>, DbError> {
    let sql = "SELECT a.subject AS template, a.at, a.detail FROM audit a
               WHERE a.tenant_id = $1 AND a.action = $2
                 AND a.subject IN (SELECT t.hash FROM receipt_template t WHERE t.tenant_id = $1)
               ORDER BY a.at DESC, a.id DESC LIMIT $3";
    let entries: Vec<Entry> = tx.rows(sql, vec![ACTION.into(), LISTED.into()]).await?;
    let mut found: HashMap<String, Vec<(Timestamp, Unprinted)>> = HashMap::new();
    for entry in entries {
        found.entry(entry.template).or_default().push((entry.at, serde_json::from_str(&entry.detail)?));
    }
    Ok(found)
}

impl Receipts {
    /// What whoever asked for a receipt is answered when it is not printed.
    pub(super) async fn not_printed(
        &self,
        tenant: &Arc<Tenant>,
        attempt: Attempt,
        error: RenderError,
    ) -> Result<Error, DbError> {
        match error {
            // A worker's death may have nothing to do with what it worked on.
            RenderError::Worker(_) => Ok(error.into()),
            RenderError::LimitReached if !attempt.stopped_before => {
                let Attempt { key, period, template, .. } = attempt;
                tracing::warn!(template, account = %key.account, %period, kind = key.kind, "a receipt was stopped");
                self.unprintable.stopped.insert(key, ()).await;
                Ok(error.into())
            }
            error => {
                let reason = error.to_string();
                let told = self.tell(tenant, &attempt, &reason).await?;
                let failure = Failure { reason: reason.into(), told };
                self.unprintable.failed.insert(attempt.key, failure.clone()).await;
                Ok(failure.into())
            }
        }
    }

    /// Tells the log that a template does not print a receipt, and staff; false where they were told enough this hour.
    async fn tell(&self, tenant: &Arc<Tenant>, attempt: &Attempt, reason: &str) -> Result<bool, DbError> {
        let Attempt { key, period, template, .. } = attempt;
        tracing::error!(template, account = %key.account, %period, kind = key.kind, reason, "a receipt is not printed");
        let counter = format!("unprinted receipts:{}:{template}", tenant.id);
        if limits::hit(&self.db, &counter, TOLD).await? != Verdict::Allowed {
            return Ok(false);
        }
        let (kind, reason) = (key.kind.clone(), reason.to_owned());
        let told = Unprinted { account: key.account, period: *period, kind, reason };
        let tx = self.db.begin(tenant, Actor::System).await?;
        tx.audit(ACTION, template, serde_json::to_value(told)?).await?;
        tx.commit().await?;
        Ok(true)
    }
}
