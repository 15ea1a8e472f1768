//! A verification that is over: whoever sends a reading is told that bills do not count it, and they do not.

use kabinet_tests::server::CAPTCHA;
use kabinet_tests::world::{fresh_ip, submit_from};
use kabinet_tests::{Browser, Kind, Server, on_both_databases};
use rust_decimal::Decimal;
use serde_json::json;

use crate::{COMPANY, METERS, Water, charged, holder, places, send, typed, water};

on_both_databases![
    the_form_and_its_answer_tell_that_a_reading_will_not_count,
    a_one_meter_link_tells_it,
    a_guest_is_told_and_what_counts_is_promised,
];

/// What is said before, and what after a reading was sent.
const BEFORE: &str = "Срок поверки истёк 21.11.2026: показание сохраним, но в расчёт оно не войдёт";
const AFTER: &str = "Не войдёт в расчёт: срок поверки истёк 21.11.2026";

fn verified(staff: &mut Browser, water: &Water, until: &str) {
    staff.call("PUT", &format!("{METERS}/{}/verification", water.id), Some(&json!({ "until": until }))).expect(200);
}

/// The meter at a place, verified until yesterday.
fn expired(server: &Server, staff: &mut Browser, place: usize) -> Water {
    let water = water(server, staff, place);
    verified(staff, &water, "2026-11-21");
    water
}

fn the_form_and_its_answer_tell_that_a_reading_will_not_count(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(COMPANY);
    let water = expired(server, &mut staff, 8);
    let mut person = holder(server, &water);
    let value = typed(water.last() + Decimal::ONE);
    // While it is typed, too: the charge stays what it is.
    person.browser.page("/overview");
    let readings = json!({ "readings": [{ "meter": water.id, "values": [value] }] });
    let imagined = person.browser.call("POST", "/api/v1/meters/estimate", Some(&readings)).expect(200).json();
    assert_eq!(imagined["change"], 0, "{imagined}");
    let text = person.browser.page("/meters/readings").text();
    assert!(text.contains(BEFORE) && text.contains("Сделайте поверку"), "{text}");
    let sent = send(&mut person.browser, &water.id, &value, false).expect(303);
    let text = person.browser.page(sent.location()).text();
    assert!(text.contains("Показания приняты") && text.contains(AFTER) && !text.contains("войдут в"), "{text}");
    let sent = person.browser.call("POST", "/api/v1/meters/readings", Some(&readings)).expect(200).json();
    let line = sent["uncounted"][0].as_str().unwrap_or_default();
    assert!(line.ends_with("срок поверки истёк 21.11.2026, показание не войдёт в расчёт"), "{sent}");
    // The last day of a verification is a good day.
    verified(&mut staff, &water, "2026-11-22");
    let sent = send(&mut person.browser, &water.id, &value, false).expect(303);
    let text = person.browser.page(sent.location()).text();
    assert!(text.contains("Показания приняты") && !text.contains("Не войдёт"), "{text}");
}

fn a_one_meter_link_tells_it(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(COMPANY);
    let water = expired(server, &mut staff, 9);
    let month = json!({ "period": "2026-11" });
    let made = staff.call("POST", &format!("{METERS}/{}/links", water.id), Some(&month)).expect(200).json();
    let address = made["address"].as_str().expect("an address");
    let path = &address[address.find("/readings/link/").expect("a path")..];
    let mut guest = server.browser(COMPANY);
    let page = guest.page(path);
    assert!(page.text().contains(BEFORE), "{}", page.text());
    let form = page.form(path).with(&format!("meter_{}_value", water.id), &typed(water.last() + Decimal::ONE));
    let answer = guest.submit(&form).expect(303);
    let text = guest.follow(answer).page().text();
    assert!(text.contains(AFTER) && text.contains("Показание сохранено. Если вы ошиблись"), "{text}");
    verified(&mut staff, &water, "2026-11-22");
    let answer = guest.submit(&form).expect(303);
    let text = guest.follow(answer).page().text();
    assert!(text.contains("Показание сохранено и войдёт в квитанцию.") && !text.contains(AFTER), "{text}");
}

fn a_guest_is_told_and_what_counts_is_promised(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(COMPANY);
    let water = expired(server, &mut staff, 10);
    let mut guest = server.browser(COMPANY);
    let form = guest.page("/readings").form("/readings");
    let form = form.with("account", &water.known.account).with("house", &water.known.house);
    let form = form.with("flat", &water.known.flat).with("captcha", CAPTCHA);
    submit_from(&mut guest, &form, &fresh_ip()).expect(303);
    let page = guest.page("/readings/submit");
    assert!(page.text().contains(BEFORE), "{}", page.text());
    let form = page.form("/readings/submit");
    let field = format!("meter_{}_value", water.id);
    let answer = guest.submit(&form.clone().with(&field, &typed(water.last() + Decimal::ONE))).expect(303);
    let text = guest.follow(answer).page().text();
    assert!(text.contains(AFTER) && text.contains("Показания сохранены.") && !text.contains("войдут"), "{text}");
    verified(&mut staff, &water, "2030-11-22");
    let answer = guest.submit(&form.with(&field, &typed(water.last() + Decimal::TWO))).expect(303);
    let text = guest.follow(answer).page().text();
    assert!(text.contains("Показания сохранены и войдут в квитанцию.") && !text.contains(AFTER), "{text}");
}

/// Meters whose verification ends in November, before and after their reading of the 22nd.
pub(crate) struct Ending {
    before: Water,
    after: Water,
}

pub(crate) fn in_november(server: &Server) -> Ending {
    let mut staff = server.staff(COMPANY);
    let [before, after] = [4, 5].map(|place| water(server, &mut staff, place));
    verified(&mut staff, &before, "2026-11-21");
    verified(&mut staff, &after, "2026-11-25");
    for water in [&before, &after] {
        send(&mut holder(server, water).browser, &water.id, &typed(water.last() + Decimal::TWO), false).expect(303);
    }
    Ending { before, after }
}

pub(crate) fn what_was_read_before_the_end_is_charged_and_the_average_after_it(server: &Server, ending: &Ending) {
    let (volume, _, method) = charged(server, &ending.after.known, 202_611);
    assert_eq!((volume, method.as_str()), (Decimal::TWO, "meter"));
    let read = &ending.before.read;
    let (volume, _, method) = charged(server, &ending.before.known, 202_611);
    assert_eq!((volume, method.as_str()), (places((read[0] - read[12]) / Decimal::from(12), 7), "average"));
    let text = holder(server, &ending.before).browser.page("/charges?period=2026-11").text();
    assert!(text.contains("истёк срок поверки"), "{text}");
}
