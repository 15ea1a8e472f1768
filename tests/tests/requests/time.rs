//! What time does to requests: each test has a server of its own, whose clock it sets.

use kabinet_tests::world::{PASSWORD, Person, holder_of_flat};
use kabinet_tests::{Browser, Database, Kind, Server, on_both_databases};
use serde_json::json;

use crate::{appeal, case, deed, finish, id_of, send};

on_both_databases![
    a_request_is_opened_again_within_seven_days_and_not_after,
    deadlines_are_counted_over_holidays_and_become_late,
    an_emergency_is_answered_in_five_minutes_and_localised_in_thirty,
];

/// This company keeps the law's terms.
const LAWFUL: &str = "teploset";

/// Logs in anew: days have passed.
fn again(person: &mut Person) {
    person.browser.cookies.clear();
    person.browser.log_in(&person.email, PASSWORD);
}

fn reopened(browser: &mut Browser, href: &str) -> kabinet_tests::Response {
    let form = browser.page(href).form(&format!("{href}/reopen"));
    browser.submit(&form.with("text", "Снова не работает"))
}

fn a_request_is_opened_again_within_seven_days_and_not_after(kind: Kind) {
    let mut server = Server::demo(Database::new(kind), "2026-11-22");
    let (mut person, _) = holder_of_flat(&server, LAWFUL, 0);
    let browser = &mut person.browser;
    let mut staff = server.staff(LAWFUL);
    let (early, late) = (appeal(browser, "Первая"), appeal(browser, "Вторая"));
    for href in [&early, &late] {
        finish(&mut staff, href);
    }
    server.kill();
    server.start_at("2026-11-29T23:40:00+05:00");
    again(&mut person);
    let browser = &mut person.browser;
    // Opening again says why.
    let form = browser.page(&early).form(&format!("{early}/reopen"));
    assert_eq!(browser.submit(&form).expect(422).page().refusals()[0].0, "text");
    reopened(browser, &early).expect(303);
    let mut staff = server.staff(LAWFUL);
    let seen = case(&mut staff, &early)["request"].clone();
    assert_eq!((&seen["state"], &seen["closed_at"]), (&json!("accepted"), &json!(null)));
    assert_eq!(seen["due_on"], "2026-12-11", "it is due anew, ten working days from Sunday, the 29th");
    deed(&mut staff, &early, "state", &json!({ "state": "in_work" })).expect(200);
    let form = browser.page(&late).form(&format!("{late}/reopen")).with("text", "Поздно?");
    server.kill();
    server.start_at("2026-11-30T00:01:00+05:00");
    assert!(!browser.page(&late).has(&format!("form[action={late}/reopen]")), "the page does not offer it any more");
    browser.submit(&form).expect(422);
    let call = browser.call("POST", &format!("/api/v1{late}/reopen"), Some(&json!({ "text": "Поздно?" })));
    assert_eq!(call.expect(422).json()["code"], "requests.too_late");
    assert_eq!(case(&mut server.staff(LAWFUL), &late)["request"]["state"], "done");
}

fn deadlines_are_counted_over_holidays_and_become_late(kind: Kind) {
    let mut server = Server::demo(Database::new(kind), "2026-12-29");
    let (mut person, _) = holder_of_flat(&server, LAWFUL, 1);
    let browser = &mut person.browser;
    let question = appeal(browser, "Вопрос под праздник");
    let fields = [("topic", "quality"), ("subject", "Холодно"), ("text", "+16")];
    send(browser, "appeal", &fields).expect(303);
    send(browser, "emergency", &[("subject", "Прорыв")]).expect(303);
    let page = browser.page("/requests");
    let text = page.text();
    // 30 December is the only working day before 11 January.
    assert!(text.contains("Срок: до 21.01.2027") && text.contains("Срок: до 12.01.2027"), "{text}");
    // An emergency counts hours: three days from the minute of filing.
    assert!(text.contains("Срок: до 01.01.2027, 12:0"), "{text}");
    let mut staff = server.staff(LAWFUL);
    let late = staff.call("GET", "/api/admin/v1/requests?late=true", None).expect(200).json();
    assert_eq!(late["items"].as_array().map(Vec::len), Some(0), "{late}");
    // The holidays of a year that the calendar lacks would count as working days.
    assert!(days_off(&server).contains("knows this year and the coming one"));
    assert!(!whole_log(&server).contains("working calendar"), "{}", server.log());
    server.kill();
    server.start_at("2027-01-02");
    let told = "the working calendar lacks 2028";
    assert!(days_off(&server).contains(told) && days_off(&server).contains("penalty begins too early"));
    assert!(whole_log(&server).contains(told), "{}", server.log());
    again(&mut person);
    let browser = &mut person.browser;
    let mut staff = server.staff(LAWFUL);
    let late = staff.call("GET", "/api/admin/v1/requests?late=true&kind=emergency", None).expect(200).json();
    let subjects: Vec<_> =
        late["items"].as_array().expect("items").iter().map(|item| item["subject"].clone()).collect();
    assert!(subjects.contains(&json!("Прорыв")), "{late}");
    let text = browser.page("/requests").text();
    assert_eq!(text.matches("Срок прошёл").count(), 1, "{text}");
    let of_question = case(&mut staff, &question)["request"].clone();
    assert_eq!((&of_question["late"], &of_question["id"]), (&json!(false), &json!(id_of(&question))));
}

