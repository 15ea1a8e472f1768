//! What bills need of houses: areas, volumes by house meters, and what a run made of them.

use sea_orm_migration::prelude::*;

use crate::schema::{alter, tenant_table};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        tenant_table(
            m,
            "house_area",
            "house_id {uuid} NOT NULL, from_period {int4} NOT NULL, rooms {int} NOT NULL CHECK (rooms >= 0),
             common {int} NOT NULL CHECK (common >= 0), recorded_at {int} NOT NULL,
             PRIMARY KEY (tenant_id, house_id, from_period),
             FOREIGN KEY (tenant_id, house_id) REFERENCES house (tenant_id, id)",
        )
        .await?;
        tenant_table(
            m,
            "house_volume",
            "house_id {uuid} NOT NULL, service_code {text} NOT NULL, period {int4} NOT NULL,
             volume {int} NOT NULL CHECK (volume >= 0), serial {text} NOT NULL, previous {int}, current {int},
             recorded_at {int} NOT NULL, PRIMARY KEY (tenant_id, house_id, service_code, period),
             FOREIGN KEY (tenant_id, house_id) REFERENCES house (tenant_id, id),
             FOREIGN KEY (tenant_id, service_code) REFERENCES service (tenant_id, code)",
        )
        .await?;
        tenant_table(
            m,
            "run_house",
            "run_id {uuid} NOT NULL, house_id {uuid} NOT NULL, figures {text} NOT NULL,
             PRIMARY KEY (tenant_id, run_id, house_id),
             FOREIGN KEY (tenant_id, house_id) REFERENCES house (tenant_id, id)",
        )
        .await?;
        // The service whose house meter a common-property service shares the rest of; empty for the others.
        alter(m, "ALTER TABLE service ADD COLUMN shares {text} NOT NULL DEFAULT ''").await
    }
}
