//! What bills need of houses: areas, and volumes by house meters (ОДПУ), as staff state them or as the meters say.

use std::collections::{BTreeMap, HashMap};

use kabinet_accounts::houses::{self as registry, House};
use kabinet_core::{DbError, Period, Quantity, Tx};
use kabinet_meters::houses::HouseMonth;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::calculation::measures;
use crate::catalog::Service;
use crate::entity::{house_area, house_volume, service};
use crate::error::Error;
use crate::plan::Snapshot;
use crate::store;

pub mod corrections;
pub mod decisions;
mod figures;
mod freeze;
mod unread;
mod year;

pub use figures::{HouseFigures, HouseMeterMonth, Houses, ServiceFigures};
pub(crate) use freeze::freeze;
pub use unread::UnreadMeter;
pub use year::YearCost;
pub(crate) use year::numbers;

/// The longest serial number of a house meter, characters.
const LONGEST_SERIAL: usize = 64;

/// Areas of a house from a month on, m².
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HouseAreas {
    /// The first month.
    pub from: Period,
    /// All premises together.
    pub rooms: Quantity,
    /// Common property.
    pub common: Quantity,
}

/// What a house's meter measured of one service in a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HouseVolume {
    /// Code of the service.
    pub service: String,
    /// The month.
    pub period: Period,
    /// In the service's units.
    pub volume: Quantity,
    /// Serial number of the meter; may be empty.
    pub serial: String,
    /// Its reading at the start of the month.
    pub previous: Option<Quantity>,
    /// Its reading at the end.
    pub current: Option<Quantity>,
}

/// A house with everything stated of it, the latest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownHouse {
    /// The house.
    pub house: House,
    /// Areas.
    pub areas: Vec<HouseAreas>,
    /// Volumes.
    pub volumes: Vec<HouseVolume>,
}

/// The house with the company's code `code`.
pub async fn find(tx: &Tx, code: &str) -> Result<KnownHouse, Error> {
    let house = house(tx, code).await?;
    let areas = house_area::Entity::find().filter(house_area::Column::HouseId.eq(house.id));
    let areas = tx.all(areas.order_by_desc(house_area::Column::FromPeriod)).await?;
    let volumes = house_volume::Entity::find()
        .filter(house_volume::Column::HouseId.eq(house.id))
        .order_by_desc(house_volume::Column::Period)
        .order_by_asc(house_volume::Column::ServiceCode);
    let volumes = tx.all(volumes).await?;
    Ok(KnownHouse {
        house,
        areas: areas.into_iter().map(areas_of).collect(),
        volumes: volumes.into_iter().map(HouseVolume::from).collect(),
    })
}

async fn house(tx: &Tx, code: &str) -> Result<House, Error> {
    registry::by_code(tx, code).await?.ok_or(Error::NoSuchHouse)
}

const fn areas_of(row: house_area::Model) -> HouseAreas {
    HouseAreas { from: row.from_period, rooms: row.rooms, common: row.common }
}

impl From<house_volume::Model> for HouseVolume {
    fn from(row: house_volume::Model) -> Self {
        Self {
            service: row.service_code,
            period: row.period,
            volume: row.volume,
            serial: row.serial,
            previous: row.previous,
            current: row.current,
        }
    }
}

/// States the areas of a house from a month on that is not published; without `rooms` the premises that are known
/// count.
pub async fn set_areas(
    tx: &mut Tx,
    code: &str,
    from: Period,
    rooms: Option<Quantity>,
    common: Quantity,
) -> Result<(), Error> {
    let house = house(tx, code).await?;
    refuse_published(tx, from).await?;
    let known = registry::premises_area(tx, house.id).await?;
    if rooms.is_some_and(|rooms| rooms < known) {
        return Err(Error::Field("rooms_area", "Площадь помещений дома меньше суммы площадей его лицевых счетов"));
    }
    if common < Quantity::ZERO {
        return Err(Error::Field("common_area", "Площадь общего имущества – число не меньше 0"));
    }
    let row = house_area::Model {
        tenant_id: tx.tenant_id(),
        house_id: house.id,
        from_period: from,
        rooms: rooms.unwrap_or_default(),
        common,
        recorded_at: tx.now(),
    };
    let row = house_area::ActiveModel::from(row).reset_all();
    tx.put(row).await?;
    let detail = serde_json::json!({ "from": from, "rooms": rooms.map(|rooms| rooms.0), "common": common.0 });
    Ok(tx.audit("billing.house_areas_stated", house.id, detail).await?)
}

/// States what a house's meter measured in a month that is not published; what was stated before is replaced.
pub async fn set_volume(tx: &mut Tx, code: &str, new: &HouseVolume) -> Result<(), Error> {
    let house = house(tx, code).await?;
    check_volume(tx, new).await?;
    refuse_published(tx, new.period).await?;
    set_volumes(tx, &[(house.id, new.clone())]).await?;
    let detail = serde_json::json!({ "service": new.service, "period": new.period, "volume": new.volume.0 });
    Ok(tx.audit("billing.house_volume_stated", house.id, detail).await?)
}

