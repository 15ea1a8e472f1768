//! What a house uses as a whole: staff state areas and volumes of its meters, and each flat pays its share.

mod corrected;
mod decided;
mod measured;
mod metered;
mod unread;

use kabinet_billing::trace;
use kabinet_plugin_host::api::Basis;
use kabinet_tests::pdf::Pdf;
use kabinet_tests::process::run;
use kabinet_tests::server::{NOW, command};
use kabinet_tests::{Browser, Database, Kind, Server, on_both_databases};
use rust_decimal::{Decimal, RoundingStrategy};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};
use uuid::Uuid;

on_both_databases![
    heating_that_is_paid_evenly_follows_last_years_house_meter,
    the_rest_of_a_house_meter_is_shared_by_area_and_the_shares_add_up,
    what_staff_state_of_a_house_reaches_the_bill_and_the_receipt,
    what_rooms_used_beyond_the_house_meter_is_taken_off_the_next_month,
    a_year_that_was_paid_evenly_is_corrected_in_january,
    wrong_figures_of_a_house_are_refused_in_words,
];

const HOUSE: &str = "H00001";

fn address(what: &str) -> String {
    address_of(HOUSE, what)
}

fn address_of(house: &str, what: &str) -> String {
    format!("/api/admin/v1/billing/houses/{house}{what}")
}

fn number(value: &Value) -> Decimal {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no number: {value}"))
}

fn kopecks(roubles: Decimal) -> i64 {
    let whole = (roubles * Decimal::from(100)).round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    whole.try_into().expect("kopecks")
}

fn quantity(scaled: i64) -> Decimal {
    Decimal::new(scaled, 7)
}

/// The charge of a service in a month, as the resident's programs see it.
fn charge(resident: &mut Browser, period: &str, service: &str) -> Value {
    let month = resident.call("GET", &format!("/api/v1/charges?period={period}"), None).expect(200).json();
    let charges = month["charges"].as_array().expect("charges").clone();
    charges
        .into_iter()
        .find(|line| line["service"].as_str().is_some_and(|name| name.starts_with(service)))
        .expect(service)
}

#[derive(FromQueryResult)]
struct Room {
    id: Uuid,
    number: String,
    closed_on: Option<i32>,
    area: i64,
    house: i64,
    water: Option<i64>,
    why: Option<String>,
    rest: Option<i64>,
    amount: Option<i64>,
}

/// What a month charged an account for.
#[derive(FromQueryResult)]
struct Month {
    account_id: Uuid,
    period: i32,
    volume: i64,
}

impl Room {
    /// A reading holds months that were charged without one: they were taken off the house's in those months.
    fn leave_out(&mut self, before: &[Month]) {
        let why = self.why.as_deref().map(trace::decode).unwrap_or_default().recalculations;
        for given in why.iter().filter(|given| given.basis == Basis::AverageReversed) {
            let period = i32::from(given.period.year) * 100 + i32::from(given.period.month);
            let month = before.iter().find(|month| (month.account_id, month.period) == (self.id, period));
            self.water = self.water.zip(month).map(|(water, month)| water - month.volume);
        }
    }
}

/// The accounts of the first house with the volumes of cold water that they used by the charge of a month.
fn rooms(server: &Server, slug: &str, period: i32) -> Vec<Room> {
    rooms_with(server, slug, period, "cold_water")
}

/// The same with the volumes of another resource.
fn rooms_with(server: &Server, slug: &str, period: i32, resource: &str) -> Vec<Room> {
    rooms_of(HOUSE, server, slug, period, resource)
}

