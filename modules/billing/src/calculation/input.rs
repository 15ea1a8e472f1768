//! An account as the plugin sees it: nothing that names a person.

use kabinet_meters::Uncounted;
use kabinet_meters::consumption::MeterMonth;
use kabinet_meters::faults::FaultKind;
use kabinet_plugin_host::api::{Account, Consumption, Meter, MeterState, ServiceKind, Zone, ZoneReading};

use super::{AccountCase, absences, spans};
use crate::catalog;
use crate::plan::Plan;

/// The plugin's view of a case.
pub(super) fn account(plan: &Plan, index: u32, case: &AccountCase) -> Account {
    let facts = &case.facts;
    let premises = catalog::premises(&facts.kind);
    let mut services = Vec::with_capacity(plan.snapshot.services.len());
    for (position, (service, terms)) in plan.snapshot.services.iter().enumerate() {
        let (Some(_), Some(table)) = (terms, plan.table(position, premises, facts.house_id)) else { continue };
        let meters: Vec<Meter> = case
            .meters
            .iter()
            .filter(|meter| measured(&meter.service_code) == Some(service.resource))
            .map(meter)
            .collect();
        // Without an act to the contrary a meter can be installed: an absence gives nothing back (rule 86).
        let measurable = |code: &str| case.unmeterable.iter().all(|known| known != code);
        services.push(Consumption {
            service: table,
            meter_possible: meters.is_empty() && measures(service.resource).is_some_and(measurable),
            meters,
            averaged: case.averaged.get(&service.code).cloned().unwrap_or_default(),
            parameters: case
                .numbers
                .iter()
                .filter(|(code, _)| *code == service.code)
                .flat_map(|(_, numbers)| numbers.iter().cloned())
                .collect(),
        });
    }
    Account {
        index,
        premises,
        area: facts.area.decimal(),
        residents: people(facts.registered + facts.temporary),
        owners: people(facts.owners),
        house: plan.houses().position(facts.house_id),
        spans: spans::spans(plan.period, facts, &case.people),
        absences: absences::absences(plan.period, facts, &case.people, &case.absences),
        services,
    }
}

pub(super) fn people(count: u32) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// What the meters of a service code measure.
pub(crate) fn measured(code: &str) -> Option<ServiceKind> {
    match code {
        "cold_water" => Some(ServiceKind::ColdWater),
        "hot_water" => Some(ServiceKind::HotWater),
        "electricity" => Some(ServiceKind::Electricity),
        "heat" => Some(ServiceKind::Heating),
        "gas" => Some(ServiceKind::Gas),
        _ => None,
    }
}

/// The code of the meters that measure such a service; [`measured`] the other way round.
pub(crate) fn measures(kind: ServiceKind) -> Option<&'static str> {
    ["cold_water", "hot_water", "electricity", "heat", "gas"].into_iter().find(|code| measured(code) == Some(kind))
}

fn meter(month: &MeterMonth) -> Meter {
    let zones = month.zones.len();
    let zone = |(at, figures): (usize, &kabinet_meters::consumption::ZoneMonth)| ZoneReading {
        zone: zone_of(at, zones),
        previous: figures.previous.decimal(),
        // A dial that started again from 0 would look like a negative volume.
        current: match (figures.current, figures.volume) {
            (Some(_), Some(volume)) if volume.0 >= 0 => Some((figures.previous + volume).decimal()),
            (current, _) => current.map(kabinet_core::Quantity::decimal),
        },
        history: figures.history.iter().map(|volume| volume.decimal()).collect(),
    };
    let state = match month.uncounted {
        Some(Uncounted::Fault(fault)) if fault.kind == FaultKind::Failed => MeterState::Failed,
        Some(Uncounted::Fault(_)) => MeterState::AccessRefused,
        Some(Uncounted::Expired(_)) => MeterState::VerificationExpired,
        None => MeterState::Working,
    };
    Meter {
        state,
        missed_periods: u8::try_from(month.missed_periods).unwrap_or(u8::MAX),
        zones: month.zones.iter().enumerate().map(zone).collect(),
    }
}

/// The zone of a meter's dial: Т1 is the day of two and the peak of three.
pub(crate) const fn zone_of(at: usize, zones: usize) -> Zone {
    match (zones, at) {
        (2, 0) => Zone::Day,
        (2 | 3, 1) => Zone::Night,
        (3, 0) => Zone::Peak,
        (3, 2) => Zone::HalfPeak,
        _ => Zone::WholeDay,
    }
}

/// What the plugin is given of a flat of one square metre and one resident, before its services.
#[cfg(test)]
pub(crate) fn of_a_flat() -> Account {
    Account {
        index: 0,
        premises: kabinet_plugin_host::api::Premises::Flat,
        area: rust_decimal::Decimal::ONE,
        residents: 1,
        owners: 1,
        house: None,
        spans: Vec::new(),
        absences: Vec::new(),
        services: Vec::new(),
    }
}
