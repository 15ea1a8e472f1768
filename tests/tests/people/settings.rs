//! Настройки: смена адреса, телефона, пароля; сеансы.

use std::time::Duration;

use kabinet_core::Actor;
use kabinet_tests::{Kind, Server, block_on, on_both_databases, wait_for, wait_until};
use kabinet_web::session;
use serde_json::json;

use crate::{COMPANY, PASSWORD, fresh_email, person, refused_fields, send};

on_both_databases![
    the_email_changes_after_the_link_only,
    an_email_of_somebody_else_is_not_told,
    the_phone_is_changed_and_forgiven_its_spelling,
    the_password_is_changed_with_the_current_one,
    sessions_are_listed_and_ended,
    a_visit_is_noted_once_an_hour,
    a_session_that_is_over_is_nobodys,
];

const CHROME: &str =
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36";

fn the_email_changes_after_the_link_only(kind: Kind) {
    let server = Server::shared(kind);
    let mut person = person(server, "moves");
    let mut elsewhere = person.elsewhere(server, CHROME);
    let (old, new) = (person.email.clone(), fresh_email("moved"));
    assert_eq!(refused_fields(person.send("/settings", &[("email", "не адрес")])), ["email"]);
    assert_eq!(refused_fields(person.send("/settings", &[("email", &old.to_uppercase())])), ["email"]);
    assert_eq!(person.send("/settings", &[("email", &new)]).expect(303).location(), "/settings");
    let page = person.browser.page("/settings");
    assert!(page.one("main .notice .long").text().contains(&new), "the pending notice");
    assert_eq!(page.one("#email").attribute("value"), Some(old.as_str()), "the login is still the old one");
    assert!(server.letter(&old, "Запрошена смена").text.contains(&new));
    let path = server.letter(&new, "Подтвердите").path("/settings/email");
    server.stranger(COMPANY).try_log_in(&new, PASSWORD).expect(422);
    // Looking changes nothing; a withdrawn wish makes the link void; the next link works.
    let _ = person.browser.page(&path);
    server.stranger(COMPANY).try_log_in(&new, PASSWORD).expect(422);
    person.send("/settings/email/cancel", &[]).expect(303);
    person.browser.get(&path).expect(404);
    assert!(!person.browser.page("/settings").has("main .notice .long"));
    person.send("/settings", &[("email", &new)]).expect(303);
    let next = wait_for("the second letter", || {
        Some(server.letter(&new, "Подтвердите").path("/settings/email")).filter(|next| *next != path)
    });
    let form = person.browser.page(&next).form("/settings/email");
    person.browser.submit(&form).expect(303);
    assert!(person.browser.is_logged_in(), "the session that confirmed goes on");
    assert!(!elsewhere.is_logged_in(), "the others are over");
    assert!(server.letter(&old, "изменён").text.contains(&new));
    person.browser.submit(&form).expect(422);
    server.stranger(COMPANY).try_log_in(&old, PASSWORD).expect(422);
    server.stranger(COMPANY).log_in(&new, PASSWORD);
}

fn an_email_of_somebody_else_is_not_told(kind: Kind) {
    let server = Server::shared(kind);
    let other = person(server, "other").email;
    let mut person = person(server, "curious");
    let mut ask = |email: &str| {
        let (status, headers, _) = person.send("/settings", &[("email", email)]).expect(303).fingerprint();
        let page = person.browser.page("/settings").one("main").text();
        (status, headers, page.replace(email, "EMAIL"))
    };
    assert_eq!(ask(&other), ask(&fresh_email("nobody")));
    // Its owner hears that nothing changed; no link came.
    assert!(server.letter(&other, "Смена адреса").links().iter().all(|link| !link.contains("token=")));
}

fn the_phone_is_changed_and_forgiven_its_spelling(kind: Kind) {
    let mut person = person(Server::shared(kind), "calls");
    person.send("/settings", &[("phone", "8-950-111-22-33")]).expect(303);
    let page = person.browser.page("/settings");
    assert_eq!(page.one("#phone").attribute("value"), Some("+7 950 111-22-33"));
    let answer = person.send("/settings", &[("phone", "телефон")]);
    assert_eq!(answer.page().one("#phone").attribute("value"), Some("телефон"), "the value is kept");
    assert_eq!(refused_fields(answer), ["phone"]);
    // Programs change it too.
    let change = json!({ "phone": "9501112244" });
    let me = person.browser.call("PATCH", "/api/v1/me", Some(&change)).expect(200).json();
    assert_eq!(me["phone"], "+79501112244");
    let wrong = person.browser.call("PATCH", "/api/v1/me", Some(&json!({ "phone": "1" }))).expect(422).json();
    assert_eq!((&wrong["code"], &wrong["fields"][0]["field"]), (&"residents.wrong_phone".into(), &"phone".into()));
}

