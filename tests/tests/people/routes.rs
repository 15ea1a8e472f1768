//! Route × role × status: every page and every operation there is. A new one fails here until it stands in a
//! table.

use std::collections::BTreeSet;

use kabinet_server::App;
use kabinet_tests::server::NOW;
use kabinet_tests::world::{self, PASSWORD, Person};
use kabinet_tests::{Browser, Kind, Server, block_on, on_both_databases};
use serde_json::{Value, json};

use crate::{COMPANY, optional};

mod houses;
mod operations;

use houses::HOUSES;
use operations::{OPERATIONS, RUNS};

pub(crate) use operations::api;

on_both_databases![
    the_tables_hold_every_route_there_is,
    every_page_answers_each_role_as_the_table_says,
    every_operation_answers_each_role_as_the_table_says,
    every_form_asks_for_its_token_and_its_own_origin,
    every_operation_refuses_another_origin,
];

/// Statuses for a guest, a resident without accounts, a helper who sees no sums, one who sees them, the
/// holder. Whoever is logged in elsewhere (at another company, as staff) is a guest here.
pub(crate) type Statuses = [u16; 5];

pub(crate) const fn all(status: u16) -> Statuses {
    [status; 5]
}

/// Residents, with or without an account.
pub(crate) const fn residents(status: u16) -> Statuses {
    [303, status, status, status, status]
}

/// Nobody but the holder; to the others there is nothing.
pub(crate) const fn holder(status: u16) -> Statuses {
    [303, 404, 404, 404, status]
}

/// Those who see sums.
const fn sums(status: u16) -> Statuses {
    [303, 404, 404, status, status]
}

pub(crate) const NO_FORM: Statuses = all(405);
pub(crate) const NO_PAGE: Statuses = all(405);

/// Pattern, an address of it, the answers to GET and to an empty form. `{account}` and `{meter}` are the
/// holder's.
const PAGES: [(&str, &str, Statuses, Statuses); 51] = [
    ("/", "/", [200, 303, 303, 303, 303], NO_FORM),
    ("/login", "/login", all(303), all(422)),
    ("/register", "/register", [200, 303, 303, 303, 303], all(422)),
    ("/register/sent", "/register/sent", all(200), NO_FORM),
    ("/activate", "/activate?token=none", all(404), all(422)),
    ("/consent", "/consent", all(200), NO_FORM),
    ("/recover", "/recover", all(200), all(422)),
    ("/recover/sent", "/recover/sent", all(200), NO_FORM),
    ("/recover/new", "/recover/new?token=none", all(404), all(422)),
    ("/settings", "/settings", residents(200), residents(422)),
    ("/settings/email", "/settings/email?token=none", all(404), all(422)),
    ("/settings/email/cancel", "/settings/email/cancel", NO_PAGE, all(303)),
    ("/settings/sessions", "/settings/sessions", NO_PAGE, residents(404)),
    ("/settings/sessions/others", "/settings/sessions/others", NO_PAGE, all(303)),
    ("/settings/export", "/settings/export", NO_PAGE, all(303)),
    ("/settings/export/:token", "/settings/export/none", residents(404), NO_FORM),
    ("/settings/consent", "/settings/consent", residents(200), NO_FORM),
    ("/esia/login", "/esia/login", all(303), NO_FORM),
    ("/esia/callback", "/esia/callback?state=none&code=none", all(400), NO_FORM),
    ("/esia/link", "/esia/link", residents(200), all(303)),
    ("/esia/unlink", "/esia/unlink", all(303), all(303)),
    ("/esia/join", "/esia/join", all(400), NO_FORM),
    ("/esia/join/consent", "/esia/join/consent", all(303), all(400)),
    ("/esia/join/password", "/esia/join/password", all(303), all(400)),
    ("/esia/join/email", "/esia/join/email", all(303), all(400)),
    ("/esia/join/sent", "/esia/join/sent", all(200), NO_FORM),
    ("/esia/confirm", "/esia/confirm?token=none", all(200), all(400)),
    ("/accounts", "/accounts", residents(200), NO_FORM),
    ("/accounts/link", "/accounts/link", residents(200), all(303)),
    ("/accounts/invitation", "/accounts/invitation?token=none", all(200), residents(404)),
    ("/accounts/:id/select", "/accounts/{account}/select", NO_PAGE, [303, 404, 303, 303, 303]),
    ("/accounts/:id/helpers", "/accounts/{account}/helpers", holder(200), holder(422)),
    ("/accounts/:id/helpers/:grant/revoke", "/accounts/{account}/helpers/{none}/revoke", NO_PAGE, residents(404)),
    ("/overview", "/overview", residents(200), NO_FORM),
    ("/services", "/services", sums(200), NO_FORM),
    ("/charges", "/charges", sums(200), NO_FORM),
    ("/charges/difference", "/charges/difference", sums(200), NO_FORM),
    ("/payments", "/payments", sums(200), NO_FORM),
    ("/documents", "/documents", sums(200), NO_FORM),
    ("/documents/:period", "/documents/2026-10.pdf", sums(200), NO_FORM),
    ("/documents/:period/:kind", "/documents/2026-10/utilities.pdf", sums(200), NO_FORM),
    ("/meters", "/meters", [303, 303, 200, 200, 200], NO_FORM),
    ("/meters/readings", "/meters/readings", [303, 303, 200, 200, 200], [303, 404, 422, 422, 422]),
    ("/meters/:id", "/meters/{meter}", [303, 404, 200, 200, 200], NO_FORM),
    ("/meters/:id/photos/:photo", "/meters/{meter}/photos/{none}", residents(404), NO_FORM),
    ("/readings", "/readings", all(200), all(200)),
    ("/readings/submit", "/readings/submit", all(303), all(303)),
    ("/readings/link/:token", "/readings/link/none", all(404), all(404)),
    // What cannot be taken back comes last.
    ("/accounts/:id/unlink", "/accounts/{account}/unlink", holder(200), holder(303)),
    ("/logout", "/logout", NO_PAGE, all(303)),
    ("/settings/delete", "/settings/delete", residents(200), all(303)),
];

