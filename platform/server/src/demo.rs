//! Made-up companies through the platform's own doors: accounts, meters, readings and payments are
//! functions of (seed, account, period); charges come from real runs of billing.
//!
//! The same generators fill the demo (two companies, fourteen months) and the databases that are
//! measured (any number of companies and accounts).

mod chance;
mod city;
mod dials;
mod fill;
pub mod gosuslugi;
mod houses;
mod logins;
mod meters;
mod months;
mod names;
mod notifications;
mod paperless;
mod payers;
mod requests;

use std::sync::Arc;

use anyhow::{Context, bail};
use kabinet_billing::catalog::{self, Section, Tariff};
use kabinet_billing::runs;
use kabinet_core::{Actor, Period, Tenant, Timestamp};
use serde::{Deserialize, Serialize};

use crate::company::{self, CheckTools, Package, Template};
use crate::composition::App;
use crate::places::Places;

pub use chance::Chance;
pub use city::{City, Dwelling};
pub use logins::{CompanyLogins, Login, Logins, Unlinked};

/// The companies of the demo, by their folders under `tenants/`.
const COMPANIES: [&str; 2] = ["beregovoy", "teploset"];
/// Accounts of a company of the demo: six blocks.
const ACCOUNTS: u64 = 300;
/// Months that are billed before the demo's first start.
const MONTHS: u32 = 14;
/// What the demo's data are drawn from.
const SEED: u64 = 20_261_122;
/// The module name under which a made-up company remembers what it was made from.
const SETTINGS: &str = "demo";

/// What a made-up company was made from; stored with it, so that later starts continue the same town.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The seed.
    pub seed: u64,
    /// How many accounts it has.
    pub accounts: u64,
    /// The first month that is billed, `yyyymm`.
    pub first: i32,
}

/// How large made-up data are to be.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Companies.
    pub tenants: u32,
    /// Accounts of each.
    pub accounts: u64,
    /// Months with readings and bills, the last of which is the latest complete one.
    pub months: u32,
    /// Residents of each, with one linked account; all have the same password.
    pub residents: u64,
    /// Whether the latest month is left unbilled, for a run to be measured.
    pub leave_last: bool,
}

/// Creates what is missing of the demo and bills the months that fell due. What visitors did stays. The
/// logins are returned and written to `demo.json` in the data folder.
pub async fn bring_up_to_date(app: &App, places: &Places, say: &(dyn Fn(&str) + Sync)) -> anyhow::Result<Logins> {
    catch_up(app).await?;
    let mut companies = Vec::new();
    for slug in COMPANIES {
        let package = package(app, places, slug)?;
        let wanted = Wanted { seed: SEED, accounts: ACCOUNTS, months: MONTHS };
        let mut town = open(app, places, &package, wanted, say).await?;
        let due = months::latest_due(now(app), town.tenant.zone);
        months::bill_through(app, &mut town, due, say).await?;
        let company = logins::of_company(app, &town).await?;
        meters::show(app, &town).await?;
        requests::file(app, &town, &company.resident.email).await?;
        notifications::write(app, &town, &company.resident.email).await?;
        paperless::refuse(app, &town, &company.resident.email).await?;
        companies.push(company);
    }
    let logins = Logins { companies };
    logins.write(&app.config.data.dir)?;
    Ok(logins)
}

/// A demo that starts again on the same `demo.now` goes on where it was left.
async fn catch_up(app: &App) -> anyhow::Result<()> {
    if app.config.demo.now.is_empty() {
        return Ok(());
    }
    for slug in COMPANIES {
        if let Some(tenant) = app.tenants.by_slug(slug).await? {
            let tx = app.db.read(&tenant, Actor::System).await?;
            if let Some(latest) = tx.latest_deed().await? {
                app.db.clock().catch_up(latest.plus_seconds(1));
            }
        }
    }
    Ok(())
}

/// Fills the database with made-up companies `town-1`, `town-2`, … of any size.
pub async fn seed(
    app: &App,
    places: &Places,
    size: Size,
    seed: u64,
    say: &(dyn Fn(&str) + Sync),
) -> anyhow::Result<()> {
    for number in 1..=size.tenants {
        let mut package = package(app, places, COMPANIES[0])?;
        leave_out_houses(&mut package);
        package.slug = format!("town-{number}");
        package.name = format!("УК «Город {number}»");
        package.hosts = vec![format!("town-{number}.localhost")];
        let wanted = Wanted { seed, accounts: size.accounts, months: size.months };
        let mut town = open(app, places, &package, wanted, say).await?;
        let due = months::latest_due(now(app), town.tenant.zone);
        let last = if size.leave_last { due.previous() } else { due };
        months::bill_through(app, &mut town, last, say).await?;
        if size.leave_last {
            months::prepare(app, &mut town, due).await?;
        }
        logins::add_admin(app, &town).await?;
        logins::add_residents(app, &town, size.residents).await?;
        say(&format!("{}: done", package.slug));
    }
    Ok(())
}

