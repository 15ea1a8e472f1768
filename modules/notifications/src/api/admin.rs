//! What staff do with messages.

use kabinet_core::Tx;
use kabinet_web::{ApiResult, Problem, Staff};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use uuid::Uuid;

use super::fields::{NotificationIn, NotificationOut};
use super::{MaySend, default_limit};
use crate::entity::{MessageId, NoticeId};
use crate::error::Error;
use crate::messages::{self, Message};
use crate::store;

pub(crate) struct AdminApi;

/// Messages, the newest first.
#[derive(Object)]
struct NotificationListOut {
    items: Vec<NotificationOut>,
    /// Where the next page begins; absent on the last one.
    next: Option<String>,
}

/// What a message would do.
#[derive(Object)]
struct NotificationPreviewOut {
    /// How many residents it would reach in the portal.
    residents: u64,
    /// Its text without markup, as SMS and messengers carry it.
    text: String,
}

/// So many of one state.
#[derive(Object)]
struct NotificationStateOut {
    /// Of notices: `waiting`, `handed` (a letter in the outbox), `sent`, `silent` (in the portal only), `failed`,
    /// `stopped`. Of deliveries: `trying`, `handed`, `sent`, `failed`, `skipped` (over the limit of costs).
    state: String,
    /// The channel of deliveries; absent for notices.
    channel: Option<String>,
    number: i64,
}

/// A message with what became of it.
#[derive(Object)]
struct NotificationReportOut {
    notification: NotificationOut,
    /// How many have read it in the portal.
    read: i64,
    /// What it cost, kopecks.
    cost: i64,
    /// Notices by state.
    notices: Vec<NotificationStateOut>,
    /// Deliveries by channel and state.
    deliveries: Vec<NotificationStateOut>,
}

/// A delivery in the log.
#[derive(Object)]
struct NotificationDeliveryOut {
    /// The notice: what gateways are told as their idempotency key.
    notice: Uuid,
    resident: Uuid,
    channel: String,
    /// `trying`, `handed`, `sent`, `failed` or `skipped`.
    state: String,
    attempts: i32,
    /// When the last attempt began: milliseconds since 1970 UTC.
    begun_at: i64,
    /// Milliseconds since 1970 UTC.
    ended_at: Option<i64>,
    /// Kopecks.
    cost: i64,
    /// Why it failed or is tried again; empty where all is well.
    note: String,
}

/// The log of a message.
#[derive(Object)]
struct NotificationLogOut {
    items: Vec<NotificationDeliveryOut>,
    /// Where the next page begins; absent on the last one.
    next: Option<String>,
}

