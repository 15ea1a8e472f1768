//! Messages: written by staff or made of an occasion, sent once, taken back.

use kabinet_contracts::ResidentId;
use kabinet_core::jobs::NewJob;
use kabinet_core::{Day, DbError, Timestamp, Tx};
use kabinet_render::format::day_words;
use serde_json::json;
use uuid::Uuid;

use crate::addressing;
use crate::audience::{self, Audience};
use crate::channel::Channel;
use crate::entity::{MessageId, message};
use crate::error::Error;
use crate::kind::Kind;
use crate::outcomes;
use crate::settings::{MODULE, NotificationsSettings};
use crate::store;
use crate::words;

/// Longest title, in letters.
pub const LONGEST_TITLE: usize = 120;
/// Longest text, in letters.
pub const LONGEST_BODY: usize = 4000;

/// How a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Written, and seen by nobody but staff.
    Draft,
    /// Being addressed, resident by resident.
    Sending,
    /// Addressed to all whom it is for.
    Sent,
    /// Taken back: shown to nobody any more.
    Cancelled,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Draft, Self::Sending, Self::Sent, Self::Cancelled];

    /// Its name in the API and the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Identifier; messages sort by it in the order of their making.
    pub id: MessageId,
    /// What it is about.
    pub kind: Kind,
    /// How it stands.
    pub state: State,
    /// Title, one line.
    pub title: String,
    /// Text in Markdown.
    pub body: String,
    /// Whom it is for.
    pub audience: Audience,
    /// The only channels it may take; empty for all.
    pub channels: Vec<Channel>,
    /// The section of the portal that it leads to; empty for none.
    pub link: String,
    /// From when it holds.
    pub valid_from: Timestamp,
    /// The first moment at which it does not hold any more.
    pub valid_until: Option<Timestamp>,
    /// The staff member who wrote it.
    pub author: Option<Uuid>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
    /// The last resident to whom it was addressed.
    pub cursor: Option<ResidentId>,
    /// To how many it was addressed so far.
    pub addressed: i64,
    /// When the outage that it announces begins.
    pub outage_from: Option<Timestamp>,
}

impl TryFrom<message::Model> for Message {
    type Error = DbError;

    fn try_from(row: message::Model) -> Result<Self, DbError> {
        let kind = Kind::of(&row.kind).ok_or_else(|| DbError::Stored(format!("message {}: {}", row.id, row.kind)))?;
        Ok(Self {
            id: row.id,
            kind,
            state: store::messages::state_of(&row.state),
            title: row.title,
            body: row.body,
            audience: serde_json::from_str(&row.audience)?,
            channels: serde_json::from_str(&row.channels)?,
            link: row.link,
            valid_from: row.valid_from,
            valid_until: row.valid_until,
            author: row.author_id,
            created_at: row.created_at,
            sent_at: row.sent_at,
            cursor: row.cursor,
            addressed: row.addressed,
            outage_from: row.outage_from,
        })
    }
}

/// What staff wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Title.
    pub title: String,
    /// Text in Markdown.
    pub body: String,
    /// Whom it is for.
    pub audience: Audience,
    /// The only channels it may take; empty for all.
    pub channels: Vec<Channel>,
    /// From when it holds; from its sending without it.
    pub valid_from: Option<Timestamp>,
    /// The first moment at which it does not hold any more.
    pub valid_until: Option<Timestamp>,
    /// What will be switched off, for a planned outage.
    pub outage: Option<Outage>,
}

/// A planned outage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// What will be off, «холодная вода».
    pub resource: String,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// Keeps what staff wrote as a draft.
pub async fn draft(tx: &mut Tx, written: Written) -> Result<Message, Error> {
    let message = composed(tx, written, tx.new_id())?;
    store::messages::insert(tx, &message, None).await?;
    tx.audit("notifications.drafted", message.id, detail(&message)).await?;
    Ok(message)
}

/// Writes a draft anew.
pub async fn rewrite(tx: &mut Tx, id: MessageId, written: Written) -> Result<Message, Error> {
    let former = locked(tx, id).await?;
    refuse_ended(former.state)?;
    let message = Message { created_at: former.created_at, ..composed(tx, written, id)? };
    store::messages::rewrite(tx, &message).await?;
    tx.audit("notifications.drafted", message.id, detail(&message)).await?;
    Ok(message)
}

