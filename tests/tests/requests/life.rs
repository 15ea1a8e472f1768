//! A request's life, from the form to the rating.

use std::collections::BTreeSet;

use kabinet_tests::world::{holder_of_flat, in_company};
use kabinet_tests::{Kind, Server, on_both_databases};
use serde_json::json;
use uuid::Uuid;

use crate::{COMPANY, appeal, case, deed, id_of, send};

on_both_databases![
    a_resident_files_each_kind_and_sees_it_below,
    a_refused_form_keeps_what_was_typed_and_files_nothing,
    staff_take_a_request_ask_and_finish_it_and_the_resident_rates_it,
    internal_notes_are_never_seen_by_the_resident,
    programs_file_and_answer_as_people_do,
    older_requests_are_reached_by_plain_links,
];

fn a_resident_files_each_kind_and_sees_it_below(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, COMPANY, 0);
    let browser = &mut person.browser;
    let page = browser.page("/requests");
    assert!(page.text().contains("заявок ещё не было") && !page.has("ul.rows"));
    assert_eq!(
        page.all("ul.kinds a b").iter().map(|tile| tile.text()).collect::<Vec<_>>(),
        ["Обращение", "Платная услуга", "Авария"]
    );
    // The desk's phone stands before the form.
    let emergency = browser.page("/requests/new?kind=emergency").text();
    let (phone, form) = (emergency.rfind("8 (351) 200-10-11"), emergency.find("Что случилось"));
    assert!(emergency.contains("Сначала позвоните") && form.is_some() && phone.is_some(), "{emergency}");
    assert!(emergency.find("Сначала позвоните") < form);

    send(browser, "appeal", &[("subject", "Не горит свет"), ("text", "Третий этаж")]).expect(303);
    send(browser, "paid", &[("service", "tap"), ("text", "В субботу")]).expect(303);
    let answer = send(browser, "emergency", &[("subject", "Течёт труба")]).expect(303);
    let page = browser.follow(answer).page();
    assert!(page.one("[role=status]").text().contains("отправлена"), "{}", page.text());
    let subjects: Vec<String> = page.all("ul.rows a").iter().map(|link| link.text()).collect();
    assert_eq!(subjects, ["Течёт труба", "Замена смесителя", "Не горит свет"], "the newest first");
    let text = page.text();
    assert!(text.contains("Новые обращения и заявки"), "{text}");
    assert!(!text.contains("Принятые") && !text.contains("Выполненные"), "nobody has taken one: {text}");
    assert!(text.contains("Сервис предусмотрен не для всех организаций"), "{text}");
    // Seven working days of the company's own after Sunday, the 22nd; five of the paid service.
    assert!(text.contains("Срок: до 01.12.2026") && text.contains("Срок: до 27.11.2026"), "{text}");

    let href = page.all("ul.rows a")[1].attribute("href").expect("a link").to_owned();
    let page = browser.page(&href);
    assert_eq!(page.figure("price"), Some(120_000));
    assert!(page.text().contains("Платная услуга") && page.text().contains("В субботу"), "{}", page.text());
}

fn a_refused_form_keeps_what_was_typed_and_files_nothing(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, COMPANY, 1);
    let browser = &mut person.browser;
    let fields = [("topic", "quality"), ("subject", " "), ("text", "\nПервая строка\nвторая <b>")];
    let page = send(browser, "appeal", &fields).expect(422).page();
    assert_eq!(page.refusals().len(), 1);
    assert_eq!(page.refusals()[0].0, "subject");
    assert!(page.title().starts_with("Ошибка:"));
    let form = page.form("/requests/new?kind=appeal");
    assert_eq!(form.value("topic"), Some("quality"));
    assert_eq!(form.value("text"), Some("\nПервая строка\nвторая <b>"));
    for (kind, field) in [("paid", "service"), ("emergency", "subject")] {
        let page = send(browser, kind, &[]).expect(422).page();
        assert_eq!(page.refusals()[0].0, field, "{kind}");
    }
    browser.get("/requests/new?kind=party").expect(404);
    assert!(!browser.page("/requests").has("ul.rows"), "nothing was filed");
}

