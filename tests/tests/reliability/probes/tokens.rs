//! The secrets that a company gives out by letter and on paper. No row holds them: each is asked for as people ask for
//! it, read where it comes, and opens something at its own company.

use kabinet_accounts::codes::{LinkCode, printed};
use kabinet_contracts::ResidentId;
use kabinet_residents::{password, people};
use kabinet_tests::pdf::Pdf;
use kabinet_tests::world::{self, PASSWORD};
use kabinet_tests::{Browser, Server};
use serde_json::json;
use uuid::Uuid;

use super::answers::Told;
use super::calls::Call;
use super::cast::{ADMINISTRATOR, Cast, GUEST, RESIDENT, Role};
use super::company::Company;
use super::{first, foreign};

/// The secrets in addresses by their names, each with what stands before it there.
const PAGES: [(&str, &str); 8] = [
    ("activation", "/activate?token="),
    ("recovery", "/recover/new?token="),
    ("new_email", "/settings/email?token="),
    ("export", "/settings/export/"),
    ("invitation", "/accounts/invitation?token="),
    ("unsubscribe", "/notifications/unsubscribe?token="),
    ("meter_link", "/readings/link/"),
    ("scanned_code", "/accounts/link?receipt="),
];
/// The code beside the QR of a receipt, which is typed.
pub(super) const CODE: &str = "receipt_code";
/// Of the letter that asks for help.
pub(super) const INVITATION: &str = "Вас просят";
const MESSAGE: &str = "Отключение воды в субботу";
/// Codes of numbers so far from each other have nothing in common.
const FAR: u64 = 0x9e37_79b9_7f4a_7c15;

/// The names of all secrets.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    PAGES.iter().map(|(name, _)| *name).chain([CODE])
}

/// Whether a secret is called so.
pub(super) fn is_one(name: &str) -> bool {
    names().any(|known| known == name)
}

/// A code of no receipt, as printed, with digits and letters where `code` has them.
pub(super) fn nobodys_code(code: &str) -> String {
    let alike = |other: &String| other.chars().map(|c| c.is_numeric()).eq(code.chars().map(|c| c.is_numeric()));
    let others = (1_u64..).map(|number| printed(LinkCode::of(number.wrapping_mul(FAR)).as_str()));
    others.filter(|other| other != code).find(alike).expect("a code")
}

/// The company's secrets by their names. `friend` is invited to help there, and has a login of this address at both
/// companies: the invitation is theirs at either, but for the company.
pub(super) fn given_out(server: &Server, company: &Company, friend: &str) -> Vec<(&'static str, String)> {
    let slug = company.slug.as_str();
    let mut people = Cast::working(server, slug);
    let (applicant, new) = (format!("applicant@{slug}.example"), format!("moved@{slug}.example"));
    let login = server.facts().company(slug).resident.email.as_str();
    ask(company, &mut people, [&applicant, login, &new, friend]);
    let letters = [
        (applicant.as_str(), "Активация"),
        (login, "Восстановление"),
        (new.as_str(), "Подтвердите новый адрес"),
        (login, "Ваши данные"),
        (friend, INVITATION),
        (login, MESSAGE),
    ];
    let in_letters = letters.into_iter().zip(PAGES);
    let mut secrets: Vec<(&str, String)> = in_letters
        .map(|((to, subject), (name, page))| (name, behind(page, &server.letter(to, subject).path(page))))
        .collect();
    secrets.push(("meter_link", link_of_a_meter(company, &mut people.0[ADMINISTRATOR].browser)));
    let (scanned, code) = on_the_receipt(company, &mut people.0[RESIDENT].browser);
    secrets.extend([("scanned_code", scanned), (CODE, code)]);
    let mut friend = with_a_login(server, slug, friend);
    for ((name, secret), (_, page)) in secrets.iter().zip(PAGES) {
        match *name {
            "export" => opens(&mut people.0[RESIDENT].browser, page, secret),
            "invitation" => opens(&mut friend, page, secret),
            _ => opens(&mut server.stranger(slug), page, secret),
        }
    }
    secrets
}

