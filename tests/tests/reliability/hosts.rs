//! Hosts written in every way, with a session of the other company: the answer is that host's company's to somebody it
//! does not know, or none at all (400, 421). Whatever a proxy or a client says of another host counts for nothing.

use kabinet_tests::browser::exchange;
use kabinet_tests::company::Package;
use kabinet_tests::server::NOW;
use kabinet_tests::{Database, Kind, Response, Server, on_both_databases, world};

on_both_databases![
    a_session_is_nothing_at_the_other_companys_host_however_it_is_written,
    links_in_letters_lead_to_the_companys_own_host_however_it_was_asked,
];

const COMPANIES: [&str; 2] = ["beregovoy", "teploset"];
const PAGES: [&str; 10] = [
    "/",
    "/overview",
    "/accounts",
    "/settings",
    "/documents",
    "/no-such-page",
    "/manifest.webmanifest",
    "/api/v1/me",
    "/api/v1/meters",
    "/api/admin/v1/billing/runs",
];
/// Headers by which programs on the way tell of another host.
const HINTS: [&str; 6] = [
    "X-Forwarded-Host: HINT",
    "X-Forwarded-Host: HINT\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http",
    "Forwarded: for=192.0.2.7;host=HINT",
    "X-Host: HINT",
    "X-Original-Host: HINT",
    "X-HTTP-Host-Override: HINT",
];

/// A company with somebody of its own, who is logged in as a resident and as staff.
struct Company {
    name: String,
    port: u16,
    cookies: String,
    /// What only this company's own people may read, and what its own pages alone say.
    canaries: Vec<String>,
}

impl Company {
    fn of(server: &Server, slug: &str) -> Self {
        let known = world::flat(server, slug, 0);
        let person = world::holder(server, slug, &known);
        let mut staff = server.staff(slug);
        let runs = staff.call("GET", "/api/admin/v1/billing/runs", None).expect(200).text();
        // A message for the next page is nobody's, and would be shown anywhere.
        let own = person.browser.cookies.iter().chain(&staff.cookies);
        let sessions = own.filter(|(name, _)| ["kabinet", "kabinet-staff"].contains(&name.as_str()));
        let cookies: Vec<String> = sessions.map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(cookies.len(), 2, "two sessions");
        let identifiers = runs.split('"').filter(|text| text.len() == 36).map(str::to_owned);
        let mut canaries: Vec<String> = identifiers.collect();
        assert!(canaries.len() >= 14, "the runs of a year: {runs}");
        canaries.extend([person.email, known.account, Package::read(slug).name]);
        let (name, port) = (format!("{slug}.localhost"), server.listen.port());
        Self { name, port, cookies: cookies.join("; "), canaries }
    }

    fn is_named_in(&self, answer: &Response) -> bool {
        let text = answer.text();
        self.canaries.iter().any(|canary| text.contains(canary.as_str()))
    }
}

/// A request as it may come: its line's target and the lines below it.
struct Written {
    target: String,
    lines: String,
}

impl Written {
    fn host(host: &str) -> Self {
        Self { target: "PAGE".to_owned(), lines: format!("Host: {host}\r\n") }
    }

    fn hinted(host: &str, hint: &str) -> Self {
        Self { target: "PAGE".to_owned(), lines: format!("Host: {host}\r\n{hint}\r\n") }
    }

    fn absolute(authority: &str, host: Option<&str>) -> Self {
        let lines = host.map(|host| format!("Host: {host}\r\n")).unwrap_or_default();
        Self { target: format!("http://{authority}PAGE"), lines }
    }

    /// GET with these cookies.
    fn ask(&self, server: &Server, page: &str, cookies: &str) -> Response {
        let line = self.target.replace("PAGE", page);
        let cookies = if cookies.is_empty() { String::new() } else { format!("Cookie: {cookies}\r\n") };
        let head = format!("GET {line} HTTP/1.1\r\n{}{cookies}Connection: close\r\n\r\n", self.lines);
        exchange(server.listen, head.as_bytes()).unwrap_or_else(|error| panic!("{head}: {error}"))
    }
}

