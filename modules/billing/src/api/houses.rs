//! Areas of houses and volumes by house meters, stated by staff.

use kabinet_core::{Period, Quantity};
use kabinet_web::{ApiResult, Problem, Staff};
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::catalog::Catalog;
use super::fields::{month, quantity};
use crate::houses::{self, HouseAreas, HouseVolume, KnownHouse};

pub(crate) struct HousesApi;

/// Areas of a house from a month on.
#[derive(Object)]
struct AreasEntry {
    /// The first month, `2026-11`; not published yet.
    #[oai(default)]
    from: String,
    /// All premises together, m²: `4812.6`; none: the premises of the known accounts count.
    rooms_area: Option<String>,
    /// Premises of the common property, m².
    common_area: String,
}

/// What a house meter measured in a month.
#[derive(Object)]
pub(super) struct VolumeEntry {
    /// Code of the service.
    #[oai(default)]
    service: String,
    /// The month, `2026-11`.
    #[oai(default)]
    period: String,
    /// In the service's units: `118.42`.
    volume: String,
    /// Serial number of the meter.
    #[oai(default)]
    serial: String,
    /// Its reading at the start of the month.
    previous: Option<String>,
    /// Its reading at the end.
    current: Option<String>,
}

/// A house with what is stated of it, the latest first.
#[derive(Object)]
struct HouseOut {
    /// The company's code of it.
    code: String,
    /// Address.
    address: String,
    /// Areas by the month they hold from.
    areas: Vec<AreasEntry>,
    /// Volumes by month.
    volumes: Vec<VolumeEntry>,
}

impl From<KnownHouse> for HouseOut {
    fn from(known: KnownHouse) -> Self {
        Self {
            code: known.house.code,
            address: known.house.address,
            areas: known.areas.into_iter().map(AreasEntry::from).collect(),
            volumes: known.volumes.into_iter().map(VolumeEntry::from).collect(),
        }
    }
}

impl From<HouseAreas> for AreasEntry {
    fn from(areas: HouseAreas) -> Self {
        let rooms = Some(areas.rooms).filter(|rooms| *rooms != Quantity::ZERO);
        Self { from: areas.from.to_string(), rooms_area: rooms.map(text), common_area: text(areas.common) }
    }
}

impl From<HouseVolume> for VolumeEntry {
    fn from(volume: HouseVolume) -> Self {
        Self {
            service: volume.service,
            period: volume.period.to_string(),
            volume: text(volume.volume),
            serial: volume.serial,
            previous: volume.previous.map(text),
            current: volume.current.map(text),
        }
    }
}

pub(super) fn text(quantity: Quantity) -> String {
    quantity.decimal().normalize().to_string()
}

#[OpenApi]
impl HousesApi {
    /// A house with its areas and the volumes of its meters.
    #[oai(path = "/billing/houses/:house", method = "get", operation_id = "getHouse")]
    async fn house(&self, staff: Staff<Catalog>, house: Path<String>) -> ApiResult<HouseOut> {
        let tx = staff.read().await?;
        let known = houses::find(&tx, &house.0).await?;
        tx.commit().await?;
        Ok(Json(known.into()))
    }

    /// State the areas of a house from a month on that is not published.
    #[oai(path = "/billing/houses/:house/areas/:from", method = "put", operation_id = "putHouseAreas")]
    async fn put_areas(
        &self,
        staff: Staff<Catalog>,
        house: Path<String>,
        from: Path<String>,
        entry: Json<AreasEntry>,
    ) -> ApiResult<HouseOut> {
        let from = month(&from.0, "from")?;
        let rooms = entry.0.rooms_area.map(|area| quantity(&area, "rooms_area")).transpose()?;
        let common = quantity(&entry.0.common_area, "common_area")?;
        let mut tx = staff.begin().await?;
        houses::set_areas(&mut tx, &house.0, from, rooms, common).await?;
        let known = houses::find(&tx, &house.0).await?;
        tx.commit().await?;
        Ok(Json(known.into()))
    }

    /// State what a house meter measured in a month that is not published; replaces what was stated before. A published
    /// month is corrected (`correctHouseVolume`).
    #[oai(path = "/billing/houses/:house/volumes/:service/:period", method = "put", operation_id = "putHouseVolume")]
    async fn put_volume(
        &self,
        staff: Staff<Catalog>,
        house: Path<String>,
        service: Path<String>,
        period: Path<String>,
        entry: Json<VolumeEntry>,
    ) -> ApiResult<HouseOut> {
        let new = volume(service.0, month(&period.0, "period")?, entry.0)?;
        let mut tx = staff.begin().await?;
        houses::set_volume(&mut tx, &house.0, &new).await?;
        let known = houses::find(&tx, &house.0).await?;
        tx.commit().await?;
        Ok(Json(known.into()))
    }

    /// Take back the volume of a month that is not published: the month goes by norm.
    #[oai(
        path = "/billing/houses/:house/volumes/:service/:period",
        method = "delete",
        operation_id = "dropHouseVolume"
    )]
    async fn drop_volume(
        &self,
        staff: Staff<Catalog>,
        house: Path<String>,
        service: Path<String>,
        period: Path<String>,
    ) -> ApiResult<HouseOut> {
        let period = month(&period.0, "period")?;
        let mut tx = staff.begin().await?;
        houses::drop_volume(&mut tx, &house.0, &service.0, period).await?;
        let known = houses::find(&tx, &house.0).await?;
        tx.commit().await?;
        Ok(Json(known.into()))
    }
}

pub(super) fn volume(service: String, period: Period, entry: VolumeEntry) -> Result<HouseVolume, Problem> {
    Ok(HouseVolume {
        service,
        period,
        volume: quantity(&entry.volume, "volume")?,
        serial: entry.serial.trim().to_owned(),
        previous: entry.previous.map(|reading| quantity(&reading, "previous")).transpose()?,
        current: entry.current.map(|reading| quantity(&reading, "current")).transpose()?,
    })
}
