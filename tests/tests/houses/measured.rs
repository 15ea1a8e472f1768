//! What house meters measured in months that are billed: staff are told where it differs, and correct it.

use kabinet_tests::process::run;
use kabinet_tests::server::{NOW, command};
use kabinet_tests::{Browser, Database, Kind, Server, on_both_databases};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::corrected::{LATER, SLUG, WATER, all, billed, owed, used};
use crate::{HOUSE, address_of, number, rooms_of};

on_both_databases![a_reading_that_came_late_tells_of_the_month_before_it_and_is_taken_by_one_call];

/// The house whose meter of cold water is read, and whose volumes nobody states.
const READ: &str = "H00002";
const METERS: &str = "/api/admin/v1/house-meters";

fn a_reading_that_came_late_tells_of_the_month_before_it_and_is_taken_by_one_call(kind: Kind) {
    let mut server = Server::demo(Database::new(kind), NOW);
    // The owners of the first house want the norm from November on.
    let by_norm = json!({ "by_meter": false, "protocol": "№ 7", "decided_on": "2026-11-20" });
    server.staff(SLUG).call("PUT", &address_of(HOUSE, "/decisions/2026-11"), Some(&by_norm)).expect(200);
    // Nobody read the houses' meters in November.
    run(command(&server.database, LATER).args(["bill", SLUG, "2026-11", "--publish"]));
    server.kill();
    server.start_at("2026-12-10");
    let mut staff = server.staff(SLUG);
    let differing = |staff: &mut Browser, house: &str| -> Vec<Value> {
        let answer = staff.call("GET", &address_of(house, "/measured"), None).expect(200).json();
        answer["items"].as_array().expect("items").clone()
    };
    for house in [HOUSE, READ] {
        assert_eq!(differing(&mut staff, house), [Value::Null; 0], "{house} was billed what its meter measured");
    }
    let [meter, _] = [READ, HOUSE].map(|house| read(&mut staff, house));

    let months = differing(&mut staff, READ);
    let [november] = months.as_slice() else { panic!("November alone: {months:?}") };
    let measured = &november["measured"];
    assert_eq!((&measured["service"], &measured["period"]), (&json!("cold_water"), &json!("2026-11")));
    assert_eq!((&measured["volume"], &measured["serial"]), (&json!("3000"), &meter["serial"]));
    assert_ne!(november["billed"], measured["volume"]);

    // The item is what the correction wants, and the accounts of the house come to its volume.
    let corrections = address_of(READ, "/corrections/cold_water/2026-11");
    let made = staff.call("PUT", &corrections, Some(measured)).expect(200).json();
    assert_eq!(made["items"][0]["volume"], "3000");
    assert_eq!(differing(&mut staff, READ), [Value::Null; 0]);
    let found = staff.call("GET", &address_of(READ, "/recomputed/cold_water/2026-11"), None).expect(200).json();
    let rooms = rooms_of(READ, &server, SLUG, 202_611, "cold_water");
    assert_eq!(all(&found, "2026-11"), owed(&rooms, (Decimal::from(3_000) - used(&rooms), WATER), billed));
    // Taken back, the month differs again.
    staff.call("DELETE", &corrections, None).expect(200);
    assert_eq!(differing(&mut staff, READ), months);

    // Where the norm counts a volume is offered only in the place of another one that staff recorded.
    assert_eq!(differing(&mut staff, HOUSE), [Value::Null; 0]);
    let corrections = address_of(HOUSE, "/corrections/cold_water/2026-11");
    staff.call("PUT", &corrections, Some(&json!({ "volume": "2000" }))).expect(200);
    let months = differing(&mut staff, HOUSE);
    assert_eq!((&months[0]["billed"], &months[0]["measured"]["volume"]), (&json!("2000"), &json!("3000")));
}

/// Reads the meter of cold water of a house: 6000 m³ in two months, in equal parts.
fn read(staff: &mut Browser, house: &str) -> Value {
    let meter = staff.call("GET", &format!("{METERS}/of/{house}"), None).expect(200).json()["items"][0].clone();
    let last = number(&meter["readings"][0]["value"]);
    let readings = format!("{METERS}/{}/readings", meter["id"].as_str().expect("an id"));
    let reading = json!({ "on": "2026-12-08", "value": (last + Decimal::from(6_000)).to_string() });
    staff.call("POST", &readings, Some(&reading)).expect(200);
    meter
}
