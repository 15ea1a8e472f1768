//! The flag, the application, its document; who may set it.

use kabinet_contracts::AccountId;
use kabinet_tests::pdf::Pdf;
use kabinet_tests::world::{self, Known, holder_of_flat, newcomer};
use kabinet_tests::{Browser, Kind, Response, Server, on_both_databases, wait_for};
use serde_json::json;

use crate::{COLUMN, COMPANY, history, is_set, path, press, readdress, reason, refuse, restore, sign};

on_both_databases![
    setting_the_flag_opens_the_application_and_confirming_it_refuses_paper,
    the_document_says_what_was_confirmed_and_is_the_holders_and_the_companys,
    what_is_typed_is_text_in_the_document,
    a_flag_taken_away_asks_first_and_keeps_the_history,
    each_account_has_a_flag_of_its_own,
    two_residents_of_an_account_share_its_flag_and_each_may_have_the_receipts,
    a_profile_without_an_address_is_asked_for_one_first,
    a_helper_has_no_flag,
    a_closed_account_takes_no_application,
    nobody_finds_another_ones_document,
    a_program_of_the_resident_does_the_same,
];

/// The whole address of the flat that the resident holds.
fn address(browser: &mut Browser, known: &Known) -> String {
    let me = browser.call("GET", "/api/v1/me", None).expect(200).json();
    let address = me["accounts"][0]["address"].as_str().expect("an address").replace('\u{a0}', " ");
    assert!(address.ends_with(&format!(", д. {}, кв. {}", known.house, known.flat)), "{address}");
    address
}

fn setting_the_flag_opens_the_application_and_confirming_it_refuses_paper(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, known) = holder_of_flat(server, COMPANY, 0);
    let browser = &mut person.browser;
    let address = address(browser, &known);
    let list = browser.page("/accounts");
    assert!(list.all("th").iter().any(|heading| heading.text() == COLUMN));
    assert!(!is_set(browser, known.id));
    let form = press(browser, known.id);
    let text = form.one("main").text();
    let number = format!("{}-1", known.account);
    for part in ["Заявление", &number, "22.11.2026", &known.account, &address, &person.email] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!is_set(browser, known.id), "the form alone refuses nothing");
    // Without a name it is refused, with what was typed.
    let refused = sign(browser, known.id, "Нина").expect(422).page();
    assert_eq!(refused.refusals()[0].0, "signatory");
    assert_eq!(refused.one("#signatory").attribute("value"), Some("Нина"));
    let answer = sign(browser, known.id, "Иванова Нина Петровна").expect(303);
    let list = browser.follow(answer).page();
    assert!(list.one("[role=status]").text().contains(&number));
    assert!(is_set(browser, known.id));
    let letter = server.letter(&person.email, "Отказ от бумажной квитанции принят");
    assert!(letter.text.contains(&known.account) && letter.html.contains(&known.account));
    assert_eq!(letter.attachments[0].name, format!("zayavlenie-{number}.pdf"));
    // A second time it is there already.
    send(&mut person.browser, known.id, "refuse").expect(422);
    assert_eq!(history(server, known.id).len(), 1);
}

/// Sends the form past its page.
fn send(browser: &mut Browser, account: AccountId, confirm: &str) -> Response {
    let csrf = browser.page("/accounts").form("/logout").value("csrf").expect("a token").to_owned();
    let fields = [("csrf", csrf.as_str()), ("confirm", confirm), ("signatory", "Иванова Нина Петровна")];
    browser.post(&path(account), &fields.map(|(name, value)| (name.to_owned(), value.to_owned())))
}

fn the_document_says_what_was_confirmed_and_is_the_holders_and_the_companys(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, known) = holder_of_flat(server, COMPANY, 1);
    refuse(&mut person.browser, known.id);
    let address = address(&mut person.browser, &known);
    let list = person.browser.page("/accounts");
    let href = list.links().into_iter().find(|href| href.ends_with(".pdf")).expect("the document");
    let answer = person.browser.get(&href).expect(200);
    assert_eq!(answer.header("content-type"), Some("application/pdf"));
    let text = Pdf::new(&answer.body).text();
    let number = format!("№ {}-1", known.account);
    let director = "Директору ООО «УК Береговой»";
    for part in [&number, &known.account, &address, &person.email, "Иванова Нина Петровна", "22.11.2026", director]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(text.contains("ко всем видам квитанций") && text.contains("следующей квитанции"), "{text}");
    assert!(answer.text().contains("/StructTreeRoot"), "tagged");
    let id = history(server, known.id)[0]["id"].as_str().expect("an identifier").to_owned();
    let theirs = server.staff(COMPANY).get(&format!("/api/admin/v1/paperless/applications/{id}")).expect(200);
    assert!(theirs.body == answer.body, "staff fetch the same document");
    let letter = server.letter(&person.email, "принят");
    assert!(server.mailbox().get(&letter.attachments[0].href).expect(200).body == answer.body, "so does the letter");
}

