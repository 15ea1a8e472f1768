//! House meters as devices: staff read them, and the month's volume reaches the bills of the house.

use kabinet_tests::pdf::Pdf;
use kabinet_tests::world;
use kabinet_tests::{Browser, Kind, Server, block_on, on_both_databases};
use rust_decimal::Decimal;
use sea_orm::FromQueryResult;
use serde_json::{Value, json};

use crate::{COMPANY, number, places};

on_both_databases![wrong_readings_of_a_house_meter_are_refused_in_words];

/// The house whose meter of cold water is read, and whose volumes nobody states.
const HOUSE: &str = "H00002";
const LIST: &str = "/api/admin/v1/house-meters/of";

/// The code of the second block of flats, and its meter.
fn meter(staff: &mut Browser) -> Value {
    let list = staff.call("GET", &format!("{LIST}/{HOUSE}"), None).expect(200).json();
    list["items"][0].clone()
}

fn readings(staff: &mut Browser, id: &str, body: &Value) -> kabinet_tests::Response {
    staff.call("POST", &format!("/api/admin/v1/house-meters/{id}/readings"), Some(body))
}

#[derive(FromQueryResult)]
struct Shared {
    area: i64,
    house: i64,
    used: i64,
    rest: i64,
}

/// The share of one account of the house, and what all of its rooms used.
fn shared(server: &Server, account: kabinet_contracts::AccountId, period: i32) -> Shared {
    let rows: Vec<Shared> = block_on(async {
        let db = server.database.open().await;
        let company = server.database.company(&db, COMPANY).await;
        let tx = db.read(&company, kabinet_core::Actor::System).await.expect("a transaction");
        let sql = "SELECT p.area,
                     (SELECT CAST(sum(o.area) AS bigint) FROM premises o
                      WHERE o.tenant_id = p.tenant_id AND o.house_id = p.house_id) AS house,
                     (SELECT CAST(sum(w.volume) AS bigint) FROM charge w
                      JOIN account n ON n.tenant_id = w.tenant_id AND n.id = w.account_id
                      JOIN premises q ON q.tenant_id = n.tenant_id AND q.id = n.premises_id AND q.house_id = p.house_id
                      WHERE w.tenant_id = r.tenant_id AND w.run_id = r.id AND w.service_code = 'cold_water') AS used,
                     c.volume AS rest
                   FROM billing_run r
                   JOIN account a ON a.tenant_id = r.tenant_id AND a.id = $3
                   JOIN premises p ON p.tenant_id = a.tenant_id AND p.id = a.premises_id
                   JOIN charge c ON c.tenant_id = r.tenant_id AND c.run_id = r.id AND c.account_id = a.id
                    AND c.service_code = 'common_cold_water'
                   WHERE r.tenant_id = $1 AND r.period = $2 AND r.state = 'published'";
        tx.rows(sql, vec![period.into(), account.into()]).await.expect("shares")
    });
    rows.into_iter().next().expect("a share")
}

/// A house meter that measured 1234 m³ in November.
pub(crate) struct House {
    measured: Decimal,
    serial: String,
}

pub(crate) fn what_the_house_used(server: &Server) -> House {
    let mut staff = server.staff(COMPANY);
    let known = meter(&mut staff);
    let id = known["id"].as_str().expect("an id").to_owned();
    let last = number(&known["readings"][0]["value"]);
    let measured = Decimal::from(1234);
    let stated = staff.call("GET", &format!("/api/admin/v1/billing/houses/{HOUSE}"), None).expect(200).json();
    let volumes = stated["volumes"].as_array().expect("volumes");
    let mut of_water = volumes.iter().filter(|volume| volume["service"] == "cold_water");
    assert!(of_water.all(|volume| volume["period"].as_str() < Some("2025-09")), "nobody stated one");
    let body = json!({ "on": "2026-11-22", "value": (last + measured).to_string() });
    readings(&mut staff, &id, &body).expect(200);
    House { measured, serial: known["serial"].as_str().expect("a serial").to_owned() }
}

pub(crate) fn the_rest_is_shared_where_nobody_stated_a_volume(server: &Server, house: &House) {
    let flat = flat_of_house(server);
    let share = shared(server, flat.id, 202_611);
    let scaled = |value: i64| Decimal::new(value, 7);
    let rest = (house.measured - scaled(share.used)).max(Decimal::ZERO);
    assert!(rest > Decimal::ZERO, "the house used more than its rooms");
    assert_eq!(scaled(share.rest), places(rest * scaled(share.area) / scaled(share.house), 7));
    let mut person = world::holder(server, COMPANY, &flat);
    let text = person.browser.page("/meters").text();
    assert!(text.contains("Общедомовой прибор учёта") && text.contains(&house.serial), "{text}");
    let receipt = Pdf::new(&person.browser.get("/documents/2026-11.pdf").expect(200).body).text();
    assert!(receipt.contains(&house.serial), "{receipt}");
    // A resident of another house does not see it.
    let flats = world::accounts(server, COMPANY, |known| known.kind == "flat" && !known.surname.is_empty());
    let other = flats.into_iter().next_back().expect("a flat");
    let mut stranger = world::holder(server, COMPANY, &other);
    assert!(!stranger.browser.page("/meters").text().contains("Общедомовой"));
}

