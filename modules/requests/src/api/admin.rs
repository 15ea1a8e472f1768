//! What staff do with requests.

use kabinet_contracts::RequestId;
use kabinet_core::{Timestamp, Tx};
use kabinet_files::Files;
use kabinet_residents::people;
use kabinet_web::{ApiResult, Problem, Staff};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::{Attachment, AttachmentType, Json};
use poem_openapi::{Object, OpenApi};
use uuid::Uuid;

use super::{Handle, RequestKind, RequestState, default_limit};
use crate::error::Error;
use crate::history::{self, Entry, StoredFile};
use crate::queue::{self, Cursor, Filter, Queued};
use crate::settings::MODULE;
use crate::tickets::{self, Ticket};

pub(crate) struct AdminApi {
    pub(crate) files: Files,
}

/// A request in the queue.
#[derive(Object)]
struct QueuedRequestOut {
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
    /// The staff member whose it is.
    assignee: Option<Uuid>,
    account: Uuid,
    account_number: String,
    address: String,
    /// Milliseconds since 1970 UTC.
    created_at: i64,
    /// The first moment after an emergency's answer is due, until somebody takes it: milliseconds since 1970 UTC.
    answer_by: Option<i64>,
    /// The first moment after an emergency's damage is to be stopped, until somebody goes to work on it: milliseconds
    /// since 1970 UTC.
    localise_by: Option<i64>,
    /// The first moment after its end is due: milliseconds since 1970 UTC.
    due_at: i64,
    /// The last day in time, `2026-12-04`.
    due_on: String,
    /// Whether what is due next is late now: its answer, a stop to the damage, its end.
    late: bool,
    /// When it ended: milliseconds since 1970 UTC.
    closed_at: Option<i64>,
    /// 1 to 5.
    rating: Option<i32>,
}

/// Requests, the most urgent first.
#[derive(Object)]
struct RequestQueueOut {
    items: Vec<QueuedRequestOut>,
    /// Where the next page begins; absent on the last one.
    next: Option<String>,
}

/// A deed of a request's history.
#[derive(Object)]
struct RequestDeedOut {
    /// Milliseconds since 1970 UTC.
    at: i64,
    /// `resident`, `staff` or `system`.
    actor: String,
    actor_id: Option<Uuid>,
    /// `filed`, `state`, `comment`, `note`, `assigned`, `reopened` or `rated`.
    deed: String,
    /// The state it led to.
    state: Option<RequestState>,
    /// What was said; may be empty.
    text: String,
    /// Whether the resident does not see it.
    internal: bool,
    files: Vec<RequestAttachmentOut>,
}

/// A file of a request.
#[derive(Object)]
struct RequestAttachmentOut {
    id: Uuid,
    name: String,
    media_type: String,
    bytes: i64,
}

/// A request with its whole history.
#[derive(Object)]
struct RequestCaseOut {
    request: QueuedRequestOut,
    /// The resident's e-mail; absent when the login is gone.
    email: Option<String>,
    /// The resident's phone; absent when the login is gone.
    phone: Option<String>,
    /// The oldest deed first.
    history: Vec<RequestDeedOut>,
}

/// Whose a request is to be.
#[derive(Object)]
struct AssignmentIn {
    /// The staff member; nobody without one.
    assignee: Option<Uuid>,
}

/// Words about a request.
#[derive(Object)]
struct RequestCommentIn {
    text: String,
    /// Whether it is a note that only staff see.
    #[oai(default)]
    internal: bool,
}

/// A state that a request is to reach.
#[derive(Object)]
struct RequestStateIn {
    state: RequestState,
    /// Words for the resident; needed for `waiting`, `done` and `declined`.
    #[oai(default)]
    text: String,
}

