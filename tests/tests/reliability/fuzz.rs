//! Cookies, form tokens, forms and addresses as nobody could mean them: refused or taken, never a server's error, never
//! a panic, and nobody is let in. `KABINET_SEED` draws others.

use kabinet_tests::browser::{BOUNDARY, exchange, form_encoded};
use kabinet_tests::world;
use kabinet_tests::{Browser, Kind, Page, Response, Server, asked_for, on_both_databases};

use crate::draws::Draws;

on_both_databases![
    cookies_of_any_bytes_let_nobody_in,
    a_form_with_any_other_token_is_refused,
    forms_filled_in_with_anything_are_refused_or_taken,
    bodies_that_are_no_forms_are_refused,
    addresses_with_anything_in_them_lead_nowhere_or_somewhere,
];

const COMPANY: &str = "beregovoy";
/// The cookies that the platform sets, over http.
const COOKIES: [&str; 10] = [
    "kabinet",
    "kabinet-staff",
    "kabinet-guest",
    "kabinet-message",
    "kabinet_view",
    "kabinet-gosuslugi",
    "kabinet-linking",
    "kabinet-code",
    "kabinet-readings",
    "kabinet-return",
];
/// Pages for those who are logged in.
const PRIVATE: [&str; 4] = ["/overview", "/settings", "/api/v1/me", "/api/admin/v1/billing/runs"];
/// Pages that read what waits in the browser.
const OPEN: [&str; 8] = [
    "/",
    "/accounts/link?step=check",
    "/readings",
    "/readings/submit",
    "/accounts/invitation",
    "/accessibility",
    "/esia/callback?code=a&state=b",
    "/no-such-page",
];
/// What nobody types who means what the form asks for.
const ODD: [&str; 33] = [
    "",
    " ",
    "\0",
    "a\0b",
    "\r\nBcc: x@example.ru",
    "\u{feff}",
    "\u{202e}текст",
    "'; DROP TABLE reading; --",
    "<script>alert(1)</script>",
    "{{ 7 * 7 }}{% for x in y %}",
    "%00%0d%0a",
    "../../../../etc/passwd",
    "-0",
    "-1",
    "1e308",
    "NaN",
    "Infinity",
    "٣٤",
    "0,00000000001",
    "99999999999999999999999999",
    "9223372036854775807",
    "-9223372036854775808",
    "2026-13-45",
    "31.02.2026",
    "01.01.0000",
    "31.12.9999",
    "+262142-12-31",
    "null",
    "[]",
    "0193a1c0-0000-7000-8000-0000000000ff",
    "a@b@c",
    "ё́̂̃̄̅̆̇̈",
    "😀",
];

fn draws() -> Draws {
    Draws(asked_for("KABINET_SEED", 1))
}

impl Draws {
    fn of<'a, T>(&mut self, some: &'a [T]) -> &'a T {
        &some[usize::try_from(self.below(some.len() as u64)).expect("a few")]
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        (0..self.below(most)).map(|_| self.below(256).to_le_bytes()[0]).collect()
    }

    /// An odd text, alone, long, or several after each other.
    fn odd(&mut self) -> String {
        let text = *self.of(&ODD);
        match self.below(6) {
            0 => text.repeat(300),
            1 => format!("{text}{}", self.of(&ODD)),
            2 => String::from_utf8_lossy(&self.bytes(60)).into_owned(),
            _ => text.to_owned(),
        }
    }

    /// The value with something changed about it; other values may stand in its place.
    fn altered(&mut self, value: &str, others: &[String]) -> Vec<u8> {
        let mut bytes = value.as_bytes().to_vec();
        let at = usize::try_from(self.below(bytes.len().max(1) as u64)).expect("short");
        match self.below(6) {
            0 => return self.bytes(600),
            1 => return self.of(others).clone().into_bytes(),
            2 => bytes.truncate(at),
            3 => bytes.extend(self.bytes(40)),
            4 => bytes.splice(at..at, *b"AAAA").for_each(drop),
            _ => bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' },
        }
        bytes
    }
}

