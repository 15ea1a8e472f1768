//! House meters that bills cannot go by: the average of the months before stands in for them, then the norm.

use kabinet_tests::pdf::Pdf;
use kabinet_tests::process::run;
use kabinet_tests::server::{NOW, command};
use kabinet_tests::{Browser, Database, Kind, Server, on_both_databases, world};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use crate::corrected::{LATER, SLUG, Sums, WATER, billed, owed, used};
use crate::{HOUSE, Room, address_of, charge, number, rooms_of};

on_both_databases![
    a_broken_house_meter_counts_by_average_for_three_months_and_by_norm_after_them,
    a_house_meter_that_charges_nobody_is_no_news_on_bills_when_it_is_not_read,
    staff_state_when_a_house_meter_is_broken_and_when_it_is_mended,
];

/// A house whose meter has been broken for longer than an average stands in for it.
const LONG_BROKEN: &str = "H00002";
const METERS: &str = "/api/admin/v1/house-meters";
const SERVICE: &str = "Холодная вода, общее";

/// The meter of cold water of a house.
fn meter(staff: &mut Browser, house: &str) -> Value {
    staff.call("GET", &format!("{METERS}/of/{house}"), None).expect(200).json()["items"][0].clone()
}

fn of_meter(meter: &Value, what: &str) -> String {
    format!("{METERS}/{}{what}", meter["id"].as_str().expect("an id"))
}

/// What staff could not say of months that were charged already: the meter broke in August. Dials count twice what
/// they show, so that houses use more than their rooms.
fn long_broken(server: &Server) {
    let broken = "INSERT INTO house_meter_fault (tenant_id, meter_id, since, note, declared_at)
                  SELECT m.tenant_id, m.id, 20260810, 'акт № 7', 0 FROM house_meter m
                  JOIN house h ON h.tenant_id = m.tenant_id AND h.id = m.house_id
                  WHERE m.tenant_id = $1 AND h.code = $2";
    let twice = "UPDATE house_meter SET factor = 2 WHERE tenant_id = $1";
    let changed = world::in_company(server, SLUG, async |tx| {
        let broken = tx.execute(broken, vec![LONG_BROKEN.into()]).await.expect("a fault");
        (broken, tx.execute(twice, vec![]).await.expect("a factor"))
    });
    assert_eq!(changed, (1, 2));
}

/// The mean of the last six months that were read before November, m³.
fn average(meter: &Value) -> Decimal {
    let value = |month: usize| number(&meter["readings"][month]["value"]);
    assert_eq!(
        (&meter["readings"][0]["period"], &meter["readings"][6]["period"]),
        (&json!("2026-10"), &json!("2026-04"))
    );
    let six = (value(0) - value(6)) * Decimal::TWO;
    (six / Decimal::from(6)).round_dp_with_strategy(7, RoundingStrategy::MidpointAwayFromZero)
}

/// What a bill of November and its receipt say of the house's meter.
fn explained(browser: &mut Browser, words: &str) {
    let line = charge(browser, "2026-11", SERVICE);
    let method = line["method"].as_str().expect("a method");
    assert!(method.contains(&format!("общедомовой прибор – {words}")), "{line}");
    assert!(browser.page("/charges?period=2026-11").text().contains(words));
    let receipt = Pdf::new(&browser.get("/documents/2026-11.pdf").expect(200).body).text();
    assert!(receipt.contains("неисправен"), "{receipt}");
}

/// Somebody who lives in the house and is billed.
fn neighbour(server: &Server, rooms: &[Room]) -> world::Person {
    let lives = |known: &world::Known| {
        rooms.iter().any(|room| room.number == known.account && room.amount.is_some() && room.closed_on.is_none())
    };
    let flats =
        world::accounts(server, SLUG, |known| known.kind == "flat" && !known.surname.is_empty() && lives(known));
    world::holder(server, SLUG, flats.last().expect("a flat of the house"))
}

fn a_broken_house_meter_counts_by_average_for_three_months_and_by_norm_after_them(kind: Kind) {
    let server = Server::demo(Database::new(kind), NOW);
    long_broken(&server);
    let mut staff = server.staff(SLUG);
    let known = meter(&mut staff, HOUSE);
    let average = average(&known);
    // Read in November and found to be broken before: the bills that were made of the reading are given up.
    let last = number(&known["readings"][0]["value"]);
    let reading = json!({ "on": "2026-11-20", "value": (last + Decimal::from(7_000)).to_string() });
    staff.call("POST", &of_meter(&known, "/readings"), Some(&reading)).expect(200);
    run(command(&server.database, LATER).args(["bill", SLUG, "2026-11"]));
    let broken = of_meter(&known, "/faults/2026-11-05");
    let stated = staff.call("PUT", &broken, Some(&json!({ "note": "акт № 8" }))).expect(200).json();
    assert_eq!(
        (&stated["faults"][0]["since"], &stated["faults"][0]["note"]),
        (&json!("2026-11-05"), &json!("акт № 8"))
    );
    let runs = staff.call("GET", "/api/admin/v1/billing/runs", None).expect(200).json();
    let publish = format!("/api/admin/v1/billing/runs/{}/publish", runs["items"][0]["id"].as_str().expect("an id"));
    assert_eq!(staff.call("POST", &publish, None).expect(422).json()["code"], "billing.run_not_complete");
    run(command(&server.database, LATER).args(["bill", SLUG, "2026-11", "--publish"]));

    let rooms = rooms_of(HOUSE, &server, SLUG, 202_611, "cold_water");
    assert!(rooms.len() > 20 && average > used(&rooms), "{average} of {}", used(&rooms));
    assert_eq!(owed(&rooms, (average - used(&rooms), WATER), billed), Sums::new());
    explained(&mut server.resident(SLUG), "по среднему за прошлые месяцы: прибор неисправен");

    // November is the fourth month of the other meter: 0.03 m³ for each square metre of the common property.
    let others = rooms_of(LONG_BROKEN, &server, SLUG, 202_611, "cold_water");
    let house = staff.call("GET", &address_of(LONG_BROKEN, ""), None).expect(200).json();
    let norm = Decimal::new(3, 2) * number(&house["areas"][0]["common_area"]);
    assert!(others.len() > 20 && norm > Decimal::ZERO);
    assert_eq!(owed(&others, (norm, WATER), billed), Sums::new());
    explained(&mut neighbour(&server, &others).browser, "по нормативу: прибор неисправен");

    // What a published month was billed by stays.
    for (method, address, body) in
        [("DELETE", broken.clone(), None), ("POST", format!("{broken}/end"), Some("2026-11-21"))]
    {
        let body = body.map(|on| json!({ "on": on }));
        let refused = staff.call(method, &address, body.as_ref()).expect(422).json();
        assert_eq!(refused["code"], "meters.month_charged", "{method}");
    }
    let said = run(command(&server.database, LATER).args(["bill", "--replay", SLUG, "2026-11"]));
    assert!(said.contains("совпадает с опубликованным до байта"), "{said}");
}

