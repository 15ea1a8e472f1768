//! The accounts of a house recalculated by the corrected volume of its meter: what each comes to is shown first, and
//! recorded for the next run when staff ask for it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use kabinet_accounts::houses as registry;
use kabinet_accounts::roster;
use kabinet_contracts::AccountId;
use kabinet_core::{DbError, Money, Period, Tx};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::recomputed::{Ready, charged_for_its_month};
use super::{New, Recomputed, counting, refuse_old, row};
use crate::entity::{billing_run, charge, recalculation};
use crate::error::Error;
use crate::houses::corrections::{self, plan_now};
use crate::ledger::Book;
use crate::plan::Snapshot;
use crate::plugins::Plugins;
use crate::store;

/// What bills say of these corrections, between the word «Перерасчёт» with the service and the month.
pub const BASIS: &str = "По показаниям общедомового прибора";
/// Accounts read and calculated together.
const AT_ONCE: usize = 100;

/// What an account has to be charged, or given back, for one service of one month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The account.
    pub account: AccountId,
    /// Its number as printed.
    pub number: String,
    /// The month and service with what was charged and what it comes to.
    pub recomputed: Recomputed,
}

/// A house's month by the corrected volume of a meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HouseRecalculation {
    /// What the next run bills.
    pub shares: Vec<Share>,
    /// What no run will bill, since the account is closed: the company settles it with whoever held it.
    pub left_out: Vec<Share>,
    asked: Asked,
}

impl HouseRecalculation {
    /// How many accounts the next run bills something.
    #[must_use]
    pub fn accounts(&self) -> usize {
        accounts(&self.shares).len()
    }

    /// What it bills them together, kopecks.
    #[must_use]
    pub fn sum(&self) -> Money {
        self.shares.iter().map(|share| share.recomputed.difference()).sum()
    }
}

fn accounts(shares: &[Share]) -> BTreeSet<AccountId> {
    shares.iter().map(|share| share.account).collect()
}

/// What is to be recalculated, and what it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    house: Uuid,
    /// The service that the house meter measures.
    metered: String,
    period: Period,
    /// How often the volume was corrected.
    corrections: usize,
    /// The latest published month.
    latest: Period,
}

impl Asked {
    async fn of(tx: &Tx, house: Uuid, metered: &str, period: Period) -> Result<Self, Error> {
        let corrections = corrections::count(tx, house, metered, period).await?;
        let latest = refuse_old(tx, period).await?;
        Ok(Self { house, metered: metered.to_owned(), period, corrections, latest })
    }

    /// The months that the corrected one changes: itself, and those since that each took off what rooms used beyond the
    /// house the month before.
    async fn months(&self, tx: &Tx) -> Result<Vec<billing_run::Model>, Error> {
        let mut period = self.period;
        let mut months = vec![store::published(tx, period).await?.ok_or(Error::NotPublished(period))?];
        while period < self.latest {
            period = period.next();
            let run = store::published(tx, period).await?.ok_or(Error::NotPublished(period))?;
            if !serde_json::from_str::<Snapshot>(&run.snapshot)?.carries() {
                break;
            }
            months.push(run);
        }
        Ok(months)
    }
}

/// What the accounts of a house come to in a published month by the corrected volume of the meter of `metered`, as far
/// as that differs from what they were charged so far; nothing is recorded. Everything is read first and the
/// transaction ended: the plugin works while no connection is held.
pub async fn recompute(
    tx: Tx,
    plugins: &Plugins,
    code: &str,
    metered: &str,
    period: Period,
) -> Result<HouseRecalculation, Error> {
    let house = registry::by_code(&tx, code).await?.ok_or(Error::NoSuchHouse)?.id;
    let asked = Asked::of(&tx, house, metered, period).await?;
    if asked.corrections == 0 {
        return Err(Error::Field("service", "Объем по дому за этот месяц не исправлен: сначала укажите его"));
    }
    let stretches = roster::stretches(&tx, house).await?;
    let next = roster::in_house(&tx, asked.latest.next(), house, &stretches).await?;
    let billed_next: HashSet<AccountId> = next.into_iter().flatten().map(|account| account.id).collect();
    let mut months = Vec::new();
    for run in asked.months(&tx).await? {
        months.push(Month::read(&tx, plugins, &asked, &run, &stretches).await?);
    }
    tx.commit().await?;
    let (mut shares, mut left_out) = (Vec::new(), Vec::new());
    for month in months {
        let (open, closed): (Vec<_>, Vec<_>) =
            month.differing().await?.into_iter().partition(|share| billed_next.contains(&share.account));
        shares.extend(open);
        left_out.extend(closed);
    }
    Ok(HouseRecalculation { shares, left_out, asked })
}

/// A month of a house, read and not yet calculated.
struct Month {
    period: Period,
    /// The services that go by the meter.
    services: Vec<String>,
    /// Numbers of the accounts as printed. One that was not open then, as is known now, is a matter of its own
    /// recalculation.
    numbers: BTreeMap<AccountId, String>,
    charged: Sums<Money>,
    ready: Vec<Ready>,
}

