//! A meter in the place of another within a month: both count, worked by hand.

use kabinet_tests::pdf::Pdf;
use kabinet_tests::process::run;
use kabinet_tests::server::command;
use kabinet_tests::world::Person;
use kabinet_tests::{Browser, Kind, Server, on_both_databases};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::{COMPANY, Water, case, charged, deed, holder, places, send, typed, water};

on_both_databases![what_cannot_be_is_refused_in_words,];

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

/// Meters that were replaced, with the new ones' identifiers.
pub(crate) struct Replaced {
    /// Both were read.
    both: (Water, String, Person),
    /// Of the new one nothing was read since.
    fresh: Water,
    /// The old one left without a last value.
    unread: Water,
}

pub(crate) fn read_and_replaced(server: &Server) -> Replaced {
    let mut staff = server.staff(COMPANY);
    let [one, two, three] = [0, 1, 2].map(|place| water(server, &mut staff, place));
    let more = Decimal::new(15, 1);
    let new = replaced(&mut staff, &one, Some(one.last() + more));
    replaced(&mut staff, &two, Some(two.last() + more));
    let third = replaced(&mut staff, &three, None);
    let mut person = holder(server, &one);
    let page = person.browser.page("/meters/readings");
    assert!(page.form("/meters/readings").value(&format!("meter_{}_value", one.id)).is_none(), "the old one is gone");
    send(&mut person.browser, &new, "12,25", false).expect(303);
    let text = person.browser.page(&format!("/meters/{new}")).text();
    assert!(text.contains("Вместо прибора") && text.contains("За последние 12 месяцев"), "{text}");
    let mut other = holder(server, &three);
    send(&mut other.browser, &third, "12,25", false).expect(303);
    Replaced { both: (one, new, person), fresh: two, unread: three }
}

pub(crate) fn the_month_is_what_both_meters_counted(server: &Server, replaced: Replaced) {
    let Replaced { both: (one, new, mut person), fresh, unread } = replaced;
    // 1.5 m³ of the old one and 2.25 of the new one.
    let (volume, sum, method) = charged(server, &one.known, 202_611);
    assert_eq!((volume, method.as_str()), (Decimal::new(375, 2), "meter"));
    assert_eq!(sum, places(Decimal::new(375, 2) * tariff(), 2));
    // What a new meter counted that nobody read is charged by its next reading.
    let (volume, _, method) = charged(server, &fresh.known, 202_611);
    assert_eq!((volume, method.as_str()), (Decimal::new(15, 1), "meter"));
    // Twelve months' mean, for 15 of November's 30 days, and what the new meter counted.
    let year = unread.read[0] - unread.read[12];
    let average = places(year / Decimal::from(2) / Decimal::from(12), 7);
    let (volume, sum, method) = charged(server, &unread.known, 202_611);
    assert_eq!((volume, method.as_str()), (average + Decimal::new(225, 2), "average"));
    assert_eq!(sum, places(volume * tariff(), 2));
    // The receipt names both meters, and the month comes out the same from what was frozen.
    let receipt = Pdf::new(&person.browser.get("/documents/2026-11.pdf").expect(200).body).text();
    let mut staff = server.staff(COMPANY);
    for id in [&one.id, &new] {
        let case = case(&mut staff, id);
        let serial = case["meter"]["serial"].as_str().expect("a serial");
        assert!(receipt.contains(serial), "{serial}: {receipt}");
    }
    let said = run(command(&server.database, "2026-12-05").args(["bill", "--replay", COMPANY, "2026-11"]));
    assert!(said.contains("совпадает с опубликованным до байта"), "{said}");
}

fn what_cannot_be_is_refused_in_words(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(COMPANY);
    let water = water(server, &mut staff, 6);
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