/// The same of another house.
fn rooms_of(house: &str, server: &Server, slug: &str, period: i32, resource: &str) -> Vec<Room> {
    let sql = "SELECT a.id, a.number, a.closed_on, p.area,
                 (SELECT CAST(sum(o.area) AS bigint) FROM premises o
                  WHERE o.tenant_id = p.tenant_id AND o.house_id = p.house_id) AS house,
                 w.volume AS water, w.trace AS why, c.volume AS rest, c.charged AS amount
               FROM house h JOIN premises p ON p.tenant_id = h.tenant_id AND p.house_id = h.id
               JOIN account a ON a.tenant_id = p.tenant_id AND a.premises_id = p.id
               JOIN billing_run r ON r.tenant_id = h.tenant_id AND r.state = 'published' AND r.period = $3
               LEFT JOIN charge w ON w.tenant_id = a.tenant_id AND w.run_id = r.id AND w.account_id = a.id
                AND w.service_code = $4
               LEFT JOIN charge c ON c.tenant_id = a.tenant_id AND c.run_id = r.id AND c.account_id = a.id
                AND c.service_code = 'common_' || $4
               WHERE h.tenant_id = $1 AND h.code = $2 ORDER BY a.number";
    let values = vec![house.into(), period.into(), resource.into()];
    let mut rooms: Vec<Room> = server.database.rows(slug, sql, values);
    let sql = "SELECT c.account_id, r.period, c.volume FROM billing_run r
               JOIN charge c ON c.tenant_id = r.tenant_id AND c.run_id = r.id
               WHERE r.tenant_id = $1 AND r.state = 'published' AND r.period < $2 AND c.service_code = $3
                 AND c.volume IS NOT NULL";
    let before: Vec<Month> = server.database.rows(slug, sql, vec![period.into(), resource.into()]);
    rooms.iter_mut().for_each(|room| room.leave_out(&before));
    rooms
}

fn room_of(server: &Server, resident: &mut Browser, slug: &str, period: i32) -> Room {
    let me = resident.call("GET", "/api/v1/me", None).expect(200).json();
    let accounts = me["accounts"].as_array().expect("accounts").clone();
    let active = accounts.iter().find(|account| account["active"] == true).expect("a chosen account");
    let mine = active["number"].as_str().expect("a number");
    rooms(server, slug, period).into_iter().find(|room| room.number == mine).expect("the resident's room")
}

fn heating_that_is_paid_evenly_follows_last_years_house_meter(kind: Kind) {
    let server = Server::shared(kind);
    let known = server.staff("teploset").call("GET", &address(""), None).expect(200).json();
    let volumes = known["volumes"].as_array().expect("volumes");
    let last_year = |volume: &&Value| volume["period"].as_str().is_some_and(|period| period.starts_with("2025"));
    let months: Vec<Decimal> = volumes.iter().filter(last_year).map(|volume| number(&volume["volume"])).collect();
    assert_eq!(months.len(), 12);
    let mut resident = server.resident("teploset");
    let room = room_of(server, &mut resident, "teploset", 202_610);
    let line = charge(&mut resident, "2026-10", "Отопление");
    // S × (V of 2025 ÷ 12) ÷ S of the house, seven places, × 2491.08 ₽.
    let average = (months.iter().sum::<Decimal>() / Decimal::from(12))
        .round_dp_with_strategy(7, RoundingStrategy::MidpointAwayFromZero);
    let volume = (quantity(room.area) * average / quantity(room.house))
        .round_dp_with_strategy(7, RoundingStrategy::MidpointAwayFromZero);
    assert_eq!(line["amount"], json!(kopecks(volume * Decimal::new(249_108, 2))), "{line}");
    assert!(volume > Decimal::new(1, 1), "heat is used: {volume}");
    let receipt = Pdf::new(&resident.get("/documents/2026-10.pdf").expect(200).body).text();
    assert!(receipt.contains("Площадь всех помещений дома"), "{receipt}");
}

fn the_rest_of_a_house_meter_is_shared_by_area_and_the_shares_add_up(kind: Kind) {
    let server = Server::shared(kind);
    let known = server.staff("beregovoy").call("GET", &address(""), None).expect(200).json();
    let volumes = known["volumes"].as_array().expect("volumes");
    let of_month = |volume: &&Value| volume["period"] == "2026-10" && volume["service"] == "cold_water";
    let house = number(&volumes.iter().find(of_month).expect("October")["volume"]);
    let rooms = rooms(server, "beregovoy", 202_610);
    assert!(rooms.len() > 40);
    // Norms, averages and readings of several months: whatever the rooms were charged for.
    let used: Decimal = rooms.iter().filter_map(|room| room.water).map(quantity).sum();
    let rest = (house - used).max(Decimal::ZERO);
    for room in rooms.iter().filter(|room| room.rest.is_some()) {
        let share = (rest * quantity(room.area) / quantity(room.house))
            .round_dp_with_strategy(7, RoundingStrategy::MidpointAwayFromZero);
        assert_eq!(room.rest.map(quantity), Some(share), "{}", room.number);
        assert_eq!(room.amount, Some(kopecks(share * Decimal::new(4586, 2))), "{}", room.number);
    }
    let shared: Decimal = rooms.iter().filter_map(|room| room.rest).map(quantity).sum();
    let closed: Decimal = rooms.iter().filter(|room| room.rest.is_none()).map(|room| quantity(room.area)).sum();
    let missing = rest * closed / quantity(rooms[0].house);
    assert!((shared + missing - rest).abs() < Decimal::new(1, 4), "{shared} + {missing} of {rest}");
}