/// Towns that are measured have the six services of the flats alone.
fn leave_out_houses(package: &mut Package) {
    let catalog = &mut package.catalog;
    catalog.services.retain(|service| service.what.section != Section::CommonProperty);
    catalog.tariffs.retain(|tariff| catalog.services.iter().any(|service| service.what.code == tariff.service));
}

/// A company with its made-up town, whose accounts and meters are there.
struct Town {
    tenant: Arc<Tenant>,
    city: City,
    origin: Origin,
    meters: Vec<fill::Metered>,
    resources: Vec<kabinet_meters::Resource>,
}

#[derive(Clone, Copy)]
struct Wanted {
    seed: u64,
    accounts: u64,
    months: u32,
}

fn package(app: &App, places: &Places, slug: &str) -> anyhow::Result<Package> {
    let dir = places.tenants()?.join(slug);
    let known = app.registry.optional();
    company::read(&dir, &known).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}: {}", dir.display(), lines.join("; "))
    })
}

/// Applies the package and fills the town with accounts and meters.
async fn open(
    app: &App,
    places: &Places,
    package: &Package,
    wanted: Wanted,
    say: &(dyn Fn(&str) + Sync),
) -> anyhow::Result<Town> {
    let tools =
        CheckTools { plugins: app.plugins.clone(), printer: app.printer.clone(), plugins_dir: places.plugins()? };
    let package = &with_history(app, package).await?;
    let template = new_template(app, package).await?;
    let plugin = company::check_files(package, template, &tools).await.map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}: {}", package.slug, lines.join("; "))
    })?;
    company::apply(package, &plugin, &app.db, &app.tenants).await.with_context(|| package.slug.clone())?;
    let origin = origin(app, package, wanted).await?;
    let tenant = tenant(app, &package.slug).await?;
    let city = City::new(Chance::new(origin.seed, &package.slug), Period(origin.first));
    let resources = fill::resources(package);
    let meters = fill::accounts(app, &tenant, &city, origin.accounts, &resources, say).await?;
    Ok(Town { tenant, city, origin, meters, resources })
}

/// The package with the terms that published months were charged by: a demo that an earlier release began goes on.
async fn with_history(app: &App, package: &Package) -> anyhow::Result<Package> {
    let mut package = package.clone();
    if let Some(tenant) = app.tenants.by_slug(&package.slug).await? {
        let tx = app.db.read(&tenant, Actor::System).await?;
        if let Some(published) = runs::latest_published(&tx).await? {
            let is_past = |tariff: &Tariff| tariff.from.period() <= published;
            let past: Vec<Tariff> = catalog::edit::tariffs(&tx).await?.into_iter().filter(is_past).collect();
            package.catalog.tariffs.retain(|tariff| !is_past(tariff));
            package.catalog.tariffs.extend(past);
        }
        tx.commit().await?;
    }
    Ok(package)
}

/// The package's receipt template, unless the company has it already: it was tried when it came, which takes longer
/// than all else of a later start.
async fn new_template<'p>(app: &App, package: &'p Package) -> anyhow::Result<Option<&'p Template>> {
    let (Some(template), Some(tenant)) = (&package.template, app.tenants.by_slug(&package.slug).await?) else {
        return Ok(package.template.as_ref());
    };
    let tx = app.db.read(&tenant, Actor::System).await?;
    let known = catalog::has_template(&tx, &template.source).await?;
    tx.commit().await?;
    Ok((!known).then_some(template))
}

async fn tenant(app: &App, slug: &str) -> anyhow::Result<Arc<Tenant>> {
    match app.tenants.by_slug(slug).await? {
        Some(tenant) => Ok(tenant),
        None => bail!("{slug}: нет такой компании"),
    }
}

/// What the company was made from, stored at its first start.
async fn origin(app: &App, package: &Package, wanted: Wanted) -> anyhow::Result<Origin> {
    let tenant = tenant(app, &package.slug).await?;
    let stored: Origin = tenant.settings(SETTINGS)?;
    if stored.accounts > 0 {
        return Ok(stored);
    }
    let last = months::latest_due(now(app), tenant.zone);
    let first = last.plus(1 - i32::try_from(wanted.months.max(1))?);
    let origin = Origin { seed: wanted.seed, accounts: wanted.accounts, first: first.0 };
    let mut tx = app.db.begin(&tenant, Actor::System).await?;
    tx.set_settings(SETTINGS, &origin).await?;
    tx.commit().await?;
    Ok(origin)
}

/// The present moment of the platform.
fn now(app: &App) -> Timestamp {
    app.db.clock().now()
}
