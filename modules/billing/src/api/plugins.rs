//! The plugin that calculates: seen, tried and put in its place by staff.

use std::collections::BTreeMap;

use kabinet_core::limits::Limit;
use kabinet_core::{Period, PermissionKey};
use kabinet_plugin_host::manifest::{Manifest, Setting};
use kabinet_plugin_host::{COMPONENT_BYTES, Limits};
use kabinet_web::{ApiResult, Problem, Staff};
use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use poem_openapi::types::Base64;
use poem_openapi::{Object, OpenApi};

use super::catalog::Changes;
use super::fields::{month, number, wrong};
use crate::catalog::{
    Activated, CheckedPlugin, Dated, PluginConfig, activated, edit, enum_name, first_month, installed,
};
use crate::error::Error;
use crate::plugins::Plugins;
use crate::runs::trial::{self, Trial};

/// Bytes of the largest body: a component as base64, with its description and numbers.
pub(crate) const LARGEST_BODY: usize = COMPONENT_BYTES / 3 * 4 + 128 * 1024;

/// Trials of a staff member, of plugins as of templates.
pub(super) const TRIALS: Limit = Limit { most: 120, seconds: 3600 };

/// May put another plugin or receipt template in its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load;

impl PermissionKey for Load {
    const KEY: &'static str = "billing.plugins";
}

pub(crate) struct PluginsApi {
    pub(crate) plugins: Plugins,
}

/// A number that a company may set.
#[derive(Object)]
struct PluginSetting {
    /// Its name.
    name: String,
    /// What it is; none where an earlier release installed the plugin.
    title: Option<String>,
    /// Its unit: `one`, `month`, `day`…
    unit: Option<String>,
    /// The smallest number allowed.
    min: Option<String>,
    /// The largest.
    max: Option<String>,
    /// What holds where the company sets nothing.
    default: Option<String>,
    /// What holds.
    value: String,
}

impl PluginSetting {
    fn new(name: &str, value: &str, declared: Option<&Setting>) -> Self {
        let text = |number: fn(&Setting) -> rust_decimal::Decimal| {
            declared.map(|setting| number(setting).normalize().to_string())
        };
        Self {
            name: name.to_owned(),
            title: declared.map(|setting| setting.title.clone()),
            unit: declared.map(|setting| enum_name(setting.unit)),
            min: text(|setting| setting.min),
            max: text(|setting| setting.max),
            default: text(|setting| setting.default),
            value: value.to_owned(),
        }
    }

    fn all(config: &PluginConfig, manifest: Option<&Manifest>) -> Vec<Self> {
        let declared = |name: &str| manifest?.config.iter().find(|setting| setting.name == name);
        let one = |(name, value): (&String, &rust_decimal::Decimal)| {
            Self::new(name, &value.normalize().to_string(), declared(name))
        };
        config.iter().map(one).collect()
    }
}

/// What a plugin may use.
#[derive(Object)]
struct PluginLimits {
    /// Linear memory, bytes.
    memory_bytes: u64,
    /// Instructions a line; a call gets them for 200 lines at least.
    fuel_per_line: u64,
}

impl From<Limits> for PluginLimits {
    fn from(limits: Limits) -> Self {
        let memory_bytes = u64::try_from(limits.memory_bytes).unwrap_or(u64::MAX);
        Self { memory_bytes, fuel_per_line: limits.fuel_per_line }
    }
}

/// A plugin as it calculates from a month on, until the next.
#[derive(Object)]
struct PluginOut {
    /// The first month, `2026-12`.
    from: String,
    /// SHA-256 of the component, hexadecimal; every charge stores it.
    hash: String,
    /// The plugin's id.
    name: String,
    /// Its version.
    version: String,
    /// What it is; empty where an earlier release installed it.
    title: String,
    /// The rules that services may name.
    rules: Vec<String>,
    /// The numbers it declares, with what the company set.
    settings: Vec<PluginSetting>,
    /// What it may use.
    limits: PluginLimits,
}

