//! Owners of a house decide that its meter tells what the common property used, or that the norm does.

use kabinet_tests::process::run;
use kabinet_tests::server::{NOW, command};
use kabinet_tests::{Browser, Database, Kind, Server, on_both_databases};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::corrected::{LATER, LIGHT, SLUG, Sums, WATER, all, billed, owed, used};
use crate::{HOUSE, Room, address, address_of, number, rooms_of};

on_both_databases![
    a_house_goes_by_what_its_owners_decided_and_its_neighbours_as_the_company_does,
    a_decision_has_its_protocol_and_begins_with_a_month_to_come,
];

/// A neighbouring house, whose owners decide nothing.
const OTHER: &str = "H00002";
/// More than all rooms of a house use in a month, kWh.
const MUCH: Decimal = Decimal::from_parts(100_000, 0, 0, false, 0);
/// The same, m³.
const WATERY: Decimal = Decimal::from_parts(5_000, 0, 0, false, 0);

fn decide(staff: &mut Browser, from: &str, by_meter: bool, protocol: &str) -> Value {
    let entry = json!({ "by_meter": by_meter, "protocol": protocol, "decided_on": "2026-11-20" });
    staff.call("PUT", &address(&format!("/decisions/{from}")), Some(&entry)).expect(200).json()
}

/// States what the meter of a house measured.
fn measure(staff: &mut Browser, house: &str, what: &str, volume: Decimal) {
    let stated = json!({ "volume": volume.to_string() });
    staff.call("PUT", &address_of(house, &format!("/volumes/{what}")), Some(&stated)).expect(200);
}

/// What all rooms of a house pay together by norm, in the resource's units.
fn by_norm(staff: &mut Browser, house: &str, norm: Decimal) -> Decimal {
    let known = staff.call("GET", &address_of(house, ""), None).expect(200).json();
    norm * number(&known["areas"][0]["common_area"])
}

/// Every room pays its share of what the meter measured beyond the rooms.
fn by_meter(rooms: &[Room], volume: Decimal, tariff: Decimal) -> bool {
    assert!(rooms.len() > 20 && used(rooms) < volume, "{}", used(rooms));
    owed(rooms, (volume - used(rooms), tariff), billed) == Sums::new()
}

/// Every room pays its share of the norm.
fn normed(rooms: &[Room], norm: Decimal, tariff: Decimal) -> bool {
    owed(rooms, (norm, tariff), billed) == Sums::new()
}

/// The company charges cold water of the common property by house meters and electricity by norm.
fn a_house_goes_by_what_its_owners_decided_and_its_neighbours_as_the_company_does(kind: Kind) {
    let server = Server::demo(Database::new(kind), NOW);
    let mut staff = server.staff(SLUG);
    let of = |house: &str, period: i32, resource: &str| rooms_of(house, &server, SLUG, period, resource);
    let light = |staff: &mut Browser, house: &str| by_norm(staff, house, Decimal::new(21, 1));

    // From November on by the meter: the house alone, and only once it is billed.
    decide(&mut staff, "2026-11", true, "№ 3");
    for house in [HOUSE, OTHER] {
        measure(&mut staff, house, "electricity/2026-11", MUCH);
    }
    run(command(&server.database, LATER).args(["bill", SLUG, "2026-11", "--publish"]));
    assert!(by_meter(&of(HOUSE, 202_611, "electricity"), MUCH, LIGHT));
    assert!(normed(&of(OTHER, 202_611, "electricity"), light(&mut staff, OTHER), LIGHT));

    // December is calculated by the meter; then the owners go back to norms, for cold water as well.
    for house in [HOUSE, OTHER] {
        measure(&mut staff, house, "electricity/2026-12", MUCH);
        measure(&mut staff, house, "cold_water/2026-12", WATERY);
    }
    run(command(&server.database, "2027-01-05").args(["bill", SLUG, "2026-12"]));
    let known = decide(&mut staff, "2026-12", false, "№ 4");
    assert_eq!(known["items"].as_array().expect("items").len(), 2, "{known}");
    let runs = staff.call("GET", "/api/admin/v1/billing/runs", None).expect(200).json();
    let publish = format!("/api/admin/v1/billing/runs/{}/publish", runs["items"][0]["id"].as_str().expect("an id"));
    assert_eq!(staff.call("POST", &publish, None).expect(422).json()["code"], "billing.run_not_complete");
    run(command(&server.database, "2027-01-05").args(["bill", SLUG, "2026-12", "--publish"]));
    let (water, common) = (of(HOUSE, 202_612, "cold_water"), by_norm(&mut staff, HOUSE, Decimal::new(3, 2)));
    assert!(normed(&water, common, WATER));
    assert!(normed(&of(HOUSE, 202_612, "electricity"), light(&mut staff, HOUSE), LIGHT));
    assert!(by_meter(&of(OTHER, 202_612, "cold_water"), WATERY, WATER));

    // A month by norm is recalculated by the real volume, whatever the owners decided.
    let entry = json!({ "volume": WATERY.to_string() });
    staff.call("PUT", &address("/corrections/cold_water/2026-12"), Some(&entry)).expect(200);
    let found = staff.call("GET", &address("/recomputed/cold_water/2026-12"), None).expect(200).json();
    assert_eq!(all(&found, "2026-12"), owed(&water, (WATERY - used(&water), WATER), billed));

    // Without a decision the house goes as the company does, and closed months come out as they were billed.
    staff.call("DELETE", &address("/decisions/2027-01"), None).expect(200);
    measure(&mut staff, HOUSE, "cold_water/2027-01", WATERY);
    run(command(&server.database, "2027-02-05").args(["bill", SLUG, "2027-01", "--publish"]));
    assert!(by_meter(&of(HOUSE, 202_701, "cold_water"), WATERY, WATER));
    for month in ["2026-11", "2026-12"] {
        let said = run(command(&server.database, "2027-02-05").args(["bill", "--replay", SLUG, month]));
        assert!(said.contains("совпадает с опубликованным до байта"), "{month}: {said}");
    }
}

