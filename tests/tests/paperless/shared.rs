//! Two residents of one account who both refused paper: what ends the refusal of one leaves that of the other in force.

use kabinet_contracts::AccountId;
use kabinet_tests::world::{self, Known, Person, holder_of_flat};
use kabinet_tests::{Database, Kind, Server, on_both_databases, wait_until};
use serde_json::{Value, json};

use crate::{COMPANY, history, is_set, publish_november, refuse, without_paper};

on_both_databases![
    a_bounce_ends_the_refusal_of_whoever_reads_there_and_paper_comes_with_the_last,
    what_ends_the_refusal_of_one_holder_keeps_no_receipts_from_the_other,
];

const RECEIPTS: &str = "Квитанция за ноябрь 2026, лицевой счет";

/// Two holders of a flat, who have both refused paper.
fn both(server: &Server, number: usize) -> ([Person; 2], Known) {
    let (one, known) = holder_of_flat(server, COMPANY, number);
    let mut people = [one, world::holder(server, COMPANY, &known)];
    for person in &mut people {
        refuse(&mut person.browser, known.id);
    }
    (people, known)
}

/// Why the refusals of an account ended, the oldest first; null of one in force.
fn reasons(server: &Server, account: AccountId) -> Vec<Value> {
    history(server, account).iter().map(|refusal| refusal["ended_reason"].clone()).collect()
}

/// Staff report that letters to an address come back: how many refusals that ended.
fn report(server: &Server, email: &str) -> Value {
    let body = json!({ "email": email, "reason": "550 5.1.1" });
    server.staff(COMPANY).call("POST", "/api/admin/v1/paperless/bounces", Some(&body)).expect(200).json()["ended"]
        .clone()
}

fn list(person: &mut Person) -> String {
    person.browser.page("/accounts").one("main").text()
}

fn a_bounce_ends_the_refusal_of_whoever_reads_there_and_paper_comes_with_the_last(kind: Kind) {
    let server = Server::shared(kind);
    let ([mut one, mut other], known) = both(server, 40);
    let on_the_list = || without_paper(server, "2026-12").contains(&known.account);
    assert_eq!(report(server, &one.email), 1);
    assert_eq!(reasons(server, known.id), [json!("bounced"), json!(null)]);
    assert!(on_the_list() && is_set(&mut one.browser, known.id) && is_set(&mut other.browser, known.id));
    let text = list(&mut one);
    assert!(text.contains("Отказ подал другой пользователь"), "{text}");
    assert!(text.contains("Вам квитанции больше не приходят: письмо не доставлено"), "{text}");
    let text = list(&mut other);
    assert!(text.contains("Квитанции приходят Вам на Email") && !text.contains("не доставлено"), "{text}");
    assert_eq!(report(server, &other.email), 1);
    assert_eq!(reasons(server, known.id), [json!("bounced"), json!("bounced")]);
    assert!(!on_the_list() && !is_set(&mut one.browser, known.id) && !is_set(&mut other.browser, known.id));
    let text = list(&mut one);
    assert!(text.contains("Квитанция снова на бумаге: письмо не доставлено"), "{text}");
}

fn what_ends_the_refusal_of_one_holder_keeps_no_receipts_from_the_other(kind: Kind) {
    // Of its own: a month is published.
    let server = Server::demo(Database::new(kind), "2026-11-22");
    let ([mut gone, mut stays], unlinked) = both(&server, 0);
    let ([mut deleted, mut left], forgotten) = both(&server, 1);
    let ([one, other], bounced) = both(&server, 2);
    unlink(&server, &mut gone, &unlinked);
    delete(&server, &mut deleted, &forgotten);
    for (person, known) in [(&mut stays, &unlinked), (&mut left, &forgotten)] {
        assert!(is_set(&mut person.browser, known.id));
        assert!(list(person).contains("Квитанции приходят Вам на Email"));
    }
    publish_november(&server);
    for (person, known) in [(&stays, &unlinked), (&left, &forgotten), (&one, &bounced), (&other, &bounced)] {
        assert!(server.letter(&person.email, RECEIPTS).text.contains(&known.account));
    }
    for person in [&gone, &stays, &left, &deleted] {
        let letters = server.letters(&person.email);
        assert!(letters.iter().all(|letter| !letter.subject.contains("снова печатается")), "{letters:?}");
    }
    let letters = server.letters(&gone.email);
    assert!(letters.iter().all(|letter| !letter.subject.contains(RECEIPTS)), "{letters:?}");
    let on_the_list = || {
        let listed = without_paper(&server, "2026-11");
        [&unlinked, &forgotten, &bounced].map(|known| listed.contains(&known.account))
    };
    assert_eq!(on_the_list(), [true; 3]);
    // The month is on paper when it came back from both.
    assert_eq!(report(&server, &one.email), 1);
    assert_eq!(on_the_list(), [true; 3]);
    assert_eq!(report(&server, &other.email), 1);
    assert_eq!(on_the_list(), [true, true, false]);
}

/// One of the two unlinks the account, and is told of that refusal alone.
fn unlink(server: &Server, person: &mut Person, known: &Known) {
    let path = format!("/accounts/{}/unlink", known.id);
    let form = person.browser.page(&path).form(&path);
    person.submit(&form).expect(303);
    wait_until("the end of the refusal", || reasons(server, known.id) == [json!("unlinked"), json!(null)]);
    let letter = server.letter(&person.email, "Ваш отказ от бумажной квитанции больше не действует");
    assert!(letter.text.contains("Вы отвязали"), "{}", letter.text);
}

/// One of the two deletes the login: nothing of that person is left, all of the other.
fn delete(server: &Server, person: &mut Person, known: &Known) {
    let form = person.browser.page("/settings/delete").form("/settings/delete");
    person.browser.submit(&form).expect(303);
    assert_eq!(reasons(server, known.id), [json!("login_deleted"), json!(null)]);
    let mut staff = server.staff(COMPANY);
    let document =
        |refusal: &Value| format!("/api/admin/v1/paperless/applications/{}", refusal["id"].as_str().expect("an id"));
    let [theirs, others]: [Value; 2] = history(server, known.id).try_into().expect("two refusals");
    assert_eq!((&theirs["email"], &theirs["signatory"]), (&json!(""), &json!("")));
    staff.get(&document(&theirs)).expect(404);
    assert_eq!(others["signatory"], "Иванова Нина Петровна");
    assert!(staff.get(&document(&others)).expect(200).body.starts_with(b"%PDF"));
}
