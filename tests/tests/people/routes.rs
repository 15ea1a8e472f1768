//! Route × role × status, for the pages of people.

use kabinet_tests::{Browser, Kind, Server, on_both_databases};
use serde_json::json;

use crate::{COMPANY, person, stranger};

on_both_databases![every_route_answers_each_role_as_the_table_says, every_form_asks_for_its_token];

/// Method, path, status for a guest, for a resident. A staff member's session opens no resident's page: it
/// counts as a guest's.
const TABLE: [(&str, &str, u16, u16); 29] = [
    ("GET", "/register", 200, 303),
    ("GET", "/register/sent", 200, 200),
    ("GET", "/activate?token=none", 404, 404),
    ("GET", "/activate", 404, 404),
    ("GET", "/consent", 200, 200),
    ("GET", "/recover", 200, 200),
    ("GET", "/recover/sent", 200, 200),
    ("GET", "/recover/new?token=none", 404, 404),
    ("GET", "/settings", 303, 200),
    ("GET", "/settings/email?token=none", 404, 404),
    ("GET", "/settings/export/none", 303, 404),
    ("GET", "/settings/consent", 303, 200),
    ("GET", "/settings/delete", 303, 200),
    ("GET", "/settings/sessions", 405, 405),
    ("POST", "/register", 422, 422),
    ("POST", "/activate", 422, 422),
    ("POST", "/recover", 422, 422),
    ("POST", "/recover/new", 422, 422),
    ("POST", "/settings", 303, 422),
    ("POST", "/settings/email", 422, 422),
    ("POST", "/settings/email/cancel", 303, 303),
    ("POST", "/settings/sessions", 303, 404),
    ("POST", "/settings/sessions/others", 303, 303),
    ("POST", "/settings/export", 303, 303),
    ("GET", "/api/v1/me", 401, 200),
    ("GET", "/api/v1/me/sessions", 401, 200),
    ("PATCH", "/api/v1/me", 401, 200),
    ("DELETE", "/api/v1/me/sessions/none", 401, 404),
    ("POST", "/settings/delete", 303, 303),
];

fn token(browser: &mut Browser) -> String {
    browser.page("/accessibility");
    let path = if browser.get("/settings").status == 200 { "/settings/delete" } else { "/recover" };
    let page = browser.page(path);
    page.one("[name=csrf]").attribute("value").expect("a token").to_owned()
}

fn ask(browser: &mut Browser, method: &str, path: &str) -> u16 {
    match method {
        "POST" => {
            let fields = [("csrf".to_owned(), token(browser))];
            browser.post(path, &fields).status
        }
        _ if path.starts_with("/api/") => {
            let body = (method == "PATCH").then(|| json!({ "phone": "+7 912 345-67-89" }));
            browser.call(method, path, body.as_ref()).status
        }
        _ => browser.get(path).status,
    }
}

fn every_route_answers_each_role_as_the_table_says(kind: Kind) {
    let server = Server::shared(kind);
    let mut resident = person(server, "table").browser;
    let mut staff = stranger(server);
    let admin = &server.facts().company(COMPANY).admin;
    let login = json!({ "email": admin.email, "password": admin.password });
    staff.call("POST", "/api/admin/v1/session", Some(&login)).expect(204);
    let mut wrong = Vec::new();
    for (method, path, for_guest, for_resident) in TABLE {
        let roles = [
            ("guest", &mut stranger(server), for_guest),
            ("staff", &mut staff, for_guest),
            ("resident", &mut resident, for_resident),
        ];
        for (role, browser, expected) in roles {
            let status = ask(browser, method, path);
            if status != expected {
                wrong.push(format!("{method} {path} for {role}: {status}, not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(resident.get("/settings").status, 303, "the last row deleted the login");
}

fn every_form_asks_for_its_token(kind: Kind) {
    let server = Server::shared(kind);
    let mut resident = person(server, "tokens").browser;
    for (_, path, ..) in TABLE.iter().filter(|(method, ..)| *method == "POST") {
        let foreign = [("csrf".to_owned(), "x".to_owned())];
        assert_eq!(resident.post(path, &foreign).status, 403, "{path}");
        assert_eq!(resident.post_from("http://evil.example", path, &foreign).status, 403, "{path}");
    }
    assert_eq!(resident.get("/settings").status, 200);
}
