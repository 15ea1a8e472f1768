//! Requests: filed by a resident, taken, answered and ended by staff, opened again and rated by the resident.

use kabinet_contracts::{AccountId, RequestChanged, RequestId, ResidentId};
use kabinet_core::{DbError, Money, Timestamp, Tx};
use kabinet_residents::people;
use sea_orm::{ActiveModelTrait, IntoActiveModel};
use serde_json::json;
use uuid::Uuid;

use crate::attachments::Kept;
use crate::entity::request;
use crate::error::Error;
use crate::filing::{self, Asked};
use crate::history::{Deed, NewEntry};
use crate::state::{State, reopened_until};
use crate::store;
use crate::topics::{self, Kind};

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Identifier.
    pub id: RequestId,
    /// Its number in the company, as people name it.
    pub number: i64,
    /// The account it is about.
    pub account: AccountId,
    /// Who filed it.
    pub resident: ResidentId,
    /// What kind it is.
    pub kind: Kind,
    /// Code of its topic.
    pub topic: String,
    /// The price that the paid service had when it was filed, kopecks.
    pub price: Option<Money>,
    /// What that price is for, «за час»; empty for the whole work.
    pub price_unit: String,
    /// What it is about, in a line.
    pub subject: String,
    /// The request itself.
    pub text: String,
    /// How it stands.
    pub state: State,
    /// The staff member whose it is.
    pub assignee: Option<Uuid>,
    /// When it was filed.
    pub created_at: Timestamp,
    /// The first moment after its answer is due, while nobody has taken it: of emergencies.
    pub answer_by: Option<Timestamp>,
    /// The first moment after the damage is to be stopped, while nobody works on it: of emergencies.
    pub localise_by: Option<Timestamp>,
    /// The first moment at which it is late.
    pub due_at: Timestamp,
    /// When it ended.
    pub closed_at: Option<Timestamp>,
    /// What the resident thinks of it, 1 to 5.
    pub rating: Option<i32>,
}

impl TryFrom<request::Model> for Ticket {
    type Error = DbError;

    fn try_from(row: request::Model) -> Result<Self, DbError> {
        let unknown = |what: &str| DbError::Stored(format!("request {}: {what}", row.id));
        Ok(Self {
            id: row.id,
            number: row.number,
            account: row.account_id,
            resident: row.resident_id,
            kind: Kind::of(&row.kind).ok_or_else(|| unknown(&row.kind))?,
            topic: row.topic,
            price: row.price,
            price_unit: row.price_unit,
            subject: row.subject,
            text: row.body,
            state: State::of(&row.state).ok_or_else(|| unknown(&row.state))?,
            assignee: row.assignee_id,
            created_at: row.created_at,
            answer_by: row.answer_by,
            localise_by: row.localise_by,
            due_at: row.due_at,
            closed_at: row.closed_at,
            rating: row.rating,
        })
    }
}

impl Ticket {
    /// Whether it is late at `now`; what has ended never is.
    #[must_use]
    pub fn is_late(&self, now: Timestamp) -> bool {
        !self.state.is_closed() && now >= self.due_at
    }

    /// The first moment after what is due next: an emergency's answer, a stop to its damage, its end.
    #[must_use]
    pub fn next_due(&self) -> Timestamp {
        self.answer_by.or(self.localise_by).unwrap_or(self.due_at)
    }

    /// Whether what is due next is late at `now`.
    #[must_use]
    pub fn is_behind(&self, now: Timestamp) -> bool {
        !self.state.is_closed() && now >= self.next_due()
    }

    /// Comes to a state, and meets by that what was due until then: taking a request answers it; going to work on it,
    /// or ending it, stops the damage.
    fn reach(&mut self, state: State) {
        self.state = state;
        self.answer_by = self.answer_by.filter(|_| state == State::New);
        self.localise_by = self.localise_by.filter(|_| !state.is_closed() && state != State::InWork);
    }
}

/// Whose request it may be: a resident, and the accounts that the resident holds.
#[derive(Clone, Debug)]
pub struct Owner {
    /// The resident.
    pub resident: ResidentId,
    /// The accounts held now: a request about another one is not found any more.
    pub accounts: Vec<AccountId>,
}

impl Owner {
    fn has(&self, ticket: &Ticket) -> bool {
        ticket.resident == self.resident && self.accounts.contains(&ticket.account)
    }
}

