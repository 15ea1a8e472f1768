//! A published month computed again from what was frozen with it, and compared with what was published.

use std::collections::HashMap;
use std::sync::Arc;

use kabinet_contracts::AccountId;
use kabinet_core::{Actor, Db, DbError, Money, Period, Tenant, Tx};
use kabinet_plugin_host::TariffPlugin;
use kabinet_plugin_host::api::Account;
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter};
use uuid::Uuid;

use super::work::START;
use crate::calculation::{self, AccountRows, Facts, ServiceCharge, Standing};
use crate::entity::{billing_run, charge};
use crate::error::Error;
use crate::houses::Houses;
use crate::plan::{Plan, Snapshot};
use crate::plugins::Plugins;
use crate::store;

/// Accounts read and calculated together.
const BATCH: i64 = 1000;
/// Differences that are named.
const NAMED: usize = 20;

/// What an account's bill is made of, as it is kept with the run: what the plugin is given, and what the account owed
/// and paid. No table that changes later is asked again.
pub(super) fn freeze(input: &Account, standing: &Standing) -> Result<Vec<u8>, Error> {
    postcard::to_allocvec(&(input, standing)).map_err(|error| Error::Stopped(error.to_string()))
}

/// How a replay came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// Accounts calculated.
    pub accounts: u32,
    /// The published result hash.
    pub published: String,
    /// The hash of what was calculated now.
    pub calculated: String,
    /// The first charges that came out otherwise, in words.
    pub differences: Vec<String>,
}

impl Replay {
    /// Whether everything is as it was, to the byte.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.published == self.calculated && self.differences.is_empty()
    }
}

/// Computes the published month `period` again, with its plugin, from its frozen inputs. Nothing is written;
/// `progress` hears of accounts done and their total.
pub async fn replay(
    db: &Db,
    tenant: &Arc<Tenant>,
    plugins: &Plugins,
    period: Period,
    mut progress: impl FnMut(u32, u32),
) -> Result<Replay, Error> {
    let tx = db.read(tenant, Actor::System).await?;
    let run = store::published(&tx, period).await?.ok_or(Error::NoSuchRun)?;
    let snapshot: Snapshot = serde_json::from_str(&run.snapshot)?;
    let plugin = plugins.load(&tx, &run.plugin_hash, snapshot.limits).await?;
    let houses = Houses::of(&tx, run.id).await?;
    tx.commit().await?;
    let plan = Arc::new(Plan::new(period, snapshot).with_houses(houses));
    let (mut after, mut hash, mut scratch) = (AccountId(Uuid::nil()), START, String::new());
    let mut replay =
        Replay { accounts: 0, published: run.result_hash.clone(), calculated: String::new(), differences: Vec::new() };
    loop {
        let tx = db.read(tenant, Actor::System).await?;
        let frozen = Frozen::read(&tx, &run, after, BATCH).await?;
        tx.commit().await?;
        let Some(last) = frozen.last() else { break };
        after = last;
        let stored = frozen.stored.clone();
        let (plan, plugin) = (plan.clone(), plugin.clone());
        let bills = tokio::task::spawn_blocking(move || frozen.bills(&plan, &plugin)).await;
        for (number, bill) in bills.map_err(|error| Error::Stopped(error.to_string()))?? {
            hash = bill.chained(hash, &mut scratch);
            replay.accounts += 1;
            replay.compare(&number, &bill, stored.get(&bill.account).map_or(&[], Vec::as_slice));
        }
        progress(replay.accounts, run.done.unsigned_abs());
    }
    replay.calculated = hex::encode(hash);
    Ok(replay)
}

impl Replay {
    fn compare(&mut self, number: &str, bill: &AccountRows, stored: &[charge::Model]) {
        for new in &bill.charges {
            let old = stored.iter().find(|old| old.service_code == new.service);
            if old.is_none_or(|old| !same(old, new)) && self.differences.len() < NAMED {
                let was = old.map_or(Money::ZERO, |old| old.charged + old.recalculation + old.penalty);
                let is = new.charged + new.recalculation + new.penalty;
                self.differences.push(format!("лицевой счёт {number}, {}: было {was}, получилось {is}", new.service));
            }
        }
        if stored.len() != bill.charges.len() && self.differences.len() < NAMED {
            self.differences.push(format!("лицевой счёт {number}: другое число услуг"));
        }
    }
}

