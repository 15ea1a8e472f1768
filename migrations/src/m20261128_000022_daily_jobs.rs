//! On which day each daily job of a company was queued last.

use sea_orm_migration::prelude::*;

use crate::schema::tenant_table;

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let columns = "module {text} NOT NULL, kind {text} NOT NULL, last_on {int4} NOT NULL, PRIMARY KEY (tenant_id, module, kind)";
        tenant_table(m, "daily_job", columns).await
    }
}
