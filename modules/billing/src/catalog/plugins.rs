//! The plugins that calculate for a company, each from a month on.

use kabinet_core::{Day, DbError, Period, Tx};
use kabinet_plugin_host::api::PluginInfo;
use kabinet_plugin_host::manifest::Manifest;
use kabinet_plugin_host::{Limits, PluginError, PluginHost};
use sea_orm::{ActiveModelTrait, FromQueryResult, Set};

use super::{ALWAYS, Activation, History, PluginConfig, Service, Tariff, announce, edit, services};
use crate::entity::{plugin, plugin_activation};
use crate::error::Error;
use crate::store;

/// A plugin that may be used: its component passed every check and is the one that its `plugin.toml` speaks of.
#[derive(Clone, Debug)]
pub struct CheckedPlugin {
    /// The component.
    pub component: Vec<u8>,
    /// What it says about itself.
    pub info: PluginInfo,
    /// What its author declares.
    pub manifest: Manifest,
}

impl CheckedPlugin {
    /// The plugin, after a worker has compiled it and it has said what it is.
    pub async fn of(host: &PluginHost, component: Vec<u8>, manifest: Manifest) -> Result<Self, PluginError> {
        let info = host.check_declared(&component, &manifest).await?;
        Ok(Self { component, info, manifest })
    }

    /// The plugin as [`CheckedPlugin::of`] has it, sent by staff: it may never calculate, so that nothing of it is kept
    /// on disk.
    pub async fn sent(host: &PluginHost, component: Vec<u8>, manifest: Manifest) -> Result<Self, PluginError> {
        let info = host.try_declared(&component, &manifest).await?;
        Ok(Self { component, info, manifest })
    }
}

/// A rule that a service or its terms name and a plugin does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("услуга «{service}»: правила «{rule}» у плагина «{plugin}» нет; есть {known}")]
pub struct UnknownRule {
    /// Code of the service.
    pub service: String,
    /// From which day on its terms name the rule; none where the service itself does.
    pub terms: Option<Day>,
    /// The rule.
    pub rule: String,
    /// The plugin.
    pub plugin: String,
    /// The rules that it has.
    pub known: String,
}

/// The rules of services and of their terms that the plugin does not have.
pub fn unknown_rules<'c>(
    plugin: &PluginInfo,
    services: impl IntoIterator<Item = &'c Service>,
    tariffs: &'c [Tariff],
) -> Vec<UnknownRule> {
    let of_services = services.into_iter().map(|service| (&service.code, None, &service.rule));
    let own = |tariff: &'c Tariff| Some((&tariff.service, Some(tariff.from), tariff.terms.rule.as_ref()?));
    let named = of_services.chain(tariffs.iter().filter_map(own));
    let unknown = named.filter(|(.., rule)| !plugin.rules.contains(rule));
    let unknown = unknown.map(|(service, terms, rule)| UnknownRule {
        service: service.clone(),
        terms,
        rule: rule.clone(),
        plugin: plugin.id.clone(),
        known: plugin.rules.join(", "),
    });
    unknown.collect()
}

/// The month in which a plugin that begins with `from` gives way to the next; none where no other comes.
async fn until(tx: &Tx, from: Period) -> Result<Option<Period>, DbError> {
    Ok(store::activations(tx).await?.into_iter().map(|row| row.from_period).find(|begins| *begins > from))
}

/// The terms of the months that a plugin which begins with `from` calculates.
pub(super) async fn terms(tx: &Tx, from: Period) -> Result<Vec<Tariff>, Error> {
    let (until, all) = (until(tx, from).await?, edit::tariffs(tx).await?);
    let in_force = |one: &Tariff| {
        let first = from.first_day();
        let replaced = |other: &Tariff| other.service == one.service && one.from < other.from && other.from <= first;
        one.from <= first && !all.iter().any(replaced)
    };
    let later = |one: &Tariff| one.from > from.first_day() && until.is_none_or(|until| one.from < until.first_day());
    Ok(all.iter().filter(|one| in_force(one) || later(one)).cloned().collect())
}

/// Refuses a plugin that does not have every rule which the catalogue names for the months it would calculate.
pub(super) async fn refuse_unknown_rules(tx: &Tx, plugin: &PluginInfo, from: Period) -> Result<(), Error> {
    let (until, tariffs) = (until(tx, from).await?, terms(tx, from).await?);
    let later = |begins: Period| begins > from && until.is_none_or(|until| begins < until);
    // Terms without prices end a service.
    let charged = |code: &str| tariffs.iter().any(|one| one.service == code && !one.terms.prices.is_empty());
    let stored = services::stored(tx).await?;
    let of_months = |history: &History<Service>| {
        let later = history.entries().iter().filter(|(begins, _)| later(*begins)).map(|(_, service)| service);
        history.in_force(from).into_iter().chain(later).cloned().collect::<Vec<_>>()
    };
    let services: Vec<Service> = stored.iter().flat_map(of_months).filter(|service| charged(&service.code)).collect();
    let unknown = unknown_rules(plugin, &services, &tariffs);
    if unknown.is_empty() { Ok(()) } else { Err(Error::UnknownRules(unknown)) }
}