fn operations() -> impl Iterator<Item = &'static (&'static str, &'static str, &'static str, Statuses, u16)> {
    OPERATIONS.iter().chain(&HOUSES).chain(&RUNS).chain(&optional::OPERATIONS)
}

/// The optional modules' pages come first: what cannot be taken back comes last.
fn pages() -> impl Iterator<Item = &'static (&'static str, &'static str, Statuses, Statuses)> {
    optional::PAGES.iter().chain(&PAGES)
}

/// Somebody in each role, and what the addresses of the tables stand for.
struct Cast {
    guest: Browser,
    /// Logged in at another company, with those cookies here.
    elsewhere: Browser,
    staff: Browser,
    people: [Person; 4],
    account: String,
    meter: String,
}

impl Cast {
    /// `number` is a flat that no other test of this file takes.
    fn of(server: &Server, number: usize) -> Self {
        let known = world::flat(server, COMPANY, number);
        let mut holder = world::holder(server, COMPANY, &known);
        let mut helper = |access: &str| {
            let mut helper = world::newcomer(server, COMPANY);
            holder.invite(known.id, &helper.email, access, "30.11.2026").expect(303);
            helper.accept_invitation(server);
            helper
        };
        let (readings, sums) = (helper("readings"), helper("sums"));
        let meters = holder.browser.call("GET", "/api/v1/meters", None).expect(200).json();
        let meter = meters["meters"][0]["id"].as_str().expect("a meter").to_owned();
        let mut elsewhere = server.stranger(COMPANY);
        elsewhere.cookies = world::newcomer(server, "teploset").browser.cookies;
        let (mut staff, admin) = (server.stranger(COMPANY), &server.facts().company(COMPANY).admin);
        let login = json!({ "email": admin.email, "password": admin.password });
        staff.call("POST", "/api/admin/v1/session", Some(&login)).expect(204);
        let people = [world::newcomer(server, COMPANY), readings, sums, holder];
        Self { guest: server.stranger(COMPANY), elsewhere, staff, people, account: known.id.to_string(), meter }
    }

    fn address(&self, address: &str) -> String {
        let none = "0193a1c0-0000-7000-8000-0000000000ff";
        address.replace("{account}", &self.account).replace("{meter}", &self.meter).replace("{none}", none)
    }

