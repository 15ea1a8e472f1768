//! The first visit of a person: (a) known, (b) a new e-mail, (c) a login's e-mail, (d) none.

use kabinet_tests::{Browser, Kind, Server, on_both_databases};

use crate::journey::{consent, is_guest, log_in, me};

on_both_databases![
    a_new_email_makes_a_login_after_consent_and_the_next_visit_enters,
    a_logins_email_asks_for_its_password,
    without_an_email_one_is_asked_for_and_confirmed,
    a_letter_works_in_its_own_browser_only,
    an_email_of_a_login_typed_in_asks_for_its_password,
    the_same_person_at_two_companies_is_two_logins,
    a_session_is_rotated_and_ends_at_the_provider_too,
];

fn a_new_email_makes_a_login_after_consent_and_the_next_visit_enters(kind: Kind) {
    let server = Server::shared(kind);
    let email = format!("new-{kind}@mail.example");
    let mut browser = server.browser("beregovoy");
    assert_eq!(log_in(server, &mut browser, &email, None).expect(303).location(), "/esia/join");
    assert!(is_guest(&mut browser));
    let page = browser.page("/esia/join");
    assert!(page.text().contains(&email) && page.links().contains(&"/consent".to_owned()));
    // Not without consent, nor by the other steps.
    let refused = browser.submit(&page.form("/esia/join/consent")).expect(422).page();
    assert_eq!(refused.refusals()[0].0, "consent");
    let token = page.form("/esia/join/consent").value("csrf").expect("a token").to_owned();
    for (path, name) in [("/esia/join/password", "password"), ("/esia/join/email", "email")] {
        let fields = [("csrf".to_owned(), token.clone()), (name.to_owned(), "x@y.example".to_owned())];
        assert_eq!(browser.post(path, &fields).expect(303).location(), "/esia/join");
    }
    browser.post("/esia/join/consent", &[("consent".to_owned(), "yes".to_owned())]).expect(403);
    assert_eq!(consent(&mut browser).expect(303).location(), "/overview");
    assert_eq!(me(&mut browser), email);
    // (a) Next time nothing is asked.
    let mut later = server.browser("beregovoy");
    assert_eq!(log_in(server, &mut later, &email, None).expect(303).location(), "/overview");
    assert_eq!(me(&mut later), email);
    let mailed = server.letter(&email, "Госуслуги привязаны");
    assert!(mailed.text.contains("/settings"));
    // Once only: the page of the first visit is over.
    browser.get("/esia/join").expect(400);
}

fn a_logins_email_asks_for_its_password(kind: Kind) {
    let server = Server::shared(kind);
    let mut visit = server.resident("beregovoy");
    let login = server.facts().company("beregovoy").resident.clone();
    let mut browser = server.browser("beregovoy");
    assert_eq!(log_in(server, &mut browser, "resident-beregovoy", None).expect(303).location(), "/esia/join");
    let page = browser.page("/esia/join");
    assert!(page.text().contains(&login.email) && !page.has("form[action=/esia/join/consent]"));
    let form = page.form("/esia/join/password");
    for wrong in ["", "certainly-not-this"] {
        let refused = browser.submit(&form.clone().with("password", wrong)).expect(422).page();
        assert_eq!(refused.refusals()[0].0, "password");
        assert_eq!(refused.one("[name=password]").attribute("value"), None);
    }
    assert!(is_guest(&mut browser));
    assert_eq!(browser.submit(&form.with("password", &login.password)).expect(303).location(), "/overview");
    assert_eq!(me(&mut browser), login.email);
    let mut later = server.browser("beregovoy");
    assert_eq!(log_in(server, &mut later, "resident-beregovoy", None).expect(303).location(), "/overview");
    let form = visit.page("/esia/unlink").form("/esia/unlink");
    assert_eq!(visit.submit(&form).expect(303).location(), "/settings");
    let _ = server.letter(&login.email, "Госуслуги отвязаны");
    // After that the person is a stranger again, whose e-mail has a login.
    let mut again = server.browser("beregovoy");
    assert_eq!(log_in(server, &mut again, "resident-beregovoy", None).expect(303).location(), "/esia/join");
}

