//! What is kept in memory until the data it was made of change.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache;

use crate::change::{Changes, Round};

/// Values that hold until one of their topics changes, here or in another process.
///
/// Emptying a cache is not enough: what was read before the change may be put in after it, and would stay. So each value
/// has the round in which its data began to be read, and one from before the last change is not given out.
#[derive(Clone)]
pub struct TopicCache<K, V> {
    entries: Cache<K, (Round, V)>,
    changed: Arc<AtomicU64>,
}

impl<K, V> std::fmt::Debug for TopicCache<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TopicCache")
    }
}

impl<K, V> TopicCache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// An empty cache of at most `capacity` values, each for as long as `lives` where that is given.
    #[must_use]
    pub fn new(changes: &Changes, topics: &[&'static str], capacity: u64, lives: Option<Duration>) -> Self {
        let entries = Cache::builder().max_capacity(capacity);
        let entries = match lives {
            Some(lives) => entries.time_to_live(lives).build(),
            None => entries.build(),
        };
        let cache = Self { entries, changed: Arc::default() };
        for topic in topics {
            let (entries, changed, rounds) = (cache.entries.clone(), cache.changed.clone(), changes.rounds.clone());
            changes.subscribe(topic, move || {
                changed.fetch_max(rounds.load(Ordering::Acquire), Ordering::AcqRel);
                entries.invalidate_all();
            });
        }
        cache
    }

    /// The value of a key, if one is known that still holds.
    pub async fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let (read, value) = self.entries.get(key).await?;
        (read.0 >= self.changed.load(Ordering::Acquire)).then_some(value)
    }

    /// Keeps a value whose data began to be read in the round `read`.
    pub async fn insert(&self, read: Round, key: K, value: V) {
        self.entries.insert(key, (read, value)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_read_before_a_change_and_comes_after_it_is_not_kept() {
        let changes = Changes::default();
        let cache = TopicCache::new(&changes, &["companies"], 10, None);
        let early = changes.round();
        cache.insert(early, "name", "old").await;
        assert_eq!(cache.get("name").await, Some("old"));
        changes.notify("companies");
        assert_eq!(cache.get("name").await, None);
        cache.insert(early, "name", "old").await;
        assert_eq!(cache.get("name").await, None, "it came late");
        cache.insert(changes.round(), "name", "new").await;
        assert_eq!(cache.get("name").await, Some("new"));
        changes.notify("another");
        assert_eq!(cache.get("name").await, Some("new"), "nothing of it has changed");
    }
}