/// Ways to write this company's host; `other` is hinted at.
fn ways(company: &Company, other: &Company) -> Vec<Written> {
    let (name, port) = (&company.name, company.port);
    let (upper, usual) = (name.to_uppercase(), format!("{name}:{port}"));
    let hosts = [
        usual.clone(),
        name.clone(),
        format!("{name}:"),
        format!("{name}:1"),
        format!("{name}."),
        format!("{name}.:{port}"),
        upper.clone(),
        format!("{upper}.:{port}"),
    ];
    let mut ways: Vec<Written> = hosts.iter().map(|host| Written::host(host)).collect();
    for hint in HINTS {
        ways.push(Written::hinted(&usual, &hint.replace("HINT", &other.name)));
        ways.push(Written::hinted(&usual, &hint.replace("HINT", &format!("{}:{port}", other.name))));
    }
    ways.extend([
        Written::absolute(&usual, Some(&usual)),
        Written::absolute(name, Some(&usual)),
        Written::absolute(&upper, Some(&format!("{name}."))),
        Written::absolute(&usual, None),
    ]);
    ways
}

/// Hosts that are nobody's, and requests that name two.
fn strange(company: &Company, other: &Company) -> Vec<Written> {
    let (name, port, other) = (&company.name, company.port, &other.name);
    let hosts = [
        String::new(),
        " ".to_owned(),
        ".".to_owned(),
        format!(":{port}"),
        format!("{other}@{name}"),
        format!("{other}:{port}@{name}:{port}"),
        format!("{name}, {other}"),
        format!("{name} {other}"),
        format!("{name}:{port}:{port}"),
        format!("{name}:http"),
        format!("{name}.."),
        format!(".{name}"),
        format!("www.{name}"),
        format!("{name}.evil.example"),
        format!("{name}/{other}"),
        format!("{name}#{other}"),
        format!("http://{name}"),
        format!("%62{}", &name[1..]),
        format!("{name}\u{e9}"),
        "stranger.localhost".to_owned(),
        "localhost".to_owned(),
        format!("127.0.0.1:{port}"),
        format!("[::1]:{port}"),
    ];
    let mut all: Vec<Written> = hosts.iter().map(|host| Written::host(host)).collect();
    all.extend([
        Written { target: "PAGE".to_owned(), lines: String::new() },
        Written { target: "PAGE".to_owned(), lines: format!("Host: {name}\r\nHost: {other}\r\n") },
        Written { target: "PAGE".to_owned(), lines: format!("Host: {name}\r\nHost: {name}\r\n") },
        Written::hinted("stranger.localhost", &format!("X-Forwarded-Host: {name}")),
        Written::hinted("", &format!("X-Forwarded-Host: {name}")),
        Written::absolute(name, Some(other)),
        Written::absolute(other, Some(name)),
        Written::absolute(&format!("{other}@{name}"), Some(name)),
        Written::absolute(&format!("{other}@{name}"), None),
        Written::absolute(name, Some("")),
        Written::absolute("stranger.localhost", Some(name)),
        Written::absolute("stranger.localhost", None),
    ]);
    all
}

fn a_session_is_nothing_at_the_other_companys_host_however_it_is_written(kind: Kind) {
    let server = Server::demo(Database::new(kind), NOW);
    // The same, where the machine that asks is no proxy that is believed.
    let proxies = ("KABINET_SERVER__TRUSTED_PROXIES", "[]".to_owned());
    let believing_nobody = Server::unfilled(server.database.clone(), NOW, &[proxies]);
    let mut asked = 0;
    for server in [&server, &believing_nobody] {
        let [one, other] = COMPANIES.map(|slug| Company::of(server, slug));
        for (own, foreign) in [(&one, &other), (&other, &one)] {
            asked += at_the_own_host(server, own, foreign);
            asked += at_the_others_host(server, own, foreign);
            asked += nowhere(server, own, foreign);
        }
    }
    eprintln!("{kind}: {asked} requests with hosts written in every way");
}

