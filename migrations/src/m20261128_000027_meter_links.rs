//! One-meter links: how often the links of a meter and a month were used, and which of them are taken back.

use sea_orm_migration::prelude::*;

use crate::schema::tenant_table;

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// A link itself is nowhere: it is signed. `issue` is the number that links have to carry; taking them back
    /// raises it. No row is the same as issue 0 that nobody used.
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        tenant_table(
            m,
            "meter_link",
            "meter_id {uuid} NOT NULL, period {int4} NOT NULL, issue {int4} NOT NULL, uses {int4} NOT NULL,
             changed_at {int} NOT NULL,
             PRIMARY KEY (tenant_id, meter_id, period),
             FOREIGN KEY (tenant_id, meter_id) REFERENCES meter (tenant_id, id)",
        )
        .await
    }
}