fn a_decision_has_its_protocol_and_begins_with_a_month_to_come(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(SLUG);
    let entry = |protocol: &str, day: &str| json!({ "by_meter": true, "protocol": protocol, "decided_on": day });
    let long = "1".repeat(65);
    let wrong = [
        ("2027-06", entry(" ", "2026-11-10"), "protocol"),
        ("2027-06", entry(&long, "2026-11-10"), "protocol"),
        ("2027-06", entry("№ 3", "вчера"), "decided_on"),
        ("2027-06", entry("№ 3", "2026-12-01"), "decided_on"),
        ("2026-10", entry("№ 3", "2026-11-10"), "from"),
        ("июнь", entry("№ 3", "2026-11-10"), "from"),
    ];
    for (from, body, field) in wrong {
        let refused = staff.call("PUT", &address(&format!("/decisions/{from}")), Some(&body)).expect(422).json();
        assert_eq!(refused["fields"][0]["field"], field, "{from} {body}: {refused}");
    }
    let october = address("/decisions/2026-10");
    let refused = staff.call("PUT", &october, Some(&entry("№ 3", "2026-10-10"))).expect(422).json();
    assert_eq!(refused["code"], "billing.already_published");
    staff.call("GET", &address_of("H99999", "/decisions"), None).expect(404);
    assert_eq!(staff.call("DELETE", &october, None).expect(200).json()["items"], json!([]), "nothing to end");

    // Said twice it stands once; a mistake is replaced before its month is published.
    let june = decide(&mut staff, "2027-06", true, " № 3 ");
    let stated = json!({ "by_meter": true, "protocol": "№ 3", "decided_on": "2026-11-20" });
    assert_eq!(june["items"], json!([{ "from": "2027-06", "decision": stated }]));
    assert_eq!(decide(&mut staff, "2027-06", true, "№ 3"), june);
    assert_eq!(decide(&mut staff, "2027-06", true, "№ 5")["items"][0]["decision"]["protocol"], "№ 5");
    let august = address("/decisions/2027-08");
    let ended = staff.call("DELETE", &august, None).expect(200).json();
    assert_eq!(ended["items"][0], json!({ "from": "2027-08", "decision": null }));
    assert_eq!(ended["items"][1]["from"], "2027-06");
    assert_eq!(staff.call("DELETE", &august, None).expect(200).json(), ended);
    assert_eq!(staff.call("GET", &address("/decisions"), None).expect(200).json(), ended);
}
