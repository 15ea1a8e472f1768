//! Every query of the module.

use kabinet_contracts::{AccountId, RequestId, ResidentId};
use kabinet_core::{DbError, Timestamp, Tx};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Unchanged, ColumnTrait, Condition, EntityTrait, ExprTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect, Set,
};
use uuid::Uuid;

use crate::attachments::Kept;
use crate::entity::{paid_service, request, request_entry, request_file, request_number};
use crate::history::NewEntry;
use crate::state::State;
use crate::tickets::{Ticket, Which};

/// The only row of `request_number`.
const ONLY: i32 = 1;

/// The next number, locked until the transaction ends: numbers have no gaps.
pub(crate) async fn next_number(tx: &Tx) -> Result<i64, DbError> {
    #[derive(FromQueryResult)]
    struct Row {
        last: i64,
    }
    let first = request_number::ActiveModel { tenant_id: Set(tx.tenant_id()), id: Set(ONLY), last: Set(0) };
    tx.insert_if_absent(first).await?;
    let sql = "UPDATE request_number SET last = last + 1 WHERE tenant_id = $1 AND id = $2 RETURNING last";
    let rows: Vec<Row> = tx.rows(sql, vec![ONLY.into()]).await?;
    rows.first().map(|row| row.last).ok_or_else(|| DbError::Stored("no number of requests".into()))
}

pub(crate) async fn find(tx: &Tx, id: RequestId) -> Result<Option<request::Model>, DbError> {
    tx.one(request::Entity::find().filter(request::Column::Id.eq(id))).await
}

/// The request, which nobody else changes until this transaction ends.
pub(crate) async fn lock(tx: &Tx, id: RequestId) -> Result<Option<request::Model>, DbError> {
    tx.one(request::Entity::find().filter(request::Column::Id.eq(id)).lock_exclusive()).await
}

/// Stores what changes in a request's life.
pub(crate) async fn save(tx: &Tx, ticket: &Ticket) -> Result<(), DbError> {
    tx.update(request::ActiveModel {
        tenant_id: Unchanged(tx.tenant_id()),
        id: Unchanged(ticket.id),
        state: Set(ticket.state.code().to_owned()),
        assignee_id: Set(ticket.assignee),
        answer_by: Set(ticket.answer_by),
        localise_by: Set(ticket.localise_by),
        due_at: Set(ticket.due_at),
        closed_at: Set(ticket.closed_at),
        rating: Set(ticket.rating),
        ..Default::default()
    })
    .await
}

/// A resident's requests of an account, the newest first, behind `after`.
pub(crate) async fn own(
    tx: &Tx,
    (resident, account): (ResidentId, AccountId),
    which: Which,
    after: Option<RequestId>,
    limit: u64,
) -> Result<Vec<request::Model>, DbError> {
    use request::Column;
    let wanted = Condition::all()
        .add(Column::ResidentId.eq(resident))
        .add(Column::AccountId.eq(account))
        .add_option(match which {
            Which::All => None,
            Which::Open => Some(Column::ClosedAt.is_null()),
            Which::Ended => Some(Column::ClosedAt.is_not_null()),
        })
        .add_option(after.map(|after| Column::Id.lt(after)));
    tx.all(request::Entity::find().filter(wanted).order_by_desc(Column::Id).limit(limit)).await
}

/// All requests that a resident filed, the oldest first.
pub(crate) async fn all_of(tx: &Tx, resident: ResidentId) -> Result<Vec<request::Model>, DbError> {
    let mine = request::Entity::find().filter(request::Column::ResidentId.eq(resident));
    tx.all(mine.order_by_asc(request::Column::Id)).await
}

/// What staff look for in the queue.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sought<'a> {
    /// One state; none for all that have not ended.
    pub(crate) state: Option<State>,
    /// A kind's code.
    pub(crate) kind: Option<&'a str>,
    /// Whoever is to do it.
    pub(crate) assignee: Option<Uuid>,
    /// Only what has something due before this moment and has not ended.
    pub(crate) due_before: Option<Timestamp>,
    /// Behind this one: what of it is due next, and its identifier.
    pub(crate) after: Option<(Timestamp, RequestId)>,
}

/// [`Ticket::next_due`], as the queue's index has it.
fn next_due() -> Expr {
    Expr::cust("COALESCE(answer_by, localise_by, due_at)")
}

/// The company's requests, the most urgent first.
pub(crate) async fn queue(tx: &Tx, sought: Sought<'_>, limit: u64) -> Result<Vec<request::Model>, DbError> {
    use request::Column;
    let mut wanted = Condition::all();
    wanted = match sought.state {
        Some(state) => wanted.add(Column::State.eq(state.code())),
        None => wanted.add(Column::ClosedAt.is_null()),
    };
    wanted = wanted
        .add_option(sought.kind.map(|kind| Column::Kind.eq(kind)))
        .add_option(sought.assignee.map(|assignee| Column::AssigneeId.eq(assignee)))
        .add_option(sought.due_before.map(|moment| {
            let late = next_due().lte(Expr::value(moment));
            late.and(Column::ClosedAt.is_null())
        }));
    if let Some((due, id)) = sought.after {
        let beside = next_due().eq(Expr::value(due)).and(Column::Id.gt(id));
        wanted = wanted.add(next_due().gt(Expr::value(due)).or(beside));
    }
    let select = request::Entity::find().filter(wanted).order_by_asc(next_due()).order_by_asc(Column::Id);
    tx.all(select.limit(limit)).await
}

