//! Who may enter a made-up company: its resident, its administrator, and accounts free to be linked.

use std::collections::HashSet;
use std::path::Path;

use anyhow::Context;
use kabinet_accounts::links;
use kabinet_contracts::{AccountId, ResidentId};
use kabinet_core::{Actor, Tx};
use kabinet_residents::{password, people};
use sea_orm::FromQueryResult;
use serde::{Deserialize, Serialize};

use super::Town;
use super::city::{BLOCK, Dwelling};
use super::dials::{Dial, SHOWN};
use crate::composition::App;

/// The second account of the demo's resident: a flat in another house.
pub(super) const SECOND: u64 = BLOCK + 3;
/// How many accounts are offered for linking.
const OFFERED: usize = 10;

/// All logins of the demo, as `demo.json` holds them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logins {
    /// One entry a company.
    pub companies: Vec<CompanyLogins>,
}

/// The logins of one company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyLogins {
    /// The company.
    pub slug: String,
    /// The host of its portal.
    pub host: String,
    /// Its administrator.
    pub admin: Login,
    /// A resident with two linked accounts.
    pub resident: Login,
    /// Accounts that nobody has linked.
    pub unlinked: Vec<Unlinked>,
}

/// An e-mail and its password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// E-mail.
    pub email: String,
    /// Password.
    pub password: String,
}

/// What a person must know to link an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unlinked {
    /// Account number.
    pub account: String,
    /// House number.
    pub house: String,
    /// Flat number.
    pub flat: String,
    /// Surname of the holder.
    pub surname: String,
}

impl Logins {
    /// Writes `demo.json` into `dir`, whole or not at all.
    pub fn write(&self, dir: &Path) -> anyhow::Result<()> {
        let path = dir.join("demo.json");
        let draft = dir.join("demo.json.new");
        std::fs::write(&draft, serde_json::to_vec_pretty(self)?).with_context(|| draft.display().to_string())?;
        std::fs::rename(&draft, &path).with_context(|| path.display().to_string())
    }
}

/// The company's logins; people who are missing are created.
pub(super) async fn of_company(app: &App, town: &Town) -> anyhow::Result<CompanyLogins> {
    let slug = &town.tenant.slug;
    let resident = login(town, "resident");
    let accounts = [SHOWN, SECOND].map(|number| town.city.account_id(number));
    add_resident(app, town, 0, &resident, Secret::Password, &accounts).await?;
    let admin = add_admin(app, town).await?;
    let tx = app.db.read(&town.tenant, Actor::System).await?;
    let linked = linked(&tx).await?;
    tx.commit().await?;
    let host = town.tenant.canonical_host.clone();
    Ok(CompanyLogins { slug: slug.clone(), host, admin, resident, unlinked: unlinked(town, &linked) })
}

/// Residents `resident1@…` and on, each with one linked account and the password of `resident`.
pub(super) async fn add_residents(app: &App, town: &Town, count: u64) -> anyhow::Result<()> {
    let password = town.city.chance.password("resident");
    // One hash for all: the cost of hashing is not what is measured with them.
    let hash = password::hash_now(&password)?;
    for number in 1..=count.min(town.origin.accounts) {
        let email = format!("resident{number}@{}.example", town.tenant.slug);
        let login = Login { email, password: password.clone() };
        let account = town.city.account_id(number - 1);
        add_resident(app, town, number, &login, Secret::Hash(&hash), &[account]).await?;
    }
    Ok(())
}

enum Secret<'h> {
    Password,
    Hash(&'h str),
}

async fn add_resident(
    app: &App,
    town: &Town,
    number: u64,
    login: &Login,
    secret: Secret<'_>,
    accounts: &[AccountId],
) -> anyhow::Result<()> {
    let id = ResidentId(town.city.chance.id("resident", number));
    let tx = app.db.read(&town.tenant, Actor::System).await?;
    let there = people::resident_by_email(&tx, &login.email).await?.is_some() || known_resident(&tx, id).await?;
    tx.commit().await?;
    if there {
        return Ok(());
    }
    let hash = match secret {
        Secret::Password => password::hash_now(&login.password)?,
        Secret::Hash(hash) => hash.to_owned(),
    };
    let mut tx = app.db.begin(&town.tenant, Actor::System).await?;
    people::create_resident(&tx, id, &login.email, "+79000000000", &hash).await?;
    for account in accounts {
        links::link(&mut tx, id, *account).await?;
    }
    Ok(tx.commit().await?)
}

/// Whether the login was there once: one that its owner deleted is not brought back.
async fn known_resident(tx: &Tx, id: ResidentId) -> anyhow::Result<bool> {
    #[derive(FromQueryResult)]
    struct Row {
        #[allow(dead_code, reason = "that there is a row is the answer")]
        id: ResidentId,
    }
    let rows: Vec<Row> = tx.rows("SELECT id FROM resident WHERE tenant_id = $1 AND id = $2", vec![id.into()]).await?;
    Ok(!rows.is_empty())
}

/// Adds the company's administrator where there is none; the login.
pub(super) async fn add_admin(app: &App, town: &Town) -> anyhow::Result<Login> {
    let (id, login) = (town.city.chance.id("staff", 0), login(town, "admin"));
    let tx = app.db.read(&town.tenant, Actor::System).await?;
    let there = people::staff_member(&tx, id).await?.is_some();
    tx.commit().await?;
    if there {
        return Ok(login);
    }
    let hash = password::hash_now(&login.password)?;
    let tx = app.db.begin(&town.tenant, Actor::System).await?;
    people::create_staff(&tx, id, &login.email, "Администратор", "administrator", &hash).await?;
    tx.commit().await?;
    Ok(login)
}

fn login(town: &Town, who: &str) -> Login {
    let email = format!("{who}@{}.example", town.tenant.slug);
    Login { email, password: town.city.chance.password(who) }
}

async fn linked(tx: &Tx) -> anyhow::Result<HashSet<AccountId>> {
    #[derive(FromQueryResult)]
    struct Row {
        account_id: AccountId,
    }
    let sql = "SELECT l.account_id FROM account_link l WHERE l.tenant_id = $1 AND l.ended_at IS NULL";
    let rows: Vec<Row> = tx.rows(sql, vec![]).await?;
    Ok(rows.into_iter().map(|row| row.account_id).collect())
}

/// Flats of families whose one meter of water counts some three cubic metres a month.
fn unlinked(town: &Town, linked: &HashSet<AccountId>) -> Vec<Unlinked> {
    let city = &town.city;
    let offered = (1..town.origin.accounts).filter(|number| {
        let water = Dial::of(city, *number, &town.resources).into_iter().filter(|dial| dial.zones == 1).count();
        Dwelling::of(*number) == Dwelling::Flat
            && !city.closes(*number)
            && !city.changed_hands(*number)
            && (2..=4).contains(&city.registered(*number))
            && water > 0
            && !linked.contains(&city.account_id(*number))
    });
    let described = offered.filter_map(|number| {
        Some(Unlinked {
            account: city.account_text(number),
            house: city.house_text(number),
            flat: city.flat_text(number),
            surname: city.surname(number)?,
        })
    });
    described.take(OFFERED).collect()
}
