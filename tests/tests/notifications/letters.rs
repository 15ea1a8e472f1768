//! Letters end by the link in them, without login; what a resident chose holds.

use kabinet_tests::world::holder_of_flat;
use kabinet_tests::{Kind, Server, on_both_databases, wait_until};

use crate::{COMPANY, message, number, only, report, sent, settled, titles};

on_both_databases![
    one_button_ends_letters_of_a_kind_without_login,
    a_mail_program_ends_letters_by_one_post,
    choices_hold_and_a_wrong_form_keeps_what_was_typed,
];

fn one_button_ends_letters_of_a_kind_without_login(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, COMPANY, 10);
    let mut staff = server.staff(COMPANY);
    sent(&mut staff, &message("Первое", &only(person.id)));
    let path = server.letter(&person.email, "Первое").path("/notifications/unsubscribe");
    let mut guest = server.browser(COMPANY);
    // Looking at the page ends nothing: scanners of mail look at every link.
    let page = guest.page(&path);
    assert!(page.text().contains("Сообщения компании") && page.all("main form button").len() == 1);
    let id = sent(&mut staff, &message("Второе", &only(person.id)));
    settled(&mut staff, &id, "sent", 1);
    let form = page.form("/notifications/unsubscribe");
    let done = guest.submit(&form).expect(200).page();
    assert!(done.one("[role=status]").text().contains("больше не придут"), "{}", done.text());
    let id = sent(&mut staff, &message("Третье", &only(person.id)));
    let seen = settled(&mut staff, &id, "silent", 1);
    assert_eq!(number(&seen, "deliveries", "sent"), 0);
    assert!(titles(&mut person.browser).contains(&"Третье".to_owned()), "the portal shows it all the same");
    assert!(server.letters(&person.email).iter().all(|letter| letter.subject != "Третье"));
    // The other company knows no such token, and neither does a changed one hold.
    server.browser("teploset").get(&path).expect(404);
    guest.get(&path.replace(".message.", ".debt.")).expect(404);
    guest.submit(&form.with("token", "0193.message.x")).expect(422);
}

fn a_mail_program_ends_letters_by_one_post(kind: Kind) {
    let server = Server::shared(kind);
    let (person, _) = holder_of_flat(server, COMPANY, 11);
    let mut staff = server.staff(COMPANY);
    sent(&mut staff, &message("Рассылка", &only(person.id)));
    let letter = server.letter(&person.email, "Рассылка");
    let messages = server.mailbox().get(&format!("/api/messages?to={}", person.email)).expect(200).json();
    let found = messages.as_array().expect("messages").iter().find(|one| one["id"] == letter.id.as_str());
    let address = found.and_then(|one| one["unsubscribe"].as_str()).expect("List-Unsubscribe").to_owned();
    let path = &address[address.find("/notifications").expect("a path")..];
    let mut program = server.browser(COMPANY);
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    let body = Some(b"List-Unsubscribe=One-Click".as_slice());
    assert_eq!(program.send("POST", &format!("{path}x"), &headers, body).status, 403);
    assert_eq!(program.send("GET", path, &[], None).status, 405, "only a POST ends anything");
    for _ in 0..2 {
        assert_eq!(program.send("POST", path, &headers, body).status, 200);
    }
    let id = sent(&mut staff, &message("Ещё одна", &only(person.id)));
    settled(&mut staff, &id, "silent", 1);
}

fn choices_hold_and_a_wrong_form_keeps_what_was_typed(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, COMPANY, 12);
    let path = "/notifications/preferences";
    let form = person.browser.page(path).form(path);
    assert_eq!(form.value("message_email"), Some("yes"), "everything comes until somebody decides otherwise");
    let refused = person.browser.submit(&form.clone().with("quiet", "own").with("quiet_from", "25")).expect(422).page();
    assert_eq!(refused.refusals()[0].0, "quiet_from");
    assert_eq!(refused.form(path).value("quiet_from"), Some("25"));
    let mut without = form.with("quiet", "never");
    without.fields.retain(|(name, _)| name != "message_email");
    person.browser.submit(&without).expect(303);
    let form = person.browser.page(path).form(path);
    assert_ne!(form.value("message_email"), Some("yes"));
    assert_eq!(form.value("receipt_email"), Some("yes"));
    let mut staff = server.staff(COMPANY);
    let id = sent(&mut staff, &message("Молча", &only(person.id)));
    settled(&mut staff, &id, "silent", 1);
    wait_until("the message", || titles(&mut person.browser).contains(&"Молча".to_owned()));
    assert_eq!(report(&mut staff, &id)["deliveries"].as_array().map(Vec::len), Some(0));
}