/// At the own company's host a session is one: else nothing below would show anything.
fn at_the_own_host(server: &Server, own: &Company, other: &Company) -> u32 {
    let usual = Written::host(&format!("{}:{}", own.name, own.port));
    let (mut asked, mut told) = (0, 0);
    for page in PAGES {
        let plain = usual.ask(server, page, &own.cookies);
        told += u32::from(own.is_named_in(&plain));
        for way in ways(own, other) {
            let answer = way.ask(server, page, &own.cookies);
            let what = format!("{} {}{page}", own.name, way.lines);
            assert_eq!((answer.status, own.is_named_in(&answer)), (plain.status, own.is_named_in(&plain)), "{what}");
            assert!(!other.is_named_in(&answer), "{what}: {}", answer.text());
            asked += 1;
        }
    }
    assert!(told >= 7, "the pages tell {told} times whose they are");
    asked
}

/// With the session of `own` at the host of `other`: what a guest is told there, byte for byte.
fn at_the_others_host(server: &Server, own: &Company, other: &Company) -> u32 {
    let usual = Written::host(&format!("{}:{}", other.name, other.port));
    let mut asked = 0;
    for page in PAGES {
        let guests = usual.ask(server, page, "").fingerprint();
        for way in ways(other, own) {
            let answer = way.ask(server, page, &own.cookies);
            let what = format!("{}'s session at {}{page}", own.name, way.lines);
            assert_eq!(answer.fingerprint(), guests, "{what}");
            assert!(!own.is_named_in(&answer), "{what}: {}", answer.text());
            asked += 1;
        }
    }
    asked
}

fn nowhere(server: &Server, own: &Company, other: &Company) -> u32 {
    let mut asked = 0;
    for page in PAGES {
        for way in strange(other, own).into_iter().chain(strange(own, other)) {
            let answer = way.ask(server, page, &own.cookies);
            let what = format!("{} {}{page}: {}", way.target, way.lines, answer.text());
            assert!([400, 421].contains(&answer.status), "{}: {what}", answer.status);
            assert!(!own.is_named_in(&answer) && !other.is_named_in(&answer), "{what}");
            assert!(answer.header("set-cookie").is_none(), "{what}");
            asked += 1;
        }
    }
    asked
}

fn links_in_letters_lead_to_the_companys_own_host_however_it_was_asked(kind: Kind) {
    let server = Server::shared(kind);
    let [slug, other] = COMPANIES;
    let port = server.listen.port();
    for host in [format!("{}.LOCALHOST.:{port}", slug.to_uppercase()), format!("{slug}.localhost:1")] {
        let person = world::newcomer(server, slug);
        let mut browser = server.browser(slug);
        browser.host = host;
        let form = browser.recovery(&person.email);
        let (body, origin) = (kabinet_tests::browser::form_encoded(&form.fields), format!("http://{}", browser.host));
        let forwarded = format!("{other}.localhost");
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Origin", origin.as_str()),
            ("X-Forwarded-Host", forwarded.as_str()),
            ("X-Forwarded-For", person.ip.as_str()),
        ];
        browser.send("POST", "/recover", &headers, Some(body.as_bytes())).expect(303);
        let letter = server.letter(&person.email, "Восстановление");
        let links = letter.links();
        assert!(links.iter().any(|link| link.contains("/recover/new")), "{links:?}");
        let home = format!("http://{slug}.localhost:{port}");
        let elsewhere = links.iter().find(|link| link.contains("localhost") && !link.starts_with(&home));
        assert!(elsewhere.is_none() && !letter.text.contains(&forwarded), "{elsewhere:?} in {}", letter.text);
    }
}
