//! Requests of residents: what was asked, what happened to it, the files that came along, and the paid
//! services that can be asked for.

use sea_orm_migration::prelude::*;

use crate::schema::{index, tenant_table};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        services(m).await?;
        requests(m).await?;
        history(m).await
    }
}

/// A service that is no longer offered stays: requests name it.
async fn services(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    tenant_table(
        m,
        "paid_service",
        "code {text} NOT NULL, title {text} NOT NULL, description {text} NOT NULL,
         price {int} NOT NULL CHECK (price >= 0), unit {text} NOT NULL, position {int4} NOT NULL,
         offered {bool} NOT NULL, PRIMARY KEY (tenant_id, code)",
    )
    .await
}

/// `request_number` holds the last number given out; its row is locked until the request is stored, so that
/// numbers have no gaps and no number is given twice.
async fn requests(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    tenant_table(m, "request_number", "id {int4} NOT NULL, last {int} NOT NULL, PRIMARY KEY (tenant_id, id)").await?;
    tenant_table(
        m,
        "request",
        "id {uuid} NOT NULL, number {int} NOT NULL, account_id {uuid} NOT NULL, resident_id {uuid} NOT NULL,
         kind {text} NOT NULL, topic {text} NOT NULL, service_code {text}, service_title {text} NOT NULL,
         price {int}, subject {text} NOT NULL, body {text} NOT NULL, state {text} NOT NULL, assignee_id {uuid},
         created_at {int} NOT NULL, due_at {int} NOT NULL, closed_at {int},
         rating {int4} CHECK (rating BETWEEN 1 AND 5),
         PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, number),
         FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id),
         FOREIGN KEY (tenant_id, resident_id) REFERENCES resident (tenant_id, id),
         FOREIGN KEY (tenant_id, service_code) REFERENCES paid_service (tenant_id, code)",
    )
    .await?;
    index(m, "CREATE INDEX request_own ON request (tenant_id, resident_id, account_id, id)").await?;
    index(m, "CREATE INDEX request_queue ON request (tenant_id, due_at, id)").await
}

/// An entry is a deed: a state reached, a comment, a note that only staff see. Nothing of it is changed.
async fn history(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    tenant_table(
        m,
        "request_entry",
        "id {uuid} NOT NULL, request_id {uuid} NOT NULL, at {int} NOT NULL, actor {text} NOT NULL,
         actor_id {uuid}, kind {text} NOT NULL, state {text}, body {text} NOT NULL, internal {bool} NOT NULL,
         PRIMARY KEY (tenant_id, id),
         FOREIGN KEY (tenant_id, request_id) REFERENCES request (tenant_id, id)",
    )
    .await?;
    index(m, "CREATE INDEX request_entry_request ON request_entry (tenant_id, request_id, id)").await?;
    tenant_table(
        m,
        "request_file",
        "id {uuid} NOT NULL, request_id {uuid} NOT NULL, entry_id {uuid} NOT NULL, name {text} NOT NULL,
         media_type {text} NOT NULL, bytes {int} NOT NULL, width {int4}, height {int4},
         PRIMARY KEY (tenant_id, id),
         FOREIGN KEY (tenant_id, request_id) REFERENCES request (tenant_id, id),
         FOREIGN KEY (tenant_id, entry_id) REFERENCES request_entry (tenant_id, id)",
    )
    .await?;
    index(m, "CREATE INDEX request_file_request ON request_file (tenant_id, request_id, id)").await
}