fn staff_take_a_request_ask_and_finish_it_and_the_resident_rates_it(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, known) = holder_of_flat(server, COMPANY, 2);
    let browser = &mut person.browser;
    let href = appeal(browser, "Сломан замок в подъезде");
    let mut staff = server.staff(COMPANY);
    let seen = case(&mut staff, &href);
    assert_eq!((&seen["request"]["state"], &seen["request"]["due_on"]), (&json!("new"), &json!("2026-12-01")));
    assert_eq!(seen["request"]["account_number"], json!(known.account));
    assert_eq!(seen["email"], json!(person.email));

    let taken = deed(&mut staff, &href, "accept", &json!({})).expect(200).json();
    assert_eq!(taken["state"], "accepted");
    let list = browser.page("/requests").text();
    assert!(list.contains("Принятые обращения и заявки") && !list.contains("Новые обращения"), "{list}");
    assert!(taken["assignee"].is_string(), "whoever takes it has it: {taken}");
    assert_eq!(deed(&mut staff, &href, "accept", &json!({})).expect(422).json()["code"], "requests.already_accepted");
    // Nobody waits for an answer to no question.
    let silent = deed(&mut staff, &href, "state", &json!({ "state": "waiting" })).expect(422).json();
    assert_eq!(silent["code"], "requests.invalid");
    let asked = json!({ "state": "waiting", "text": "Какой подъезд?" });
    deed(&mut staff, &href, "state", &asked).expect(200);
    let list = browser.page("/requests").text();
    assert!(list.contains("Ждёт вашего ответа"), "{list}");

    let page = browser.page(&href);
    assert!(page.text().contains("Какой подъезд?") && page.text().contains("Ваш ответ"), "{}", page.text());
    let empty = browser.submit(&page.form(&href)).expect(422).page();
    assert_eq!(empty.refusals()[0].0, "text");
    browser.submit(&page.form(&href).with("text", "Второй")).expect(303);
    assert_eq!(case(&mut staff, &href)["request"]["state"], "in_work", "the answer brings it back to work");
    let skipped = deed(&mut staff, &href, "state", &json!({ "state": "new", "text": "?" })).expect(422).json();
    assert_eq!(skipped["code"], "requests.wrong_state");
    deed(&mut staff, &href, "state", &json!({ "state": "done", "text": "Замок заменили" })).expect(200);

    let page = browser.page(&href);
    assert!(!page.has(&format!("form[action={href}]")), "what is done takes no messages");
    let rating = page.form(&format!("{href}/rating"));
    assert_eq!(browser.submit(&rating.clone().with("rating", "6")).expect(422).page().refusals()[0].0, "rating");
    browser.submit(&rating.clone().with("rating", "4").with("comment", "Быстро")).expect(303);
    browser.submit(&rating.with("rating", "1")).expect(422);
    assert_eq!(case(&mut staff, &href)["request"]["rating"], 4, "the first rating stands");
    let list = browser.page("/requests").text();
    assert!(list.contains("Выполненные заявки") && !list.contains("Принятые обращения"), "{list}");
    let history = browser.page(&href).one("ol.talk").text();
    let told = ["отправлена", "принята", "Какой подъезд?", "Второй", "Замок заменили", "Оценка 4 из 5", "Быстро"];
    let places: Vec<_> = told.iter().map(|words| history.find(words)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{history}");
}

fn internal_notes_are_never_seen_by_the_resident(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, COMPANY, 3);
    let browser = &mut person.browser;
    let href = appeal(browser, "Шумит лифт");
    let mut staff = server.staff(COMPANY);
    let secret = "Скандальный абонент, КАНАРЕЙКА-7";
    deed(&mut staff, &href, "comments", &json!({ "text": secret, "internal": true })).expect(200);
    deed(&mut staff, &href, "comments", &json!({ "text": "Заказали деталь" })).expect(200);
    let me = case(&mut staff, &href)["history"].clone();
    assert!(me.to_string().contains("КАНАРЕЙКА-7"), "staff see it: {me}");
    let member = deed(&mut staff, &href, "accept", &json!({})).expect(200).json()["assignee"].clone();
    deed(&mut staff, &href, "assign", &json!({})).expect(200);
    let assigned = deed(&mut staff, &href, "assign", &json!({ "assignee": member })).expect(200).json();
    assert_eq!(assigned["assignee"], member);
    let nobody = json!({ "assignee": "0193a1c0-0000-7000-8000-0000000000ff" });
    assert_eq!(deed(&mut staff, &href, "assign", &nobody).expect(422).json()["code"], "requests.invalid");

    let page = browser.get(&href).expect(200).text();
    let api = browser.call("GET", &format!("/api/v1{href}"), None).expect(200).text();
    for (what, text) in [("page", &page), ("API", &api)] {
        assert!(text.contains("Заказали деталь"), "{what}: {text}");
        assert!(!text.contains("КАНАРЕЙКА") && !text.contains("admin@"), "{what}: {text}");
    }
    assert!(!api.contains("\"note\"") && !api.contains("\"assigned\""), "{api}");
}

