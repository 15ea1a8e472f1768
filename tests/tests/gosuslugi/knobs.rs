//! Everything that can go wrong at the other side ends in a clear page and no session.

use kabinet_tests::browser::Response;
use kabinet_tests::{Kind, Server, on_both_databases};

use crate::journey::{at_provider, field, is_guest, leave, log_in, path_on};

on_both_databases![
    every_misbehaviour_ends_in_a_clear_page,
    a_refusal_at_the_provider_ends_in_a_clear_page,
    a_callback_works_once,
    a_callback_in_another_browser_does_nothing,
    a_foreign_or_missing_state_does_nothing,
    a_code_of_another_person_is_bound_to_its_state,
    the_token_is_in_no_page_and_no_log,
];

const UNVERIFIED: (u16, &str) = (502, "не прошёл проверку");
const REFUSED: (u16, &str) = (502, "не подтвердили вход");
const AWAY: (u16, &str) = (503, "сейчас не отвечают");

const KNOBS: [(&str, (u16, &str)); 16] = [
    ("denied", (403, "не разрешили передать данные")),
    ("untrusted", (403, "не подтверждена")),
    ("expired_token", UNVERIFIED),
    ("wrong_issuer", UNVERIFIED),
    ("wrong_audience", UNVERIFIED),
    ("alg_none", UNVERIFIED),
    ("forged_token", UNVERIFIED),
    ("wrong_token_state", UNVERIFIED),
    ("wrong_state", (400, "начата в другом браузере")),
    ("replayed_code", REFUSED),
    ("late_code", REFUSED),
    ("wrong_signature", REFUSED),
    ("failing", AWAY),
    ("silent", AWAY),
    ("not_json", AWAY),
    ("redirecting", AWAY),
];

#[track_caller]
fn clear_page(answer: Response, name: &str, status: u16, words: &str) {
    assert_eq!(answer.status, status, "{name}: {}", answer.text());
    let page = answer.page();
    assert_eq!(page.one("h1").text(), "Вход через Госуслуги", "{name}");
    assert!(page.one("[role=alert]").text().contains(words), "{name}: {}", page.text());
    assert!(page.links().contains(&"/esia/login".to_owned()), "{name}: the way to try again");
    assert_eq!(answer.header("cache-control"), Some("private, no-store"), "{name}");
}

fn every_misbehaviour_ends_in_a_clear_page(kind: Kind) {
    let server = Server::shared(kind);
    for (knob, (status, words)) in KNOBS {
        let mut browser = server.browser("beregovoy");
        let answer = log_in(server, &mut browser, &format!("knob-{kind}@mail.example"), Some(knob));
        clear_page(answer, knob, status, words);
        assert!(is_guest(&mut browser), "{knob} began a session");
        assert_eq!(browser.get("/esia/join").status, 400, "{knob} began a first visit");
    }
    let sql = format!(
        "SELECT COUNT(*) AS number FROM resident WHERE tenant_id = $1 AND email_key = 'knob-{kind}@mail.example'"
    );
    assert_eq!(server.database.count("beregovoy", &sql, vec![]), 0, "a login was made");
}

fn a_refusal_at_the_provider_ends_in_a_clear_page(kind: Kind) {
    let server = Server::shared(kind);
    let mut browser = server.browser("beregovoy");
    let url = leave(&mut browser);
    let mut provider = crate::journey::provider(server);
    let mut form = provider.get(&path_on(&url, &provider.host)).expect(200).page().form("/login");
    form.fields.push(("answer".to_owned(), "deny".to_owned()));
    let back = provider.submit(&form).expect(302).location().to_owned();
    let answer = browser.get(&path_on(&back, &browser.host));
    clear_page(answer, "deny", 403, "не разрешили");
    // Any other error of the protocol.
    let url = leave(&mut browser);
    let state = field(&url, "state");
    let answer = browser.get(&format!("/esia/callback?error=server_error&error_description=ESIA&state={state}"));
    clear_page(answer, "server_error", 502, "не подтвердили вход");
    assert!(is_guest(&mut browser));
}

