//! Delivery: notices that are due go out in batches.
//!
//! An attempt is recorded before it is made, in a transaction that also sets the notice aside for a while; what
//! came of it is recorded after. A worker that dies between the two leaves a notice that comes up again, under
//! the same identifier: a gateway that takes an idempotency key delivers it once, one that does not may deliver
//! it twice, and never not at all. Letters are written into the outbox by the transaction that records them.
//!
//! While the calls of a batch are made, one transaction records what came of the batch before it and takes the one
//! behind it, so that neither the other side nor the database waits for the other. What was taken ahead and cannot
//! begin at once goes back as if it had never been taken: it is decided anew, by what holds then.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use kabinet_core::jobs::{JobContext, JobError, JobHandler, NewJob};
use kabinet_core::{DbError, TenantId, Timestamp, Tx};
use tokio::time::Instant;

use crate::batch::{self, Going};
use crate::carriers::{Means, Outcome};
use crate::channel::Channel;
use crate::entity::NoticeId;
use crate::outcomes;
use crate::plan::{Attempt, NoticeState};
use crate::settings::{MODULE, NotificationsSettings, token_field};
use crate::store::notices;

/// The kind of the job.
const KIND: &str = "deliver";
/// How late the calls of a batch may be made: those that would wait longer for their turn are not made, so that a
/// batch ends before its notices come up again.
const LATEST: Duration = Duration::from_secs(120);
/// How long a batch that was taken ahead may wait before it begins. Where the calls of the batch before took longer,
/// none is taken ahead.
const AHEAD: Duration = Duration::from_secs(5);
/// Calls under way at a time.
const AT_ONCE: usize = 16;
/// Rounds of one job: other companies have their turn in between.
const ROUNDS: usize = 50;

/// Queues the job that delivers what is due at `moment`; at most one a second waits.
pub(crate) async fn enqueue(tx: &mut Tx, moment: Timestamp) -> Result<(), DbError> {
    let job = NewJob::new(MODULE, KIND, serde_json::Value::Null);
    if moment <= tx.now() {
        return tx.enqueue(job.once(format!("{MODULE}.{KIND}"))).await;
    }
    let second = moment.0.div_euclid(1000) + 1;
    tx.enqueue(job.once(format!("{MODULE}.{KIND}:{second}")).at(Timestamp(second * 1000))).await
}

/// What the company set up for its channels.
pub(crate) async fn means(tx: &Tx) -> Result<Means, DbError> {
    let settings = NotificationsSettings::of(tx.tenant())?;
    let mut tokens = HashMap::new();
    for channel in [Channel::Sms, Channel::Max, Channel::Telegram] {
        if settings.has(channel)
            && let Some(token) = tx.secret(&token_field(channel)).await?
        {
            tokens.insert(channel, String::from_utf8_lossy(&token).into_owned());
        }
    }
    Ok(Means { settings, tokens })
}

/// Delivers what is due.
pub(crate) struct Deliver {
    pub(crate) means: crate::Means,
}

#[async_trait]
impl JobHandler for Deliver {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn waits_for_others(&self) -> bool {
        true
    }

    async fn run(&self, context: JobContext, _: serde_json::Value) -> Result<(), JobError> {
        let mut underway = Underway::default();
        let rounds = self.rounds(&context, &mut underway).await;
        let mut tx = context.begin().await?;
        outcomes::record(&tx, &underway.left()).await?;
        if rounds.is_ok()
            && let Some(next) = notices::next_due(&tx).await?
        {
            enqueue(&mut tx, next).await?;
        }
        tx.commit().await?;
        Ok(rounds?)
    }
}

/// A batch whose attempts are recorded, and not begun.
struct Ready {
    /// What the company set up when it was taken.
    means: Means,
    calls: Vec<Going>,
    /// When it was taken.
    since: Instant,
}

/// What lies between two rounds of a delivery.
#[derive(Default)]
struct Underway {
    /// The batch that was taken ahead; none where nothing was due.
    ready: Option<Ready>,
    /// What came of calls and is not recorded yet.
    ended: Vec<(Going, Outcome)>,
}

impl Underway {
    /// The batch that begins now; one that has waited for too long goes back.
    fn begin(&mut self, now: Instant) -> Option<Ready> {
        let ready = self.ready.take()?;
        if now <= ready.since + AHEAD {
            return Some(ready);
        }
        self.ended.extend(not_made(ready));
        None
    }

    /// All that is to be recorded where no round follows: what was taken ahead goes back.
    fn left(self) -> Vec<(Going, Outcome)> {
        let back = self.ready.map(not_made).unwrap_or_default();
        self.ended.into_iter().chain(back).collect()
    }
}

/// The calls of a batch that does not begin: they are due again at once.
fn not_made(ready: Ready) -> Vec<(Going, Outcome)> {
    ready.calls.into_iter().map(|going| (going, Outcome::Unmade(0))).collect()
}

