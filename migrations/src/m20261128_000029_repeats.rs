//! Keys of operations that callers may send again (`Idempotency-Key`), with what was answered.

use sea_orm_migration::prelude::*;

use crate::schema::{index, tenant_table};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        tenant_table(
            m,
            "repeat",
            "key_hash {bytes} NOT NULL, subject_id {uuid} NOT NULL, fingerprint {bytes} NOT NULL,
             created_at {int} NOT NULL, status {int4}, content_type {text}, body {bytes},
             PRIMARY KEY (tenant_id, key_hash)",
        )
        .await?;
        index(m, "CREATE INDEX repeat_subject ON repeat (tenant_id, subject_id, created_at)").await
    }
}
