//! Linking from the settings, unlinking, and a company without the login.

use kabinet_residents::gosuslugi::GosuslugiSettings;
use kabinet_residents::gosuslugi::certificate::certificate_hash;
use kabinet_residents::gosuslugi::settings::SETTINGS;
use kabinet_server::demo::gosuslugi::COMPANY;
use kabinet_tests::{Browser, Database, Kind, Server, on_both_databases, server::NOW};

use crate::journey::{at_provider, consent, field, is_guest, leave, log_in, me, path_on, provider};

on_both_databases![
    a_login_is_linked_and_unlinked_in_its_settings,
    a_person_is_linked_to_one_login_only,
    a_login_without_a_password_is_not_unlinked,
    linking_needs_the_session_that_began_it,
    the_pages_are_nobodys_but_a_residents,
    a_company_without_it_has_no_door_and_an_attempt_ends_after_ten_minutes,
    a_company_logs_its_residents_in_through_a_system_of_its_own,
];

/// Presses «Привязать +» and logs in at the provider: the callback's path.
#[track_caller]
fn begin_link(server: &Server, browser: &mut Browser, page: &str, person: &str) -> String {
    let form = browser.page(page).form("/esia/link");
    let url = browser.submit(&form).expect(303).location().to_owned();
    at_provider(server, browser, &url, person, None)
}

fn a_login_is_linked_and_unlinked_in_its_settings(kind: Kind) {
    let server = Server::shared(kind);
    let mut visit = server.resident("beregovoy");
    let login = server.facts().company("beregovoy").resident.clone();
    let person = format!("links-{kind}@mail.example");
    assert!(visit.page("/settings").text().contains("Вход через Госуслуги"));
    let back = begin_link(server, &mut visit, "/settings", &person);
    let answer = visit.get(&back).expect(303);
    assert_eq!(answer.location(), "/settings");
    let page = visit.page("/settings");
    assert!(page.one("[role=status]").text().contains("привязана"), "{}", page.text());
    assert!(!page.has("form[action=/esia/link]"));
    assert_eq!(visit.page("/esia/link").one("h1").text(), "Привязка учетной записи Госуслуг");
    let _ = server.letter(&login.email, "Госуслуги привязаны");
    // It is a login to this account, and no other was made for the person's own e-mail.
    let mut other = server.browser("beregovoy");
    assert_eq!(log_in(server, &mut other, &person, None).expect(303).location(), "/overview");
    assert_eq!(me(&mut other), login.email);
    let rows = "SELECT COUNT(*) AS number FROM audit WHERE tenant_id = $1 AND action IN
                ('gosuslugi.linked', 'gosuslugi.unlinked', 'gosuslugi.logged_in')
                AND (detail LIKE '%@%' OR subject LIKE '%@%' OR detail LIKE '%mail%')";
    assert_eq!(server.database.count("beregovoy", rows, vec![]), 0, "personal data in the audit log");
    let linked = "SELECT COUNT(*) AS number FROM audit WHERE tenant_id = $1 AND action = 'gosuslugi.linked'";
    assert!(server.database.count("beregovoy", linked, vec![]) > 0);
    // Unlinking asks first.
    let question = visit.page("/esia/unlink");
    assert!(visit.page("/settings").links().contains(&"/esia/unlink".to_owned()));
    assert_eq!(visit.submit(&question.form("/esia/unlink")).expect(303).location(), "/settings");
    assert!(visit.page("/settings").has("form[action=/esia/link]"));
    assert_eq!(log_in(server, &mut server.browser("beregovoy"), &person, None).expect(303).location(), "/esia/join");
}

