//! Регистрация учетной записи в «Личном кабинете».

use kabinet_core::Actor;
use kabinet_tests::traces::{places_of, wait_until_nowhere};
use kabinet_tests::{Kind, Server, block_on, on_both_databases, wait_for};
use sea_orm::FromQueryResult;

use crate::{COMPANY, PASSWORD, activate, apply, fresh_email, person, refused_fields};

on_both_databases![
    a_person_registers_activates_and_logs_in,
    looking_at_the_link_activates_nothing,
    a_repeated_registration_counts_with_its_newest_letter_only,
    a_taken_email_is_told_after_the_captcha_only,
    a_refused_form_names_every_field_and_keeps_what_was_typed,
    the_consent_is_a_document_that_names_the_company,
    a_consent_is_stored_with_its_text_hash_time_and_address,
    letters_to_one_address_are_limited,
    secrets_are_stored_as_hashes,
];

fn a_person_registers_activates_and_logs_in(kind: Kind) {
    let server = Server::shared(kind);
    let (mut browser, email) = (server.stranger(COMPANY), fresh_email("Anna.Registers"));
    assert!(browser.page("/").links().contains(&"/register".to_owned()), "the start page's door");
    apply(&mut browser, &email, PASSWORD);
    assert!(browser.page("/register/sent").text().contains("письмо"));
    // Before the activation the login is refused like a wrong one.
    browser.try_log_in(&email, PASSWORD).expect(422);
    let letter = server.letter(&email, "Активация");
    assert!(letter.html.contains("Береговой") && letter.text.contains("24 часа"));
    assert_eq!(activate(&mut browser, &letter.path("/activate")).expect(303).location(), "/");
    let page = browser.page("/");
    assert!(page.one("[role=status]").text().contains("активирован"));
    // The e-mail is the login in any case of letters.
    browser.log_in(&email.to_uppercase(), PASSWORD);
    let me = browser.call("GET", "/api/v1/me", None).expect(200).json();
    assert_eq!((&me["email"], &me["phone"]), (&email.into(), &"+79123456789".into()));
    // The link is used up.
    browser.get(&letter.path("/activate")).expect(404);
}

fn looking_at_the_link_activates_nothing(kind: Kind) {
    let server = Server::shared(kind);
    let (mut browser, email) = (server.stranger(COMPANY), fresh_email("looks"));
    apply(&mut browser, &email, PASSWORD);
    let path = server.letter(&email, "Активация").path("/activate");
    for _ in 0..3 {
        let page = server.stranger(COMPANY).page(&path);
        assert_eq!(page.all("main form").len(), 1);
        assert_eq!(page.all("main button").len(), 1, "one button");
    }
    browser.try_log_in(&email, PASSWORD).expect(422);
    // Nor does a form without the browser's own token.
    let token = path.split_once("token=").expect("a token").1.to_owned();
    browser.post("/activate", &[("token".into(), token)]).expect(403);
    browser.try_log_in(&email, PASSWORD).expect(422);
    activate(&mut server.stranger(COMPANY), &path).expect(303);
    browser.log_in(&email, PASSWORD);
}

fn a_repeated_registration_counts_with_its_newest_letter_only(kind: Kind) {
    let server = Server::shared(kind);
    let (mut browser, email) = (server.stranger(COMPANY), fresh_email("repeats"));
    apply(&mut browser, &email, "первый пароль сгоряча");
    let first = server.letter(&email, "Активация").path("/activate");
    apply(&mut browser, &email, PASSWORD);
    let second = wait_for("the second letter", || {
        Some(server.letter(&email, "Активация").path("/activate")).filter(|path| *path != first)
    });
    browser.get(&first).expect(404);
    activate(&mut browser, &second).expect(303);
    browser.try_log_in(&email, "первый пароль сгоряча").expect(422);
    browser.log_in(&email, PASSWORD);
    // Pressed twice, in another browser: refused, with a way on.
    let mut other = server.stranger(COMPANY);
    let mut form = other.page("/register").form("/register");
    form.action = "/activate".to_owned();
    form.fields.push(("token".into(), second.split_once("token=").expect("a token").1.into()));
    let page = other.submit(&form).expect(422).page();
    assert!(page.links().contains(&"/recover".to_owned()));
}

fn a_taken_email_is_told_after_the_captcha_only(kind: Kind) {
    let server = Server::shared(kind);
    let taken = person(server, "taken");
    let mut browser = server.stranger(COMPANY);
    let form = browser.registration(&taken.email, PASSWORD);
    let page = browser.submit(&form.clone().with("captcha", "000001")).expect(422).page();
    assert!(!page.text().contains("уже существует"), "nobody learns it without the captcha");
    let page = browser.submit(&form).expect(422).page();
    assert!(page.refusals().contains(&("email".into(), "Пользователь с таким email уже существует".into())));
    let links = page.one("main").links();
    assert!(links.contains(&"/".to_owned()) && links.contains(&"/recover".to_owned()), "{links:?}");
    // Another company knows nothing of it.
    let mut elsewhere = server.browser("teploset");
    elsewhere.from = "10.9.9.9".into();
    apply(&mut elsewhere, &taken.email, PASSWORD);
}

