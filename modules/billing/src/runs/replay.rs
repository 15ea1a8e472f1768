//! A published month computed again from what was frozen with it, and compared with what was published.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use kabinet_contracts::{AccountId, RunId};
use kabinet_core::{Actor, Db, DbError, Period, Tenant, Tx};
use kabinet_plugin_host::TariffPlugin;
use kabinet_plugin_host::api::{Account, AveragedMonth};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter};
use uuid::Uuid;

use super::rows::{Rows, Stamp};
use super::stored::{Accounts, Stored};
use super::work::START;
use crate::calculation::{self, AccountRows, Facts, Standing};
use crate::entity::{billing_run, receipt_facts};
use crate::error::Error;
use crate::houses::Houses;
use crate::ledger::Book;
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
    // A correction itself is written as bills say it, without its book.
    let books: Vec<&str> = standing.corrections.iter().map(|(_, correction)| correction.book.code()).collect();
    postcard::to_allocvec(&(input, standing, books)).map_err(|error| Error::Stopped(error.to_string()))
}

/// What [`freeze`] wrote, and whether the books of corrections are known: earlier releases did not keep them.
fn thaw(frozen: &[u8]) -> postcard::Result<(Account, Standing, bool)> {
    let ((input, mut standing), rest) = postcard::take_from_bytes::<(Account, Standing)>(frozen)?;
    let books: Vec<String> = if rest.is_empty() { Vec::new() } else { postcard::from_bytes(rest)? };
    for ((_, correction), book) in standing.corrections.iter_mut().zip(&books) {
        correction.book = Book::of(book);
    }
    let known = books.len() == standing.corrections.len();
    Ok((input, standing, known))
}

/// The months that the bills of some accounts could give back of the service with these tables, as it was frozen with
/// them; nothing of bills that an earlier release kept no inputs of.
pub(crate) async fn averaged(
    tx: &Tx,
    run: RunId,
    tables: &[u16],
    accounts: impl IntoIterator<Item = AccountId>,
) -> Result<HashMap<AccountId, Vec<AveragedMonth>>, DbError> {
    let rows = receipt_facts::Entity::find()
        .filter(receipt_facts::Column::RunId.eq(run))
        .filter(receipt_facts::Column::AccountId.is_in(accounts));
    let months = |row: receipt_facts::Model| {
        let (input, ..) = thaw(&row.input?).ok()?;
        let of_service = input.services.into_iter().filter(|of| tables.contains(&of.service));
        Some((row.account_id, of_service.flat_map(|of| of.averaged).collect()))
    };
    Ok(tx.all(rows).await?.into_iter().filter_map(months).collect())
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
    /// The first stored rows that came out otherwise, in words: charges, receipts, entries of the ledger, arrears.
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
    let plan = Plan::new(period, snapshot).with_houses(houses);
    let again = Arc::new(Again { plan, plugin, stamp: Stamp::of(&run) });
    let (mut after, mut hash) = (AccountId(Uuid::nil()), START);
    let mut replay =
        Replay { accounts: 0, published: run.result_hash.clone(), calculated: String::new(), differences: Vec::new() };
    loop {
        let tx = db.read(tenant, Actor::System).await?;
        let frozen = Frozen::read(&tx, &run, after, BATCH).await?;
        let next = frozen.last();
        // Behind the last account nothing may be stored either.
        let theirs = Accounts { run: run.id, after, last: next.unwrap_or(AccountId(Uuid::max())) };
        let stored = Stored::read(&tx, theirs).await?;
        tx.commit().await?;
        let working = again.clone();
        let checked = tokio::task::spawn_blocking(move || working.check(frozen, stored, hash)).await;
        let checked = checked.map_err(|error| Error::Stopped(error.to_string()))??;
        hash = checked.hash;
        replay.accounts += checked.accounts;
        replay.differences.extend(checked.differences);
        replay.differences.truncate(NAMED);
        let Some(last) = next else { break };
        after = last;
        progress(replay.accounts, run.done.unsigned_abs());
    }
    replay.calculated = hex::encode(hash);
    Ok(replay)
}

/// What a month is calculated again with.
struct Again {
    plan: Plan,
    plugin: TariffPlugin,
    stamp: Stamp,
}