/// Sends a draft: from now on it is addressed to everybody whom it is for, batch by batch.
pub async fn send(tx: &mut Tx, id: MessageId) -> Result<Message, Error> {
    let mut message = locked(tx, id).await?;
    refuse_ended(message.state)?;
    if message.valid_until.is_some_and(|until| until <= tx.now()) {
        return Err(Error::Fields(vec![("valid_until", "Срок действия уже прошёл".to_owned())]));
    }
    message.state = State::Sending;
    message.sent_at = Some(tx.now());
    message.valid_from = message.valid_from.max(tx.now());
    store::messages::save(tx, &message).await?;
    tx.audit("notifications.sent", id, detail(&message)).await?;
    addressing::enqueue(tx, id).await?;
    Ok(message)
}

/// Takes a message back: it is shown to nobody any more, and what waits is not delivered. Of a planned outage the
/// reminder goes with it.
pub async fn cancel(tx: &mut Tx, id: MessageId) -> Result<Message, Error> {
    let message = taken_back(tx, id).await?;
    let mut ids = vec![id];
    if message.outage_from.is_some()
        && let Some(reminder) = store::messages::of_occasion(tx, &reminder_key(id)).await?
        && reminder.state != State::Cancelled
    {
        ids.push(taken_back(tx, reminder.id).await?.id);
    }
    outcomes::stop(tx, &store::notices::lock_waiting(tx, &ids).await?).await?;
    tx.touch(MODULE).await?;
    Ok(message)
}

async fn taken_back(tx: &mut Tx, id: MessageId) -> Result<Message, Error> {
    let mut message = locked(tx, id).await?;
    if message.state == State::Cancelled {
        return Err(Error::Cancelled);
    }
    message.state = State::Cancelled;
    store::messages::save(tx, &message).await?;
    tx.audit("notifications.cancelled", id, json!({ "title": message.title })).await?;
    Ok(message)
}

/// A message, for staff.
pub async fn find(tx: &Tx, id: MessageId) -> Result<Message, Error> {
    store::messages::find(tx, id).await?.ok_or(Error::NotFound)
}

/// The company's messages, the newest first, behind `after`, and behind which one the next page begins.
pub async fn list(
    tx: &Tx,
    automatic: bool,
    after: Option<MessageId>,
    limit: u16,
) -> Result<(Vec<Message>, Option<MessageId>), DbError> {
    let mut found = store::messages::list(tx, automatic, after, u64::from(limit) + 1).await?;
    let more = found.len() > usize::from(limit);
    found.truncate(usize::from(limit));
    let next = found.last().filter(|_| more).map(|message| message.id);
    Ok((found, next))
}

/// An automatic message: made of an occasion, and never twice of the same.
#[derive(Clone, Debug)]
pub(crate) struct Occasion {
    /// What it is about.
    pub(crate) kind: Kind,
    /// What tells it from others: `receipt:<run>`.
    pub(crate) key: String,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) link: String,
    pub(crate) audience: Audience,
    pub(crate) valid_until: Option<Timestamp>,
}

/// Sends an automatic message where the company wants its kind; false when it was sent before.
pub(crate) async fn announce(tx: &mut Tx, occasion: Occasion) -> Result<bool, DbError> {
    let wanted = NotificationsSettings::of(tx.tenant())?.sends(occasion.kind);
    if !wanted || !store::messages::note_occasion(tx, &occasion.key).await? {
        return Ok(false);
    }
    let message = Message {
        id: tx.new_id(),
        kind: occasion.kind,
        state: State::Sending,
        title: occasion.title,
        body: occasion.body,
        audience: occasion.audience,
        channels: Vec::new(),
        link: occasion.link,
        valid_from: tx.now(),
        valid_until: occasion.valid_until,
        author: None,
        created_at: tx.now(),
        sent_at: Some(tx.now()),
        cursor: None,
        addressed: 0,
        outage_from: None,
    };
    store::messages::insert(tx, &message, Some(occasion.key)).await?;
    addressing::enqueue(tx, message.id).await?;
    Ok(true)
}

/// What a reminder of a planned outage is an occasion of.
fn reminder_key(outage: MessageId) -> String {
    format!("outage:{outage}")
}

/// Reminds those to whom a planned outage was announced, by a message of its own and once.
pub(crate) async fn remind(tx: &mut Tx, outage: Message) -> Result<(), DbError> {
    let key = reminder_key(outage.id);
    if !store::messages::note_occasion(tx, &key).await? {
        return Ok(());
    }
    let message = Message {
        id: tx.new_id(),
        state: State::Sending,
        title: format!("Завтра: {}", outage.title),
        valid_from: tx.now(),
        author: None,
        created_at: tx.now(),
        sent_at: Some(tx.now()),
        cursor: None,
        addressed: 0,
        outage_from: None,
        ..outage
    };
    store::messages::insert(tx, &message, Some(key)).await?;
    addressing::enqueue(tx, message.id).await
}

async fn locked(tx: &Tx, id: MessageId) -> Result<Message, Error> {
    store::messages::lock(tx, id).await?.ok_or(Error::NotFound)
}