/// Files a request with the files that came along.
pub async fn file(
    tx: &mut Tx,
    resident: ResidentId,
    account: AccountId,
    asked: &Asked,
    files: &[Kept],
) -> Result<Ticket, Error> {
    let due = asked.topic.deadlines(tx.now(), tx.tenant())?;
    let row = request::Model {
        tenant_id: tx.tenant_id(),
        id: tx.new_id(),
        number: store::next_number(tx).await?,
        account_id: account,
        resident_id: resident,
        kind: asked.topic.kind.code().to_owned(),
        topic: asked.topic.code.clone(),
        service_code: asked.service.as_ref().map(|service| service.code.clone()),
        service_title: asked.service.as_ref().map(|service| service.title.clone()).unwrap_or_default(),
        price: asked.service.as_ref().map(|service| service.price),
        subject: asked.subject.clone(),
        body: asked.text.clone(),
        state: State::New.code().to_owned(),
        assignee_id: None,
        created_at: tx.now(),
        due_at: due.due_at,
        closed_at: None,
        rating: None,
        price_unit: asked.service.as_ref().map(|service| service.unit.clone()).unwrap_or_default(),
        answer_by: due.answer_by,
        localise_by: due.localise_by,
    };
    let ticket = Ticket::try_from(row.clone())?;
    tx.insert(row.into_active_model().reset_all()).await?;
    let entry = NewEntry { kind: Deed::Filed, state: Some(State::New), text: "", internal: false };
    let entry = store::add_entry(tx, ticket.id, entry).await?;
    store::add_files(tx, ticket.id, entry, files).await?;
    recorded(tx, &ticket, "requests.filed").await?;
    Ok(ticket)
}

/// Words of staff were added: the state is what it was.
const COMMENTED: &str = "requests.commented";

/// Audits and announces what was done.
async fn recorded(tx: &mut Tx, ticket: &Ticket, action: &str) -> Result<(), DbError> {
    tx.audit(action, ticket.id, json!({ "number": ticket.number, "state": ticket.state.code() })).await?;
    tx.publish(&RequestChanged {
        request: ticket.id,
        number: ticket.number,
        resident: ticket.resident,
        account: ticket.account,
        state: ticket.state.code().to_owned(),
        moved: action != COMMENTED,
        by_resident: tx.actor().kind() == "resident",
    })
    .await
}

/// A request of the owner's.
pub async fn own(tx: &Tx, owner: &Owner, id: RequestId) -> Result<Ticket, Error> {
    let found = store::find(tx, id).await?.map(Ticket::try_from).transpose()?;
    found.filter(|ticket| owner.has(ticket)).ok_or(Error::NotFound)
}

async fn own_locked(tx: &Tx, owner: &Owner, id: RequestId) -> Result<Ticket, Error> {
    let found = store::lock(tx, id).await?.map(Ticket::try_from).transpose()?;
    found.filter(|ticket| owner.has(ticket)).ok_or(Error::NotFound)
}

/// Any request of the company, for staff.
pub async fn find(tx: &Tx, id: RequestId) -> Result<Ticket, Error> {
    let found = store::find(tx, id).await?.map(Ticket::try_from).transpose()?;
    found.ok_or(Error::NotFound)
}

async fn locked(tx: &Tx, id: RequestId) -> Result<Ticket, Error> {
    let found = store::lock(tx, id).await?.map(Ticket::try_from).transpose()?;
    found.ok_or(Error::NotFound)
}

/// Which of a resident's requests are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    All,
    /// Those under way.
    Open,
    /// Those that ended.
    Ended,
}

/// Up to `limit` of a resident's requests of an account, the newest first, behind `after`; and behind which one the
/// next page begins.
pub async fn page(
    tx: &Tx,
    of: (ResidentId, AccountId),
    which: Which,
    after: Option<RequestId>,
    limit: u16,
) -> Result<(Vec<Ticket>, Option<RequestId>), DbError> {
    let rows = store::own(tx, of, which, after, u64::from(limit) + 1).await?;
    let mut found = rows.into_iter().map(Ticket::try_from).collect::<Result<Vec<_>, _>>()?;
    let more = found.len() > usize::from(limit);
    found.truncate(usize::from(limit));
    let next = found.last().filter(|_| more).map(|ticket| ticket.id);
    Ok((found, next))
}

/// The resident answers or adds something; a request that waited for that is worked on again.
pub async fn answer(tx: &mut Tx, owner: &Owner, id: RequestId, text: &str, files: &[Kept]) -> Result<Ticket, Error> {
    let text = filing::comment(text)?;
    let mut ticket = own_locked(tx, owner, id).await?;
    if ticket.state.is_closed() {
        return Err(Error::Closed);
    }
    let next = match ticket.state.after_answer() {
        // The damage is still to be stopped: staff go to work on it, not the resident's words.
        State::InWork if ticket.localise_by.is_some() => State::Accepted,
        next => next,
    };
    let state = (next != ticket.state).then_some(next);
    ticket.reach(next);
    store::save(tx, &ticket).await?;
    let entry = NewEntry { kind: Deed::Comment, state, text: &text, internal: false };
    let entry = store::add_entry(tx, id, entry).await?;
    store::add_files(tx, id, entry, files).await?;
    recorded(tx, &ticket, "requests.answered").await?;
    Ok(ticket)
}

