//! What staff do with meters and readings; nothing that was read disappears.

use kabinet_residents::{password, people};
use kabinet_tests::world;
use kabinet_tests::{Browser, Kind, Server, on_both_databases};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::{COMPANY, METERS, Water, case, charged, deed, holder, send, typed, water};

on_both_databases![
    a_wrong_reading_is_taken_back_and_stays_for_staff_to_see,
    meters_are_found_by_account_house_and_serial_number,
    a_meter_is_put_into_service_and_read_by_its_resident,
    a_meter_of_three_zones_is_read_zone_by_zone,
    who_may_not_manage_may_read,
];

fn a_wrong_reading_is_taken_back_and_stays_for_staff_to_see(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(COMPANY);
    let water = water(server, &mut staff, 3);
    let mut person = holder(server, &water);
    send(&mut person.browser, &water.id, &typed(water.last() + Decimal::from(5)), false).expect(303);
    let wrong = case(&mut staff, &water.id)["readings"][0]["id"].as_str().expect("an id").to_owned();
    let what = format!("readings/{wrong}/withdraw");
    let silent = deed(&mut staff, &water.id, &what, &json!({ "reason": " " })).expect(422).json();
    assert_eq!(silent["fields"][0]["field"], "reason");
    deed(&mut staff, &water.id, &what, &json!({ "reason": "не тот прибор" })).expect(204);
    let again = deed(&mut staff, &water.id, &what, &json!({ "reason": "ещё раз" })).expect(422).json();
    assert_eq!(again["code"], "meters.already_withdrawn");

    let readings = case(&mut staff, &water.id)["readings"].clone();
    assert_eq!(readings[0]["withdrawn_reason"], "не тот прибор");
    assert!(readings[1]["withdrawn_at"].is_null());
    // The resident does not see it, and a lower one than it is fine again.
    let first = person.browser.page(&format!("/meters/{}", water.id)).one("table.cards tbody tr").text();
    assert!(!first.contains("22.11.2026"), "{first}");
    send(&mut person.browser, &water.id, &typed(water.last() + Decimal::ONE), false).expect(303);
    // Staff may say the same of the same day again.
    let said = json!({ "on": "2026-11-22", "values": [typed(water.last() + Decimal::TWO)], "source": "phone" });
    let id = deed(&mut staff, &water.id, "readings", &said).expect(200).json()["id"].as_str().map(str::to_owned);
    let refused = deed(&mut staff, &water.id, "readings", &said).expect(422).json();
    assert_eq!(refused["fields"][0]["field"], "on", "once a day and source: {refused}");
    let what = format!("readings/{}/withdraw", id.expect("an id"));
    deed(&mut staff, &water.id, &what, &json!({ "reason": "ошибка" })).expect(204);
    deed(&mut staff, &water.id, "readings", &said).expect(200);
}

/// Half a cubic metre less was read in October than was charged, and two more in November.
pub(crate) fn a_corrected_reading_of_october(server: &Server) -> Water {
    let mut staff = server.staff(COMPANY);
    let water = water(server, &mut staff, 3);
    let october = case(&mut staff, &water.id)["readings"][0].clone();
    assert_eq!(october["period"], "2026-10");
    let id = october["id"].as_str().expect("an id");
    let reason = json!({ "reason": "ошибка" });
    let refused = deed(&mut staff, &water.id, &format!("readings/{id}/withdraw"), &reason).expect(422).json();
    assert_eq!(refused["code"], "meters.month_charged");
    let late = json!({ "on": "2026-10-30", "values": [typed(water.last())], "source": "staff" });
    let refused = deed(&mut staff, &water.id, "readings", &late).expect(422).json();
    assert_eq!(refused["code"], "meters.month_charged");

    let what = format!("readings/{id}/correct");
    let value = |value: Decimal| json!({ "values": [typed(value)], "reason": "переставлены цифры" });
    let low = deed(&mut staff, &water.id, &what, &value(water.read[1] - Decimal::ONE)).expect(422).json();
    assert_eq!(low["fields"][0]["field"], "values", "{low}");
    deed(&mut staff, &water.id, &what, &value(water.last() - Decimal::new(5, 1))).expect(200);
    let mut person = holder(server, &water);
    send(&mut person.browser, &water.id, &typed(water.last() + Decimal::TWO), false).expect(303);
    water
}

