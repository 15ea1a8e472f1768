//! By when an emergency is to be answered and localised, until it is: the queue goes by what is due next.

use sea_orm_migration::prelude::*;

use crate::schema::{alter, index};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        alter(m, "ALTER TABLE request ADD COLUMN answer_by {int}").await?;
        alter(m, "ALTER TABLE request ADD COLUMN localise_by {int}").await?;
        alter(m, "DROP INDEX request_queue").await?;
        index(m, "CREATE INDEX request_queue ON request (tenant_id, COALESCE(answer_by, localise_by, due_at), id)")
            .await
    }
}
