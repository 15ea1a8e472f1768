//! Host types into contract types. What does not fit is refused with the field's name.

use rust_decimal::Decimal;

use super::wit;
use crate::api;
use crate::error::PluginError;

/// Most decimal places the contract allows in input.
const SCALE: u32 = 9;
/// Longest code, rule or parameter name, bytes.
const NAME: usize = 64;

type Fits<T> = Result<T, PluginError>;

pub(super) fn batch(batch: &api::Batch) -> Fits<wit::Batch> {
    Ok(wit::Batch {
        period: period(batch.period),
        parameters: all(&batch.parameters, parameter)?,
        tables: all(&batch.tables, table)?,
        houses: all(&batch.houses, house)?,
        accounts: all(&batch.accounts, account)?,
    })
}

fn all<A, B>(list: &[A], one: impl Fn(&A) -> Fits<B>) -> Fits<Vec<B>> {
    list.iter().map(one).collect()
}

fn period(period: api::Period) -> wit::Period {
    wit::Period { year: period.year, month: period.month }
}

fn decimal(value: Decimal, field: &str) -> Fits<wit::Decimal> {
    let value = if value.scale() > SCALE { value.normalize() } else { value };
    let refused = || PluginError::Input(format!("{field} {value} has too many digits"));
    if value.scale() > SCALE {
        return Err(refused());
    }
    Ok(wit::Decimal {
        mantissa: i64::try_from(value.mantissa()).map_err(|_| refused())?,
        scale: u8::try_from(value.scale()).map_err(|_| refused())?,
    })
}

fn optional(value: Option<Decimal>, field: &str) -> Fits<Option<wit::Decimal>> {
    value.map(|value| decimal(value, field)).transpose()
}

fn name(text: &str, field: &str) -> Fits<String> {
    if text.len() > NAME {
        return Err(PluginError::Input(format!("{field} is longer than {NAME} bytes")));
    }
    Ok(text.to_owned())
}

fn parameter(parameter: &api::Parameter) -> Fits<wit::Parameter> {
    Ok(wit::Parameter {
        name: name(&parameter.name, "the name of a parameter")?,
        value: decimal(parameter.value, "a parameter")?,
    })
}

fn table(table: &api::ServiceTable) -> Fits<wit::ServiceTable> {
    Ok(wit::ServiceTable {
        code: name(&table.code, "the code of a service")?,
        kind: kind(table.kind),
        rule: name(&table.rule, "the rule of a service")?,
        unit: unit(table.unit),
        prices: all(&table.prices, price)?,
        norm: optional(table.norm, "the norm")?,
        coefficient: optional(table.coefficient, "the coefficient")?,
        parameters: all(&table.parameters, parameter)?,
    })
}

fn price(price: &api::Price) -> Fits<wit::Price> {
    Ok(wit::Price {
        zone: zone(price.zone),
        above: decimal(price.above, "the limit of a range")?,
        amount: decimal(price.amount, "the tariff")?,
    })
}

fn house(house: &api::House) -> Fits<wit::House> {
    Ok(wit::House {
        rooms_area: decimal(house.rooms_area, "the rooms' area")?,
        common_area: decimal(house.common_area, "the common area")?,
        volumes: all(&house.volumes, |volume| {
            Ok(wit::HouseVolume {
                service: volume.service,
                house_meter: optional(volume.house_meter, "the house meter's volume")?,
                rooms_volume: decimal(volume.rooms_volume, "the rooms' volume")?,
                metered_area: decimal(volume.metered_area, "the metered area")?,
            })
        })?,
    })
}

fn account(account: &api::Account) -> Fits<wit::Account> {
    Ok(wit::Account {
        index: account.index,
        premises: premises(account.premises),
        area: decimal(account.area, "the area")?,
        residents: account.residents,
        owners: account.owners,
        house: account.house,
        spans: all(&account.spans, |span| {
            Ok(wit::Span {
                from_day: span.from_day,
                to_day: span.to_day,
                residents: span.residents,
                owners: span.owners,
                area: decimal(span.area, "the area")?,
            })
        })?,
        absences: all(&account.absences, |absence| {
            Ok(wit::Absence { residents: absence.residents, days: absence.days })
        })?,
        services: all(&account.services, consumption)?,
    })
}

