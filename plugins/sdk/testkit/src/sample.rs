//! Batches for tests: usual figures, to be changed where a test cares.

use kabinet_tariff_sdk::{
    Account, Batch, Consumption, Decimal, House, HouseVolume, Meter, MeterState, Parameter, Period, Premises, Price,
    ServiceKind, ServiceTable, Unit, Zone, ZoneReading,
};

/// The decimal that a text writes, such as `39.56`.
///
/// # Panics
/// Where the text is no decimal of at most 18 digits.
pub fn decimal(text: &str) -> Decimal {
    let (whole, places) = text.split_once('.').unwrap_or((text, ""));
    let mantissa = format!("{whole}{places}").parse();
    let scale = u8::try_from(places.len());
    match (mantissa, scale) {
        (Ok(mantissa), Ok(scale)) => Decimal { mantissa, scale },
        _ => panic!("{text} is no decimal"),
    }
}

/// A named number.
pub fn parameter(name: &str, value: &str) -> Parameter {
    Parameter { name: name.to_owned(), value: decimal(value) }
}

/// October 2026 with the tables and accounts given, without houses.
pub fn batch(tables: Vec<ServiceTable>, accounts: Vec<Account>) -> Batch {
    let period = Period { year: 2026, month: 10 };
    Batch { period, parameters: Vec::new(), tables, houses: Vec::new(), accounts }
}

/// A table with one price (₽ a unit), its code the name of its rule.
pub fn table(kind: ServiceKind, rule: &str, unit: Unit, price: &str) -> ServiceTable {
    ServiceTable {
        code: rule.to_owned(),
        kind,
        rule: rule.to_owned(),
        unit,
        prices: vec![Price { zone: Zone::WholeDay, above: decimal("0"), amount: decimal(price) }],
        norm: None,
        coefficient: None,
        parameters: Vec::new(),
    }
}

/// A flat of `area` m² with two residents and one owner, in the batch's first house, with these services.
pub fn account(index: u32, area: &str, services: Vec<Consumption>) -> Account {
    Account {
        index,
        premises: Premises::Flat,
        area: decimal(area),
        residents: 2,
        owners: 1,
        house: Some(0),
        spans: Vec::new(),
        absences: Vec::new(),
        services,
    }
}

/// A service without a meter: `service` is the position of its table.
pub fn unmetered(service: u16) -> Consumption {
    Consumption { service, meters: Vec::new(), meter_possible: false, averaged: Vec::new(), parameters: Vec::new() }
}

/// A service with a working meter that went from `previous` to `current`.
pub fn metered(service: u16, previous: &str, current: &str) -> Consumption {
    Consumption { meters: vec![meter(previous, Some(current))], ..unmetered(service) }
}

/// A working meter of one zone, perhaps without this month's reading; it has no history.
pub fn meter(previous: &str, current: Option<&str>) -> Meter {
    let reading = ZoneReading {
        zone: Zone::WholeDay,
        previous: decimal(previous),
        current: current.map(decimal),
        history: Vec::new(),
    };
    Meter { state: MeterState::Working, missed_periods: 0, zones: vec![reading] }
}

/// A house of `rooms_area` and `common_area` m² with these volumes.
pub fn house(rooms_area: &str, common_area: &str, volumes: Vec<HouseVolume>) -> House {
    House { rooms_area: decimal(rooms_area), common_area: decimal(common_area), volumes }
}

/// A house's volumes of the service at a table's position: by house meter, by all rooms, and the
/// area of the rooms that have meters.
pub fn house_volume(service: u16, house_meter: Option<&str>, rooms_volume: &str, metered_area: &str) -> HouseVolume {
    HouseVolume {
        service,
        house_meter: house_meter.map(decimal),
        rooms_volume: decimal(rooms_volume),
        metered_area: decimal(metered_area),
    }
}
