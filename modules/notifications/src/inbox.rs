//! A resident's notices: the list, one of them, what was read.

use async_trait::async_trait;
use kabinet_contracts::ResidentId;
use kabinet_core::{DbError, Timestamp, Tx};
use kabinet_web::Counter;
use uuid::Uuid;

use crate::entity::MessageId;
use crate::error::Error;
use crate::kind::Kind;
use crate::settings::MODULE;
use crate::store::notices::{self, Shown};

/// A notice as its resident sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The message.
    pub message: MessageId,
    /// What it is about.
    pub kind: Kind,
    /// Title.
    pub title: String,
    /// Text in Markdown.
    pub body: String,
    /// The section of the portal that it leads to; empty for none.
    pub link: String,
    /// From when it holds.
    pub at: Timestamp,
    /// Whether it was read.
    pub read: bool,
}

impl TryFrom<Shown> for Notice {
    type Error = DbError;

    fn try_from(row: Shown) -> Result<Self, DbError> {
        let kind = Kind::of(&row.kind).ok_or_else(|| DbError::Stored(format!("notice {}: {}", row.id, row.kind)))?;
        Ok(Self {
            message: row.message_id,
            kind,
            title: row.title,
            body: row.body,
            link: row.link,
            at: row.valid_from,
            read: row.read_at.is_some(),
        })
    }
}

/// Up to `limit` of the resident's notices that hold now, the newest first, behind `after`; and behind which one
/// the next page begins.
pub async fn page(
    tx: &Tx,
    resident: ResidentId,
    after: Option<MessageId>,
    limit: u16,
) -> Result<(Vec<Notice>, Option<MessageId>), DbError> {
    let rows = notices::of_resident(tx, resident, after, i64::from(limit) + 1).await?;
    let mut found = rows.into_iter().map(Notice::try_from).collect::<Result<Vec<_>, _>>()?;
    let more = found.len() > usize::from(limit);
    found.truncate(usize::from(limit));
    let next = found.last().filter(|_| more).map(|notice| notice.message);
    Ok((found, next))
}

/// One of the resident's notices that hold now.
pub async fn find(tx: &Tx, resident: ResidentId, message: MessageId) -> Result<Notice, Error> {
    let row = notices::one_of_resident(tx, resident, message).await?.ok_or(Error::NotFound)?;
    Ok(Notice::try_from(row)?)
}

/// Marks one notice as read, or all of them.
pub async fn mark_read(tx: &mut Tx, resident: ResidentId, message: Option<MessageId>) -> Result<(), DbError> {
    if notices::mark_read(tx, resident, message).await? > 0 {
        tx.touch(MODULE).await?;
    }
    Ok(())
}

/// How many notices the resident has not read.
pub async fn unread(tx: &Tx, resident: ResidentId) -> Result<u64, DbError> {
    notices::unread(tx, resident).await
}

/// What is unread, for the menu.
pub(crate) struct Unread;

#[async_trait]
impl Counter for Unread {
    fn href(&self) -> &'static str {
        "/notifications"
    }

    fn topic(&self) -> &'static str {
        MODULE
    }

    async fn count(&self, tx: &Tx, resident: Uuid) -> Result<u64, DbError> {
        unread(tx, ResidentId(resident)).await
    }
}
