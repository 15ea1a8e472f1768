//! Holders change, accounts close: former links end, with a letter.

use kabinet_tests::{Browser, Kind, Response, Server, on_both_databases};
use serde_json::{Value, json};

use crate::SLUG;
use crate::codes::printed_code;
use crate::world::{Known, Person, flat, newcomer};

on_both_databases![
    a_change_of_holder_ends_the_links_with_a_letter,
    a_change_recorded_late_shows_no_receipt_that_names_the_former_holder,
    a_closed_account_is_read_only,
    only_staff_with_the_right_change_accounts,
];

fn admin(server: &Server) -> Browser {
    let admin = &server.facts().company(SLUG).admin;
    let mut browser = server.browser(SLUG);
    let login = json!({ "email": admin.email, "password": admin.password });
    browser.call("POST", "/api/admin/v1/session", Some(&login)).expect(204);
    browser
}

fn change(browser: &mut Browser, known: &Known, what: &str, body: &Value) -> Response {
    browser.call("POST", &format!("/api/admin/v1/accounts/{}/{what}", known.id), Some(body))
}

fn linked(server: &Server, known: &Known) -> Person {
    let mut person = newcomer(server, SLUG);
    person.link(&known.account, &known.house, &known.flat, &known.surname).expect(303);
    person
}

fn a_change_of_holder_ends_the_links_with_a_letter(kind: Kind) {
    let server = Server::shared(kind);
    let known = flat(server, SLUG, 20);
    let mut former = linked(server, &known);
    let code = printed_code(&mut former).expect("a code");
    let body = json!({ "from": "2026-11-20", "holders": [
        { "kind": "person", "surname": "Новосёлова", "given_name": "Анна", "share_numerator": 1, "share_denominator": 2 },
        { "kind": "legal", "organisation": "ООО «Новосёл»", "inn": "7448000010", "share_numerator": 1, "share_denominator": 2 },
    ] });
    change(&mut admin(server), &known, "holder", &body).expect(204);
    assert!(former.linked().is_empty());
    former.browser.get("/charges").expect(404);
    let letter = server.letter(&former.email, "Привязка лицевого счёта завершена");
    assert!(letter.text.contains("сменился собственник") && letter.text.contains(&known.account));
    assert!(!letter.text.contains("Новос"), "the new holder is not named");
    // Neither the former surname nor the code on the former holder's receipt links any more.
    let mut again = newcomer(server, SLUG);
    again.link(&known.account, &known.house, &known.flat, &known.surname).expect(422);
    again.prove("code", &code).expect(422);
    again.prove("surname", "новоселова").expect(303);
    assert_eq!(again.linked(), [known.account]);
    // The new holder sees what the account owes, and no receipt that names the former one.
    let overview = again.browser.page("/overview");
    assert!(overview.figure("debt").is_some() && !overview.text().contains("Распечатать квитанцию"));
    assert!(!again.browser.page("/documents").text().contains("2026"));
    again.browser.get("/documents/2026-10.pdf").expect(404);
    again.browser.get("/documents/2026-10/utilities.pdf").expect(404);
    assert!(!again.browser.page("/charges").text().contains(&known.surname));
}

fn a_change_recorded_late_shows_no_receipt_that_names_the_former_holder(kind: Kind) {
    let server = Server::shared(kind);
    let known = flat(server, SLUG, 24);
    // The flat was sold in August, which the company hears in November: the receipts since name the seller.
    let body = json!({ "from": "2026-08-15", "holders": [{ "kind": "person", "surname": "Покупатель" }] });
    change(&mut admin(server), &known, "holder", &body).expect(204);
    let mut buyer = newcomer(server, SLUG);
    buyer.link(&known.account, &known.house, &known.flat, "Покупатель").expect(303);
    for month in ["2026-08", "2026-09", "2026-10"] {
        buyer.browser.get(&format!("/documents/{month}.pdf")).expect(404);
    }
    assert!(!buyer.browser.page("/documents").text().contains("2026"));
    let listed = buyer.browser.call("GET", "/api/v1/documents", None).expect(200).text();
    assert!(!listed.contains("2026-09"), "{listed}");
}

fn a_closed_account_is_read_only(kind: Kind) {
    let server = Server::shared(kind);
    let known = flat(server, SLUG, 21);
    let mut person = linked(server, &known);
    change(&mut admin(server), &known, "close", &json!({ "on": "2026-11-21" })).expect(204);
    assert!(person.linked().is_empty());
    let _ = server.letter(&person.email, "Привязка лицевого счёта завершена");
    change(&mut admin(server), &known, "close", &json!({ "on": "2026-11-21" })).expect(422);
    // The last holder may look back, and change nothing.
    person.link(&known.account, &known.house, &known.flat, &known.surname).expect(303);
    assert!(person.browser.page("/overview").figure("debt").is_some());
    let answer = person.browser.call("POST", "/api/v1/meters/readings", Some(&json!({ "readings": [] }))).expect(422);
    assert_eq!(answer.json()["code"], "meters.account_closed");
    let form = person.browser.page("/accounts").form("/logout");
    let fields = [
        ("csrf", form.value("csrf").expect("a token")),
        ("email", "a@b.example"),
        ("access", "readings"),
        ("until", "30.11.2026"),
    ];
    let fields: Vec<(String, String)> = fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    person.browser.post(&format!("/accounts/{}/helpers", known.id), &fields).expect(422);
}

fn only_staff_with_the_right_change_accounts(kind: Kind) {
    let server = Server::shared(kind);
    let known = flat(server, SLUG, 22);
    let body = json!({ "from": "2026-11-20", "holders": [{ "kind": "person", "surname": "Чужая" }] });
    change(&mut server.browser(SLUG), &known, "holder", &body).expect(401);
    change(&mut linked(server, &known).browser, &known, "holder", &body).expect(401);
    let mut browser = admin(server);
    let unknown = "0193a1c0-0000-7000-8000-0000000000ff";
    browser.call("POST", &format!("/api/admin/v1/accounts/{unknown}/holder"), Some(&body)).expect(404);
    let wrong = [
        json!({ "from": "2027-11-20", "holders": [{ "kind": "person", "surname": "Чужая" }] }),
        json!({ "from": "вчера", "holders": [{ "kind": "person", "surname": "Чужая" }] }),
        json!({ "from": "2026-11-20", "holders": [] }),
        json!({ "from": "2026-11-20", "holders": [{ "kind": "person", "surname": " " }] }),
        json!({ "from": "2026-11-20", "holders": [{ "kind": "legal", "organisation": "ООО", "inn": "12" }] }),
        json!({ "from": "2026-11-20", "holders": [{ "kind": "person", "surname": "Чужая", "share_denominator": 2 }] }),
        json!({ "from": "2026-11-20", "holders": [{ "kind": "person", "surname": "А" }, { "kind": "person", "surname": "Б" }] }),
    ];
    for body in wrong {
        assert_eq!(change(&mut browser, &known, "holder", &body).status, 422, "{body}");
    }
}
