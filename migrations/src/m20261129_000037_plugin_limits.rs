//! The limits that a plugin lowers for itself in its `plugin.toml`, by activation; `{}`: those of the platform.

use sea_orm_migration::prelude::*;

use crate::schema::alter;

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        alter(m, "ALTER TABLE plugin_activation ADD COLUMN limits {text} NOT NULL DEFAULT '{}'").await
    }
}
