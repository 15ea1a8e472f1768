//! Up to which reading a run's bills are made: none of runs before this release, which took what they found.

use sea_orm_migration::prelude::*;

use crate::schema::alter;

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        alter(m, "ALTER TABLE billing_run ADD COLUMN readings_until {int}").await
    }
}