/// Refuses what no house meter can have measured.
async fn check_volume(tx: &Tx, new: &HouseVolume) -> Result<(), Error> {
    if new.serial.chars().count() > LONGEST_SERIAL {
        return Err(Error::Field("serial", "Номер прибора не длиннее 64 знаков"));
    }
    if new.volume < Quantity::ZERO {
        return Err(Error::Field("volume", "Объем по дому – число не меньше 0"));
    }
    if tx.one(service::Entity::find().filter(service::Column::Code.eq(&new.service))).await?.is_none() {
        return Err(Error::Field("service", "Такой услуги нет"));
    }
    Ok(())
}

/// Stores volumes that were checked elsewhere, each in the place of the one before.
pub async fn set_volumes(tx: &Tx, volumes: &[(Uuid, HouseVolume)]) -> Result<(), DbError> {
    for (house, new) in volumes {
        let row = house_volume::Model {
            tenant_id: tx.tenant_id(),
            house_id: *house,
            service_code: new.service.clone(),
            period: new.period,
            volume: new.volume,
            serial: new.serial.clone(),
            previous: new.previous,
            current: new.current,
            recorded_at: tx.now(),
        };
        let row = house_volume::ActiveModel::from(row).reset_all();
        tx.put(row).await?;
    }
    Ok(())
}

/// Takes back what was stated of a month that is not published: without a volume the month goes by norm.
pub async fn drop_volume(tx: &mut Tx, code: &str, service: &str, period: Period) -> Result<(), Error> {
    let house = house(tx, code).await?;
    refuse_published(tx, period).await?;
    let this = house_volume::Entity::delete_many()
        .filter(house_volume::Column::HouseId.eq(house.id))
        .filter(house_volume::Column::ServiceCode.eq(service))
        .filter(house_volume::Column::Period.eq(period));
    tx.delete_where(this).await?;
    let detail = serde_json::json!({ "service": service, "period": period });
    Ok(tx.audit("billing.house_volume_dropped", house.id, detail).await?)
}

/// A month that was billed keeps the figures it was billed with; its volumes are corrected ([`corrections`]).
async fn refuse_published(tx: &Tx, period: Period) -> Result<(), Error> {
    match store::latest_period(tx).await? {
        Some(latest) if period <= latest => Err(Error::AlreadyPublished(period)),
        _ => Ok(()),
    }
}

/// Areas in force in `period`, by house: of every house with a statement, the known premises where it leaves the
/// rooms to them.
async fn areas(tx: &Tx, period: Period) -> Result<BTreeMap<Uuid, (Quantity, Quantity)>, DbError> {
    let stated = house_area::Entity::find().filter(house_area::Column::FromPeriod.lte(period));
    let stated = tx.all(stated.order_by_asc(house_area::Column::FromPeriod)).await?;
    let latest: HashMap<Uuid, house_area::Model> = stated.into_iter().map(|row| (row.house_id, row)).collect();
    let known = registry::premises_areas(tx).await?;
    let in_force = |(house, premises): (Uuid, Quantity)| match latest.get(&house) {
        Some(row) => (house, (if row.rooms == Quantity::ZERO { premises } else { row.rooms }, row.common)),
        None => (house, (premises, Quantity::ZERO)),
    };
    Ok(known.into_iter().map(in_force).collect())
}

/// What houses used from one month to another, both among them: as staff stated or corrected it, otherwise as the
/// house's meters measured it.
async fn volumes(tx: &Tx, snapshot: &Snapshot, from: Period, to: Period) -> Result<Vec<(Uuid, HouseVolume)>, DbError> {
    let rows = house_volume::Entity::find().filter(house_volume::Column::Period.between(from, to));
    let stated = tx.all(rows).await?.into_iter().map(|row| (row.house_id, HouseVolume::from(row)));
    let corrected = corrections::between(tx, from, to).await?;
    // What was corrected takes the place of what was stated.
    let known: BTreeMap<(Uuid, String, Period), HouseVolume> = stated
        .chain(corrected)
        .map(|(house, volume)| ((house, volume.service.clone(), volume.period), volume))
        .collect();
    let mut measured = Vec::new();
    for month in kabinet_meters::houses::volumes(tx, from, to).await? {
        let all = of_meters(snapshot, &month);
        let open = all.filter(|volume| !known.contains_key(&(month.house, volume.service.clone(), month.period)));
        measured.extend(open.map(|volume| (month.house, volume)));
    }
    Ok(known.into_iter().map(|((house, ..), volume)| (house, volume)).chain(measured).collect())
}

/// The services that charge for what house meters of a resource measure.
fn charging<'a>(snapshot: &'a Snapshot, resource: &str) -> impl Iterator<Item = &'a Service> {
    let services = snapshot.services.iter().map(|(service, _)| service).filter(|service| service.shares.is_empty());
    services.filter(move |service| measures(service.resource) == Some(resource))
}

/// What the meters of a house measured in a month, by the services that charge for it.
fn of_meters(snapshot: &Snapshot, month: &HouseMonth) -> impl Iterator<Item = HouseVolume> {
    let (previous, current) = month.readings.unzip();
    charging(snapshot, &month.resource).map(move |service| HouseVolume {
        service: service.code.clone(),
        period: month.period,
        volume: month.volume,
        serial: month.serial.clone(),
        previous,
        current,
    })
}
