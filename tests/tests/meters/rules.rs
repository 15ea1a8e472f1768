//! What becomes of doubtful readings is the company's decision, by their source.

use kabinet_tests::server::NOW;
use kabinet_tests::{Database, Kind, Server, on_both_databases};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::{COMPANY, case, deed, holder, rules, send, typed, water};

on_both_databases![
    what_becomes_of_doubtful_readings_is_the_companys_decision,
    rules_that_make_no_sense_are_refused_by_field,
];

const SETTINGS: &str = "/api/admin/v1/meter-settings";

fn what_becomes_of_doubtful_readings_is_the_companys_decision(kind: Kind) {
    let server = Server::demo(Database::new(kind), NOW);
    let plain = rules(&json!({}), &json!({}));
    let parts: [fn(&Server); 5] =
        [lower_values, unusual_volumes, expired_verifications, closed_windows, files_and_meters_that_report_themselves];
    for part in parts {
        part(&server);
        server.staff(COMPANY).call("PUT", SETTINGS, Some(&plain)).expect(200);
    }
}

fn lower_values(server: &Server) {
    let mut staff = server.staff(COMPANY);
    let water = water(server, &mut staff, 0);
    let mut person = holder(server, &water);
    let lower = typed(Decimal::from(3));
    let page = send(&mut person.browser, &water.id, &lower, false).expect(422).page();
    assert!(page.refusals()[0].1.contains("меньше предыдущего"), "{:?}", page.refusals());

    let change = rules(&json!({ "lower": "ask", "unusual": "accept" }), &json!({ "guest": { "lower": "refuse" } }));
    let known = staff.call("PUT", SETTINGS, Some(&change)).expect(200).json();
    assert_eq!(known["policy"]["lower"], "ask");
    assert_eq!(staff.call("GET", SETTINGS, None).expect(200).json(), known);
    let page = send(&mut person.browser, &water.id, &lower, false).expect(422).page();
    assert!(page.one(".doubt").text().contains("счёт сначала"), "{}", page.one(".doubt").text());
    send(&mut person.browser, &water.id, &lower, true).expect(303);
    let stored = case(&mut staff, &water.id)["readings"][0].clone();
    assert_eq!((&stored["rollover"], &stored["source"]), (&json!(true), &json!("portal")));
    // What was counted is what is left of the dial and the new beginning.
    let page = person.browser.page(&format!("/meters/{}", water.id));
    let counted = Decimal::from(100_000) - water.last() + Decimal::from(3);
    let shown = page.one("table.cards tbody tr").text().replace('\u{a0}', "");
    assert!(shown.contains(&typed(counted)), "{counted}: {shown}");
}

fn unusual_volumes(server: &Server) {
    let mut staff = server.staff(COMPANY);
    let (one, two) = (water(server, &mut staff, 1), water(server, &mut staff, 2));
    let mut person = holder(server, &one);
    let much = typed(one.last() + Decimal::from(500));
    let page = send(&mut person.browser, &one.id, &much, false).expect(422).page();
    assert!(page.one(".doubt").text().contains("больше обычного"));
    // The same in an operation of staff: the reason comes along, and a mark answers it.
    let said = json!({ "on": "2026-11-22", "values": [typed(two.last() + Decimal::from(500))], "source": "phone" });
    let refused = deed(&mut staff, &two.id, "readings", &said).expect(422).json();
    assert_eq!(refused["fields"][0]["field"], "confirm");
    assert!(refused.to_string().contains("больше обычного"), "{refused}");

    let change = rules(&json!({ "unusual": "refuse" }), &json!({ "phone": { "unusual": "accept" } }));
    staff.call("PUT", SETTINGS, Some(&change)).expect(200);
    let page = send(&mut person.browser, &one.id, &much, true).expect(422).page();
    assert_eq!(page.refusals()[0].0, format!("meter_{}_value", one.id));
    deed(&mut staff, &two.id, "readings", &said).expect(200);
    // Twenty times the usual is not five hundred cubic metres.
    let change = rules(&json!({ "unusual": "refuse", "unusual_times": 20 }), &json!({}));
    staff.call("PUT", SETTINGS, Some(&change)).expect(200);
    send(&mut person.browser, &one.id, &much, false).expect(422);
    send(&mut person.browser, &one.id, &typed(one.last() + Decimal::from(10)), false).expect(303);
}

