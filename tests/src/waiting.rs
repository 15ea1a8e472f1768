//! Waiting for what follows a request a moment later: a job, a letter, a change that another process made.

use std::time::{Duration, Instant};

/// After this it never comes, however busy the machine is.
const LONGEST: Duration = Duration::from_secs(240);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// What `find` yields, as soon as it yields something; `what` names it.
///
/// # Panics
/// When that never comes.
#[track_caller]
pub fn wait_for<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(begun.elapsed() < LONGEST, "{what} never came");
        std::thread::sleep(PAUSE);
    }
}

/// Returns as soon as `is_so` says yes; `what` names what has come by then.
///
/// # Panics
/// When that never comes.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    wait_for(what, || is_so().then_some(()));
}
