//! A person's way to the provider and back.

use kabinet_tests::browser::Response;
use kabinet_tests::{Browser, Server};

/// The value of a query's field.
pub fn field(url: &str, name: &str) -> String {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let found = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
    found.map(|(_, value)| unescaped(value)).unwrap_or_default()
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                let digits = std::str::from_utf8(&digits).expect("two digits");
                bytes.push(u8::from_str_radix(digits, 16).expect("hexadecimal"));
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// The path behind an address of `host`.
#[track_caller]
pub fn path_on(url: &str, host: &str) -> String {
    let (_, rest) = url.split_once("://").unwrap_or_else(|| panic!("no address: {url}"));
    let path = rest.strip_prefix(host).unwrap_or_else(|| panic!("{url} does not lead to {host}"));
    path.to_owned()
}

/// A browser at the provider.
pub fn provider(server: &Server) -> Browser {
    Browser::new(server.listen, "esia.localhost")
}

/// Presses «Вход через Госуслуги»: the address at the provider.
#[track_caller]
pub fn leave(browser: &mut Browser) -> String {
    assert!(browser.page("/").links().contains(&"/esia/login".to_owned()), "the button on the start page");
    browser.get("/esia/login").expect(303).location().to_owned()
}

/// Logs in at the provider: the callback's path on the portal of `browser`.
#[track_caller]
pub fn at_provider(server: &Server, browser: &Browser, url: &str, login: &str, knob: Option<&str>) -> String {
    let mut provider = provider(server);
    if let Some(knob) = knob {
        let fields = [("state".to_owned(), field(url, "state")), ("knob".to_owned(), knob.to_owned())];
        provider.post("/knobs", &fields).expect(204);
    }
    let page = provider.get(&path_on(url, &provider.host)).expect(200).page();
    let mut form = page.form("/login").with("login", login).with("password", "any");
    form.fields.push(("answer".to_owned(), "enter".to_owned()));
    let back = provider.submit(&form).expect(302).location().to_owned();
    path_on(&back, &browser.host)
}

/// The whole way: what the portal answers at the end.
#[track_caller]
pub fn log_in(server: &Server, browser: &mut Browser, login: &str, knob: Option<&str>) -> Response {
    let url = leave(browser);
    let back = at_provider(server, browser, &url, login, knob);
    browser.get(&back)
}

/// Gives consent on the first visit's page.
#[track_caller]
pub fn consent(browser: &mut Browser) -> Response {
    let form = browser.page("/esia/join").form("/esia/join/consent").with("consent", "yes");
    browser.submit(&form)
}

/// The e-mail of whoever is logged in.
#[track_caller]
pub fn me(browser: &mut Browser) -> String {
    let me = browser.call("GET", "/api/v1/me", None).expect(200).json();
    me["email"].as_str().expect("an e-mail").to_owned()
}

/// Whether the browser has no session.
pub fn is_guest(browser: &mut Browser) -> bool {
    browser.cookie("kabinet").is_none() && browser.get("/overview").location() == "/"
}
