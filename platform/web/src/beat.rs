//! Answers on the beat: how long an answer took must not tell whether a guess met somebody.

use std::sync::Arc;
use std::time::Duration;

use poem::{Endpoint, Request, Result};
use tokio::time::{Instant, sleep_until};

/// Longer than a guess takes to be answered, too short for a person to notice.
const BEAT: Duration = Duration::from_millis(25);

/// The endpoint's answer, held back until a whole number of beats has passed since it was called. For forms
/// that strangers may try names and numbers on; `.around(on_the_beat)` puts it there.
pub async fn on_the_beat<E: Endpoint>(endpoint: Arc<E>, request: Request) -> Result<E::Output> {
    let began = Instant::now();
    let answer = endpoint.call(request).await;
    sleep_until(began + next_beat(began.elapsed())).await;
    answer
}

/// The first beat that is not before `elapsed`.
fn next_beat(elapsed: Duration) -> Duration {
    let beats = elapsed.as_nanos().div_ceil(BEAT.as_nanos()).max(1);
    BEAT.saturating_mul(u32::try_from(beats).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_leave_on_the_beat() {
        let leaves = |micros| next_beat(Duration::from_micros(micros)).as_millis();
        assert_eq!([leaves(0), leaves(1), leaves(3_400), leaves(25_000)], [25; 4]);
        assert_eq!([leaves(25_001), leaves(60_000)], [50, 75]);
    }
}
