//! The work of a run: while some batches are being inserted, the next is read and calculated.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use kabinet_accounts::roster;
use kabinet_contracts::{AccountId, RunId};
use kabinet_core::{Actor, Db, DbError, Tenant, Tx};
use kabinet_plugin_host::TariffPlugin;
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter};
use tokio::sync::{mpsc, oneshot};

use super::rows::{Rows, Stamp};
use super::{DONE, RUNNING, Run, fail, find, replay};
use crate::calculation::{self, AccountCase};
use crate::entity::billing_run;
use crate::error::Error;
use crate::houses::{self, Houses};
use crate::loading::{self, Base};
use crate::plan::{Plan, Snapshot};
use crate::plugins::Plugins;
use crate::store;
use crate::store::FAILED;

/// Accounts read and calculated together.
const BATCH: u64 = 1000;
/// Accounts inserted in one transaction: on SQLite it holds the only writer, for at most about 50 ms.
const PORTION_SQLITE: usize = 200;
/// Portions inserted at once where each connection has a process of the database to itself.
const AT_ONCE: usize = 2;
/// What the first account's hash is chained to.
pub(super) const START: [u8; 32] = [0; 32];

/// Accounts as they were read, all at one moment.
struct Batch {
    cases: Vec<AccountCase>,
    /// How often readings of each had been submitted, where any had.
    submissions: HashMap<AccountId, i64>,
}

/// Accounts that are ready to be inserted, and the state of the run after them.
struct Portion {
    rows: Rows,
    accounts: i32,
    last: AccountId,
    hash: String,
}

/// A portion's place among the others: its rows are inserted at any time, but it counts behind the one before.
struct Place {
    /// The last account of the one before.
    from: Option<AccountId>,
    /// Comes when the one before counts.
    turn: oneshot::Receiver<()>,
    /// Told when this one does.
    counted: oneshot::Sender<()>,
}

/// Where a run stands.
#[derive(Clone, Copy)]
struct Position {
    after: Option<AccountId>,
    hash: [u8; 32],
}

/// Everything the reading and calculating half needs.
struct Producer {
    db: Db,
    tenant: Arc<Tenant>,
    plan: Arc<Plan>,
    plugin: TariffPlugin,
    base: Base,
    stamp: Stamp,
    portion: usize,
    at_once: usize,
}

/// Calculates a run from where it stands to its end. `progress` hears of accounts done and their total
/// after each portion. A plugin that fails stops the run: its state becomes `failed`, the reason is in
/// [`Run::problem`] and in the error; what was published before stands. Called for a run that is complete,
/// it does nothing.
pub async fn continue_run(
    db: &Db,
    tenant: &Arc<Tenant>,
    plugins: &Plugins,
    id: RunId,
    mut progress: impl FnMut(u32, u32) + Send,
) -> Result<Run, Error> {
    let tx = db.read(tenant, Actor::System).await?;
    let run = store::run(&tx, id).await?.ok_or(Error::NoSuchRun)?;
    if run.state != RUNNING {
        return Ok(run.into());
    }
    let prepared = prepare(db, tenant, plugins, &tx, &run).await;
    tx.commit().await?;
    let prepared = match prepared {
        Ok((producer, position)) => producer.with_houses(&run).await.map(|producer| (producer, position)),
        Err(error) => Err(error),
    };
    let outcome = match prepared {
        Ok((producer, position)) => work(db, tenant, producer, position, &run, &mut progress).await,
        Err(error) => Err(error),
    };
    if let Err(error) = outcome {
        if matches!(error, Error::Busy) {
            given_up(db, tenant, id).await?;
        }
        // The database's trouble and a second worker are no faults of the run: it can be continued.
        if !matches!(error, Error::Db(_) | Error::Busy) {
            let mut tx = db.begin(tenant, Actor::System).await?;
            fail(&mut tx, id, &error.to_string()).await?;
            tx.commit().await?;
        }
        return Err(error);
    }
    let tx = db.read(tenant, Actor::System).await?;
    let run = find(&tx, id).await?;
    tx.commit().await?;
    Ok(run)
}

/// Says why a run that somebody else ended was given up.
async fn given_up(db: &Db, tenant: &Arc<Tenant>, id: RunId) -> Result<(), Error> {
    let tx = db.read(tenant, Actor::System).await?;
    let run = find(&tx, id).await?;
    tx.commit().await?;
    if run.state == FAILED { Err(Error::Stopped(run.problem)) } else { Ok(()) }
}

