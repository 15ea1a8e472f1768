//! Meters that nothing can be charged by: broken ones, and those that nobody was let to.

use kabinet_tests::process::run;
use kabinet_tests::server::command;
use kabinet_tests::{Browser, Kind, Server, on_both_databases, world};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::{COMPANY, METERS, Water, case, charged, charged_for, deed, holder, places, send, typed, water};

on_both_databases![
    a_broken_meter_takes_no_readings_and_says_so,
    a_fault_that_cannot_be_is_refused_in_words,
    a_fault_stated_by_mistake_is_taken_back,
];

fn declare(staff: &mut Browser, water: &Water, since: &str, kind: &str) -> kabinet_tests::Response {
    let body = json!({ "kind": kind, "note": "акт № 7" });
    staff.call("PUT", &format!("{METERS}/{}/faults/{since}", water.id), Some(&body))
}

fn a_broken_meter_takes_no_readings_and_says_so(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(COMPANY);
    let water = water(server, &mut staff, 12);
    let mut person = holder(server, &water);
    let told = declare(&mut staff, &water, "2026-11-10", "failed").expect(200).json();
    assert_eq!((&told[0]["since"], &told[0]["note"]), (&json!("2026-11-10"), &json!("акт № 7")));
    assert!(told[0]["ended_on"].is_null());
    let words = "неисправен с 10.11.2026";
    for page in ["/meters".to_owned(), format!("/meters/{}", water.id)] {
        let text = person.browser.page(&page).text();
        assert!(text.contains(words), "{page}: {text}");
    }
    let meters = person.browser.call("GET", "/api/v1/meters", None).expect(200).json();
    let mine = meters["meters"].as_array().expect("meters").iter().find(|meter| meter["id"] == water.id.as_str());
    assert_eq!(mine.expect("the meter")["fault"], words);
    // Neither the resident nor staff read it any more.
    let value = typed(water.last() + Decimal::ONE);
    let sent = json!({ "readings": [{ "meter": water.id, "values": [value] }] });
    let refused = person.browser.call("POST", "/api/v1/meters/readings", Some(&sent)).expect(422).json();
    assert!(
        refused["fields"][0]["text"].as_str().is_some_and(|text| text.contains("пока его не заменят")),
        "{refused}"
    );
    let form = person.browser.page("/meters/readings");
    let field = format!("meter_{}_value", water.id);
    assert!(form.form("/meters/readings").value(&field).is_none(), "the form does not ask for it");
    let said = json!({ "on": "2026-11-20", "values": [value], "source": "phone" });
    deed(&mut staff, &water.id, "readings", &said).expect(422);
}

fn a_fault_that_cannot_be_is_refused_in_words(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(COMPANY);
    let water = water(server, &mut staff, 13);
    let code = |refused: Value| (refused["code"].clone(), refused["fields"][0]["field"].clone());
    for (since, wanted) in [
        ("2026-11-23", (json!("meters.invalid"), json!("since"))),
        ("2020-01-01", (json!("meters.invalid"), json!("since"))),
        ("вчера", (json!("meters.invalid"), json!("since"))),
        ("2026-10-31", (json!("meters.month_charged"), Value::Null)),
    ] {
        assert_eq!(code(declare(&mut staff, &water, since, "failed").expect(422).json()), wanted, "{since}");
    }
    declare(&mut staff, &water, "2026-11-10", "vandalised").expect(400);
    declare(&mut staff, &water, "2026-11-10", "failed").expect(200);
    let twice = declare(&mut staff, &water, "2026-11-12", "access_refused").expect(422).json();
    assert!(twice["detail"].as_str().is_some_and(|text| text.contains("неисправен с 10.11.2026")), "{twice}");
    let mended = deed(&mut staff, &water.id, "faults/2026-11-10/end", &json!({ "on": "2026-11-20" })).expect(422);
    assert_eq!(mended.json()["code"], "meters.broken");
    deed(&mut staff, &water.id, "faults/2026-11-11/end", &json!({ "on": "2026-11-20" })).expect(404);
}

fn a_fault_stated_by_mistake_is_taken_back(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(COMPANY);
    let water = water(server, &mut staff, 14);
    declare(&mut staff, &water, "2026-11-10", "failed").expect(200);
    let address = format!("{METERS}/{}/faults/2026-11-10", water.id);
    assert_eq!(staff.call("DELETE", &address, None).expect(200).json(), json!([]));
    staff.call("DELETE", &address, None).expect(404);
    send(&mut holder(server, &water).browser, &water.id, &typed(water.last() + Decimal::ONE), false).expect(303);
}

/// Meters with faults in November.
pub(crate) struct Faulty {
    broken: Water,
    locked: Water,
    opened: Water,
    /// Broken on the 10th, replaced on the 16th.
    replaced: Water,
}