/// Hot water that the meters in the rooms alone charge.
fn a_house_meter_that_charges_nobody_is_no_news_on_bills_when_it_is_not_read(kind: Kind) {
    let (supplier, serial) = ("teploset", "8118");
    let server = Server::demo(Database::new(kind), NOW);
    let new = json!({ "resource": "hot_water", "serial": serial, "installed_on": "2026-09-10", "initial": "0" });
    server.staff(supplier).call("POST", &format!("{METERS}/of/{HOUSE}"), Some(&new)).expect(200);
    run(command(&server.database, LATER).args(["bill", supplier, "2026-11", "--publish"]));
    let mut resident = server.resident(supplier);
    let line = charge(&mut resident, "2026-11", "Горячее водоснабжение: вода");
    let method = line["method"].as_str().expect("a method");
    assert!(!method.contains("общедомовой прибор"), "{line}");
    let receipt = Pdf::new(&resident.get("/documents/2026-11.pdf").expect(200).body).text();
    assert!(receipt.contains("Горячее водоснабжение") && !receipt.contains(serial), "{receipt}");
}

fn staff_state_when_a_house_meter_is_broken_and_when_it_is_mended(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(SLUG);
    let new = json!({ "resource": "gas", "serial": "Г-54", "installed_on": "2026-11-01", "initial": "0" });
    let gas = staff.call("POST", &format!("{METERS}/of/{HOUSE}"), Some(&new)).expect(200).json();
    assert_eq!(gas["faults"], json!([]));
    let since = |day: &str| of_meter(&gas, &format!("/faults/{day}"));
    let act = |note: &str| json!({ "note": note });
    let long = "а".repeat(201);
    for (day, note, field) in [
        ("вчера", "", "since"),
        ("2026-11-25", "", "since"),
        ("2026-11-01", "", "since"),
        ("2026-11-10", long.as_str(), "note"),
    ] {
        let refused = staff.call("PUT", &since(day), Some(&act(note))).expect(422).json();
        assert_eq!(refused["fields"][0]["field"], field, "{day}: {refused}");
    }
    let water = of_meter(&meter(&mut staff, HOUSE), "/faults/2026-10-10");
    assert_eq!(staff.call("PUT", &water, Some(&act(""))).expect(422).json()["code"], "meters.month_charged");

    staff.call("PUT", &since("2026-11-10"), Some(&act("акт № 9"))).expect(200);
    let twice = staff.call("PUT", &since("2026-11-12"), Some(&act(""))).expect(422).json();
    assert_eq!(twice["fields"][0]["field"], "since", "{twice}");
    let end = format!("{}/end", since("2026-11-10"));
    let on = |day: &str| json!({ "on": day });
    for day in ["2026-11-10", "2026-11-25"] {
        assert_eq!(staff.call("POST", &end, Some(&on(day))).expect(422).json()["fields"][0]["field"], "on", "{day}");
    }
    let mended = staff.call("POST", &end, Some(&on("2026-11-15"))).expect(200).json();
    let expected = json!([{ "since": "2026-11-10", "ended_on": "2026-11-15", "note": "акт № 9" }]);
    assert_eq!(mended["faults"], expected);
    staff.call("POST", &end, Some(&on("2026-11-16"))).expect(404);
    // One that was stated by mistake is taken back, one that has ended stays.
    staff.call("PUT", &since("2026-11-15"), Some(&act(""))).expect(200);
    assert_eq!(staff.call("DELETE", &since("2026-11-15"), None).expect(200).json()["faults"], expected);
    staff.call("DELETE", &since("2026-11-10"), None).expect(404);
    // Nobody else's, and none of a meter that is gone.
    server.staff("teploset").call("PUT", &since("2026-11-16"), Some(&act(""))).expect(404);
    staff.call("POST", &of_meter(&gas, "/remove"), Some(&on("2026-11-20"))).expect(200);
    let gone = staff.call("PUT", &since("2026-11-16"), Some(&act(""))).expect(422).json();
    assert_eq!(gone["code"], "meters.already_removed");
}