/// Asks for the letters: to somebody who registers, to the resident, to the resident's new address, to a friend.
fn ask(company: &Company, people: &mut Cast, [applicant, login, new, friend]: [&str; 4]) {
    let guest = &mut people.0[GUEST].browser;
    guest.from = world::fresh_ip();
    let form = guest.registration(applicant, PASSWORD);
    guest.submit(&form).expect(303);
    let form = guest.recovery(login);
    guest.submit(&form).expect(303);
    let resident = &mut people.0[RESIDENT];
    send(resident, "/settings", &[("email", new)]);
    send(resident, "/settings/export", &[]);
    let helpers = format!("/accounts/{}/helpers", first(company, "account"));
    send(resident, &helpers, &[("email", friend), ("access", "readings"), ("until", "30.11.2026")]);
    let (staff, messages) = (&mut people.0[ADMINISTRATOR].browser, "/api/admin/v1/notifications");
    let audience = json!({ "to": "resident", "resident": first(company, "resident") });
    let body = json!({ "title": MESSAGE, "body": "Текст.", "audience": audience, "urgent": true });
    let message = staff.call("POST", messages, Some(&body)).expect(200).json();
    let id = message["id"].as_str().expect("an identifier");
    staff.call("POST", &format!("{messages}/{id}/send"), Some(&json!({}))).expect(200);
}

/// Sends a form, and looks at what comes of it.
fn send(role: &mut Role, path: &str, fields: &[(&str, &str)]) {
    let mut all = vec![("csrf".to_owned(), role.token.clone())];
    all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let answer = role.browser.post(path, &all).expect(303);
    role.browser.follow(answer).expect(200);
}

/// What stands behind the beginning of a path.
fn behind(beginning: &str, path: &str) -> String {
    path.strip_prefix(beginning).unwrap_or_else(|| panic!("{path} does not begin with {beginning}")).to_owned()
}

/// The path of an address on a portal.
fn path(address: &str) -> &str {
    let (_, rest) = address.split_once("://").expect("a whole address");
    rest.find('/').map_or("/", |at| &rest[at..])
}

/// The secret of the link that staff make for a meter of the resident's.
fn link_of_a_meter(company: &Company, staff: &mut Browser) -> String {
    let links = format!("/api/admin/v1/meters/{}/links", first(company, "meter"));
    let link = staff.call("POST", &links, Some(&json!({ "period": "2026-11" }))).expect(200).json();
    behind("/readings/link/", path(link["address"].as_str().expect("an address")))
}

/// What the QR of the resident's newest receipt carries, and the code beside it.
fn on_the_receipt(company: &Company, resident: &mut Browser) -> (String, String) {
    let receipt = format!("/documents/{}.pdf", first(company, "period"));
    let pdf = Pdf::new(&resident.get(&receipt).expect(200).body);
    // A code that is overlooked at one resolution is seen at the other.
    let mut seen = [200, 300].into_iter().flat_map(|dots| pdf.codes_at(dots));
    let address = seen.find(|code| code.contains("/accounts/link?receipt=")).expect("a QR for linking");
    let (sent, code) = address.split_once('#').expect("the code as printed");
    (behind("/accounts/link?receipt=", path(sent)), code.to_owned())
}

/// Somebody with a login of this address at the company, logged in. Of the residents there they are the last.
fn with_a_login(server: &Server, slug: &str, email: &str) -> Browser {
    let hash = password::hash_now(PASSWORD).expect("a hash");
    world::in_company(server, slug, async |tx| {
        let made = people::create_resident(tx, ResidentId(Uuid::max()), email, "+7 900 111-22-33", &hash).await;
        made.expect("a resident");
    });
    let mut browser = server.stranger(slug);
    browser.log_in(email, PASSWORD);
    browser
}

/// At home the secret opens what nobody's of its shape does not.
fn opens(browser: &mut Browser, page: &str, secret: &str) {
    let call = Call::new("GET", page, page, "");
    let mut told = |secret: &str| Told::of(&call, &browser.get(&format!("{page}{secret}")), [secret; 3]);
    let (own, nobodys) = (told(secret), told(&foreign::nobodys(secret)));
    assert_ne!(own, nobodys, "{page}{secret} opens nothing");
}

#[test]
fn a_code_that_nobody_has_looks_like_one_that_somebody_has() {
    let code = printed(LinkCode::of(271_828_182_845).as_str());
    let nobodys = nobodys_code(&code);
    assert!(nobodys != code && LinkCode::parse(&nobodys).is_some(), "{code}, {nobodys}");
    let digits = |code: &str| code.chars().map(|c| c.is_ascii_digit()).collect::<Vec<_>>();
    assert_eq!(digits(&nobodys), digits(&code));
}
