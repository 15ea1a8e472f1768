//! Houses, premises, accounts, holders, links between residents and accounts.

use sea_orm_migration::prelude::*;

use crate::schema::{index, tenant_table};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        premises(m).await?;
        accounts(m).await?;
        links(m).await?;
        Ok(())
    }
}

/// Houses and premises.
async fn premises(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    tenant_table(
        m,
        "house",
        "id {uuid} NOT NULL, code {text} NOT NULL, address {text} NOT NULL, number {text} NOT NULL,
         number_key {text} NOT NULL, has_flats {bool} NOT NULL, PRIMARY KEY (tenant_id, id),
         UNIQUE (tenant_id, code)",
    )
    .await?;
    tenant_table(
        m,
        "premises",
        "id {uuid} NOT NULL, house_id {uuid} NOT NULL, flat {text} NOT NULL, flat_key {text} NOT NULL,
         kind {text} NOT NULL, area {int} NOT NULL CHECK (area >= 0), PRIMARY KEY (tenant_id, id),
         FOREIGN KEY (tenant_id, house_id) REFERENCES house (tenant_id, id)",
    )
    .await?;
    index(m, "CREATE INDEX premises_house ON premises (tenant_id, house_id, flat_key)").await?;
    Ok(())
}

/// Accounts, the people counted on them, their holders.
async fn accounts(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    tenant_table(
        m,
        "account",
        "id {uuid} NOT NULL, branch {text} NOT NULL, number {text} NOT NULL, number_key {text} NOT NULL,
         premises_id {uuid} NOT NULL, els {text} NOT NULL, izhku {text} NOT NULL, opened_on {int4} NOT NULL,
         closed_on {int4}, PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, branch, number_key),
         FOREIGN KEY (tenant_id, premises_id) REFERENCES premises (tenant_id, id)",
    )
    .await?;
    index(m, "CREATE INDEX account_number ON account (tenant_id, number_key)").await?;
    tenant_table(
        m,
        "account_alias",
        "number_key {text} NOT NULL, account_id {uuid} NOT NULL, number {text} NOT NULL,
         PRIMARY KEY (tenant_id, number_key, account_id),
         FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id)",
    )
    .await?;
    tenant_table(
        m,
        "occupancy",
        "account_id {uuid} NOT NULL, from_on {int4} NOT NULL, registered {int4} NOT NULL,
         temporary {int4} NOT NULL, owners {int4} NOT NULL, PRIMARY KEY (tenant_id, account_id, from_on),
         FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id)",
    )
    .await?;
    tenant_table(
        m,
        "holder",
        "id {uuid} NOT NULL, account_id {uuid} NOT NULL, kind {text} NOT NULL, surname {text} NOT NULL,
         surname_key {text} NOT NULL, given_name {text} NOT NULL, patronymic {text} NOT NULL,
         organisation {text} NOT NULL, inn {text} NOT NULL, share_numerator {int4} NOT NULL,
         share_denominator {int4} NOT NULL CHECK (share_denominator > 0), from_on {int4} NOT NULL, to_on {int4},
         PRIMARY KEY (tenant_id, id),
         FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id)",
    )
    .await?;
    index(m, "CREATE INDEX holder_account ON holder (tenant_id, account_id)").await?;
    Ok(())
}

/// Which resident sees which account.
async fn links(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    tenant_table(
        m,
        "account_link",
        "id {uuid} NOT NULL, resident_id {uuid} NOT NULL, account_id {uuid} NOT NULL, linked_at {int} NOT NULL,
         ended_at {int}, ended_reason {text}, PRIMARY KEY (tenant_id, id),
         FOREIGN KEY (tenant_id, resident_id) REFERENCES resident (tenant_id, id),
         FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id)",
    )
    .await?;
    index(
        m,
        "CREATE UNIQUE INDEX account_link_active ON account_link (tenant_id, resident_id, account_id)
         WHERE ended_at IS NULL",
    )
    .await?;
    index(m, "CREATE INDEX account_link_account ON account_link (tenant_id, account_id)").await?;
    Ok(())
}