#[OpenApi]
impl AdminApi {
    /// Messages to residents, the newest first; automatic ones too where that is asked for.
    #[oai(path = "/notifications", method = "get", operation_id = "listNotificationMessages")]
    async fn list(
        &self,
        staff: Staff<MaySend>,
        #[oai(default)] automatic: Query<bool>,
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))] limit: Query<u16>,
        cursor: Query<Option<String>>,
    ) -> ApiResult<NotificationListOut> {
        let after = match &cursor.0 {
            Some(text) => Some(text.parse::<MessageId>().map_err(|_| Problem::wrong_cursor())?),
            None => None,
        };
        let tx = staff.read().await?;
        let (found, next) = messages::list(&tx, automatic.0, after, limit.0).await?;
        tx.commit().await?;
        let items = found.into_iter().map(NotificationOut::from).collect();
        Ok(Json(NotificationListOut { items, next: next.map(|id| id.to_string()) }))
    }

    /// What a message would do, without doing it.
    #[oai(path = "/notifications/preview", method = "post", operation_id = "previewNotification")]
    async fn preview(&self, staff: Staff<MaySend>, written: Json<NotificationIn>) -> ApiResult<NotificationPreviewOut> {
        let tx = staff.read().await?;
        let (residents, text) = messages::preview(&tx, written.0.read()?).await?;
        tx.commit().await?;
        Ok(Json(NotificationPreviewOut { residents, text }))
    }

    /// Write a message; it stays a draft until it is sent.
    #[oai(path = "/notifications", method = "post", operation_id = "draftNotification")]
    async fn draft(&self, staff: Staff<MaySend>, written: Json<NotificationIn>) -> ApiResult<NotificationOut> {
        let mut tx = staff.begin().await?;
        let message = messages::draft(&mut tx, written.0.read()?).await?;
        done(tx, message).await
    }

    /// A message with what became of it.
    #[oai(path = "/notifications/:id", method = "get", operation_id = "getNotificationReport")]
    async fn show(&self, staff: Staff<MaySend>, id: Path<Uuid>) -> ApiResult<NotificationReportOut> {
        let tx = staff.read().await?;
        let message = messages::find(&tx, MessageId(id.0)).await?;
        let report = report(&tx, message).await?;
        tx.commit().await?;
        Ok(Json(report))
    }

    /// Write a draft anew.
    #[oai(path = "/notifications/:id", method = "put", operation_id = "rewriteNotification")]
    async fn rewrite(
        &self,
        staff: Staff<MaySend>,
        id: Path<Uuid>,
        written: Json<NotificationIn>,
    ) -> ApiResult<NotificationOut> {
        let mut tx = staff.begin().await?;
        let message = messages::rewrite(&mut tx, MessageId(id.0), written.0.read()?).await?;
        done(tx, message).await
    }

    /// Send a draft.
    #[oai(path = "/notifications/:id/send", method = "post", operation_id = "sendNotification")]
    async fn send(&self, staff: Staff<MaySend>, id: Path<Uuid>) -> ApiResult<NotificationOut> {
        let mut tx = staff.begin().await?;
        let message = messages::send(&mut tx, MessageId(id.0)).await?;
        done(tx, message).await
    }

    /// Take a message back: it is shown to nobody any more, and what waits is not delivered.
    #[oai(path = "/notifications/:id/cancel", method = "post", operation_id = "cancelNotification")]
    async fn cancel(&self, staff: Staff<MaySend>, id: Path<Uuid>) -> ApiResult<NotificationOut> {
        let mut tx = staff.begin().await?;
        let message = messages::cancel(&mut tx, MessageId(id.0)).await?;
        done(tx, message).await
    }

    /// The log of a message's deliveries.
    #[oai(path = "/notifications/:id/deliveries", method = "get", operation_id = "listNotificationDeliveries")]
    async fn log(
        &self,
        staff: Staff<MaySend>,
        id: Path<Uuid>,
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))] limit: Query<u16>,
        cursor: Query<Option<String>>,
    ) -> ApiResult<NotificationLogOut> {
        let after = match &cursor.0 {
            Some(text) => Some(place(text).ok_or_else(Problem::wrong_cursor)?),
            None => None,
        };
        let tx = staff.read().await?;
        let message = messages::find(&tx, MessageId(id.0)).await?;
        let mut rows = store::notices::log(&tx, message.id, after, i64::from(limit.0) + 1).await?;
        tx.commit().await?;
        let more = rows.len() > usize::from(limit.0);
        rows.truncate(usize::from(limit.0));
        let next = rows.last().filter(|_| more).map(|row| format!("{}.{}", row.notice_id, row.channel));
        Ok(Json(NotificationLogOut { items: rows.into_iter().map(NotificationDeliveryOut::from).collect(), next }))
    }
}

/// Commits what was done to a message and shows it.
async fn done(tx: Tx, message: Message) -> ApiResult<NotificationOut> {
    tx.commit().await?;
    Ok(Json(message.into()))
}

fn place(text: &str) -> Option<(NoticeId, String)> {
    let (notice, channel) = text.split_once('.')?;
    Some((notice.parse().ok()?, channel.to_owned()))
}

async fn report(tx: &Tx, message: Message) -> Result<NotificationReportOut, Error> {
    let notices = store::messages::counts(tx, message.id).await?;
    let deliveries = store::messages::channel_counts(tx, message.id).await?;
    let read = notices.iter().map(|row| row.read).sum();
    let cost = deliveries.iter().map(|row| row.cost).sum();
    let notices = notices.into_iter();
    let notices = notices.map(|row| NotificationStateOut { state: row.state, channel: None, number: row.number });
    let deliveries = deliveries.into_iter().map(|row| NotificationStateOut {
        state: row.state,
        channel: Some(row.channel),
        number: row.number,
    });
    Ok(NotificationReportOut {
        notification: message.into(),
        read,
        cost,
        notices: notices.collect(),
        deliveries: deliveries.collect(),
    })
}

impl From<store::notices::Logged> for NotificationDeliveryOut {
    fn from(row: store::notices::Logged) -> Self {
        Self {
            notice: row.notice_id.0,
            resident: row.resident_id.0,
            channel: row.channel,
            state: row.state,
            attempts: row.attempts,
            begun_at: row.begun_at.0,
            ended_at: row.ended_at.map(|at| at.0),
            cost: row.cost.0,
            note: row.note,
        }
    }
}