/// Neither a panic nor an error of the server's own.
#[track_caller]
fn is_an_answer(answer: &Response, what: &str) {
    assert!(answer.status < 500, "{what}: {} {}", answer.status, answer.text());
}

#[track_caller]
fn nothing_panicked(server: &Server) {
    let log = std::fs::read_to_string(server.log_file()).expect("the log");
    let panicked: Vec<&str> = log.lines().filter(|line| line.contains("panicked")).collect();
    assert!(panicked.is_empty(), "{panicked:?}");
}

/// GET with these bytes as the line of cookies; what would end the line is left out.
fn with_cookies(server: &Server, page: &str, cookies: &[u8]) -> Response {
    let host = server.browser(COMPANY).host;
    let head = format!("GET {page} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nCookie: ");
    let cookies = cookies.iter().copied().filter(|byte| !b"\r\n".contains(byte));
    let request: Vec<u8> = head.into_bytes().into_iter().chain(cookies).chain(*b"\r\n\r\n").collect();
    exchange(server.listen, &request).unwrap_or_else(|error| panic!("{page}: {error}"))
}

fn cookies_of_any_bytes_let_nobody_in(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, known) = world::holder_of_flat(server, COMPANY, 40);
    // What waits between two steps is sealed in the browser.
    person.find(&known.account, &known.house, &known.flat).expect(303);
    let staff = server.staff(COMPANY);
    let mut true_ones: Vec<String> =
        person.browser.cookies.iter().chain(&staff.cookies).map(|(_, value)| value.clone()).collect();
    true_ones.extend(server.stranger(COMPANY).get("/").header("set-cookie").map(|line| line[14..57].to_owned()));
    let own = [person.browser.cookies.clone(), staff.cookies].concat();
    let mut draws = draws();
    for round in 0..600 {
        let name = *draws.of(&COOKIES);
        let value = draws.of(&true_ones).clone();
        let value = draws.altered(&value, &true_ones);
        // The right session in the right cookie would let in, and should.
        let read = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        if own.iter().any(|(cookie, own)| cookie == name && own.as_bytes() == read) {
            continue;
        }
        let mut line = [name.as_bytes(), b"=", &value].concat();
        if draws.below(4) == 0 {
            line.extend([b"; ".as_slice(), draws.of(&COOKIES).as_bytes(), b"=", &draws.bytes(30)].concat());
        }
        let page = if round % 2 == 0 { *draws.of(&PRIVATE) } else { *draws.of(&OPEN) };
        let answer = with_cookies(server, page, &line);
        let what = format!("{page} with {:?}", String::from_utf8_lossy(&line));
        is_an_answer(&answer, &what);
        assert!(!PRIVATE.contains(&page) || [303, 400, 401].contains(&answer.status), "{what}: {}", answer.status);
        assert!(!answer.text().contains(&person.email) && !answer.text().contains("action=\"/logout\""), "{what}");
    }
    nothing_panicked(server);
}

fn a_form_with_any_other_token_is_refused(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = world::holder_of_flat(server, COMPANY, 41);
    let token = |page: &Page| page.one("[name=csrf]").attribute("value").expect("a token").to_owned();
    let own = token(&person.browser.page("/settings"));
    let mut stranger = server.stranger(COMPANY);
    let others = [token(&stranger.page("/")), token(&world::newcomer(server, COMPANY).browser.page("/settings"))];
    let mut draws = draws();
    for _ in 0..200 {
        let altered = draws.altered(&own, &others);
        if altered == own.as_bytes() {
            continue;
        }
        let written: String = altered.iter().map(|byte| format!("%{byte:02x}")).collect();
        let body = format!("csrf={written}&phone=9045550000");
        let origin = format!("http://{}", person.browser.host);
        let headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", origin.as_str())];
        let answer = person.browser.send("POST", "/settings", &headers, Some(body.as_bytes()));
        // What is no text at all is no form.
        let status = if std::str::from_utf8(&altered).is_ok() { 403 } else { answer.status };
        assert!(answer.status == status && [403, 422].contains(&status), "{written}: {}", answer.status);
    }
    assert!(!person.browser.get("/settings").expect(200).text().contains("904 555"));
    nothing_panicked(server);
}

