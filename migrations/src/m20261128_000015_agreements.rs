//! Debts that are paid by an order of their own: instalments that were agreed, sums that a court awarded.

use sea_orm_migration::prelude::*;

use crate::schema::{alter, index, tenant_table};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        // Where a correction is posted to: revenue, or the debt that left the balance of its service.
        alter(m, "ALTER TABLE recalculation ADD COLUMN posted_to {text} NOT NULL DEFAULT 'revenue'").await?;
        alter(m, "ALTER TABLE recalculation ADD COLUMN agreement_id {uuid}").await?;
        tenant_table(
            m,
            "instalment_plan",
            "id {uuid} NOT NULL, account_id {uuid} NOT NULL, service_code {text} NOT NULL, basis {text} NOT NULL,
             debt_period {int4} NOT NULL, total {int} NOT NULL CHECK (total > 0),
             parts {int4} NOT NULL CHECK (parts BETWEEN 1 AND 60), from_period {int4} NOT NULL,
             percent {int} NOT NULL CHECK (percent >= 0), recorded_at {int} NOT NULL, cancelled_at {int},
             PRIMARY KEY (tenant_id, id),
             FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id),
             FOREIGN KEY (tenant_id, service_code) REFERENCES service (tenant_id, code)",
        )
        .await?;
        index(m, "CREATE INDEX instalment_plan_account ON instalment_plan (tenant_id, account_id)").await?;
        tenant_table(
            m,
            "instalment",
            "plan_id {uuid} NOT NULL, period {int4} NOT NULL, account_id {uuid} NOT NULL, amount {int} NOT NULL,
             interest {int} NOT NULL, remaining {int} NOT NULL, PRIMARY KEY (tenant_id, plan_id, period),
             FOREIGN KEY (tenant_id, plan_id) REFERENCES instalment_plan (tenant_id, id)",
        )
        .await?;
        index(m, "CREATE INDEX instalment_account ON instalment (tenant_id, account_id, period)").await?;
        tenant_table(
            m,
            "court_award",
            "id {uuid} NOT NULL, account_id {uuid} NOT NULL, kind_code {text} NOT NULL, basis {text} NOT NULL,
             total {int} NOT NULL CHECK (total > 0), recorded_at {int} NOT NULL, PRIMARY KEY (tenant_id, id),
             FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id)",
        )
        .await?;
        index(m, "CREATE INDEX court_award_account ON court_award (tenant_id, account_id)").await?;
        tenant_table(
            m,
            "award_payment",
            "id {uuid} NOT NULL, award_id {uuid} NOT NULL, amount {int} NOT NULL CHECK (amount > 0),
             paid_on {int4} NOT NULL, source {text} NOT NULL, external_id {text} NOT NULL, booked_at {int} NOT NULL,
             PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, source, external_id),
             FOREIGN KEY (tenant_id, award_id) REFERENCES court_award (tenant_id, id)",
        )
        .await?;
        index(m, "CREATE INDEX award_payment_award ON award_payment (tenant_id, award_id)").await
    }
}
