//! Readings on their way: when one was taken down that waited in a browser, and how many submissions of an account a
//! bill knows of.

use sea_orm_migration::prelude::*;

use crate::schema::{across_companies, alter};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        alter(m, "ALTER TABLE reading ADD COLUMN captured_at {int}").await?;
        // `estimate.wanted` as the bill's batch found it; none with bills of earlier releases.
        alter(m, "ALTER TABLE receipt_facts ADD COLUMN submissions {int}").await?;
        // What came since such a bill was calculated would not be known: it is calculated anew.
        let given_up = "UPDATE billing_run SET state = 'failed',
             problem = 'платформа обновлена: рассчитайте месяц заново' WHERE state IN ('running', 'done');";
        across_companies(m, &["billing_run"], given_up).await
    }
}