fn refuse_ended(state: State) -> Result<(), Error> {
    match state {
        State::Draft => Ok(()),
        State::Sending | State::Sent => Err(Error::AlreadySent),
        State::Cancelled => Err(Error::Cancelled),
    }
}

fn detail(message: &Message) -> serde_json::Value {
    json!({ "title": message.title, "kind": message.kind.code(), "audience": message.audience, "channels": message.channels })
}

/// The message that was written, with all that is wrong with it.
fn composed(tx: &Tx, written: Written, id: MessageId) -> Result<Message, Error> {
    let settings = NotificationsSettings::of(tx.tenant())?;
    let mut wrong = Vec::new();
    let title = one_line(&written.title);
    if title.is_empty() || title.chars().count() > LONGEST_TITLE {
        wrong.push(("title", format!("Напишите заголовок не длиннее {LONGEST_TITLE} знаков")));
    }
    let body = body(tx, &written);
    if words::blocks(&body).is_empty() || body.chars().count() > LONGEST_BODY {
        wrong.push(("body", format!("Напишите текст не длиннее {LONGEST_BODY} знаков")));
    }
    wrong.extend(audience_fault(&written));
    if let Some(channel) = written.channels.iter().find(|channel| !settings.has(**channel)) {
        wrong.push(("channels", format!("{}: этот канал у компании не настроен", channel.words())));
    }
    let valid_from = written.valid_from.unwrap_or(tx.now());
    let valid_until = written.valid_until.or(written.outage.as_ref().map(|outage| outage.until));
    if valid_until.is_some_and(|until| until <= valid_from.max(tx.now())) {
        wrong.push(("valid_until", "Срок действия уже прошёл".to_owned()));
    }
    if !wrong.is_empty() {
        return Err(Error::Fields(wrong));
    }
    Ok(Message {
        id,
        kind: if written.outage.is_some() { Kind::Outage } else { Kind::Message },
        state: State::Draft,
        title,
        body,
        audience: written.audience,
        channels: written.channels,
        link: String::new(),
        valid_from,
        valid_until,
        author: tx.actor().id(),
        created_at: tx.now(),
        sent_at: None,
        cursor: None,
        addressed: 0,
        outage_from: written.outage.map(|outage| outage.from),
    })
}

fn audience_fault(written: &Written) -> Option<(&'static str, String)> {
    let text = match &written.audience {
        Audience::Houses { houses } if houses.is_empty() || houses.len() > 500 => "Назовите дома, не больше 500",
        Audience::Accounts { accounts } if accounts.is_empty() || accounts.len() > 500 => {
            "Назовите лицевые счета, не больше 500"
        }
        Audience::Debtors { over } if over.0 < 0 => "Сумма долга не может быть отрицательной",
        Audience::Receipt { .. } | Audience::Readers | Audience::Unread { .. } => "Такому кругу пишет сама система",
        audience => {
            let outage = written.outage.as_ref()?;
            if !matches!(audience, Audience::Houses { .. }) {
                "Отключение касается домов: назовите их"
            } else if outage.until <= outage.from || one_line(&outage.resource).is_empty() {
                return Some(("outage", "Назовите ресурс, начало и конец отключения".to_owned()));
            } else {
                return None;
            }
        }
    };
    Some(("audience", text.to_owned()))
}

/// The text; an outage's begins with what, from when and until when.
fn body(tx: &Tx, written: &Written) -> String {
    let text: String = written.body.chars().filter(|c| !c.is_control() || *c == '\n' || *c == '\t').collect();
    let Some(outage) = &written.outage else { return text.trim().to_owned() };
    let zone = tx.tenant().zone;
    let at = |moment: Timestamp| {
        let day: Day = moment.day(zone);
        format!("{} {}", day_words(day.0.unsigned_abs()), moment.time(zone))
    };
    let head = format!("**{}**: отключение с {} до {}.", one_line(&outage.resource), at(outage.from), at(outage.until));
    format!("{head}\n\n{}", text.trim()).trim().to_owned()
}

fn one_line(text: &str) -> String {
    let visible: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How many residents a message would reach, and what its text looks like without markup.
pub async fn preview(tx: &Tx, written: Written) -> Result<(u64, String), Error> {
    let message = composed(tx, written, tx.new_id())?;
    let reach = audience::count(tx, &message.audience).await?;
    Ok((reach, words::plain(&words::blocks(&message.body))))
}

/// The job that addresses a message; at most one of them waits.
pub(crate) fn addressing_job(id: MessageId) -> NewJob {
    NewJob::new(MODULE, addressing::KIND, json!({ "message": id })).once(format!("{MODULE}.{}:{id}", addressing::KIND))
}
