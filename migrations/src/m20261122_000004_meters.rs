//! Meters and their readings.

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
            "meter",
            "id {uuid} NOT NULL, account_id {uuid} NOT NULL, service_code {text} NOT NULL, serial {text} NOT NULL,
             place {text} NOT NULL, model {text} NOT NULL, zones {int4} NOT NULL CHECK (zones BETWEEN 1 AND 3), digits {int4} NOT NULL CHECK (digits BETWEEN 1 AND 9),
             automatic {bool} NOT NULL, installed_on {int4} NOT NULL, removed_on {int4}, verified_until {int4},
             PRIMARY KEY (tenant_id, id),
             FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id)",
        )
        .await?;
        index(m, "CREATE INDEX meter_account ON meter (tenant_id, account_id)").await?;
        tenant_table(
            m,
            "reading",
            "id {uuid} NOT NULL, meter_id {uuid} NOT NULL, account_id {uuid} NOT NULL, period {int4} NOT NULL,
             taken_on {int4} NOT NULL, value_t1 {int} NOT NULL, value_t2 {int}, value_t3 {int},
             source {text} NOT NULL, actor_id {uuid}, created_at {int} NOT NULL, PRIMARY KEY (tenant_id, id),
             FOREIGN KEY (tenant_id, meter_id) REFERENCES meter (tenant_id, id)",
        )
        .await?;
        index(m, "CREATE INDEX reading_account ON reading (tenant_id, account_id, period)").await?;
        index(m, "CREATE INDEX reading_meter ON reading (tenant_id, meter_id, taken_on)").await?;
        // A resident may send a better value on the same day; an import that is repeated may not.
        index(
            m,
            "CREATE UNIQUE INDEX reading_once ON reading (tenant_id, meter_id, taken_on, source)
             WHERE source NOT IN ('portal', 'guest')",
        )
        .await?;
        Ok(())
    }
}
