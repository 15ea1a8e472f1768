//! A meter in the place of another within a month: both count, worked by hand.

use kabinet_tests::pdf::Pdf;
use kabinet_tests::process::run;
use kabinet_tests::server::{NOW, command};
use kabinet_tests::{Browser, Database, Kind, Server, on_both_databases};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::{COMPANY, Water, case, charged, deed, holder, places, send, typed, waters};

on_both_databases![
    the_month_of_a_replacement_is_what_both_meters_counted,
    without_a_last_value_the_days_before_are_charged_by_the_average,
    what_cannot_be_is_refused_in_words,
];

/// The tariff of cold water from October 2026 on, roubles.
fn tariff() -> Decimal {
    Decimal::new(4586, 2)
}

/// Puts a meter that shows ten in the place of the other on the 16th of November; the new one's identifier.
fn replaced(staff: &mut Browser, water: &Water, last: Option<Decimal>) -> String {
    let new = json!({ "serial": format!("26-{}", &water.id[30..]), "initial": ["10"], "verified_until": "2032-11-15" });
    let mut removal = json!({ "on": "2026-11-16" });
    if let Some(last) = last {
        removal["last"] = json!([typed(last)]);
    }
    let body = json!({ "removal": removal, "new": new });
    let done = deed(staff, &water.id, "replace", &body).expect(200).json();
    assert_eq!(done["meter"]["replaces"], water.id.as_str());
    done["meter"]["id"].as_str().expect("an id").to_owned()
}

fn bill(server: &Server) {
    run(command(&server.database, "2026-12-05").args(["bill", COMPANY, "2026-11", "--publish"]));
}

fn the_month_of_a_replacement_is_what_both_meters_counted(kind: Kind) {
    let server = Server::demo(Database::new(kind), NOW);
    let mut staff = server.staff(COMPANY);
    let [one, two] = waters(&server, &mut staff, 2).try_into().unwrap_or_else(|_| panic!("two"));
    let new = replaced(&mut staff, &one, Some(one.last() + Decimal::new(15, 1)));
    // Of the second new meter nothing was read: what it counts is charged by its next reading.
    replaced(&mut staff, &two, Some(two.last() + Decimal::new(15, 1)));
    let mut person = holder(&server, &one);
    let page = person.browser.page("/meters/readings");
    assert!(page.form("/meters/readings").value(&format!("meter_{}_value", one.id)).is_none(), "the old one is gone");
    send(&mut person.browser, &new, "12,25", false).expect(303);
    let shown = person.browser.page(&format!("/meters/{new}"));
    let text = shown.text();
    assert!(text.contains("Вместо прибора") && text.contains("За последние 12 месяцев"), "{text}");
    bill(&server);
    // 1.5 m³ of the old one and 2.25 of the new one.
    let (volume, sum, method) = charged(&server, &one.known, 202_611);
    assert_eq!((volume, method.as_str()), (Decimal::new(375, 2), "meter"));
    assert_eq!(sum, places(Decimal::new(375, 2) * tariff(), 2));
    let (volume, _, method) = charged(&server, &two.known, 202_611);
    assert_eq!((volume, method.as_str()), (Decimal::new(15, 1), "meter"));
    // The receipt names both.
    let receipt = Pdf::new(&person.browser.get("/documents/2026-11.pdf").expect(200).body).text();
    let serial =
        |staff: &mut Browser, id: &str| case(staff, id)["meter"]["serial"].as_str().expect("a serial").to_owned();
    for id in [&one.id, &new] {
        let serial = serial(&mut staff, id);
        assert!(receipt.contains(&serial), "{serial}: {receipt}");
    }
    let said = run(command(&server.database, "2026-12-05").args(["bill", "--replay", COMPANY, "2026-11"]));
    assert!(said.contains("совпадает с опубликованным до байта"), "{said}");
}

fn without_a_last_value_the_days_before_are_charged_by_the_average(kind: Kind) {
    let server = Server::demo(Database::new(kind), NOW);
    let mut staff = server.staff(COMPANY);
    let water = waters(&server, &mut staff, 1).remove(0);
    let new = replaced(&mut staff, &water, None);
    let mut person = holder(&server, &water);
    send(&mut person.browser, &new, "12,25", false).expect(303);
    bill(&server);
    // Twelve months' mean, for 15 of November's 30 days, and what the new meter counted.
    let year = water.read[0] - water.read[12];
    let average = places(year / Decimal::from(2) / Decimal::from(12), 7);
    let (volume, sum, method) = charged(&server, &water.known, 202_611);
    assert_eq!((volume, method.as_str()), (average + Decimal::new(225, 2), "average"));
    assert_eq!(sum, places(volume * tariff(), 2));
}

fn what_cannot_be_is_refused_in_words(kind: Kind) {
    let server = Server::demo(Database::new(kind), NOW);
    let mut staff = server.staff(COMPANY);
    let water = waters(&server, &mut staff, 1).remove(0);
    let new = json!({ "serial": "26-1", "initial": ["0"] });
    let last = |value: Decimal| json!([typed(value)]);
    let wrong: [(Value, &str); 6] = [
        (json!({ "on": "2026-11-23", "last": last(water.last()) }), "on"),
        (json!({ "on": "2026-09-16", "last": last(water.last()) }), "month"),
        (json!({ "on": "2026-10-31", "last": last(water.last()) }), "month"),
        (json!({ "on": "завтра" }), "on"),
        (json!({ "on": "2026-11-16", "last": last(water.last() - Decimal::ONE) }), "last"),
        (json!({ "on": "2026-11-16", "last": ["1", "2"] }), "last"),
    ];
    for (removal, field) in wrong {
        let body = json!({ "removal": removal, "new": new });
        let refused = deed(&mut staff, &water.id, "replace", &body).expect(422).json();
        let named = refused["fields"][0]["field"].as_str();
        let good = if field == "month" { refused["code"] == "meters.month_charged" } else { named == Some(field) };
        assert!(good, "{body}: {refused}");
    }
    let removal = json!({ "on": "2026-11-16" });
    let dials = [
        (json!({ "serial": " ", "initial": ["0"] }), "serial"),
        (json!({ "serial": "1", "initial": [] }), "initial"),
        (json!({ "serial": "1", "initial": ["0"], "digits": 12 }), "initial"),
        (json!({ "serial": "1", "initial": ["0"], "verified_until": "2026-11-15" }), "verified_until"),
    ];
    for (new, field) in dials {
        let body = json!({ "removal": removal, "new": new });
        let refused = deed(&mut staff, &water.id, "replace", &body).expect(422).json();
        assert_eq!(refused["fields"][0]["field"], field, "{body}: {refused}");
    }
    assert!(case(&mut staff, &water.id)["meter"]["removed_on"].is_null(), "nothing was done");
    deed(&mut staff, &water.id, "remove", &removal).expect(200);
    let again = deed(&mut staff, &water.id, "remove", &removal).expect(422).json();
    assert_eq!(again["code"], "meters.already_removed");
}
