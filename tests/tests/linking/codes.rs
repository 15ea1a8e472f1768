//! The one-time code on the receipt.

use kabinet_accounts::codes::LinkCode;
use kabinet_accounts::{AccountsSettings, LinkMethod};
use kabinet_tests::pdf::Pdf;
use kabinet_tests::{Kind, Server, on_both_databases};

use crate::SLUG;
use crate::world::{Known, Person, accounts, flat, grant_link, in_company, newcomer};

on_both_databases![
    a_code_links_once_and_is_printed_again_as_it_was,
    a_firm_links_by_code_only,
    a_company_may_ask_for_codes,
    a_scanned_receipt_brings_its_code_through_the_login,
    a_scan_tells_nothing_and_forgives_nothing,
];

/// The code on the newest receipt, which this resident may print.
pub fn printed_code(person: &mut Person) -> Option<String> {
    let pdf = person.browser.get("/documents/2026-10.pdf").expect(200);
    let text = Pdf::new(&pdf.body).text();
    let shaped = |word: &&str| word.len() == 11 && word.contains('-') && LinkCode::parse(word).is_some();
    let code = text.split_whitespace().find(shaped).map(str::to_owned);
    assert_eq!(code.is_some(), text.contains("код для привязки"), "{text}");
    code
}

fn holder_of(server: &Server, known: &Known) -> Person {
    let person = newcomer(server, SLUG);
    grant_link(server, SLUG, person.id, known.id);
    // The session of the login before knows of the link within a second.
    std::thread::sleep(std::time::Duration::from_millis(1200));
    person
}

fn a_code_links_once_and_is_printed_again_as_it_was(kind: Kind) {
    let server = Server::shared(kind);
    let known = flat(server, SLUG, 10);
    let mut holder = holder_of(server, &known);
    let code = printed_code(&mut holder).expect("a code on the receipt");
    assert_eq!(printed_code(&mut holder).as_ref(), Some(&code), "the same when it is printed again");
    let mut person = newcomer(server, SLUG);
    person.find(&known.account, &known.house, &known.flat).expect(303);
    let slip: String = format!("{}{}", if code.starts_with('2') { '3' } else { '2' }, &code[1..]);
    let page = person.prove("code", &slip).expect(422).page();
    assert_eq!(page.refusals()[0].0, "code");
    person.prove("code", &code.to_lowercase().replace('-', " ")).expect(303);
    assert_eq!(person.linked(), std::slice::from_ref(&known.account));
    // Used up: for others it is as wrong as any.
    let mut late = newcomer(server, SLUG);
    late.find(&known.account, &known.house, &known.flat).expect(303);
    let used = late.prove("code", &code).expect(422).fingerprint();
    let mut wrong = newcomer(server, SLUG);
    let foreign = printed_code(&mut holder_of(server, &flat(server, SLUG, 11))).expect("a code");
    wrong.find(&known.account, &known.house, &known.flat).expect(303);
    let other = wrong.prove("code", &foreign).expect(422).fingerprint();
    assert_eq!(
        used.2.replace(&late.email, "").replace(&code, ""),
        other.2.replace(&wrong.email, "").replace(&foreign, "")
    );
}

fn a_firm_links_by_code_only(kind: Kind) {
    let server = Server::shared(kind);
    let known = accounts(server, SLUG, |known| known.kind == "non_residential").into_iter().next().expect("a shop");
    let code = printed_code(&mut holder_of(server, &known)).expect("a code");
    let mut person = newcomer(server, SLUG);
    for surname in ["Рассвет", "ООО", "-"] {
        person.find(&known.account, &known.house, &known.flat).expect(303);
        assert_eq!(person.prove("surname", surname).status, 422, "{surname}");
    }
    person.find(&known.account, &known.house, &format!("пом. {}", known.flat)).expect(303);
    person.prove("code", &code).expect(303);
    assert_eq!(person.linked(), [known.account]);
}

/// The address in the QR beside the code, as the path that a browser asks for and the part behind the `#`.
fn scanned(person: &mut Person) -> (String, String) {
    let pdf = person.browser.get("/documents/2026-10.pdf").expect(200);
    let codes = Pdf::new(&pdf.body).codes();
    let address = codes.into_iter().find(|code| code.starts_with("http")).expect("a QR for linking");
    let (sent, kept) = address.split_once('#').expect("a fragment");
    let host = format!("http://{}", person.browser.host);
    let path = sent.strip_prefix(&host).unwrap_or_else(|| panic!("{sent} leads to {host}"));
    (path.to_owned(), kept.to_owned())
}

