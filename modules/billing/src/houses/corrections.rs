//! Volumes of published months, corrected: a month is billed by norm, or with a volume that was misread, and the house
//! meter's real one becomes known later. What was published stays as it was frozen; a month that is computed again
//! takes the corrected volume in the place of the frozen one.

use std::collections::{BTreeMap, HashMap};

use kabinet_accounts::roster;
use kabinet_contracts::RunId;
use kabinet_core::{DbError, Period, Quantity, Timestamp, Tx};
use rust_decimal::Decimal;
use sea_orm::{ActiveModelTrait, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::freeze::{Charged, Way, charged};
use super::{
    HouseFigures, HouseMeterMonth, HouseVolume, Houses, ServiceFigures, areas, check_volume, decisions, house,
    of_meters,
};
use crate::calculation::given_back;
use crate::entity::{billing_run, charge, house_volume_correction};
use crate::error::Error;
use crate::plan::{Plan, Snapshot};
use crate::recalculations::{MOST_MONTHS, refuse_old};
use crate::runs::{self, replay};
use crate::store;
use crate::trace;

use house_volume_correction::Column;

/// Why a calculated month is given up.
const OUTDATED: &str = "изменился объем по дому за прошлый месяц: рассчитайте месяц заново";

/// A corrected volume of a published month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeCorrection {
    /// Code of the service that the meter measures.
    pub service: String,
    /// The month.
    pub period: Period,
    /// In the service's units; none where the corrections before this one were taken back.
    pub volume: Option<Quantity>,
    /// Serial number of the meter; may be empty.
    pub serial: String,
    /// Its reading at the start of the month.
    pub previous: Option<Quantity>,
    /// Its reading at the end.
    pub current: Option<Quantity>,
    /// When it was recorded.
    pub recorded_at: Timestamp,
}

impl From<house_volume_correction::Model> for VolumeCorrection {
    fn from(row: house_volume_correction::Model) -> Self {
        Self {
            service: row.service_code,
            period: row.period,
            volume: row.volume,
            serial: row.serial,
            previous: row.previous,
            current: row.current,
            recorded_at: row.recorded_at,
        }
    }
}

/// The corrections of a house, the latest month first, and of a month the latest correction.
pub async fn list(tx: &Tx, code: &str) -> Result<Vec<VolumeCorrection>, Error> {
    let house = house(tx, code).await?;
    let rows = house_volume_correction::Entity::find()
        .filter(Column::HouseId.eq(house.id))
        .order_by_desc(Column::Period)
        .order_by_asc(Column::ServiceCode)
        .order_by_desc(Column::Number);
    Ok(tx.all(rows).await?.into_iter().map(VolumeCorrection::from).collect())
}

/// A published month whose house meters measured something else than it counts with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differing {
    /// What it counts with: what was billed, or the correction that holds; none where it knows no volume.
    pub billed: Option<Quantity>,
    /// What the meters measured.
    pub measured: HouseVolume,
}

/// The months in which the meters of a house measured something else than was billed, the latest month first, as far as
/// [`correct`] takes them: a month that nobody read is measured by the first reading after it. A month that goes by norm
/// whatever the meters say is none of them, unless it was corrected all the same.
pub async fn differing(tx: &Tx, code: &str) -> Result<Vec<Differing>, Error> {
    let house = house(tx, code).await?.id;
    let Some(latest) = store::latest_period(tx).await? else { return Ok(Vec::new()) };
    let known = of_house(tx, house, latest).await?;
    let decided = decisions::stored(tx, house).await?;
    // The reading that tells of the latest month may have come since.
    let until = tx.today().period().max(latest);
    let mut months = kabinet_meters::houses::volumes_of(tx, house, latest.plus(1 - MOST_MONTHS), until).await?;
    months.retain(|month| month.period <= latest);
    months.sort_by_key(|month| std::cmp::Reverse(month.period));
    let mut differing = Vec::new();
    for month in months {
        let Some(billed) = Billed::of(tx, house, month.period).await? else { continue };
        let decided = decisions::held_in(&decided, month.period);
        for measured in of_meters(&billed.snapshot, &month) {
            let corrected = known.get(&(measured.service.clone(), month.period)).and_then(Option::as_ref);
            let counts = corrected.map(|volume| volume.volume).or(billed.volume(&measured.service));
            let by_norm = corrected.is_none() && billed.by_norm(&measured.service, decided);
            if counts == Some(measured.volume) || by_norm {
                continue;
            }
            if billed.refuse_without_effect(&measured.service, latest).is_ok() {
                differing.push(Differing { billed: counts, measured });
            }
        }
    }
    Ok(differing)
}