/// What came of a batch.
struct Checked {
    accounts: u32,
    hash: [u8; 32],
    differences: Vec<String>,
}

impl Again {
    /// Calculates a batch and compares it with what is `stored`; `hash` is the link of the batch before.
    fn check(&self, frozen: Frozen, mut stored: Stored, mut hash: [u8; 32]) -> Result<Checked, Error> {
        let bookless = frozen.bookless.clone();
        let (mut rows, mut numbers, mut scratch) = (Rows::default(), HashMap::new(), String::new());
        for (number, mut bill) in frozen.bills(&self.plan, &self.plugin)? {
            hash = bill.chained(hash, &mut scratch);
            numbers.insert(bill.account, number);
            if bookless.contains(&bill.account) {
                bill.postings.clear();
            }
            rows.add_sums(self.stamp, bill);
        }
        stored.entries.retain(|entry| !bookless.contains(&entry.account_id));
        let named = |(account, what): (AccountId, String)| match numbers.get(&account) {
            Some(number) => format!("лицевой счёт {number}, {what}"),
            None => format!("лицевой счёт {account} не рассчитан, {what}"),
        };
        let accounts = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        Ok(Checked { accounts, hash, differences: stored.differences(rows)?.into_iter().map(named).collect() })
    }
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
    /// Those whose entries cannot be told: in which books their corrections are was not kept.
    bookless: HashSet<AccountId>,
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
            Self { accounts: Vec::new(), inputs: Vec::new(), standings: Vec::new(), bookless: HashSet::new() };
        for (index, row) in (0_u32..).zip(rows) {
            let input = row.input.ok_or(Error::NotReplayable(run.period))?;
            let (input, standing, known) = thaw(&input).map_err(|_| Error::NotReplayable(run.period))?;
            if !known {
                frozen.bookless.insert(row.account_id);
            }
            frozen.inputs.push(Account { index, ..input });
            frozen.standings.push(standing);
            frozen.accounts.push((row.account_id, row.facts));
        }
        Ok(frozen)
    }

    pub(super) fn last(&self) -> Option<AccountId> {
        self.accounts.last().map(|(account, _)| *account)
    }

    /// The bills, each with the account's printed number.
    pub(super) fn bills(self, plan: &Plan, plugin: &TariffPlugin) -> Result<Vec<(String, AccountRows)>, Error> {
        if self.accounts.is_empty() {
            return Ok(Vec::new());
        }
        let named = |facts: &str| serde_json::from_str::<Facts>(facts).map(|facts| facts.number).unwrap_or_default();
        let numbers: Vec<String> = self.accounts.iter().map(|(_, facts)| named(facts)).collect();
        let number = |index: usize| numbers.get(index).cloned().unwrap_or_default();
        let (_, charges) = calculation::charge(plan, plugin, self.inputs, number)?;
        let bill = |(((account, facts), standing), charges)| calculation::bill(plan, account, standing, charges, facts);
        let bills = self.accounts.into_iter().zip(&self.standings).zip(&charges).map(bill);
        Ok(numbers.iter().cloned().zip(bills).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Correction;
    use kabinet_core::Money;

    #[test]
    fn books_of_corrections_are_frozen_with_them_and_unknown_where_an_earlier_release_froze() {
        let input = calculation::of_a_flat();
        let (period, amount, basis) = (Period(202_510), Money(-100), "соглашение № 1".to_owned());
        let correction = Correction { period, amount, basis, book: Book::Instalments };
        let standing = Standing { corrections: vec![("waste".to_owned(), correction)], ..Standing::default() };
        let (_, thawed, known) = thaw(&freeze(&input, &standing).expect("frozen")).expect("thawed");
        assert_eq!((thawed.corrections, known), (standing.corrections.clone(), true));
        let earlier = postcard::to_allocvec(&(&input, &standing)).expect("frozen");
        let (_, thawed, known) = thaw(&earlier).expect("thawed");
        assert_eq!((thawed.corrections.first().map(|(_, of)| of.book), known), (Some(Book::Revenue), false));
        let nothing = postcard::to_allocvec(&(&input, &Standing::default())).expect("frozen");
        assert!(thaw(&nothing).expect("thawed").2, "there is nothing to know");
    }
}
