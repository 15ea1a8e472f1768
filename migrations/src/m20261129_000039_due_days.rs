//! Until which day bills are to be paid, by the month of the bill: a table in the place of a setting.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

use crate::schema::{across_companies, tenant_table};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const POSTGRES: &str = "
    INSERT INTO due_day (tenant_id, from_period, day)
    SELECT s.tenant_id, CAST(e.rule->>'from_period' AS integer), CAST(e.rule->>'day' AS integer)
    FROM setting s, json_array_elements(CAST(s.value AS json)->'due_days') AS e(rule) WHERE s.module = 'billing';
    UPDATE setting SET value = CAST(CAST(value AS jsonb) - 'due_days' AS text) WHERE module = 'billing';";

const SQLITE: &str = "
    INSERT INTO due_day (tenant_id, from_period, day)
    SELECT s.tenant_id, json_extract(e.value, '$.from_period'), json_extract(e.value, '$.day')
    FROM setting s, json_each(s.value, '$.due_days') e WHERE s.module = 'billing';
    UPDATE setting SET value = json_remove(value, '$.due_days') WHERE module = 'billing';";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        tenant_table(
            m,
            "due_day",
            "from_period {int4} NOT NULL, day {int4} NOT NULL CHECK (day BETWEEN 1 AND 28),
             PRIMARY KEY (tenant_id, from_period)",
        )
        .await?;
        let sql = if m.get_database_backend() == DatabaseBackend::Postgres { POSTGRES } else { SQLITE };
        across_companies(m, &["setting", "due_day"], sql).await
    }
}