/// A published month of a house, as it was billed.
struct Billed {
    period: Period,
    snapshot: Snapshot,
    /// What was frozen of the house; none where nothing was known of it.
    figures: Option<HouseFigures>,
}

impl Billed {
    /// None where the month is not published.
    async fn of(tx: &Tx, house: Uuid, period: Period) -> Result<Option<Self>, Error> {
        let Some(run) = store::published(tx, period).await? else { return Ok(None) };
        let (snapshot, figures) = (serde_json::from_str(&run.snapshot)?, Houses::one(tx, run.id, house).await?);
        Ok(Some(Self { period, snapshot, figures }))
    }

    /// What it counts with of the meter of a service; none where it knew no volume.
    fn volume(&self, metered: &str) -> Option<Quantity> {
        let mut meters = self.figures.iter().flat_map(|figures| &figures.meters);
        meters.find(|meter| meter.service == metered).map(|meter| meter.volume)
    }

    /// The services that the meter of `metered` charges.
    fn charged_by(&self, metered: &str) -> Vec<Charged> {
        let charged = charged(&self.snapshot).into_iter();
        charged.filter(|of| of.metered == metered && of.way != Way::Rooms).collect()
    }

    /// Whether all that the meter of `metered` could charge goes by norm with this decision of the owners.
    fn by_norm(&self, metered: &str, decided: Option<bool>) -> bool {
        let mut ways = self.charged_by(metered).into_iter();
        ways.all(|of| decisions::by_meter(&self.snapshot, &of.code, decided) == Some(false))
    }

    /// Refuses a volume that would change nobody's charge, or that rooms cannot be told apart from.
    fn refuse_without_effect(&self, metered: &str, latest: Period) -> Result<(), Error> {
        let ways = self.charged_by(metered);
        if ways.is_empty() {
            let why = "По общедомовому прибору этой услуги в этом месяце ничего не начисляется";
            return Err(Error::Field("service", why));
        }
        let services = self.figures.iter().flat_map(|figures| &figures.services);
        for of in &ways {
            // The meters in the rooms were not asked for that month: nobody can say which of them would have counted.
            if of.way == Way::Own && services.clone().all(|known| known.service != of.code) {
                let why = "Услуга начислена без общедомового прибора: исправьте начисления по лицевым счетам";
                return Err(Error::Field("period", why));
            }
            // Paid evenly, a month counts in the correction of its year, which January brings.
            if of.way == Way::Even && latest.year() > self.period.year() {
                return Err(Error::Field("period", "Год по этой услуге уже скорректирован в январе"));
            }
        }
        Ok(())
    }
}

/// Records what a house's meter really measured in a published month. Nobody is charged by it before the month is
/// recalculated ([`crate::recalculations::house`]); what was recorded before stays in the list. A later month that is
/// calculated and not published is given up: it did not know of it. The same again changes nothing.
pub async fn correct(tx: &mut Tx, code: &str, new: &HouseVolume) -> Result<(), Error> {
    let house = house(tx, code).await?.id;
    check_volume(tx, new).await?;
    let new = VolumeCorrection {
        service: new.service.clone(),
        period: new.period,
        volume: Some(new.volume),
        serial: new.serial.clone(),
        previous: new.previous,
        current: new.current,
        recorded_at: tx.now(),
    };
    let Some(number) = next_number(tx, house, &new).await? else { return Ok(()) };
    // Before it is looked at: what is about to be published is published or given up.
    runs::outdate(tx, new.period.next(), OUTDATED).await?;
    let latest = refuse_old(tx, new.period).await?;
    let billed = Billed::of(tx, house, new.period).await?.ok_or(Error::NotPublished(new.period))?;
    billed.refuse_without_effect(&new.service, latest)?;
    append(tx, house, number, new).await
}

