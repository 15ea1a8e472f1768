//! Messages: what was said.

use kabinet_contracts::ResidentId;
use kabinet_core::{DbError, Timestamp, Tx};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Unchanged, ColumnTrait, EntityTrait, FromQueryResult, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect, Set,
};

use crate::entity::{MessageId, message, message_occasion, notice};
use crate::messages::{Message, State};

pub(crate) async fn find(tx: &Tx, id: MessageId) -> Result<Option<Message>, DbError> {
    let row = tx.one(message::Entity::find().filter(message::Column::Id.eq(id))).await?;
    row.map(Message::try_from).transpose()
}

/// The message, which nobody else changes until this transaction ends.
pub(crate) async fn lock(tx: &Tx, id: MessageId) -> Result<Option<Message>, DbError> {
    let row = tx.one(message::Entity::find().filter(message::Column::Id.eq(id)).lock_exclusive()).await?;
    row.map(Message::try_from).transpose()
}

pub(crate) async fn by_ids(tx: &Tx, ids: &[MessageId]) -> Result<Vec<Message>, DbError> {
    let mine = tx.among(message::Column::Id, ids.iter().copied());
    tx.all(message::Entity::find().filter(mine)).await?.into_iter().map(Message::try_from).collect()
}

/// Notes an occasion; false when there was a message of it before.
pub(crate) async fn note_occasion(tx: &Tx, occasion: &str) -> Result<bool, DbError> {
    tx.insert_if_absent(message_occasion::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        occasion: Set(occasion.to_owned()),
        at: Set(tx.now()),
    })
    .await
}

/// Stores a new message.
pub(crate) async fn insert(tx: &Tx, message: &Message, occasion: Option<String>) -> Result<(), DbError> {
    let row = message::Model {
        tenant_id: tx.tenant_id(),
        id: message.id,
        kind: message.kind.code().to_owned(),
        state: message.state.code().to_owned(),
        occasion,
        title: message.title.clone(),
        body: message.body.clone(),
        audience: serde_json::to_string(&message.audience)?,
        channels: serde_json::to_string(&message.channels)?,
        link: message.link.clone(),
        valid_from: message.valid_from,
        valid_until: message.valid_until,
        author_id: message.author,
        created_at: message.created_at,
        sent_at: message.sent_at,
        cursor: message.cursor,
        addressed: message.addressed,
        outage_from: message.outage_from,
    };
    tx.insert(row.into_active_model().reset_all()).await
}

/// Stores what changes in a message's life.
pub(crate) async fn save(tx: &Tx, message: &Message) -> Result<(), DbError> {
    tx.update(message::ActiveModel {
        tenant_id: Unchanged(tx.tenant_id()),
        id: Unchanged(message.id),
        state: Set(message.state.code().to_owned()),
        valid_from: Set(message.valid_from),
        sent_at: Set(message.sent_at),
        cursor: Set(message.cursor),
        addressed: Set(message.addressed),
        ..Default::default()
    })
    .await
}

/// Stores a draft anew.
pub(crate) async fn rewrite(tx: &Tx, message: &Message) -> Result<(), DbError> {
    tx.update(message::ActiveModel {
        tenant_id: Unchanged(tx.tenant_id()),
        id: Unchanged(message.id),
        kind: Set(message.kind.code().to_owned()),
        title: Set(message.title.clone()),
        body: Set(message.body.clone()),
        audience: Set(serde_json::to_string(&message.audience)?),
        channels: Set(serde_json::to_string(&message.channels)?),
        valid_from: Set(message.valid_from),
        valid_until: Set(message.valid_until),
        outage_from: Set(message.outage_from),
        ..Default::default()
    })
    .await
}

/// The company's messages, the newest first, behind `after`; only those that staff wrote, or all.
pub(crate) async fn list(
    tx: &Tx,
    automatic: bool,
    after: Option<MessageId>,
    limit: u64,
) -> Result<Vec<Message>, DbError> {
    let mut select = message::Entity::find().order_by_desc(message::Column::Id).limit(limit);
    if !automatic {
        select = select.filter(message::Column::Occasion.is_null());
    }
    if let Some(after) = after {
        select = select.filter(message::Column::Id.lt(after));
    }
    tx.all(select).await?.into_iter().map(Message::try_from).collect()
}

/// The message that was made of an occasion.
pub(crate) async fn of_occasion(tx: &Tx, occasion: &str) -> Result<Option<Message>, DbError> {
    let row = tx.one(message::Entity::find().filter(message::Column::Occasion.eq(occasion))).await?;
    row.map(Message::try_from).transpose()
}

/// Planned outages that begin at a moment `from` and before `to`, of messages sent before `sent`.
pub(crate) async fn outages(
    tx: &Tx,
    (from, to): (Timestamp, Timestamp),
    sent: Timestamp,
) -> Result<Vec<Message>, DbError> {
    use message::Column;
    let begin = message::Entity::find().filter(Column::OutageFrom.gte(from)).filter(Column::OutageFrom.lt(to));
    let announced = begin.filter(Column::State.is_in([State::Sending.code(), State::Sent.code()]));
    let found = announced.filter(Column::SentAt.lt(sent)).order_by_asc(Column::Id);
    tx.all(found).await?.into_iter().map(Message::try_from).collect()
}

/// Messages that are still being addressed.
pub(crate) async fn unfinished(tx: &Tx) -> Result<Vec<MessageId>, DbError> {
    let sending = message::Entity::find().filter(message::Column::State.eq(State::Sending.code()));
    Ok(tx.all(sending).await?.into_iter().map(|row| row.id).collect())
}

/// How many of a message's notices are in each state, and how many were read.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct StateCount {
    pub(crate) state: String,
    pub(crate) number: i64,
    pub(crate) read: i64,
}

pub(crate) async fn counts(tx: &Tx, id: MessageId) -> Result<Vec<StateCount>, DbError> {
    let sql = "SELECT n.state, COUNT(*) AS number, COUNT(n.read_at) AS read FROM notice n
               WHERE n.tenant_id = $1 AND n.message_id = $2 GROUP BY n.state ORDER BY n.state";
    tx.rows(sql, vec![id.into()]).await
}

/// How many of a message's deliveries are in each state, by channel.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct ChannelCount {
    pub(crate) channel: String,
    pub(crate) state: String,
    pub(crate) number: i64,
    pub(crate) cost: i64,
}

pub(crate) async fn channel_counts(tx: &Tx, id: MessageId) -> Result<Vec<ChannelCount>, DbError> {
    let sql = "SELECT d.channel, d.state, COUNT(*) AS number, CAST(SUM(d.cost) AS BIGINT) AS cost FROM delivery d
               WHERE d.tenant_id = $1 AND d.message_id = $2 GROUP BY d.channel, d.state ORDER BY d.channel, d.state";
    tx.rows(sql, vec![id.into()]).await
}

/// Addresses a message to residents: one notice each, to be delivered from `next_at`.
pub(crate) async fn address(tx: &Tx, message: &Message, residents: &[ResidentId]) -> Result<(), DbError> {
    let row = |resident: &ResidentId| notice::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        id: Set(tx.new_id()),
        message_id: Set(message.id),
        resident_id: Set(*resident),
        state: Set("waiting".to_owned()),
        next_at: Set(message.valid_from.max(tx.now())),
        read_at: Set(None),
    };
    tx.insert_many(residents.iter().map(row).collect()).await
}

/// What state a message has by its name; what this release does not know is sent.
pub(crate) fn state_of(code: &str) -> State {
    State::ALL.into_iter().find(|state| state.code() == code).unwrap_or(State::Sent)
}
