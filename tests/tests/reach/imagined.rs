//! What a reading would cost, asked while it is typed: nothing is stored.

use kabinet_tests::world::holder_of_flat;
use kabinet_tests::{Browser, Kind, Server, on_both_databases};
use serde_json::{Value, json};

use crate::{Dial, OPEN, dial, history};

on_both_databases![
    an_imagined_reading_costs_what_the_sent_one_does_and_leaves_nothing,
    what_would_be_refused_is_refused,
    questions_are_limited,
];

fn ask(browser: &mut Browser, dial: &Dial, value: &str) -> kabinet_tests::Response {
    let body = json!({ "readings": [{ "meter": dial.id, "values": [value] }] });
    browser.call("POST", "/api/v1/meters/estimate", Some(&body))
}

fn an_imagined_reading_costs_what_the_sent_one_does_and_leaves_nothing(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, OPEN, 10);
    let dial = dial(&mut person.browser);
    let before = person.browser.page("/overview").figure("preliminary").expect("an estimate");
    let rows = history(&mut person, &dial);
    let small = ask(&mut person.browser, &dial, &dial.plus(1000)).expect(200).json();
    let large = ask(&mut person.browser, &dial, &dial.plus(9000)).expect(200).json();
    let total = |answer: &Value| answer["total"].as_i64().expect("a sum");
    assert!(total(&large) > total(&small), "{small} {large}");
    assert_eq!(large["change"].as_i64(), Some(total(&large) - before));
    assert_eq!(large["period"], "2026-11");
    assert_eq!(history(&mut person, &dial), rows, "nothing is stored");
    assert_eq!(person.browser.page("/overview").figure("preliminary"), Some(before));
    let field = format!("meter_{}_value", dial.id);
    let form = person.browser.page("/meters/readings").form("/meters/readings").with(&field, &dial.plus(9000));
    let confirm = format!("meter_{}_confirm", dial.id);
    let mut answer = person.browser.submit(&form);
    if answer.status == 422 {
        let form = answer.page().form("/meters/readings").with(&confirm, "yes");
        answer = person.browser.submit(&form);
    }
    let page = person.browser.follow(answer.expect(303)).page();
    assert_eq!(page.figure("preliminary"), Some(total(&large)), "as it was told");
}

fn what_would_be_refused_is_refused(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, OPEN, 11);
    let dial = dial(&mut person.browser);
    for value in ["", "много", "0"] {
        let answer = ask(&mut person.browser, &dial, value).expect(422).json();
        assert_eq!(answer["code"], "meters.readings_refused", "{value}");
    }
    // A doubtful one is not asked about: it is only typed.
    ask(&mut person.browser, &dial, &dial.plus(900_000)).expect(200);
}

fn questions_are_limited(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, OPEN, 12);
    let dial = dial(&mut person.browser);
    let value = dial.plus(1000);
    let statuses: Vec<u16> = (0..62).map(|_| ask(&mut person.browser, &dial, &value).status).collect();
    let first = statuses.iter().position(|status| *status == 429).expect("a limit");
    assert!(first >= 60 && statuses[..first].iter().all(|status| *status == 200), "{statuses:?}");
}
