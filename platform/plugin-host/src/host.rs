//! The door to plugins: check one, load one, calculate with one.

use std::path::PathBuf;
use std::sync::Arc;

use kabinet_sandbox::Pool;
use moka::future::Cache;
use sha2::{Digest, Sha256};
use wasmtime::component::Component;
use wasmtime::{Engine, ResourceLimiter, Store, StoreLimits, StoreLimitsBuilder};

use crate::api::{AccountCharges, Batch, PluginInfo};
use crate::artifact::Artifacts;
use crate::compile::{self, Compiled};
use crate::engine::{self, Gate};
use crate::error::PluginError;
use crate::limits::Limits;
use crate::manifest::Manifest;
use crate::v1::{self, Described};
use crate::{limits, precheck, verify};

/// Plugins kept ready in memory.
const READY: u64 = 64;

/// Checks, compiles and keeps plugins; cheap to clone.
#[derive(Clone)]
pub struct PluginHost {
    shared: Arc<Shared>,
}

struct Shared {
    runtime: Arc<Runtime>,
    pool: Arc<Pool>,
    artifacts: Artifacts,
    ready: Cache<String, TariffPlugin>,
}

/// The engine with what guards it.
struct Runtime {
    engine: Engine,
    gate: Gate,
}

/// Per-call limits of memory and tables, and the largest memory there was.
pub(crate) struct Guard {
    limits: StoreLimits,
    memory: usize,
}

impl ResourceLimiter for Guard {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let allowed = self.limits.memory_growing(current, desired, maximum)?;
        if allowed {
            // A component has one memory (see the engine's pool), which never shrinks.
            self.memory = self.memory.max(desired);
        }
        Ok(allowed)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.limits.memory_grow_failed(error)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.limits.table_growing(current, desired, maximum)
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.limits.table_grow_failed(error)
    }

    fn instances(&self) -> usize {
        self.limits.instances()
    }

    fn tables(&self) -> usize {
        self.limits.tables()
    }

    fn memories(&self) -> usize {
        self.limits.memories()
    }
}

/// A plugin that is ready to calculate; cheap to clone.
#[derive(Clone)]
pub struct TariffPlugin {
    loaded: Arc<Loaded>,
    limits: Limits,
}

struct Loaded {
    info: PluginInfo,
    plugin: v1::Plugin,
    runtime: Arc<Runtime>,
}

/// What a call used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Fuel, about one unit an instruction.
    pub fuel: u64,
    /// Fuel the call was given.
    pub fuel_limit: u64,
    /// Largest size of the linear memory, bytes.
    pub memory: usize,
    /// Linear memory the call was allowed, bytes.
    pub memory_limit: usize,
}

impl PluginHost {
    /// A host that compiles in `pool` (its workers must know [`crate::compile_task`]) and keeps
    /// artifacts in `cache_dir`, authenticated with `key`.
    pub fn new(pool: Arc<Pool>, cache_dir: PathBuf, key: [u8; 32]) -> Result<PluginHost, PluginError> {
        let unavailable = |error: String| PluginError::Unavailable(error);
        let engine = engine::runtime().map_err(|error| unavailable(format!("{error:#}")))?;
        engine::start_clock(&engine).map_err(|error| unavailable(error.to_string()))?;
        let artifacts = Artifacts::new(cache_dir, key, engine::fingerprint(&engine))
            .map_err(|error| unavailable(format!("the folder for compiled plugins: {error}")))?;
        let runtime = Arc::new(Runtime { engine, gate: Gate::new() });
        let ready = Cache::new(READY);
        Ok(PluginHost { shared: Arc::new(Shared { runtime, pool, artifacts, ready }) })
    }

    /// What the plugin is, after everything short of using it: checks, compilation, description.
    pub async fn check(&self, component: &[u8]) -> Result<PluginInfo, PluginError> {
        Ok(self.load(component).await?.info().clone())
    }

    /// What the plugin is, as [`PluginHost::check`] tells it, if it is the one that `manifest` speaks of.
    pub async fn check_declared(&self, component: &[u8], manifest: &Manifest) -> Result<PluginInfo, PluginError> {
        declared(&self.load(component).await?, manifest)
    }

    /// What a plugin is that may never be used, if it is the one that `manifest` speaks of: see
    /// [`PluginHost::try_out`].
    pub async fn try_declared(&self, component: &[u8], manifest: &Manifest) -> Result<PluginInfo, PluginError> {
        declared(&self.try_out(component).await?, manifest)
    }

    /// The plugin, ready to calculate; compiled only if it was never seen before.
    pub async fn load(&self, component: &[u8]) -> Result<TariffPlugin, PluginError> {
        self.ready(component, true).await
    }

    /// The plugin, ready to calculate, of which nothing is kept on disk: memory holds so many plugins and no more.
    pub async fn try_out(&self, component: &[u8]) -> Result<TariffPlugin, PluginError> {
        self.ready(component, false).await
    }

    async fn ready(&self, component: &[u8], keep: bool) -> Result<TariffPlugin, PluginError> {
        if component.len() > limits::COMPONENT_BYTES {
            let (size, most) = (component.len(), limits::COMPONENT_BYTES);
            return Err(PluginError::Refused(format!("{size} bytes, at most {most} are allowed")));
        }
        let hash = hex::encode(Sha256::digest(component));
        let loading = self.load_new(hash.clone(), component, keep);
        self.shared.ready.try_get_with(hash, loading).await.map_err(|error| (*error).clone())
    }