impl PluginOut {
    fn new(plugin: Activated, rules: Vec<String>) -> Self {
        Self {
            from: plugin.from.to_string(),
            settings: PluginSetting::all(&plugin.config, plugin.manifest.as_ref()),
            title: plugin.manifest.map(|manifest| manifest.title).unwrap_or_default(),
            hash: plugin.hash,
            name: plugin.name,
            version: plugin.version,
            rules,
            limits: plugin.limits.into(),
        }
    }
}

/// The plugins of the company, the earliest first.
#[derive(Object)]
struct PluginList {
    items: Vec<PluginOut>,
}

/// A plugin that is to calculate.
#[derive(Object)]
struct NewPlugin {
    /// The component as base64, at most 2 MiB; none: the one that calculates that month already, with other numbers.
    component: Option<Base64<Vec<u8>>>,
    /// The text of its `plugin.toml`; goes with the component.
    manifest: Option<String>,
    /// The company's numbers by name, as texts; the plugin's defaults hold for the others.
    settings: BTreeMap<String, String>,
    /// Rules by code of the service, for services that are charged by another one from that month on.
    #[oai(default)]
    rules: BTreeMap<String, String>,
    /// The first month, `2026-12`; none: the first that is not published.
    from: Option<String>,
}

/// What a plugin would do.
#[derive(Object)]
struct PluginCheck {
    /// The plugin as it would calculate.
    plugin: PluginOut,
    /// Size of the component, bytes.
    component_bytes: u64,
    /// Size of the compiled component, bytes.
    compiled_bytes: u64,
    /// What would be changed, in words; nothing where all is so already.
    changes: Vec<String>,
    /// What it would have charged; none before a month is published.
    trial: Option<PluginTrial>,
}

/// What a plugin would have charged for accounts of the latest published month, at the tariffs of that month.
#[derive(Object)]
struct PluginTrial {
    /// The month.
    period: String,
    /// Accounts calculated.
    accounts: u64,
    /// Sums of these accounts by service.
    services: Vec<ServiceTrialOut>,
}

/// Charges with corrections of one service, kopecks.
#[derive(Object)]
struct ServiceTrialOut {
    /// Code of the service.
    service: String,
    /// Its name.
    title: String,
    /// What was charged.
    before: i64,
    /// What the plugin would have charged.
    after: i64,
    /// What it would have charged more.
    difference: i64,
}

impl From<Trial> for PluginTrial {
    fn from(trial: Trial) -> Self {
        let services = trial.services.into_iter().map(|service| ServiceTrialOut {
            service: service.code,
            title: service.title,
            before: service.before.0,
            after: service.after.0,
            difference: (service.after - service.before).0,
        });
        Self {
            period: trial.period.to_string(),
            accounts: u64::try_from(trial.accounts).unwrap_or(u64::MAX),
            services: services.collect(),
        }
    }
}

#[OpenApi]
impl PluginsApi {
    /// The plugins that calculated, calculate and will calculate.
    #[oai(path = "/billing/plugin", method = "get", operation_id = "listPlugins")]
    async fn list(&self, staff: Staff<Load>) -> ApiResult<PluginList> {
        let tx = staff.read().await?;
        let mut items = Vec::new();
        for plugin in activated(&tx).await? {
            let rules = self.plugins.load(&tx, &plugin.hash, plugin.limits).await?.info().rules.clone();
            items.push(PluginOut::new(plugin, rules));
        }
        tx.commit().await?;
        Ok(Json(PluginList { items }))
    }

    /// Let a plugin calculate from a month on that is not published.
    #[oai(path = "/billing/plugin", method = "put", operation_id = "putPlugin")]
    async fn put(&self, staff: Staff<Load>, new: Json<NewPlugin>) -> ApiResult<Changes> {
        let offer = self.offer(&staff, new.0).await?;
        let mut tx = staff.begin().await?;
        let changes = edit::put_plugin(&mut tx, &offer.plugin, &offer.numbers, &offer.rules).await?;
        tx.commit().await?;
        Ok(Json(Changes { changes }))
    }

