//! Delivery: notices that are due go out in batches.
//!
//! An attempt is recorded before it is made, in a transaction that also sets the notice aside for a while; what
//! came of it is recorded after. A worker that dies between the two leaves a notice that comes up again, under
//! the same identifier: a gateway that takes an idempotency key delivers it once, one that does not may deliver
//! it twice, and never not at all. Letters are written into the outbox by the transaction that records them.

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
use crate::plan::{Attempt, NoticeState, retry_at};
use crate::settings::{MODULE, NotificationsSettings, token_field};
use crate::store::notices;

/// The kind of the job.
const KIND: &str = "deliver";
/// How late the calls of a batch may be made: those that would wait longer for their turn are not made, so that a
/// batch ends before its notices come up again.
const LATEST: Duration = Duration::from_secs(120);
/// The longest wait that another side may ask for, seconds.
const LONGEST_WAIT: i64 = 3600;
/// Calls under way at a time.
const AT_ONCE: usize = 16;
/// Batches of one job: other companies have their turn in between.
const BATCHES: usize = 50;

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
        for _ in 0..BATCHES {
            if !self.batch(&context).await? {
                break;
            }
        }
        let mut tx = context.begin().await?;
        if let Some(next) = notices::next_due(&tx).await? {
            enqueue(&mut tx, next).await?;
        }
        Ok(tx.commit().await?)
    }
}

impl Deliver {
    /// Takes what is due, sends it and records what came of it; whether there was anything.
    async fn batch(&self, context: &JobContext) -> Result<bool, DbError> {
        let mut tx = context.begin().await?;
        let means = means(&tx).await?;
        let taken = batch::take(&mut tx, &means, &self.means).await?;
        tx.commit().await?;
        if taken.calls.is_empty() {
            return Ok(taken.any);
        }
        let latest = Instant::now() + LATEST;
        let ended: Vec<(Going, Outcome)> = futures_util::stream::iter(taken.calls)
            .map(|going| self.call(context.tenant.id, &means, going, latest))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let mut tx = context.begin().await?;
        record(&mut tx, &ended).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn call(&self, tenant: TenantId, means: &Means, going: Going, latest: Instant) -> (Going, Outcome) {
        let outcome = self.means.gateways.call(tenant, means, (going.channel, &going.call), latest).await;
        (going, outcome)
    }
}

/// Records what came of the calls of a batch: notices of one end go in one statement.
async fn record(tx: &mut Tx, ended: &[(Going, Outcome)]) -> Result<(), DbError> {
    let mut sent: HashMap<Channel, Vec<NoticeId>> = HashMap::new();
    let mut failed: HashMap<(Channel, String), Vec<NoticeId>> = HashMap::new();
    let mut again: HashMap<(Channel, String, Timestamp), Vec<NoticeId>> = HashMap::new();
    let mut early: HashMap<(Channel, i64), Vec<NoticeId>> = HashMap::new();
    for (going, outcome) in ended {
        match outcome {
            Outcome::Sent => sent.entry(going.channel).or_default().push(going.notice),
            Outcome::Failed(why) => failed.entry((going.channel, why.clone())).or_default().push(going.notice),
            Outcome::Retry(why, wait) => match retry_at(tx.now(), going.attempts) {
                Some(at) => {
                    let at = at.max(tx.now().plus_seconds(wait.unwrap_or_default().clamp(0, LONGEST_WAIT)));
                    again.entry((going.channel, why.clone(), at)).or_default().push(going.notice);
                }
                None => failed.entry((going.channel, why.clone())).or_default().push(going.notice),
            },
            Outcome::Later(wait) => early.entry((going.channel, *wait)).or_default().push(going.notice),
        }
    }
    for (channel, ids) in &sent {
        notices::record(tx, *channel, ids, Attempt::Sent, "").await?;
        notices::set_state(tx, ids, NoticeState::Sent).await?;
    }
    for ((channel, why), ids) in &failed {
        fail(tx, *channel, ids, why).await?;
    }
    for ((channel, why, at), ids) in &again {
        notices::record(tx, *channel, ids, Attempt::Trying, why).await?;
        notices::postpone(tx, ids, *at).await?;
    }
    for ((channel, wait), ids) in &early {
        notices::uncount(tx, *channel, ids, "asked to wait").await?;
        notices::postpone(tx, ids, tx.now().plus_seconds((*wait).clamp(1, LONGEST_WAIT))).await?;
    }
    Ok(())
}

/// A channel failed for good: the notices wait for the next one.
pub(crate) async fn fail(tx: &mut Tx, channel: Channel, ids: &[NoticeId], why: &str) -> Result<(), DbError> {
    notices::record(tx, channel, ids, Attempt::Failed, why).await?;
    notices::give_back(tx, channel, ids).await?;
    notices::postpone(tx, ids, tx.now()).await?;
    enqueue(tx, tx.now()).await
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
        Some(why) => fail(tx, Channel::Email, &[id], why).await,
    }
}
