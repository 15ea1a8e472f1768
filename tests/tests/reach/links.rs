//! The one-meter link: whoever has it sends a reading of one meter for one month, and learns nothing else.

use kabinet_tests::pdf::svg_codes;
use kabinet_tests::server::NOW;
use kabinet_tests::world::{Known, Person, holder_of_flat};
use kabinet_tests::{Browser, Database, Kind, Server, on_both_databases, world};
use serde_json::{Value, json};

use crate::{Dial, OPEN, WINDOW, dial, history};

on_both_databases![
    a_link_takes_a_reading_without_a_login,
    a_link_says_nothing_of_the_person,
    a_value_is_judged_as_everywhere,
    whatever_is_wrong_with_a_link_answers_alike,
    a_link_that_was_taken_back_is_nothing_and_a_new_one_holds,
    a_link_holds_until_its_window_closes,
    a_replaced_meter_has_no_link,
    a_change_of_holder_takes_all_links_back,
    a_link_is_used_ten_times_by_all_servers_together,
    a_meter_of_another_company_has_no_link_here,
    refused_readings_are_limited,
];

struct Linked {
    person: Person,
    known: Known,
    dial: Dial,
    /// The path of the link.
    path: String,
}

/// The link of a meter for a month, made by staff.
fn made(server: &Server, slug: &str, dial: &Dial, period: &str) -> Value {
    let path = format!("/api/admin/v1/meters/{}/links", dial.id);
    server.staff(slug).call("POST", &path, Some(&json!({ "period": period }))).expect(200).json()
}

fn path_of(link: &Value) -> String {
    let address = link["address"].as_str().expect("an address");
    let (_, rest) = address.split_once("://").expect("a whole address");
    rest[rest.find('/').expect("a path")..].to_owned()
}

fn linked(server: &Server, slug: &str, number: usize) -> Linked {
    let (mut person, known) = holder_of_flat(server, slug, number);
    let dial = dial(&mut person.browser);
    let path = path_of(&made(server, slug, &dial, "2026-11"));
    Linked { person, known, dial, path }
}

/// Opens the link in a browser of its own and sends `value`; the answer as it came.
fn send(browser: &mut Browser, link: &Linked, value: &str) -> kabinet_tests::Response {
    let form = browser.page(&link.path).form(&link.path);
    browser.submit(&form.with(&format!("meter_{}_value", link.dial.id), value))
}

fn a_link_takes_a_reading_without_a_login(kind: Kind) {
    let server = Server::shared(kind);
    let mut link = linked(server, OPEN, 0);
    let made = made(server, OPEN, &link.dial, "2026-11");
    assert_eq!(path_of(&made), link.path, "the same link every time");
    assert_eq!(
        (&made["period"], &made["from"], &made["until"]),
        (&json!("2026-11"), &json!("2026-11-01"), &json!("2026-11-30"))
    );
    let code = svg_codes(made["qr_svg"].as_str().expect("a picture"));
    assert_eq!(code, [made["address"].as_str().expect("an address")], "the QR on paper is the same link");
    let mut guest = server.browser(OPEN);
    let answer = send(&mut guest, &link, &link.dial.plus(1500)).expect(303);
    let page = guest.follow(answer).page();
    assert!(page.text().contains("Показание принято") && page.text().contains("1,5"), "{}", page.text());
    let rows = history(&mut link.person, &link.dial);
    assert!(rows[0].contains("22.11.2026") && rows[0].contains("по ссылке"), "{rows:?}");
    let uses = |server: &Server| self::made(server, OPEN, &link.dial, "2026-11")["uses"].clone();
    assert_eq!(uses(server), json!(1));
    // Without a month it is the present one.
    let path = format!("/api/admin/v1/meters/{}/links", link.dial.id);
    let present = server.staff(OPEN).call("POST", &path, Some(&json!({}))).expect(200).json();
    assert_eq!(path_of(&present), link.path);
    let wrong = server.staff(OPEN).call("POST", &path, Some(&json!({ "period": "ноябрь" }))).expect(422).json();
    assert_eq!(wrong["code"], "meters.invalid");
}

