//! Notices and their delivery.

use std::collections::BTreeMap;

use kabinet_contracts::ResidentId;
use kabinet_core::{DbError, Money, Period, Timestamp, Tx};
use sea_orm::sea_query::{Expr, LockBehavior, LockType};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Set, Value};

use crate::channel::Channel;
use crate::entity::{MessageId, NoticeId, channel_spending, delivery, notice};
use crate::plan::{Attempt, NoticeState};

/// What the index of waiting notices holds: said literally, since no database finds it for a parameter.
fn waiting() -> Expr {
    Expr::cust("state = 'waiting'")
}

/// Up to `limit` notices that are due, which no other worker takes until this transaction ends.
pub(crate) async fn due(tx: &Tx, limit: u64) -> Result<Vec<notice::Model>, DbError> {
    let due = notice::Entity::find().filter(waiting()).filter(notice::Column::NextAt.lte(tx.now()));
    let select = due.order_by_asc(notice::Column::NextAt).limit(limit);
    tx.all(select.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)).await
}

/// These notices, which nobody else changes until this transaction ends.
pub(crate) async fn lock(tx: &Tx, notices: &[NoticeId]) -> Result<Vec<notice::Model>, DbError> {
    locked(tx, tx.among(notice::Column::Id, notices.iter().copied())).await
}

/// The notices of these messages that wait, which nobody else changes until this transaction ends.
pub(crate) async fn lock_waiting(tx: &Tx, messages: &[MessageId]) -> Result<Vec<notice::Model>, DbError> {
    locked(tx, tx.among(notice::Column::MessageId, messages.iter().copied()).and(waiting())).await
}

/// A resident's notices that are not at their end, which nobody else changes until this transaction ends.
pub(crate) async fn lock_open(tx: &Tx, resident: ResidentId) -> Result<Vec<notice::Model>, DbError> {
    let open = [NoticeState::Waiting.code(), NoticeState::Handed.code()];
    locked(tx, notice::Column::ResidentId.eq(resident).and(notice::Column::State.is_in(open))).await
}

/// Locked in the order of their identifiers: of two who lock many, neither then waits for what the other holds. Who
/// changes the month's costs as well does so afterwards.
async fn locked(tx: &Tx, which: Expr) -> Result<Vec<notice::Model>, DbError> {
    let select = notice::Entity::find().filter(which).order_by_asc(notice::Column::Id);
    tx.all(select.lock_exclusive()).await
}

/// When the next notice that waits is due.
pub(crate) async fn next_due(tx: &Tx) -> Result<Option<Timestamp>, DbError> {
    let waiting = notice::Entity::find().filter(waiting());
    Ok(tx.one(waiting.order_by_asc(notice::Column::NextAt)).await?.map(|row| row.next_at))
}

/// What was tried for these notices.
pub(crate) async fn tried(tx: &Tx, notices: &[NoticeId]) -> Result<Vec<delivery::Model>, DbError> {
    let mine = tx.among(delivery::Column::NoticeId, notices.iter().copied());
    tx.all(delivery::Entity::find().filter(mine)).await
}

/// Notices that wait until another moment.
pub(crate) async fn postpone(tx: &Tx, notices: &[NoticeId], until: Timestamp) -> Result<(), DbError> {
    change(tx, notices, NoticeState::Waiting, Some(until)).await
}

/// Notices that reached another state.
pub(crate) async fn set_state(tx: &Tx, notices: &[NoticeId], state: NoticeState) -> Result<(), DbError> {
    change(tx, notices, state, None).await
}

async fn change(tx: &Tx, notices: &[NoticeId], state: NoticeState, next_at: Option<Timestamp>) -> Result<(), DbError> {
    use notice::Column;
    if notices.is_empty() {
        return Ok(());
    }
    let mut update = notice::Entity::update_many().col_expr(Column::State, Expr::value(state.code()));
    if let Some(moment) = next_at {
        update = update.col_expr(Column::NextAt, Expr::value(moment));
    }
    // What was stopped meanwhile stays so.
    let open = Column::State.ne(NoticeState::Stopped.code());
    tx.update_where(update.filter(tx.among(Column::Id, notices.iter().copied())).filter(open)).await.map(drop)
}

