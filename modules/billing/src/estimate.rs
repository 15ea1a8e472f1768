//! The preliminary charge: what the plugin makes of the readings so far for the month after the latest
//! published one. Outside the balance; the last good figure stands when a computation fails.

use std::sync::Arc;

use async_trait::async_trait;
use kabinet_accounts::roster;
use kabinet_contracts::{AccountId, Estimate, Estimates};
use kabinet_core::{Actor, Db, DbError, Money, Period, Tenant, Tx};
use kabinet_plugin_host::api::AccountCharges;
use sea_orm::{ActiveValue::Unchanged, ColumnTrait, EntityTrait, QueryFilter, Set};

use crate::calculation::{self, AccountCase};
use crate::entity::estimate;
use crate::error::Error;
use crate::loading::{self, Base};
use crate::plugins::{Plugins, Tool};
use crate::store;

/// Accounts estimated together by the job that follows a publication.
const BATCH: u64 = 500;
/// Accounts stored in one transaction of that job.
const PORTION: usize = 100;

/// What a resident reads when there is no figure.
const UNAVAILABLE: &str = "Предварительное начисление пока не рассчитано. Показания сохранены.";

/// The estimates of accounts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Preliminary {
    db: Db,
    plugins: Plugins,
}

impl Preliminary {
    /// Estimates by the plugins of `db`.
    #[must_use]
    pub const fn new(db: Db, plugins: Plugins) -> Self {
        Self { db, plugins }
    }

    /// Computes the estimates of all the company's accounts afresh: after a publication the month they
    /// are for is another. A failure leaves the remaining ones as they are.
    pub async fn refresh_all(&self, tenant: &Arc<Tenant>) -> Result<(), Error> {
        let mut after = None;
        loop {
            let tx = self.db.read(tenant, Actor::System).await?;
            let period = period_to_estimate(&tx).await?;
            let tool = self.plugins.tool(&tx, period).await?;
            let accounts = roster::batch(&tx, period, after, BATCH).await?;
            let Some(last) = accounts.last().map(|account| account.id) else { return Ok(()) };
            let cases = loading::cases(&tx, &tool.plan, base(&tx), accounts).await?;
            tx.commit().await?;
            let (cases, charges) = computed(tool, cases).await?;
            let totals: Vec<(AccountId, Money)> =
                cases.iter().zip(&charges).map(|(case, charges)| (case.facts.id, total(charges))).collect();
            for portion in totals.chunks(PORTION) {
                self.store_many(tenant, period, portion).await?;
            }
            after = Some(last);
        }
    }

