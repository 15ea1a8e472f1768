//! People: registration, recovery, settings, leaving, as they are met over HTTP.

mod leaving;
mod limits;
mod mail_domains;
mod optional;
mod recovery;
mod registration;
mod routes;
mod settings;

use std::sync::atomic::{AtomicU32, Ordering};

use kabinet_tests::{Browser, Response, Server};

/// The company whose residents these tests are.
pub(crate) const COMPANY: &str = "beregovoy";
/// A password that is good enough.
pub(crate) const PASSWORD: &str = "тихая заводь у моста";

/// An e-mail that nobody else uses in this process.
pub(crate) fn fresh_email(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("{name}-{}@people.example", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Sends the registration form; the letter is on its way.
pub(crate) fn apply(browser: &mut Browser, email: &str, password: &str) {
    let form = browser.registration(email, password);
    assert_eq!(browser.submit(&form).expect(303).location(), "/register/sent");
}

/// Presses the button of the page behind an activation letter's link.
pub(crate) fn activate(browser: &mut Browser, path: &str) -> Response {
    let form = browser.page(path).form("/activate");
    browser.submit(&form)
}

/// A resident of one's own: registered, activated, logged in.
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) browser: Browser,
}

pub(crate) fn person(server: &Server, name: &str) -> Person {
    let (mut browser, email) = (server.stranger(COMPANY), fresh_email(name));
    apply(&mut browser, &email, PASSWORD);
    let path = server.letter(&email, "Активация").path("/activate");
    assert_eq!(activate(&mut browser, &path).expect(303).location(), "/");
    browser.log_in(&email, PASSWORD);
    Person { email, browser }
}

impl Person {
    /// Another browser of the same person, logged in; `agent` is its name of itself.
    pub(crate) fn elsewhere(&self, server: &Server, agent: &str) -> Browser {
        let mut browser = server.stranger(COMPANY);
        let form = browser.page("/").form("/login").with("email", &self.email).with("password", PASSWORD);
        let origin = format!("http://{}", browser.host);
        let headers =
            [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", &*origin), ("User-Agent", agent)];
        let body = kabinet_tests::browser::form_encoded(&form.fields);
        browser.send("POST", "/login", &headers, Some(body.as_bytes())).expect(303);
        browser
    }

    /// Sends fields to an address of the settings, with the form token of the page.
    pub(crate) fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> Response {
        send(&mut self.browser, path, fields)
    }
}

/// Sends fields with the form token of the settings page.
pub(crate) fn send(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Response {
    let token = browser.page("/settings").form("/logout").value("csrf").expect("a token").to_owned();
    let mut pairs = vec![("csrf".to_owned(), token)];
    pairs.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    browser.post(path, &pairs)
}

/// The fields that a refused form names.
pub(crate) fn refused_fields(answer: Response) -> Vec<String> {
    let page = answer.expect(422).page();
    assert!(page.title().starts_with("Ошибка:"), "{}", page.title());
    page.refusals().into_iter().map(|(field, _)| field).collect()
}