/// The first month that another plugin may calculate: the first that is not published. Before any is, the one from which
/// on the company's first plugin does.
pub(crate) async fn first_month(tx: &Tx) -> Result<Period, DbError> {
    let first = store::activations(tx).await?.first().map_or(ALWAYS, |row| row.from_period);
    Ok(store::latest_period(tx).await?.map_or(first, Period::next))
}

/// What calculates in `period`.
pub(super) async fn calculating(tx: &Tx, period: Period) -> Result<Option<plugin_activation::Model>, DbError> {
    Ok(store::activations(tx).await?.into_iter().rev().find(|row| row.from_period <= period))
}

/// Installs a checked plugin and lets it calculate. Published months keep theirs: where the first month is one of
/// them, it begins with the month after the latest one.
pub async fn install_plugin(
    tx: &mut Tx,
    CheckedPlugin { component, info, manifest }: &CheckedPlugin,
    wanted: &Activation,
) -> Result<Vec<String>, Error> {
    let mut changes = Vec::new();
    let row = plugin::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        hash: Set(info.hash.clone()),
        name: Set(info.id.clone()),
        version: Set(info.version.clone()),
        component: Set(component.clone()),
        installed_at: Set(tx.now()),
    };
    if tx.insert_if_absent(row).await? {
        changes.push(format!("плагин {} {} установлен", info.id, info.version));
    }
    let from = wanted.from.max(store::open_period(tx).await?);
    let row = plugin_activation::Model {
        tenant_id: tx.tenant_id(),
        from_period: from,
        hash: info.hash.clone(),
        config: serde_json::to_string(&wanted.config)?,
        limits: serde_json::to_string(&manifest.limits)?,
        manifest: manifest.source.clone(),
    };
    match calculating(tx, from).await? {
        Some(known) if calculates_alike(&known, &row) => {
            // What its numbers are called changes nothing that was or will be charged.
            if known.manifest != row.manifest {
                let row = plugin_activation::Model { from_period: known.from_period, ..row };
                tx.update(plugin_activation::ActiveModel::from(row).reset_all()).await?;
            }
        }
        _ => {
            tx.put(plugin_activation::ActiveModel::from(row).reset_all()).await?;
            let audit = serde_json::json!({ "plugin": info.id, "version": info.version, "hash": info.hash });
            tx.audit("billing.plugin_activated", from, audit).await?;
            changes.push(format!("плагин {} {} рассчитывает с {from}", info.id, info.version));
        }
    }
    announce(tx, &changes).await?;
    Ok(changes)
}

fn calculates_alike(one: &plugin_activation::Model, other: &plugin_activation::Model) -> bool {
    one.hash == other.hash && one.config == other.config && one.limits == other.limits
}

/// The component that calculates in `period` with its `plugin.toml`, which is empty where an earlier release installed
/// it; nothing before the company has a plugin.
pub(crate) async fn installed(tx: &Tx, period: Period) -> Result<Option<(Vec<u8>, String)>, Error> {
    let Some(row) = calculating(tx, period).await? else { return Ok(None) };
    Ok(store::component(tx, &row.hash).await?.map(|component| (component, row.manifest)))
}

/// A plugin as it calculates from a month on.
#[derive(Clone, Debug)]
pub struct Activated {
    /// The first month.
    pub from: Period,
    /// SHA-256 of the component, hexadecimal.
    pub hash: String,
    /// The plugin's id.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its `plugin.toml`; none where an earlier release installed it.
    pub manifest: Option<Manifest>,
    /// The company's numbers for it.
    pub config: PluginConfig,
    /// What it may use.
    pub limits: Limits,
}

#[derive(FromQueryResult)]
struct Row {
    from_period: Period,
    hash: String,
    name: String,
    version: String,
    manifest: String,
    config: String,
    limits: String,
}

/// What calculated, calculates and will calculate, the earliest first.
pub async fn activated(tx: &Tx) -> Result<Vec<Activated>, Error> {
    let sql = "SELECT a.from_period, a.hash, p.name, p.version, a.manifest, a.config, a.limits
               FROM plugin_activation a JOIN plugin p ON p.tenant_id = a.tenant_id AND p.hash = a.hash
               WHERE a.tenant_id = $1 ORDER BY a.from_period";
    let rows: Vec<Row> = tx.rows(sql, Vec::new()).await?;
    let activated = |row: Row| {
        Ok(Activated {
            from: row.from_period,
            hash: row.hash,
            name: row.name,
            version: row.version,
            manifest: Manifest::read(&row.manifest).ok(),
            config: serde_json::from_str(&row.config)?,
            limits: serde_json::from_str(&row.limits)?,
        })
    };
    rows.into_iter().map(activated).collect()
}
