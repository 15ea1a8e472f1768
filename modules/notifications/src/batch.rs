//! What one batch of a delivery decides and records before anything leaves.

use std::collections::{BTreeSet, HashMap, HashSet};

use kabinet_contracts::{PaperRefusals, ResidentId};
use kabinet_core::{DbError, Mail, Money, Period, Timestamp, Tx};

use crate::carriers::{self, Letter, Means, Parcel, Unsubscribing};
use crate::channel::Channel;
use crate::entity::{MessageId, NoticeId, delivery, notice};
use crate::http::Call;
use crate::kind::Kind;
use crate::messages::{Message, State};
use crate::plan::{Addressee, Attempt, Brief, NoticeState, Step, Tried, next_step};
use crate::shortcuts::{self, Shortcut};
use crate::store::notices::Begun;
use crate::store::{messages, notices, people};
use crate::words::{self, Block};

/// Notices of a batch.
const BATCH: u64 = 1000;
/// Seconds after which a notice whose worker died comes up again: longer than its batch can take.
const SET_ASIDE: i64 = 300;
/// What stands in the log beside a channel that the company has not set up, or not any more.
const NOT_SET_UP: &str = "the channel is not set up";

/// A call under way.
#[derive(Clone, Debug)]
pub(crate) struct Going {
    pub(crate) notice: NoticeId,
    pub(crate) channel: Channel,
    /// Which attempt by this channel it is, from 1.
    pub(crate) attempts: i32,
    /// Whether nothing was known of the channel before: then nothing is, if the call is not made.
    pub(crate) is_new: bool,
    /// When the first attempt by this channel began.
    pub(crate) since: Timestamp,
    /// Until when its notice was set aside. Where another moment stands there the notice is another worker's.
    pub(crate) aside: Timestamp,
    pub(crate) call: Call,
}

/// What a batch took.
#[derive(Default)]
pub(crate) struct Taken {
    /// Whether anything was due.
    pub(crate) any: bool,
    pub(crate) calls: Vec<Going>,
}

/// Until when a notice is set aside whose call was recorded at `begun`.
pub(crate) fn aside(begun: Timestamp) -> Timestamp {
    begun.plus_seconds(SET_ASIDE)
}

/// Takes what is due: letters go into the outbox, calls are recorded as attempts and set aside, everything else is
/// put off or ended. `calling` says that calls of another batch are under way, which may give back what they cost.
pub(crate) async fn take(tx: &mut Tx, means: &Means, tools: &crate::Means, calling: bool) -> Result<Taken, DbError> {
    let due = notices::due(tx, BATCH).await?;
    if due.is_empty() {
        return Ok(Taken::default());
    }
    let known = Known::load(tx, tools, &due).await?;
    let mut decided = Decided::new(tx, means, calling).await?;
    for row in &due {
        decide(tx, means, &tools.unsubscribing, &known, &mut decided, row);
    }
    decided.record(tx).await
}

/// What the decisions of a batch are made from.
struct Known {
    messages: HashMap<MessageId, (Message, Vec<Block>)>,
    people: HashMap<ResidentId, Addressee>,
    tried: HashMap<NoticeId, Vec<Tried>>,
    /// Ways in one step of those who are asked for readings.
    shortcuts: HashMap<ResidentId, Vec<Shortcut>>,
    /// Whose receipts all go by letter: of these a letter that says so would be the second.
    by_letter: HashSet<ResidentId>,
}

impl Known {
    async fn load(tx: &Tx, tools: &crate::Means, due: &[notice::Model]) -> Result<Self, DbError> {
        let mut ids: Vec<MessageId> = due.iter().map(|row| row.message_id).collect();
        ids.sort_unstable();
        ids.dedup();
        let found = messages::by_ids(tx, &ids).await?;
        let found: HashMap<MessageId, Message> = found.into_iter().map(|message| (message.id, message)).collect();
        let of_kind = |wanted: &dyn Fn(Kind) -> bool| -> Vec<ResidentId> {
            let wanted = |row: &&notice::Model| found.get(&row.message_id).is_some_and(|it| wanted(it.kind));
            let residents: BTreeSet<_> = due.iter().filter(wanted).map(|row| row.resident_id).collect();
            residents.into_iter().collect()
        };
        let people = people::addressees(tx, &of_kind(&|_| true)).await?;
        let shortcuts = shortcuts::of(tx, &tools.links, &of_kind(&Kind::asks_for_readings)).await?;
        let by_letter = receipts_by_letter(tx, tools, &of_kind(&|kind| kind == Kind::Receipt)).await?;
        let ids: Vec<NoticeId> = due.iter().map(|row| row.id).collect();
        let mut tried: HashMap<NoticeId, Vec<Tried>> = HashMap::new();
        for row in notices::tried(tx, &ids).await? {
            tried.entry(row.notice_id).or_default().extend(tried_of(&row));
        }
        let with_words = |(id, message): (MessageId, Message)| {
            let blocks = words::blocks(&message.body);
            (id, (message, blocks))
        };
        let messages = found.into_iter().map(with_words).collect();
        Ok(Self { messages, people, tried, shortcuts, by_letter })
    }
}

