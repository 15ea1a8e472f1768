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

use super::unread::{self, UnreadMeter, UnreadMonth};
use super::year::{AVERAGE_VOLUME, YearCost, average, is_even, year_before};
use super::{
    HouseFigures, HouseMeterMonth, HouseVolume, Houses, ServiceFigures, areas, corrections, decisions, volumes,
};
use crate::calculation::{self, AccountCase, given_back};
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
    /// The meters of the rooms alone: its own house meter is shown, and charges nobody.
    Rooms,
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
            (true, false) if service.rule == METERED => Way::Rooms,
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
    let measured = volumes(tx, &plan.snapshot, from, plan.period).await?;
    let unread = unread::months(tx, plan, from, &measured).await?;
    let by_house = grouped(measured.into_iter().chain(unread.iter().filter_map(UnreadMonth::volume)));
    let mut unread = unread::in_month(unread, plan.period);
    let areas = areas(tx, plan.period).await?;
    if by_house.is_empty() && unread.is_empty() && areas.values().all(|(_, common)| *common == Quantity::ZERO) {
        return Ok(BTreeMap::new());
    }
    let (before, corrected) = match run.base_run.filter(|_| plan.snapshot.carries()) {
        Some(base) => (Houses::of(tx, base).await?, corrections::carried(tx, base).await?),
        None => (Houses::default(), HashMap::new()),
    };
    let decided = decisions::in_force(tx, plan.period).await?;
    let tariffs = if plan.period.month() == 1 { tariffs(tx, (from, to)).await? } else { HashMap::new() };
    let mut draft = BTreeMap::new();
    for (house, (rooms, common)) in areas {
        let known = by_house.get(&house).map_or(&[][..], Vec::as_slice);
        let unread = unread.remove(&house).unwrap_or_default();
        let decided = decided.get(&house).copied();
        let before = corrected.get(&house).or(before.get(house));
        let services = charged.iter().filter_map(|of| {
            let over = before.map(|before| before.over(&of.code)).unwrap_or_default();
            of_service(&plan.snapshot, of, (known, &unread), plan.period, decided, over, &tariffs)
        });
        let services: Vec<ServiceFigures> = services.collect();
        let by_meter = |meter: &UnreadMeter| unread::charges(&plan.snapshot, charged, &meter.service, decided);
        let (unread, idle): (Vec<_>, Vec<_>) = unread.into_iter().partition(by_meter);
        // An average by which nothing is charged this month is no news.
        let news = |month: &&HouseVolume| idle.iter().all(|meter| meter.service != month.service);
        let now = known.iter().filter(|month| month.period == plan.period);
        let meters: Vec<_> = now.filter(news).map(HouseMeterMonth::from).collect();
        if common != Quantity::ZERO || !services.is_empty() || !meters.is_empty() || !unread.is_empty() {
            draft.insert(house, HouseFigures { rooms, common, meters, unread, services });
        }
    }
    Ok(draft)
}

/// What is known of a service in a house, by its volumes and the meters that did not count the month. `over` is by how
/// much the rooms exceeded the house before (zero or negative), where the company takes that off: without a volume it
/// waits for a month that has one. None where nothing is known.
fn of_service(
    snapshot: &Snapshot,
    of: &Charged,
    (known, unread): (&[HouseVolume], &[UnreadMeter]),
    period: Period,
    decided: Option<bool>,
    over: Quantity,
    tariffs: &HashMap<(Period, String), Decimal>,
) -> Option<ServiceFigures> {
    let by_meter = decisions::by_meter(snapshot, &of.code, decided);
    let averaged = unread.iter().any(|meter| meter.service == of.metered);
    let volumes = known.iter().filter(|month| month.service == of.metered);
    let (house, year) = if of.way == Way::Even {
        let (_, december) = year_before(period);
        let of_year: Vec<&HouseVolume> = volumes.filter(|month| month.period <= december).collect();
        let average = average(&of_year)?;
        (Some(average), YearCost::of(&of_year, tariffs))
    } else {
        // An average by which the service is not charged was measured by nobody either.
        let idle = averaged && (of.way == Way::Rooms || by_meter == Some(false));
        let mut now = volumes.filter(|month| month.period == period && !idle);
        (now.next().map(|month| month.volume), None)
    };
    let waits = of.way == Way::Rest && over != Quantity::ZERO;
    let decided_against = averaged && by_meter == Some(false);
    let figures = ServiceFigures { house, over, year, by_meter, ..ServiceFigures::of(&of.code) };
    Some(figures).filter(|_| house.is_some() || waits || decided_against)
}