/// A flat of the house.
fn flat_of_house(server: &Server) -> world::Known {
    #[derive(FromQueryResult)]
    struct Flat {
        number: String,
    }
    let flats: Vec<Flat> = world::in_company(server, COMPANY, async |tx| {
        let sql = "SELECT a.number FROM house h
                   JOIN premises p ON p.tenant_id = h.tenant_id AND p.house_id = h.id
                   JOIN account a ON a.tenant_id = p.tenant_id AND a.premises_id = p.id
                   WHERE h.tenant_id = $1 AND h.code = $2";
        tx.rows(sql, vec![HOUSE.into()]).await.expect("flats")
    });
    let flats: Vec<String> = flats.into_iter().map(|flat| flat.number).collect();
    let found = world::accounts(server, COMPANY, |known| {
        known.kind == "flat" && !known.surname.is_empty() && flats.contains(&known.account)
    });
    found.into_iter().next_back().expect("a flat of the house")
}

fn wrong_readings_of_a_house_meter_are_refused_in_words(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(COMPANY);
    let known = meter(&mut staff);
    let id = known["id"].as_str().expect("an id").to_owned();
    let last = number(&known["readings"][0]["value"]);
    let at = |on: &str, value: Decimal| json!({ "on": on, "value": value.to_string() });
    for (body, field) in [
        (at("2026-11-23", last), "on"),
        (at("2026-11-20", last - Decimal::ONE), "value"),
        (at("2026-11-20", Decimal::from(1_000_000)), "value"),
        (json!({ "on": "2026-11-20", "value": "много" }), "value"),
    ] {
        let refused = readings(&mut staff, &id, &body).expect(422).json();
        assert_eq!(refused["fields"][0]["field"], field, "{body}: {refused}");
    }
    let refused = readings(&mut staff, &id, &at("2026-10-31", last)).expect(422).json();
    assert_eq!(refused["code"], "meters.month_charged");
    let new = |serial: &str, factor: i32| {
        json!({ "resource": "electricity", "serial": serial, "installed_on": "2026-11-01", "initial": "0",
            "factor": factor })
    };
    let install = format!("{LIST}/{HOUSE}");
    assert_eq!(staff.call("POST", &install, Some(&new("", 1))).expect(422).json()["fields"][0]["field"], "serial");
    assert_eq!(staff.call("POST", &install, Some(&new("Э-1", 0))).expect(422).json()["fields"][0]["field"], "factor");
    let put = staff.call("POST", &install, Some(&new("Э-1", 40))).expect(200).json();
    assert_eq!(staff.call("POST", &install, Some(&new("Э-1", 40))).expect(422).json()["fields"][0]["field"], "serial");
    staff.call("POST", &format!("{LIST}/H99999"), Some(&new("Э-2", 1))).expect(404);
    // A reading taken back stays to be seen; a meter that left takes none.
    let id = put["id"].as_str().expect("an id");
    let read = readings(&mut staff, id, &at("2026-11-20", Decimal::TWO)).expect(200).json();
    let reading = read["readings"][0]["id"].as_str().expect("an id");
    let what = format!("/api/admin/v1/house-meters/{id}/readings/{reading}/withdraw");
    let left = staff.call("POST", &what, Some(&json!({ "reason": "не тот" }))).expect(200).json();
    assert_eq!(left["readings"][0]["withdrawn_reason"], "не тот");
    let until = json!({ "until": "2030-01-01" });
    staff.call("PUT", &format!("/api/admin/v1/house-meters/{id}/verification"), Some(&until)).expect(200);
    let on = json!({ "on": "2026-11-21" });
    let gone = staff.call("POST", &format!("/api/admin/v1/house-meters/{id}/remove"), Some(&on)).expect(200).json();
    assert_eq!((&gone["removed_on"], &gone["verified_until"]), (&json!("2026-11-21"), &json!("2030-01-01")));
    assert_eq!(
        readings(&mut staff, id, &at("2026-11-22", Decimal::TEN)).expect(422).json()["code"],
        "meters.already_removed"
    );
    server.staff("teploset").call("GET", &install, None).expect(200);
}
