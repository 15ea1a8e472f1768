//! Brings a company in the database to what its package says, in one transaction.

use std::sync::Arc;

use kabinet_accounts::{AccountsSettings, MODULE as ACCOUNTS};
use kabinet_billing::catalog::{self, CheckedPlugin};
use kabinet_billing::{BillingSettings, Entry, Error as CatalogError, MODULE as BILLING};
use kabinet_core::tenancy::TenantId;
use kabinet_core::{Actor, Db, DbError, Tenant, Tenants, Tx};
use kabinet_meters::{MODULE as METERS, MetersSettings};
use kabinet_notifications::{MODULE as NOTIFICATIONS, NotificationsSettings};
use kabinet_paperless::{MODULE as PAPERLESS, PaperlessSettings};
use kabinet_requests::{MODULE as REQUESTS, RequestsSettings};
use kabinet_residents::gosuslugi::settings as gosuslugi;
use kabinet_residents::{MODULE as RESIDENTS, ResidentsSettings};
use sha2::{Digest, Sha256};

use super::document::Problem;
use super::package::{Package, TARIFFS, TENANT};

/// The name of the logo among the brand files.
const LOGO: &str = "logo";

/// Why a package was not applied; the database is as before.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// It contradicts what is in the database.
    #[error("{0}")]
    Refused(Problem),
    /// The catalogue refused it.
    #[error(transparent)]
    Catalog(#[from] kabinet_billing::Error),
    /// The catalogue of paid services refused it.
    #[error("paid_services: {0}")]
    Requests(#[from] kabinet_requests::Error),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Applies a checked package; the changes in words, none when all was as it says.
pub async fn apply(
    package: &Package,
    plugin: &CheckedPlugin,
    db: &Db,
    tenants: &Tenants,
) -> Result<Vec<String>, ApplyError> {
    refuse_foreign_hosts(package, tenants).await?;
    let before = tenants.by_slug(&package.slug).await?;
    let hosts = match &before {
        Some(company) => tenants.hosts(company.id).await?,
        None => Vec::new(),
    };
    let wanted = company(package, before.as_deref(), db);
    let mut tx = db.begin(&wanted, Actor::System).await?;
    let mut changes = identity(&mut tx, package, before.as_deref(), &hosts).await?;
    changes.extend(brand(&mut tx, package).await?);
    changes.extend(features(&mut tx, package).await?);
    changes.extend(catalogue(&mut tx, package, plugin).await?);
    changes.extend(readings(&mut tx, package, before.as_deref()).await?);
    changes.extend(requests(&mut tx, package, before.as_deref()).await?);
    changes.extend(paperless(&mut tx, package).await?);
    changes.extend(notifications(&mut tx, package, before.as_deref()).await?);
    // Also where nothing changed: a release may remember more of what a package said than the one before it.
    tx.commit().await?;
    Ok(changes)
}

/// The companies, one line each: slug, name, hosts, state.
pub async fn list(tenants: &Tenants) -> Result<Vec<String>, DbError> {
    let mut lines = Vec::new();
    for company in tenants.all().await? {
        let hosts = tenants.hosts(company.id).await?.join(", ");
        lines.push(format!("{}\t{}\t{}\t{}", company.slug, company.name, hosts, company.status));
    }
    Ok(lines)
}

async fn refuse_foreign_hosts(package: &Package, tenants: &Tenants) -> Result<(), ApplyError> {
    for host in &package.hosts {
        let owner = tenants.by_host(host).await?.filter(|owner| owner.slug != package.slug);
        if let Some(owner) = owner {
            return Err(ApplyError::Refused(Problem {
                file: TENANT.to_owned(),
                line: package.places.line(TENANT, "hosts"),
                field: "hosts".to_owned(),
                message: format!("«{host}» принадлежит компании {}", owner.slug),
            }));
        }
    }
    Ok(())
}

/// The company as the package wants it, with the switches and settings it has now.
fn company(package: &Package, before: Option<&Tenant>, db: &Db) -> Arc<Tenant> {
    let mut wanted = before.cloned().unwrap_or_else(|| Tenant {
        id: TenantId(db.entropy().id(db.clock().now())),
        slug: package.slug.clone(),
        name: String::new(),
        status: "active".to_owned(),
        zone: package.zone,
        profile: kabinet_core::CompanyProfile::default(),
        canonical_host: String::new(),
        package_hash: String::new(),
        features: std::collections::HashSet::new(),
        settings: std::collections::HashMap::new(),
        assets: std::collections::HashMap::new(),
    });
    wanted.name.clone_from(&package.name);
    wanted.zone = package.zone;
    wanted.profile.clone_from(&package.profile);
    wanted.package_hash.clone_from(&package.hash);
    wanted.canonical_host = package.hosts.first().cloned().unwrap_or_default();
    Arc::new(wanted)
}

async fn identity(
    tx: &mut Tx,
    package: &Package,
    before: Option<&Tenant>,
    hosts: &[String],
) -> Result<Vec<String>, ApplyError> {
    let mut changes = Vec::new();
    match before {
        None => changes.push(format!("компания {} создана", package.slug)),
        Some(old) => {
            let differs = [
                ("название", old.name != package.name),
                ("часовой пояс", old.zone != package.zone),
                ("реквизиты и контакты", old.profile != package.profile),
                ("файлы пакета", old.package_hash != package.hash),
            ];
            let changed = differs.into_iter().filter(|(_, differs)| *differs);
            changes.extend(changed.map(|(what, _)| format!("{what}: изменено")));
        }
    }
    if !changes.is_empty() {
        tx.save_company().await?;
    }
    if !same_hosts(hosts, &package.hosts) {
        tx.set_hosts(&package.hosts).await?;
        changes.push(format!("адреса портала: {}", package.hosts.join(", ")));
    }
    Ok(changes)
}

/// Whether the canonical host is the same and so are the others, whatever their order.
fn same_hosts(stored: &[String], wanted: &[String]) -> bool {
    let sorted = |hosts: &[String]| {
        let mut rest: Vec<String> = hosts.get(1..).unwrap_or_default().to_vec();
        rest.sort();
        rest
    };
    stored.first() == wanted.first() && sorted(stored) == sorted(wanted)
}

async fn brand(tx: &mut Tx, package: &Package) -> Result<Vec<String>, ApplyError> {
    let stored = tx.tenant().assets.get(LOGO).cloned();
    match &package.logo {
        Some(logo) => {
            let hash = hex::encode(Sha256::digest(&logo.content));
            if stored.as_ref() == Some(&hash) {
                return Ok(Vec::new());
            }
            tx.set_brand_file(LOGO, logo.content_type, &hash, logo.content.clone()).await?;
            Ok(vec!["логотип сохранён".to_owned()])
        }
        None if stored.is_some() => {
            tx.remove_brand_file(LOGO).await?;
            Ok(vec!["логотип убран".to_owned()])
        }
        None => Ok(Vec::new()),
    }
}

async fn features(tx: &mut Tx, package: &Package) -> Result<Vec<String>, ApplyError> {
    let mut changes = Vec::new();
    let mut named: Vec<String> = tx.tenant().features.iter().cloned().chain(package.features.clone()).collect();
    named.sort();
    named.dedup();
    for module in named {
        let on = package.features.contains(&module);
        if tx.set_feature(&module, on).await? {
            changes.push(format!("модуль {module} {}", if on { "включён" } else { "выключен" }));
        }
    }
    Ok(changes)
}

/// Rules for readings: what staff changed stays until the package itself changes.
async fn readings(tx: &mut Tx, package: &Package, before: Option<&Tenant>) -> Result<Vec<String>, ApplyError> {
    let same = before.is_some_and(|before| before.package_hash == package.hash);
    if same || MetersSettings::of(tx.tenant())? == package.readings {
        return Ok(Vec::new());
    }
    let changed = tx.set_settings(METERS, &package.readings).await?;
    Ok(changed.then(|| "приём показаний: изменено".to_owned()).into_iter().collect())
}

/// Deadlines and paid services. A price that staff changed stays until the package itself changes.
async fn requests(tx: &mut Tx, package: &Package, before: Option<&Tenant>) -> Result<Vec<String>, ApplyError> {
    let mut changes = Vec::new();
    if RequestsSettings::of(tx.tenant())? != package.requests.settings
        && tx.set_settings(REQUESTS, &package.requests.settings).await?
    {
        changes.push("сроки заявок: изменено".to_owned());
    }
    if before.is_none_or(|before| before.package_hash != package.hash) {
        changes.extend(kabinet_requests::catalogue::set(tx, &package.requests.services).await?);
    }
    Ok(changes)
}

async fn paperless(tx: &mut Tx, package: &Package) -> Result<Vec<String>, ApplyError> {
    let differs = PaperlessSettings::of(tx.tenant())? != package.paperless;
    let changed = differs && tx.set_settings(PAPERLESS, &package.paperless).await?;
    Ok(changed.then(|| "заявления об отказе от бумажной квитанции: изменено".to_owned()).into_iter().collect())
}

/// Channels, quiet hours and automatic notices. What was changed since stays until the package itself changes.
async fn notifications(tx: &mut Tx, package: &Package, before: Option<&Tenant>) -> Result<Vec<String>, ApplyError> {
    let new = before.is_none_or(|before| before.package_hash != package.hash);
    let differs = new && NotificationsSettings::of(tx.tenant())? != package.notifications;
    let changed = differs && tx.set_settings(NOTIFICATIONS, &package.notifications).await?;
    Ok(changed.then(|| "уведомления: изменено".to_owned()).into_iter().collect())
}

async fn catalogue(tx: &mut Tx, package: &Package, plugin: &CheckedPlugin) -> Result<Vec<String>, ApplyError> {
    let applied = catalog::apply_package(tx, &package.catalog).await;
    let mut changes = applied.map_err(|error| at_its_place(package, error))?;
    let source = &package.plugin;
    changes.extend(catalog::apply_plugin(tx, plugin, &source.activation, &source.said()).await?);
    let own = package.template.as_ref().map(|template| template.source.as_str());
    let (hash, saved) = catalog::apply_template(tx, own).await?;
    changes.extend(saved);
    let billing = BillingSettings { receipt_template: hash, ..package.billing.clone() };
    if tx.set_settings(BILLING, &billing).await? {
        changes.push("квитанция и начисления: изменено".to_owned());
    }
    if ResidentsSettings::of(tx.tenant())? != package.residents
        && tx.set_settings(RESIDENTS, &package.residents).await?
    {
        changes.push("учётные записи абонентов: изменено".to_owned());
    }
    if tx.set_settings(gosuslugi::SETTINGS, &package.gosuslugi).await? {
        changes.push("вход через Госуслуги: изменено".to_owned());
    }
    if tx.set_settings(ACCOUNTS, &AccountsSettings { linking: package.linking }).await? {
        changes.push("привязка лицевых счетов: изменено".to_owned());
    }
    Ok(changes)
}

/// A refusal of the catalogue with the file, line and field of the package that it is about.
fn at_its_place(package: &Package, error: CatalogError) -> ApplyError {
    let Some((file, field)) = place(package, &error) else { return ApplyError::Catalog(error) };
    let line = package.places.line(file, &field);
    ApplyError::Refused(Problem { file: file.to_owned(), line, field, message: error.to_string() })
}

fn place(package: &Package, error: &CatalogError) -> Option<(&'static str, String)> {
    let catalog = &package.catalog;
    let of_service = |code: &str, field: &str| {
        let at = catalog.services.iter().position(|service| service.what.code == *code)?;
        Some((TENANT, format!("services[{at}].{field}")))
    };
    match error {
        CatalogError::ServiceBilled(code) => of_service(code, "receipt"),
        CatalogError::PublishedTerms { entry: Entry::Service(code), .. } => of_service(code, "from"),
        CatalogError::PublishedTerms { entry: Entry::ReceiptKind(code), .. } => {
            let at = catalog.receipt_kinds.iter().position(|kind| kind.what.code == *code)?;
            Some((TENANT, format!("receipt_kinds[{at}].from")))
        }
        CatalogError::PublishedTerms { entry: Entry::DueDay(month), .. } => {
            // A rule that the package dropped stands nowhere.
            let at = catalog.due_days.iter().position(|rule| rule.from_period == *month);
            Some((TENANT, at.map_or_else(|| "due_days".to_owned(), |at| format!("due_days[{at}].from"))))
        }
        CatalogError::TariffInUse { service, from, .. } | CatalogError::WithinMonth { service, from } => {
            let mut own = catalog.tariffs.iter().filter(|tariff| tariff.service == *service);
            let at = own.position(|tariff| tariff.from == *from)?;
            Some((TARIFFS, format!("{service}[{at}].from")))
        }
        _ => None,
    }
}