/// Adds an entry to a request's history; its identifier.
pub(crate) async fn add_entry(tx: &Tx, request: RequestId, entry: NewEntry<'_>) -> Result<Uuid, DbError> {
    let id: Uuid = tx.new_id();
    tx.insert(request_entry::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        id: Set(id),
        request_id: Set(request),
        at: Set(tx.now()),
        actor: Set(tx.actor().kind().to_owned()),
        actor_id: Set(tx.actor().id()),
        kind: Set(entry.kind.code().to_owned()),
        state: Set(entry.state.map(|state| state.code().to_owned())),
        body: Set(entry.text.to_owned()),
        internal: Set(entry.internal),
    })
    .await?;
    Ok(id)
}

/// The history of a request, the oldest first; without what is internal unless it is asked for.
pub(crate) async fn entries(tx: &Tx, request: RequestId, all: bool) -> Result<Vec<request_entry::Model>, DbError> {
    use request_entry::Column;
    let mut select = request_entry::Entity::find().filter(Column::RequestId.eq(request));
    if !all {
        select = select.filter(Column::Internal.eq(false));
    }
    tx.all(select.order_by_asc(Column::At).order_by_asc(Column::Id)).await
}

pub(crate) async fn add_files(tx: &Tx, request: RequestId, entry: Uuid, files: &[Kept]) -> Result<(), DbError> {
    let side = |length: u32| i32::try_from(length).unwrap_or(i32::MAX);
    let row = |file: &Kept| request_file::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        id: Set(file.id),
        request_id: Set(request),
        entry_id: Set(entry),
        name: Set(file.name.clone()),
        media_type: Set(file.kind.media_type().to_owned()),
        bytes: Set(file.bytes),
        width: Set(file.size.map(|(width, _)| side(width))),
        height: Set(file.size.map(|(_, height)| side(height))),
    };
    tx.insert_many(files.iter().map(row).collect()).await
}

/// The files of a request, in the order of their coming.
pub(crate) async fn files(tx: &Tx, request: RequestId) -> Result<Vec<request_file::Model>, DbError> {
    let mine = request_file::Entity::find().filter(request_file::Column::RequestId.eq(request));
    tx.all(mine.order_by_asc(request_file::Column::Id)).await
}

pub(crate) async fn file(tx: &Tx, request: RequestId, id: Uuid) -> Result<Option<request_file::Model>, DbError> {
    let wanted = request_file::Column::RequestId.eq(request).and(request_file::Column::Id.eq(id));
    tx.one(request_file::Entity::find().filter(wanted)).await
}

/// Whether an entry is internal; none where there is no such entry.
pub(crate) async fn is_internal(tx: &Tx, entry: Uuid) -> Result<Option<bool>, DbError> {
    let row = tx.one(request_entry::Entity::find().filter(request_entry::Column::Id.eq(entry))).await?;
    Ok(row.map(|row| row.internal))
}

/// The catalogue in its order; only what is offered, or all.
pub(crate) async fn services(tx: &Tx, all: bool) -> Result<Vec<paid_service::Model>, DbError> {
    use paid_service::Column;
    let mut select = paid_service::Entity::find();
    if !all {
        select = select.filter(Column::Offered.eq(true));
    }
    tx.all(select.order_by_asc(Column::Position).order_by_asc(Column::Code)).await
}

pub(crate) async fn service(tx: &Tx, code: &str) -> Result<Option<paid_service::Model>, DbError> {
    tx.one(paid_service::Entity::find().filter(paid_service::Column::Code.eq(code))).await
}

/// Stores a service under its code, new or changed.
pub(crate) async fn save_service(tx: &Tx, row: paid_service::ActiveModel) -> Result<(), DbError> {
    tx.put(row).await
}

/// An account's number and address, for staff.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct Place {
    pub(crate) id: AccountId,
    pub(crate) number: String,
    pub(crate) house: String,
    pub(crate) flat: String,
    pub(crate) kind: String,
}

/// Where the requests of a page of the queue come from.
pub(crate) async fn places(tx: &Tx, accounts: &[AccountId]) -> Result<Vec<Place>, DbError> {
    if accounts.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<String> = (0..accounts.len()).map(|at| format!("${}", at + 2)).collect();
    let sql = format!(
        "SELECT a.id, a.number, h.address AS house, p.flat, p.kind FROM account a
         JOIN premises p ON p.tenant_id = a.tenant_id AND p.id = a.premises_id
         JOIN house h ON h.tenant_id = p.tenant_id AND h.id = p.house_id
         WHERE a.tenant_id = $1 AND a.id IN ({})",
        names.join(", ")
    );
    tx.rows(&sql, accounts.iter().copied().map(sea_orm::Value::from).collect()).await
}
