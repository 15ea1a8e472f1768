//! An account as the plugin sees it: nothing that names a person.

use kabinet_accounts::absences::Away;
use kabinet_accounts::roster::AccountFacts;
use kabinet_core::Period;
use kabinet_meters::consumption::MeterMonth;
use kabinet_meters::faults::FaultKind;
use kabinet_plugin_host::api::{Absence, Account, Consumption, Meter, MeterState, ServiceKind, Zone, ZoneReading};

use super::{AccountCase, spans};
use crate::catalog;
use crate::plan::Plan;

/// The plugin's view of a case.
pub(super) fn account(plan: &Plan, index: u32, case: &AccountCase) -> Account {
    let facts = &case.facts;
    let premises = catalog::premises(&facts.kind);
    let mut services = Vec::with_capacity(plan.snapshot.services.len());
    for (position, (service, terms)) in plan.snapshot.services.iter().enumerate() {
        let (Some(_), Some(table)) = (terms, plan.table(position, premises)) else { continue };
        let meters: Vec<Meter> = case
            .meters
            .iter()
            .filter(|meter| measured(&meter.service_code) == Some(service.resource))
            .map(|month| meter(plan.period, month))
            .collect();
        let coefficient = plan.tables.get(usize::from(table)).and_then(|table| table.coefficient);
        let exempt = measures(service.resource).is_some_and(|code| case.unmeterable.iter().any(|known| known == code));
        services.push(Consumption {
            service: table,
            meter_possible: meters.is_empty() && coefficient.is_some() && !exempt,
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
        absences: case.absences.iter().map(|away| absence(facts, away)).collect(),
        services,
    }
}

/// An absence as the plugin is given it: of no more people than count.
fn absence(facts: &AccountFacts, away: &Away) -> Absence {
    let live = if facts.registered + facts.temporary > 0 { facts.registered + facts.temporary } else { facts.owners };
    Absence { residents: people(away.residents.min(live)), days: u8::try_from(away.days).unwrap_or(u8::MAX) }
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

/// Months from `from` to `to`.
fn months_between(from: Period, to: Period) -> u32 {
    let index = |period: Period| period.year() * 12 + period.month().cast_signed();
    u32::try_from(index(to) - index(from)).unwrap_or_default()
}

fn meter(period: Period, month: &MeterMonth) -> Meter {
    // A verification that ends within the month leaves the month without a usable meter.
    let expired = month.verified_until.filter(|until| *until < period.last_day());
    let unverified = expired.map_or(0, |until| months_between(until.period(), period));
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
    let state = match (month.fault, expired) {
        (Some(FaultKind::Failed), _) => MeterState::Failed,
        (Some(FaultKind::AccessRefused), _) => MeterState::AccessRefused,
        (None, Some(_)) => MeterState::VerificationExpired,
        (None, None) => MeterState::Working,
    };
    Meter {
        state,
        missed_periods: u8::try_from(month.missed_periods.max(unverified)).unwrap_or(u8::MAX),
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
