//! Resident operations: requests of the chosen account. Files are sent by the pages' forms.

use kabinet_contracts::{AccountId, RequestId, ResidentId};
use kabinet_web::{ApiResult, Problem, Resident};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use uuid::Uuid;

use super::{RequestKind, RequestState, default_limit};
use crate::catalogue::{self, PaidService};
use crate::error::Error;
use crate::filing::{self, Typed};
use crate::history::{self, Entry};
use crate::pages::{count, owner};
use crate::tickets::{self, Ticket, Which};

pub(crate) struct PortalApi;

/// A request of the resident's.
#[derive(Object)]
struct RequestOut {
    id: Uuid,
    /// As people name it.
    number: i64,
    kind: RequestKind,
    /// Code of its topic.
    topic: String,
    subject: String,
    text: String,
    /// Kopecks, of a paid service when it was filed.
    price: Option<i64>,
    /// What the price is for, «за час»; empty for the whole work.
    price_unit: String,
    state: RequestState,
    /// Milliseconds since 1970 UTC.
    created_at: i64,
    /// The first moment at which it is late: milliseconds since 1970 UTC.
    due_at: i64,
    /// Whether it is late now.
    late: bool,
    /// When it ended: milliseconds since 1970 UTC.
    closed_at: Option<i64>,
    /// 1 to 5.
    rating: Option<i32>,
}

/// Requests, the newest first.
#[derive(Object)]
struct RequestsOut {
    items: Vec<RequestOut>,
    /// Where the next page begins; absent on the last one.
    next: Option<String>,
}

/// A deed of a request's history.
#[derive(Object)]
struct RequestEntryOut {
    /// Milliseconds since 1970 UTC.
    at: i64,
    /// `resident`, `staff` or `system`.
    actor: String,
    /// `filed`, `state`, `comment`, `reopened` or `rated`.
    deed: String,
    /// The state it led to.
    state: Option<RequestState>,
    /// What was said; may be empty.
    text: String,
    files: Vec<RequestFileOut>,
}

/// A file of a request.
#[derive(Object)]
struct RequestFileOut {
    name: String,
    media_type: String,
    bytes: i64,
    /// Its address on the portal.
    href: String,
}

/// A request with its history.
#[derive(Object)]
struct RequestWithHistoryOut {
    request: RequestOut,
    /// The oldest deed first.
    history: Vec<RequestEntryOut>,
}

/// A request to be filed.
#[derive(Object)]
struct RequestIn {
    kind: RequestKind,
    /// Code of the topic; the kind's usual one without it.
    #[oai(default)]
    topic: String,
    /// What it is about, in a line.
    #[oai(default)]
    subject: String,
    #[oai(default)]
    text: String,
    /// Code of the paid service.
    #[oai(default)]
    service: String,
}

/// A message.
#[derive(Object)]
struct RequestTextIn {
    text: String,
}

/// What the resident thinks of the work.
#[derive(Object)]
struct RequestRatingIn {
    /// 1 to 5.
    rating: i32,
    #[oai(default)]
    text: String,
}

/// A paid service that can be asked for.
#[derive(Object)]
struct OfferedServiceOut {
    code: String,
    title: String,
    /// May be empty.
    description: String,
    /// Kopecks.
    price: i64,
    /// What the price is for; empty for the whole work.
    unit: String,
}

/// The catalogue.
#[derive(Object)]
struct OfferedServicesOut {
    items: Vec<OfferedServiceOut>,
}