/// Types an e-mail on the first visit's page; the path of the letter's link.
#[track_caller]
fn type_email(server: &Server, browser: &mut Browser, email: &str) -> String {
    let form = browser.page("/esia/join").form("/esia/join/email").with("email", email).with("consent", "yes");
    assert_eq!(browser.submit(&form).expect(303).location(), "/esia/join/sent");
    assert!(browser.page("/esia/join/sent").text().contains("Вам придёт письмо"));
    server.letter(email, "Подтвердите Email").path("/esia/confirm?token=")
}

fn without_an_email_one_is_asked_for_and_confirmed(kind: Kind) {
    let server = Server::shared(kind);
    let (person, email) = (format!("+7 901 {kind} no-email"), format!("typed-{kind}@mail.example"));
    let mut browser = server.browser("beregovoy");
    assert_eq!(log_in(server, &mut browser, &person, None).expect(303).location(), "/esia/join");
    let form = browser.page("/esia/join").form("/esia/join/email");
    for wrong in ["", "nobody", "no body@mail.example", "a@b", "a@@mail.example"] {
        let form = form.clone().with("email", wrong).with("consent", "yes");
        let refused = browser.submit(&form).expect(422).page();
        assert_eq!(refused.refusals()[0].0, "email", "{wrong}");
    }
    let refused = browser.submit(&form.clone().with("email", &email)).expect(422).page();
    assert_eq!(refused.refusals()[0].0, "consent");
    assert_eq!(refused.one("[name=email]").attribute("value"), Some(email.as_str()), "the value is kept");
    let link = type_email(server, &mut browser, &email);
    // A mail scanner's GET confirms nothing.
    let sql = format!(
        "SELECT COUNT(*) AS number FROM resident WHERE tenant_id = $1 AND email_key = 'typed-{kind}@mail.example'"
    );
    let form = browser.page(&link).form("/esia/confirm");
    browser.get(&link).expect(200);
    assert_eq!(server.database.count("beregovoy", &sql, vec![]), 0);
    assert_eq!(browser.submit(&form).expect(303).location(), "/overview");
    assert_eq!((me(&mut browser), server.database.count("beregovoy", &sql, vec![])), (email, 1));
    assert_eq!(log_in(server, &mut server.browser("beregovoy"), &person, None).expect(303).location(), "/overview");
    // The link is spent.
    let mut later = server.browser("beregovoy");
    let form = later.page(&link).form("/esia/confirm");
    later.submit(&form).expect(400);
}

fn a_letter_works_in_its_own_browser_only(kind: Kind) {
    let server = Server::shared(kind);
    let email = format!("victim-{kind}@mail.example");
    let mut attacker = server.browser("beregovoy");
    log_in(server, &mut attacker, &format!("+7 902 {kind}"), None).expect(303);
    let link = type_email(server, &mut attacker, &email);
    // The mailbox's owner presses the button: nothing is made, neither as a guest nor on a visit of their own.
    let mut owner = server.browser("beregovoy");
    let form = owner.page(&link).form("/esia/confirm");
    owner.submit(&form).expect(400);
    log_in(server, &mut owner, &format!("+7 903 {kind}"), None).expect(303);
    let form = owner.page(&link).form("/esia/confirm");
    owner.submit(&form).expect(400);
    assert!(is_guest(&mut owner));
    let mut random = owner.page("/esia/confirm?token=x").form("/esia/confirm");
    random = random.with("token", "x");
    owner.submit(&random).expect(400);
}

