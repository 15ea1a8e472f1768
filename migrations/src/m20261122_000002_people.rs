//! Residents, staff members and their sessions.

use sea_orm_migration::prelude::*;

use crate::schema::{index, tenant_table};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        tenant_table(
            m,
            "resident",
            "id {uuid} NOT NULL, email {text} NOT NULL, email_key {text} NOT NULL, phone {text} NOT NULL,
             password_hash {text}, state {text} NOT NULL, active_account {uuid}, created_at {int} NOT NULL,
             last_login_at {int}, PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, email_key)",
        )
        .await?;
        tenant_table(
            m,
            "staff",
            "id {uuid} NOT NULL, email {text} NOT NULL, email_key {text} NOT NULL, name {text} NOT NULL,
             password_hash {text} NOT NULL, role {text} NOT NULL, state {text} NOT NULL, created_at {int} NOT NULL,
             PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, email_key)",
        )
        .await?;
        tenant_table(
            m,
            "session",
            "token_hash {bytes} NOT NULL, subject {text} NOT NULL, subject_id {uuid} NOT NULL,
             created_at {int} NOT NULL, seen_at {int} NOT NULL, expires_at {int} NOT NULL, address {text} NOT NULL,
             agent {text} NOT NULL, PRIMARY KEY (tenant_id, token_hash)",
        )
        .await?;
        index(m, "CREATE INDEX session_subject ON session (tenant_id, subject_id)").await?;
        Ok(())
    }
}