fn a_person_is_linked_to_one_login_only(kind: Kind) {
    let server = Server::shared(kind);
    let person = format!("taken-{kind}@mail.example");
    let mut owner = server.browser("teploset");
    log_in(server, &mut owner, &person, None).expect(303);
    consent(&mut owner).expect(303);
    let mut visit = server.resident("teploset");
    let back = begin_link(server, &mut visit, "/esia/link", &person);
    let refused = visit.get(&back).expect(409).page();
    assert!(refused.text().contains("уже привязана к другому логину") && refused.links().contains(&"/settings".into()));
    assert_eq!(me(&mut owner), person, "the owner stays");
    // A login that has one person takes no second.
    let back = begin_link(server, &mut visit, "/esia/link", &format!("second-{kind}@mail.example"));
    visit.get(&back).expect(303);
    let token = visit.page("/settings").form("/logout").value("csrf").expect("a token").to_owned();
    let url = visit.post("/esia/link", &[("csrf".to_owned(), token)]).expect(303).location().to_owned();
    let back = at_provider(server, &visit, &url, &format!("third-{kind}@mail.example"), None);
    let refused = visit.get(&back).expect(409).page();
    assert!(refused.text().contains("уже привязана другая учетная запись"), "{}", refused.text());
    let form = visit.page("/esia/unlink").form("/esia/unlink");
    visit.submit(&form).expect(303);
}

fn a_login_without_a_password_is_not_unlinked(kind: Kind) {
    let server = Server::shared(kind);
    let person = format!("bare-{kind}@mail.example");
    let mut browser = server.browser("beregovoy");
    log_in(server, &mut browser, &person, None).expect(303);
    consent(&mut browser).expect(303);
    let page = browser.page("/esia/unlink");
    assert!(!page.has("form[action=/esia/unlink]") && page.links().contains(&"/recover".to_owned()));
    let token = page.form("/logout").value("csrf").expect("a token").to_owned();
    let refused = browser.post("/esia/unlink", &[("csrf".to_owned(), token)]).expect(422).page();
    assert!(refused.one("[role=alert]").text().contains("Сначала задайте пароль"));
    assert_eq!(log_in(server, &mut server.browser("beregovoy"), &person, None).expect(303).location(), "/overview");
}

fn linking_needs_the_session_that_began_it(kind: Kind) {
    let server = Server::shared(kind);
    let person = format!("begun-{kind}@mail.example");
    let mut visit = server.resident("beregovoy");
    let back = begin_link(server, &mut visit, "/settings", &person);
    // Logged out meanwhile, or somebody else is logged in now: nothing is linked.
    let mut gone = visit.clone();
    gone.cookies.retain(|(name, _)| name != "kabinet");
    gone.get(&back).expect(400);
    assert!(is_guest(&mut gone));
    visit.get(&back).expect(400);
    assert!(visit.page("/settings").has("form[action=/esia/link]"));
    // A form without its token, or from elsewhere, begins nothing.
    visit.post("/esia/link", &[]).expect(403);
    let form = visit.page("/settings").form("/esia/link");
    visit.post_from("http://evil.example", "/esia/link", &form.fields).expect(403);
}

fn the_pages_are_nobodys_but_a_residents(kind: Kind) {
    let mut guest = Server::shared(kind).browser("beregovoy");
    for path in ["/esia/link", "/esia/unlink"] {
        assert_eq!(guest.get(path).expect(303).location(), "/", "{path}");
    }
    guest.get("/esia/join").expect(400);
    for path in ["/esia/join/consent", "/esia/join/password", "/esia/join/email"] {
        assert_eq!(guest.get(path).expect(303).location(), "/esia/join", "{path}");
        guest.post(path, &[]).expect(403);
    }
    let token = guest.page("/").form("/login").value("csrf").expect("a token").to_owned();
    for path in ["/esia/join/consent", "/esia/join/password", "/esia/join/email", "/esia/confirm"] {
        guest.post(path, &[("csrf".to_owned(), token.clone())]).expect(400);
    }
}

