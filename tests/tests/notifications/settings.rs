//! What a company decides about notices, changed by staff; what residents choose, by a program.

use kabinet_residents::{password, people};
use kabinet_tests::gateways::Gateway;
use kabinet_tests::server::NOW;
use kabinet_tests::world::{holder_of_flat, in_company};
use kabinet_tests::{Browser, Database, Kind, Server, on_both_databases, wait_until};
use serde_json::{Value, json};

use crate::{COMPANY, channels, decide, message, number, only, sent, settled, token};

on_both_databases![
    what_staff_decide_holds_at_once,
    decisions_that_make_no_sense_are_refused_by_field,
    a_resident_chooses_by_a_program_as_on_the_page,
];

const SETTINGS: &str = "/api/admin/v1/notification-settings";
const PREFERENCES: &str = "/api/v1/notifications/preferences";

/// How often a staff member of the company changed settings.
fn changes(server: &Server) -> i64 {
    let sql = "SELECT COUNT(*) AS number FROM audit WHERE tenant_id = $1 AND action = 'settings.changed'
               AND actor = 'staff'";
    server.database.count(COMPANY, sql, Vec::new())
}

fn what_staff_decide_holds_at_once(kind: Kind) {
    let server = Server::demo(Database::new(kind), NOW);
    let gateway = Gateway::start();
    let set_up = channels(&["sms", "email"], &gateway);
    decide(&server, COMPANY, &set_up);
    let mut staff = server.staff(COMPANY);
    token(&mut staff, "sms");
    let (person, _) = holder_of_flat(&server, COMPANY, 0);
    let mut rules = staff.call("GET", SETTINGS, None).expect(200).json();
    assert_eq!(
        (&rules["order"], &rules["sms"]["price"], &rules["quiet"]),
        (&json!(["sms", "email"]), &json!(400), &Value::Null)
    );
    let id = sent(&mut staff, &message("По прежнему порядку", &only(person.id)));
    settled(&mut staff, &id, "sent", 1);
    assert_eq!(gateway.taken_count(), 1);

    rules["order"] = json!(["email"]);
    rules["quiet"] = json!({ "from": 22, "to": 8 });
    rules["automatic"]["debt_over"] = json!(500_000);
    rules["sms"]["per_second"] = json!(20);
    let before = changes(&server);
    let kept = staff.call("PUT", SETTINGS, Some(&rules)).expect(200).json();
    assert_eq!(kept, rules);
    assert_eq!(staff.call("GET", SETTINGS, None).expect(200).json(), rules);
    assert_eq!(changes(&server), before + 1, "and it is known who did it");
    let id = sent(&mut staff, &message("По новому порядку", &only(person.id)));
    let seen = settled(&mut staff, &id, "sent", 1);
    assert_eq!(number(&seen, "deliveries", "sent"), 1);
    let _ = server.letter(&person.email, "По новому порядку");
    assert_eq!(gateway.call_count(), 1);
    dispatcher(&server).call("PUT", SETTINGS, Some(&rules)).expect(403);
}

/// Somebody of the dispatch desk, logged in.
fn dispatcher(server: &Server) -> Browser {
    let (email, secret) = ("desk@beregovoy.example", "a-long-enough-secret");
    let hash = password::hash_now(secret).expect("a hash");
    in_company(server, COMPANY, async |tx| {
        people::create_staff(tx, tx.new_id(), email, "Проверка", "dispatcher", &hash).await.expect("a staff member");
    });
    let mut browser = server.browser(COMPANY);
    let login = json!({ "email": email, "password": secret });
    browser.call("POST", "/api/admin/v1/session", Some(&login)).expect(204);
    browser
}

fn decisions_that_make_no_sense_are_refused_by_field(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(COMPANY);
    let rules = staff.call("GET", SETTINGS, None).expect(200).json();
    let sms =
        |url: &str, price: i64| json!({ "url": url, "body": "{phone} {text}", "price": price, "monthly_cap": 1000 });
    let wrong = [
        ("order", json!(["email", "sms", "email"]), "order"),
        ("quiet", json!({ "from": 21, "to": 24 }), "quiet"),
        ("sms", sms("http://169.254.169.254/latest", 1), "sms.url"),
        ("sms", sms("https://sms.example/send", -1), "sms.price"),
        ("max", json!({ "name": "бот" }), "max.name"),
        ("telegram", json!({ "name": "bot", "base_url": "https://localhost" }), "telegram.base_url"),
    ];
    for (part, value, field) in wrong {
        let mut changed = rules.clone();
        changed[part] = value;
        let refused = staff.call("PUT", SETTINGS, Some(&changed)).expect(422).json();
        assert_eq!(
            (&refused["code"], &refused["fields"][0]["field"]),
            (&json!("notifications.invalid"), &json!(field))
        );
    }
    assert_eq!(staff.call("GET", SETTINGS, None).expect(200).json(), rules, "nothing of it was kept");
}

fn a_resident_chooses_by_a_program_as_on_the_page(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, COMPANY, 13);
    let offered = person.browser.call("GET", PREFERENCES, None).expect(200).json();
    assert_eq!(offered["channels"], json!(["email"]), "the demo's company has no other");
    assert!(offered["kinds"].as_array().is_some_and(|kinds| kinds.contains(&json!("outage"))), "{offered}");
    assert_eq!(offered["preferences"], json!({ "off": [], "order": [], "quiet": null }));
    let wanted = json!({ "off": [{ "kind": "message", "channel": "email" }], "order": ["email", "max"],
                         "quiet": { "from": 23, "to": 7 } });
    let kept = person.browser.call("PUT", PREFERENCES, Some(&wanted)).expect(200).json();
    assert_eq!(kept["preferences"], wanted);
    assert_eq!(person.browser.call("GET", PREFERENCES, None).expect(200).json(), kept);
    let page = person.browser.page("/notifications/preferences").form("/notifications/preferences");
    assert_ne!(page.value("message_email"), Some("yes"));
    assert_eq!((page.value("receipt_email"), page.value("quiet_from")), (Some("yes"), Some("23")));
    let mut staff = server.staff(COMPANY);
    let id = sent(&mut staff, &message("Только в кабинете", &only(person.id)));
    let seen = settled(&mut staff, &id, "silent", 1);
    assert_eq!(number(&seen, "deliveries", "sent"), 0);
    wait_until("the notice", || crate::titles(&mut person.browser).contains(&"Только в кабинете".to_owned()));

    for (wrong, field) in [
        (json!({ "off": [{ "kind": "weather", "channel": "email" }], "order": [] }), "off"),
        (json!({ "off": [], "order": ["max", "max"] }), "order"),
        (json!({ "off": [], "order": [], "quiet": { "from": 0, "to": 24 } }), "quiet"),
    ] {
        let refused = person.browser.call("PUT", PREFERENCES, Some(&wrong)).expect(422).json();
        assert_eq!(refused["fields"][0]["field"], field, "{refused}");
    }
    assert_eq!(person.browser.call("GET", PREFERENCES, None).expect(200).json(), kept, "nothing of it was kept");
}
