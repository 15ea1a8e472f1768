//! Time and chance, handed in: nothing below the composition root reads the system's.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

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
        let millis = u64::try_from(now.0).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes()).into_uuid()
    }
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
}
