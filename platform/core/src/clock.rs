//! Time and chance, handed in: nothing below the composition root reads the system's.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use rand::RngExt;
use uuid::Uuid;

use crate::values::Timestamp;

/// Where the present moment comes from. Cheap to clone: all clones show the same.
#[derive(Clone)]
pub struct Clock(Arc<Hands>);

enum Hands {
    /// The system's time and so many milliseconds.
    Ticking(AtomicI64),
    /// What they were last set to.
    Still(Arc<AtomicI64>),
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now().0)
    }
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(Hands::Ticking(AtomicI64::new(0))))
    }

    /// A clock that shows `start` now and ticks on from there: the demo's.
    #[must_use]
    pub fn starting_at(start: Timestamp) -> Self {
        Self(Arc::new(Hands::Ticking(AtomicI64::new(start.0 - system_now().0))))
    }

    /// A clock that shows what the returned hand was last set to: for tests.
    #[must_use]
    pub fn manual(start: Timestamp) -> (Self, Arc<AtomicI64>) {
        let hand = Arc::new(AtomicI64::new(start.0));
        (Self(Arc::new(Hands::Still(hand.clone()))), hand)
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &*self.0 {
            Hands::Ticking(shift) => Timestamp(system_now().0 + shift.load(Ordering::SeqCst)),
            Hands::Still(shown) => Timestamp(shown.load(Ordering::SeqCst)),
        }
    }

    /// Puts a clock that is behind `moment` forward to it: a demo that starts again on its old date must not
    /// live before what its visitors have stored.
    pub fn catch_up(&self, moment: Timestamp) {
        let behind = (moment.0 - self.now().0).max(0);
        match &*self.0 {
            Hands::Ticking(hand) => hand.fetch_add(behind, Ordering::SeqCst),
            Hands::Still(hand) => hand.fetch_add(behind, Ordering::SeqCst),
        };
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
fn system_now() -> Timestamp {
    Timestamp(chrono::Utc::now().timestamp_millis())
}

/// Where randomness comes from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entropy;

impl Entropy {
    /// `N` random bytes from the operating system's generator.
    #[must_use]
    pub fn bytes<const N: usize>(self) -> [u8; N] {
        rand::rng().random()
    }

    /// A new identifier whose order follows `now`.
    #[must_use]
    pub fn id(self, now: Timestamp) -> Uuid {
        self.ids(now).next()
    }

    /// Identifiers of one moment, each greater than the one before.
    #[must_use]
    pub fn ids(self, now: Timestamp) -> Ids {
        let first = u64::from_be_bytes(self.bytes()) >> (65 - COUNTER);
        Ids { millis: u64::try_from(now.0).unwrap_or_default(), next: AtomicU64::new(first) }
    }
}

/// How many bits of an identifier count those of one moment.
const COUNTER: u8 = 42;

/// Identifiers (UUID version 7) of one moment, in the order of their making: what one transaction writes is read
/// back in that order. The moment's count begins anywhere, so that it tells nobody how much others have written,
/// and with its highest bit off, so that it does not run over (RFC 9562, 6.2, method 1).
#[derive(Debug)]
pub struct Ids {
    millis: u64,
    next: AtomicU64,
}

impl Ids {
    /// The next identifier.
    #[must_use]
    pub fn next(&self) -> Uuid {
        let count = u128::from(self.next.fetch_add(1, Ordering::Relaxed));
        let nanos = (self.millis % 1000) as u32 * 1_000_000;
        Uuid::new_v7(uuid::Timestamp::from_unix_time(self.millis / 1000, nanos, count, COUNTER))
    }
}

/// The least identifier of those made at `moment` and after it.
#[must_use]
pub fn least_id(moment: Timestamp) -> Uuid {
    Uuid::from_u128(u128::try_from(moment.0).unwrap_or_default() << 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_put_forward_and_never_back() {
        let (clock, _) = Clock::manual(Timestamp(1_000));
        clock.clone().catch_up(Timestamp(5_000));
        assert_eq!(clock.now(), Timestamp(5_000));
        clock.catch_up(Timestamp(2_000));
        assert_eq!(clock.now(), Timestamp(5_000));
    }

    #[test]
    fn identifiers_of_one_moment_are_in_the_order_of_their_making() {
        let moment = Timestamp(1_764_000_000_123);
        let ids = Entropy.ids(moment);
        let made: Vec<Uuid> = (0..10_000).map(|_| ids.next()).collect();
        assert!(made.is_sorted_by(|one, next| one < next));
        let (seconds, nanos) = made[9_999].get_timestamp().expect("a moment").to_unix();
        assert_eq!((made[0].get_version_num(), seconds, nanos), (7, 1_764_000_000, 123_000_000));
        assert!(made[9_999] < least_id(Timestamp(moment.0 + 1)) && least_id(moment) < made[0]);
    }
}
