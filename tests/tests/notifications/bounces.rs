//! A letter with a notice that a mail server took and sent back later.

use kabinet_tests::gateways::Gateway;
use kabinet_tests::mail_server::{MailServer, Received};
use kabinet_tests::world::holder_of_flat;
use kabinet_tests::{Database, Kind, Server, on_both_databases, reports, wait_for, wait_until};

use crate::{COMPANY, channels, decide, message, number, only, report, sent, settled, token};

on_both_databases![a_letter_that_comes_back_is_followed_by_the_next_channel_once];

fn a_letter_that_comes_back_is_followed_by_the_next_channel_once(kind: Kind) {
    let (mail, gateway) = (MailServer::new(), Gateway::start());
    let environment = [("KABINET_MAIL__SMTP_URL", mail.url()), (reports::KEY, reports::ADDRESS.to_owned())];
    let server = Server::with(Database::new(kind), "2026-11-22", &environment);
    decide(&server, COMPANY, &channels(&["email", "sms"], &gateway));
    let mut staff = server.staff(COMPANY);
    token(&mut staff, "sms");
    let (person, _) = holder_of_flat(&server, COMPANY, 0);
    let id = sent(&mut staff, &message("Письмо вернётся", &only(person.id)));
    let seen = settled(&mut staff, &id, "sent", 1);
    assert_eq!((number(&seen, "deliveries", "sent"), gateway.taken().len()), (1, 0), "a letter is enough");
    let of_message = |letter: &Received| letter.subject == "Письмо вернётся";
    let letter = mail.received_for(&person.email).into_iter().find(of_message).expect("the letter");

    let taken = |message: &str| assert!(reports::hand(server.command(), message).status.success());
    taken(&reports::delayed(&letter));
    taken(&reports::absent(&letter));
    for _ in 0..2 {
        taken(&reports::postfix(&letter));
        wait_until("the next channel", || !gateway.taken().is_empty());
    }
    let seen = wait_for("its end", || {
        let seen = report(&mut staff, &id);
        (number(&seen, "notices", "sent") == 1).then_some(seen)
    });
    assert_eq!((number(&seen, "deliveries", "failed"), number(&seen, "deliveries", "sent")), (1, 1));
    assert_eq!(gateway.taken().len(), 1, "once, although it was reported twice");
}
