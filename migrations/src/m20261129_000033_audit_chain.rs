//! The chain of hashes over each company's audit log.

use sea_orm_migration::prelude::*;

use crate::schema::{append_only, index, tenant_table};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        // Without a foreign key to the entry: what is removed past the platform is found because its link stays.
        tenant_table(
            m,
            "audit_link",
            "seq {int} NOT NULL, audit_id {uuid} NOT NULL, hash {bytes} NOT NULL, PRIMARY KEY (tenant_id, seq)",
        )
        .await?;
        index(m, "CREATE UNIQUE INDEX audit_link_entry ON audit_link (tenant_id, audit_id)").await?;
        append_only(m, "audit_link").await
    }
}
