//! Makes the figures of houses for a run: what staff stated, and what falls to the rooms, asked of the plugin.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use kabinet_accounts::roster::{self, AccountFacts};
use kabinet_contracts::AccountId;
use kabinet_core::{Actor, Db, Period, Quantity, Tenant, Tx};
use kabinet_plugin_host::TariffPlugin;
use kabinet_plugin_host::api::{AccountCharges, Method};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::year::{AVERAGE_VOLUME, average, cost, is_even, year_before};
use super::{HouseFigures, HouseMeterMonth, HouseVolume, Houses, ServiceFigures, areas, corrections, volumes};
use crate::calculation::{self, AccountCase};
use crate::catalog::{Service, Terms};
use crate::entity::billing_run;
use crate::error::Error;
use crate::loading::{self, Base};
use crate::plan::{Plan, Snapshot};
use crate::store;

/// Accounts read and calculated together.
const BATCH: u64 = 1000;
/// The plugin's rule for a service that is charged by meters of the room alone.
const METERED: &str = "metered";

/// How a service gets its figures of a house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The rest of another service's house meter, beyond all that the rooms were charged for.
    Rest,
    /// Its own house meter, beside the rooms whose meters count.
    Own,
    /// As [`Way::Own`] with the monthly averages of the year before.
    Even,
}

/// A service that is charged by house meters.
#[derive(Clone, Debug)]
pub(super) struct Charged {
    pub(super) code: String,
    /// The service whose house meter counts.
    pub(super) metered: String,
    pub(super) way: Way,
}

/// The figures of the month of `run`, stored with it.
pub(crate) async fn freeze(
    db: &Db,
    tenant: &Arc<Tenant>,
    plan: &Plan,
    plugin: &TariffPlugin,
    run: &billing_run::Model,
) -> Result<Houses, Error> {
    let charged = charged(&plan.snapshot);
    let tx = db.read(tenant, Actor::System).await?;
    let known = Houses::of(&tx, run.id).await?;
    let mut draft = if known == Houses::default() { stated(&tx, plan, &charged, run).await? } else { BTreeMap::new() };
    tx.commit().await?;
    if draft.is_empty() {
        return Ok(known);
    }
    let rooms = Rooms::ask(db, tenant, plan, plugin, &charged, &draft).await?;
    for (house, figures) in &mut draft {
        rooms.fill(*house, figures, &charged, plan.snapshot.carries());
    }
    let houses = Houses::new(draft.into_iter().collect());
    let tx = db.begin(tenant, Actor::System).await?;
    houses.save(&tx, run.id).await?;
    tx.commit().await?;
    Ok(houses)
}

/// The services that house meters charge.
pub(super) fn charged(snapshot: &Snapshot) -> Vec<Charged> {
    let shared = |code: &str| snapshot.services.iter().any(|(service, _)| service.shares == code);
    let services = snapshot.services.iter().filter_map(|(service, terms)| Some((service, terms.as_ref()?)));
    // A house meter that others share the rest of is no business of the rooms' own service.
    let services = services.filter(|(service, _)| !shared(&service.code));
    let way = |(service, terms): (&Service, &Terms)| {
        let way = match (service.shares.is_empty(), is_even(terms)) {
            (false, _) => Way::Rest,
            (true, true) => Way::Even,
            (true, false) => Way::Own,
        };
        let metered = if way == Way::Rest { &service.shares } else { &service.code };
        Charged { code: service.code.clone(), metered: metered.clone(), way }
    };
    services.map(way).collect()
}

