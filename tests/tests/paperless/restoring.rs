//! What brings paper back by itself.

use kabinet_tests::mail_server::{MailServer, Received};
use kabinet_tests::traces::wait_until_nowhere;
use kabinet_tests::world::{self, holder_of_flat};
use kabinet_tests::{Database, Kind, Server, on_both_databases, wait_for};
use serde_json::json;

use crate::{COMPANY, history, is_set, publish_november, readdress, reason, refuse, without_paper};

on_both_databases![
    a_letter_refused_for_good_restores_paper_and_the_month_is_printed,
    a_bounce_that_is_reported_later_restores_paper,
    unlinking_restores_paper_and_linking_again_does_not_bring_the_refusal_back,
    a_change_of_holder_restores_paper,
    the_deletion_of_a_login_restores_paper_and_forgets_the_person,
];

fn a_letter_refused_for_good_restores_paper_and_the_month_is_printed(kind: Kind) {
    let mail = MailServer::new();
    let server = Server::with(Database::new(kind), "2026-11-22", &[("KABINET_MAIL__SMTP_URL", mail.url())]);
    let (mut person, known) = holder_of_flat(&server, COMPANY, 0);
    let (mut other, good) = holder_of_flat(&server, COMPANY, 1);
    refuse(&mut person.browser, known.id);
    refuse(&mut other.browser, good.id);
    // The mailbox is given up between the application and the bill.
    let _ = mail.wait_for(&person.email, 1);
    readdress(&server, &mut person, "refused.anna@example.ru");
    publish_november(&server);
    assert_eq!(reason(&server, known.id), "bounced");
    assert_eq!(history(&server, known.id)[0]["detail"], "550 5.1.1");
    assert!(!is_set(&mut person.browser, known.id));
    assert!(person.browser.page("/accounts").one("main").text().contains("письмо не доставлено"));
    // The demo's own resident gets receipts by letter, too.
    let of_november = |letter: &Received| letter.subject.contains("ноябрь 2026, лицевой счет");
    let letter = wait_for("the letter", || mail.received_for(&other.email).into_iter().find(of_november));
    assert_eq!(
        (letter.envelope.to.as_slice(), letter.raw.matches("application/pdf").count()),
        ([other.email.clone()].as_slice(), 2)
    );
    let listed = without_paper(&server, "2026-11");
    assert!(listed.contains(&good.account) && !listed.contains(&known.account), "{listed:?}");
}

fn a_bounce_that_is_reported_later_restores_paper(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, first) = holder_of_flat(server, COMPANY, 20);
    let second = world::flat(server, COMPANY, 21);
    person.link(&second.account, &second.house, &second.flat, &second.surname).expect(303);
    refuse(&mut person.browser, first.id);
    refuse(&mut person.browser, second.id);
    let report = |email: &str| {
        let body = json!({ "email": email, "reason": "550 5.2.1" });
        server.staff(COMPANY).call("POST", "/api/admin/v1/paperless/bounces", Some(&body)).expect(200).json()["ended"]
            .clone()
    };
    assert_eq!(report("nobody@example.ru"), 0);
    assert_eq!(report(&person.email.to_uppercase()), 2);
    assert_eq!(report(&person.email), 0, "a second report finds nothing left");
    for account in [first.id, second.id] {
        assert_eq!(reason(server, account), "bounced");
        assert!(!is_set(&mut person.browser, account));
    }
    // Another company's staff reach nobody here.
    refuse(&mut person.browser, first.id);
    let body = json!({ "email": person.email });
    server.staff("teploset").call("POST", "/api/admin/v1/paperless/bounces", Some(&body)).expect(404);
    assert!(is_set(&mut person.browser, first.id));
}

fn unlinking_restores_paper_and_linking_again_does_not_bring_the_refusal_back(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, known) = holder_of_flat(server, COMPANY, 22);
    refuse(&mut person.browser, known.id);
    let path = format!("/accounts/{}/unlink", known.id);
    let form = person.browser.page(&path).form(&path);
    person.submit(&form).expect(303);
    assert_eq!(reason(server, known.id), "unlinked");
    assert!(server.letter(&person.email, "снова печатается").text.contains("Вы отвязали"));
    person.link(&known.account, &known.house, &known.flat, &known.surname).expect(303);
    assert!(!is_set(&mut person.browser, known.id));
    refuse(&mut person.browser, known.id);
    assert!(is_set(&mut person.browser, known.id));
}

fn a_change_of_holder_restores_paper(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, known) = holder_of_flat(server, COMPANY, 23);
    refuse(&mut person.browser, known.id);
    let body = json!({ "from": "2026-11-20", "holders": [
        { "kind": "person", "surname": "Новосёлова", "given_name": "Анна", "share_numerator": 1, "share_denominator": 1 },
    ] });
    let address = format!("/api/admin/v1/accounts/{}/holder", known.id);
    server.staff(COMPANY).call("POST", &address, Some(&body)).expect(204);
    assert_eq!(reason(server, known.id), "holder_changed");
    assert!(server.letter(&person.email, "снова печатается").text.contains("сменился собственник"));
    // The new holder begins with paper and an application that names nobody else.
    let mut new = world::newcomer(server, COMPANY);
    new.link(&known.account, &known.house, &known.flat, "Новосёлова").expect(303);
    assert!(!is_set(&mut new.browser, known.id));
    let form = crate::press(&mut new.browser, known.id);
    assert_eq!(form.one("#signatory").attribute("value"), Some("Новосёлова Анна"));
}

fn the_deletion_of_a_login_restores_paper_and_forgets_the_person(kind: Kind) {
    // Of its own: the whole database is searched.
    let server = Server::demo(Database::new(kind), "2026-11-22");
    let (mut person, known) = holder_of_flat(&server, COMPANY, 0);
    crate::sign(&mut person.browser, known.id, "Исчезающая Нина Петровна").expect(303);
    let _ = server.letter(&person.email, "принят");
    let id = history(&server, known.id)[0]["id"].as_str().expect("an identifier").to_owned();
    let form = person.browser.page("/settings/delete").form("/settings/delete");
    person.browser.submit(&form).expect(303);
    let kept = history(&server, known.id).pop().expect("the refusal");
    assert_eq!(kept["ended_reason"], "login_deleted");
    assert_eq!((kept["email"].as_str(), kept["signatory"].as_str()), (Some(""), Some("")));
    assert_eq!(kept["number"], format!("{}-1", known.account), "that there was one is kept");
    server.staff(COMPANY).get(&format!("/api/admin/v1/paperless/applications/{id}")).expect(404);
    wait_until_nowhere(&server, &[&person.email, "Исчезающая"]);
}
