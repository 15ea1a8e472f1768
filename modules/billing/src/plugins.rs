//! Tariff plugins ready to calculate, and the plans of months, kept until the catalogue changes.

use std::sync::Arc;

use kabinet_core::topic_cache::TopicCache;
use kabinet_core::{Db, Period, TenantId, Tx};
use kabinet_plugin_host::{Limits, PluginHost, TariffPlugin};

use crate::catalog::TOPIC;
use crate::error::Error;
use crate::houses::decisions;
use crate::plan::{Plan, Snapshot};
use crate::store;

/// A month's plan with the plugin that calculates it.
#[derive(Clone)]
pub struct Tool {
    /// The plan.
    pub plan: Arc<Plan>,
    /// The plugin.
    pub plugin: TariffPlugin,
}

/// The plugins and plans of this process. Cheap to clone.
#[derive(Clone)]
pub struct Plugins {
    host: PluginHost,
    loaded: moka::future::Cache<(TenantId, String), TariffPlugin>,
    plans: TopicCache<(TenantId, Period), (Arc<Plan>, String)>,
}

impl std::fmt::Debug for Plugins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Plugins")
    }
}

impl Plugins {
    /// The plugins of `db`, run by `host`.
    #[must_use]
    pub fn new(db: &Db, host: PluginHost) -> Self {
        let plans = TopicCache::new(db.changes(), &[TOPIC, kabinet_core::tenancy::TOPIC], 1000, None);
        Self { host, loaded: moka::future::Cache::new(200), plans }
    }

    /// What checks and runs them.
    pub(crate) const fn host(&self) -> &PluginHost {
        &self.host
    }

    /// The plugin with this hash, as the company installed it, within the limits of its activation.
    pub async fn load(&self, tx: &Tx, hash: &str, limits: Limits) -> Result<TariffPlugin, Error> {
        let key = (tx.tenant_id(), hash.to_owned());
        if let Some(plugin) = self.loaded.get(&key).await {
            return Ok(plugin.within(limits));
        }
        let component = store::component(tx, hash).await?;
        let component = component.ok_or_else(|| Error::Catalog(format!("плагина {hash} нет")))?;
        let plugin = self.host.load(&component).await?;
        if plugin.hash() != hash {
            let found = plugin.hash();
            return Err(Error::Catalog(format!("плагин {hash} повреждён: его сумма {found}")));
        }
        self.loaded.insert(key, plugin.clone()).await;
        Ok(plugin.within(limits))
    }

    /// The rules that the company's latest plugin knows; none before it has one.
    pub async fn rules(&self, tx: &Tx) -> Result<Vec<String>, Error> {
        let Some(latest) = store::activations(tx).await?.pop() else { return Ok(Vec::new()) };
        Ok(self.load(tx, &latest.hash, Limits::PRODUCTION).await?.info().rules.clone())
    }

    /// The plan in force for `period` and its plugin.
    pub async fn tool(&self, tx: &Tx, period: Period) -> Result<Tool, Error> {
        let key = (tx.tenant_id(), period);
        let (plan, hash) = match self.plans.get(&key).await {
            Some(known) => known,
            None => {
                let (snapshot, hash) = Snapshot::take(tx, period).await?;
                // What houses will have used is not known before the month's end: the last billed one stands for it.
                let houses = decisions::expected(tx, &snapshot, period).await?;
                let made = (Arc::new(Plan::new(period, snapshot).with_houses(houses)), hash);
                self.plans.insert(tx.round(), key, made.clone()).await;
                made
            }
        };
        let plugin = self.load(tx, &hash, plan.snapshot.limits).await?;
        Ok(Tool { plan, plugin })
    }
}