/// Switches the login off, or to a registered system of the company's own.
fn set(server: &Server, slug: &str, settings: &GosuslugiSettings) {
    kabinet_tests::block_on(async {
        let db = server.database.open().await;
        let company = server.database.company(&db, slug).await;
        let mut tx = db.begin(&company, kabinet_core::Actor::System).await.expect("a transaction");
        tx.set_settings(SETTINGS, settings).await.expect("settings");
        tx.commit().await.expect("a commit");
    });
}

fn a_company_without_it_has_no_door_and_an_attempt_ends_after_ten_minutes(kind: Kind) {
    let mut server = Server::demo(Database::new(kind), NOW);
    let mut browser = server.browser("beregovoy");
    let url = leave(&mut browser);
    let back = at_provider(&server, &browser, &url, "late@mail.example", None);
    set(&server, "teploset", &GosuslugiSettings::default());
    // Caches hear of it within half a second.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while server.browser("teploset").get("/esia/login").status != 404 {
        assert!(std::time::Instant::now() < deadline, "the switch is not heard");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let mut off = server.browser("teploset");
    assert!(!off.page("/").links().contains(&"/esia/login".to_owned()));
    for path in ["/esia/callback", "/esia/join", "/esia/join/sent", "/esia/confirm"] {
        off.get(path).expect(404);
    }
    let login = server.facts().company("teploset").resident.clone();
    off.log_in(&login.email, &login.password);
    assert!(!off.page("/settings").text().contains("Госуслуги"));
    off.get("/esia/link").expect(404);
    off.get("/esia/unlink").expect(404);
    server.kill();
    server.start_at("2026-11-22T12:30:00+05:00");
    let refused = browser.get(&back).expect(400).page();
    assert!(refused.text().contains("устарела"), "{}", refused.text());
}

/// Presses «Вход через Госуслуги» until the company's settings, of which caches hear within half a second, send the
/// browser away in the name of `client_id`.
#[track_caller]
fn leave_as(client_id: &str, browser: &mut Browser) -> String {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        let url = leave(browser);
        if field(&url, "client_id") == client_id {
            return url;
        }
        assert!(std::time::Instant::now() < deadline, "the settings are not heard: {url}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

fn a_company_logs_its_residents_in_through_a_system_of_its_own(kind: Kind) {
    let server = Server::demo(Database::new(kind), NOW);
    let certificate = server.database.dir.join(format!("demo-gosuslugi-{COMPANY}.cer"));
    let certificate = std::fs::read(certificate).expect("the second system's certificate");
    let certificate_hash = certificate_hash(&certificate).expect("its hash");
    let own =
        GosuslugiSettings { enabled: true, client_id: COMPANY.into(), certificate_hash: certificate_hash.clone() };
    set(&server, "beregovoy", &own);
    let mut browser = server.browser("beregovoy");
    let url = leave_as(COMPANY, &mut browser);
    assert_eq!(field(&url, "client_certificate_hash"), certificate_hash);
    // The provider checks the signature of both calls with the company's key, and names its system in the tokens.
    let back = at_provider(&server, &browser, &url, "own@mail.example", None);
    assert_eq!(browser.get(&back).expect(303).location(), "/esia/join");
    consent(&mut browser).expect(303);
    assert_eq!(me(&mut browser), "own@mail.example");
    // The other company goes on in the platform's name, and a foreign certificate is refused at the provider.
    let url = leave(&mut server.browser("teploset"));
    assert_ne!((field(&url, "client_id"), field(&url, "client_certificate_hash")), (COMPANY.into(), certificate_hash));
    let mut wrong = server.browser("teploset");
    set(&server, "teploset", &GosuslugiSettings { certificate_hash: "AB".repeat(32), ..own });
    let url = leave_as(COMPANY, &mut wrong);
    let mut provider = provider(&server);
    let refused = provider.get(&path_on(&url, &provider.host));
    assert_eq!(refused.status, 400);
    assert!(refused.page().text().contains("ESIA-007053"), "{}", refused.page().text());
}
