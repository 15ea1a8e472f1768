//! One-meter links: how often the links of a meter and a month were used, and which of them are taken back.

use sea_orm_migration::prelude::*;

use crate::schema::{index, tenant_table};

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
        .await?;
        better_values(m).await
    }
}

/// As in the portal, a better value may be sent by a link on the same day. Where readings can be taken back, the
/// index allows it already.
async fn better_values(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    if m.has_column("reading", "withdrawn_at").await? {
        return Ok(());
    }
    index(m, "DROP INDEX reading_once").await?;
    index(
        m,
        "CREATE UNIQUE INDEX reading_once ON reading (tenant_id, meter_id, taken_on, source)
         WHERE source NOT IN ('portal', 'guest', 'link')",
    )
    .await
}
