//! Resident operations: notices and what was read.

use kabinet_contracts::ResidentId;
use kabinet_web::{ApiResult, Problem, Resident};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use uuid::Uuid;

use super::default_limit;
use crate::entity::MessageId;
use crate::inbox::{self, Notice};
use crate::words;

pub(crate) struct PortalApi;

/// A notice of the resident's.
#[derive(Object)]
struct NoticeOut {
    id: Uuid,
    /// `message`, `outage`, `window_opens`, `window_closes`, `receipt`, `debt`, `verification` or `request`.
    kind: String,
    title: String,
    /// Without markup.
    text: String,
    /// The section of the portal that it leads to; empty for none.
    link: String,
    /// Milliseconds since 1970 UTC.
    at: i64,
    read: bool,
}

/// Notices, the newest first.
#[derive(Object)]
struct NoticesOut {
    items: Vec<NoticeOut>,
    /// How many are unread, on this page and on others.
    unread: u64,
    /// Where the next page begins; absent on the last one.
    next: Option<String>,
}

/// How many notices are unread.
#[derive(Object)]
struct UnreadNoticesOut {
    unread: u64,
}

#[OpenApi]
impl PortalApi {
    /// The resident's notices that hold now, the newest first.
    #[oai(path = "/notifications", method = "get", operation_id = "listNotices")]
    async fn list(
        &self,
        resident: Resident,
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))] limit: Query<u16>,
        cursor: Query<Option<String>>,
    ) -> ApiResult<NoticesOut> {
        let after = match &cursor.0 {
            Some(text) => Some(text.parse::<MessageId>().map_err(|_| Problem::wrong_cursor())?),
            None => None,
        };
        let tx = resident.read().await?;
        let who = ResidentId(resident.id());
        let (found, next) = inbox::page(&tx, who, after, limit.0).await?;
        let unread = inbox::unread(&tx, who).await?;
        tx.commit().await?;
        let items = found.into_iter().map(NoticeOut::from).collect();
        Ok(Json(NoticesOut { items, unread, next: next.map(|id| id.to_string()) }))
    }

    /// Mark a notice as read.
    #[oai(path = "/notifications/:id/read", method = "post", operation_id = "readNotice")]
    async fn read(&self, resident: Resident, id: Path<Uuid>) -> ApiResult<UnreadNoticesOut> {
        let (who, id) = (ResidentId(resident.id()), MessageId(id.0));
        let mut tx = resident.begin().await?;
        inbox::find(&tx, who, id).await?;
        inbox::mark_read(&mut tx, who, Some(id)).await?;
        let unread = inbox::unread(&tx, who).await?;
        tx.commit().await?;
        Ok(Json(UnreadNoticesOut { unread }))
    }

    /// Mark all notices as read.
    #[oai(path = "/notifications/read", method = "post", operation_id = "readAllNotices")]
    async fn read_all(&self, resident: Resident) -> ApiResult<UnreadNoticesOut> {
        let mut tx = resident.begin().await?;
        inbox::mark_read(&mut tx, ResidentId(resident.id()), None).await?;
        tx.commit().await?;
        Ok(Json(UnreadNoticesOut { unread: 0 }))
    }
}

impl From<Notice> for NoticeOut {
    fn from(notice: Notice) -> Self {
        Self {
            id: notice.message.0,
            kind: notice.kind.code().to_owned(),
            title: notice.title,
            text: words::plain(&words::blocks(&notice.body)),
            link: notice.link,
            at: notice.at.0,
            read: notice.read,
        }
    }
}