/// Takes the corrections of a month back: it counts as it was billed.
pub async fn take_back(tx: &mut Tx, code: &str, service: &str, period: Period) -> Result<(), Error> {
    let house = house(tx, code).await?.id;
    if count(tx, house, service, period).await? == 0 {
        return Ok(());
    }
    let none = VolumeCorrection {
        service: service.to_owned(),
        period,
        volume: None,
        serial: String::new(),
        previous: None,
        current: None,
        recorded_at: tx.now(),
    };
    let Some(number) = next_number(tx, house, &none).await? else { return Ok(()) };
    runs::outdate(tx, period.next(), OUTDATED).await?;
    append(tx, house, number, none).await
}

/// The number of a correction behind the others of its month; none where it says what the last of them does.
async fn next_number(tx: &Tx, house: Uuid, new: &VolumeCorrection) -> Result<Option<i32>, DbError> {
    let last = history(tx, house, &new.service, new.period).await?.pop();
    let number = last.as_ref().map_or(1, |last| last.number + 1);
    let says = |last| VolumeCorrection { recorded_at: new.recorded_at, ..VolumeCorrection::from(last) } == *new;
    Ok(Some(number).filter(|_| !last.is_some_and(says)))
}

async fn append(tx: &Tx, house: Uuid, number: i32, new: VolumeCorrection) -> Result<(), Error> {
    let volume = new.volume.map(|volume| volume.0);
    let detail = serde_json::json!({ "service": new.service, "period": new.period, "volume": volume });
    let row = house_volume_correction::Model {
        tenant_id: tx.tenant_id(),
        house_id: house,
        service_code: new.service,
        period: new.period,
        number,
        volume: new.volume,
        serial: new.serial,
        previous: new.previous,
        current: new.current,
        recorded_at: new.recorded_at,
    };
    match tx.insert(house_volume_correction::ActiveModel::from(row).reset_all()).await {
        // Somebody else corrected the month at the same moment.
        Err(DbError::Duplicate(_)) => return Err(Error::Changed),
        inserted => inserted?,
    }
    Ok(tx.audit("billing.house_volume_corrected", house, detail).await?)
}

/// All that was recorded of a month, the last one last.
async fn history(
    tx: &Tx,
    house: Uuid,
    service: &str,
    period: Period,
) -> Result<Vec<house_volume_correction::Model>, DbError> {
    let rows = house_volume_correction::Entity::find()
        .filter(Column::HouseId.eq(house))
        .filter(Column::ServiceCode.eq(service))
        .filter(Column::Period.eq(period));
    tx.all(rows.order_by_asc(Column::Number)).await
}

/// How many corrections of a month there are, those that were taken back among them.
pub(crate) async fn count(tx: &Tx, house: Uuid, service: &str, period: Period) -> Result<usize, DbError> {
    Ok(history(tx, house, service, period).await?.len())
}

/// The corrections that hold from one month to another, both among them, with the house of each.
pub(super) async fn between(tx: &Tx, from: Period, to: Period) -> Result<Vec<(Uuid, HouseVolume)>, DbError> {
    let houses = recorded(tx, Condition::all().add(Column::Period.between(from, to))).await?;
    let holding =
        |(house, corrected): (Uuid, Corrected)| corrected.into_values().flatten().map(move |volume| (house, volume));
    Ok(houses.into_iter().flat_map(holding).collect())
}

/// Of each service and month of a house that was ever corrected the volume that holds; none where the corrections were
/// taken back, so that it counts as it was billed.
type Corrected = BTreeMap<(String, Period), Option<HouseVolume>>;

/// What the corrections come to, by house.
async fn recorded(tx: &Tx, which: Condition) -> Result<BTreeMap<Uuid, Corrected>, DbError> {
    let rows = house_volume_correction::Entity::find().filter(which).order_by_asc(Column::Number);
    let mut houses: BTreeMap<Uuid, Corrected> = BTreeMap::new();
    for row in tx.all(rows).await? {
        let of_month = (row.service_code.clone(), row.period);
        houses.entry(row.house_id).or_default().insert(of_month, holding(row));
    }
    Ok(houses)
}

/// What the corrections of one house come to, until the month `to`.
async fn of_house(tx: &Tx, house: Uuid, to: Period) -> Result<Corrected, DbError> {
    let here = Condition::all().add(Column::HouseId.eq(house)).add(Column::Period.lte(to));
    Ok(recorded(tx, here).await?.remove(&house).unwrap_or_default())
}