    async fn load_new(&self, hash: String, component: &[u8], keep: bool) -> Result<TariffPlugin, PluginError> {
        let component_bytes = component.len();
        let compiled = match self.shared.artifacts.load(&hash) {
            Some(compiled) => compiled,
            None => {
                let bytes = self.shared.pool.run(compile::NAME, component, limits::COMPILE).await?;
                let compiled = Compiled::from_bytes(&bytes)
                    .ok_or_else(|| PluginError::Unavailable("the worker's answer is malformed".to_owned()))?;
                if keep {
                    self.shared.artifacts.store(&hash, &compiled);
                }
                compiled
            }
        };
        let runtime = Arc::clone(&self.shared.runtime);
        let ready = tokio::task::spawn_blocking(move || prepare(runtime, hash, component_bytes, &compiled));
        ready.await.map_err(|error| PluginError::Unavailable(error.to_string()))?
    }
}

/// What the plugin is, if it is the one that `manifest` speaks of.
fn declared(plugin: &TariffPlugin, manifest: &Manifest) -> Result<PluginInfo, PluginError> {
    manifest.agrees_with(plugin.info()).map_err(|error| PluginError::Undeclared(error.to_string()))?;
    Ok(plugin.info().clone())
}

/// Loads the artifact and asks the plugin what it is.
fn prepare(
    runtime: Arc<Runtime>,
    hash: String,
    component_bytes: usize,
    compiled: &Compiled,
) -> Result<TariffPlugin, PluginError> {
    // One adapter per version; a second one makes this a match.
    if compiled.api != precheck::SPOKEN {
        return Err(PluginError::ApiVersion { found: compiled.api.clone(), spoken: precheck::SPOKEN });
    }
    // SAFETY: the bytes come straight from our own worker, or from a file whose keyed hash
    // shows that this platform wrote it; uploads never reach this place.
    let component = unsafe { Component::deserialize(&runtime.engine, &compiled.artifact) }
        .map_err(|error| PluginError::Unavailable(format!("{error:#}")))?;
    let plugin = v1::Plugin::new(&runtime.engine, &component)?;
    let described = {
        let _place = runtime.gate.enter();
        let described = plugin.describe(&mut runtime.store(Limits::PRODUCTION, 0, 0)?)?;
        verify::described(&described)?;
        described
    };
    let Described { id, version, rules } = described;
    let info = PluginInfo {
        hash,
        api: compiled.api.clone(),
        id,
        version,
        rules,
        component_bytes,
        artifact_bytes: compiled.artifact.len(),
    };
    Ok(TariffPlugin { loaded: Arc::new(Loaded { info, plugin, runtime }), limits: Limits::PRODUCTION })
}

impl Runtime {
    /// A store for one call, with its limits set before anything of the guest's runs.
    fn store(&self, within: Limits, accounts: usize, lines: usize) -> Result<Store<Guard>, PluginError> {
        let limits = StoreLimitsBuilder::new()
            .memory_size(within.memory_bytes)
            .table_elements(limits::TABLE_ENTRIES)
            .trap_on_grow_failure(true)
            .build();
        let mut store = Store::new(&self.engine, Guard { limits, memory: 0 });
        store.limiter(|guard| guard);
        store.set_fuel(within.fuel(lines)).map_err(|error| PluginError::Unavailable(error.to_string()))?;
        store.set_epoch_deadline(limits::ticks(lines));
        store.set_hostcall_fuel(limits::output(accounts, lines));
        Ok(store)
    }
}

impl TariffPlugin {
    /// SHA-256 of the component, 64 hexadecimal digits; stored with every charge.
    pub fn hash(&self) -> &str {
        &self.loaded.info.hash
    }

    /// What the plugin is.
    pub fn info(&self) -> &PluginInfo {
        &self.loaded.info
    }

    /// The plugin under limits that are lower where these are: none can be raised.
    #[must_use]
    pub fn within(&self, limits: Limits) -> TariffPlugin {
        TariffPlugin { loaded: Arc::clone(&self.loaded), limits: self.limits.lowered_to(limits) }
    }

    /// The charges of the batch's accounts, in their order, verified and rounded to kopecks.
    ///
    /// Works on the processor until it is done: call it on a blocking thread. Each call runs in
    /// a fresh instance, so nothing of one batch is seen by the next.
    pub fn calculate(&self, batch: &Batch) -> Result<Vec<AccountCharges>, PluginError> {
        Ok(self.measure(batch)?.0)
    }

    /// The charges as [`TariffPlugin::calculate`] gives them, with what the call used.
    pub fn measure(&self, batch: &Batch) -> Result<(Vec<AccountCharges>, Usage), PluginError> {
        let lines = batch.accounts.iter().map(|account| account.services.len()).sum();
        let runtime = &self.loaded.runtime;
        let _place = runtime.gate.enter();
        let mut store = runtime.store(self.limits, batch.accounts.len(), lines)?;
        let charges = self.loaded.plugin.calculate(&mut store, batch)?;
        verify::charges(batch, &charges)?;
        let fuel_limit = self.limits.fuel(lines);
        let fuel = fuel_limit.saturating_sub(store.get_fuel().unwrap_or(0));
        let (memory, memory_limit) = (store.data().memory, self.limits.memory_bytes);
        Ok((charges, Usage { fuel, fuel_limit, memory, memory_limit }))
    }
}