fn grouped(volumes: impl Iterator<Item = (Uuid, HouseVolume)>) -> HashMap<Uuid, Vec<HouseVolume>> {
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
            for (service, _) in &snapshot.services {
                let price = snapshot.price(period, &service.code);
                tariffs.extend(price.map(|price| ((period, service.code.clone()), price)));
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
    /// Premises whose area is counted: several accounts may share one, and a number of a flat is none of a parking
    /// place's.
    premises: HashSet<Uuid>,
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
            let covered = case.averaged.get(&of.metered).map_or(&[][..], Vec::as_slice);
            for line in mine {
                let by_meter = matches!(line.method, Method::Meter | Method::Average);
                if of.way == Way::Rest || by_meter {
                    // What the house used in months before was shared among its rooms in those months.
                    let volume = line.volume - given_back(covered, &line.recalculations);
                    self.count(&case.facts, of, volume, by_meter);
                }
            }
        }
    }

    fn count(&mut self, facts: &AccountFacts, of: &Charged, volume: Decimal, by_meter: bool) {
        let share = self.0.entry((facts.house_id, of.code.clone())).or_default();
        share.volume = share.volume + Quantity::from_decimal(volume).unwrap_or_default();
        if by_meter && share.premises.insert(facts.premises_id) {
            share.area = share.area + facts.area;
        }
    }

    /// Adds the rooms to the figures of a house, and what they used beyond its meter.
    fn fill(&self, house: Uuid, figures: &mut HouseFigures, charged: &[Charged], carry: bool) {
        for of in &mut figures.services {
            let share = self.0.get(&(house, of.service.clone())).cloned().unwrap_or_default();
            // Averages of months before may have been more than all rooms used since.
            (of.rooms, of.metered_area) = (Ord::max(share.volume, Quantity::ZERO), share.area);
            let rest = charged.iter().any(|known| known.code == of.service && known.way == Way::Rest);
            // Without a volume there is nothing to take off from: what is to be taken off waits.
            if let Some(volume) = of.house {
                of.measure(volume, Some(of.over).filter(|_| carry && rest));
            }
        }
    }
}

/// The services whose house meters count, charged for rooms alone: what a service shares the rest of as it is, one
/// with a house meter of its own by the meters in its rooms.
fn rooms_alone(snapshot: &Snapshot, charged: &[Charged], knows_meters: bool) -> Snapshot {
    // The rooms' volumes are asked for, and no prices.
    let mut alone = Snapshot { earlier: Vec::new(), ..snapshot.clone() };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calculation::facts;

    /// A room of 20 m².
    fn room(premises: u128, flat: &str) -> AccountFacts {
        AccountFacts {
            premises_id: Uuid::from_u128(premises),
            flat: flat.to_owned(),
            kind: "room".to_owned(),
            area: Quantity::whole(20),
            ..facts(20_200_101, None)
        }
    }

    #[test]
    fn the_area_of_metered_premises_counts_once_whatever_stands_on_their_doors() {
        let of = Charged { code: "heating".to_owned(), metered: "heating".to_owned(), way: Way::Own };
        let mut rooms = Rooms::default();
        // Two accounts share the first; the second has the same number on its door.
        for (premises, flat) in [(1, "12"), (1, "12"), (2, "12"), (3, "")] {
            rooms.count(&room(premises, flat), &of, Decimal::ONE, true);
        }
        let share = &rooms.0[&(Uuid::nil(), "heating".to_owned())];
        assert_eq!((share.area, share.volume), (Quantity::whole(60), Quantity::whole(4)));
    }

    #[test]
    fn rooms_that_get_more_back_than_they_used_leave_all_to_the_house() {
        let of = Charged { code: "common".to_owned(), metered: "cold_water".to_owned(), way: Way::Rest };
        let mut rooms = Rooms::default();
        // 8 m³ read of three months that were charged by an average of 4 each.
        for volume in [8 - 12, 3] {
            rooms.count(&room(1, "1"), &of, Decimal::from(volume), true);
        }
        let services = vec![ServiceFigures { house: Some(Quantity::whole(30)), ..ServiceFigures::of("common") }];
        let mut figures = HouseFigures { services, ..HouseFigures::default() };
        rooms.fill(Uuid::nil(), &mut figures, &[of], false);
        let known = &figures.services[0];
        assert_eq!((known.rooms, known.house), (Quantity::ZERO, Some(Quantity::whole(30))));
    }
}