fn holding(row: house_volume_correction::Model) -> Option<HouseVolume> {
    let house_volume_correction::Model { service_code: service, period, serial, previous, current, .. } = row;
    Some(HouseVolume { service, period, volume: row.volume?, serial, previous, current })
}

/// The codes of the services that a month charged by the house meter of `metered`: those that a corrected volume of
/// it changes.
pub(crate) fn services(snapshot: &Snapshot, metered: &str) -> Vec<String> {
    let monthly = charged(snapshot).into_iter().filter(|of| of.metered == metered && of.way != Way::Even);
    monthly.map(|of| of.code).collect()
}

/// The plan of a published month for the accounts of one house, as the house's volumes are known now.
pub(crate) async fn plan_now(tx: &Tx, run: &billing_run::Model, house: Uuid) -> Result<Plan, Error> {
    let corrected = of_house(tx, house, run.period).await?;
    let figures = figures_now(tx, run, house, &corrected).await?;
    let houses = Houses::new(figures.map(|figures| (house, figures)).into_iter().collect());
    Ok(Plan::new(run.period, serde_json::from_str(&run.snapshot)?).with_houses(houses))
}

/// The houses of a published run that were ever corrected, as their volumes are known now: a month that takes off what
/// rooms used beyond the house takes it off by these.
pub(super) async fn carried(tx: &Tx, run: RunId) -> Result<HashMap<Uuid, HouseFigures>, Error> {
    let run = store::run(tx, run).await?.ok_or(Error::NoSuchRun)?;
    let snapshot: Snapshot = serde_json::from_str(&run.snapshot)?;
    let mut houses = HashMap::new();
    if snapshot.carry_house_rest.is_none() {
        return Ok(houses);
    }
    for (house, corrected) in recorded(tx, Condition::all().add(Column::Period.lte(run.period))).await? {
        houses.extend(figures_now(tx, &run, house, &corrected).await?.map(|figures| (house, figures)));
    }
    Ok(houses)
}

/// What a published month would have known of a house with its corrected volumes. Where it took off what rooms used
/// beyond the house the month before, all months since the first that was ever corrected are gone through: those
/// between may have been billed with a correction that was taken back since.
async fn figures_now(
    tx: &Tx,
    run: &billing_run::Model,
    house: Uuid,
    corrected: &Corrected,
) -> Result<Option<HouseFigures>, Error> {
    let carries = serde_json::from_str::<Snapshot>(&run.snapshot)?.carries();
    let changed =
        corrected.iter().filter(|((_, period), volume)| carries || (*period == run.period && volume.is_some()));
    let Some(mut period) = changed.map(|((_, period), _)| *period).min() else {
        return Ok(Houses::one(tx, run.id, house).await?);
    };
    let mut before = as_billed(tx, period.previous(), house).await?;
    loop {
        let month = store::published(tx, period).await?.ok_or(Error::NotPublished(period))?;
        let snapshot: Snapshot = serde_json::from_str(&month.snapshot)?;
        let figures = month_now(tx, (&month, &snapshot), house, corrected, &before).await?;
        if period >= run.period {
            return Ok(figures);
        }
        before = match snapshot.carry_house_rest {
            Some(_) => figures.unwrap_or_default(),
            // Nobody knows what an earlier release carried over: what it billed stands.
            None => as_billed(tx, period, house).await?,
        };
        period = period.next();
    }
}

/// What was frozen of a house with the bills of a month; nothing where there are none.
async fn as_billed(tx: &Tx, period: Period, house: Uuid) -> Result<HouseFigures, DbError> {
    let Some(run) = store::published(tx, period).await? else { return Ok(HouseFigures::default()) };
    Ok(Houses::one(tx, run.id, house).await?.unwrap_or_default())
}

