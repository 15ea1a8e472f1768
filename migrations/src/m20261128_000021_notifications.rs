//! Messages of a company to its residents: what was said, whom it reached, how it was delivered; what residents
//! want, and the chats by which they are reached.

use sea_orm_migration::prelude::*;

use crate::schema::{index, tenant_table};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        messages(m).await?;
        notices(m).await?;
        residents(m).await?;
        ledgers(m).await
    }
}

/// `occasion` names what an automatic message is about; a message of each is sent once. `cursor` is the last resident
/// to whom it was addressed.
async fn messages(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    tenant_table(
        m,
        "message",
        "id {uuid} NOT NULL, kind {text} NOT NULL, state {text} NOT NULL, occasion {text}, title {text} NOT NULL,
         body {text} NOT NULL, audience {text} NOT NULL, channels {text} NOT NULL, link {text} NOT NULL,
         valid_from {int} NOT NULL, valid_until {int}, author_id {uuid}, created_at {int} NOT NULL, sent_at {int},
         cursor {uuid}, addressed {int} NOT NULL,
         PRIMARY KEY (tenant_id, id)",
    )
    .await?;
    let occasion = "occasion {text} NOT NULL, at {int} NOT NULL, PRIMARY KEY (tenant_id, occasion)";
    tenant_table(m, "message_occasion", occasion).await
}

/// A notice is a message to one resident. The indexes of what waits and of what is unread hold nothing else.
async fn notices(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    tenant_table(
        m,
        "notice",
        "id {uuid} NOT NULL, message_id {uuid} NOT NULL, resident_id {uuid} NOT NULL, state {text} NOT NULL,
         next_at {int} NOT NULL, read_at {int},
         PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, message_id, resident_id),
         FOREIGN KEY (tenant_id, message_id) REFERENCES message (tenant_id, id),
         FOREIGN KEY (tenant_id, resident_id) REFERENCES resident (tenant_id, id)",
    )
    .await?;
    index(m, "CREATE INDEX notice_own ON notice (tenant_id, resident_id, message_id)").await?;
    index(m, "CREATE INDEX notice_due ON notice (tenant_id, next_at) WHERE state = 'waiting'").await?;
    index(m, "CREATE INDEX notice_unread ON notice (tenant_id, resident_id) WHERE read_at IS NULL").await?;
    tenant_table(
        m,
        "delivery",
        "notice_id {uuid} NOT NULL, channel {text} NOT NULL, message_id {uuid} NOT NULL, state {text} NOT NULL,
         attempts {int4} NOT NULL, begun_at {int} NOT NULL, ended_at {int}, cost {int} NOT NULL, note {text} NOT NULL,
         PRIMARY KEY (tenant_id, notice_id, channel),
         FOREIGN KEY (tenant_id, notice_id) REFERENCES notice (tenant_id, id)",
    )
    .await?;
    index(m, "CREATE INDEX delivery_message ON delivery (tenant_id, message_id, notice_id, channel)").await
}

/// What a resident wants, the chats that are linked, and the codes that link one.
async fn residents(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    let resident = "FOREIGN KEY (tenant_id, resident_id) REFERENCES resident (tenant_id, id)";
    let choices = format!(
        "resident_id {{uuid}} NOT NULL, choices {{text}} NOT NULL, PRIMARY KEY (tenant_id, resident_id), {resident}"
    );
    tenant_table(m, "notice_choices", &choices).await?;
    let chat = format!(
        "channel {{text}} NOT NULL, resident_id {{uuid}} NOT NULL, chat {{text}} NOT NULL, linked_at {{int}} NOT NULL,
         PRIMARY KEY (tenant_id, channel, resident_id), UNIQUE (tenant_id, channel, chat), {resident}"
    );
    tenant_table(m, "chat", &chat).await?;
    let code = format!(
        "code_hash {{bytes}} NOT NULL, channel {{text}} NOT NULL, resident_id {{uuid}} NOT NULL, expires_at {{int}} NOT NULL,
         PRIMARY KEY (tenant_id, code_hash), {resident}"
    );
    tenant_table(m, "chat_code", &code).await
}

/// What was spent on paid channels by month, and what came in from chats: each update is taken once.
async fn ledgers(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    tenant_table(
        m,
        "channel_spending",
        "period {int4} NOT NULL, kopecks {int} NOT NULL, PRIMARY KEY (tenant_id, period)",
    )
    .await?;
    tenant_table(
        m,
        "chat_update",
        "channel {text} NOT NULL, number {text} NOT NULL, at {int} NOT NULL, PRIMARY KEY (tenant_id, channel, number)",
    )
    .await
}
