//! Meters of whole houses that are broken: what they show meanwhile is not counted.

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
            "house_meter_fault",
            "meter_id {uuid} NOT NULL, since {int4} NOT NULL, note {text} NOT NULL, ended_on {int4},
             declared_at {int} NOT NULL, PRIMARY KEY (tenant_id, meter_id, since),
             FOREIGN KEY (tenant_id, meter_id) REFERENCES house_meter (tenant_id, id)",
        )
        .await?;
        // A meter has one fault at a time.
        let open = "CREATE UNIQUE INDEX house_meter_fault_open ON house_meter_fault (tenant_id, meter_id)
                    WHERE ended_on IS NULL";
        index(m, open).await
    }
}
