//! Volumes of house meters in published months, corrected: what was billed stays, and what is learned later is added.

use sea_orm_migration::prelude::*;

use crate::schema::{append_only, tenant_table};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        // Of a month the one with the largest number holds; without a volume it takes back those before it.
        tenant_table(
            m,
            "house_volume_correction",
            "house_id {uuid} NOT NULL, service_code {text} NOT NULL, period {int4} NOT NULL, number {int4} NOT NULL,
             volume {int} CHECK (volume >= 0), serial {text} NOT NULL, previous {int}, current {int},
             recorded_at {int} NOT NULL, PRIMARY KEY (tenant_id, house_id, service_code, period, number),
             FOREIGN KEY (tenant_id, house_id) REFERENCES house (tenant_id, id),
             FOREIGN KEY (tenant_id, service_code) REFERENCES service (tenant_id, code)",
        )
        .await?;
        append_only(m, "house_volume_correction").await
    }
}