/// The forms of a page that change no login and end no session: where each goes, and the names of its fields.
fn forms(page: &Page) -> Vec<(String, Vec<String>)> {
    let ends = ["/logout", "/settings/delete", "/settings/sessions", "/unlink", "/revoke", "/esia/"];
    let mut found = Vec::new();
    for form in page.all("form") {
        let action = form.attribute("action").unwrap_or_default().replace("&#x2f;", "/");
        if action.is_empty() || ends.iter().any(|end| action.contains(end)) {
            continue;
        }
        let inputs = ["input", "textarea", "select", "button"].iter().flat_map(|name| form.all(name));
        let mut names: Vec<String> = inputs.filter_map(|input| input.attribute("name")).map(str::to_owned).collect();
        names.retain(|name| name != "csrf");
        names.dedup();
        found.push((action, names));
    }
    found
}

/// Fills every form of the page in with odd texts, `times` times; how many were sent.
fn fill_in(browser: &mut Browser, page: &str, times: u32, draws: &mut Draws) -> u32 {
    let shown = browser.get(page);
    is_an_answer(&shown, page);
    let shown = shown.expect(200).page();
    let Some(token) = shown.all("[name=csrf]").first().and_then(|input| input.attribute("value")) else { return 0 };
    let mut sent = 0;
    for (action, names) in forms(&shown) {
        for _ in 0..times {
            let mut fields = vec![("csrf".to_owned(), token.to_owned())];
            // Some are left out, some come twice, one is nobody's.
            for name in names.iter().chain(names.first()).map(String::as_str).chain(["odd[]\u{0301}"]) {
                if draws.below(8) != 0 {
                    fields.push((name.to_owned(), draws.odd()));
                }
            }
            browser.from = world::fresh_ip();
            let answer = browser.post(&action, &fields);
            is_an_answer(&answer, &format!("{action} of {page} with {fields:?}"));
            sent += 1;
        }
    }
    sent
}

fn forms_filled_in_with_anything_are_refused_or_taken(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, known) = world::holder_of_flat(server, COMPANY, 42);
    let mut draws = draws();
    let mut sent = 0;
    for page in ["/", "/register", "/recover", "/readings", "/accessibility"] {
        sent += fill_in(&mut server.stranger(COMPANY), page, 20, &mut draws);
    }
    let own = [format!("/accounts/{}/helpers", known.id), format!("/accounts/{}/paperless?own=yes", known.id)];
    let pages = [
        "/settings",
        "/accounts",
        "/accounts/link",
        "/meters/readings",
        "/requests/new?kind=appeal",
        "/requests/new?kind=paid",
        "/requests/new?kind=emergency",
        "/notifications/preferences",
        "/accessibility",
    ];
    for page in pages.into_iter().chain(own.iter().map(String::as_str)) {
        sent += fill_in(&mut person.browser, page, 15, &mut draws);
    }
    // Whoever got through all of it is still who it was.
    assert!(person.browser.page("/settings").text().contains(&person.email));
    assert!(sent > 200, "only {sent} forms");
    nothing_panicked(server);
}