#[OpenApi]
impl AdminApi {
    /// The requests, the most urgent first; without filters all that have not ended.
    #[oai(path = "/requests", method = "get", operation_id = "listRequestQueue")]
    #[allow(clippy::too_many_arguments, reason = "each is a filter of the list")]
    async fn list(
        &self,
        staff: Staff<Handle>,
        state: Query<Option<RequestState>>,
        kind: Query<Option<RequestKind>>,
        assignee: Query<Option<Uuid>>,
        #[oai(default)] late: Query<bool>,
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))] limit: Query<u16>,
        cursor: Query<Option<String>>,
    ) -> ApiResult<RequestQueueOut> {
        let after = match &cursor.0 {
            Some(text) => Some(Cursor::parse(text).ok_or_else(Problem::wrong_cursor)?),
            None => None,
        };
        let (state, kind) = (state.0.map(Into::into), kind.0.map(Into::into));
        let filter = Filter { state, kind, assignee: assignee.0, late: late.0 };
        let tx = staff.read().await?;
        let (found, next) = queue::list(&tx, filter, after, limit.0).await?;
        let moment = Moment::of(&tx);
        tx.commit().await?;
        let items = found.into_iter().map(|queued| moment.out(queued)).collect();
        Ok(Json(RequestQueueOut { items, next: next.map(|cursor| cursor.to_string()) }))
    }

    /// A request with its history, notes included, and how to reach the resident.
    #[oai(path = "/requests/:id", method = "get", operation_id = "getRequestCase")]
    async fn show(&self, staff: Staff<Handle>, id: Path<Uuid>) -> ApiResult<RequestCaseOut> {
        let id = RequestId(id.0);
        let tx = staff.read().await?;
        let ticket = tickets::find(&tx, id).await?;
        let visitor = people::resident(&tx, ticket.resident).await?;
        let history = history::for_staff(&tx, id).await?;
        let (moment, queued) = (Moment::of(&tx), queue::one(&tx, ticket).await?);
        tx.commit().await?;
        let (email, phone) = visitor.map(|visitor| (visitor.email, visitor.phone)).unzip();
        let history = history.into_iter().map(RequestDeedOut::from).collect();
        Ok(Json(RequestCaseOut { request: moment.out(queued), email, phone, history }))
    }

    /// Take a new request.
    #[oai(path = "/requests/:id/accept", method = "post", operation_id = "acceptRequest")]
    async fn accept(&self, staff: Staff<Handle>, id: Path<Uuid>) -> ApiResult<QueuedRequestOut> {
        let mut tx = staff.begin().await?;
        let ticket = tickets::accept(&mut tx, RequestId(id.0)).await?;
        done(tx, ticket).await
    }

    /// Make a request a colleague's, or nobody's.
    #[oai(path = "/requests/:id/assign", method = "post", operation_id = "assignRequest")]
    async fn assign(
        &self,
        staff: Staff<Handle>,
        id: Path<Uuid>,
        to: Json<AssignmentIn>,
    ) -> ApiResult<QueuedRequestOut> {
        let mut tx = staff.begin().await?;
        let ticket = tickets::assign(&mut tx, RequestId(id.0), to.0.assignee).await?;
        done(tx, ticket).await
    }

    /// Write to the resident, or a note for colleagues.
    #[oai(path = "/requests/:id/comments", method = "post", operation_id = "commentRequest")]
    async fn comment(
        &self,
        staff: Staff<Handle>,
        id: Path<Uuid>,
        said: Json<RequestCommentIn>,
    ) -> ApiResult<QueuedRequestOut> {
        let mut tx = staff.begin().await?;
        let ticket = tickets::comment(&mut tx, RequestId(id.0), &said.0.text, said.0.internal).await?;
        done(tx, ticket).await
    }

    /// Bring a request to another state.
    #[oai(path = "/requests/:id/state", method = "post", operation_id = "changeRequestState")]
    async fn change(
        &self,
        staff: Staff<Handle>,
        id: Path<Uuid>,
        to: Json<RequestStateIn>,
    ) -> ApiResult<QueuedRequestOut> {
        let mut tx = staff.begin().await?;
        let ticket = tickets::bring(&mut tx, RequestId(id.0), to.0.state.into(), &to.0.text).await?;
        done(tx, ticket).await
    }

    /// A file of a request; it is saved, never shown.
    #[oai(path = "/requests/:id/files/:file", method = "get", operation_id = "getRequestFile")]
    async fn file(
        &self,
        staff: Staff<Handle>,
        id: Path<Uuid>,
        file: Path<Uuid>,
    ) -> Result<Attachment<Vec<u8>>, Problem> {
        let tx = staff.read().await?;
        let stored = history::file_for_staff(&tx, RequestId(id.0), file.0).await?.ok_or_else(Problem::not_found)?;
        tx.commit().await?;
        let bytes = self.files.get(staff.tenant().id, MODULE, stored.id).await.map_err(Error::from)?;
        let name = format!("request-{}", stored.id);
        Ok(Attachment::new(bytes).attachment_type(AttachmentType::Attachment).filename(name))
    }
}

/// Commits what was done to a request and shows it.
async fn done(tx: Tx, ticket: Ticket) -> ApiResult<QueuedRequestOut> {
    let (moment, queued) = (Moment::of(&tx), queue::one(&tx, ticket).await?);
    tx.commit().await?;
    Ok(Json(moment.out(queued)))
}

/// The moment and the zone at which requests are shown.
#[derive(Clone, Copy)]
struct Moment {
    now: Timestamp,
    zone: chrono_tz::Tz,
}

impl Moment {
    fn of(tx: &Tx) -> Self {
        Self { now: tx.now(), zone: tx.tenant().zone }
    }

    fn out(self, queued: Queued) -> QueuedRequestOut {
        let Queued { ticket, account_number, address } = queued;
        QueuedRequestOut {
            late: ticket.is_behind(self.now),
            due_on: ticket.due_at.plus_seconds(-1).day(self.zone).iso(),
            id: ticket.id.0,
            number: ticket.number,
            kind: ticket.kind.into(),
            topic: ticket.topic,
            subject: ticket.subject,
            text: ticket.text,
            price: ticket.price.map(|price| price.0),
            price_unit: ticket.price_unit,
            state: ticket.state.into(),
            assignee: ticket.assignee,
            account: ticket.account.0,
            account_number,
            address,
            created_at: ticket.created_at.0,
            answer_by: ticket.answer_by.map(|at| at.0),
            localise_by: ticket.localise_by.map(|at| at.0),
            due_at: ticket.due_at.0,
            closed_at: ticket.closed_at.map(|at| at.0),
            rating: ticket.rating,
        }
    }
}

impl From<Entry> for RequestDeedOut {
    fn from(entry: Entry) -> Self {
        let file = |file: StoredFile| RequestAttachmentOut {
            id: file.id,
            name: file.name,
            media_type: file.media_type,
            bytes: file.bytes,
        };
        Self {
            at: entry.at.0,
            actor: entry.actor,
            actor_id: entry.actor_id,
            deed: entry.deed.code().to_owned(),
            state: entry.state.map(RequestState::from),
            text: entry.text,
            internal: entry.internal,
            files: entry.files.into_iter().map(file).collect(),
        }
    }
}
