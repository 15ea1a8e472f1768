//! The reference section of a receipt: what the run knows of the house.

use kabinet_plugin_host::words;
use kabinet_render::format;
use kabinet_render::receipt::{HouseFact, HouseMeter, HouseTotal, Reference};

use crate::catalog::Service;
use crate::charges::FrozenMonth;
use crate::houses::{HouseFigures, HouseMeterMonth, ServiceFigures, UnreadMeter};

/// House meters, totals and areas, as far as the receipt's services are concerned.
pub(super) fn of_house(month: &FrozenMonth, house: &HouseFigures, services: &[&Service]) -> Reference {
    let concerned = |code: &str| services.iter().any(|service| service.code == code || service.shares == code);
    let meters = house.meters.iter().filter(|meter| concerned(&meter.service));
    let by_norm = house.unread.iter().filter(|unread| !unread.by_average && concerned(&unread.service));
    let totals = house.services.iter().filter(|of| services.iter().any(|service| service.code == of.service));
    let square = |area: kabinet_core::Quantity| format!("{}\u{a0}м²", format::quantity(area.0));
    let mut areas = vec![HouseFact {
        title: "Площадь всех помещений дома".to_owned(), value: square(house.rooms)
    }];
    if house.common.0 > 0 {
        let title = "Площадь помещений в составе общего имущества".to_owned();
        areas.push(HouseFact { title, value: square(house.common) });
    }
    Reference {
        house_meters: meters
            .filter_map(|of| meter(month, of, house.unread.iter().find(|unread| unread.service == of.service)))
            .chain(by_norm.filter_map(|of| unmeasured(month, of)))
            .collect(),
        house_totals: totals.filter_map(|of| total(month, of)).collect(),
        house: areas,
        ..Reference::default()
    }
}

fn meter(month: &FrozenMonth, of: &HouseMeterMonth, unread: Option<&UnreadMeter>) -> Option<HouseMeter> {
    let service = month.snapshot.service(&of.service)?;
    Some(HouseMeter {
        service: service.title.clone(),
        serial: of.serial.clone(),
        unit: words::unit(service.unit).to_owned(),
        previous: of.previous.map(|reading| reading.0),
        current: of.current.map(|reading| reading.0),
        volume: Some(of.volume.0),
        method: unread.map(UnreadMeter::words).unwrap_or_default(),
    })
}

/// A meter of whose month nothing is known: the norm counts.
fn unmeasured(month: &FrozenMonth, of: &UnreadMeter) -> Option<HouseMeter> {
    let service = month.snapshot.service(&of.service)?;
    Some(HouseMeter {
        service: service.title.clone(),
        serial: of.serial.clone(),
        unit: words::unit(service.unit).to_owned(),
        method: of.words(),
        ..HouseMeter::default()
    })
}

/// What all rooms used together, and what is left of the house's volume for the common property.
fn total(month: &FrozenMonth, of: &ServiceFigures) -> Option<HouseTotal> {
    let service = month.snapshot.service(&of.service)?;
    let metered = if service.shares.is_empty() { service } else { month.snapshot.service(&service.shares)? };
    let rest = of.house? - of.rooms;
    Some(HouseTotal {
        service: metered.title.clone(),
        unit: words::unit(metered.unit).to_owned(),
        premises: Some(of.rooms.0),
        common: Some(Ord::max(rest.0, 0)),
    })
}
