//! Linking: helpers' access, used codes of receipts.

use sea_orm_migration::prelude::*;

use crate::schema::{alter, index, tenant_table};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        helpers(m).await?;
        codes(m).await?;
        // What a helper did is looked up by the account.
        index(m, "CREATE INDEX audit_subject ON audit (tenant_id, subject, at)").await
    }
}

/// Who may send readings for another: invited by e-mail, accepted, ended. A link says what it allows.
async fn helpers(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    tenant_table(
        m,
        "helper_grant",
        "id {uuid} NOT NULL, account_id {uuid} NOT NULL, granted_by {uuid} NOT NULL, email {text} NOT NULL,
         email_key {text} NOT NULL, access {text} NOT NULL, until_on {int4} NOT NULL, token_hash {bytes} NOT NULL,
         created_at {int} NOT NULL, accepted_at {int}, accepted_by {uuid}, ended_at {int}, ended_reason {text},
         PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, token_hash),
         FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id),
         FOREIGN KEY (tenant_id, granted_by) REFERENCES resident (tenant_id, id)",
    )
    .await?;
    index(m, "CREATE INDEX helper_grant_account ON helper_grant (tenant_id, account_id)").await?;
    index(m, "CREATE INDEX helper_grant_email ON helper_grant (tenant_id, email_key)").await?;
    alter(m, "ALTER TABLE account_link ADD COLUMN access {text} NOT NULL DEFAULT 'full'").await?;
    alter(m, "ALTER TABLE account_link ADD COLUMN until_on {int4}").await?;
    alter(m, "ALTER TABLE account_link ADD COLUMN grant_id {uuid}").await
}

/// Codes of receipts that link no more. The codes themselves are derived, never stored.
async fn codes(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    tenant_table(
        m,
        "link_code",
        "account_id {uuid} NOT NULL, run_id {uuid} NOT NULL, ended_at {int} NOT NULL, reason {text} NOT NULL,
         resident_id {uuid}, PRIMARY KEY (tenant_id, account_id, run_id),
         FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id)",
    )
    .await
}