impl Month {
    async fn read(
        tx: &Tx,
        plugins: &Plugins,
        asked: &Asked,
        run: &billing_run::Model,
        stretches: &[(AccountId, AccountId)],
    ) -> Result<Self, Error> {
        let plan = Arc::new(plan_now(tx, run, asked.house).await?);
        let services = corrections::services(&plan.snapshot, &asked.metered);
        let accounts = roster::in_house(tx, run.period, asked.house, stretches).await?;
        let numbers: BTreeMap<AccountId, String> =
            accounts.iter().flatten().map(|account| (account.id, account.number.clone())).collect();
        let charged = charged_so_far(tx, run, numbers.keys().copied().collect(), &services).await?;
        let mut ready = Vec::new();
        for some in accounts.iter().flat_map(|stretch| stretch.chunks(AT_ONCE)) {
            ready.push(Ready::read(tx, plugins, &plan, run, some.to_vec(), &[]).await?);
        }
        Ok(Self { period: run.period, services, numbers, charged, ready })
    }

    async fn differing(self) -> Result<Vec<Share>, Error> {
        let mut sums: Sums<(Money, Money)> =
            self.charged.into_iter().map(|(of, sum)| (of, (sum, Money::ZERO))).collect();
        for some in self.ready {
            for (account, made) in some.charged().await? {
                for (service, amount) in made.into_iter().filter(|(service, _)| self.services.contains(service)) {
                    sums.entry((account, service)).or_default().1 += amount;
                }
            }
        }
        let share = |((account, service), (charged, computed)): ((AccountId, String), (Money, Money))| {
            let recomputed = Recomputed { period: self.period, service, charged, computed };
            Some(Share { account, number: self.numbers.get(&account)?.clone(), recomputed })
        };
        Ok(sums.into_iter().filter(|(_, (charged, computed))| charged != computed).filter_map(share).collect())
    }
}

/// By account and service.
type Sums<T> = BTreeMap<(AccountId, String), T>;

/// What accounts were charged for a month so far, corrections of it among it.
async fn charged_so_far(
    tx: &Tx,
    run: &billing_run::Model,
    accounts: BTreeSet<AccountId>,
    services: &[String],
) -> Result<Sums<Money>, DbError> {
    let mut sums: Sums<Money> = BTreeMap::new();
    let lines = charge::Entity::find()
        .filter(charge::Column::RunId.eq(run.id))
        .filter(charge::Column::AccountId.is_in(accounts.iter().copied()))
        .filter(charge::Column::ServiceCode.is_in(services.iter().map(String::as_str)));
    for line in tx.all(lines).await? {
        *sums.entry((line.account_id, line.service_code.clone())).or_default() += charged_for_its_month(&line);
    }
    let corrections = recalculation::Entity::find()
        .filter(recalculation::Column::Period.eq(run.period))
        .filter(recalculation::Column::AccountId.is_in(accounts))
        .filter(recalculation::Column::ServiceCode.is_in(services.iter().map(String::as_str)));
    for correction in tx.all(counting(corrections)).await? {
        *sums.entry((correction.account_id, correction.service_code)).or_default() += correction.amount;
    }
    Ok(sums)
}

/// Records what [`recompute`] found, for the next run to bill. Refused when the house's volumes, the corrections of its
/// accounts or the published months changed since.
pub async fn record(tx: &mut Tx, found: &HouseRecalculation) -> Result<(), Error> {
    let accounts = accounts(&found.shares);
    if accounts.is_empty() {
        return Ok(());
    }
    // Two at once wait for each other here, and the second one sees what the first recorded.
    store::outdate_estimates(tx, &accounts.iter().copied().collect::<Vec<_>>()).await?;
    must_stand(tx, found, &accounts).await?;
    let recorded = found.shares.iter().map(|share| {
        let Recomputed { service, period, .. } = &share.recomputed;
        let new = New { service, period: *period, amount: share.recomputed.difference(), basis: BASIS };
        recalculation::ActiveModel::from(row(tx, share.account, new, tx.now(), (Book::Revenue, None))).reset_all()
    });
    let recorded = recorded.collect();
    tx.insert_many(recorded).await?;
    let detail = serde_json::json!({
        "service": found.asked.metered, "period": found.asked.period, "accounts": accounts.len(),
        "kopecks": found.sum().0, "left_out": found.left_out.len(),
    });
    Ok(tx.audit("billing.house_recalculated", found.asked.house, detail).await?)
}

/// Refuses what was found under other circumstances than those of now.
async fn must_stand(tx: &Tx, found: &HouseRecalculation, accounts: &BTreeSet<AccountId>) -> Result<(), Error> {
    let asked = &found.asked;
    if Asked::of(tx, asked.house, &asked.metered, asked.period).await? != *asked {
        return Err(Error::Changed);
    }
    let months: BTreeSet<Period> = found.shares.iter().map(|share| share.recomputed.period).collect();
    for month in months {
        let run = store::published(tx, month).await?.ok_or(Error::NotPublished(month))?;
        let of_month = found.shares.iter().filter(|share| share.recomputed.period == month);
        let services: BTreeSet<String> = of_month.clone().map(|share| share.recomputed.service.clone()).collect();
        let services: Vec<String> = services.into_iter().collect();
        let charged = charged_so_far(tx, &run, accounts.clone(), &services).await?;
        let now = |share: &Share| charged.get(&(share.account, share.recomputed.service.clone())).copied();
        if of_month.clone().any(|share| now(share).unwrap_or_default() != share.recomputed.charged) {
            return Err(Error::Changed);
        }
    }
    Ok(())
}