/// The resident opens an ended request again, within seven days and saying why; it is due anew.
pub async fn reopen(tx: &mut Tx, owner: &Owner, id: RequestId, text: &str) -> Result<Ticket, Error> {
    let mut ticket = own_locked(tx, owner, id).await?;
    let closed = ticket.closed_at.ok_or(Error::WrongState(ticket.state.words()))?;
    if tx.today() > reopened_until(closed, tx.tenant().zone) {
        return Err(Error::TooLate);
    }
    let text = filing::comment(text)?;
    if let Some(topic) = topics::find(&ticket.topic) {
        let due = topic.deadlines(tx.now(), tx.tenant())?;
        (ticket.localise_by, ticket.due_at) = (due.localise_by, due.due_at);
    }
    ticket.reach(State::Accepted);
    ticket.closed_at = None;
    ticket.rating = None;
    store::save(tx, &ticket).await?;
    let entry = NewEntry { kind: Deed::Reopened, state: Some(ticket.state), text: &text, internal: false };
    store::add_entry(tx, id, entry).await?;
    recorded(tx, &ticket, "requests.reopened").await?;
    Ok(ticket)
}

/// The resident says what the work is worth, 1 to 5, once after it is done.
pub async fn rate(tx: &mut Tx, owner: &Owner, id: RequestId, rating: i32, text: &str) -> Result<Ticket, Error> {
    let mut ticket = own_locked(tx, owner, id).await?;
    if ticket.state != State::Done {
        return Err(Error::WrongState(ticket.state.words()));
    }
    if ticket.rating.is_some() {
        return Err(Error::AlreadyRated);
    }
    if !(1..=5).contains(&rating) {
        return Err(Error::field("rating", "Выберите оценку от 1 до 5"));
    }
    let text = if text.trim().is_empty() { String::new() } else { filing::comment(text)? };
    ticket.rating = Some(rating);
    store::save(tx, &ticket).await?;
    let text = format!("Оценка {rating} из 5{}{text}", if text.is_empty() { "" } else { "\n" });
    store::add_entry(tx, id, NewEntry { kind: Deed::Rated, state: None, text: &text, internal: false }).await?;
    recorded(tx, &ticket, "requests.rated").await?;
    Ok(ticket)
}

/// Staff take a new request; it is then theirs unless it is somebody's already.
pub async fn accept(tx: &mut Tx, id: RequestId) -> Result<Ticket, Error> {
    let mut ticket = locked(tx, id).await?;
    if ticket.state != State::New {
        return Err(Error::AlreadyAccepted);
    }
    ticket.reach(State::Accepted);
    ticket.assignee = ticket.assignee.or(tx.actor().id());
    store::save(tx, &ticket).await?;
    let entry = NewEntry { kind: Deed::State, state: Some(ticket.state), text: "", internal: false };
    store::add_entry(tx, id, entry).await?;
    recorded(tx, &ticket, "requests.accepted").await?;
    Ok(ticket)
}

/// Staff make a request a colleague's, or nobody's. Residents are not told.
pub async fn assign(tx: &mut Tx, id: RequestId, assignee: Option<Uuid>) -> Result<Ticket, Error> {
    let mut ticket = locked(tx, id).await?;
    if ticket.state.is_closed() {
        return Err(Error::Closed);
    }
    let text = match assignee {
        Some(who) => match people::staff_member(tx, who).await? {
            Some(member) => member.email,
            None => return Err(Error::field("assignee", "Нет такого сотрудника")),
        },
        None => String::new(),
    };
    ticket.assignee = assignee;
    store::save(tx, &ticket).await?;
    store::add_entry(tx, id, NewEntry { kind: Deed::Assigned, state: None, text: &text, internal: true }).await?;
    tx.audit("requests.assigned", id, json!({ "assignee": assignee })).await?;
    Ok(ticket)
}

/// Staff write to the resident, or for themselves (`internal`).
pub async fn comment(tx: &mut Tx, id: RequestId, text: &str, internal: bool) -> Result<Ticket, Error> {
    let text = filing::comment(text)?;
    let ticket = locked(tx, id).await?;
    let kind = if internal { Deed::Note } else { Deed::Comment };
    store::add_entry(tx, id, NewEntry { kind, state: None, text: &text, internal }).await?;
    if internal {
        tx.audit("requests.noted", id, json!({ "number": ticket.number })).await?;
    } else {
        recorded(tx, &ticket, COMMENTED).await?;
    }
    Ok(ticket)
}

/// Staff bring a request to another state, with words for the resident where it needs them.
pub async fn bring(tx: &mut Tx, id: RequestId, next: State, text: &str) -> Result<Ticket, Error> {
    let mut ticket = locked(tx, id).await?;
    if !ticket.state.may_become(next) {
        return Err(Error::WrongState(ticket.state.words()));
    }
    let text = if next.needs_words() || !text.trim().is_empty() { filing::comment(text)? } else { String::new() };
    if ticket.state == State::New {
        ticket.assignee = ticket.assignee.or(tx.actor().id());
    }
    ticket.reach(next);
    ticket.closed_at = next.is_closed().then(|| tx.now());
    store::save(tx, &ticket).await?;
    store::add_entry(tx, id, NewEntry { kind: Deed::State, state: Some(next), text: &text, internal: false }).await?;
    recorded(tx, &ticket, "requests.state_changed").await?;
    Ok(ticket)
}
