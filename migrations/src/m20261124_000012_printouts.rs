//! Receipts of whole houses, printed for the printing house.

use sea_orm_migration::prelude::*;

use crate::schema::{index, tenant_table};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// What was asked for, and the parts that are printed of it; both are removed after a week.
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        tenant_table(
            m,
            "printout",
            "id {uuid} NOT NULL, period {int4} NOT NULL, house_code {text} NOT NULL, kind_code {text} NOT NULL,
             state {text} NOT NULL, done {int4} NOT NULL, total {int4} NOT NULL, problem {text} NOT NULL,
             asked_at {int} NOT NULL, PRIMARY KEY (tenant_id, id)",
        )
        .await?;
        index(m, "CREATE INDEX printout_house ON printout (tenant_id, house_code, period)").await?;
        tenant_table(
            m,
            "printout_part",
            "printout_id {uuid} NOT NULL, part {int4} NOT NULL, pdf {bytes} NOT NULL,
             PRIMARY KEY (tenant_id, printout_id, part),
             FOREIGN KEY (tenant_id, printout_id) REFERENCES printout (tenant_id, id)",
        )
        .await
    }
}
