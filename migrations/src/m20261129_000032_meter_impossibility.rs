//! Accounts on which a meter cannot be installed, by act.

use sea_orm_migration::prelude::*;

use crate::schema::{index, tenant_table};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        tenant_table(
            m,
            "meter_impossibility",
            "id {uuid} NOT NULL, account_id {uuid} NOT NULL, service_code {text} NOT NULL, since {int4} NOT NULL,
             document {text} NOT NULL, ended_on {int4}, recorded_at {int} NOT NULL, PRIMARY KEY (tenant_id, id),
             FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id)",
        )
        .await?;
        index(
            m,
            "CREATE INDEX meter_impossibility_account ON meter_impossibility (tenant_id, account_id, service_code)",
        )
        .await?;
        // An account has one act in force for a resource.
        index(
            m,
            "CREATE UNIQUE INDEX meter_impossibility_open
             ON meter_impossibility (tenant_id, account_id, service_code) WHERE ended_on IS NULL",
        )
        .await
    }
}