fn what_staff_state_of_a_house_reaches_the_bill_and_the_receipt(kind: Kind) {
    let server = Server::demo(Database::new(kind), NOW);
    let mut staff = server.staff("beregovoy");
    let stated = json!({ "volume": "900,5", "serial": "ВМХ-80 № 4471", "previous": "12000", "current": "12900.5" });
    let known = staff.call("PUT", &address("/volumes/cold_water/2026-11"), Some(&stated)).expect(200).json();
    assert_eq!(known["volumes"][0]["volume"], "900.5");
    let areas = json!({ "rooms_area": "4000", "common_area": "500,25" });
    let known = staff.call("PUT", &address("/areas/2026-11"), Some(&areas)).expect(200).json();
    assert_eq!(known["areas"][0]["common_area"], "500.25");
    run(command(&server.database, "2026-12-05").args(["bill", "beregovoy", "2026-11", "--publish"]));
    let mut resident = server.resident("beregovoy");
    let rooms = rooms(&server, "beregovoy", 202_611);
    let room = room_of(&server, &mut resident, "beregovoy", 202_611);
    let used: Decimal = rooms.iter().filter_map(|room| room.water).map(quantity).sum();
    let share = ((Decimal::new(9005, 1) - used) * quantity(room.area) / Decimal::from(4000))
        .round_dp_with_strategy(7, RoundingStrategy::MidpointAwayFromZero);
    assert_eq!(room.rest.map(quantity), Some(share));
    // By norm: 2.1 × 500.25 m² × S ÷ 4000, × 5.53 ₽.
    let light = charge(&mut resident, "2026-11", "Электроэнергия, общее");
    let volume = (Decimal::new(21, 1) * Decimal::new(50_025, 2) * quantity(room.area) / Decimal::from(4000))
        .round_dp_with_strategy(7, RoundingStrategy::MidpointAwayFromZero);
    assert_eq!(light["amount"], json!(kopecks(volume * Decimal::new(553, 2))), "{light}");
    let receipt = Pdf::new(&resident.get("/documents/2026-11.pdf").expect(200).body).text();
    for words in ["ВМХ-80 № 4471", "900,5", "500,25", "Ресурсы на общедомовые нужды"] {
        assert!(receipt.contains(words), "{words}: {receipt}");
    }
    // The published month keeps its figures, and comes out the same from what was frozen.
    let late = json!({ "volume": "1" });
    let refused = staff.call("PUT", &address("/volumes/cold_water/2026-11"), Some(&late)).expect(422).json();
    assert_eq!(refused["code"], "billing.already_published");
    let said = run(command(&server.database, "2026-12-05").args(["bill", "--replay", "beregovoy", "2026-11"]));
    assert!(said.contains("совпадает с опубликованным до байта"), "{said}");
}