fn bodies_that_are_no_forms_are_refused(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = world::holder_of_flat(server, COMPANY, 43);
    let page = person.browser.page("/requests/new?kind=appeal");
    let token = page.one("[name=csrf]").attribute("value").expect("a token").to_owned();
    let csrf = ("csrf".to_owned(), token.clone());
    let origin = format!("http://{}", person.browser.host);
    let mut draws = draws();
    let whole = kabinet_tests::browser::multipart(std::slice::from_ref(&csrf), &[("акт.pdf", b"%PDF-1.7\r\n")]);
    let part = |head: &str| {
        let first = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{token}\r\n");
        format!("{first}--{BOUNDARY}\r\n{head}\r\n\r\nx\r\n--{BOUNDARY}--\r\n").into_bytes()
    };
    let heads = [
        "Content-Disposition: form-data; name=\"files\"; filename*=UTF-8''a%00b.pdf",
        "Content-Disposition: form-data; name=\"files\"; filename=\"a\0b.pdf\"",
        "Content-Disposition: form-data; name=\"sub\0ject\"",
        "Content-Disposition: form-data; name=\"files\"; filename=\"../../\u{202e}fdp.exe\"",
        "Content-Disposition: form-data; filename=\"x\"",
        "Content-Disposition: attachment",
        "Content-Type: multipart/mixed; boundary=inner",
        "X: y",
        "",
    ];
    let multipart = format!("multipart/form-data; boundary={BOUNDARY}");
    let urlencoded = "application/x-www-form-urlencoded";
    let mut bodies: Vec<(String, Vec<u8>)> = heads.iter().map(|head| (multipart.clone(), part(head))).collect();
    let pairs = form_encoded(&[csrf]);
    for tail in ["&subject=%ff%fe", "&%", "&%zz=%", "&&&=&=&", "&subject=%00", "&subject[a][b]=c", "&=", "\0"] {
        bodies.push((urlencoded.to_owned(), format!("{pairs}{tail}").into_bytes()));
    }
    bodies.push((urlencoded.to_owned(), format!("{pairs}&text={}", "я".repeat(9_000)).into_bytes()));
    for kind in
        ["multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=a", "text/plain", "\u{e9}"]
    {
        bodies.push((kind.to_owned(), whole.clone()));
    }
    for _ in 0..150 {
        let content = draws.of(&[multipart.clone(), urlencoded.to_owned()]).clone();
        let at = usize::try_from(draws.below(whole.len() as u64)).expect("short");
        let body = match draws.below(3) {
            0 => draws.bytes(400),
            1 => whole[..at].to_vec(),
            _ => [&whole[..at], &draws.bytes(20), &whole[at..]].concat(),
        };
        bodies.push((content, body));
    }
    for address in ["/requests/new?kind=appeal", "/meters/readings", "/settings"] {
        for (content, body) in &bodies {
            let headers = [("Content-Type", content.as_str()), ("Origin", origin.as_str())];
            let answer = person.browser.send("POST", address, &headers, Some(body));
            let what = format!("{address} {content} {:?}", String::from_utf8_lossy(&body[..body.len().min(400)]));
            is_an_answer(&answer, &what);
        }
    }
    nothing_panicked(server);
}

fn addresses_with_anything_in_them_lead_nowhere_or_somewhere(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = world::holder_of_flat(server, COMPANY, 44);
    let mut stranger = server.stranger(COMPANY);
    let addresses = [
        "/activate?token=IT",
        "/recover/new?token=IT",
        "/settings/email?token=IT",
        "/settings/export/IT",
        "/accounts/link?receipt=IT",
        "/accounts/link?step=IT",
        "/accounts/invitation?token=IT",
        "/readings/link/IT",
        "/readings/submit?sent=IT",
        "/meters/readings?sent=IT",
        "/notifications/unsubscribe?token=IT",
        "/notifications/IT",
        "/captcha/IT.png",
        "/captcha/IT",
        "/assets/IT",
        "/brand/IT",
        "/theme.IT",
        "/icon.IT",
        "/documents/IT",
        "/documents/2026-10/IT",
        "/documents/2026-10.pdf?size=IT",
        "/charges?period=IT",
        "/charges/difference?from=IT&to=IT",
        "/payments?cursor=IT&limit=IT",
        "/meters/IT",
        "/meters/IT/photos/IT",
        "/requests/IT",
        "/requests/IT/files/IT",
        "/requests/new?kind=IT",
        "/esia/callback?code=IT&state=IT",
        "/IT",
        "/?IT=IT&IT",
    ];
    let mut draws = draws();
    for address in addresses {
        for _ in 0..12 {
            let odd = draws.odd();
            let odd: String = match draws.below(3) {
                // As a browser writes it, and as none does.
                0 => odd.chars().filter(char::is_ascii_graphic).filter(|c| !"/?#".contains(*c)).collect(),
                _ => odd.bytes().map(|byte| format!("%{byte:02X}")).collect(),
            };
            let path = address.replace("IT", &odd.chars().take(1200).collect::<String>());
            for browser in [&mut stranger, &mut person.browser] {
                is_an_answer(&browser.get(&path), &path);
            }
        }
    }
    nothing_panicked(server);
}