fn same(old: &charge::Model, new: &ServiceCharge) -> bool {
    let sums = crate::totals::Totals::from(old) == crate::totals::Totals::from(new) && old.excess == new.excess;
    let figures = (old.volume, old.tariff, old.norm, old.coefficient);
    sums && old.method == new.method
        && old.trace == new.trace
        && figures == (new.volume, new.tariff, new.norm, new.coefficient)
}

#[derive(FromQueryResult)]
struct Row {
    account_id: AccountId,
    facts: String,
    input: Option<Vec<u8>>,
}

/// What was frozen of some accounts, in the order of their identifiers.
pub(super) struct Frozen {
    accounts: Vec<(AccountId, String)>,
    inputs: Vec<Account>,
    standings: Vec<Standing>,
    /// What they were charged.
    pub(super) stored: HashMap<AccountId, Vec<charge::Model>>,
}

impl Frozen {
    /// Up to `limit` accounts behind `after`.
    pub(super) async fn read(tx: &Tx, run: &billing_run::Model, after: AccountId, limit: i64) -> Result<Self, Error> {
        let rows: Vec<Row> = tx
            .rows(
                "SELECT account_id, facts, input FROM receipt_facts
                 WHERE tenant_id = $1 AND run_id = $2 AND account_id > $3 ORDER BY account_id LIMIT $4",
                vec![run.id.into(), after.into(), limit.into()],
            )
            .await?;
        let mut frozen =
            Self { accounts: Vec::new(), inputs: Vec::new(), standings: Vec::new(), stored: HashMap::new() };
        for (index, row) in (0_u32..).zip(rows) {
            let input = row.input.ok_or(Error::NotReplayable(run.period))?;
            let (input, standing): (Account, Standing) =
                postcard::from_bytes(&input).map_err(|_| Error::NotReplayable(run.period))?;
            frozen.inputs.push(Account { index, ..input });
            frozen.standings.push(standing);
            frozen.accounts.push((row.account_id, row.facts));
        }
        if let (Some((first, _)), Some((last, _))) = (frozen.accounts.first(), frozen.accounts.last()) {
            frozen.stored = stored(tx, run, *first, *last).await?;
        }
        Ok(frozen)
    }

    fn last(&self) -> Option<AccountId> {
        self.accounts.last().map(|(account, _)| *account)
    }

    /// The bills, each with the account's printed number.
    pub(super) fn bills(self, plan: &Plan, plugin: &TariffPlugin) -> Result<Vec<(String, AccountRows)>, Error> {
        let named = |facts: &str| serde_json::from_str::<Facts>(facts).map(|facts| facts.number).unwrap_or_default();
        let numbers: Vec<String> = self.accounts.iter().map(|(_, facts)| named(facts)).collect();
        let number = |index: usize| numbers.get(index).cloned().unwrap_or_default();
        let (_, charges) = calculation::charge(plan, plugin, self.inputs, number)?;
        let bill = |(((account, facts), standing), charges)| calculation::bill(plan, account, standing, charges, facts);
        let bills = self.accounts.into_iter().zip(&self.standings).zip(&charges).map(bill);
        Ok(numbers.iter().cloned().zip(bills).collect())
    }
}

async fn stored(
    tx: &Tx,
    run: &billing_run::Model,
    first: AccountId,
    last: AccountId,
) -> Result<HashMap<AccountId, Vec<charge::Model>>, DbError> {
    let these = charge::Entity::find()
        .filter(charge::Column::RunId.eq(run.id))
        .filter(charge::Column::AccountId.between(first, last));
    let mut found: HashMap<AccountId, Vec<charge::Model>> = HashMap::new();
    for row in tx.all(these).await? {
        found.entry(row.account_id).or_default().push(row);
    }
    Ok(found)
}
