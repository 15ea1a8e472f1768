//! The last month whose receipts may still name a former holder: the change may be recorded long after its day.

use sea_orm_migration::prelude::*;

use crate::schema::alter;

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        alter(m, "ALTER TABLE holder ADD COLUMN printed_until {int4}").await
    }
}
