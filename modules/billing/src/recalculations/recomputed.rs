//! Closed months computed again with what is known now.

use std::collections::BTreeMap;
use std::sync::Arc;

use kabinet_accounts::roster::{self, AccountFacts};
use kabinet_contracts::AccountId;
use kabinet_core::{Money, Period, Tx};
use kabinet_plugin_host::TariffPlugin;
use kabinet_plugin_host::api::AccountCharges;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{Corrected, Recorded, recorded, refuse_old};
use crate::calculation::{self, AccountCase};
use crate::entity::{billing_run, charge};
use crate::error::Error;
use crate::houses::corrections::plan_now;
use crate::loading::{self, Base, Imagined};
use crate::plan::Plan;
use crate::plugins::Plugins;
use crate::store;
use crate::trace;

/// What one service of one closed month comes to, computed with what is known now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recomputed {
    /// The month.
    pub period: Period,
    /// Code of the service.
    pub service: String,
    /// What was charged for the month so far, earlier corrections of it among it.
    pub charged: Money,
    /// What it comes to now.
    pub computed: Money,
}

impl Recomputed {
    /// What remains to be charged, negative to be given back.
    #[must_use]
    pub fn difference(&self) -> Money {
        self.computed - self.charged
    }

    fn of(&self, account: AccountId) -> Corrected {
        let (service_code, amount) = (self.service.clone(), self.difference());
        Corrected { account_id: account, service_code, period: self.period, amount }
    }
}

/// An account's published months from `from` to the latest, computed again. All of them: a reading that changes
/// one month is where the next begins, and one that gave earlier months back gave back what they came to: what differs
/// in them now counts as if it were recorded already.
pub async fn recompute(tx: &Tx, plugins: &Plugins, account: AccountId, from: Period) -> Result<Vec<Recomputed>, Error> {
    store::account_exists(tx, account).await?;
    let latest = refuse_old(tx, from).await?;
    let recorded = recorded(tx, account).await?;
    let (mut months, mut corrected) = (Vec::new(), Vec::new());
    let mut period = from;
    loop {
        let run = store::published(tx, period).await?.ok_or(Error::NotPublished(period))?;
        let found = month(tx, plugins, account, &run, (&recorded, &corrected)).await?;
        corrected.extend(found.iter().map(|recomputed| recomputed.of(account)));
        months.extend(found);
        if period >= latest {
            return Ok(months);
        }
        period = period.next();
    }
}

/// One of them. `recorded` are the corrections that count, `corrected` is what earlier months of the pass differ by.
async fn month(
    tx: &Tx,
    plugins: &Plugins,
    account: AccountId,
    run: &billing_run::Model,
    (recorded, corrected): (&Recorded, &[Corrected]),
) -> Result<Vec<Recomputed>, Error> {
    let mine =
        charge::Entity::find().filter(charge::Column::RunId.eq(run.id)).filter(charge::Column::AccountId.eq(account));
    let mut sums: BTreeMap<String, (Money, Money)> = BTreeMap::new();
    for row in tx.all(mine).await? {
        sums.entry(row.service_code.clone()).or_default().0 += charged_for_its_month(&row);
    }
    for ((_, service), amount) in recorded.iter().filter(|((period, _), _)| *period == run.period) {
        sums.entry(service.clone()).or_default().0 += *amount;
    }
    for (service, amount) in computed(tx, plugins, account, run, corrected).await? {
        sums.entry(service).or_default().1 += amount;
    }
    let recomputed = |(service, (charged, computed))| Recomputed { period: run.period, service, charged, computed };
    Ok(sums.into_iter().map(recomputed).collect())
}

/// What a stored line charges for its own month: corrections of other months that it bills are none of it.
pub(super) fn charged_for_its_month(row: &charge::Model) -> Money {
    let others: Money = trace::decode(&row.trace).corrections.iter().map(|correction| correction.amount).sum();
    row.charged + row.recalculation - others
}

/// What the month's plugin makes of the account now, by service; nothing where the account was not open.
async fn computed(
    tx: &Tx,
    plugins: &Plugins,
    account: AccountId,
    run: &billing_run::Model,
    corrected: &[Corrected],
) -> Result<Vec<(String, Money)>, Error> {
    let Some(facts) = roster::one(tx, run.period, account).await? else { return Ok(Vec::new()) };
    let plan = Arc::new(plan_now(tx, run, facts.house_id).await?);
    let made = Ready::read(tx, plugins, &plan, run, vec![facts], corrected).await?.charged().await?;
    Ok(made.into_iter().flat_map(|(_, sums)| sums).collect())
}

/// Accounts of a published month with the facts of now, ready to be calculated without the database.
pub(super) struct Ready {
    plan: Arc<Plan>,
    plugin: TariffPlugin,
    cases: Vec<AccountCase>,
}

impl Ready {
    /// `accounts` follow each other in the order of their identifiers; what their months were `corrected` by counts as
    /// if it were recorded.
    pub(super) async fn read(
        tx: &Tx,
        plugins: &Plugins,
        plan: &Arc<Plan>,
        run: &billing_run::Model,
        accounts: Vec<AccountFacts>,
        corrected: &[Corrected],
    ) -> Result<Self, Error> {
        let plugin = plugins.load(tx, &run.plugin_hash, plan.snapshot.limits).await?;
        let imagined = Imagined { corrections: corrected, ..Imagined::default() };
        let cases = loading::imagined_cases(tx, plan, Base::default(), accounts, imagined).await?;
        Ok(Self { plan: plan.clone(), plugin, cases })
    }

    /// What the month's plugin makes of each account, by service.
    pub(super) async fn charged(self) -> Result<Vec<(AccountId, Vec<(String, Money)>)>, Error> {
        let work = move || {
            let Self { plan, plugin, cases } = self;
            let (_, charges) = calculation::calculate(&plan, &plugin, &cases)?;
            Ok(cases.iter().map(calculation::account_of).zip(charges.iter().map(|of| sums(&plan, of))).collect())
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| Error::Stopped(error.to_string()))?
    }
}

fn sums(plan: &Plan, charges: &AccountCharges) -> Vec<(String, Money)> {
    let named =
        charges.lines.iter().filter_map(|line| Some((plan.snapshot.services.get(plan.owner(line.service))?, line)));
    named.map(|((service, _), line)| (service.code.clone(), Money(line.total()))).collect()
}