fn what_rooms_used_beyond_the_house_meter_is_taken_off_the_next_month(kind: Kind) {
    let server = Server::demo(Database::new(kind), NOW);
    let package = kabinet_tests::company::package_with("beregovoy", "[houses]\ncarry_rest = true");
    run(command(&server.database, NOW).arg("tenant").arg("apply").arg(&package));
    let mut staff = server.staff("beregovoy");
    let small = json!({ "volume": "100" });
    staff.call("PUT", &address("/volumes/cold_water/2026-11"), Some(&small)).expect(200);
    run(command(&server.database, "2026-12-05").args(["bill", "beregovoy", "2026-11", "--publish"]));
    let november = rooms(&server, "beregovoy", 202_611);
    let used: Decimal = november.iter().filter_map(|room| room.water).map(quantity).sum();
    let over = used - Decimal::from(100);
    assert!(over > Decimal::ZERO, "the rooms used more: {used}");
    assert!(november.iter().filter_map(|room| room.amount).all(|amount| amount == 0), "nobody is paid for it");
    let large = json!({ "volume": "2000" });
    staff.call("PUT", &address("/volumes/cold_water/2026-12"), Some(&large)).expect(200);
    run(command(&server.database, "2027-01-05").args(["bill", "beregovoy", "2026-12", "--publish"]));
    let december = rooms(&server, "beregovoy", 202_612);
    let used: Decimal = december.iter().filter_map(|room| room.water).map(quantity).sum();
    let rest = Decimal::from(2000) - over - used;
    for room in december.iter().filter(|room| room.rest.is_some()) {
        let share = (rest * quantity(room.area) / quantity(room.house))
            .round_dp_with_strategy(7, RoundingStrategy::MidpointAwayFromZero);
        assert_eq!(room.rest.map(quantity), Some(share), "{}", room.number);
    }
}

fn a_year_that_was_paid_evenly_is_corrected_in_january(kind: Kind) {
    // Every month of 2026 is billed by then, and so is January.
    let server = Server::demo(Database::new(kind), "2027-02-05T12:00:00+05:00");
    let known = server.staff("teploset").call("GET", &address(""), None).expect(200).json();
    let tariff = |month: u32| Decimal::new(if month < 10 { 218_516 } else { 249_108 }, 2);
    let cost: Decimal = known["volumes"]
        .as_array()
        .expect("volumes")
        .iter()
        .filter_map(|volume| {
            let month = volume["period"].as_str()?.strip_prefix("2026-")?.parse().ok()?;
            Some(number(&volume["volume"]) * tariff(month))
        })
        .sum();
    let mut resident = server.resident("teploset");
    let room = room_of(&server, &mut resident, "teploset", 202_701);
    let charged: i64 = (1..=12)
        .map(|month| {
            charge(&mut resident, &format!("2026-{month:02}"), "Отопление")["amount"].as_i64().expect("kopecks")
        })
        .sum();
    let cost = Decimal::new(kopecks(cost), 2);
    let correction = kopecks(quantity(room.area) * cost / quantity(room.house) - Decimal::new(charged, 2));
    let line = charge(&mut resident, "2027-01", "Отопление");
    assert_eq!(line["recalculation"], json!(correction), "{line}");
    assert_ne!(correction, 0);
    assert!(line["recalculation_reason"].as_str().expect("why").contains("декабрь"), "{line}");
    let closed = charge(&mut resident, "2026-12", "Отопление");
    assert_eq!(closed["recalculation"], json!(0), "{closed}");
}

fn wrong_figures_of_a_house_are_refused_in_words(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff("beregovoy");
    let volume = |volume: &str| json!({ "volume": volume });
    let wrong = [
        ("/volumes/cold_water/2026-12", volume("-1"), "volume"),
        ("/volumes/cold_water/2026-12", volume("много"), "volume"),
        ("/volumes/steam/2026-12", volume("1"), "service"),
        ("/volumes/cold_water/декабрь", volume("1"), "period"),
        ("/areas/2026-12", json!({ "rooms_area": "10", "common_area": "1" }), "rooms_area"),
        ("/areas/2026-12", json!({ "common_area": "-1" }), "common_area"),
    ];
    for (what, body, field) in wrong {
        let refused = staff.call("PUT", &address(what), Some(&body)).expect(422).json();
        assert_eq!(refused["fields"][0]["field"], field, "{what} {body}: {refused}");
    }
    let published = staff.call("PUT", &address("/areas/2026-10"), Some(&json!({ "common_area": "1" }))).expect(422);
    assert_eq!(published.json()["code"], "billing.already_published");
    staff.call("GET", "/api/admin/v1/billing/houses/H99999", None).expect(404);
    // What was stated by mistake is taken back, and stating it again replaces it.
    let of_december = address("/volumes/cold_water/2026-12");
    staff.call("PUT", &of_december, Some(&volume("1"))).expect(200);
    let known = staff.call("PUT", &of_december, Some(&volume("2"))).expect(200).json();
    assert_eq!(known["volumes"][0]["volume"], "2");
    let known = staff.call("DELETE", &of_december, None).expect(200).json();
    assert_ne!(known["volumes"][0]["period"], "2026-12");
}
