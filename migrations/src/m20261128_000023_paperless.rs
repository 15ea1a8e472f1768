//! Refusals of paper receipts: the application, what became of it, and which receipts left by e-mail.

use sea_orm_migration::prelude::*;

use crate::schema::{alter, index, tenant_table};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        refusals(m).await?;
        deliveries(m).await?;
        alter(m, "ALTER TABLE printout ADD COLUMN without_refused {bool} NOT NULL DEFAULT FALSE").await
    }
}

/// A refusal belongs to an account and to whoever stated it; it is ended, never removed. The ordinal counts the
/// applications of an account. The document lies apart: lists of refusals do not read it.
async fn refusals(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    tenant_table(
        m,
        "paper_refusal",
        "id {uuid} NOT NULL, account_id {uuid} NOT NULL, resident_id {uuid} NOT NULL, ordinal {int4} NOT NULL,
         number {text} NOT NULL, made_on {int4} NOT NULL, made_at {int} NOT NULL, email {text} NOT NULL,
         signatory {text} NOT NULL, ended_at {int}, ended_reason {text}, ended_detail {text} NOT NULL,
         PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, account_id, ordinal),
         FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id),
         FOREIGN KEY (tenant_id, resident_id) REFERENCES resident (tenant_id, id)",
    )
    .await?;
    index(
        m,
        "CREATE UNIQUE INDEX paper_refusal_open ON paper_refusal (tenant_id, account_id, resident_id)
         WHERE ended_at IS NULL",
    )
    .await?;
    index(m, "CREATE INDEX paper_refusal_resident ON paper_refusal (tenant_id, resident_id)").await?;
    tenant_table(
        m,
        "paper_application",
        "refusal_id {uuid} NOT NULL, pdf {bytes} NOT NULL, PRIMARY KEY (tenant_id, refusal_id),
         FOREIGN KEY (tenant_id, refusal_id) REFERENCES paper_refusal (tenant_id, id)",
    )
    .await
}

/// One row a letter with receipts: its key lets it leave once, however often the job is repeated.
async fn deliveries(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    tenant_table(
        m,
        "paper_delivery",
        "run_id {uuid} NOT NULL, account_id {uuid} NOT NULL, resident_id {uuid} NOT NULL, refusal_id {uuid} NOT NULL,
         sent_at {int} NOT NULL, bounced_at {int}, PRIMARY KEY (tenant_id, run_id, account_id, resident_id),
         FOREIGN KEY (tenant_id, run_id) REFERENCES billing_run (tenant_id, id),
         FOREIGN KEY (tenant_id, refusal_id) REFERENCES paper_refusal (tenant_id, id)",
    )
    .await?;
    index(m, "CREATE INDEX paper_delivery_resident ON paper_delivery (tenant_id, resident_id, sent_at)").await
}