fn a_callback_works_once(kind: Kind) {
    let server = Server::shared(kind);
    let mut browser = server.browser("beregovoy");
    let url = leave(&mut browser);
    let back = at_provider(server, &browser, &url, &format!("once-{kind}@mail.example"), None);
    // The browser as it was before, to show that it is not its cookie that is missing.
    let mut twin = browser.clone();
    assert_eq!(browser.get(&back).expect(303).location(), "/esia/join");
    clear_page(twin.get(&back), "replay", 400, "уже завершена");
    clear_page(browser.get(&back), "replay", 400, "уже завершена");
    assert!(is_guest(&mut twin));
}

fn a_callback_in_another_browser_does_nothing(kind: Kind) {
    let server = Server::shared(kind);
    let mut browser = server.browser("beregovoy");
    let url = leave(&mut browser);
    let back = at_provider(server, &browser, &url, &format!("other-{kind}@mail.example"), None);
    let mut victim = server.browser("beregovoy");
    clear_page(victim.get(&back), "no cookie", 400, "в другом браузере");
    leave(&mut victim);
    clear_page(victim.get(&back), "another cookie", 400, "в другом браузере");
    assert!(is_guest(&mut victim));
    // At another company's portal neither; and the one it belongs to can still use it.
    let mut elsewhere = server.browser("teploset");
    elsewhere.cookies = browser.cookies.clone();
    clear_page(elsewhere.get(&back), "another company", 400, "в другом браузере");
    assert_eq!(browser.get(&back).expect(303).location(), "/esia/join");
}

fn a_foreign_or_missing_state_does_nothing(kind: Kind) {
    let server = Server::shared(kind);
    let mut browser = server.browser("beregovoy");
    let url = leave(&mut browser);
    let back = at_provider(server, &browser, &url, &format!("state-{kind}@mail.example"), None);
    let code = field(&back, "code");
    let foreign = field(&leave(&mut server.browser("beregovoy")), "state");
    for path in [
        "/esia/callback".to_owned(),
        format!("/esia/callback?code={code}"),
        format!("/esia/callback?code={code}&state="),
        format!("/esia/callback?code={code}&state={foreign}"),
        "/esia/callback?error=access_denied&state=00000000-0000-4000-8000-000000000000".to_owned(),
    ] {
        clear_page(browser.get(&path), &path, 400, "Начните вход через Госуслуги заново");
    }
    assert!(is_guest(&mut browser));
}

fn a_code_of_another_person_is_bound_to_its_state(kind: Kind) {
    let server = Server::shared(kind);
    let (mut one, mut other) = (server.browser("beregovoy"), server.browser("teploset"));
    let (url, foreign) = (leave(&mut one), leave(&mut other));
    let back = at_provider(server, &other, &foreign, &format!("code-{kind}@mail.example"), None);
    // Another company's code under our own state: the provider refuses it for another way back.
    let mixed = format!("/esia/callback?code={}&state={}", field(&back, "code"), field(&url, "state"));
    clear_page(one.get(&mixed), "mixed", 502, "не подтвердили вход");
    assert!(is_guest(&mut one));
}

fn the_token_is_in_no_page_and_no_log(kind: Kind) {
    let server = Server::shared(kind);
    let email = format!("log-{kind}@mail.example");
    let mut browser = server.browser("beregovoy");
    let url = leave(&mut browser);
    let back = at_provider(server, &browser, &url, &email, None);
    browser.get(&back).expect(303);
    let log = std::fs::read_to_string(server.database.dir.with_extension("log")).expect("the log");
    for secret in [field(&back, "code"), field(&url, "state"), email, "eyJ".to_owned()] {
        assert!(!log.contains(&secret), "{secret} is in the log");
    }
}
