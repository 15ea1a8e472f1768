//! Points at which the suites end the process, as a loss of power would at the worst moment.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Says where: `before-commit:17` for the 17th time that this point is passed.
const VARIABLE: &str = "KABINET_CRASH_AT";

struct Crash {
    point: String,
    left: AtomicU32,
}

/// Ends the process here when the environment asks for it; nothing is finished or written.
pub(crate) fn point(name: &str) {
    static CRASH: OnceLock<Option<Crash>> = OnceLock::new();
    let Some(crash) = CRASH.get_or_init(asked_for) else { return };
    if crash.point == name && crash.left.fetch_sub(1, Ordering::Relaxed) == 1 {
        std::process::abort();
    }
}

fn asked_for() -> Option<Crash> {
    let asked = std::env::var(VARIABLE).ok()?;
    let (point, times) = asked.split_once(':')?;
    Some(Crash { point: point.to_owned(), left: AtomicU32::new(times.parse().ok()?) })
}
