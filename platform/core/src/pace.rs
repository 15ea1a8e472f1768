//! How work in the background gives way to answers where priorities do not reach: in the database, and among the
//! programs of a machine, whose shares the system weighs as a whole. Where more transactions of answers are under way
//! than there are processors, some wait for one: then the work rests, the longer the more of them there are.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use crate::db::Purpose;

/// The rest after work is as long as the work for each answer that waits for a processor, but for so many at most.
const MOST_ANSWERS: u32 = 4;
/// Nor is it longer than this: work comes to its end however busy a server is.
const LONGEST: Duration = Duration::from_secs(1);

/// The answers of a server, and the rest that work has earned beside them. Cheap to clone: all clones show the same.
#[derive(Clone, Debug)]
pub struct Pace {
    processors: u32,
    /// Transactions of answers that are under way.
    answers: Arc<AtomicU32>,
    /// The rest that was earned and not had, microseconds.
    earned: Arc<AtomicU64>,
}

/// A transaction under way, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    pace: Pace,
    purpose: Purpose,
    begun: Instant,
}

impl Default for Pace {
    /// On this machine, while nobody asks for anything.
    fn default() -> Self {
        let processors = available_parallelism().map_or(1, |number| u32::try_from(number.get()).unwrap_or(u32::MAX));
        Self { processors, answers: Arc::default(), earned: Arc::default() }
    }
}

impl Pace {
    /// The pace of one more job beside the same answers, which has a rest of its own.
    pub(crate) fn of_one(&self) -> Self {
        Self { earned: Arc::default(), ..self.clone() }
    }

    /// The rest after so much work beside the answers that are under way.
    #[must_use]
    pub fn rest(&self, worked: Duration) -> Duration {
        let waiting = self.answers.load(Ordering::Relaxed).saturating_sub(self.processors);
        (worked * waiting.min(MOST_ANSWERS)).min(LONGEST)
    }

    /// A turn for one transaction: an answer's at once, a job's after the rest for those before it.
    pub(crate) async fn turn(&self, purpose: Purpose) -> Turn {
        match purpose {
            Purpose::Answers => {
                self.answers.fetch_add(1, Ordering::Relaxed);
            }
            Purpose::Jobs => {
                let rest = self.due();
                if !rest.is_zero() {
                    tokio::time::sleep(rest).await;
                }
            }
        }
        Turn { pace: self.clone(), purpose, begun: Instant::now() }
    }

    /// The rest that a job is to have now; it is had by then.
    fn due(&self) -> Duration {
        Duration::from_micros(self.earned.swap(0, Ordering::Relaxed)).min(LONGEST)
    }

    /// Notes that a job has worked so long.
    fn note(&self, worked: Duration) {
        let earned = u64::try_from(self.rest(worked).as_micros()).unwrap_or(u64::MAX);
        self.earned.fetch_add(earned, Ordering::Relaxed);
    }
}

impl Turn {
    /// Its work begins now: until here it waited.
    pub(crate) fn begins(&mut self) {
        self.begun = Instant::now();
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        match self.purpose {
            Purpose::Answers => {
                self.pace.answers.fetch_sub(1, Ordering::Relaxed);
            }
            Purpose::Jobs => self.pace.note(self.begun.elapsed()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_job_rests_as_long_as_it_worked_for_each_answer_that_waits_for_a_processor() {
        let pace = Pace { processors: 1, ..Pace::default() };
        let worked = Duration::from_millis(100);
        pace.note(worked);
        assert_eq!(pace.due(), Duration::ZERO, "nobody asked for anything");
        let one = pace.turn(Purpose::Answers).await;
        pace.note(worked);
        assert_eq!(pace.due(), Duration::ZERO, "it has a processor");
        let others = [pace.turn(Purpose::Answers).await, pace.turn(Purpose::Answers).await];
        pace.note(worked);
        assert_eq!(pace.due(), 2 * worked);
        assert_eq!(pace.due(), Duration::ZERO, "it has had its rest");
        pace.note(60 * worked);
        assert_eq!(pace.due(), LONGEST, "it goes on however busy a server is");
        let other = pace.of_one();
        pace.note(worked);
        assert_eq!((other.due(), pace.due()), (Duration::ZERO, 2 * worked), "nobody has another one's rest");
        drop((one, others));
        pace.note(worked);
        assert_eq!(pace.due(), Duration::ZERO, "they were answered");
        drop(pace.turn(Purpose::Jobs).await);
    }
}