async fn prepare(
    db: &Db,
    tenant: &Arc<Tenant>,
    plugins: &Plugins,
    tx: &Tx,
    run: &billing_run::Model,
) -> Result<(Producer, Position), Error> {
    let snapshot: Snapshot = serde_json::from_str(&run.snapshot)?;
    let plugin = plugins.load(tx, &run.plugin_hash, snapshot.limits).await?;
    let sqlite = db.name() == "SQLite";
    let producer = Producer {
        db: db.clone(),
        tenant: tenant.clone(),
        plan: Arc::new(Plan::new(run.period, snapshot)),
        plugin,
        base: Base::of(tx, run).await?,
        stamp: Stamp::of(run),
        portion: if sqlite { PORTION_SQLITE } else { usize::MAX },
        at_once: if sqlite { 1 } else { AT_ONCE },
    };
    let position = Position { after: run.last_account, hash: hash_so_far(&run.result_hash)? };
    Ok((producer, position))
}

async fn work(
    db: &Db,
    tenant: &Arc<Tenant>,
    producer: Producer,
    position: Position,
    run: &billing_run::Model,
    progress: &mut (impl FnMut(u32, u32) + Send),
) -> Result<(), Error> {
    let (sender, mut receiver) = mpsc::channel(2);
    let at_once = producer.at_once;
    let producing = tokio::spawn(producer.produce(position, sender));
    let total = run.total.unsigned_abs();
    let mut done = run.done.unsigned_abs();
    progress(done, total);
    let (counted, mut turn) = oneshot::channel();
    let _ = counted.send(());
    let mut last = run.last_account;
    let portions = stream::poll_fn(move |context| receiver.poll_recv(context));
    let inserted = portions.map(|portion| {
        let (counted, next) = oneshot::channel();
        let turn = std::mem::replace(&mut turn, next);
        let place = Place { from: last.replace(portion.last), turn, counted };
        let accounts = portion.accounts.unsigned_abs();
        async move { insert(db, tenant, run.id, place, portion).await.map(|()| accounts) }
    });
    let mut inserted = inserted.buffered(at_once);
    while let Some(accounts) = inserted.next().await {
        done += accounts?;
        progress(done, Ord::max(total, done));
    }
    producing.await.map_err(stopped)??;
    finish(db, tenant, run.id).await
}

impl Producer {
    /// Adds what is known of houses: frozen before the first account, the same ever after.
    async fn with_houses(mut self, run: &billing_run::Model) -> Result<Self, Error> {
        let houses = match run.last_account {
            Some(_) => self.frozen_houses(run).await?,
            None => houses::freeze(&self.db, &self.tenant, &self.plan, &self.plugin, run).await?,
        };
        let plan = Plan::new(run.period, self.plan.snapshot.clone()).with_houses(houses);
        self.plan = Arc::new(plan);
        Ok(self)
    }

    async fn frozen_houses(&self, run: &billing_run::Model) -> Result<Houses, DbError> {
        let tx = self.db.read(&self.tenant, Actor::System).await?;
        let houses = Houses::of(&tx, run.id).await?;
        tx.commit().await?;
        Ok(houses)
    }

    async fn produce(self, mut position: Position, portions: mpsc::Sender<Portion>) -> Result<(), Error> {
        let this = Arc::new(self);
        loop {
            let batch = this.read(position.after).await?;
            let Some(last) = batch.cases.last().map(calculation::account_of) else { return Ok(()) };
            let (maker, before) = (this.clone(), position.hash);
            let calculated = tokio::task::spawn_blocking(move || maker.calculate(&batch, before)).await;
            let (made, hash) = calculated.map_err(stopped)??;
            for portion in made {
                if portions.send(portion).await.is_err() {
                    // The inserting half has failed and says why.
                    return Ok(());
                }
            }
            position = Position { after: Some(last), hash };
        }
    }

    async fn read(&self, after: Option<AccountId>) -> Result<Batch, DbError> {
        let tx = self.db.read(&self.tenant, Actor::System).await?;
        let accounts = roster::batch(&tx, self.plan.period, after, BATCH).await?;
        let submissions = match (accounts.first(), accounts.last()) {
            (Some(first), Some(last)) => store::submissions_between(&tx, first.id, last.id).await?,
            _ => HashMap::new(),
        };
        let cases = loading::cases(&tx, &self.plan, self.base, accounts).await?;
        tx.commit().await?;
        Ok(Batch { cases, submissions })
    }

