//! Login through Gosuslugi: attempts under way, people on their first visit, links, sessions begun there.

use sea_orm_migration::prelude::*;

use crate::schema::tenant_table;

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        tenant_table(
            m,
            "gosuslugi_attempt",
            "state_hash {bytes} NOT NULL, browser_hash {bytes} NOT NULL, purpose {text} NOT NULL, resident_id {uuid},
             redirect_uri {text} NOT NULL, expires_at {int} NOT NULL, PRIMARY KEY (tenant_id, state_hash)",
        )
        .await?;
        tenant_table(
            m,
            "gosuslugi_arrival",
            "token_hash {bytes} NOT NULL, oid {text} NOT NULL, email {text} NOT NULL, phone {text} NOT NULL,
             expires_at {int} NOT NULL, PRIMARY KEY (tenant_id, token_hash)",
        )
        .await?;
        tenant_table(
            m,
            "gosuslugi_letter",
            "token_hash {bytes} NOT NULL, oid {text} NOT NULL, email {text} NOT NULL, phone {text} NOT NULL,
             expires_at {int} NOT NULL, PRIMARY KEY (tenant_id, token_hash)",
        )
        .await?;
        tenant_table(
            m,
            "gosuslugi_link",
            "oid {text} NOT NULL, resident_id {uuid} NOT NULL, linked_at {int} NOT NULL,
             PRIMARY KEY (tenant_id, oid), UNIQUE (tenant_id, resident_id),
             FOREIGN KEY (tenant_id, resident_id) REFERENCES resident (tenant_id, id)",
        )
        .await?;
        tenant_table(
            m,
            "gosuslugi_session",
            "token_hash {bytes} NOT NULL, expires_at {int} NOT NULL, PRIMARY KEY (tenant_id, token_hash)",
        )
        .await
    }
}