fn whole_log(server: &Server) -> String {
    std::fs::read_to_string(server.log_file()).expect("the log")
}

/// What `kabinet doctor` says of the calendar.
fn days_off(server: &Server) -> String {
    let output = server.command().arg("doctor").output().expect("kabinet doctor");
    let said = String::from_utf8(output.stdout).expect("text");
    said.lines().find(|line| line.starts_with("calendar")).expect("a line").to_owned()
}

fn an_emergency_is_answered_in_five_minutes_and_localised_in_thirty(kind: Kind) {
    const MINUTE: i64 = 60_000;
    let mut server = Server::demo(Database::new(kind), "2026-11-22");
    let (mut person, _) = holder_of_flat(&server, LAWFUL, 0);
    send(&mut person.browser, "emergency", &[("subject", "Прорыв")]).expect(303);
    let href = person.browser.page("/requests").one("ul.rows a").attribute("href").expect("a link").to_owned();
    let mut staff = server.staff(LAWFUL);
    let seen = |staff: &mut Browser| {
        let request = case(staff, &href)["request"].clone();
        let after = |name: &str| Some((request[name].as_i64()? - request["created_at"].as_i64()?) / MINUTE);
        (["answer_by", "localise_by", "due_at"].map(after), request["late"] == true)
    };
    let queue = |staff: &mut Browser, filter: &str| {
        let list = staff.call("GET", &format!("/api/admin/v1/requests?{filter}"), None).expect(200).json();
        list["items"].as_array().expect("items").iter().map(|item| item["subject"].clone()).collect::<Vec<_>>()
    };
    let end = Some(3 * 24 * 60);
    assert_eq!(seen(&mut staff), ([Some(5), Some(30), end], false));
    assert_eq!(queue(&mut staff, "limit=1"), ["Прорыв"], "what is due next comes first");
    assert!(!queue(&mut staff, "late=true&kind=emergency").contains(&json!("Прорыв")));

    server.kill();
    server.start_at("2026-11-22T12:10:00+05:00");
    let mut staff = server.staff(LAWFUL);
    assert_eq!(seen(&mut staff), ([Some(5), Some(30), end], true), "nobody has answered");
    assert!(queue(&mut staff, "late=true&kind=emergency").contains(&json!("Прорыв")));
    deed(&mut staff, &href, "accept", &json!({})).expect(200);
    assert_eq!(seen(&mut staff), ([None, Some(30), end], false), "whoever takes it answers");
    // A question and its answer stop no damage.
    deed(&mut staff, &href, "state", &json!({ "state": "waiting", "text": "Какой подъезд?" })).expect(200);
    let form = person.browser.page(&href).form(&href);
    person.browser.submit_with_files(&form.with("text", "Второй"), &[]).expect(303);
    assert_eq!(case(&mut staff, &href)["request"]["state"], "accepted");
    assert_eq!(seen(&mut staff), ([None, Some(30), end], false));

    server.kill();
    server.start_at("2026-11-22T12:40:00+05:00");
    let mut staff = server.staff(LAWFUL);
    assert_eq!(seen(&mut staff), ([None, Some(30), end], true), "nobody is at work");
    deed(&mut staff, &href, "state", &json!({ "state": "in_work" })).expect(200);
    assert_eq!(seen(&mut staff), ([None, None, end], false), "whoever goes to work on it stops the damage");
    deed(&mut staff, &href, "state", &json!({ "state": "done", "text": "Заменили трубу" })).expect(200);
    reopened(&mut person.browser, &href).expect(303);
    let ([answer, localise, _], late) = seen(&mut staff);
    assert!(answer.is_none() && localise.is_some_and(|minutes| minutes >= 60) && !late, "{localise:?}");
}
