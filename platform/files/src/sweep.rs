//! Bytes that belong to nothing: kept for a row that was never written, since the server died in between.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use kabinet_core::jobs::{JobContext, JobError, JobHandler};
use kabinet_core::{Actor, Db, DbError, Tenant, Tx, least_id};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::store::{FileError, Files};

/// The hour of the company's day from which its files are looked through.
const HOUR: u32 = 4;
/// Seconds after which a file without a row will never have one.
const IN_FLIGHT: i64 = 24 * 3600;
/// Files whose rows are looked for in one statement.
const BATCH: usize = 500;

/// Removes, once a day, the files of a section that are older than a day and have no row.
#[derive(Clone, Debug)]
pub struct Sweep {
    files: Files,
    section: &'static str,
    table: &'static str,
}

impl Sweep {
    /// Of `section`, a module's name, whose files have their rows in `table` under the same identifiers.
    #[must_use]
    pub const fn new(files: Files, section: &'static str, table: &'static str) -> Self {
        Self { files, section, table }
    }

    /// Looks through the company's files; how many were removed. One statement per 500 files.
    pub async fn sweep(&self, db: &Db, tenant: &Arc<Tenant>) -> Result<usize, JobError> {
        let mut kept = self.files.list(tenant.id, self.section).await?;
        // Identifiers follow the moments of their making.
        let recent = least_id(db.clock().now().plus_seconds(-IN_FLIGHT));
        kept.retain(|id| *id < recent);
        kept.sort_unstable();
        let mut removed = 0;
        for some in kept.chunks(BATCH) {
            let tx = db.read(tenant, Actor::System).await?;
            let known = self.known(&tx, some[0], some[some.len() - 1]).await?;
            tx.commit().await?;
            for id in some.iter().filter(|id| !known.contains(id)) {
                self.files.remove(tenant.id, self.section, *id).await?;
                removed += 1;
            }
        }
        if removed > 0 {
            tracing::info!(section = self.section, removed, "files that belonged to nothing are removed");
        }
        Ok(removed)
    }

    /// The files from `first` to `last` that have a row.
    async fn known(&self, tx: &Tx, first: Uuid, last: Uuid) -> Result<HashSet<Uuid>, DbError> {
        #[derive(FromQueryResult)]
        struct Row {
            id: Uuid,
        }
        let table = self.table;
        let sql = format!("SELECT f.id FROM {table} f WHERE f.tenant_id = $1 AND f.id BETWEEN $2 AND $3");
        let rows: Vec<Row> = tx.rows(&sql, vec![first.into(), last.into()]).await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }
}

#[async_trait]
impl JobHandler for Sweep {
    fn kind(&self) -> &'static str {
        "sweep"
    }

    fn is_long(&self) -> bool {
        true
    }

    fn daily_from(&self) -> Option<u32> {
        Some(HOUR)
    }

    async fn run(&self, context: JobContext, _: serde_json::Value) -> Result<(), JobError> {
        self.sweep(&context.db, &context.tenant).await.map(drop)
    }
}

impl From<FileError> for JobError {
    fn from(error: FileError) -> Self {
        Self::Retry(error.to_string())
    }
}