/// An attempt that begins.
#[derive(Clone, Debug)]
pub(crate) struct Begun {
    pub(crate) notice: NoticeId,
    pub(crate) message: MessageId,
    pub(crate) channel: Channel,
    pub(crate) attempt: Attempt,
    /// Kopecks.
    pub(crate) cost: Money,
    pub(crate) note: &'static str,
}

/// Records first attempts.
pub(crate) async fn begin(tx: &Tx, begun: &[Begun]) -> Result<(), DbError> {
    let row = |one: &Begun| delivery::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        notice_id: Set(one.notice),
        channel: Set(one.channel.code().to_owned()),
        message_id: Set(one.message),
        state: Set(one.attempt.code().to_owned()),
        attempts: Set(1),
        first_at: Set(tx.now()),
        begun_at: Set(tx.now()),
        ended_at: Set((one.attempt == Attempt::Skipped).then(|| tx.now())),
        cost: Set(one.cost),
        note: Set(one.note.to_owned()),
    };
    tx.insert_many(begun.iter().map(row).collect()).await
}

/// Records that channels are tried again.
pub(crate) async fn begin_again(tx: &Tx, channel: Channel, notices: &[NoticeId]) -> Result<(), DbError> {
    use delivery::Column;
    if notices.is_empty() {
        return Ok(());
    }
    let update = delivery::Entity::update_many()
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .col_expr(Column::BegunAt, Expr::value(tx.now()))
        .filter(of(tx, channel, notices));
    tx.update_where(update).await.map(drop)
}

/// The deliveries of these notices by a channel.
fn of(tx: &Tx, channel: Channel, notices: &[NoticeId]) -> Expr {
    use delivery::Column;
    tx.among(Column::NoticeId, notices.iter().copied()).and(Column::Channel.eq(channel.code()))
}

/// Takes back the attempt that was counted last, with a note why where there is one.
pub(crate) async fn uncount(
    tx: &Tx,
    channel: Channel,
    notices: &[NoticeId],
    note: Option<&str>,
) -> Result<(), DbError> {
    use delivery::Column;
    if notices.is_empty() {
        return Ok(());
    }
    let mut update = delivery::Entity::update_many()
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).sub(1))
        .filter(of(tx, channel, notices))
        .filter(Column::State.eq(Attempt::Trying.code()));
    if let Some(note) = note {
        update = update.col_expr(Column::Note, Expr::value(note));
    }
    tx.update_where(update).await.map(drop)
}

/// Takes back first attempts that were recorded and never made, with what they would have cost.
pub(crate) async fn withdraw(tx: &Tx, channel: Channel, notices: &[NoticeId]) -> Result<(), DbError> {
    use delivery::Column;
    if notices.is_empty() {
        return Ok(());
    }
    give_back(tx, channel, notices).await?;
    let first = Column::State.eq(Attempt::Trying.code()).and(Column::Attempts.eq(1));
    tx.delete_where(delivery::Entity::delete_many().filter(of(tx, channel, notices)).filter(first)).await.map(drop)
}

/// Takes back that a channel delivered a notice, so that its end is open again; whether it had.
pub(crate) async fn take_back(tx: &Tx, channel: Channel, notice: NoticeId) -> Result<bool, DbError> {
    use delivery::Column;
    let update = delivery::Entity::update_many()
        .col_expr(Column::State, Expr::value(Attempt::Handed.code()))
        .filter(Column::NoticeId.eq(notice))
        .filter(Column::Channel.eq(channel.code()))
        .filter(Column::State.eq(Attempt::Sent.code()));
    Ok(tx.update_where(update).await? > 0)
}

/// How attempts went: those of `notices` by `channel` that are still open.
pub(crate) async fn record(
    tx: &Tx,
    channel: Channel,
    notices: &[NoticeId],
    attempt: Attempt,
    note: &str,
) -> Result<(), DbError> {
    use delivery::Column;
    if notices.is_empty() {
        return Ok(());
    }
    let ended = (attempt != Attempt::Trying).then(|| tx.now());
    let open = [Attempt::Trying.code(), Attempt::Handed.code()];
    let update = delivery::Entity::update_many()
        .col_expr(Column::State, Expr::value(attempt.code()))
        .col_expr(Column::EndedAt, Expr::value(ended))
        .col_expr(Column::Note, Expr::value(note))
        .filter(of(tx, channel, notices))
        .filter(Column::State.is_in(open));
    tx.update_where(update).await.map(drop)
}

