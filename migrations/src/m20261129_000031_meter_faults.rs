//! Meters that cannot be charged by: broken ones, and those that nobody was let to.

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
            "meter_fault",
            "meter_id {uuid} NOT NULL, since {int4} NOT NULL, kind {text} NOT NULL, note {text} NOT NULL,
             ended_on {int4}, declared_at {int} NOT NULL, PRIMARY KEY (tenant_id, meter_id, since),
             FOREIGN KEY (tenant_id, meter_id) REFERENCES meter (tenant_id, id)",
        )
        .await?;
        // A meter has one fault at a time.
        index(m, "CREATE UNIQUE INDEX meter_fault_open ON meter_fault (tenant_id, meter_id) WHERE ended_on IS NULL")
            .await
    }
}