fn expired_verifications(server: &Server) {
    let mut staff = server.staff(COMPANY);
    let water = water(server, &mut staff, 3);
    let mut person = holder(server, &water);
    let verified = |until: &str| json!({ "until": until });
    let address = format!("{}/{}/verification", crate::METERS, water.id);
    staff.call("PUT", &address, Some(&verified("2026-11-21"))).expect(200);
    let field = format!("meter_{}_value", water.id);
    let page = person.browser.page("/meters/readings");
    assert!(page.text().contains("в расчёт оно не войдёт") && page.text().contains("Сделайте поверку"));
    assert!(page.form("/meters/readings").value(&field).is_some());
    assert!(person.browser.page("/meters").text().contains("истекла 1 день назад"));

    let change = rules(&json!({ "expired": "refuse" }), &json!({}));
    staff.call("PUT", SETTINGS, Some(&change)).expect(200);
    let page = person.browser.page("/meters/readings");
    assert!(page.text().contains("показания не принимаются, пока прибор не поверен"), "{}", page.text());
    let mut form = page.form("/meters/readings");
    assert!(form.value(&field).is_none(), "no field");
    form.fields.push((field.clone(), typed(water.last())));
    let page = person.browser.submit(&form).expect(422).page();
    assert!(page.refusals().iter().any(|(name, words)| *name == field && words.contains("не поверен")));
    // Staff are not refused, and the day of the verification's end is a good day.
    let said = json!({ "on": "2026-11-22", "values": [typed(water.last())], "source": "inspection" });
    deed(&mut staff, &water.id, "readings", &said).expect(200);
    staff.call("PUT", &address, Some(&verified("2026-11-22"))).expect(200);
    send(&mut person.browser, &water.id, &typed(water.last() + Decimal::ONE), false).expect(303);
}

fn closed_windows(server: &Server) {
    let mut staff = server.staff(COMPANY);
    let water = water(server, &mut staff, 4);
    let mut person = holder(server, &water);
    let mut change = rules(&json!({}), &json!({}));
    change["window"] = json!({ "from_day": 15, "to_day": 20 });
    staff.call("PUT", SETTINGS, Some(&change)).expect(200);
    let value = typed(water.last() + Decimal::ONE);
    let page = send(&mut person.browser, &water.id, &value, false).expect(422).page();
    assert!(page.text().contains("15\u{a0}декабря") || page.text().contains("15 декабря"), "{}", page.text());
    change["policy"] = json!({ "closed": "next_month" });
    staff.call("PUT", SETTINGS, Some(&change)).expect(200);
    send(&mut person.browser, &water.id, &value, false).expect(303);
    let stored = case(&mut staff, &water.id)["readings"][0].clone();
    assert_eq!((&stored["taken_on"], &stored["period"]), (&json!("2026-11-22"), &json!("2026-12")));
}

/// Programs of the company bring what a file and an automatic meter say by the operation that staff have.
fn files_and_meters_that_report_themselves(server: &Server) {
    let mut staff = server.staff(COMPANY);
    let water = water(server, &mut staff, 5);
    let sources = json!({ "import": { "lower": "refuse" }, "automatic": { "lower": "rollover", "unusual": "accept" } });
    staff.call("PUT", SETTINGS, Some(&rules(&json!({}), &sources))).expect(200);
    let said = |source: &str| json!({ "on": "2026-11-22", "values": ["3"], "source": source });
    let refused = deed(&mut staff, &water.id, "readings", &said("import")).expect(422).json();
    assert!(refused["detail"].as_str().is_some_and(|text| text.contains("меньше предыдущего")), "{refused}");
    deed(&mut staff, &water.id, "readings", &said("automatic")).expect(200);
    let stored = case(&mut staff, &water.id)["readings"][0].clone();
    assert_eq!((&stored["rollover"], &stored["source"]), (&json!(true), &json!("automatic")));
}

fn rules_that_make_no_sense_are_refused_by_field(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(COMPANY);
    let field = |refused: &Value| refused["fields"][0]["field"].clone();
    let wrong = [
        (rules(&json!({ "unusual_times": 1 }), &json!({})), "policy.unusual_times"),
        (rules(&json!({}), &json!({ "pigeon": {} })), "sources.pigeon"),
        (rules(&json!({}), &json!({ "link": { "unusual_times": 101 } })), "sources.link.unusual_times"),
    ];
    for (body, name) in wrong {
        let refused = staff.call("PUT", SETTINGS, Some(&body)).expect(422).json();
        assert_eq!(field(&refused), name, "{refused}");
    }
    let mut days = rules(&json!({}), &json!({}));
    days["window"] = json!({ "from_day": 0, "to_day": 25 });
    assert_eq!(field(&staff.call("PUT", SETTINGS, Some(&days)).expect(422).json()), "window.from_day");
    let word = rules(&json!({ "lower": "maybe" }), &json!({}));
    staff.call("PUT", SETTINGS, Some(&word)).expect(400);
}