    async fn store_many(
        &self,
        tenant: &Arc<Tenant>,
        period: Period,
        totals: &[(AccountId, Money)],
    ) -> Result<(), Error> {
        let ids: Vec<AccountId> = totals.iter().map(|(account, _)| *account).collect();
        let tx = self.db.begin(tenant, Actor::System).await?;
        let these = || estimate::Column::AccountId.is_in(ids.iter().map(|id| id.0));
        let old = tx.all(estimate::Entity::find().filter(these())).await?;
        tx.delete_where(estimate::Entity::delete_many().filter(these())).await?;
        let row = |(account, total): &(AccountId, Money)| {
            let old = old.iter().find(|row| row.account_id == *account);
            row(&tx, *account, period, Some(*total), change(old, period, *total), "")
        };
        tx.insert_many(totals.iter().map(row).collect()).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The estimate without storing it.
    async fn compute(&self, tx: &Tx, account: AccountId) -> Result<Result<(Period, Money), (Period, String)>, DbError> {
        let period = period_to_estimate(tx).await?;
        let Some(facts) = roster::one(tx, period, account).await? else {
            return Ok(Err((period, "лицевой счёт закрыт".to_owned())));
        };
        let tool = match self.plugins.tool(tx, period).await {
            Ok(tool) => tool,
            Err(Error::Db(error)) => return Err(error),
            Err(error) => return Ok(Err((period, error.to_string()))),
        };
        let cases = loading::cases(tx, &tool.plan, base(tx), vec![facts]).await?;
        Ok(match computed(tool, cases).await {
            Ok((_, charges)) => Ok((period, charges.iter().map(total).sum())),
            Err(Error::Db(error)) => return Err(error),
            Err(error) => Err((period, error.to_string())),
        })
    }
}

/// The month after the latest published one; the current month before the first.
async fn period_to_estimate(tx: &Tx) -> Result<Period, DbError> {
    Ok(store::latest_period(tx).await?.map_or_else(|| tx.today().period(), Period::next))
}

/// An estimate counts no payments and carries no balance.
fn base(tx: &Tx) -> Base {
    Base { run: None, from: tx.now(), to: tx.now() }
}

async fn computed(tool: Tool, cases: Vec<AccountCase>) -> Result<(Vec<AccountCase>, Vec<AccountCharges>), Error> {
    let work = move || {
        let charges = calculation::calculate(&tool.plan, &tool.plugin, &cases)?;
        Ok((cases, charges))
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Stopped(error.to_string()))?
}

fn total(charges: &AccountCharges) -> Money {
    charges.lines.iter().map(|line| Money(line.total())).sum()
}

fn change(old: Option<&estimate::Model>, period: Period, total: Money) -> Option<Money> {
    let before = old.filter(|row| row.period == period)?.total?;
    Some(total - before)
}

fn row(
    tx: &Tx,
    account: AccountId,
    period: Period,
    total: Option<Money>,
    change: Option<Money>,
    problem: &str,
) -> estimate::ActiveModel {
    estimate::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        account_id: Set(account),
        period: Set(period),
        total: Set(total),
        change: Set(change),
        problem: Set(problem.to_owned()),
        detail: Set(String::new()),
        computed_at: Set(tx.now()),
    }
}

/// The estimate a row holds. A figure that a failed computation left standing is shown on the overview, but
/// is no answer to what the last readings make.
fn answer(row: &estimate::Model) -> Estimate {
    match row.total {
        Some(total) if row.problem.is_empty() => Estimate::Computed { period: row.period, total, change: row.change },
        _ => Estimate::Unavailable(UNAVAILABLE.to_owned()),
    }
}

#[async_trait]
impl Estimates for Preliminary {
    async fn refresh(&self, tenant: &Arc<Tenant>, account: AccountId) -> Result<Estimate, DbError> {
        let tx = self.db.read(tenant, Actor::System).await?;
        let computed = self.compute(&tx, account).await?;
        tx.commit().await?;

        let tx = self.db.begin(tenant, Actor::System).await?;
        let this = estimate::Entity::find().filter(estimate::Column::AccountId.eq(account));
        let old = tx.one(this).await?;
        let (new, outcome) = match &computed {
            Ok((period, total)) => {
                let change = change(old.as_ref(), *period, *total);
                let outcome = Estimate::Computed { period: *period, total: *total, change };
                (row(&tx, account, *period, Some(*total), change, ""), outcome)
            }
            Err((period, problem)) => {
                tracing::warn!(company = tenant.slug, %period, problem, "no estimate");
                let standing = old.as_ref().filter(|row| row.period == *period);
                let (total, change) = standing.map_or((None, None), |row| (row.total, row.change));
                let outcome = Estimate::Unavailable(UNAVAILABLE.to_owned());
                (row(&tx, account, *period, total, change, problem), outcome)
            }
        };
        if old.is_some() {
            let key =
                estimate::ActiveModel { tenant_id: Unchanged(tx.tenant_id()), account_id: Unchanged(account), ..new };
            tx.update(key).await?;
        } else {
            tx.insert(new).await?;
        }
        tx.commit().await?;
        Ok(outcome)
    }

    async fn current(&self, tenant: &Arc<Tenant>, account: AccountId) -> Result<Option<Estimate>, DbError> {
        let tx = self.db.read(tenant, Actor::System).await?;
        let row = tx.one(estimate::Entity::find().filter(estimate::Column::AccountId.eq(account))).await?;
        tx.commit().await?;
        Ok(row.as_ref().map(answer))
    }
}
