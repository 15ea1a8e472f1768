//! Services and receipt kinds by the month they hold from. What the books go by stays with the code alone: a
//! service's receipt kind, the order, which kind is the main one.

use sea_orm_migration::prelude::*;

use crate::schema::{across_companies, alter, tenant_table};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        tenant_table(
            m,
            "receipt_kind_version",
            "code {text} NOT NULL, from_period {int4} NOT NULL, title {text} NOT NULL, supplier {text} NOT NULL,
             PRIMARY KEY (tenant_id, code, from_period),
             FOREIGN KEY (tenant_id, code) REFERENCES receipt_kind (tenant_id, code)",
        )
        .await?;
        tenant_table(
            m,
            "service_version",
            "code {text} NOT NULL, from_period {int4} NOT NULL, title {text} NOT NULL, resource {text} NOT NULL,
             unit {text} NOT NULL, section {text} NOT NULL, rule {text} NOT NULL, shares {text} NOT NULL,
             PRIMARY KEY (tenant_id, code, from_period),
             FOREIGN KEY (tenant_id, code) REFERENCES service (tenant_id, code)",
        )
        .await?;
        // What was there held for all months.
        across_companies(
            m,
            &["receipt_kind", "receipt_kind_version", "service", "service_version"],
            "INSERT INTO receipt_kind_version (tenant_id, code, from_period, title, supplier)
             SELECT tenant_id, code, 190001, title, supplier FROM receipt_kind;
             INSERT INTO service_version (tenant_id, code, from_period, title, resource, unit, section, rule, shares)
             SELECT tenant_id, code, 190001, title, resource, unit, section, rule, shares FROM service;",
        )
        .await?;
        for column in ["title", "supplier"] {
            alter(m, &format!("ALTER TABLE receipt_kind DROP COLUMN {column}")).await?;
        }
        for column in ["title", "resource", "unit", "section", "rule", "shares"] {
            alter(m, &format!("ALTER TABLE service DROP COLUMN {column}")).await?;
        }
        Ok(())
    }
}
