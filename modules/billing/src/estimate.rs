//! The preliminary charge: what the plugin makes of the readings so far for the month after the latest
//! published one. Outside the balance; the last good figure stands when a computation fails.

use std::sync::Arc;

use async_trait::async_trait;
use kabinet_accounts::roster;
use kabinet_contracts::{AccountId, Estimate, Estimates, ImaginedReading};
use kabinet_core::{Actor, Db, DbError, Money, Period, Tenant, Tx};
use kabinet_plugin_host::api::AccountCharges;

use crate::calculation::{self, AccountCase};
use crate::entity::estimate;
use crate::error::Error;
use crate::loading::{self, Base, Imagined};
use crate::plugins::{Plugins, Tool};
use crate::{runs, store};

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

    /// The estimates, read and stored over `db`.
    pub(crate) fn over(&self, db: &Db) -> Self {
        Self { db: db.clone(), ..self.clone() }
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
            let (Some(first), Some(last)) = (accounts.first().map(|a| a.id), accounts.last().map(|a| a.id)) else {
                return Ok(());
            };
            // Before the readings: one that comes in between leaves its estimate out of date.
            let old = store::estimates_between(&tx, first, last).await?;
            let cases = loading::cases(&tx, &tool.plan, Base::default(), accounts).await?;
            tx.commit().await?;
            let (cases, charges) = computed(tool, cases).await?;
            let fresh = |(case, charges): (&AccountCase, &AccountCharges)| {
                let old = old.get(&case.facts.id);
                NewEstimate::of(case.facts.id, old, period, total(charges))
            };
            let fresh: Vec<NewEstimate> = cases.iter().zip(&charges).map(fresh).collect();
            for portion in fresh.chunks(PORTION) {
                let tx = self.db.begin(tenant, Actor::System).await?;
                store::save_estimates(&tx, portion).await?;
                tx.commit().await?;
            }
            after = Some(last);
        }
    }

    /// Computes and stores the account's estimate afresh, whether or not it is out of date.
    pub async fn refresh(&self, tenant: &Arc<Tenant>, account: AccountId) -> Result<Estimate, DbError> {
        let tx = self.db.read(tenant, Actor::System).await?;
        let old = store::estimates_between(&tx, account, account).await?.remove(&account);
        let period = period_to_estimate(&tx).await?;
        let computed = self.compute(&tx, period, account, &[]).await?;
        tx.commit().await?;
        let (new, outcome) = match computed {
            Ok(total) => {
                let new = NewEstimate::of(account, old.as_ref(), period, total);
                let outcome = Estimate::Computed { period, total, change: new.change };
                (new, outcome)
            }
            Err(problem) => {
                tracing::warn!(company = tenant.slug, %period, problem, "no estimate");
                let new = NewEstimate::standing(account, old.as_ref(), period, problem);
                (new, Estimate::Unavailable(UNAVAILABLE.to_owned()))
            }
        };
        let tx = self.db.begin(tenant, Actor::System).await?;
        store::save_estimates(&tx, &[new]).await?;
        tx.commit().await?;
        Ok(outcome)
    }

    /// Computes the account's estimate afresh between `tx`, which only reads, and the transaction like it that comes
    /// back. A failed computation is a line in the log: the other figures are worth showing.
    pub(crate) async fn refresh_between(&self, tx: Tx, account: AccountId) -> Result<Tx, DbError> {
        let (tenant, actor) = (tx.tenant().clone(), tx.actor());
        tx.commit().await?;
        if let Err(error) = self.refresh(&tenant, account).await {
            tracing::warn!(%error, "no estimate for the overview");
        }
        self.db.read(&tenant, actor).await
    }

    /// The estimate without storing it, with readings that are only `imagined`; inside, what is wrong.
    async fn compute(
        &self,
        tx: &Tx,
        period: Period,
        account: AccountId,
        imagined: &[ImaginedReading],
    ) -> Result<Result<Money, String>, DbError> {
        let Some(facts) = roster::one(tx, period, account).await? else {
            return Ok(Err("лицевой счёт закрыт".to_owned()));
        };
        let tool = match self.plugins.tool(tx, period).await {
            Ok(tool) => tool,
            Err(Error::Db(error)) => return Err(error),
            Err(error) => return Ok(Err(error.to_string())),
        };
        let imagined = Imagined { readings: imagined, ..Imagined::default() };
        let cases = loading::imagined_cases(tx, &tool.plan, Base::default(), vec![facts], imagined).await?;
        Ok(match computed(tool, cases).await {
            Ok((_, charges)) => Ok(charges.iter().map(total).sum()),
            Err(Error::Db(error)) => return Err(error),
            Err(error) => Err(error.to_string()),
        })
    }
}

