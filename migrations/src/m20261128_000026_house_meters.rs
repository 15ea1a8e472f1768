//! Meters of whole houses and their readings, which only staff take.

use sea_orm_migration::prelude::*;

use crate::schema::{index, tenant_table};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        // A dial's units times `factor` are the resource's: current transformers stand before large meters.
        tenant_table(
            m,
            "house_meter",
            "id {uuid} NOT NULL, house_id {uuid} NOT NULL, service_code {text} NOT NULL, serial {text} NOT NULL,
             place {text} NOT NULL, model {text} NOT NULL, digits {int4} NOT NULL CHECK (digits BETWEEN 1 AND 9),
             factor {int4} NOT NULL CHECK (factor BETWEEN 1 AND 10000), installed_on {int4} NOT NULL,
             removed_on {int4}, verified_until {int4}, PRIMARY KEY (tenant_id, id),
             UNIQUE (tenant_id, house_id, service_code, serial),
             FOREIGN KEY (tenant_id, house_id) REFERENCES house (tenant_id, id)",
        )
        .await?;
        tenant_table(
            m,
            "house_reading",
            "id {uuid} NOT NULL, meter_id {uuid} NOT NULL, period {int4} NOT NULL, taken_on {int4} NOT NULL,
             value {int} NOT NULL CHECK (value >= 0), rollover {bool} NOT NULL, actor_id {uuid},
             created_at {int} NOT NULL, withdrawn_at {int}, withdrawn_reason {text} NOT NULL,
             PRIMARY KEY (tenant_id, id),
             FOREIGN KEY (tenant_id, meter_id) REFERENCES house_meter (tenant_id, id)",
        )
        .await?;
        index(m, "CREATE INDEX house_reading_meter ON house_reading (tenant_id, meter_id, taken_on)").await?;
        index(m, "CREATE INDEX house_reading_period ON house_reading (tenant_id, period)").await
    }
}