    /// What a plugin would change, and what it would have charged for the latest published month; nothing is kept.
    #[oai(path = "/billing/plugin/check", method = "post", operation_id = "checkPlugin")]
    async fn check(
        &self,
        staff: Staff<Load>,
        #[oai(default = "usual_accounts", validator(minimum(value = "1"), maximum(value = "1000")))] accounts: Query<
            u32,
        >,
        new: Json<NewPlugin>,
    ) -> ApiResult<PluginCheck> {
        staff.count_against(TRIALS, "plugins tried").await?;
        let Offer { plugin, numbers, rules } = self.offer(&staff, new.0).await?;
        // Put in its place and taken back: the transaction ends without a commit.
        let mut tx = staff.begin().await?;
        let changes = edit::put_plugin(&mut tx, &plugin, &numbers, &rules).await?;
        let from = numbers.from.unwrap_or(first_month(&tx).await?);
        let coming = trial::coming(&tx, from).await?;
        drop(tx);
        let trial = match coming {
            Some(coming) => {
                let ready = self.plugins.host().try_out(&plugin.component).await.map_err(Error::from)?;
                let ready = ready.within(plugin.manifest.limits);
                trial::trial(staff.read().await?, ready, &coming, accounts.0).await?
            }
            None => None,
        };
        Ok(Json(checked(plugin, (from, numbers.what), changes, trial)))
    }
}

/// What staff send, checked as far as it can be outside of a transaction.
struct Offer {
    plugin: CheckedPlugin,
    numbers: Dated<PluginConfig>,
    rules: BTreeMap<String, String>,
}

impl PluginsApi {
    async fn offer(&self, staff: &Staff<Load>, new: NewPlugin) -> Result<Offer, Problem> {
        let from = new.from.map(|from| month(&from, "from")).transpose()?;
        let (component, manifest) = match (new.component, new.manifest) {
            (Some(component), Some(manifest)) => (component.0, manifest),
            (None, None) => {
                let tx = staff.read().await?;
                let month = from.unwrap_or(first_month(&tx).await?);
                let installed = installed(&tx, month).await?;
                tx.commit().await?;
                installed.ok_or_else(|| wrong("component", "Плагина у компании ещё нет: пришлите его"))?
            }
            _ => return Err(wrong("manifest", "Плагин и его описание, plugin.toml, присылают вместе")),
        };
        let manifest = Manifest::read(&manifest).map_err(Error::from)?;
        let config = config(&manifest, &new.settings)?;
        let plugin = CheckedPlugin::sent(self.plugins.host(), component, manifest).await.map_err(Error::from)?;
        Ok(Offer { plugin, numbers: Dated { from, what: config }, rules: new.rules })
    }
}

/// The company's numbers for the plugin; each that is wrong is named.
fn config(manifest: &Manifest, given: &BTreeMap<String, String>) -> Result<PluginConfig, Problem> {
    let field = |name: &str| format!("settings.{name}");
    let read = |(name, text): (&String, &String)| Ok((name.clone(), number(text, &field(name))?));
    let numbers = given.iter().map(read).collect::<Result<PluginConfig, Problem>>()?;
    let named = |(name, problem): (String, String)| (field(&name), format!("{name}: {problem}"));
    let refused = |problems: Vec<_>| Problem::refused_fields("billing.invalid", problems.into_iter().map(named));
    manifest.numbers(&numbers).map_err(refused)
}

fn checked(
    plugin: CheckedPlugin,
    (from, config): (Period, PluginConfig),
    changes: Vec<String>,
    trial: Option<Trial>,
) -> PluginCheck {
    let CheckedPlugin { info, manifest, .. } = plugin;
    let bytes = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
    let would = Activated {
        from,
        hash: info.hash,
        name: info.id,
        version: info.version,
        limits: manifest.limits,
        manifest: Some(manifest),
        config,
    };
    PluginCheck {
        plugin: PluginOut::new(would, info.rules),
        component_bytes: bytes(info.component_bytes),
        compiled_bytes: bytes(info.artifact_bytes),
        changes,
        trial: trial.map(PluginTrial::from),
    }
}

fn usual_accounts() -> u32 {
    100
}