fn what_is_typed_is_text_in_the_document(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, known) = holder_of_flat(server, COMPANY, 2);
    let name = "#panic(1) $x$ *b* \\ \"q\" ] } <a>";
    sign(&mut person.browser, known.id, name).expect(303);
    let page = person.browser.page("/accounts");
    let href = page.links().into_iter().find(|href| href.ends_with(".pdf")).expect("the document");
    let text = Pdf::new(&person.browser.get(&href).expect(200).body).text();
    assert!(text.contains(name), "{text}");
}

fn a_flag_taken_away_asks_first_and_keeps_the_history(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, known) = holder_of_flat(server, COMPANY, 3);
    refuse(&mut person.browser, known.id);
    let page = press(&mut person.browser, known.id);
    assert_eq!(page.one("h1").text(), "Вернуть бумажную квитанцию");
    assert!(is_set(&mut person.browser, known.id), "asking changes nothing");
    restore(&mut person.browser, known.id);
    assert!(!is_set(&mut person.browser, known.id));
    assert_eq!(reason(server, known.id), "asked");
    refuse(&mut person.browser, known.id);
    let all = history(server, known.id);
    let numbers: Vec<&str> = all.iter().filter_map(|one| one["number"].as_str()).collect();
    assert_eq!(numbers, [format!("{}-1", known.account), format!("{}-2", known.account)]);
    assert!(all[1]["ended_reason"].is_null());
    // Nothing is left to restore where nothing was refused.
    restore(&mut person.browser, known.id);
    send(&mut person.browser, known.id, "restore").expect(422);
}

fn each_account_has_a_flag_of_its_own(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, first) = holder_of_flat(server, COMPANY, 4);
    let second = world::flat(server, COMPANY, 5);
    person.link(&second.account, &second.house, &second.flat, &second.surname).expect(303);
    refuse(&mut person.browser, second.id);
    assert!(!is_set(&mut person.browser, first.id) && is_set(&mut person.browser, second.id));
}

fn two_residents_of_an_account_share_its_flag_and_each_may_have_the_receipts(kind: Kind) {
    let server = Server::shared(kind);
    let (mut one, known) = holder_of_flat(server, COMPANY, 6);
    let mut other = world::holder(server, COMPANY, &known);
    refuse(&mut one.browser, known.id);
    // The other sees it, but not who did it, and may have the receipts too.
    assert!(is_set(&mut other.browser, known.id));
    let list = other.browser.page("/accounts").one("main").text();
    assert!(list.contains("Отказ подал другой пользователь") && !list.contains(&one.email), "{list}");
    let page = press(&mut other.browser, known.id);
    assert!(page.links().contains(&format!("{}?own=yes", path(known.id))));
    let application = other.browser.page(&format!("{}?own=yes", path(known.id)));
    assert!(application.one("main").text().contains("уже подал другой пользователь"));
    refuse(&mut other.browser, known.id);
    assert_eq!(history(server, known.id).len(), 2);
    // Paper comes back for the account; whoever did not ask is told.
    restore(&mut other.browser, known.id);
    assert!(!is_set(&mut one.browser, known.id) && !is_set(&mut other.browser, known.id));
    let reasons: Vec<_> = history(server, known.id).iter().map(|it| it["ended_reason"].clone()).collect();
    assert_eq!(reasons, ["asked_by_other", "asked"]);
    assert!(server.letter(&one.email, "снова печатается").text.contains("вернул другой пользователь"));
    assert!(one.browser.page("/accounts").one("main").text().contains("по просьбе другого абонента"));
    assert!(server.letters(&other.email).iter().all(|letter| !letter.subject.contains("снова печатается")));
}

fn a_profile_without_an_address_is_asked_for_one_first(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, known) = holder_of_flat(server, COMPANY, 7);
    // As the first visits by Gosuslugi of earlier releases left it.
    let email = person.email.clone();
    readdress(server, &mut person, "");
    // The profile is read anew by a session that begins after that.
    world::in_company(server, COMPANY, async |tx| {
        tx.touch(kabinet_web::session::TOPIC).await.expect("told");
    });
    let page = wait_for("the page without a form", || {
        Some(person.browser.page(&path(known.id))).filter(|page| !page.has("#signatory"))
    });
    assert!(page.links().contains(&"/settings".to_owned()) && page.one("main").text().contains("Укажите его"));
    send(&mut person.browser, known.id, "refuse").expect(422);
    assert!(history(server, known.id).is_empty());
    readdress(server, &mut person, &email);
    refuse(&mut person.browser, known.id);
}

