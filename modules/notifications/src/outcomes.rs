//! What came of calls, recorded together: notices of one end go in one statement. Also the end of what is stopped.

use std::collections::HashMap;

use kabinet_core::{DbError, Timestamp, Tx};

use crate::batch::{self, Going};
use crate::carriers::Outcome;
use crate::channel::Channel;
use crate::entity::{NoticeId, notice};
use crate::plan::{Attempt, NoticeState, STOPPED, is_patient, retry_at};
use crate::store::notices;

/// The longest wait that another side may ask for, seconds.
const LONGEST_WAIT: i64 = 3600;
/// Notices that are stopped by one statement.
const STOPPED_AT_ONCE: usize = 1000;
/// What stands in the log while a channel asks to wait, and once it did so for too long.
const ASKED_TO_WAIT: &str = "asked to wait";
const ASKED_FOR_LONG: &str = "asked to wait for more than a day";

/// Notices of one channel by what comes of them.
#[derive(Default)]
struct Ends {
    sent: HashMap<Channel, Vec<NoticeId>>,
    failed: HashMap<(Channel, String), Vec<NoticeId>>,
    /// To be tried again, with why and when.
    again: HashMap<(Channel, String, Timestamp), Vec<NoticeId>>,
    /// Asked to wait until a moment.
    early: HashMap<(Channel, Timestamp), Vec<NoticeId>>,
    /// Not made, and due again at a moment; apart, those of which the channel knows nothing yet.
    unmade: HashMap<(Channel, bool, Timestamp), Vec<NoticeId>>,
}

impl Ends {
    /// What comes of calls whose notices stand like this. One that is set aside until another moment is left out, as is
    /// one that has its end: another worker has it, or a transaction whose commit was not heard of has recorded it.
    fn of(now: Timestamp, notices: &[notice::Model], ended: &[(Going, Outcome)]) -> Self {
        let notices: HashMap<NoticeId, &notice::Model> = notices.iter().map(|row| (row.id, row)).collect();
        let mut ends = Self::default();
        for (going, outcome) in ended {
            let mine = notices.get(&going.notice).filter(|row| row.next_at == going.aside);
            let Some(row) = mine else { continue };
            if row.state == NoticeState::Waiting.code() {
                ends.add(now, going, outcome);
            } else if row.state == NoticeState::Stopped.code() {
                ends.add_stopped(going, outcome);
            }
        }
        ends
    }

    /// A call that was under way when its notice was stopped: it has reached the person, or goes no further.
    fn add_stopped(&mut self, going: &Going, outcome: &Outcome) {
        let notices = match outcome {
            Outcome::Sent => self.sent.entry(going.channel).or_default(),
            Outcome::Failed(why) => self.failed.entry((going.channel, why.clone())).or_default(),
            Outcome::Retry(..) | Outcome::Later(_) | Outcome::Unmade(_) => {
                self.failed.entry((going.channel, STOPPED.to_owned())).or_default()
            }
        };
        notices.push(going.notice);
    }

    fn add(&mut self, now: Timestamp, going: &Going, outcome: &Outcome) {
        let (channel, notice) = (going.channel, going.notice);
        let after = |wait: i64, least: i64| now.plus_seconds(wait.clamp(least, LONGEST_WAIT));
        match outcome {
            Outcome::Sent => self.sent.entry(channel).or_default().push(notice),
            Outcome::Failed(why) => self.failed.entry((channel, why.clone())).or_default().push(notice),
            Outcome::Retry(why, wait) => self.retry(now, going, why, after(wait.unwrap_or_default(), 0)),
            Outcome::Later(wait) if is_patient(now, going.since) => {
                self.early.entry((channel, after(*wait, 1))).or_default().push(notice);
            }
            Outcome::Later(wait) => self.retry(now, going, ASKED_FOR_LONG, after(*wait, 1)),
            Outcome::Unmade(wait) => {
                self.unmade.entry((channel, going.is_new, after(*wait, 0))).or_default().push(notice);
            }
        }
    }

    /// An attempt failed: there is another one, not before `earliest`, or it was the last.
    fn retry(&mut self, now: Timestamp, going: &Going, why: &str, earliest: Timestamp) {
        let why = why.to_owned();
        let notices = match retry_at(now, going.attempts) {
            Some(at) => self.again.entry((going.channel, why, at.max(earliest))).or_default(),
            None => self.failed.entry((going.channel, why)).or_default(),
        };
        notices.push(going.notice);
    }
}

