//! The `plugin.toml` that an activation was made with, so that staff see what its numbers are; empty for those of
//! earlier releases.

use sea_orm_migration::prelude::*;

use crate::schema::alter;

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        alter(m, "ALTER TABLE plugin_activation ADD COLUMN manifest {text} NOT NULL DEFAULT ''").await
    }
}