    fn calculate(&self, batch: &Batch, before: [u8; 32]) -> Result<(Vec<Portion>, [u8; 32]), Error> {
        let Batch { cases, submissions } = batch;
        let (inputs, charges) = calculation::calculate(&self.plan, &self.plugin, cases)?;
        let (mut hash, mut scratch) = (before, String::with_capacity(4096));
        let mut portions = Vec::new();
        let answers: Vec<_> = cases.iter().zip(&inputs).zip(&charges).collect();
        for answers in answers.chunks(self.portion.min(answers.len().max(1))) {
            let mut rows = Rows::default();
            let mut last = None;
            for ((case, input), charges) in answers {
                let facts = calculation::frozen(&self.plan, case);
                let bill = calculation::bill(&self.plan, case.facts.id, &case.standing, charges, facts);
                hash = bill.chained(hash, &mut scratch);
                last = Some(bill.account);
                let submissions = submissions.get(&bill.account).copied().unwrap_or_default();
                rows.add(self.stamp, bill, replay::freeze(input, &case.standing)?, submissions);
            }
            let accounts = i32::try_from(answers.len()).unwrap_or(i32::MAX);
            if let Some(last) = last {
                portions.push(Portion { rows, accounts, last, hash: hex::encode(hash) });
            }
        }
        Ok((portions, hash))
    }
}

/// A part of the work that ended without an answer.
fn stopped(error: tokio::task::JoinError) -> Error {
    Error::Stopped(format!("расчёт прерван: {error}"))
}

/// Inserts a portion and moves the run on, together. Only from where this worker left it: a second
/// worker gets [`Error::Busy`].
async fn insert(db: &Db, tenant: &Arc<Tenant>, id: RunId, place: Place, portion: Portion) -> Result<(), Error> {
    let tx = db.begin(tenant, Actor::System).await?;
    match add(&tx, portion.rows).await {
        // These accounts are in the run already.
        Err(DbError::Duplicate(_)) => return Err(Error::Busy),
        added => added?,
    }
    // Without the one before this one is nothing: its error is told.
    place.turn.await.map_err(|_| Error::Busy)?;
    let here = match place.from {
        Some(last) => billing_run::Column::LastAccount.eq(last),
        None => billing_run::Column::LastAccount.is_null(),
    };
    let done = sea_orm::sea_query::Expr::col(billing_run::Column::Done).add(portion.accounts);
    let moved = billing_run::Entity::update_many()
        .col_expr(billing_run::Column::LastAccount, portion.last.0.into())
        .col_expr(billing_run::Column::ResultHash, portion.hash.into())
        .col_expr(billing_run::Column::Done, done)
        .filter(billing_run::Column::Id.eq(id))
        .filter(billing_run::Column::State.eq(RUNNING))
        .filter(here);
    if tx.update_where(moved).await? != 1 {
        return Err(Error::Busy);
    }
    tx.commit().await?;
    let _ = place.counted.send(());
    Ok(())
}

async fn add(tx: &Tx, rows: Rows) -> Result<(), DbError> {
    tx.insert_many(rows.charges).await?;
    tx.insert_many(rows.receipts).await?;
    tx.insert_many(rows.entries).await?;
    tx.insert_many(rows.facts).await?;
    tx.insert_many(rows.arrears).await
}

async fn finish(db: &Db, tenant: &Arc<Tenant>, id: RunId) -> Result<(), Error> {
    let tx = db.begin(tenant, Actor::System).await?;
    let complete = billing_run::Entity::update_many()
        .col_expr(billing_run::Column::State, DONE.into())
        .col_expr(billing_run::Column::Total, sea_orm::sea_query::Expr::col(billing_run::Column::Done))
        .col_expr(billing_run::Column::FinishedAt, tx.now().0.into())
        .filter(billing_run::Column::Id.eq(id))
        .filter(billing_run::Column::State.eq(RUNNING));
    if tx.update_where(complete).await? != 1 {
        return Err(Error::Busy);
    }
    tx.commit().await?;
    Ok(())
}

/// The hash that a run has come to; [`START`] before its first portion.
fn hash_so_far(stored: &str) -> Result<[u8; 32], Error> {
    let mut hash = START;
    if !stored.is_empty() {
        hex::decode_to_slice(stored, &mut hash).map_err(|error| Error::Stopped(format!("result_hash: {error}")))?;
    }
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_survives_storage() {
        let hash = std::array::from_fn(|at| u8::try_from(at * 7).unwrap_or_default());
        assert_eq!(hash_so_far(&hex::encode(hash)).ok(), Some(hash));
        assert_eq!(hash_so_far("").ok(), Some(START));
    }
}
