//! When the first attempt to deliver a notice by a channel began: its month bears the cost, and it is asked how long
//! the channel has been asking to wait.

use sea_orm_migration::prelude::*;

use crate::schema::{across_companies, alter};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        alter(m, "ALTER TABLE delivery ADD COLUMN first_at {int} NOT NULL DEFAULT 0").await?;
        // Of earlier releases only the last attempt is known.
        across_companies(m, &["delivery"], "UPDATE delivery SET first_at = begun_at;").await
    }
}