/// What the month cost so far, kopecks; nobody else spends until this transaction ends.
pub(crate) async fn spent(tx: &Tx, period: Period) -> Result<Money, DbError> {
    let first =
        channel_spending::ActiveModel { tenant_id: Set(tx.tenant_id()), period: Set(period), kopecks: Set(Money(0)) };
    tx.insert_if_absent(first).await?;
    let mine = channel_spending::Entity::find().filter(channel_spending::Column::Period.eq(period));
    Ok(tx.one(mine.lock_exclusive()).await?.map_or(Money(0), |row| row.kopecks))
}

/// Adds to what a month cost; a negative sum gives back.
pub(crate) async fn spend(tx: &Tx, period: Period, sum: Money) -> Result<(), DbError> {
    let sql = "UPDATE channel_spending SET kopecks = kopecks + $3 WHERE tenant_id = $1 AND period = $2";
    tx.execute(sql, vec![period.into(), sum.into()]).await.map(drop)
}

/// The month's cost so far, for staff.
pub(crate) async fn spending(tx: &Tx, period: Period) -> Result<Money, DbError> {
    let mine = channel_spending::Entity::find().filter(channel_spending::Column::Period.eq(period));
    Ok(tx.one(mine).await?.map_or(Money(0), |row| row.kopecks))
}

/// Gives back what deliveries that were not made would have cost, to the months that were charged: those of the first
/// attempts, whenever the last one was.
pub(crate) async fn give_back(tx: &Tx, channel: Channel, notices: &[NoticeId]) -> Result<(), DbError> {
    use delivery::Column;
    if notices.is_empty() {
        return Ok(());
    }
    let undelivered = Column::State.is_in([Attempt::Trying.code(), Attempt::Failed.code()]);
    let paid = of(tx, channel, notices).and(undelivered).and(Column::Cost.gt(0));
    let mut by_month: BTreeMap<Period, Money> = BTreeMap::new();
    for row in tx.all(delivery::Entity::find().filter(paid.clone())).await? {
        *by_month.entry(row.since().day(tx.tenant().zone).period()).or_default() += row.cost;
    }
    if by_month.is_empty() {
        return Ok(());
    }
    for (month, cost) in by_month {
        spend(tx, month, -cost).await?;
    }
    let free = delivery::Entity::update_many().col_expr(Column::Cost, Expr::value(0_i64));
    tx.update_where(free.filter(paid)).await.map(drop)
}

/// A notice with its message, as its resident sees it.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct Shown {
    pub(crate) id: NoticeId,
    pub(crate) message_id: MessageId,
    pub(crate) kind: String,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) link: String,
    pub(crate) valid_from: Timestamp,
    pub(crate) read_at: Option<Timestamp>,
}

const SHOWN: &str = "SELECT n.id, n.message_id, m.kind, m.title, m.body, m.link, m.valid_from, n.read_at
   FROM notice n JOIN message m ON m.tenant_id = n.tenant_id AND m.id = n.message_id
   WHERE n.tenant_id = $1 AND n.resident_id = $2 AND m.state <> 'cancelled' AND m.valid_from <= $3
     AND (m.valid_until IS NULL OR m.valid_until > $3)";

/// A resident's notices that hold now, the newest first, behind `after`.
pub(crate) async fn of_resident(
    tx: &Tx,
    resident: ResidentId,
    after: Option<MessageId>,
    limit: i64,
) -> Result<Vec<Shown>, DbError> {
    const BEHIND: &str = "AND (m.valid_from, m.id) <
        (SELECT l.valid_from, l.id FROM message l WHERE l.tenant_id = $1 AND l.id = $5)";
    let behind = after.map_or("", |_| BEHIND);
    let sql = format!("{SHOWN} {behind} ORDER BY m.valid_from DESC, m.id DESC LIMIT $4");
    let mut values: Vec<Value> = vec![resident.into(), tx.now().into(), limit.into()];
    values.extend(after.map(Value::from));
    tx.rows(&sql, values).await
}