    /// The browsers with the status that each is to be answered with.
    fn roles(
        &mut self,
        [guest, none, readings, sums, holder]: Statuses,
        staff: u16,
    ) -> [(&'static str, &mut Browser, u16); 7] {
        let [first, second, third, fourth] = &mut self.people;
        [
            ("a guest", &mut self.guest, guest),
            ("another company's resident", &mut self.elsewhere, guest),
            ("staff", &mut self.staff, staff),
            ("a resident without accounts", &mut first.browser, none),
            ("a helper without sums", &mut second.browser, readings),
            ("a helper with sums", &mut third.browser, sums),
            ("the holder", &mut fourth.browser, holder),
        ]
    }
}

/// The form token of a browser's pages.
fn token(browser: &mut Browser) -> String {
    browser.page("/recover").one("[name=csrf]").attribute("value").expect("a token").to_owned()
}

fn the_tables_hold_every_route_there_is(kind: Kind) {
    let server = Server::shared(kind);
    let app = block_on(App::open(server.database.config(NOW))).expect("the platform");
    let page = |path: &str| format!("page {path}");
    let mut there: BTreeSet<String> = app.page_paths().into_iter().map(page).collect();
    let document = server.stranger(COMPANY).get("/api/openapi.json").expect(200).json();
    let paths = document["paths"].as_object().expect("paths");
    let methods =
        |item: &Value| item.as_object().expect("operations").keys().map(|key| key.to_uppercase()).collect::<Vec<_>>();
    for (path, item) in paths {
        there.extend(methods(item).into_iter().map(|method| format!("{method} {path}")));
    }
    let listed = pages().map(|(pattern, ..)| page(pattern));
    let listed: BTreeSet<String> = listed.chain(operations().map(|(operation, ..)| (*operation).to_owned())).collect();
    let (unlisted, gone): (Vec<_>, Vec<_>) = (there.difference(&listed).collect(), listed.difference(&there).collect());
    assert!(
        unlisted.is_empty() && gone.is_empty(),
        "tests/tests/people/routes.rs, its folder and optional.rs want a row for {unlisted:#?}; no more there: {gone:#?}"
    );
}

fn every_page_answers_each_role_as_the_table_says(kind: Kind) {
    let server = Server::shared(kind);
    let mut cast = Cast::of(server, 0);
    let mut wrong = Vec::new();
    for &(pattern, address, shown, sent) in pages() {
        let address = cast.address(address);
        if pattern == "/settings/delete" {
            // The row before ended the sessions.
            for person in &mut cast.people {
                person.browser.log_in(&person.email, PASSWORD);
            }
        }
        for (method, expected) in [("GET", shown), ("POST", sent)] {
            for (role, browser, expected) in cast.roles(expected, expected[0]) {
                let answer = match method {
                    "GET" => browser.get(&address),
                    _ => {
                        let fields = [("csrf".to_owned(), token(browser))];
                        browser.post(address.split('?').next().unwrap_or_default(), &fields)
                    }
                };
                if answer.status != expected {
                    wrong.push(format!("{method} {pattern} for {role}: {}, not {expected}", answer.status));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(cast.people.iter_mut().all(|person| person.browser.get("/settings").status == 303), "all have left");
}

fn every_operation_answers_each_role_as_the_table_says(kind: Kind) {
    let mut cast = Cast::of(Server::shared(kind), 1);
    let mut wrong = Vec::new();
    for (operation, address, body, expected, staff) in operations() {
        let (method, address) = (operation.split(' ').next().unwrap_or_default(), cast.address(address));
        let body: Option<Value> = serde_json::from_str(body).ok();
        for (role, browser, expected) in cast.roles(*expected, *staff) {
            let answer = browser.call(method, &address, body.as_ref());
            if answer.status != expected {
                wrong.push(format!("{operation} for {role}: {}, not {expected}", answer.status));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn every_form_asks_for_its_token_and_its_own_origin(kind: Kind) {
    let mut cast = Cast::of(Server::shared(kind), 2);
    let (account, meter) = (cast.account.clone(), cast.meter.clone());
    for (pattern, address, _, sent) in pages().filter(|(.., sent)| *sent != NO_FORM) {
        let address = address.split('?').next().unwrap_or_default();
        let address = address.replace("{account}", &account).replace("{meter}", &meter);
        let holder = &mut cast.people[3].browser;
        let own = [("csrf".to_owned(), token(holder))];
        let foreign = [("csrf".to_owned(), token(&mut cast.guest))];
        assert_eq!(holder.post(&address, &foreign).status, 403, "{pattern}: a stranger's token");
        assert_eq!(holder.post(&address, &[]).status, 403, "{pattern}: no token");
        for origin in ["http://evil.example", "null", "https://beregovoy.localhost"] {
            assert_eq!(holder.post_from(origin, &address, &own).status, 403, "{pattern} from {origin}");
        }
        // A page for everybody asks guests for theirs as well.
        let status = cast.guest.post(&address, &own).status;
        assert!(status == 403 || status == 303 && sent[0] == 303, "{pattern} for a guest: {status}");
    }
    let holder = &mut cast.people[3].browser;
    assert_eq!((holder.get("/settings").status, holder.get("/charges").status), (200, 200), "nothing happened");
}

fn every_operation_refuses_another_origin(kind: Kind) {
    let mut cast = Cast::of(Server::shared(kind), 3);
    for (operation, address, body, ..) in operations() {
        let (method, address) = (operation.split(' ').next().unwrap_or_default(), cast.address(address));
        let headers = [("Origin", "http://evil.example"), ("Content-Type", "application/json")];
        let body = Some(body.as_bytes()).filter(|body| !body.is_empty());
        for browser in [&mut cast.guest, &mut cast.staff] {
            let status = browser.send(method, &address, &headers, body).status;
            assert!([401, 403].contains(&status), "{operation}: {status}");
        }
        let status = cast.people[3].browser.send(method, &address, &headers, body).status;
        let admin = address.starts_with("/api/admin") && !address.ends_with("/session");
        assert!(status == 403 || admin && status == 401, "{operation} for the holder: {status}");
    }
    assert_eq!(cast.people[3].browser.get("/settings").status, 200);
}
