use kabinet_contracts::{AccountId, RunId};
use kabinet_core::{Day, Period, TenantId, Timestamp};
use kabinet_plugin_host::api::{ServiceKind, Unit};
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::calculation::Facts;
use crate::catalog::Section;
use crate::entity::billing_run;
use crate::plan::Snapshot;

fn litres(litres: i64) -> Quantity {
    Quantity(litres * 10_000)
}

fn meter(serial: &str, volume: Option<i64>) -> FrozenMeter {
    FrozenMeter {
        service: "cold_water".into(),
        serial: serial.into(),
        place: String::new(),
        zone: 0,
        zones: 0,
        previous: litres(100_000),
        current: volume.map(|volume| litres(100_000 + volume)),
        volume: volume.map(litres),
        verified_until: None,
    }
}

fn service() -> Service {
    Service {
        code: "cold_water".into(),
        title: "Холодная вода".into(),
        resource: ServiceKind::ColdWater,
        unit: Unit::CubicMetre,
        section: Section::Utilities,
        kind: "main".into(),
        rule: "metered".into(),
        shares: String::new(),
    }
}

fn october() -> billing_run::Model {
    billing_run::Model {
        tenant_id: TenantId(Uuid::nil()),
        id: RunId(Uuid::nil()),
        period: Period(202_610),
        state: String::new(),
        plugin_hash: String::new(),
        template_hash: String::new(),
        large_template_hash: String::new(),
        snapshot: String::new(),
        base_run: None,
        base_cutoff_at: Timestamp(0),
        cutoff_at: Timestamp(0),
        due_on: Day(20_261_116),
        total: 1,
        done: 1,
        last_account: None,
        result_hash: String::new(),
        problem: String::new(),
        started_at: Timestamp(0),
        finished_at: None,
        published_at: None,
    }
}

fn month(meters: Vec<FrozenMeter>) -> FrozenMonth {
    let snapshot = json!({ "services": [], "kinds": [], "config": {}, "company_name": "", "profile": {},
        "qr_encoding": "utf8", "notes": [] });
    let snapshot: Snapshot = serde_json::from_value(snapshot).expect("a snapshot");
    let facts = Facts { meters, ..Facts::default() };
    FrozenMonth { run: october(), snapshot, charges: Vec::new(), facts, house: None }
}

fn row(method: &str, volume: i64, trace: &str) -> charge::Model {
    charge::Model {
        tenant_id: TenantId(Uuid::nil()),
        run_id: RunId(Uuid::nil()),
        account_id: AccountId(Uuid::nil()),
        service_code: "cold_water".into(),
        kind_code: "main".into(),
        method: method.into(),
        volume: Some(litres(volume)),
        tariff: None,
        norm: None,
        coefficient: None,
        opening: Money::ZERO,
        charged: Money::ZERO,
        excess: Money::ZERO,
        recalculation: Money::ZERO,
        penalty: Money::ZERO,
        counted: Money::ZERO,
        to_pay: Money::ZERO,
        trace: trace.into(),
    }
}

/// Litres and how they were determined, meter by meter.
fn told(meters: Vec<FrozenMeter>, row: &charge::Model) -> Vec<(i64, String)> {
    let lines = of_receipt(&month(meters), &[row], &[&service()]);
    lines.into_iter().map(|line| (line.volume / 10_000, line.method)).collect()
}

#[test]
fn a_meter_that_nobody_read_has_the_average_it_was_charged_by() {
    let average = row("average", 4_200, "rc");
    assert_eq!(told(vec![meter("a", None)], &average), [(4_200, "по среднему: показания не переданы".to_owned())]);
}

#[test]
fn beside_one_that_was_read_it_has_the_rest() {
    let lines = told(vec![meter("a", Some(3_000)), meter("b", None)], &row("average", 4_200, "rc"));
    let average = "по среднему: показания не переданы".to_owned();
    assert_eq!(lines, [(3_000, "по показаниям".to_owned()), (1_200, average)]);
}

#[test]
fn after_its_verification_a_reading_counts_for_nothing() {
    let expired = FrozenMeter { verified_until: Some(Day(20_260_930)), ..meter("a", Some(3_000)) };
    let average = row("average", 4_200, "re");
    assert_eq!(told(vec![expired], &average), [(4_200, "по среднему: истёк срок поверки".to_owned())]);
}

#[test]
fn each_zone_has_its_own_average() {
    let zone = |zone: u8| FrozenMeter { zone, zones: 2, ..meter("a", None) };
    let parts = row("average", 150, "rc|pb0/0.1/6.36/0.636 c0/0.05/3.06/0.153");
    let lines = told(vec![zone(1), zone(2)], &parts);
    assert_eq!(lines.iter().map(|line| line.0).collect::<Vec<_>>(), [100, 50]);
    // A norm has no zones: its volume stands with the charge alone.
    let norm = told(vec![zone(1), zone(2)], &row("norm", 150, "rc"));
    assert!(norm.iter().all(|line| *line == (0, "по нормативу: показания не переданы".to_owned())), "{norm:?}");
}
