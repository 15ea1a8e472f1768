//! A plugin tried before it is switched on: what it would have charged for the latest published month.

use kabinet_contracts::AccountId;
use kabinet_core::{Money, Period, Tx};
use kabinet_plugin_host::TariffPlugin;
use uuid::Uuid;

use super::replay::Frozen;
use super::stored::{self, Accounts};
use crate::entity::charge;
use crate::error::Error;
use crate::houses::Houses;
use crate::plan::{Plan, Snapshot};
use crate::store;

/// How a trial came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The month, with its tariffs and figures.
    pub period: Period,
    /// Accounts calculated.
    pub accounts: usize,
    /// What they are charged by service, in the order of the services.
    pub services: Vec<ServiceTrial>,
}

/// One service of all accounts of a trial; charges with corrections, kopecks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceTrial {
    /// Its code.
    pub code: String,
    /// Its name.
    pub title: String,
    /// What was charged.
    pub before: Money,
    /// What the plugin would have charged.
    pub after: Money,
}

/// What months from `from` on would be calculated with as the catalogue is now, for a [`trial`]; none before a month is
/// published.
pub(crate) async fn coming(tx: &Tx, from: Period) -> Result<Option<Snapshot>, Error> {
    match store::latest_period(tx).await? {
        Some(_) => Ok(Some(Snapshot::take(tx, from).await?.0)),
        None => Ok(None),
    }
}

/// Has the plugin calculate the first `accounts` of the latest published month from what was frozen with them, with
/// the rules and the numbers that are `coming`; none before a month is published, or where it was calculated by a
/// release that kept no inputs. Nothing is written, and the plugin works when the transaction has ended.
pub async fn trial(tx: Tx, plugin: TariffPlugin, coming: &Snapshot, accounts: u32) -> Result<Option<Trial>, Error> {
    let Some(run) = store::latest_run(&tx).await? else { return Ok(None) };
    let after = AccountId(Uuid::nil());
    let frozen = match Frozen::read(&tx, &run, after, i64::from(accounts)).await {
        Err(Error::NotReplayable(_)) => return Ok(None),
        frozen => frozen?,
    };
    let theirs = Accounts { run: run.id, after, last: frozen.last().unwrap_or(after) };
    let charged = stored::charges(&tx, theirs).await?;
    let houses = Houses::of(&tx, run.id).await?;
    tx.commit().await?;
    let mut snapshot: Snapshot = serde_json::from_str(&run.snapshot)?;
    snapshot.config.clone_from(&coming.config);
    for (service, _) in &mut snapshot.services {
        if let Some(known) = coming.service(&service.code) {
            service.rule.clone_from(&known.rule);
        }
    }
    let plan = Plan::new(run.period, snapshot).with_houses(houses);
    let calculated = tokio::task::spawn_blocking(move || calculate(frozen, &charged, &plan, &plugin)).await;
    calculated.map_err(|error| Error::Stopped(error.to_string()))?.map(Some)
}

fn calculate(frozen: Frozen, charged: &[charge::Model], plan: &Plan, plugin: &TariffPlugin) -> Result<Trial, Error> {
    let bills = frozen.bills(plan, plugin)?;
    let of_service = |code: &str| {
        let before = charged.iter().filter(|row| row.service_code == code);
        let after = bills.iter().flat_map(|(_, bill)| &bill.charges).filter(|row| row.service == code);
        let before: Money = before.map(|row| row.charged + row.recalculation).sum();
        (before, after.map(|row| row.charged + row.recalculation).sum())
    };
    let services = plan.snapshot.services.iter().map(|(service, _)| {
        let (before, after) = of_service(&service.code);
        ServiceTrial { code: service.code.clone(), title: service.title.clone(), before, after }
    });
    Ok(Trial { period: plan.period, accounts: bills.len(), services: services.collect() })
}