/// The month after the latest published one; the current month before the first.
async fn period_to_estimate(tx: &Tx) -> Result<Period, DbError> {
    Ok(store::latest_period(tx).await?.map_or_else(|| tx.today().period(), Period::next))
}

async fn computed(tool: Tool, cases: Vec<AccountCase>) -> Result<(Vec<AccountCase>, Vec<AccountCharges>), Error> {
    let work = move || {
        let (_, charges) = calculation::calculate(&tool.plan, &tool.plugin, &cases)?;
        Ok((cases, charges))
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Stopped(error.to_string()))?
}

fn total(charges: &AccountCharges) -> Money {
    charges.lines.iter().map(|line| Money(line.total())).sum()
}

/// An estimate about to be stored.
pub(crate) struct NewEstimate {
    pub(crate) account: AccountId,
    pub(crate) period: Period,
    pub(crate) total: Option<Money>,
    pub(crate) change: Option<Money>,
    pub(crate) problem: String,
    /// The submissions that it knows of.
    pub(crate) computed: i64,
}

impl NewEstimate {
    fn of(account: AccountId, old: Option<&estimate::Model>, period: Period, total: Money) -> Self {
        let before = old.filter(|row| row.period == period).and_then(|row| row.total);
        let change = before.map(|before| total - before);
        let computed = old.map_or(0, |row| row.wanted);
        Self { account, period, total: Some(total), change, problem: String::new(), computed }
    }

    /// The figure before, where there was one for the same month, with what is wrong now.
    fn standing(account: AccountId, old: Option<&estimate::Model>, period: Period, problem: String) -> Self {
        let standing = old.filter(|row| row.period == period);
        let (total, change) = standing.map_or((None, None), |row| (row.total, row.change));
        Self { account, period, total, change, problem, computed: old.map_or(0, |row| row.wanted) }
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
    async fn outdate(&self, tx: &Tx, accounts: &[AccountId]) -> Result<Option<Period>, DbError> {
        store::outdate_estimates(tx, accounts).await
    }

    async fn current(&self, tenant: &Arc<Tenant>, account: AccountId) -> Result<Option<Estimate>, DbError> {
        let tx = self.db.read(tenant, Actor::System).await?;
        let row = store::estimates_between(&tx, account, account).await?.remove(&account);
        tx.commit().await?;
        match row {
            None => Ok(None),
            Some(row) if row.wanted == row.computed => Ok(Some(answer(&row))),
            Some(_) => self.refresh(tenant, account).await.map(Some),
        }
    }

    async fn imagine(
        &self,
        tenant: &Arc<Tenant>,
        account: AccountId,
        readings: &[ImaginedReading],
    ) -> Result<Option<Estimate>, DbError> {
        let tx = self.db.read(tenant, Actor::System).await?;
        let period = period_to_estimate(&tx).await?;
        if readings.iter().all(|reading| reading.period != period) {
            return Ok(None);
        }
        let stored = store::estimates_between(&tx, account, account).await?.remove(&account);
        let now = stored.filter(|row| row.period == period && row.wanted == row.computed && row.problem.is_empty());
        let computed = self.compute(&tx, period, account, readings).await?;
        tx.commit().await?;
        Ok(Some(match computed {
            Ok(total) => {
                let change = now.and_then(|row| row.total).map(|now| total - now);
                Estimate::Computed { period, total, change }
            }
            Err(problem) => {
                tracing::debug!(company = tenant.slug, %period, problem, "nothing to imagine");
                Estimate::Unavailable(UNAVAILABLE.to_owned())
            }
        }))
    }

    async fn published_until(&self, tx: &Tx) -> Result<Option<Period>, DbError> {
        store::latest_period(tx).await
    }

    async fn outdate_runs(&self, tx: &Tx, period: Period) -> Result<(), DbError> {
        runs::give_up(tx, period, "изменились данные приборов учёта: рассчитайте месяц заново").await
    }
}