/// A resident's notice that holds now.
pub(crate) async fn one_of_resident(
    tx: &Tx,
    resident: ResidentId,
    message: MessageId,
) -> Result<Option<Shown>, DbError> {
    let sql = format!("{SHOWN} AND n.message_id = $4");
    let rows: Vec<Shown> = tx.rows(&sql, vec![resident.into(), tx.now().into(), message.into()]).await?;
    Ok(rows.into_iter().next())
}

/// How many notices that hold now the resident has not read.
pub(crate) async fn unread(tx: &Tx, resident: ResidentId) -> Result<u64, DbError> {
    #[derive(FromQueryResult)]
    struct Count {
        number: i64,
    }
    let sql = "SELECT COUNT(*) AS number FROM notice n
               JOIN message m ON m.tenant_id = n.tenant_id AND m.id = n.message_id
               WHERE n.tenant_id = $1 AND n.resident_id = $2 AND n.read_at IS NULL AND m.state <> 'cancelled'
                 AND m.valid_from <= $3 AND (m.valid_until IS NULL OR m.valid_until > $3)";
    let rows: Vec<Count> = tx.rows(sql, vec![resident.into(), tx.now().into()]).await?;
    Ok(rows.first().map_or(0, |row| row.number.unsigned_abs()))
}

/// Marks notices of a resident as read; how many were not.
pub(crate) async fn mark_read(tx: &Tx, resident: ResidentId, message: Option<MessageId>) -> Result<u64, DbError> {
    use notice::Column;
    let mine = Column::ResidentId.eq(resident).and(Column::ReadAt.is_null());
    let mut update = notice::Entity::update_many().col_expr(Column::ReadAt, Expr::value(tx.now())).filter(mine);
    if let Some(message) = message {
        update = update.filter(Column::MessageId.eq(message));
    }
    tx.update_where(update).await
}

/// All notices of a resident, for the export.
pub(crate) async fn everything(tx: &Tx, resident: ResidentId) -> Result<Vec<Shown>, DbError> {
    let sql = "SELECT n.id, n.message_id, m.kind, m.title, m.body, m.link, m.valid_from, n.read_at
               FROM notice n JOIN message m ON m.tenant_id = n.tenant_id AND m.id = n.message_id
               WHERE n.tenant_id = $1 AND n.resident_id = $2 ORDER BY n.message_id";
    tx.rows(sql, vec![resident.into()]).await
}

pub(crate) async fn find(tx: &Tx, id: NoticeId) -> Result<Option<notice::Model>, DbError> {
    tx.one(notice::Entity::find().filter(notice::Column::Id.eq(id)).lock_exclusive()).await
}

/// A delivery in the log, with whom it is for.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct Logged {
    pub(crate) notice_id: NoticeId,
    pub(crate) resident_id: ResidentId,
    pub(crate) channel: String,
    pub(crate) state: String,
    pub(crate) attempts: i32,
    pub(crate) begun_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) cost: Money,
    pub(crate) note: String,
}

/// The deliveries of a message in a stable order, behind `after`.
pub(crate) async fn log(
    tx: &Tx,
    message: MessageId,
    after: Option<(NoticeId, String)>,
    limit: i64,
) -> Result<Vec<Logged>, DbError> {
    let behind = if after.is_some() { "AND (d.notice_id > $4 OR (d.notice_id = $4 AND d.channel > $5))" } else { "" };
    let sql = format!(
        "SELECT d.notice_id, n.resident_id, d.channel, d.state, d.attempts, d.begun_at, d.ended_at, d.cost, d.note
         FROM delivery d JOIN notice n ON n.tenant_id = d.tenant_id AND n.id = d.notice_id
         WHERE d.tenant_id = $1 AND d.message_id = $2 {behind} ORDER BY d.notice_id, d.channel LIMIT $3"
    );
    let mut values: Vec<Value> = vec![message.into(), limit.into()];
    if let Some((notice, channel)) = after {
        values.extend([notice.into(), channel.into()]);
    }
    tx.rows(&sql, values).await
}