#[OpenApi]
impl PortalApi {
    /// The resident's requests of the chosen account, the newest first.
    #[oai(path = "/requests", method = "get", operation_id = "listRequests")]
    async fn list(
        &self,
        resident: Resident,
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))] limit: Query<u16>,
        cursor: Query<Option<String>>,
    ) -> ApiResult<RequestsOut> {
        let account = AccountId(resident.account()?.id);
        let after = match &cursor.0 {
            Some(text) => Some(text.parse::<RequestId>().map_err(|_| Problem::wrong_cursor())?),
            None => None,
        };
        let tx = resident.read().await?;
        let of = (ResidentId(resident.id()), account);
        let (found, next) = tickets::page(&tx, of, Which::All, after, limit.0).await?;
        let now = tx.now();
        tx.commit().await?;
        let items = found.into_iter().map(|ticket| RequestOut::of(ticket, now)).collect();
        Ok(Json(RequestsOut { items, next: next.map(|id| id.to_string()) }))
    }

    /// File a request about the chosen account.
    #[oai(path = "/requests", method = "post", operation_id = "fileRequest")]
    async fn file(&self, resident: Resident, new: Json<RequestIn>) -> ApiResult<RequestOut> {
        let account = resident.account()?;
        let tx = resident.read().await?;
        let (services, today) = (catalogue::offered(&tx).await?, tx.today());
        tx.commit().await?;
        if account.closed_on.is_some_and(|closed| closed <= today) {
            return Err(Error::AccountClosed.into());
        }
        let RequestIn { kind, topic, subject, text, service } = new.0;
        let typed = Typed { kind: String::new(), topic, subject, text, service };
        let asked = filing::check(kind.into(), &typed, &services)?;
        count(&resident).await?;
        let mut tx = resident.begin().await?;
        let by = ResidentId(resident.id());
        let ticket = tickets::file(&mut tx, by, AccountId(account.id), &asked, &[]).await?;
        let now = tx.now();
        tx.commit().await?;
        Ok(Json(RequestOut::of(ticket, now)))
    }

    /// A request with its history.
    #[oai(path = "/requests/:id", method = "get", operation_id = "getRequest")]
    async fn show(&self, resident: Resident, id: Path<Uuid>) -> ApiResult<RequestWithHistoryOut> {
        let id = RequestId(id.0);
        let tx = resident.read().await?;
        let ticket = tickets::own(&tx, &owner(&resident), id).await?;
        let history = history::for_resident(&tx, id).await?;
        let now = tx.now();
        tx.commit().await?;
        let history = history.into_iter().map(|entry| RequestEntryOut::of(entry, id)).collect();
        Ok(Json(RequestWithHistoryOut { request: RequestOut::of(ticket, now), history }))
    }

    /// Write to the company about a request; one that waited for an answer is worked on again.
    #[oai(path = "/requests/:id/comments", method = "post", operation_id = "answerRequest")]
    async fn answer(&self, resident: Resident, id: Path<Uuid>, said: Json<RequestTextIn>) -> ApiResult<RequestOut> {
        filing::comment(&said.0.text)?;
        count(&resident).await?;
        let mut tx = resident.begin().await?;
        let ticket = tickets::answer(&mut tx, &owner(&resident), RequestId(id.0), &said.0.text, &[]).await?;
        let now = tx.now();
        tx.commit().await?;
        Ok(Json(RequestOut::of(ticket, now)))
    }

    /// Open an ended request again, within seven days and saying why.
    #[oai(path = "/requests/:id/reopen", method = "post", operation_id = "reopenRequest")]
    async fn reopen(&self, resident: Resident, id: Path<Uuid>, why: Json<RequestTextIn>) -> ApiResult<RequestOut> {
        let mut tx = resident.begin().await?;
        let ticket = tickets::reopen(&mut tx, &owner(&resident), RequestId(id.0), &why.0.text).await?;
        let now = tx.now();
        tx.commit().await?;
        Ok(Json(RequestOut::of(ticket, now)))
    }

    /// Rate what was done, once.
    #[oai(path = "/requests/:id/rating", method = "post", operation_id = "rateRequest")]
    async fn rate(&self, resident: Resident, id: Path<Uuid>, said: Json<RequestRatingIn>) -> ApiResult<RequestOut> {
        let RequestRatingIn { rating, text } = said.0;
        let mut tx = resident.begin().await?;
        let ticket = tickets::rate(&mut tx, &owner(&resident), RequestId(id.0), rating, &text).await?;
        let now = tx.now();
        tx.commit().await?;
        Ok(Json(RequestOut::of(ticket, now)))
    }

    /// The paid services that can be asked for.
    #[oai(path = "/paid-services", method = "get", operation_id = "listOfferedServices")]
    async fn services(&self, resident: Resident) -> ApiResult<OfferedServicesOut> {
        let tx = resident.read().await?;
        let services = catalogue::offered(&tx).await?;
        tx.commit().await?;
        let item = |service: PaidService| OfferedServiceOut {
            code: service.code,
            title: service.title,
            description: service.description,
            price: service.price.0,
            unit: service.unit,
        };
        Ok(Json(OfferedServicesOut { items: services.into_iter().map(item).collect() }))
    }
}

impl RequestOut {
    fn of(ticket: Ticket, now: kabinet_core::Timestamp) -> Self {
        Self {
            late: ticket.is_late(now),
            id: ticket.id.0,
            number: ticket.number,
            kind: ticket.kind.into(),
            topic: ticket.topic,
            subject: ticket.subject,
            text: ticket.text,
            price: ticket.price.map(|price| price.0),
            price_unit: ticket.price_unit,
            state: ticket.state.into(),
            created_at: ticket.created_at.0,
            due_at: ticket.due_at.0,
            closed_at: ticket.closed_at.map(|at| at.0),
            rating: ticket.rating,
        }
    }
}

impl RequestEntryOut {
    fn of(entry: Entry, request: RequestId) -> Self {
        let file = |file: history::StoredFile| RequestFileOut {
            href: format!("/requests/{request}/files/{}", file.id),
            name: file.name,
            media_type: file.media_type,
            bytes: file.bytes,
        };
        Self {
            at: entry.at.0,
            actor: entry.actor,
            deed: entry.deed.code().to_owned(),
            state: entry.state.map(RequestState::from),
            text: entry.text,
            files: entry.files.into_iter().map(file).collect(),
        }
    }
}
