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
];

/// The code on the newest receipt, which this resident may print.
pub fn printed_code(person: &mut Person) -> Option<String> {
    let pdf = person.browser.get("/documents/2026-10.pdf").expect(200);
    let text = Pdf::new(&pdf.body).text();
    let shaped = |word: &&str| word.len() == 11 && word.contains('-') && LinkCode::parse(word).is_some();
    let code = text.split_whitespace().find(shaped).map(str::to_owned);
    assert_eq!(code.is_some(), text.contains("Код для привязки"), "{text}");
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
