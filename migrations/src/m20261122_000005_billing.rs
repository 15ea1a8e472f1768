//! Services, tariffs, plugins, runs, charges, receipts, payments, the ledger.

use sea_orm_migration::prelude::*;

use crate::schema::{append_only, bulk_table, index, tenant_table};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        catalogue(m).await?;
        runs(m).await?;
        money(m).await?;
        Ok(())
    }
}

/// What a company charges for and by which rules: effective-dated, history never rewritten.
async fn catalogue(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    tenant_table(
        m,
        "receipt_kind",
        "code {text} NOT NULL, title {text} NOT NULL, position {int4} NOT NULL, main {bool} NOT NULL,
         supplier {text} NOT NULL, PRIMARY KEY (tenant_id, code)",
    )
    .await?;
    tenant_table(
        m,
        "service",
        "code {text} NOT NULL, title {text} NOT NULL, resource {text} NOT NULL, unit {text} NOT NULL,
         section {text} NOT NULL, kind_code {text} NOT NULL, position {int4} NOT NULL, rule {text} NOT NULL, PRIMARY KEY (tenant_id, code),
         FOREIGN KEY (tenant_id, kind_code) REFERENCES receipt_kind (tenant_id, code)",
    )
    .await?;
    tenant_table(
        m,
        "tariff",
        "service_code {text} NOT NULL, from_period {int4} NOT NULL, terms {text} NOT NULL, note {text} NOT NULL,
         PRIMARY KEY (tenant_id, service_code, from_period),
         FOREIGN KEY (tenant_id, service_code) REFERENCES service (tenant_id, code)",
    )
    .await?;
    tenant_table(
        m,
        "plugin",
        "hash {text} NOT NULL, name {text} NOT NULL, version {text} NOT NULL, component {bytes} NOT NULL,
         installed_at {int} NOT NULL, PRIMARY KEY (tenant_id, hash)",
    )
    .await?;
    tenant_table(
        m,
        "plugin_activation",
        "from_period {int4} NOT NULL, hash {text} NOT NULL, config {text} NOT NULL,
         PRIMARY KEY (tenant_id, from_period),
         FOREIGN KEY (tenant_id, hash) REFERENCES plugin (tenant_id, hash)",
    )
    .await?;
    tenant_table(
        m,
        "receipt_template",
        "hash {text} NOT NULL, source {text} NOT NULL, installed_at {int} NOT NULL, PRIMARY KEY (tenant_id, hash)",
    )
    .await
}

/// A run and what it computed. Its rows are inserted in batches; publishing only flips its state.
async fn runs(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    tenant_table(
        m,
        "billing_run",
        "id {uuid} NOT NULL, period {int4} NOT NULL, state {text} NOT NULL, plugin_hash {text} NOT NULL,
         template_hash {text} NOT NULL, snapshot {text} NOT NULL, base_run {uuid}, base_cutoff_at {int} NOT NULL,
         cutoff_at {int} NOT NULL, due_on {int4} NOT NULL, total {int4} NOT NULL,
         done {int4} NOT NULL, last_account {uuid}, result_hash {text} NOT NULL, problem {text} NOT NULL,
         started_at {int} NOT NULL, finished_at {int}, published_at {int}, PRIMARY KEY (tenant_id, id)",
    )
    .await?;
    index(m, "CREATE UNIQUE INDEX billing_run_published ON billing_run (tenant_id, period) WHERE state = 'published'")
        .await?;
    bulk_table(
        m,
        "charge",
        "run_id {uuid} NOT NULL, account_id {uuid} NOT NULL, service_code {text} NOT NULL,
         kind_code {text} NOT NULL, method {text} NOT NULL, volume {int}, tariff {int}, norm {int},
         coefficient {int}, opening {int} NOT NULL, charged {int} NOT NULL, excess {int} NOT NULL,
         recalculation {int} NOT NULL, penalty {int} NOT NULL, counted {int} NOT NULL, to_pay {int} NOT NULL,
         trace {text} NOT NULL, PRIMARY KEY (tenant_id, run_id, account_id, service_code)",
    )
    .await?;
    bulk_table(
        m,
        "receipt",
        "run_id {uuid} NOT NULL, account_id {uuid} NOT NULL, kind_code {text} NOT NULL, period {int4} NOT NULL,
         opening {int} NOT NULL, charged {int} NOT NULL, recalculation {int} NOT NULL, penalty {int} NOT NULL,
         counted {int} NOT NULL, to_pay {int} NOT NULL, PRIMARY KEY (tenant_id, run_id, account_id, kind_code)",
    )
    .await?;
    index(m, "CREATE INDEX receipt_account ON receipt (tenant_id, account_id, period)").await?;
    bulk_table(
        m,
        "receipt_facts",
        "run_id {uuid} NOT NULL, account_id {uuid} NOT NULL, facts {text} NOT NULL,
         PRIMARY KEY (tenant_id, run_id, account_id)",
    )
    .await?;
    tenant_table(
        m,
        "estimate",
        "account_id {uuid} NOT NULL, period {int4} NOT NULL, total {int}, change {int}, problem {text} NOT NULL,
         detail {text} NOT NULL, computed_at {int} NOT NULL, PRIMARY KEY (tenant_id, account_id)",
    )
    .await
}

/// Payments and the append-only double-entry ledger. An entry moves a positive sum from `credit` to
/// `debit`, so entries balance by construction. Its key is its source (a run or a payment), the
/// account and a line number: booking the same batch twice is refused by the key itself.
async fn money(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    tenant_table(
        m,
        "payment",
        "id {uuid} NOT NULL, account_id {uuid} NOT NULL, kind_code {text} NOT NULL, amount {int} NOT NULL,
         paid_on {int4} NOT NULL, booked_at {int} NOT NULL, period {int4}, source {text} NOT NULL,
         external_id {text} NOT NULL, PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, source, external_id),
         FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id)",
    )
    .await?;
    index(m, "CREATE INDEX payment_account ON payment (tenant_id, account_id, booked_at)").await?;
    bulk_table(
        m,
        "ledger_entry",
        "source_id {uuid} NOT NULL, account_id {uuid} NOT NULL, line {int4} NOT NULL, kind_code {text} NOT NULL,
         service_code {text} NOT NULL, period {int4} NOT NULL, debit {text} NOT NULL, credit {text} NOT NULL,
         amount {int} NOT NULL CHECK (amount > 0), booked_at {int} NOT NULL,
         PRIMARY KEY (tenant_id, source_id, account_id, line)",
    )
    .await?;
    append_only(m, "ledger_entry").await
}