fn a_link_says_nothing_of_the_person(kind: Kind) {
    let server = Server::shared(kind);
    let link = linked(server, OPEN, 1);
    let page = server.browser(OPEN).page(&link.path);
    let text = page.one("main").text();
    let end: String = link.dial.serial.chars().skip(link.dial.serial.chars().count() - 4).collect();
    assert!(text.contains(&end) && text.contains("Последнее показание"), "{text}");
    for word in [&link.known.surname, &link.known.account, &link.dial.serial, "ул.", "₽"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
    assert!(page.figures().is_empty() && !text.contains("Предыдущие показания"), "{text}");
    // The link opens nothing else.
    let mut guest = server.browser(OPEN);
    guest.page(&link.path);
    assert_eq!(guest.get("/overview").expect(303).location(), "/");
    assert_eq!(guest.get("/readings/submit").expect(303).location(), "/readings");
    assert!(!link.path.contains(&link.dial.id) && !link.path.contains("2026"), "{}", link.path);
}

fn a_value_is_judged_as_everywhere(kind: Kind) {
    let server = Server::shared(kind);
    let mut link = linked(server, OPEN, 2);
    let field = format!("meter_{}_value", link.dial.id);
    let mut guest = server.browser(OPEN);
    for (value, words) in [("", "Введите показание"), ("много", "Введите число"), ("0", "меньше предыдущего")]
    {
        let page = send(&mut guest, &link, value).expect(422).page();
        let refusals = page.refusals();
        assert!(refusals[0].0 == field && refusals[0].1.contains(words), "{value}: {refusals:?}");
        assert_eq!(page.form(&link.path).value(&field), Some(value), "what was typed stays");
    }
    let before = history(&mut link.person, &link.dial).len();
    let page = send(&mut guest, &link, &link.dial.plus(900_000)).expect(422).page();
    let form = page.form(&link.path).with(&format!("meter_{}_confirm", link.dial.id), "yes");
    guest.submit(&form).expect(303);
    assert_eq!(history(&mut link.person, &link.dial).len(), before + 1);
    // A row for another meter is refused, whosever it is.
    let mut form = server.browser(OPEN).page(&link.path).form(&link.path);
    form.fields.push(("meter_0193a1c0-0000-7000-8000-0000000000ff_value".to_owned(), "1".to_owned()));
    let csrf = guest.page(&link.path).form(&link.path).value("csrf").expect("a token").to_owned();
    guest.submit(&form.with("csrf", &csrf)).expect(422);
}

fn whatever_is_wrong_with_a_link_answers_alike(kind: Kind) {
    let server = Server::shared(kind);
    let link = linked(server, OPEN, 3);
    let over = path_of(&made(server, OPEN, &link.dial, "2026-10"));
    let back = path_of(&made(server, OPEN, &link.dial, "2026-11"));
    revoke(server, OPEN, &link.dial, "2026-11");
    let foreign = linked(server, WINDOW, 0).path;
    let mut broken = back.clone();
    broken.pop();
    let mut answers = Vec::new();
    for path in ["/readings/link/none", &over, &back, &foreign, &broken] {
        let mut guest = server.browser(OPEN);
        let shown = guest.get(path).expect(404).fingerprint();
        let csrf = guest.page("/recover").one("[name=csrf]").attribute("value").expect("a token").to_owned();
        let field = format!("meter_{}_value", link.dial.id);
        let sent = guest.post(path, &[("csrf".to_owned(), csrf), (field, link.dial.plus(1000))]).expect(404);
        answers.push((shown, sent.fingerprint()));
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:#?}");
    assert!(answers[0].0.2.contains("Ссылка не действует"));
}

fn revoke(server: &Server, slug: &str, dial: &Dial, period: &str) -> Value {
    let path = format!("/api/admin/v1/meters/{}/links/revoke", dial.id);
    server.staff(slug).call("POST", &path, Some(&json!({ "period": period }))).expect(200).json()
}

fn a_link_that_was_taken_back_is_nothing_and_a_new_one_holds(kind: Kind) {
    let server = Server::shared(kind);
    let mut link = linked(server, OPEN, 4);
    let mut guest = server.browser(OPEN);
    // The page was open when the link was taken back.
    let form = guest.page(&link.path).form(&link.path);
    let new = revoke(server, OPEN, &link.dial, "2026-11");
    assert_ne!(path_of(&new), link.path);
    let field = format!("meter_{}_value", link.dial.id);
    guest.submit(&form.clone().with(&field, &link.dial.plus(1000))).expect(404);
    guest.get(&link.path).expect(404);
    let rows = history(&mut link.person, &link.dial);
    assert!(rows.iter().all(|row| !row.contains("по ссылке")), "{rows:?}");
    link.path = path_of(&new);
    send(&mut guest, &link, &link.dial.plus(1000)).expect(303);
    assert!(history(&mut link.person, &link.dial)[0].contains("по ссылке"));
    // Another month's links are others, and take nothing before it.
    let december = path_of(&made(server, OPEN, &link.dial, "2026-12"));
    revoke(server, OPEN, &link.dial, "2026-11");
    assert_eq!(path_of(&made(server, OPEN, &link.dial, "2026-12")), december);
    assert!(guest.page(&december).text().contains("Приём показаний ещё не начался"));
    let early = form.clone().with(&field, &link.dial.plus(2000));
    let csrf = guest.page("/recover").one("[name=csrf]").attribute("value").expect("a token").to_owned();
    let mut early = early.with("csrf", &csrf);
    early.action = december;
    guest.submit(&early).expect(422);
}

fn a_link_holds_until_its_window_closes(kind: Kind) {
    let mut server = Server::demo(Database::new(kind), "2026-11-14T23:30:00+05:00");
    let mut link = linked(&server, WINDOW, 0);
    let mut guest = server.browser(WINDOW);
    let page = guest.page(&link.path);
    assert!(
        page.text().contains("Приём показаний ещё не начался") && page.text().contains("15 ноября"),
        "{}",
        page.text()
    );
    assert!(!page.has("main form"), "nothing to fill in yet");
    let csrf = guest.page("/recover").one("[name=csrf]").attribute("value").expect("a token").to_owned();
    let field = format!("meter_{}_value", link.dial.id);
    let early = [("csrf".to_owned(), csrf), (field, link.dial.plus(1000))];
    guest.post(&link.path, &early).expect(422);
    server.kill();
    server.start_at("2026-11-25T23:30:00+05:00");
    send(&mut guest, &link, &link.dial.plus(1000)).expect(303);
    let form = guest.page(&link.path).form(&link.path);
    server.kill();
    server.start_at("2026-11-26T00:01:00+05:00");
    guest.get(&link.path).expect(404);
    guest.submit(&form.with(&format!("meter_{}_value", link.dial.id), &link.dial.plus(2000))).expect(404);
    link.person.browser.cookies.clear();
    link.person.browser.log_in(&link.person.email, world::PASSWORD);
    let rows = history(&mut link.person, &link.dial);
    assert!(rows[0].contains("25.11.2026") && rows[0].contains("по ссылке"), "{rows:?}");
}

fn a_replaced_meter_has_no_link(kind: Kind) {
    let server = Server::shared(kind);
    let link = linked(server, OPEN, 5);
    let sql = "UPDATE meter SET removed_on = 20261122 WHERE tenant_id = $1 AND serial = $2";
    let removed = world::in_company(server, OPEN, async |tx| {
        tx.execute(sql, vec![link.dial.serial.clone().into()]).await.expect("an update")
    });
    assert_eq!(removed, 1);
    server.browser(OPEN).get(&link.path).expect(404);
    let path = format!("/api/admin/v1/meters/{}/links", link.dial.id);
    server.staff(OPEN).call("POST", &path, Some(&json!({ "period": "2026-11" }))).expect(404);
}

fn a_change_of_holder_takes_all_links_back(kind: Kind) {
    let server = Server::shared(kind);
    let mut link = linked(server, OPEN, 14);
    let december = path_of(&made(server, OPEN, &link.dial, "2026-12"));
    let mut guest = server.browser(OPEN);
    let form = guest.page(&link.path).form(&link.path);
    let body = json!({ "from": "2026-11-20", "holders": [{ "kind": "person", "surname": "Покупатель" }] });
    let path = format!("/api/admin/v1/accounts/{}/holder", link.known.id.0);
    server.staff(OPEN).call("POST", &path, Some(&body)).expect(204);
    guest.get(&link.path).expect(404);
    let field = format!("meter_{}_value", link.dial.id);
    guest.submit(&form.with(&field, &link.dial.plus(1000))).expect(404);
    assert_ne!(path_of(&made(server, OPEN, &link.dial, "2026-12")), december, "of every month");
    link.path = path_of(&made(server, OPEN, &link.dial, "2026-11"));
    send(&mut guest, &link, &link.dial.plus(1000)).expect(303);
}

fn a_link_is_used_ten_times_by_all_servers_together(kind: Kind) {
    let database = Database::new(kind);
    let first = Server::demo(database.clone(), NOW);
    let servers = [&first, &Server::demo(database, NOW)];
    let mut link = linked(&first, OPEN, 0);
    let before = history(&mut link.person, &link.dial).len();
    let mut browsers = servers.map(|server| server.browser(OPEN));
    let forms: Vec<_> = browsers.iter_mut().map(|browser| browser.page(&link.path).form(&link.path)).collect();
    let field = format!("meter_{}_value", link.dial.id);
    let statuses: Vec<u16> = (0..12)
        .map(|number| {
            let form = forms[number % 2].clone().with(&field, &link.dial.plus(100));
            browsers[number % 2].submit(&form).status
        })
        .collect();
    assert_eq!(statuses, [[303; 10].as_slice(), &[404; 2]].concat());
    assert_eq!(history(&mut link.person, &link.dial).len(), before + 10);
}

fn a_meter_of_another_company_has_no_link_here(kind: Kind) {
    let server = Server::shared(kind);
    let foreign = linked(server, WINDOW, 1);
    let mut staff = server.staff(OPEN);
    let mut ask = |id: &str, what: &str| {
        let body = json!({ "period": "2026-11" });
        staff.call("POST", &format!("/api/admin/v1/meters/{id}/{what}"), Some(&body)).expect(404).fingerprint()
    };
    for what in ["links", "links/revoke"] {
        assert_eq!(ask(&foreign.dial.id, what), ask("0193a1c0-0000-7000-8000-0000000000ff", what));
    }
    server.browser(WINDOW).get(&foreign.path).expect(200);
}

fn refused_readings_are_limited(kind: Kind) {
    let server = Server::shared(kind);
    let link = linked(server, OPEN, 6);
    let mut guest = server.browser(OPEN);
    let form = guest.page(&link.path).form(&link.path).with(&format!("meter_{}_value", link.dial.id), "много");
    let statuses: Vec<u16> =
        (0..22).map(|_| world::submit_from(&mut guest, &form, &world::fresh_ip()).status).collect();
    assert_eq!(statuses, [[422; 20].as_slice(), &[429; 2]].concat());
}
