//! Calls to gateways and messengers at the pace that they take, and what came of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kabinet_core::TenantId;
use kabinet_core::jobs::{JobContext, JobError};
use tokio::time::Instant;

use crate::carriers::{self, Means, Outcome};
use crate::channel::Channel;
use crate::http::{Call, Http};

/// How late the call of a job may be made: one that would wait longer for its turn comes up again.
const LATEST: Duration = Duration::from_secs(10);

/// What calls gateways for all companies of this server. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Gateways {
    http: Http,
    pace: Pace,
}

impl Gateways {
    pub(crate) fn new(http: Http) -> Self {
        Self { http, pace: Pace::default() }
    }

    /// Makes a company's call when its turn comes. One whose turn comes later than `latest` is not made: it may be
    /// made after as long as that.
    pub(crate) async fn call(
        &self,
        tenant: TenantId,
        means: &Means,
        (channel, call): (Channel, &Call),
        latest: Instant,
    ) -> Outcome {
        let carrier = carriers::of(channel);
        match self.pace.turn((tenant, channel), carrier.per_second(means), Instant::now(), latest) {
            Ok(turn) => tokio::time::sleep_until(turn).await,
            Err(wait) => return Outcome::Unmade(seconds(wait)),
        }
        match self.http.send(call).await {
            Ok(answer) => carrier.judge(means, &answer),
            Err(why) => Outcome::Retry(why, None),
        }
    }

    /// Makes a call that is a job of its own; an error says how the job goes on.
    pub(crate) async fn call_as_job(
        &self,
        context: &JobContext,
        means: &Means,
        (channel, call): (Channel, &Call),
    ) -> Result<(), JobError> {
        let said = |why: String| format!("{}: {why}", channel.code());
        match self.call(context.tenant.id, means, (channel, call), Instant::now() + LATEST).await {
            Outcome::Sent => Ok(()),
            Outcome::Retry(why, _) => Err(JobError::Retry(said(why))),
            Outcome::Later(_) | Outcome::Unmade(_) => Err(JobError::Postpone(said("asked to wait".to_owned()))),
            Outcome::Failed(why) => Err(JobError::Fail(said(why))),
        }
    }
}

fn seconds(wait: Duration) -> i64 {
    i64::try_from(wait.as_secs()).unwrap_or(i64::MAX).saturating_add(1)
}

/// When each company's next call may be made: its bots and contracts are its own, and so are their limits.
#[derive(Clone, Debug, Default)]
struct Pace(Arc<Mutex<HashMap<(TenantId, Channel), Instant>>>);

impl Pace {
    /// Takes the next turn, a second's share behind the one before it, or now, as is every turn without a rate; when
    /// that is after `latest` no turn is taken, and the error says how far off it is.
    fn turn(
        &self,
        whose: (TenantId, Channel),
        rate: Option<u32>,
        now: Instant,
        latest: Instant,
    ) -> Result<Instant, Duration> {
        let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = next.get(&whose).filter(|_| rate.is_some()).map_or(now, |next| now.max(*next));
        if turn > latest {
            return Err(turn - now);
        }
        if let Some(rate) = rate {
            next.insert(whose, turn + Duration::from_secs(1) / rate.max(1));
        }
        Ok(turn)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ONE: (TenantId, Channel) = (TenantId(Uuid::from_u128(1)), Channel::Max);

    #[test]
    fn calls_at_once_are_spread_over_the_second() {
        let (pace, now) = (Pace::default(), Instant::now());
        let late = now + Duration::from_secs(60);
        let turns: Vec<Duration> =
            (0..61).map(|_| pace.turn(ONE, Some(30), now, late).expect("a turn") - now).collect();
        assert_eq!(turns[0], Duration::ZERO, "the first is made at once");
        assert!(turns.windows(2).all(|pair| pair[1] > pair[0]));
        for second in turns.windows(31) {
            assert!(second[30] - second[0] >= Duration::from_millis(999), "31 calls within a second");
        }
        assert!(turns[60] <= Duration::from_secs(2), "none waits longer than it must");
        // Whoever comes after a rest does not wait.
        let rested = now + Duration::from_secs(10);
        assert_eq!(pace.turn(ONE, Some(30), rested, late), Ok(rested));
    }

    #[test]
    fn companies_and_channels_do_not_wait_for_each_other() {
        let (pace, now) = (Pace::default(), Instant::now());
        let other_company = (TenantId(Uuid::from_u128(2)), Channel::Max);
        for whose in [ONE, other_company, (ONE.0, Channel::Telegram)] {
            assert_eq!(pace.turn(whose, Some(1), now, now), Ok(now));
        }
    }

    #[test]
    fn a_turn_that_comes_too_late_is_not_taken() {
        let (pace, now) = (Pace::default(), Instant::now());
        let after = |seconds: u64| now + Duration::from_secs(seconds);
        for second in 0..3 {
            assert_eq!(pace.turn(ONE, Some(1), now, after(2)), Ok(after(second)));
        }
        for _ in 0..2 {
            assert_eq!(pace.turn(ONE, Some(1), now, after(2)), Err(Duration::from_secs(3)), "nobody has it");
        }
        assert_eq!(pace.turn(ONE, Some(1), now, after(3)), Ok(after(3)));
        assert_eq!(seconds(Duration::from_millis(2999)), 3);
    }

    #[test]
    fn a_call_that_need_not_wait_is_made_at_once_and_none_too_late() {
        let (pace, now) = (Pace::default(), Instant::now());
        let after = |seconds: u64| now + Duration::from_secs(seconds);
        for _ in 0..2 {
            assert_eq!(pace.turn(ONE, None, now, now), Ok(now));
        }
        assert_eq!(pace.turn(ONE, None, after(3), after(3)), Ok(after(3)));
        assert!(pace.turn(ONE, None, after(3), after(2)).is_err(), "its batch is over");
        // A company that says how much its gateway takes is heard from then on, and again one that says nothing.
        assert_eq!(pace.turn(ONE, Some(1), now, now), Ok(now));
        assert_eq!(pace.turn(ONE, None, now, now), Ok(now));
    }
}
