//! Houses, accounts and meters of a made-up town, in bulk and only once.

use std::collections::HashMap;
use std::sync::Arc;

use kabinet_accounts::registry;
use kabinet_contracts::{AccountId, MeterId};
use kabinet_core::{Actor, Period, Quantity, Tenant, Tx};
use kabinet_meters::meters::NewMeter;
use kabinet_meters::{Resource, meters};
use sea_orm::FromQueryResult;
use serde_json::json;

use super::city::{BLOCK, City};
use super::dials::Dial;
use crate::company::Package;
use crate::composition::App;

/// Accounts in one transaction: whole blocks, and short enough for SQLite's one writer.
const CHUNK: u64 = 20 * BLOCK;

/// A meter of the town as it stands.
#[derive(Clone, Debug)]
pub(crate) struct Metered {
    pub(crate) dial: Dial,
    pub(crate) id: MeterId,
    /// The month of its last reading.
    pub(crate) read: Period,
    /// What it showed then.
    pub(crate) shown: Vec<Quantity>,
}

/// What the company measures with meters in the flats.
pub(super) fn resources(package: &Package) -> Vec<Resource> {
    let services = package.catalog.services.iter().map(|service| &service.what);
    let metered = services.filter(|service| service.rule == "metered");
    metered.filter_map(|service| Resource::from_code(&service.code)).collect()
}

/// Adds the accounts that are missing, with their houses and meters; all meters as they stand.
pub(super) async fn accounts(
    app: &App,
    tenant: &Arc<Tenant>,
    city: &City,
    accounts: u64,
    resources: &[Resource],
    say: &(dyn Fn(&str) + Sync),
) -> anyhow::Result<Vec<Metered>> {
    let tx = app.db.read(tenant, Actor::System).await?;
    let there = count(&tx).await?;
    let latest = latest(&tx).await?;
    let successors = successors(&tx).await?;
    tx.commit().await?;
    let mut all = Vec::new();
    let mut from = 0;
    while from < accounts {
        let numbers = from..accounts.min(from + CHUNK);
        let dials: Vec<Dial> = numbers.clone().flat_map(|number| Dial::of(city, number, resources)).collect();
        let installations: Vec<NewMeter> = dials.iter().map(|dial| dial.installation(city)).collect();
        let ids = if numbers.end <= there {
            // Nothing is written: the meters are there and only found again.
            let tx = app.db.read(tenant, Actor::System).await?;
            meters::install_many(&tx, installations).await?
        } else {
            let tx = app.db.begin(tenant, Actor::System).await?;
            registry::add_houses(&tx, &city.houses(numbers.clone())).await?;
            let new: Vec<_> = numbers.clone().map(|number| city.account(number)).collect();
            registry::add_accounts(&tx, &new).await?;
            let ids = meters::install_many(&tx, installations).await?;
            tx.audit("demo.filled", "accounts", json!({ "from": numbers.start, "to": numbers.end })).await?;
            tx.commit().await?;
            say(&format!("{}: {} accounts", tenant.slug, numbers.end));
            ids
        };
        all.extend(dials.into_iter().zip(ids).map(|(dial, id)| {
            // What hangs in the place of a meter now goes on counting.
            let id = successors.get(&id).copied().unwrap_or(id);
            let (read, shown) = latest.get(&id).cloned().unwrap_or_else(|| (city.first.previous(), dial.initial(city)));
            Metered { shown, read, id, dial }
        }));
        from = numbers.end;
    }
    Ok(all)
}

/// The account's number, which its identifier begins with.
pub(super) fn number_of(account: AccountId) -> u64 {
    u64::try_from(account.0.as_u128() >> 80).unwrap_or(u64::MAX)
}

async fn count(tx: &Tx) -> anyhow::Result<u64> {
    #[derive(FromQueryResult)]
    struct Count {
        accounts: i64,
    }
    let rows: Vec<Count> = tx.rows("SELECT count(*) AS accounts FROM account WHERE tenant_id = $1", vec![]).await?;
    Ok(rows.first().map_or(0, |row| row.accounts.unsigned_abs()))
}

/// The meters that took others' places, by those others.
async fn successors(tx: &Tx) -> anyhow::Result<HashMap<MeterId, MeterId>> {
    #[derive(FromQueryResult)]
    struct Row {
        id: MeterId,
        replaces: MeterId,
    }
    let sql = "SELECT id, replaces FROM meter WHERE tenant_id = $1 AND replaces IS NOT NULL";
    let rows: Vec<Row> = tx.rows(sql, vec![]).await?;
    Ok(rows.into_iter().map(|row| (row.replaces, row.id)).collect())
}

/// The latest reading of each meter that was read.
async fn latest(tx: &Tx) -> anyhow::Result<HashMap<MeterId, (Period, Vec<Quantity>)>> {
    #[derive(FromQueryResult)]
    struct Row {
        meter_id: MeterId,
        period: Period,
        value_t1: Quantity,
        value_t2: Option<Quantity>,
        value_t3: Option<Quantity>,
    }
    let sql = "SELECT r.meter_id, r.period, r.value_t1, r.value_t2, r.value_t3 FROM reading r
               WHERE r.tenant_id = $1 AND r.withdrawn_at IS NULL
                 AND r.taken_on = (SELECT max(o.taken_on) FROM reading o
                     WHERE o.tenant_id = r.tenant_id AND o.meter_id = r.meter_id AND o.withdrawn_at IS NULL)
               ORDER BY r.created_at, r.id";
    let rows: Vec<Row> = tx.rows(sql, vec![]).await?;
    let values = |row: &Row| [Some(row.value_t1), row.value_t2, row.value_t3].into_iter().flatten().collect();
    Ok(rows.into_iter().map(|row| (row.meter_id, (row.period, values(&row)))).collect())
}
