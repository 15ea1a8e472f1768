//! What the price of a requested service is for, «за час»: the catalogue may change, the request keeps it.

use sea_orm_migration::prelude::*;

use crate::schema::alter;

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        alter(m, "ALTER TABLE request ADD COLUMN price_unit {text} NOT NULL DEFAULT ''").await
    }
}