/// Records what came of calls.
pub(crate) async fn record(tx: &Tx, ended: &[(Going, Outcome)]) -> Result<(), DbError> {
    if ended.is_empty() {
        return Ok(());
    }
    let ids: Vec<NoticeId> = ended.iter().map(|(going, _)| going.notice).collect();
    let ends = Ends::of(tx.now(), &notices::lock(tx, &ids).await?, ended);
    for (channel, ids) in &ends.sent {
        notices::record(tx, *channel, ids, Attempt::Sent, "").await?;
        notices::set_state(tx, ids, NoticeState::Sent).await?;
    }
    for ((channel, why), ids) in &ends.failed {
        fail(tx, *channel, ids, why).await?;
    }
    for ((channel, why, at), ids) in &ends.again {
        notices::record(tx, *channel, ids, Attempt::Trying, why).await?;
        notices::postpone(tx, ids, *at).await?;
    }
    for ((channel, at), ids) in &ends.early {
        notices::uncount(tx, *channel, ids, Some(ASKED_TO_WAIT)).await?;
        notices::postpone(tx, ids, *at).await?;
    }
    for ((channel, is_new, at), ids) in &ends.unmade {
        if *is_new {
            notices::withdraw(tx, *channel, ids).await?;
        } else {
            notices::uncount(tx, *channel, ids, None).await?;
        }
        notices::postpone(tx, ids, *at).await?;
    }
    Ok(())
}

/// A channel failed for good: the notices are due again, for the next one.
pub(crate) async fn fail(tx: &Tx, channel: Channel, ids: &[NoticeId], why: &str) -> Result<(), DbError> {
    notices::record(tx, channel, ids, Attempt::Failed, why).await?;
    notices::give_back(tx, channel, ids).await?;
    notices::postpone(tx, ids, tx.now()).await
}

