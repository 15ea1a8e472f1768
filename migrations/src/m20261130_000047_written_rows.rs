//! The row policies of tables that earlier releases made: the company of a row that is written is read once a statement.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

use crate::schema::{WRITTEN, alter};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        if m.get_database_backend() != DatabaseBackend::Postgres {
            return Ok(());
        }
        let each = format!(
            "DO $all$ DECLARE p record; BEGIN
               FOR p IN SELECT tablename, policyname FROM pg_policies
                        WHERE schemaname = current_schema() AND policyname = tablename || '_tenant' LOOP
                 EXECUTE format($one$ALTER POLICY %I ON %I WITH CHECK ({WRITTEN})$one$, p.policyname, p.tablename);
               END LOOP;
             END $all$"
        );
        alter(m, &each).await
    }
}
