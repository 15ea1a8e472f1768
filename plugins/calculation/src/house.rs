//! What is known about the account's house, checked before it is divided by.

use kabinet_tariff_sdk::{Exact, House, HouseVolume};

use crate::case::Case;
use crate::problem::Problem;

/// A house's areas in square metres.
pub(crate) struct Areas<'a> {
    pub(crate) rooms: Exact,
    pub(crate) common: Exact,
    house: &'a House,
}

/// A house's volumes of one service, in the table's units.
pub(crate) struct Volumes {
    /// By the house meter, where there is one.
    pub(crate) house: Option<Exact>,
    /// Sum of the rooms.
    pub(crate) rooms: Exact,
    /// Square metres of the rooms with meters.
    pub(crate) metered_area: Exact,
}

impl<'a> Areas<'a> {
    /// The house of the account, which must be known.
    pub(crate) fn of(case: &Case<'a>) -> Result<Areas<'a>, Problem> {
        let refused = |message: &str| Err(Problem::Account(message.to_owned()));
        let Some(position) = case.account.house else {
            return refused("не указан дом, а расчёту нужны его площади");
        };
        let house = usize::try_from(position).ok().and_then(|position| case.run.batch.houses.get(position));
        let Some(house) = house else {
            return refused("дома нет среди домов расчёта");
        };
        if house.rooms_area.mantissa <= 0 {
            return refused("не задана площадь всех помещений дома");
        }
        if house.common_area.mantissa < 0 {
            return refused("площадь мест общего пользования не может быть отрицательной");
        }
        let areas = Areas { rooms: house.rooms_area.into(), common: house.common_area.into(), house };
        if areas.rooms.compare(case.account.area.into())?.is_lt() {
            return refused("площадь помещения больше площади всех помещений дома");
        }
        Ok(areas)
    }

    /// What is known of the case's own service in the house, if anything.
    pub(crate) fn volumes(&self, case: &Case<'_>) -> Result<Option<Volumes>, Problem> {
        let refused = |message: &str| Err(Problem::Account(message.to_owned()));
        let own = |volume: &&HouseVolume| volume.service == case.consumption.service;
        let Some(known) = self.house.volumes.iter().find(own) else {
            return Ok(None);
        };
        let volumes = Volumes {
            house: known.house_meter.map(Exact::from),
            rooms: known.rooms_volume.into(),
            metered_area: known.metered_area.into(),
        };
        if volumes.house.is_some_and(Exact::is_negative) || volumes.rooms.is_negative() {
            return refused("объём по дому отрицательный: проверьте показания общедомового прибора");
        }
        if volumes.metered_area.is_negative() || self.rooms.compare(volumes.metered_area)?.is_lt() {
            return refused("площадь помещений с приборами больше площади всех помещений дома");
        }
        Ok(Some(volumes))
    }
}
