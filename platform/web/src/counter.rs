//! Counts in the menu, such as what is unread: kept in memory until a module says that they changed, so that a
//! page costs no statement more.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kabinet_core::topic_cache::TopicCache;
use kabinet_core::{Actor, Db, DbError, Registry, Tenant, TenantId, Tx};
use uuid::Uuid;

/// Counts something for an entry of the resident's menu.
#[async_trait]
pub trait Counter: Send + Sync {
    /// The entry's address: `/notifications`.
    fn href(&self) -> &'static str;
    /// The topic that is touched when a count may have changed.
    fn topic(&self) -> &'static str;
    /// How much there is for the resident.
    async fn count(&self, tx: &Tx, resident: Uuid) -> Result<u64, DbError>;
}

/// The counts of one resident: addresses of menu entries with their numbers, those above zero.
pub(crate) type Counts = Arc<Vec<(&'static str, u64)>>;

/// The counters of all modules.
pub struct Counters {
    db: Db,
    registry: Arc<Registry>,
    counters: Vec<(&'static str, Arc<dyn Counter>)>,
    cache: TopicCache<(TenantId, Uuid), Counts>,
}

impl std::fmt::Debug for Counters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.counters.iter().map(|(module, _)| module)).finish()
    }
}

impl Counters {
    /// Counters by the names of their modules. Numbers live for a minute at most: some end by themselves.
    pub fn new(
        db: Db,
        registry: Arc<Registry>,
        counters: impl IntoIterator<Item = (&'static str, Arc<dyn Counter>)>,
    ) -> Self {
        let counters: Vec<_> = counters.into_iter().collect();
        let topics: Vec<_> = counters.iter().map(|(_, counter)| counter.topic()).collect();
        let cache = TopicCache::new(db.changes(), &topics, 100_000, Some(Duration::from_secs(60)));
        Self { db, registry, counters, cache }
    }

    /// What the menu of a resident shows; nothing where it cannot be counted, since a page is worth more.
    pub(crate) async fn of(&self, tenant: &Arc<Tenant>, resident: Uuid) -> Counts {
        let on: Vec<_> = self.counters.iter().filter(|(module, _)| self.registry.is_on(tenant, module)).collect();
        // Nothing is kept of a company that counts nothing: once it does, its numbers are there at once.
        if on.is_empty() {
            return Counts::default();
        }
        let key = (tenant.id, resident);
        if let Some(known) = self.cache.get(&key).await {
            return known;
        }
        let round = self.db.changes().round();
        match self.count(tenant, resident, on).await {
            Ok(counts) => {
                let counts = Arc::new(counts);
                self.cache.insert(round, key, counts.clone()).await;
                counts
            }
            Err(error) => {
                tracing::warn!(%error, "the menu's counts are left out");
                Counts::default()
            }
        }
    }

    async fn count(
        &self,
        tenant: &Arc<Tenant>,
        resident: Uuid,
        on: Vec<&(&'static str, Arc<dyn Counter>)>,
    ) -> Result<Vec<(&'static str, u64)>, DbError> {
        let mut counts = Vec::new();
        let tx = self.db.read(tenant, Actor::Resident(resident)).await?;
        for (_, counter) in on {
            let number = counter.count(&tx, resident).await?;
            counts.extend((number > 0).then_some((counter.href(), number)));
        }
        tx.commit().await?;
        Ok(counts)
    }
}