fn programs_file_and_answer_as_people_do(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, COMPANY, 4);
    let browser = &mut person.browser;
    let services = browser.call("GET", "/api/v1/paid-services", None).expect(200).json();
    let tap = services["items"].as_array().expect("services").iter().find(|item| item["code"] == "tap").cloned();
    assert_eq!(tap.expect("the service")["price"], 120_000);
    let refused = browser.call("POST", "/api/v1/requests", Some(&json!({ "kind": "paid" }))).expect(422).json();
    assert_eq!((&refused["code"], &refused["fields"][0]["field"]), (&json!("requests.invalid"), &json!("service")));
    let body = json!({ "kind": "appeal", "topic": "quality", "subject": "Нет напора", "text": "С утра" });
    let filed = browser.call("POST", "/api/v1/requests", Some(&body)).expect(200).json();
    let href = format!("/requests/{}", filed["id"].as_str().expect("an id"));
    assert!(browser.page(&href).text().contains("Жалоба на качество услуги"));
    let mut staff = server.staff(COMPANY);
    deed(&mut staff, &href, "state", &json!({ "state": "declined", "text": "Ремонт по графику" })).expect(200);
    let list = browser.page("/requests").text();
    assert!(list.contains("Отклонённые заявки") && !list.contains("Выполненные"), "it was not done: {list}");
    let late = browser.call("POST", &format!("/api/v1{href}/comments"), Some(&json!({ "text": "Эй" })));
    assert_eq!(late.expect(422).json()["code"], "requests.closed");
    let rated = browser.call("POST", &format!("/api/v1{href}/rating"), Some(&json!({ "rating": 1 })));
    assert_eq!(rated.expect(422).json()["code"], "requests.wrong_state", "what was declined is not rated");
    let again = browser.call("POST", &format!("/api/v1{href}/reopen"), Some(&json!({ "text": "Не решено" })));
    assert_eq!(again.expect(200).json()["state"], "accepted");
    let all = browser.call("GET", "/api/v1/requests", None).expect(200).json();
    assert_eq!((all["items"].as_array().map(Vec::len), &all["next"]), (Some(1), &serde_json::Value::Null));
}

/// Copies a request of a company's: so many more of the same.
fn multiply(server: &Server, href: &str, count: i64) {
    let id: Uuid = id_of(href).parse().expect("an identifier");
    in_company(server, COMPANY, async |tx| {
        for number in 1..=count {
            let sql = "INSERT INTO request (tenant_id, id, number, account_id, resident_id, kind, topic, service_title,
                           subject, body, state, created_at, due_at, closed_at, price_unit)
                       SELECT tenant_id, $3, number + $4, account_id, resident_id, kind, topic, service_title,
                           subject, body, state, created_at, due_at, closed_at, price_unit
                       FROM request WHERE tenant_id = $1 AND id = $2";
            let copy: Uuid = tx.new_id();
            let values = vec![id.into(), copy.into(), (100_000 + number).into()];
            assert_eq!(tx.execute(sql, values).await.expect("a copy"), 1);
        }
    });
}

fn older_requests_are_reached_by_plain_links(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, COMPANY, 5);
    let browser = &mut person.browser;
    let (declined, open) = (appeal(browser, "Отклонённая"), appeal(browser, "Новая"));
    let mut staff = server.staff(COMPANY);
    deed(&mut staff, &declined, "state", &json!({ "state": "declined", "text": "Не наш дом" })).expect(200);
    multiply(server, &declined, 119);
    let (mut seen, mut address, mut pages) = (BTreeSet::new(), "/requests".to_owned(), 0);
    loop {
        let page = browser.page(&address);
        let rows = page.all("ul.rows a");
        // The list under way is on the first page alone, and whole.
        let first = pages == 0;
        assert_eq!((page.has("ul.kinds"), rows.len() <= 50), (first, !first), "{}", rows.len());
        assert!(page.text().contains("Отклонённые заявки") && !page.text().contains("Выполненные"), "{address}");
        seen.extend(rows.iter().filter_map(|row| row.attribute("href")).map(str::to_owned));
        pages += 1;
        let more = page.all("main a").into_iter().find(|link| link.text().starts_with("Показать ещё"));
        let Some(more) = more.and_then(|link| link.attribute("href")) else { break };
        more.clone_into(&mut address);
    }
    assert_eq!((seen.len(), pages), (121, 3));
    assert!(seen.contains(&declined) && seen.contains(&open));
    browser.get("/requests?list=ended&after=x").expect(404);
    assert!(browser.page("/requests?list=open").text().contains("Новая"));
}