fn an_email_of_a_login_typed_in_asks_for_its_password(kind: Kind) {
    let server = Server::shared(kind);
    let mut visit = server.resident("teploset");
    let login = server.facts().company("teploset").resident.clone();
    let person = format!("+7 904 {kind}");
    let mut browser = server.browser("teploset");
    log_in(server, &mut browser, &person, None).expect(303);
    let link = type_email(server, &mut browser, &login.email);
    let form = browser.page(&link).form("/esia/confirm");
    assert_eq!(browser.submit(&form).expect(303).location(), "/esia/join");
    let form = browser.page("/esia/join").form("/esia/join/password").with("password", &login.password);
    assert_eq!(browser.submit(&form).expect(303).location(), "/overview");
    assert_eq!(me(&mut browser), login.email);
    let form = visit.page("/esia/unlink").form("/esia/unlink");
    visit.submit(&form).expect(303);
}

fn the_same_person_at_two_companies_is_two_logins(kind: Kind) {
    let server = Server::shared(kind);
    let email = format!("both-{kind}@mail.example");
    let mut first = server.browser("beregovoy");
    log_in(server, &mut first, &email, None).expect(303);
    consent(&mut first).expect(303);
    // The other company does not know the person, and learns nothing of the first one's login.
    let mut second = server.browser("teploset");
    assert_eq!(log_in(server, &mut second, &email, None).expect(303).location(), "/esia/join");
    assert!(second.page("/esia/join").has("form[action=/esia/join/consent]"));
    // A visit begun at one company is nothing at the other.
    let mut carried = server.browser("beregovoy");
    carried.cookies = second.cookies.clone();
    carried.get("/esia/join").expect(400);
    consent(&mut second).expect(303);
    let sql = "SELECT COUNT(*) AS number FROM gosuslugi_link l JOIN resident r
               ON r.tenant_id = l.tenant_id AND r.id = l.resident_id
               WHERE l.tenant_id = $1 AND r.email_key LIKE 'both-%'";
    assert_eq!(
        (server.database.count("beregovoy", sql, vec![]), server.database.count("teploset", sql, vec![])),
        (1, 1)
    );
    assert_ne!(first.cookie("kabinet"), second.cookie("kabinet"));
}

fn a_session_is_rotated_and_ends_at_the_provider_too(kind: Kind) {
    let server = Server::shared(kind);
    let email = format!("rotated-{kind}@mail.example");
    let mut browser = server.browser("beregovoy");
    log_in(server, &mut browser, &email, None).expect(303);
    consent(&mut browser).expect(303);
    let first = browser.cookie("kabinet").expect("a session");
    // A second login in the same browser: another value, and the first one is over.
    let url = browser.get("/esia/login").expect(303).location().to_owned();
    let back = crate::journey::at_provider(server, &browser, &url, &email, None);
    assert_eq!(browser.get(&back).expect(303).location(), "/overview");
    assert_ne!(browser.cookie("kabinet"), Some(first.clone()));
    let mut thief = server.browser("beregovoy");
    thief.cookies = vec![("kabinet".into(), first)];
    assert_eq!(thief.get("/overview").expect(303).location(), "/");
    // «Выход» leads through the provider's logout back to the start page.
    let form = browser.page("/settings").form("/logout");
    let answer = browser.submit(&form).expect(303);
    let away = answer.location().to_owned();
    assert!(away.contains("/idp/ext/Logout?client_id=KABINET-DEMO&redirect_url="), "{away}");
    let mut provider = crate::journey::provider(server);
    let back = provider.get(&crate::journey::path_on(&away, &provider.host)).expect(302);
    assert_eq!(back.location(), format!("http://{}/", browser.host));
    assert!(is_guest(&mut browser));
    // The policy of the page lets its form lead there.
    let page = server.browser("beregovoy").get("/");
    let policy = page.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains(&format!("form-action 'self' http://{}", provider.host)), "{policy}");
    // A session begun with a password ends here alone.
    let mut visit = server.resident("beregovoy");
    let form = visit.page("/settings").form("/logout");
    assert_eq!(visit.submit(&form).expect(303).location(), "/");
}