fn a_refused_form_names_every_field_and_keeps_what_was_typed(kind: Kind) {
    let server = Server::shared(kind);
    let mut browser = server.stranger(COMPANY);
    let empty = browser.page("/register").form("/register");
    assert_eq!(refused_fields(browser.submit(&empty)), ["email", "password", "phone", "consent", "captcha"]);
    let right = browser.registration("anna@people.example", PASSWORD);
    let wrong = [
        ("email", "anna"),
        ("password", "короткий"),
        ("password_repeat", "не тот же пароль"),
        ("phone", "112"),
        ("captcha", "123"),
    ];
    for (field, value) in wrong {
        let fields = refused_fields(browser.submit(&right.clone().with(field, value)));
        assert!(fields.contains(&field.to_owned()), "{field}: {fields:?}");
    }
    for password in ["123456789", "1234567890", "qwertyuiop", &"я".repeat(129)] {
        let form = right.clone().with("password", password).with("password_repeat", password);
        assert_eq!(refused_fields(browser.submit(&form)), ["password"], "{password}");
    }
    let mut without = right.clone();
    without.fields.retain(|(name, _)| name != "consent");
    let answer = browser.submit(&without);
    let page = answer.clone().page();
    assert_eq!(refused_fields(answer), ["consent"]);
    assert_eq!(page.one("#email").attribute("value"), Some("anna@people.example"));
    assert_eq!(page.one("#phone").attribute("value"), Some("8 (912) 345-67-89"));
    assert_eq!(page.one("#password").attribute("value"), None, "a password is never sent back");
    assert!(server.letters("anna@people.example").is_empty());
}

fn the_consent_is_a_document_that_names_the_company(kind: Kind) {
    let server = Server::shared(kind);
    let mut browser = server.stranger(COMPANY);
    assert!(browser.page("/register").links().contains(&"/consent".to_owned()));
    let text = browser.page("/consent").one("main").text();
    for part in ["Согласие на обработку персональных данных", "ООО «УК Береговой»", "7453991200", "Набережная"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let other = server.browser("teploset").page("/consent").one("main").text();
    assert!(!other.contains("7453991200"));
}

#[derive(FromQueryResult)]
struct Consent {
    given_at: i64,
    given_address: String,
    text_hash: Vec<u8>,
    version: String,
    body: String,
}

fn a_consent_is_stored_with_its_text_hash_time_and_address(kind: Kind) {
    let server = Server::shared(kind);
    let person = person(server, "agrees");
    let rows: Vec<Consent> = block_on(async {
        let db = server.database.open().await;
        let tx = db.read(&server.database.company(&db, COMPANY).await, Actor::System).await.expect("a transaction");
        let sql = "SELECT c.given_at, c.given_address, c.text_hash, t.version, t.body FROM consent c
                   JOIN consent_text t ON t.tenant_id = c.tenant_id AND t.hash = c.text_hash
                   JOIN resident r ON r.tenant_id = c.tenant_id AND r.id = c.resident_id
                   WHERE c.tenant_id = $1 AND r.email_key = $2";
        tx.rows(sql, vec![person.email.to_lowercase().into()]).await.expect("rows")
    });
    let [consent] = &rows[..] else { panic!("{} consents", rows.len()) };
    assert_eq!(consent.given_address, person.browser.from);
    assert_eq!(consent.version, kabinet_residents::consent::VERSION);
    assert_eq!(consent.text_hash, kabinet_web::cookie::stored(&consent.body), "the hash is of the shown text");
    assert!(consent.body.contains("7453991200") && consent.given_at > 1_760_000_000_000);
}

fn letters_to_one_address_are_limited(kind: Kind) {
    let server = Server::shared(kind);
    let email = fresh_email("flooded");
    // From ever other addresses: the e-mail is what counts.
    for _ in 0..5 {
        apply(&mut server.stranger(COMPANY), &email, PASSWORD);
    }
    let mut browser = server.stranger(COMPANY);
    let form = browser.registration(&email, PASSWORD);
    let answer = browser.submit(&form).expect(429);
    let wait: i64 = answer.header("retry-after").and_then(|value| value.parse().ok()).expect("Retry-After");
    assert!((1..=3600).contains(&wait), "{wait}");
    assert!(answer.page().text().contains("Попробуйте снова через"));
    // Recovery writes to the same address and counts with it.
    let form = browser.recovery(&email);
    browser.submit(&form).expect(429);
    // From one address many e-mails: over at thirty an hour.
    let mut browser = server.stranger(COMPANY);
    let mut last = 0;
    for number in 0..31 {
        let form = browser.recovery(&format!("many-{number}@people.example"));
        last = browser.submit(&form).status;
    }
    assert_eq!(last, 429);
}

fn secrets_are_stored_as_hashes(kind: Kind) {
    let server = Server::shared(kind);
    let (mut browser, email) = (server.stranger(COMPANY), fresh_email("secret"));
    apply(&mut browser, &email, "пароль не для хранения");
    let path = server.letter(&email, "Активация").path("/activate");
    let token = path.split_once("token=").expect("a token").1;
    assert!(token.len() >= 43, "32 random bytes");
    // The letter waited in the queue; SQLite writes its log over in its own time, unless it is told to.
    let secrets = [token, "пароль не для хранения"];
    block_on(async {
        let db = server.database.open().await;
        for _ in 0..240 {
            db.empty_log().await.expect("SQLite's log");
            if places_of(server, &secrets).is_empty() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        }
    });
    wait_until_nowhere(server, &secrets);
}
