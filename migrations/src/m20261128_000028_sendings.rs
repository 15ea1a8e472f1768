//! Readings that a browser may send twice: what was typed without a network is sent when there is one, and
//! again when the answer was lost.

use sea_orm_migration::prelude::*;

use crate::schema::{index, tenant_table};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// `mark` is the browser's random name of what it sends.
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        tenant_table(
            m,
            "reading_sending",
            "resident_id {uuid} NOT NULL, mark {text} NOT NULL, stored_at {int} NOT NULL,
             PRIMARY KEY (tenant_id, resident_id, mark),
             FOREIGN KEY (tenant_id, resident_id) REFERENCES resident (tenant_id, id)",
        )
        .await?;
        index(m, "CREATE INDEX reading_sending_age ON reading_sending (tenant_id, resident_id, stored_at)").await
    }
}