/// Those of `residents` whose every account's receipts go by letter.
async fn receipts_by_letter(
    tx: &Tx,
    tools: &crate::Means,
    residents: &[ResidentId],
) -> Result<HashSet<ResidentId>, DbError> {
    let mut by_letter = HashSet::new();
    for port in tools.ports.of::<dyn PaperRefusals>(tx.tenant()) {
        by_letter.extend(port.by_letter(tx, residents).await?);
    }
    if by_letter.is_empty() {
        return Ok(HashSet::new());
    }
    let held = people::held(tx, residents).await?;
    let other: HashSet<ResidentId> = held.iter().filter(|it| !by_letter.contains(*it)).map(|it| it.0).collect();
    Ok(by_letter.into_iter().map(|it| it.0).filter(|resident| !other.contains(resident)).collect())
}

fn tried_of(row: &delivery::Model) -> Option<Tried> {
    let (channel, attempt) = (Channel::of(&row.channel)?, Attempt::of(&row.state));
    Some(Tried { channel, attempt, attempts: row.attempts, since: row.since() })
}

/// What a batch decided, to be recorded together.
struct Decided {
    now: Timestamp,
    /// Until when calls under way are set aside.
    aside: Timestamp,
    period: Period,
    /// What may still be spent this month, and what this batch spends, kopecks.
    left: Money,
    spent: Money,
    /// Whether calls are under way that may give back what they cost.
    calling: bool,
    mails: Vec<Mail>,
    begun: Vec<Begun>,
    again: HashMap<Channel, Vec<NoticeId>>,
    calls: Vec<Going>,
    /// By channel, and why.
    given_up: HashMap<(Channel, &'static str), Vec<NoticeId>>,
    put_off: HashMap<Timestamp, Vec<NoticeId>>,
    ended: HashMap<&'static str, (NoticeState, Vec<NoticeId>)>,
}

impl Decided {
    async fn new(tx: &Tx, means: &Means, calling: bool) -> Result<Self, DbError> {
        let period = tx.today().period();
        let left = match &means.settings.sms {
            Some(gateway) => gateway.monthly_cap - notices::spent(tx, period).await?,
            None => Money(0),
        };
        Ok(Self {
            now: tx.now(),
            aside: aside(tx.now()),
            period,
            left,
            spent: Money(0),
            calling,
            mails: Vec::new(),
            begun: Vec::new(),
            again: HashMap::new(),
            calls: Vec::new(),
            given_up: HashMap::new(),
            put_off: HashMap::new(),
            ended: HashMap::new(),
        })
    }

    fn end(&mut self, id: NoticeId, state: NoticeState) {
        self.ended.entry(state.code()).or_insert_with(|| (state, Vec::new())).1.push(id);
    }

    /// A notice that needs no delivery: the portal shows it.
    fn pass_over(&mut self, row: &notice::Model, channel: Channel, note: &'static str) {
        let (notice, message, attempt) = (row.id, row.message_id, Attempt::Skipped);
        self.begun.push(Begun { notice, message, channel, attempt, cost: Money(0), note });
        self.end(row.id, NoticeState::Silent);
    }

    /// Reserves what a message costs; false where the month may not cost that much.
    fn reserve(&mut self, cost: Money) -> bool {
        if cost > self.left {
            return false;
        }
        self.left -= cost;
        self.spent += cost;
        true
    }