/// A month's figures of a house with its corrected volumes; none where nothing is known of it. `before` is the month
/// before as it is known now, for a month that takes off what rooms used beyond the house in it.
///
/// What falls to the rooms stays as it was billed: a neighbour's late reading changes nobody's share. Where the month
/// knew no volume of the house and nobody had summed them up, it is what the rooms were charged for, be it by meter,
/// average or norm, less what went back of months before.
async fn month_now(
    tx: &Tx,
    (run, snapshot): (&billing_run::Model, &Snapshot),
    house: Uuid,
    corrected: &Corrected,
    before: &HouseFigures,
) -> Result<Option<HouseFigures>, Error> {
    let volumes: Vec<&HouseVolume> = corrected.values().flatten().filter(|of| of.period == run.period).collect();
    let mut figures = match Houses::one(tx, run.id, house).await? {
        Some(frozen) => frozen,
        None if volumes.is_empty() => return Ok(None),
        None => {
            let (rooms, common) = areas(tx, run.period).await?.get(&house).copied().unwrap_or_default();
            HouseFigures { rooms, common, ..HouseFigures::default() }
        }
    };
    for volume in &volumes {
        figures.meters.retain(|known| known.service != volume.service);
        figures.unread.retain(|known| known.service != volume.service);
        figures.meters.push(HouseMeterMonth::from(*volume));
    }
    // A service that was never corrected keeps its figures, and what is not carried over ends with its month.
    let reaches = |(service, period): &(String, Period), of: &Charged| *service == of.metered && *period <= run.period;
    let changed = |of: &&Charged| {
        volumes.iter().any(|volume| volume.service == of.metered)
            || (snapshot.carries() && corrected.keys().any(|known| reaches(known, of)))
    };
    for of in charged(snapshot).iter().filter(|of| of.way != Way::Even).filter(changed) {
        let carried = (snapshot.carries() && of.way == Way::Rest).then(|| before.over(&of.code));
        let corrected_now = volumes.iter().any(|volume| volume.service == of.metered);
        let knows = |known: &ServiceFigures| known.service == of.code && known.house.is_some();
        if !corrected_now && !figures.services.iter().any(knows) {
            figures.wait(&of.code, carried.unwrap_or_default());
            continue;
        }
        let meter = figures.meters.iter().find(|meter| meter.service == of.metered);
        let Some(volume) = meter.map(|meter| meter.volume) else { continue };
        if of.way == Way::Rest && figures.services.iter().all(|known| known.service != of.code) {
            let rooms = billed_to_rooms(tx, (run, snapshot), house, &of.metered).await?;
            figures.services.push(ServiceFigures { rooms, ..ServiceFigures::of(&of.code) });
        }
        for known in figures.services.iter_mut().filter(|known| known.service == of.code) {
            if corrected_now {
                // A month by norm goes by the meter once its volume is corrected: that is what it is recalculated for,
                // whatever was decided of the month itself.
                known.by_meter = decisions::by_meter(snapshot, &of.code, Some(true));
            }
            known.measure(volume, carried);
        }
    }
    Ok(Some(figures))
}

/// What a run charged the rooms of a house for of a service, in its units, less what it gave back of months before: as
/// [`super::freeze`] sums them up.
async fn billed_to_rooms(
    tx: &Tx,
    (run, snapshot): (&billing_run::Model, &Snapshot),
    house: Uuid,
    service: &str,
) -> Result<Quantity, Error> {
    let rows = charge::Entity::find()
        .filter(charge::Column::RunId.eq(run.id))
        .filter(charge::Column::ServiceCode.eq(service))
        .filter(charge::Column::AccountId.is_in(roster::ever_in_house(tx, house).await?));
    let lines = tx.all(rows).await?;
    let corrected = lines.iter().map(|line| (line.account_id, trace::decode(&line.trace).recalculations));
    let corrected: HashMap<_, _> = corrected.filter(|(_, corrected)| !corrected.is_empty()).collect();
    let plan = Plan::new(run.period, snapshot.clone()).with_houses(Houses::of(tx, run.id).await?);
    let covered = replay::averaged(tx, run.id, &plan.tables_of(service), corrected.keys().copied()).await?;
    let back = covered.iter().filter_map(|(account, months)| Some(given_back(months, corrected.get(account)?)));
    let volumes = lines.iter().filter_map(|line| line.volume).map(Quantity::decimal);
    let rooms = Quantity::from_decimal(volumes.sum::<Decimal>() - back.sum::<Decimal>());
    Ok(Ord::max(rooms.unwrap_or_default(), Quantity::ZERO))
}
