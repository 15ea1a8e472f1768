//! Terms of a service begin with a day: the first of the month that they began with.

use sea_orm_migration::prelude::*;

use crate::schema::across_companies;

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let sql = "ALTER TABLE tariff RENAME COLUMN from_period TO from_on;
                   UPDATE tariff SET from_on = from_on * 100 + 1;";
        across_companies(m, &["tariff"], sql).await
    }
}
