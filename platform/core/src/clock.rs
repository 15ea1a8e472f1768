//! Time and chance, handed in: nothing below the composition root reads the system's.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rand::RngExt;
use uuid::Uuid;

use crate::values::Timestamp;

/// Where the present moment comes from. Cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now().0)
    }
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(system_now))
    }

    /// A clock that shows `start` now and ticks on from there: the demo's.
    #[must_use]
    pub fn starting_at(start: Timestamp) -> Self {
        let shift = start.0 - system_now().0;
        Self(Arc::new(move || Timestamp(system_now().0 + shift)))
    }

    /// A clock that shows what the returned hand was last set to: for tests.
    #[must_use]
    pub fn manual(start: Timestamp) -> (Self, Arc<AtomicI64>) {
        let hand = Arc::new(AtomicI64::new(start.0));
        let shown = hand.clone();
        (Self(Arc::new(move || Timestamp(shown.load(Ordering::SeqCst)))), hand)
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.0)()
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
