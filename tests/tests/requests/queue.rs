//! The queue of staff and the catalogue.

use std::collections::BTreeSet;

use kabinet_tests::world::holder_of_flat;
use kabinet_tests::{Kind, Server, on_both_databases};
use serde_json::{Value, json};

use crate::{COMPANY, appeal, case, deed, finish, send};

on_both_databases![
    the_queue_is_walked_page_by_page_the_most_urgent_first,
    the_catalogue_changes_and_requests_keep_their_price,
];

const QUEUE: &str = "/api/admin/v1/requests";

fn the_queue_is_walked_page_by_page_the_most_urgent_first(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, COMPANY, 30);
    let browser = &mut person.browser;
    let mut mine: BTreeSet<String> = (1..=3).map(|number| appeal(browser, &format!("Очередь {number}"))).collect();
    send(browser, "emergency", &[("subject", "Очередь: авария")]).expect(303);
    mine.insert(browser.page("/requests").one("ul.rows a").attribute("href").expect("a link").to_owned());
    let ended = appeal(browser, "Очередь: сделана");
    let mut staff = server.staff(COMPANY);
    finish(&mut staff, &ended);
    let (mut walked, mut address) = (Vec::<Value>::new(), format!("{QUEUE}?limit=2"));
    loop {
        let page = staff.call("GET", &address, None).expect(200).json();
        walked.extend(page["items"].as_array().expect("items").iter().cloned());
        let Some(next) = page["next"].as_str() else { break };
        assert_eq!(page["items"].as_array().map(Vec::len), Some(2));
        address = format!("{QUEUE}?limit=2&cursor={next}");
    }
    let next = |item: &Value| ["answer_by", "localise_by", "due_at"].iter().find_map(|name| item[*name].as_i64());
    let due: Vec<i64> = walked.iter().map(|item| next(item).expect("a deadline")).collect();
    assert!(due.is_sorted(), "{due:?}");
    let ids: Vec<String> =
        walked.iter().map(|item| format!("/requests/{}", item["id"].as_str().expect("an id"))).collect();
    let once: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(once.len(), ids.len(), "each one once");
    assert!(mine.iter().all(|href| once.contains(href)) && !once.contains(&ended), "what has not ended");
    let of = |staff: &mut kabinet_tests::Browser, filter: &str| {
        let found = staff.call("GET", &format!("{QUEUE}?limit=100&{filter}"), None).expect(200).json();
        found["items"].as_array().expect("items").clone()
    };
    assert!(of(&mut staff, "state=done").iter().any(|item| item["subject"] == "Очередь: сделана"));
    assert!(of(&mut staff, "kind=emergency").iter().all(|item| item["kind"] == "emergency"));
    let href = mine.first().expect("a request").clone();
    let member = deed(&mut staff, &href, "accept", &json!({})).expect(200).json()["assignee"].clone();
    let own = of(&mut staff, &format!("state=accepted&assignee={}", member.as_str().expect("an id")));
    assert!(own.iter().any(|item| href.ends_with(item["id"].as_str().expect("an id"))), "{own:?}");
    staff.call("GET", &format!("{QUEUE}?cursor=x"), None).expect(422);
    staff.call("GET", &format!("{QUEUE}?limit=101"), None).expect(400);
}

fn the_catalogue_changes_and_requests_keep_their_price(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, "teploset", 31);
    let browser = &mut person.browser;
    let mut staff = server.staff("teploset");
    let code = "/api/admin/v1/paid-services/probe";
    let body = |price: i64, offered: bool| json!({ "title": "Пробная услуга", "price": price, "unit": "за час", "offered": offered, "position": 9 });
    let wrong = staff.call("PUT", code, Some(&body(-1, true))).expect(422).json();
    assert_eq!(wrong["fields"][0]["field"], "price");
    staff.call("PUT", code, Some(&body(50_050, true))).expect(200);
    let form = browser.page("/requests/new?kind=paid");
    assert!(form.figures().contains(&50_050) && form.text().contains("Пробная услуга"), "{}", form.text());
    send(browser, "paid", &[("service", "probe")]).expect(303);
    let href = browser.page("/requests").one("ul.rows a").attribute("href").expect("a link").to_owned();
    staff.call("PUT", code, Some(&body(70_000, false))).expect(200);
    let request = case(&mut staff, &href)["request"].clone();
    assert_eq!((&request["price"], &request["price_unit"]), (&json!(50_050), &json!("за час")));
    let page = browser.page(&href).text().replace('\u{a0}', " ");
    assert!(page.contains("500,50 ₽ за час"), "{page}");
    assert!(!browser.page("/requests/new?kind=paid").text().contains("Пробная услуга"));
    // A form that was opened before finds the service gone.
    let form = browser.page("/requests/new?kind=paid").form("/requests/new?kind=paid").with("service", "probe");
    assert_eq!(browser.submit(&form).expect(422).page().refusals()[0].0, "service");
    let all = staff.call("GET", "/api/admin/v1/paid-services", None).expect(200).text();
    assert!(all.contains("Пробная услуга"), "staff still see it: {all}");
}
