//! What ends refusals from outside: links that end, letters that come back.

use async_trait::async_trait;
use kabinet_contracts::{LetterBounced, LinkEnded};
use kabinet_core::jobs::{Event, EventHandler, JobContext, JobError};
use serde_json::Value;

use crate::refusals::{self, Ending};
use crate::{notices, store};

/// A link ended: its resident's refusal ends with it, and the resident is told.
pub(crate) struct Unlinked;

#[async_trait]
impl EventHandler for Unlinked {
    fn event(&self) -> &'static str {
        LinkEnded::NAME
    }

    async fn handle(&self, context: JobContext, data: Value) -> Result<(), JobError> {
        let link: LinkEnded = serde_json::from_value(data)?;
        let ending = match link.reason.as_str() {
            "holder_changed" => Ending::HolderChanged,
            "closed" => Ending::Closed,
            "login_deleted" => Ending::LoginDeleted,
            _ => Ending::Unlinked,
        };
        let mut tx = context.begin().await?;
        // One that was stated after the account was linked again stands.
        let latest = store::latest(&tx, link.account, link.resident).await?;
        if latest.is_some_and(|row| row.ended_at.is_none() && row.made_at <= link.at)
            && refusals::end(&mut tx, link.account, link.resident, ending, "").await?
        {
            notices::ended(&mut tx, link.resident, link.account, ending).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// A letter came back: nobody reads mail there. The resident sees it in the list of accounts.
pub(crate) struct Bounced;

#[async_trait]
impl EventHandler for Bounced {
    fn event(&self) -> &'static str {
        LetterBounced::NAME
    }

    async fn handle(&self, context: JobContext, data: Value) -> Result<(), JobError> {
        let letter: LetterBounced = serde_json::from_value(data)?;
        let mut tx = context.begin().await?;
        refusals::bounced(&mut tx, &letter.to, &letter.reason).await?;
        Ok(tx.commit().await?)
    }
}