fn consumption(consumption: &api::Consumption) -> Fits<wit::Consumption> {
    Ok(wit::Consumption {
        service: consumption.service,
        meters: all(&consumption.meters, meter)?,
        meter_possible: consumption.meter_possible,
        averaged: all(&consumption.averaged, |month| {
            Ok(wit::AveragedMonth {
                period: period(month.period),
                volume: decimal(month.volume, "an averaged volume")?,
                charged: month.charged,
            })
        })?,
        parameters: all(&consumption.parameters, parameter)?,
    })
}

fn meter(meter: &api::Meter) -> Fits<wit::Meter> {
    Ok(wit::Meter {
        state: match meter.state {
            api::MeterState::Working => wit::MeterState::Working,
            api::MeterState::Failed => wit::MeterState::Failed,
            api::MeterState::VerificationExpired => wit::MeterState::VerificationExpired,
            api::MeterState::AccessRefused => wit::MeterState::AccessRefused,
        },
        missed_periods: meter.missed_periods,
        zones: all(&meter.zones, |reading| {
            Ok(wit::ZoneReading {
                zone: zone(reading.zone),
                previous: decimal(reading.previous, "the previous reading")?,
                current: optional(reading.current, "the reading")?,
                history: all(&reading.history, |volume| decimal(*volume, "an earlier volume"))?,
            })
        })?,
    })
}

fn kind(kind: api::ServiceKind) -> wit::ServiceKind {
    match kind {
        api::ServiceKind::ColdWater => wit::ServiceKind::ColdWater,
        api::ServiceKind::HotWater => wit::ServiceKind::HotWater,
        api::ServiceKind::Wastewater => wit::ServiceKind::Wastewater,
        api::ServiceKind::Electricity => wit::ServiceKind::Electricity,
        api::ServiceKind::Heating => wit::ServiceKind::Heating,
        api::ServiceKind::Gas => wit::ServiceKind::Gas,
        api::ServiceKind::Maintenance => wit::ServiceKind::Maintenance,
        api::ServiceKind::CapitalRepair => wit::ServiceKind::CapitalRepair,
        api::ServiceKind::Waste => wit::ServiceKind::Waste,
        api::ServiceKind::CommonProperty => wit::ServiceKind::CommonProperty,
        api::ServiceKind::Other => wit::ServiceKind::Other,
    }
}

fn unit(unit: api::Unit) -> wit::Unit {
    match unit {
        api::Unit::CubicMetre => wit::Unit::CubicMetre,
        api::Unit::KilowattHour => wit::Unit::KilowattHour,
        api::Unit::Gigacalorie => wit::Unit::Gigacalorie,
        api::Unit::SquareMetre => wit::Unit::SquareMetre,
        api::Unit::Person => wit::Unit::Person,
        api::Unit::Rouble => wit::Unit::Rouble,
        api::Unit::Month => wit::Unit::Month,
        api::Unit::Day => wit::Unit::Day,
        api::Unit::One => wit::Unit::One,
    }
}

fn zone(zone: api::Zone) -> wit::Zone {
    match zone {
        api::Zone::WholeDay => wit::Zone::WholeDay,
        api::Zone::Day => wit::Zone::Day,
        api::Zone::Night => wit::Zone::Night,
        api::Zone::Peak => wit::Zone::Peak,
        api::Zone::HalfPeak => wit::Zone::HalfPeak,
    }
}

fn premises(premises: api::Premises) -> wit::Premises {
    match premises {
        api::Premises::Flat => wit::Premises::Flat,
        api::Premises::Room => wit::Premises::Room,
        api::Premises::PrivateHouse => wit::Premises::PrivateHouse,
        api::Premises::NonResidential => wit::Premises::NonResidential,
        api::Premises::Parking => wit::Premises::Parking,
    }
}
