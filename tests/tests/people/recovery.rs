//! Восстановление доступа, и что посторонний узнаёт об учётных записях: ничего.

use kabinet_tests::world::in_company;
use kabinet_tests::{Browser, Kind, Response, Server, on_both_databases, wait_until};

use crate::{COMPANY, PASSWORD, apply, fresh_email, person, refused_fields};

on_both_databases![
    a_forgotten_password_is_replaced_by_mail,
    a_link_whose_time_is_over_opens_nothing,
    the_answer_is_the_same_for_known_and_unknown,
    an_unfinished_registration_gets_its_letter_again,
    a_captcha_and_an_address_are_asked_for,
    logins_of_known_unknown_and_unfinished_are_refused_alike,
];

const NEW: &str = "новая заводь у моста";

fn recover(browser: &mut Browser, email: &str) -> Response {
    let form = browser.recovery(email);
    browser.submit(&form)
}

fn a_forgotten_password_is_replaced_by_mail(kind: Kind) {
    let server = Server::shared(kind);
    let mut person = person(server, "forgets");
    let mut elsewhere = person.elsewhere(server, "Firefox");
    let mut browser = server.stranger(COMPANY);
    assert!(browser.page("/").links().contains(&"/recover".to_owned()), "the start page's door");
    // Failures before do not lock the owner out after.
    for _ in 0..10 {
        browser.try_log_in(&person.email, "не тот пароль").expect(422);
    }
    browser.try_log_in(&person.email, PASSWORD).expect(429);
    assert_eq!(recover(&mut browser, &person.email).expect(303).location(), "/recover/sent");
    let path = server.letter(&person.email, "Восстановление").path("/recover/new");
    let form = browser.page(&path).form("/recover/new");
    let short = form.clone().with("password", "короткий").with("password_repeat", "короткий");
    assert_eq!(refused_fields(browser.submit(&short)), ["password"]);
    let other = form.clone().with("password", NEW).with("password_repeat", PASSWORD);
    assert_eq!(refused_fields(browser.submit(&other)), ["password_repeat"]);
    let form = form.with("password", NEW).with("password_repeat", NEW);
    assert_eq!(browser.submit(&form).expect(303).location(), "/");
    // Sessions are over, the letter says so, the link is used up.
    assert!(!person.browser.is_logged_in() && !elsewhere.is_logged_in());
    assert!(server.letter(&person.email, "Пароль изменён").links().iter().any(|link| link.ends_with("/recover")));
    browser.get(&path).expect(404);
    browser.submit(&form).expect(422);
    browser.try_log_in(&person.email, PASSWORD).expect(422);
    browser.log_in(&person.email, NEW);
}

fn a_link_whose_time_is_over_opens_nothing(kind: Kind) {
    let server = Server::shared(kind);
    let person = person(server, "late");
    let mut browser = server.stranger(COMPANY);
    recover(&mut browser, &person.email).expect(303);
    let path = server.letter(&person.email, "Восстановление").path("/recover/new");
    let form = browser.page(&path).form("/recover/new").with("password", NEW).with("password_repeat", NEW);
    in_company(server, COMPANY, async |tx| {
        let sql = "UPDATE mailed_link SET expires_at = 1 WHERE tenant_id = $1 AND resident_id IN
                   (SELECT r.id FROM resident r WHERE r.tenant_id = mailed_link.tenant_id AND r.email_key = $2)";
        let links = tx.execute(sql, vec![person.email.to_lowercase().into()]).await.expect("an update");
        assert_eq!(links, 1);
    });
    browser.get(&path).expect(404);
    browser.submit(&form).expect(422);
    browser.try_log_in(&person.email, NEW).expect(422);
}

fn the_answer_is_the_same_for_known_and_unknown(kind: Kind) {
    let server = Server::shared(kind);
    let known = person(server, "known").email;
    let unknown = fresh_email("unknown");
    let answer = |email: &str| {
        let mut browser = server.stranger(COMPANY);
        let answer = recover(&mut browser, email).expect(303);
        (answer.fingerprint(), browser.get("/recover/sent").expect(200).fingerprint())
    };
    assert_eq!(answer(&known), answer(&unknown));
    let _ = server.letter(&known, "Восстановление");
    assert!(server.letters(&unknown).is_empty());
}

fn an_unfinished_registration_gets_its_letter_again(kind: Kind) {
    let server = Server::shared(kind);
    let (mut browser, email) = (server.stranger(COMPANY), fresh_email("unfinished"));
    apply(&mut browser, &email, PASSWORD);
    let first = server.letter(&email, "Активация").path("/activate");
    let refused = browser.try_log_in(&email, PASSWORD).expect(422).page();
    assert!(refused.one("main").links().contains(&"/recover".to_owned()));
    recover(&mut browser, &email).expect(303);
    wait_until("the second letter", || server.letters(&email).len() >= 2);
    let second = server.letter(&email, "Активация").path("/activate");
    assert_ne!(first, second);
    browser.get(&first).expect(404);
    crate::activate(&mut browser, &second).expect(303);
    browser.log_in(&email, PASSWORD);
}

fn a_captcha_and_an_address_are_asked_for(kind: Kind) {
    let mut browser = Server::shared(kind).stranger(COMPANY);
    let form = browser.page("/recover").form("/recover");
    assert_eq!(refused_fields(browser.submit(&form)), ["email", "captcha"]);
    let form = form.with("email", "anna@people.example").with("captcha", "000000");
    assert_eq!(refused_fields(browser.submit(&form)), ["captcha"]);
}

fn logins_of_known_unknown_and_unfinished_are_refused_alike(kind: Kind) {
    let server = Server::shared(kind);
    let known = person(server, "uniform").email;
    let unfinished = fresh_email("uniform");
    apply(&mut server.stranger(COMPANY), &unfinished, PASSWORD);
    let answers: Vec<_> = [(known, "не тот пароль"), (unfinished, PASSWORD), (fresh_email("uniform"), PASSWORD)]
        .iter()
        .map(|(email, password)| {
            let (status, headers, body) =
                server.stranger(COMPANY).try_log_in(email, password).expect(422).fingerprint();
            (status, headers, body.replace(email, "EMAIL"))
        })
        .collect();
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
}