fn the_password_is_changed_with_the_current_one(kind: Kind) {
    let server = Server::shared(kind);
    let mut person = person(server, "changes");
    let mut elsewhere = person.elsewhere(server, CHROME);
    let new = "другая заводь у моста";
    let fields = |current: &'static str, one: &'static str, two: &'static str| {
        [("current_password", current), ("password", one), ("password_repeat", two)]
    };
    assert_eq!(refused_fields(person.send("/settings", &fields("", new, new))), ["current_password"]);
    assert_eq!(refused_fields(person.send("/settings", &fields("не тот пароль", new, new))), ["current_password"]);
    assert_eq!(
        refused_fields(person.send("/settings", &fields(PASSWORD, "1234567890", "1"))),
        ["password", "password_repeat"]
    );
    person.send("/settings", &fields(PASSWORD, new, new)).expect(303);
    assert!(person.browser.is_logged_in() && !elsewhere.is_logged_in());
    let _ = server.letter(&person.email, "Пароль изменён");
    server.stranger(COMPANY).try_log_in(&person.email, PASSWORD).expect(422);
    server.stranger(COMPANY).log_in(&person.email, new);
    // Guessing the current password is limited.
    let guess = |person: &mut crate::Person| person.send("/settings", &fields("не тот пароль", new, new)).status;
    let statuses: Vec<u16> = (0..11).map(|_| guess(&mut person)).collect();
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
}

fn sessions_are_listed_and_ended(kind: Kind) {
    let server = Server::shared(kind);
    let mut person = person(server, "many");
    let mut phone = person.elsewhere(server, CHROME);
    let mut third = person.elsewhere(server, "curl/8");
    let page = person.browser.page("/settings");
    let rows: Vec<String> = page.all("main ul.rows li").iter().map(|row| row.text()).collect();
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert_eq!(rows.iter().filter(|row| row.contains("это вы")).count(), 1, "{rows:?}");
    let row = rows.iter().find(|row| row.contains("Chrome, Android")).expect("the phone");
    assert!(row.contains(&phone.from) && row.contains("22.11.2026"), "{row}");
    // The name of a session opens nothing, and ends nobody else's.
    let listed = person.browser.call("GET", "/api/v1/me/sessions", None).expect(200).json();
    let items = listed["items"].as_array().expect("items").clone();
    let name = |device: &str| {
        let found = items.iter().find(|item| item["device"].as_str().is_some_and(|it| it.contains(device)));
        found.and_then(|item| item["id"].as_str()).expect("a session").to_owned()
    };
    let mut thief = server.stranger(COMPANY);
    thief.cookies = vec![("kabinet".into(), name("Chrome"))];
    assert!(!thief.is_logged_in());
    let mut other = crate::person(server, "neighbour");
    other.send("/settings/sessions", &[("session", &name("Chrome"))]).expect(404);
    assert!(phone.is_logged_in());
    person.send("/settings/sessions", &[("session", &name("Chrome"))]).expect(303);
    assert!(!phone.is_logged_in() && third.is_logged_in());
    // All the others at once; a fourth through the API.
    let fourth = person.elsewhere(server, "Firefox/1 Windows");
    let listed = person.browser.call("GET", "/api/v1/me/sessions", None).expect(200).json();
    let named = listed["items"].as_array().expect("items").iter().find(|item| item["device"] == "Firefox, Windows");
    let path = format!("/api/v1/me/sessions/{}", named.expect("the fourth")["id"].as_str().expect("an id"));
    person.browser.call("DELETE", &path, None).expect(204);
    person.browser.call("DELETE", &path, None).expect(404);
    assert!(!fourth.clone().is_logged_in());
    send(&mut person.browser, "/settings/sessions/others", &[]).expect(303);
    assert!(!third.is_logged_in() && person.browser.is_logged_in());
}

/// Moves the stored last visits two hours back, then waits until the next request's note is there.
fn a_visit_is_noted_once_an_hour(kind: Kind) {
    let server = Server::shared(kind);
    let mut person = person(server, "visits");
    let seen = |browser: &mut kabinet_tests::Browser| {
        let listed = browser.call("GET", "/api/v1/me/sessions", None).expect(200).json();
        listed["items"][0]["seen_at"].as_i64().expect("a moment")
    };
    let first = seen(&mut person.browser);
    assert_eq!(seen(&mut person.browser), first, "no write within the hour");
    change_session(server, &person.email, "seen_at = seen_at - 7200000");
    wait_until("the note of the visit", || seen(&mut person.browser) >= first);
}

fn a_session_that_is_over_is_nobodys(kind: Kind) {
    let server = Server::shared(kind);
    let mut person = person(server, "expires");
    assert!(person.browser.is_logged_in());
    change_session(server, &person.email, "expires_at = 1");
    wait_until("the end of the session", || !person.browser.is_logged_in());
    // Nor is it anybody's when it is read anew, which a server does half a second after a change at the latest.
    for _ in 0..8 {
        change_session(server, &person.email, "expires_at = 1");
        std::thread::sleep(Duration::from_millis(150));
        assert!(!person.browser.is_logged_in());
    }
}

/// Changes the one session of a person, and says so to the server.
fn change_session(server: &Server, email: &str, change: &str) {
    let email = email.to_lowercase();
    block_on(async {
        let db = server.database.open().await;
        let company = server.database.company(&db, COMPANY).await;
        let mut tx = db.begin(&company, Actor::System).await.expect("a transaction");
        let sql = format!(
            "UPDATE session SET {change} WHERE tenant_id = $1 AND subject_id IN
             (SELECT id FROM resident r WHERE r.tenant_id = session.tenant_id AND r.email_key = $2)"
        );
        assert_eq!(tx.execute(&sql, vec![email.into()]).await.expect("an update"), 1);
        tx.touch(session::TOPIC).await.expect("a change");
        tx.commit().await.expect("a commit");
    });
}
