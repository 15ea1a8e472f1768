//! `Idempotency-Key`: a program that did not hear the answer asks again, and nothing happens twice.

use kabinet_tests::world::holder_of_flat;
use kabinet_tests::{Browser, Kind, Response, Server, on_both_databases};
use serde_json::{Value, json};

use crate::COMPANY;

on_both_databases![
    a_request_sent_again_with_its_key_is_filed_once,
    a_key_is_its_persons_and_its_wishes_own,
    a_refused_request_gives_its_key_back,
    of_many_at_once_with_one_key_one_is_carried_out,
    staff_may_repeat_themselves_too,
];

const PATH: &str = "/api/v1/requests";

fn wish(subject: &str) -> Value {
    json!({ "kind": "appeal", "subject": subject, "text": "Подробности" })
}

fn send(browser: &mut Browser, path: &str, key: &str, body: &Value) -> Response {
    let (origin, body) = (format!("http://{}", browser.host), body.to_string());
    let headers = [("Origin", origin.as_str()), ("Content-Type", "application/json"), ("Idempotency-Key", key)];
    browser.send("POST", path, &headers, Some(body.as_bytes()))
}

fn filed(browser: &mut Browser) -> usize {
    let listed = browser.call("GET", PATH, None).expect(200).json();
    listed["items"].as_array().expect("requests").len()
}

fn a_request_sent_again_with_its_key_is_filed_once(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, COMPANY, 70);
    let first = send(&mut person.browser, PATH, "wish-1", &wish("Скамейка")).expect(200);
    let again = send(&mut person.browser, PATH, "wish-1", &wish("Скамейка")).expect(200);
    assert_eq!(first.json(), again.json());
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), (None, Some("true")));
    assert_eq!(filed(&mut person.browser), 1);
    send(&mut person.browser, PATH, "wish-2", &wish("Скамейка")).expect(200);
    assert_eq!(filed(&mut person.browser), 2);
}

fn a_key_is_its_persons_and_its_wishes_own(kind: Kind) {
    let server = Server::shared(kind);
    let ((mut anna, _), (mut boris, _)) = (holder_of_flat(server, COMPANY, 71), holder_of_flat(server, COMPANY, 72));
    send(&mut anna.browser, PATH, "wish", &wish("Лавка")).expect(200);
    let other = send(&mut anna.browser, PATH, "wish", &wish("Качели")).expect(422).json();
    assert_eq!(other["code"], "idempotency_key_reused");
    let his = send(&mut boris.browser, PATH, "wish", &wish("Лавка")).expect(200);
    assert_eq!(his.header("idempotent-replayed"), None);
    assert_eq!((filed(&mut anna.browser), filed(&mut boris.browser)), (1, 1));
    for wrong in ["", &"k".repeat(201)] {
        assert_eq!(
            send(&mut anna.browser, PATH, wrong, &wish("Лавка")).expect(400).json()["code"],
            "bad_idempotency_key"
        );
    }
}

fn a_refused_request_gives_its_key_back(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, COMPANY, 73);
    send(&mut person.browser, PATH, "wish", &wish("")).expect(422);
    send(&mut person.browser, PATH, "wish", &wish("Лавка")).expect(200);
    assert_eq!(filed(&mut person.browser), 1);
}

fn of_many_at_once_with_one_key_one_is_carried_out(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, COMPANY, 74);
    let answers: Vec<Response> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..8)
            .map(|_| {
                let mut browser = person.browser.clone();
                scope.spawn(move || send(&mut browser, PATH, "wish", &wish("Лавка")))
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().expect("an answer")).collect()
    });
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 409)), "{answers:?}");
    assert!(answers.iter().any(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(filed(&mut person.browser), 1);
    send(&mut person.browser, PATH, "wish", &wish("Лавка")).expect(200);
    assert_eq!(filed(&mut person.browser), 1);
}

fn staff_may_repeat_themselves_too(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, COMPANY, 75);
    let filed = send(&mut person.browser, PATH, "wish", &wish("Лавка")).expect(200).json();
    let case = format!("/api/admin/v1/requests/{}", filed["id"].as_str().expect("an id"));
    let mut staff = server.staff(COMPANY);
    let note = json!({ "text": "Позвонить жильцу", "internal": true });
    for _ in 0..2 {
        let answer = send(&mut staff, &format!("{case}/comments"), "note-1", &note);
        assert!((200..300).contains(&answer.status), "{}", answer.text());
    }
    let notes = staff.call("GET", &case, None).expect(200).text();
    assert_eq!(notes.matches("Позвонить жильцу").count(), 1, "{notes}");
}