impl Deliver {
    /// Delivers until nothing is due, nothing more is to be sent for this company, or others are to have their turn.
    /// What is still under way then, or when the database failed, is left in `underway`.
    async fn rounds(&self, context: &JobContext, underway: &mut Underway) -> Result<(), DbError> {
        let mut quick = false;
        for round in 1..=ROUNDS {
            let Some(context) = context.renewed().await? else { return Ok(()) };
            let ready = underway.begin(Instant::now());
            let calling = ready.as_ref().is_some_and(|ready| !ready.calls.is_empty());
            let more = round < ROUNDS && (quick || !calling);
            let begun = Instant::now();
            let calls = self.make(context.tenant.id, ready);
            let (made, next) = tokio::join!(calls, self.turn(&context, &mut underway.ended, more, calling));
            if calling {
                quick = begun.elapsed() < AHEAD;
            }
            underway.ended.extend(made);
            underway.ready = next?;
            if underway.ended.is_empty() && underway.ready.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Records what came of calls and, where `more` is wanted, takes what is due: one transaction. `calling` says that
    /// the calls of another batch are made meanwhile.
    async fn turn(
        &self,
        context: &JobContext,
        ended: &mut Vec<(Going, Outcome)>,
        more: bool,
        calling: bool,
    ) -> Result<Option<Ready>, DbError> {
        if ended.is_empty() && !more {
            return Ok(None);
        }
        let mut tx = context.begin().await?;
        outcomes::record(&tx, ended).await?;
        let taken = if more { self.take(&mut tx, calling).await? } else { None };
        tx.commit().await?;
        ended.clear();
        Ok(taken.map(|(means, calls)| Ready { means, calls, since: Instant::now() }))
    }

    /// Takes what is due, with what the company set up; none where nothing is.
    async fn take(&self, tx: &mut Tx, calling: bool) -> Result<Option<(Means, Vec<Going>)>, DbError> {
        let means = means(tx).await?;
        let taken = batch::take(tx, &means, &self.means, calling).await?;
        Ok(taken.any.then_some((means, taken.calls)))
    }

    /// Makes the calls of a batch.
    async fn make(&self, tenant: TenantId, ready: Option<Ready>) -> Vec<(Going, Outcome)> {
        let Some(Ready { means, calls, .. }) = ready else { return Vec::new() };
        let latest = Instant::now() + LATEST;
        let calls = calls.into_iter().map(|going| self.call(tenant, &means, going, latest));
        futures_util::stream::iter(calls).buffer_unordered(AT_ONCE).collect().await
    }

    async fn call(&self, tenant: TenantId, means: &Means, going: Going, latest: Instant) -> (Going, Outcome) {
        let outcome = self.means.gateways.call(tenant, means, (going.channel, &going.call), latest).await;
        (going, outcome)
    }
}

/// A letter that was handed over came to its end. One that a mail server took may come back days later: then the
/// channel failed after all.
pub(crate) async fn letter_ended(tx: &mut Tx, id: NoticeId, failure: Option<&str>) -> Result<(), DbError> {
    let Some(row) = notices::find(tx, id).await? else { return Ok(()) };
    let came_back = failure.is_some() && row.state == NoticeState::Sent.code();
    let open = if came_back {
        notices::take_back(tx, Channel::Email, id).await?
    } else {
        row.state == NoticeState::Handed.code()
    };
    if !open {
        return Ok(());
    }
    match failure {
        None => {
            notices::record(tx, Channel::Email, &[id], Attempt::Sent, "").await?;
            notices::set_state(tx, &[id], NoticeState::Sent).await
        }
        Some(why) => {
            outcomes::fail(tx, Channel::Email, &[id], why).await?;
            enqueue(tx, tx.now()).await
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::http::Call;

    fn taken(since: Instant) -> Underway {
        let call = Call { url: String::new(), body: None, authorization: String::new() };
        let (notice, now) = (NoticeId(Uuid::from_u128(7)), Timestamp(1_795_350_000_000));
        let going = Going {
            notice,
            channel: Channel::Sms,
            attempts: 1,
            is_new: true,
            since: now,
            aside: batch::aside(now),
            call,
        };
        let ready = Ready { means: Means::default(), calls: vec![going], since };
        Underway { ready: Some(ready), ended: Vec::new() }
    }

    #[test]
    fn a_batch_that_waited_for_too_long_goes_back_unmade() {
        let since = Instant::now();
        let mut underway = taken(since);
        assert!(underway.begin(since + AHEAD).is_some_and(|ready| ready.calls.len() == 1));
        assert!(underway.left().is_empty(), "it began");

        let mut underway = taken(since);
        assert!(underway.begin(since + AHEAD + Duration::from_millis(1)).is_none());
        let outcomes: Vec<Outcome> = underway.left().into_iter().map(|(_, outcome)| outcome).collect();
        assert_eq!(outcomes, [Outcome::Unmade(0)]);
    }

    #[test]
    fn what_was_taken_ahead_goes_back_when_no_round_follows() {
        let outcomes: Vec<Outcome> = taken(Instant::now()).left().into_iter().map(|(_, outcome)| outcome).collect();
        assert_eq!(outcomes, [Outcome::Unmade(0)]);
    }
}