/// No script runs here: what a browser without JavaScript does, too.
fn a_scanned_receipt_brings_its_code_through_the_login(kind: Kind) {
    let server = Server::shared(kind);
    let known = flat(server, SLUG, 12);
    let mut holder = holder_of(server, &known);
    let code = printed_code(&mut holder).expect("a code");
    let (path, kept) = scanned(&mut holder);
    assert_eq!(kept, code);
    assert!(path.starts_with("/accounts/link?receipt=") && !path.contains(&code), "{path}");
    let mut person = newcomer(server, SLUG);
    person.browser = server.browser(SLUG);
    let answer = person.browser.get(&path).expect(303);
    assert_eq!(answer.location(), "/", "a guest logs in first");
    let start = person.browser.follow(answer).page();
    assert!(start.text().contains("Код из квитанции принят"), "{}", start.text());
    for word in [&known.account, &known.surname, &code] {
        assert!(!start.text().contains(word.as_str()), "{word} is shown to a guest");
    }
    let answer = person.browser.try_log_in(&person.email, crate::world::PASSWORD).expect(303);
    assert_eq!(answer.location(), "/accounts/link");
    let find = person.browser.follow(answer).page();
    assert!(find.text().contains("Код из квитанции уже принят"), "{}", find.text());
    assert!(!find.text().contains(&known.account) && !find.text().contains(&known.surname), "{}", find.text());
    let form = find.form("/accounts/link").with("account", &known.account).with("house", &known.house);
    let answer = person.submit(&form.with("flat", &known.flat)).expect(303);
    let check = person.browser.follow(answer).page();
    assert!(!check.text().contains(&known.surname));
    let form = check.form("/accounts/link");
    assert_eq!(form.value("code"), Some(code.as_str()), "the code is filled in");
    person.submit(&form).expect(303);
    assert_eq!(person.linked(), [known.account]);
    let again = person.browser.page("/accounts/link");
    assert!(!again.text().contains("Код из квитанции"), "the code is forgotten");
    assert!(!server.log().contains(&code), "no log holds the code");
}

fn a_scan_tells_nothing_and_forgives_nothing(kind: Kind) {
    let server = Server::shared(kind);
    let (mine, other) = (flat(server, SLUG, 13), flat(server, SLUG, 14));
    let (path, _) = scanned(&mut holder_of(server, &mine));
    // The code of one account links no other.
    let mut person = newcomer(server, SLUG);
    assert_eq!(person.browser.get(&path).expect(303).location(), "/accounts/link");
    person.find(&other.account, &other.house, &other.flat).expect(303);
    let form = person.browser.page("/accounts/link?step=check").form("/accounts/link");
    person.submit(&form).expect(422);
    assert!(person.linked().is_empty());
    // A sealed code that was cut, changed, or is another company's brings nothing.
    for wrong in ["/accounts/link?receipt=", "/accounts/link?receipt=x", &path[..path.len() - 1], &format!("{path}A")] {
        let mut guest = server.browser(SLUG);
        let answer = guest.get(wrong).expect(303);
        assert!(guest.follow(answer).page().text().contains("введите код с квитанции вручную"), "{wrong}");
        assert!(guest.cookie("kabinet-code").is_none(), "{wrong}");
    }
    let mut guest = server.browser("teploset");
    guest.get(&path).expect(303);
    assert!(guest.cookie("kabinet-code").is_none());
}

/// On a server of its own: the setting concerns everybody.
fn a_company_may_ask_for_codes(kind: Kind) {
    let server = Server::demo(kabinet_tests::Database::new(kind), kabinet_tests::server::NOW);
    let known = flat(&server, SLUG, 0);
    let mut holder = newcomer(&server, SLUG);
    holder.link(&known.account, &known.house, &known.flat, &known.surname).expect(303);
    in_company(&server, SLUG, async |tx| {
        let settings = AccountsSettings { linking: LinkMethod::Code };
        tx.set_settings(kabinet_accounts::MODULE, &settings).await.expect("settings");
    });
    std::thread::sleep(std::time::Duration::from_millis(1200));
    let code = printed_code(&mut holder).expect("a code");
    let mut person = newcomer(&server, SLUG);
    person.find(&known.account, &known.house, &known.flat).expect(303);
    let form = person.browser.page("/accounts/link?step=check").form("/accounts/link");
    assert!(form.value("surname").is_none(), "no surname is asked for");
    let mut forced = form.clone();
    forced.fields.push(("surname".to_owned(), known.surname.clone()));
    person.submit(&forced).expect(422);
    person.submit(&form.with("code", &code)).expect(303);
    assert_eq!(person.linked(), [known.account]);
}