pub(crate) fn of_november(server: &Server) -> Faulty {
    let mut staff = server.staff(COMPANY);
    let [broken, locked, opened, replaced] = [12, 13, 14, 15].map(|place| water(server, &mut staff, place));
    declare(&mut staff, &broken, "2026-11-10", "failed").expect(200);
    declare(&mut staff, &locked, "2026-11-12", "access_refused").expect(200);
    declare(&mut staff, &opened, "2026-11-12", "access_refused").expect(200);
    let let_in = json!({ "on": "2026-11-20" });
    deed(&mut staff, &opened.id, "faults/2026-11-12/end", &let_in).expect(200);
    // Both send a reading of the 22nd: it is kept of either.
    for water in [&locked, &opened] {
        send(&mut holder(server, water).browser, &water.id, &typed(water.last() + Decimal::from(3)), false).expect(303);
        assert_eq!(case(&mut staff, &water.id)["readings"][0]["taken_on"], "2026-11-22");
    }
    declare(&mut staff, &replaced, "2026-11-10", "failed").expect(200);
    let new = json!({ "serial": format!("26-{}", &replaced.id[30..]), "initial": ["10"] });
    let body = json!({ "removal": { "on": "2026-11-16" }, "new": new });
    let done = deed(&mut staff, &replaced.id, "replace", &body).expect(200).json();
    let new = done["meter"]["id"].as_str().expect("an id");
    send(&mut holder(server, &replaced).browser, new, "12,25", false).expect(303);
    Faulty { broken, locked, opened, replaced }
}

pub(crate) fn what_a_faulty_meter_shows_is_not_charged(server: &Server, faulty: &Faulty) {
    // The mean of the twelve months before.
    let average = |water: &Water| places((water.read[0] - water.read[12]) / Decimal::from(12), 7);
    for water in [&faulty.broken, &faulty.locked] {
        let (volume, _, method) = charged(server, &water.known, 202_611);
        assert_eq!((volume, method.as_str()), (average(water), "average"));
    }
    let (volume, _, method) = charged(server, &faulty.opened.known, 202_611);
    assert_eq!((volume, method.as_str()), (Decimal::from(3), "meter"));
    // 15 of November's 30 days by the average, and what the new one counted.
    let half = |water: &Water| places((water.read[0] - water.read[12]) / Decimal::from(24), 7);
    let (volume, _, method) = charged(server, &faulty.replaced.known, 202_611);
    assert_eq!((volume, method.as_str()), (half(&faulty.replaced) + Decimal::new(225, 2), "average"));
    // The bill says why.
    for (water, why) in [(&faulty.broken, "прибор неисправен"), (&faulty.locked, "нет доступа к прибору")]
    {
        let mut person = holder(server, water);
        let text = person.browser.page("/charges?period=2026-11").text();
        assert!(text.contains(why), "{why}: {text}");
    }
}

/// November to January were charged by the average, February by the raised norm; in March somebody was let in.
pub(crate) fn the_reading_after_access_gives_back_averages_and_norms(server: &Server, faulty: &Faulty) {
    let bill = |on: &str, month: &str| run(command(&server.database, on).args(["bill", COMPANY, month, "--publish"]));
    for (on, month) in [("2027-01-05", "2026-12"), ("2027-02-05", "2027-01"), ("2027-03-05", "2027-02")] {
        bill(on, month);
    }
    let water = &faulty.locked;
    let months = [202_611, 202_612, 202_701, 202_702].map(|month| charged(server, &water.known, month));
    let methods = months.each_ref().map(|(_, _, method)| method.as_str());
    assert_eq!(methods, ["average", "average", "average", "norm_raised"]);
    let meter: uuid::Uuid = water.id.parse().expect("an id");
    let value = kabinet_core::Quantity::from_decimal(water.last() + Decimal::from(20)).expect("a quantity");
    world::in_company(server, COMPANY, async |tx| {
        let ended = "UPDATE meter_fault SET ended_on = 20270301 WHERE tenant_id = $1 AND meter_id = $2";
        tx.execute(ended, vec![meter.into()]).await.expect("the end");
        let read = "INSERT INTO reading (tenant_id, id, meter_id, account_id, period, taken_on, value_t1, source,
                                         created_at, rollover, withdrawn_reason)
                    SELECT tenant_id, $2, id, account_id, 202703, 20270302, $4, 'staff', 0, FALSE, ''
                    FROM meter WHERE tenant_id = $1 AND id = $3";
        let id: uuid::Uuid = tx.new_id();
        tx.execute(read, vec![id.into(), meter.into(), value.into()]).await.expect("a reading");
    });
    bill("2027-04-05", "2027-03");
    let (volume, _, method) = charged(server, &water.known, 202_703);
    assert_eq!((volume, method.as_str()), (Decimal::from(20), "meter"));
    let paid: Decimal = months.iter().map(|(_, sum, _)| *sum).sum();
    assert_eq!(recalculated(server, water, "2027-03", "Холодное водоснабжение"), -paid);
    // Of the wastewater goes back what was this water, at the price of each month.
    let drained = [202_611, 202_612, 202_701, 202_702].into_iter().zip(&months).map(|(month, (water, _, _))| {
        let (volume, sum, _) = charged_for(server, &faulty.locked.known, "wastewater", month);
        places(sum * water / volume, 2)
    });
    assert_eq!(recalculated(server, water, "2027-03", "Водоотведение"), -drained.sum::<Decimal>());
}

/// Roubles of recalculation on the bill of the meter's account for a month.
pub(crate) fn recalculated(server: &Server, water: &Water, month: &str, service: &str) -> Decimal {
    let address = format!("/api/v1/charges?period={month}");
    let month = holder(server, water).browser.call("GET", &address, None).expect(200).json();
    let lines = month["charges"].as_array().expect("charges");
    let line = lines.iter().find(|line| line["service"] == service).unwrap_or_else(|| panic!("no {service}: {month}"));
    Decimal::new(line["recalculation"].as_i64().expect("kopecks"), 2)
}