pub(crate) fn the_next_bill_counts_from_the_corrected_value(server: &Server, water: &Water) {
    assert_eq!(charged(server, &water.known, 202_611).0, Decimal::new(25, 1));
}

fn meters_are_found_by_account_house_and_serial_number(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(COMPANY);
    let water = water(server, &mut staff, 4);
    let known = case(&mut staff, &water.id)["meter"].clone();
    let mut items = |query: &str| -> Vec<Value> {
        let list = staff.call("GET", &format!("{METERS}?{query}"), None).expect(200).json();
        list["items"].as_array().expect("items").clone()
    };
    let serial = known["serial"].as_str().expect("a serial");
    let part = &serial[3..];
    for query in [format!("number={}&serial={part}", water.known.account), format!("serial={serial}&limit=1")] {
        let found = items(&query);
        assert_eq!(found.len(), 1, "{query}");
        assert_eq!(found[0], known, "{query}");
    }
    let of_house = items("house=H00001&limit=200");
    assert!(of_house.len() > 20 && of_house.iter().all(|meter| meter["address"] != known["address"]));
    assert!(items("serial=%25").is_empty(), "a sign stands for itself");
    // Page by page each is met once.
    let (mut cursor, mut seen) = (String::new(), std::collections::BTreeSet::new());
    loop {
        let list = staff.call("GET", &format!("{METERS}?house=H00001&limit=7{cursor}"), None).expect(200).json();
        for meter in list["items"].as_array().expect("items") {
            assert!(seen.insert(meter["id"].to_string()));
        }
        let Some(next) = list["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen.len(), of_house.len());
    staff.call("GET", &format!("{METERS}?cursor=none"), None).expect(422);
}

/// What its resident reads of a meter: its heading with the state and the day of installation in the list, and the
/// head of its own page.
fn told(browser: &mut Browser, id: &str) -> [String; 3] {
    let (list, href) = (browser.page("/meters"), format!("/meters/{id}"));
    let rows = list.all("main tbody tr");
    let row = rows.iter().find(|row| row.links().contains(&href)).expect("a row of the meter");
    let (heading, installed) = (row.one("th").text(), row.one("td[data-label=Установлен]").text());
    [heading, installed, browser.page(&href).one("main dl").text()]
}

fn a_meter_is_put_into_service_and_read_by_its_resident(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(COMPANY);
    let known = water(server, &mut staff, 5).known;
    let mut person = world::holder(server, COMPANY, &known);
    let new = json!({ "account": known.id.0, "resource": "gas", "installed_on": "2026-11-01", "serial": "Г-17",
        "place": "кухня", "initial": ["5"] });
    let done = staff.call("POST", METERS, Some(&new)).expect(200).json();
    let id = done["meter"]["id"].as_str().expect("an id").to_owned();
    assert_eq!(done["readings"][0]["source"], "installation");
    send(&mut person.browser, &id, "7,5", false).expect(303);
    let page = person.browser.page(&format!("/meters/{id}"));
    assert!(page.text().contains("Газ, кухня") && page.one("table.cards tbody tr").text().contains("2,5"));
    let [heading, installed, head] = told(&mut person.browser, &id);
    assert!(heading.contains("Г-17") && heading.contains("в работе"), "{heading}");
    assert_eq!(installed, "01.11.2026");
    assert!(head.contains("Установлен 01.11.2026") && head.contains("Состояние в работе"), "{head}");
    let twice = staff.call("POST", METERS, Some(&new)).expect(422).json();
    assert_eq!(twice["fields"][0]["field"], "serial");
    let mut nobody = new.clone();
    nobody["account"] = json!("00000000-0000-7000-8000-000000000000");
    staff.call("POST", METERS, Some(&nobody)).expect(404);
    // An automatic one says why it takes nothing.
    let mut clever = new;
    (clever["serial"], clever["automatic"]) = (json!("Г-18"), json!(true));
    staff.call("POST", METERS, Some(&clever)).expect(200);
    let page = person.browser.page("/meters/readings");
    assert!(page.text().contains("Этот прибор передаёт показания сам"), "{}", page.text());
    server.staff("teploset").call("GET", &format!("{METERS}/{id}"), None).expect(404);
    // Taken out, it stays in the list, with both days.
    deed(&mut staff, &id, "remove", &json!({ "on": "2026-11-22" })).expect(200);
    let [heading, installed, head] = told(&mut person.browser, &id);
    assert!(heading.contains("снят 22.11.2026") && !heading.contains("в работе"), "{heading}");
    assert_eq!(installed, "01.11.2026");
    assert!(head.contains("Снят 22.11.2026") && head.contains("Состояние снят"), "{head}");
}

fn a_meter_of_three_zones_is_read_zone_by_zone(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(COMPANY);
    let known = water(server, &mut staff, 7).known;
    let mut person = world::holder(server, COMPANY, &known);
    let new = json!({ "account": known.id.0, "resource": "electricity", "installed_on": "2026-11-01", "serial": "Т-3",
        "initial": ["500", "800", "900"] });
    let id = staff.call("POST", METERS, Some(&new)).expect(200).json()["meter"]["id"].as_str().map(str::to_owned);
    let id = id.expect("an id");
    let mut form = person.browser.page("/meters/readings").form("/meters/readings");
    for (zone, typed) in ["510", "805"].iter().enumerate() {
        form = form.with(&format!("meter_{id}_value_t{}", zone + 1), typed);
    }
    let page = person.browser.submit(&form).expect(422).page();
    let refusal = page.refusals().remove(0);
    assert!(refusal.0 == format!("meter_{id}_value_t3") && refusal.1.contains("Т3, полупик"), "{refusal:?}");
    person.browser.submit(&form.with(&format!("meter_{id}_delta_t3"), "12,5")).expect(303);
    let row = person.browser.page(&format!("/meters/{id}")).one("table.cards tbody tr").text();
    for figure in ["510", "805", "912,5"] {
        assert!(row.contains(figure), "{figure}: {row}");
    }
}

/// Somebody of the dispatch desk, logged in.
fn dispatcher(server: &Server) -> Browser {
    let (email, secret) = ("desk@beregovoy.example", "a-long-enough-secret");
    let hash = password::hash_now(secret).expect("a hash");
    world::in_company(server, COMPANY, async |tx| {
        people::create_staff(tx, tx.new_id(), email, "Проверка", "dispatcher", &hash).await.expect("a staff member");
    });
    let mut browser = server.browser(COMPANY);
    let login = json!({ "email": email, "password": secret });
    browser.call("POST", "/api/admin/v1/session", Some(&login)).expect(204);
    browser
}

fn who_may_not_manage_may_read(kind: Kind) {
    let server = Server::shared(kind);
    let mut administrator = server.staff(COMPANY);
    let water = water(server, &mut administrator, 4);
    let mut dispatcher = dispatcher(server);
    case(&mut dispatcher, &water.id);
    let said = json!({ "on": "2026-11-22", "values": [typed(water.last())], "source": "phone" });
    // What the one may is remembered, and not for the other.
    deed(&mut administrator, &water.id, "readings", &said).expect(200);
    deed(&mut dispatcher, &water.id, "readings", &said).expect(403);
    dispatcher.call("PUT", "/api/admin/v1/meter-settings", Some(&crate::rules(&json!({}), &json!({})))).expect(403);
}
