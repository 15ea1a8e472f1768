//! Planned outages know when they begin, so that residents are reminded on the day before.

use sea_orm_migration::prelude::*;

use crate::schema::index;

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        index(m, "ALTER TABLE message ADD COLUMN outage_from {int}").await?;
        index(m, "CREATE INDEX message_outage ON message (tenant_id, outage_from) WHERE outage_from IS NOT NULL").await
    }
}