/// What staff stated of houses for the month; nothing of houses without a statement, unless some service needs
/// areas alone.
async fn stated(
    tx: &Tx,
    plan: &Plan,
    charged: &[Charged],
    run: &billing_run::Model,
) -> Result<BTreeMap<Uuid, HouseFigures>, Error> {
    let (from, to) = year_before(plan.period);
    let by_house = grouped(volumes(tx, &plan.snapshot, from, plan.period).await?);
    let areas = areas(tx, plan.period).await?;
    if by_house.is_empty() && areas.values().all(|(_, common)| *common == Quantity::ZERO) {
        return Ok(BTreeMap::new());
    }
    let (before, corrected) = match run.base_run {
        Some(base) if plan.snapshot.carries() => (Houses::of(tx, base).await?, corrections::carried(tx, base).await?),
        Some(base) => (Houses::of(tx, base).await?, HashMap::new()),
        None => (Houses::default(), HashMap::new()),
    };
    let tariffs = if plan.period.month() == 1 { tariffs(tx, (from, to)).await? } else { HashMap::new() };
    let mut draft = BTreeMap::new();
    for (house, (rooms, common)) in areas {
        let known = by_house.get(&house).map_or(&[][..], Vec::as_slice);
        let now = known.iter().filter(|month| month.period == plan.period);
        let mut figures = HouseFigures {
            rooms,
            common,
            meters: now.clone().map(HouseMeterMonth::from).collect(),
            services: Vec::new(),
        };
        for of in charged {
            let terms = plan.snapshot.position(&of.code).and_then(|at| plan.snapshot.services[at].1.as_ref());
            let last_year: Vec<&HouseVolume> =
                known.iter().filter(|month| month.service == of.metered && month.period <= to).collect();
            let volume = match of.way {
                Way::Even => terms.and_then(|terms| average(terms, last_year.iter().copied())),
                _ => now.clone().find(|month| month.service == of.metered).map(|month| month.volume),
            };
            let Some(volume) = volume else { continue };
            let over = corrected.get(&house).or(before.get(house)).map(|old| old.over(&of.code)).unwrap_or_default();
            let year = if of.way == Way::Even { cost(&last_year, &tariffs) } else { None };
            figures.services.push(ServiceFigures { house: Some(volume), over, year, ..ServiceFigures::of(&of.code) });
        }
        if common != Quantity::ZERO || !figures.services.is_empty() || !figures.meters.is_empty() {
            draft.insert(house, figures);
        }
    }
    Ok(draft)
}

fn grouped(volumes: Vec<(Uuid, HouseVolume)>) -> HashMap<Uuid, Vec<HouseVolume>> {
    let mut by_house: HashMap<Uuid, Vec<HouseVolume>> = HashMap::new();
    for (house, volume) in volumes {
        by_house.entry(house).or_default().push(volume);
    }
    by_house
}

/// The tariffs that the published months of a year were charged with, by month and service.
async fn tariffs(tx: &Tx, (from, to): (Period, Period)) -> Result<HashMap<(Period, String), Decimal>, Error> {
    let mut tariffs = HashMap::new();
    let mut period = from;
    while period <= to {
        if let Some(run) = store::published(tx, period).await? {
            let snapshot: Snapshot = serde_json::from_str(&run.snapshot)?;
            for (service, terms) in snapshot.services {
                let price = terms.and_then(|terms| terms.prices.first().map(|price| price.amount));
                tariffs.extend(price.map(|price| ((period, service.code), price)));
            }
        }
        period = period.next();
    }
    Ok(tariffs)
}

/// What falls to the rooms of a house of one service.
#[derive(Clone, Debug, Default)]
struct Share {
    volume: Quantity,
    area: Quantity,
    /// Flats whose area is counted: several accounts may share one.
    flats: HashSet<String>,
}

/// What falls to the rooms, by house and code of the service.
#[derive(Clone, Debug, Default)]
struct Rooms(HashMap<(Uuid, String), Share>);

