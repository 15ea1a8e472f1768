//! Secrets of companies, sealed under keys that are outside the database.

use sea_orm_migration::prelude::*;

use crate::schema::tenant_table;

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        tenant_table(
            m,
            "secret",
            "field {text} NOT NULL, key_id {text} NOT NULL, sealed {bytes} NOT NULL, updated_at {int} NOT NULL,
             PRIMARY KEY (tenant_id, field)",
        )
        .await
    }
}
