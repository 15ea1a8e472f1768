//! What changes a bill beside meters and tariffs: people away, benefits, corrections of closed months.

use sea_orm_migration::prelude::*;

use crate::schema::{index, tenant_table};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        absences(m).await?;
        benefits(m).await?;
        recalculations(m).await
    }
}

async fn absences(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    tenant_table(
        m,
        "absence",
        "id {uuid} NOT NULL, account_id {uuid} NOT NULL, residents {int4} NOT NULL CHECK (residents > 0),
         from_on {int4} NOT NULL, to_on {int4} NOT NULL, document {text} NOT NULL, recorded_at {int} NOT NULL,
         withdrawn_at {int}, PRIMARY KEY (tenant_id, id),
         FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id)",
    )
    .await?;
    index(m, "CREATE INDEX absence_account ON absence (tenant_id, account_id, to_on)").await
}

async fn benefits(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    tenant_table(
        m,
        "benefit",
        "id {uuid} NOT NULL, account_id {uuid} NOT NULL, service_code {text} NOT NULL, from_period {int4} NOT NULL,
         to_period {int4}, share {int} NOT NULL, volume {int}, document {text} NOT NULL, recorded_at {int} NOT NULL,
         PRIMARY KEY (tenant_id, id),
         FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id),
         FOREIGN KEY (tenant_id, service_code) REFERENCES service (tenant_id, code)",
    )
    .await?;
    index(m, "CREATE INDEX benefit_account ON benefit (tenant_id, account_id, from_period)").await
}

/// A correction is billed by the first run that is started after it was recorded.
async fn recalculations(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    tenant_table(
        m,
        "recalculation",
        "id {uuid} NOT NULL, account_id {uuid} NOT NULL, service_code {text} NOT NULL, period {int4} NOT NULL,
         amount {int} NOT NULL CHECK (amount <> 0), basis {text} NOT NULL, recorded_at {int} NOT NULL,
         withdrawn_at {int}, PRIMARY KEY (tenant_id, id),
         FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id),
         FOREIGN KEY (tenant_id, service_code) REFERENCES service (tenant_id, code)",
    )
    .await?;
    index(m, "CREATE INDEX recalculation_account ON recalculation (tenant_id, account_id, recorded_at)").await
}
