//! What the owners of a house decided about the resources of its common property, from a month on.

use sea_orm_migration::prelude::*;

use crate::schema::tenant_table;

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        // Without `by_meter` the decision before it has ended: the house goes as its company does.
        tenant_table(
            m,
            "house_decision",
            "house_id {uuid} NOT NULL, from_period {int4} NOT NULL, by_meter {bool}, protocol {text} NOT NULL,
             decided_on {int4}, recorded_at {int} NOT NULL, PRIMARY KEY (tenant_id, house_id, from_period),
             CHECK ((by_meter IS NULL) = (decided_on IS NULL)),
             FOREIGN KEY (tenant_id, house_id) REFERENCES house (tenant_id, id)",
        )
        .await
    }
}