impl Rooms {
    /// Charges the metered services for their rooms alone, as the month will: whether a meter counts is the
    /// plugin's decision.
    async fn ask(
        db: &Db,
        tenant: &Arc<Tenant>,
        plan: &Plan,
        plugin: &TariffPlugin,
        charged: &[Charged],
        draft: &BTreeMap<Uuid, HouseFigures>,
    ) -> Result<Self, Error> {
        let charged: Vec<Charged> = charged
            .iter()
            .filter(|of| draft.values().any(|figures| figures.services.iter().any(|known| known.service == of.code)))
            .cloned()
            .collect();
        let mut rooms = Self::default();
        if charged.is_empty() {
            return Ok(rooms);
        }
        let knows_meters = plugin.info().rules.iter().any(|rule| rule == METERED);
        let plan = Arc::new(Plan::new(plan.period, rooms_alone(&plan.snapshot, &charged, knows_meters)));
        let mut after: Option<AccountId> = None;
        loop {
            let tx = db.read(tenant, Actor::System).await?;
            let accounts = roster::batch(&tx, plan.period, after, BATCH).await?;
            let Some(last) = accounts.last().map(|account| account.id) else { return Ok(rooms) };
            after = Some(last);
            let mut cases = loading::cases(&tx, &plan, Base::default(), accounts).await?;
            tx.commit().await?;
            cases.retain(|case| draft.get(&case.facts.house_id).is_some_and(|figures| !figures.services.is_empty()));
            let (plan, plugin) = (plan.clone(), plugin.clone());
            let work =
                move || calculation::calculate(&plan, &plugin, &cases).map(|(_, answers)| (plan, cases, answers));
            let done = tokio::task::spawn_blocking(work).await;
            let (plan, cases, answers) = done.map_err(|error| Error::Stopped(error.to_string()))??;
            for (case, answer) in cases.iter().zip(&answers) {
                rooms.add(&plan, &charged, case, answer);
            }
        }
    }

    fn add(&mut self, plan: &Plan, charged: &[Charged], case: &AccountCase, answer: &AccountCharges) {
        for of in charged {
            if of.way == Way::Even {
                let own = case.numbers.iter().filter(|(service, _)| *service == of.code).flat_map(|(_, of)| of);
                if let Some(average) = own.clone().find(|number| number.name == AVERAGE_VOLUME) {
                    self.count(&case.facts, of, average.value, true);
                }
                continue;
            }
            let lines = answer.lines.iter();
            let mine = lines.filter(|line| {
                let service = plan.snapshot.services.get(plan.owner(line.service));
                service.is_some_and(|(service, _)| service.code == of.metered)
            });
            for line in mine {
                let by_meter = matches!(line.method, Method::Meter | Method::Average);
                if of.way == Way::Rest || by_meter {
                    self.count(&case.facts, of, line.volume, by_meter);
                }
            }
        }
    }

    fn count(&mut self, facts: &AccountFacts, of: &Charged, volume: Decimal, by_meter: bool) {
        let share = self.0.entry((facts.house_id, of.code.clone())).or_default();
        share.volume = share.volume + Quantity::from_decimal(volume).unwrap_or_default();
        if by_meter && share.flats.insert(facts.flat.clone()) {
            share.area = share.area + facts.area;
        }
    }

    /// Adds the rooms to the figures of a house, and what they used beyond its meter.
    fn fill(&self, house: Uuid, figures: &mut HouseFigures, charged: &[Charged], carry: bool) {
        for of in &mut figures.services {
            let share = self.0.get(&(house, of.service.clone())).cloned().unwrap_or_default();
            (of.rooms, of.metered_area) = (share.volume, share.area);
            let rest = charged.iter().any(|known| known.code == of.service && known.way == Way::Rest);
            of.measure(of.house.unwrap_or_default(), Some(of.over).filter(|_| carry && rest));
        }
    }
}

/// The services whose house meters count, charged for rooms alone: what a service shares the rest of as it is, one
/// with a house meter of its own by the meters in its rooms.
fn rooms_alone(snapshot: &Snapshot, charged: &[Charged], knows_meters: bool) -> Snapshot {
    let mut alone = snapshot.clone();
    for (service, terms) in &mut alone.services {
        let mut of = charged.iter().filter(|of| of.metered == service.code);
        match of.next().map(|of| of.way) {
            Some(Way::Rest) => {}
            Some(_) if knows_meters => {
                METERED.clone_into(&mut service.rule);
                // Without a usable meter the norm says nothing about the rooms: the answer is left out.
                terms.iter_mut().for_each(|terms| terms.norm = terms.norm.or(Some(Decimal::ZERO)));
            }
            _ => *terms = None,
        }
    }
    alone
}