fn a_helper_has_no_flag(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, known) = holder_of_flat(server, COMPANY, 8);
    let mut helper = newcomer(server, COMPANY);
    person.invite(known.id, &helper.email, "sums", "30.11.2026").expect(303);
    helper.accept_invitation(server);
    let list = helper.browser.page("/accounts");
    assert!(list.text().contains(&known.account) && list.all("[role=checkbox]").is_empty());
    helper.browser.get(&path(known.id)).expect(404);
    send(&mut helper.browser, known.id, "refuse").expect(404);
}

fn a_closed_account_takes_no_application(kind: Kind) {
    let server = Server::shared(kind);
    let (_, known) = holder_of_flat(server, COMPANY, 9);
    let close = format!("/api/admin/v1/accounts/{}/close", known.id);
    server.staff(COMPANY).call("POST", &close, Some(&serde_json::json!({ "on": "2026-11-20" }))).expect(204);
    let mut last = world::holder(server, COMPANY, &known);
    last.browser.get(&path(known.id)).expect(422);
    send(&mut last.browser, known.id, "refuse").expect(422);
    assert!(history(server, known.id).is_empty());
}

fn nobody_finds_another_ones_document(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, known) = holder_of_flat(server, COMPANY, 10);
    refuse(&mut person.browser, known.id);
    let id = history(server, known.id)[0]["id"].as_str().expect("an identifier").to_owned();
    let none = "0193a1c0-0000-7000-8000-0000000000ff";
    // Another holder of the same account, a stranger, another company's staff.
    let mut other = world::holder(server, COMPANY, &known);
    let (mut stranger, _) = holder_of_flat(server, COMPANY, 11);
    for browser in [&mut other.browser, &mut stranger.browser] {
        // What was to be said once is said.
        browser.page("/accounts");
        let theirs = browser.get(&format!("{}/{id}.pdf", path(known.id))).expect(404).fingerprint();
        assert_eq!(browser.get(&format!("{}/{none}.pdf", path(known.id))).expect(404).fingerprint(), theirs);
    }
    stranger.browser.get(&path(known.id)).expect(404);
    let mut staff = server.staff("teploset");
    staff.get(&format!("/api/admin/v1/paperless/applications/{id}")).expect(404);
    staff.get(&format!("/api/admin/v1/paperless/accounts/{}", known.id)).expect(404);
}

fn a_program_of_the_resident_does_the_same(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, known) = holder_of_flat(server, COMPANY, 12);
    let address = format!("/api/v1{}", path(known.id));
    let before = person.browser.call("GET", &address, None).expect(200).json();
    let number = format!("{}-1", known.account);
    assert_eq!((&before["refused"], &before["application"]["number"]), (&json!(false), &json!(number)));
    assert_eq!(before["application"]["email"], person.email);
    let wrong = person.browser.call("POST", &address, Some(&json!({ "signatory": "Нина" }))).expect(422).json();
    assert_eq!((&wrong["code"], &wrong["fields"][0]["field"]), (&json!("paperless.invalid"), &json!("signatory")));
    let signed = json!({ "signatory": "Иванова Нина Петровна" });
    let refused = person.browser.call("POST", &address, Some(&signed)).expect(200).json();
    assert_eq!((&refused["refused"], &refused["own"]["number"]), (&json!(true), &json!(number)));
    assert!(refused["application"].is_null(), "{refused}");
    assert!(is_set(&mut person.browser, known.id), "the page knows it");
    let again = person.browser.call("POST", &address, Some(&signed)).expect(422).json();
    assert_eq!(again["code"], "paperless.already_refused");
    let document = format!("{address}/{}", refused["own"]["id"].as_str().expect("an id"));
    assert!(person.browser.call("GET", &document, None).expect(200).body.starts_with(b"%PDF"));
    let mut other = newcomer(server, COMPANY);
    other.browser.call("GET", &document, None).expect(404);
    let restored = person.browser.call("DELETE", &address, None).expect(200).json();
    assert_eq!(
        (&restored["refused"], &restored["application"]["number"]),
        (&json!(false), &json!(format!("{}-2", known.account)))
    );
    assert_eq!(person.browser.call("DELETE", &address, None).expect(422).json()["code"], "paperless.not_refused");
    assert_eq!(reason(server, known.id), "asked");
}
