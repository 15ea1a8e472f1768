//! Chains new entries of the audit log, soon after their transactions.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use super::{Anchors, BATCH, Head, none_waits, seal, stored_head};
use crate::clock::least_id;
use crate::crash;
use crate::db::{Actor, Db};
use crate::error::DbError;
use crate::tenancy::{Tenant, TenantId, Tenants};
use crate::values::Timestamp;

/// So long entries gather before they are chained.
const GATHERS: Duration = Duration::from_secs(2);
/// So often it is looked for entries of other processes: commands, servers that were killed.
const LOOKS_EVERY: Duration = Duration::from_secs(300);
const DAY_SECONDS: i64 = 24 * 3600;

/// The companies whose transactions wrote entries in this process, and when the earliest of those began.
#[derive(Debug, Default)]
pub(crate) struct Unsealed {
    companies: Mutex<HashMap<TenantId, Timestamp>>,
    told: tokio::sync::Notify,
}

impl Unsealed {
    /// Remembers that the company has entries to be chained, of a transaction that began at this moment: by then and
    /// not by a moment ago they are found when the clock has jumped since.
    pub(crate) fn add(&self, company: TenantId, began: Timestamp) {
        let mut companies = self.companies.lock().unwrap_or_else(PoisonError::into_inner);
        companies.entry(company).and_modify(|known| *known = began.min(*known)).or_insert(began);
        drop(companies);
        self.told.notify_one();
    }

    fn take(&self) -> HashMap<TenantId, Timestamp> {
        std::mem::take(&mut *self.companies.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Chains the entries of all companies and writes the heads down. Every server has one; they may run at once.
#[derive(Clone, Debug)]
pub struct Sealer {
    db: Db,
    tenants: Tenants,
    anchors: Anchors,
}

impl Sealer {
    /// The sealer of this process.
    #[must_use]
    pub const fn new(db: Db, tenants: Tenants, anchors: Anchors) -> Self {
        Self { db, tenants, anchors }
    }

    /// Works until it is dropped: first all that was left behind, then what transactions here write, and now and then
    /// what others wrote.
    pub async fn run(self) {
        self.all_since(|_| Timestamp(0)).await;
        let mut look = tokio::time::interval(LOOKS_EVERY);
        look.tick().await;
        loop {
            tokio::select! {
                () = self.db.unsealed().told.notified() => {
                    tokio::time::sleep(GATHERS).await;
                    self.noted().await;
                }
                _ = look.tick() => self.all_since(|db| ago(db, DAY_SECONDS)).await,
            }
        }
    }

    /// Chains what transactions of this process have written; a server that ends does it once more.
    pub async fn noted(&self) {
        for (id, began) in self.db.unsealed().take() {
            let outcome = match self.tenants.by_id(id).await {
                Ok(Some(company)) => self.company(&company, least_id(began)).await,
                Ok(None) => continue,
                Err(error) => Err(error),
            };
            if let Err(error) = outcome {
                report(id, &error);
                self.db.unsealed().add(id, began);
            }
        }
    }

    async fn all_since(&self, since: impl Fn(&Db) -> Timestamp) {
        let companies = match self.tenants.all().await {
            Ok(companies) => companies,
            Err(error) => return tracing::warn!(%error, "the audit log is not chained"),
        };
        for company in companies {
            let since = since(&self.db);
            if let Err(error) = self.company(&company, least_id(since)).await {
                report(company.id, &error);
                self.db.unsealed().add(company.id, since);
            }
        }
    }

    /// Chains the company's entries from `since` on, and writes the head down; also that of a server which was killed
    /// before it had.
    pub async fn company(&self, company: &Arc<Tenant>, since: Uuid) -> Result<(), DbError> {
        // Most looks find nothing, and take no writer's turn.
        let tx = self.db.read(company, Actor::System).await?;
        let (nothing, mut head) = (none_waits(&tx, since).await?, stored_head(&tx).await?);
        tx.commit().await?;
        if !nothing {
            head = self.chain(company, since).await?;
            crash::point("chained");
        }
        if head == Head::NONE {
            return Ok(());
        }
        let (anchors, slug, at) = (self.anchors.clone(), company.slug.clone(), self.db.clock().now());
        let written = tokio::task::spawn_blocking(move || anchors.keep(&slug, head, at)).await;
        if let Ok(Err(error)) = written {
            tracing::error!(%error, "the head of the audit log is not written down");
        }
        Ok(())
    }

    /// Chains the company's entries from `since` on: the head then.
    async fn chain(&self, company: &Arc<Tenant>, since: Uuid) -> Result<Head, DbError> {
        loop {
            let tx = self.db.begin(company, Actor::System).await?;
            let (before, after) = seal(&tx, since).await?;
            tx.commit().await?;
            if after.seq - before.seq < BATCH {
                return Ok(after);
            }
        }
    }
}

/// The moment so many seconds ago.
fn ago(db: &Db, seconds: i64) -> Timestamp {
    db.clock().now().plus_seconds(-seconds)
}

fn report(company: TenantId, error: &DbError) {
    match error {
        // Another server chains the company's entries now; what it left is chained at the next turn.
        DbError::Duplicate(_) => tracing::debug!(%company, "the audit log is being chained elsewhere"),
        _ => tracing::warn!(%company, %error, "the audit log is not chained"),
    }
}
