//! What this module holds about a resident: notices, choices, linked chats.

use async_trait::async_trait;
use kabinet_contracts::{PersonalData, ResidentId};
use kabinet_core::{DbError, Tx};
use serde_json::{Value, json};

use crate::choices;
use crate::outcomes;
use crate::settings::MODULE;
use crate::store::{chats, notices, people};

/// Notices, choices and chats of a resident.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoticesOf;

#[async_trait]
impl PersonalData for NoticesOf {
    fn name(&self) -> &'static str {
        "notifications"
    }

    async fn export(&self, tx: &Tx, resident: ResidentId) -> Result<Value, DbError> {
        let notice = |row: notices::Shown| json!({ "kind": row.kind, "title": row.title, "text": row.body, "at": row.valid_from, "read_at": row.read_at });
        let notices: Vec<Value> = notices::everything(tx, resident).await?.into_iter().map(notice).collect();
        let chats: Vec<Value> = chats::of(tx, resident)
            .await?
            .into_iter()
            .map(|row| json!({ "messenger": row.channel, "chat": row.chat, "linked_at": row.linked_at }))
            .collect();
        Ok(json!({ "notices": notices, "choices": choices::of(tx, resident).await?, "chats": chats }))
    }

    /// Choices and chats go, and what waits is not delivered. That a notice was sent stays with the company;
    /// nobody's login leads to it any more.
    async fn forget(&self, tx: &mut Tx, resident: ResidentId) -> Result<(), DbError> {
        people::forget_choices(tx, resident).await?;
        let mut names: Vec<String> = Vec::new();
        for row in chats::of(tx, resident).await? {
            names.push(row.chat);
        }
        chats::forget(tx, resident).await?;
        outcomes::stop(tx, &notices::lock_open(tx, resident).await?).await?;
        let theirs =
            |payload: &Value| payload["chat"].as_str().is_some_and(|chat| names.iter().any(|name| name == chat));
        tx.withdraw_jobs(MODULE, theirs).await.map(drop)
    }
}
