//! Rates of penalty, what is owed for months before the last billed one, and what plugins were given.

use sea_orm_migration::prelude::*;

use crate::schema::{alter, bulk_table, tenant_table};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        tenant_table(
            m,
            "penalty_rate",
            "from_on {int4} NOT NULL, until_on {int4}, percent {int} NOT NULL, note {text} NOT NULL,
             PRIMARY KEY (tenant_id, from_on)",
        )
        .await?;
        // The month 0 stands for the penalty that is not paid.
        bulk_table(
            m,
            "arrears",
            "run_id {uuid} NOT NULL, account_id {uuid} NOT NULL, service_code {text} NOT NULL,
             debt_period {int4} NOT NULL, amount {int} NOT NULL CHECK (amount > 0),
             PRIMARY KEY (tenant_id, run_id, account_id, service_code, debt_period)",
        )
        .await?;
        // None for months that were calculated by an earlier release: they cannot be replayed.
        alter(m, "ALTER TABLE receipt_facts ADD COLUMN input {bytes}").await
    }
}