/// Stops notices that are locked: they are not delivered. What a channel was to be tried for again has failed; a call
/// that is under way is recorded when it ends, since it may reach the person and cost something.
pub(crate) async fn stop(tx: &Tx, open: &[notice::Model]) -> Result<(), DbError> {
    for part in open.chunks(STOPPED_AT_ONCE) {
        let ids: Vec<NoticeId> = part.iter().map(|row| row.id).collect();
        let aside: HashMap<NoticeId, Timestamp> = part.iter().map(|row| (row.id, row.next_at)).collect();
        let mut to_be_repeated: HashMap<Channel, Vec<NoticeId>> = HashMap::new();
        for row in notices::tried(tx, &ids).await?.iter().filter(|row| row.state == Attempt::Trying.code()) {
            let under_way = aside.get(&row.notice_id) == Some(&batch::aside(row.begun_at));
            if let Some(channel) = Channel::of(&row.channel).filter(|_| !under_way) {
                to_be_repeated.entry(channel).or_default().push(row.notice_id);
            }
        }
        for (channel, ids) in &to_be_repeated {
            notices::record(tx, *channel, ids, Attempt::Failed, STOPPED).await?;
            notices::give_back(tx, *channel, ids).await?;
        }
        notices::set_state(tx, &ids, NoticeState::Stopped).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use kabinet_contracts::ResidentId;
    use kabinet_core::TenantId;
    use uuid::Uuid;

    use super::*;
    use crate::entity::MessageId;
    use crate::http::Call;
    use crate::plan::{MOST_ATTEMPTS, PATIENCE};

    const NOW: Timestamp = Timestamp(1_795_350_000_000);

    fn going(attempts: i32, seconds_ago: i64, is_new: bool) -> Going {
        let call = Call { url: String::new(), body: None, authorization: String::new() };
        let (notice, since) = (NoticeId(Uuid::from_u128(7)), NOW.plus_seconds(-seconds_ago));
        Going { notice, channel: Channel::Sms, attempts, is_new, since, aside: batch::aside(NOW), call }
    }

    /// The notice of that call, set aside until a moment.
    fn aside(state: NoticeState, next_at: Timestamp) -> notice::Model {
        notice::Model {
            tenant_id: TenantId(Uuid::nil()),
            id: NoticeId(Uuid::from_u128(7)),
            message_id: MessageId(Uuid::nil()),
            resident_id: ResidentId(Uuid::nil()),
            state: state.code().to_owned(),
            next_at,
            read_at: None,
        }
    }

    /// What becomes of a call: of which end its notice is, why, and seconds until it is due again.
    fn end(going: Going, outcome: Outcome) -> (&'static str, String, i64) {
        let row = aside(NoticeState::Waiting, batch::aside(NOW));
        let all = all_ends(row, going, outcome);
        assert_eq!(all.len(), 1, "a call has one end: {all:?}");
        all.into_iter().next().expect("one end")
    }

    /// What becomes of a call whose notice stands like this by then; nothing where it is not recorded.
    fn all_ends(row: notice::Model, going: Going, outcome: Outcome) -> Vec<(&'static str, String, i64)> {
        let ends = Ends::of(NOW, &[row], &[(going, outcome)]);
        let seconds = |at: &Timestamp| (at.0 - NOW.0) / 1000;
        let again = ends.again.keys().map(|(_, why, at)| ("again", why.clone(), seconds(at)));
        let failed = ends.failed.keys().map(|(_, why)| ("failed", why.clone(), 0));
        let early = ends.early.keys().map(|(_, at)| ("early", String::new(), seconds(at)));
        let unmade = ends.unmade.keys().map(|(_, is_new, at)| ("unmade", is_new.to_string(), seconds(at)));
        let sent = ends.sent.keys().map(|_| ("sent", String::new(), 0));
        again.chain(failed).chain(early).chain(unmade).chain(sent).collect()
    }

    /// All that may come of a call.
    fn outcomes() -> [Outcome; 5] {
        let why = || "status 503".to_owned();
        [Outcome::Sent, Outcome::Failed(why()), Outcome::Retry(why(), None), Outcome::Later(1), Outcome::Unmade(0)]
    }

    #[test]
    fn what_another_worker_has_or_was_recorded_before_is_left_alone() {
        let (mine, others) = (batch::aside(NOW), batch::aside(NOW.plus_seconds(301)));
        let stands = [
            (NoticeState::Waiting, others),
            (NoticeState::Waiting, NOW),
            (NoticeState::Handed, mine),
            (NoticeState::Sent, mine),
            (NoticeState::Failed, mine),
            (NoticeState::Stopped, others),
        ];
        for (state, until) in stands {
            for outcome in outcomes() {
                let ends = all_ends(aside(state, until), going(1, 0, true), outcome);
                assert!(ends.is_empty(), "{state:?}: {ends:?}");
            }
        }
        for outcome in outcomes() {
            assert_eq!(all_ends(aside(NoticeState::Waiting, mine), going(1, 0, true), outcome).len(), 1);
        }
    }

    #[test]
    fn a_call_under_way_when_its_notice_was_stopped_is_the_last_one() {
        let row = || aside(NoticeState::Stopped, batch::aside(NOW));
        let ends: Vec<_> =
            outcomes().into_iter().flat_map(|outcome| all_ends(row(), going(1, 0, true), outcome)).collect();
        let failed = |why: &str| ("failed", why.to_owned(), 0);
        let sent = ("sent", String::new(), 0);
        assert_eq!(ends, [sent, failed("status 503"), failed(STOPPED), failed(STOPPED), failed(STOPPED)]);
    }

    #[test]
    fn who_asks_to_wait_for_more_than_a_day_fails_as_others_do() {
        let asked = |attempts: i32, seconds_ago: i64| end(going(attempts, seconds_ago, false), Outcome::Later(7));
        assert_eq!(asked(1, PATIENCE - 1), ("early", String::new(), 7));
        let why = ASKED_FOR_LONG.to_owned();
        assert_eq!(asked(1, PATIENCE), ("again", why.clone(), 60));
        assert_eq!(asked(MOST_ATTEMPTS, PATIENCE), ("failed", why, 0));
    }

    #[test]
    fn the_longest_wait_that_is_asked_for_is_an_hour() {
        let hour = LONGEST_WAIT;
        assert_eq!(end(going(1, 0, true), Outcome::Later(1_000_000)), ("early", String::new(), hour));
        assert_eq!(end(going(1, 0, true), Outcome::Later(-5)), ("early", String::new(), 1));
        let retry = |wait: i64| end(going(1, 0, true), Outcome::Retry("status 503".to_owned(), Some(wait))).2;
        assert_eq!((retry(1_000_000), retry(3)), (hour, 60), "no sooner than after the usual pause");
    }

    #[test]
    fn a_call_that_was_not_made_is_due_again_at_once() {
        for is_new in [true, false] {
            assert_eq!(end(going(1, 0, is_new), Outcome::Unmade(0)), ("unmade", is_new.to_string(), 0));
        }
    }
}