    async fn record(self, tx: &mut Tx) -> Result<Taken, DbError> {
        tx.send_mails(&self.mails).await?;
        notices::begin(tx, &self.begun).await?;
        for (channel, ids) in &self.again {
            notices::begin_again(tx, *channel, ids).await?;
        }
        for ((channel, why), ids) in &self.given_up {
            notices::record(tx, *channel, ids, Attempt::Failed, why).await?;
            notices::give_back(tx, *channel, ids).await?;
        }
        for (until, ids) in &self.put_off {
            notices::postpone(tx, ids, *until).await?;
        }
        for (state, ids) in self.ended.values() {
            notices::set_state(tx, ids, *state).await?;
        }
        if self.spent > Money(0) {
            notices::spend(tx, self.period, self.spent).await?;
        }
        Ok(Taken { any: true, calls: self.calls })
    }
}

/// Decides on one notice: what cannot be done by one channel is tried by the next.
fn decide(
    tx: &Tx,
    means: &Means,
    unsubscribing: &Unsubscribing,
    known: &Known,
    decided: &mut Decided,
    row: &notice::Model,
) {
    let Some((message, blocks)) = known.messages.get(&row.message_id) else {
        return decided.end(row.id, NoticeState::Stopped);
    };
    let who = known.people.get(&row.resident_id);
    let mut tried = known.tried.get(&row.id).cloned().unwrap_or_default();
    let brief = Brief {
        kind: message.kind,
        channels: message.channels.clone(),
        valid_until: message.valid_until,
        cancelled: message.state == State::Cancelled,
    };
    loop {
        let channel = match next_step(&brief, who, &tried, &means.settings, (tx.now(), tx.tenant().zone)) {
            Step::End(state) => return decided.end(row.id, state),
            Step::Wait(until) => return decided.put_off.entry(until).or_default().push(row.id),
            Step::GiveUp(channel, why) => {
                decided.given_up.entry((channel, why)).or_default().push(row.id);
                close(&mut tried, channel, Attempt::Failed, tx.now());
                continue;
            }
            Step::Try(channel) => channel,
        };
        if channel == Channel::Email && message.kind == Kind::Receipt && known.by_letter.contains(&row.resident_id) {
            return decided.pass_over(row, channel, "the receipt itself goes by letter");
        }
        let to = who.and_then(|who| who.address(channel)).unwrap_or_default();
        let unsubscribe = unsubscribing.token(tx.tenant_id(), row.resident_id, message.kind);
        let (title, link) = (message.title.as_str(), message.link.as_str());
        let shortcuts = known.shortcuts.get(&row.resident_id).filter(|_| message.kind.asks_for_readings());
        let shortcuts = shortcuts.map_or(&[][..], Vec::as_slice);
        let letter =
            Letter { notice: row.id, to: &to, kind: message.kind, title, blocks, link, shortcuts, unsubscribe };
        match begin(means, decided, row, &letter, channel, &tried) {
            Ok(()) => return,
            Err(attempt) => close(&mut tried, channel, attempt, tx.now()),
        }
    }
}

fn close(tried: &mut Vec<Tried>, channel: Channel, attempt: Attempt, now: Timestamp) {
    match tried.iter_mut().find(|tried| tried.channel == channel) {
        Some(known) => known.attempt = attempt,
        None => tried.push(Tried { channel, attempt, attempts: 1, since: now }),
    }
}

/// Begins to deliver by a channel, or puts that off; an error says how the channel ended before it began.
fn begin(
    means: &Means,
    decided: &mut Decided,
    row: &notice::Model,
    letter: &Letter<'_>,
    channel: Channel,
    tried: &[Tried],
) -> Result<(), Attempt> {
    let carrier = carriers::of(channel);
    let before = tried.iter().find(|tried| tried.channel == channel);
    let mut begun =
        Begun { notice: row.id, message: row.message_id, channel, attempt: Attempt::Trying, cost: Money(0), note: "" };
    let parcel = carrier.parcel(means, letter);
    let Ok(parcel) = parcel else {
        if before.is_none() {
            decided.begun.push(Begun { attempt: Attempt::Failed, note: NOT_SET_UP, ..begun });
        } else {
            decided.given_up.entry((channel, NOT_SET_UP)).or_default().push(row.id);
        }
        return Err(Attempt::Failed);
    };
    if before.is_none() {
        begun.cost = carrier.cost(means, letter);
        if begun.cost > Money(0) && !decided.reserve(begun.cost) {
            if decided.calling {
                // Due again when those calls have ended.
                decided.put_off.entry(decided.now).or_default().push(row.id);
                return Ok(());
            }
            let note = "the month's limit of costs is reached";
            decided.begun.push(Begun { attempt: Attempt::Skipped, cost: Money(0), note, ..begun });
            return Err(Attempt::Skipped);
        }
    }
    match parcel {
        Parcel::Outbox(mail) => {
            decided.mails.push(*mail);
            decided.end(row.id, NoticeState::Handed);
            begun.attempt = Attempt::Handed;
        }
        Parcel::Call(call) => {
            let attempts = before.map_or(0, |before| before.attempts) + 1;
            let since = before.map_or(decided.now, |before| before.since);
            let (aside, is_new) = (decided.aside, before.is_none());
            decided.calls.push(Going { notice: row.id, channel, attempts, is_new, since, aside, call });
            decided.put_off.entry(aside).or_default().push(row.id);
        }
    }
    if before.is_none() {
        decided.begun.push(begun);
    } else {
        decided.again.entry(channel).or_default().push(row.id);
    }
    Ok(())
}
