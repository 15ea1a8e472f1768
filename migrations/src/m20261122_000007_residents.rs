//! Residents who register themselves: unfinished registrations, consents, mailed links, exports.

use sea_orm_migration::prelude::*;

use crate::schema::{index, tenant_table};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        // One row an address: whoever registers again replaces what was not activated.
        tenant_table(
            m,
            "registration",
            "email_key {text} NOT NULL, email {text} NOT NULL, phone {text} NOT NULL, password_hash {text} NOT NULL,
             token_hash {bytes} NOT NULL, consent_hash {bytes} NOT NULL, consent_at {int} NOT NULL,
             consent_address {text} NOT NULL, expires_at {int} NOT NULL, created_at {int} NOT NULL,
             PRIMARY KEY (tenant_id, email_key)",
        )
        .await?;
        index(m, "CREATE INDEX registration_token ON registration (tenant_id, token_hash)").await?;
        tenant_table(
            m,
            "consent_text",
            "hash {bytes} NOT NULL, version {text} NOT NULL, body {text} NOT NULL, first_shown_at {int} NOT NULL,
             PRIMARY KEY (tenant_id, hash)",
        )
        .await?;
        tenant_table(
            m,
            "consent",
            "id {uuid} NOT NULL, resident_id {uuid} NOT NULL, text_hash {bytes} NOT NULL, given_at {int} NOT NULL,
             given_address {text} NOT NULL, withdrawn_at {int}, PRIMARY KEY (tenant_id, id),
             FOREIGN KEY (tenant_id, resident_id) REFERENCES resident (tenant_id, id),
             FOREIGN KEY (tenant_id, text_hash) REFERENCES consent_text (tenant_id, hash)",
        )
        .await?;
        index(m, "CREATE INDEX consent_resident ON consent (tenant_id, resident_id)").await?;
        tenant_table(
            m,
            "mailed_link",
            "token_hash {bytes} NOT NULL, purpose {text} NOT NULL, resident_id {uuid} NOT NULL, email {text},
             created_at {int} NOT NULL, expires_at {int} NOT NULL, PRIMARY KEY (tenant_id, token_hash),
             FOREIGN KEY (tenant_id, resident_id) REFERENCES resident (tenant_id, id)",
        )
        .await?;
        index(m, "CREATE INDEX mailed_link_resident ON mailed_link (tenant_id, resident_id)").await?;
        tenant_table(
            m,
            "personal_export",
            "id {uuid} NOT NULL, resident_id {uuid} NOT NULL, token_hash {bytes}, archive {bytes},
             requested_at {int} NOT NULL, expires_at {int} NOT NULL, PRIMARY KEY (tenant_id, id),
             FOREIGN KEY (tenant_id, resident_id) REFERENCES resident (tenant_id, id)",
        )
        .await?;
        index(m, "CREATE INDEX personal_export_resident ON personal_export (tenant_id, resident_id)").await
    }
}
