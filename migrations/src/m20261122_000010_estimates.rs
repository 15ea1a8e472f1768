//! Estimates that know whether readings came since.

use sea_orm_migration::prelude::*;

use crate::schema::index;

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// `wanted` counts the submissions of readings, `computed` is its value that the figure knows.
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        index(m, "ALTER TABLE estimate DROP COLUMN detail").await?;
        index(m, "ALTER TABLE estimate ADD COLUMN wanted {int} NOT NULL DEFAULT 0").await?;
        index(m, "ALTER TABLE estimate ADD COLUMN computed {int} NOT NULL DEFAULT 0").await
    }
}
