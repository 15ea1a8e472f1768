//! Letters that a mail server took and sent back later: what its report does, and what everything else that comes to
//! the bounce address does not.

use kabinet_tests::mail_server::{MailServer, Received};
use kabinet_tests::world::{Known, Person, holder_of_flat};
use kabinet_tests::{Database, Kind, Server, on_both_databases, reports, wait_for};

use crate::{COMPANY, history, is_set, publish_november, reason, refuse, without_paper};

on_both_databases![a_letter_that_comes_back_restores_paper_and_nothing_else_that_is_sent_there_does];

/// The letter with November's receipts, once a mail server has it.
fn receipts(mail: &MailServer, email: &str) -> Received {
    let of_november = |letter: &Received| letter.subject.contains("ноябрь 2026, лицевой счет");
    wait_for("the letter", || mail.received_for(email).into_iter().find(of_november))
}

/// The letter as if its envelope had named another sender.
fn named(letter: &Received, sender: &str) -> Received {
    let mut other = letter.clone();
    sender.clone_into(&mut other.envelope.from);
    other
}

/// Senders that look like those of two letters and are nobody's.
fn forged(one: &str, other: &str) -> [String; 3] {
    let tag = one.find('+').expect("a tag") + 1;
    let digit = if &one[tag + 40..=tag + 40] == "0" { "1" } else { "0" };
    let changed = format!("{}{digit}{}", &one[..tag + 40], &one[tag + 41..]);
    // One letter under the other one's seal, and under none.
    [changed, format!("{}{}", &one[..tag + 32], &other[tag + 32..]), format!("{}@kabinet.example", &one[..tag + 32])]
}

/// Hands a message over, which is taken: what the command says to its standard output.
#[track_caller]
fn taken(server: &Server, message: &str) -> String {
    let output = reports::hand(server.command(), message);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

fn a_letter_that_comes_back_restores_paper_and_nothing_else_that_is_sent_there_does(kind: Kind) {
    let mail = MailServer::new();
    let environment = [("KABINET_MAIL__SMTP_URL", mail.url()), (reports::KEY, reports::ADDRESS.to_owned())];
    let server = Server::with(Database::new(kind), "2026-11-22", &environment);
    let mut people: Vec<(Person, Known)> = (0..4).map(|number| holder_of_flat(&server, COMPANY, number)).collect();
    for (person, known) in &mut people {
        refuse(&mut person.browser, known.id);
    }
    publish_november(&server);
    let letters: Vec<Received> = people.iter().map(|(person, _)| receipts(&mail, &person.email)).collect();
    for letter in &letters {
        let sender = &letter.envelope.from;
        assert!(sender.starts_with("bounces+") && sender.ends_with("@kabinet.example"), "{sender}");
        assert!(!letter.raw.contains("bounces+"), "the headers are those of the letter");
    }

    let [one, two, three, kept] = letters.as_slice() else { panic!("four letters") };
    assert_eq!(taken(&server, &reports::delayed(kept)), "");
    assert_eq!(taken(&server, &reports::absent(kept)), "");
    for garbage in ["", "\n\n", "From: a\n\nAction: failed\nStatus: 5.1.1\n", "\u{0}\u{1}мусор"] {
        assert_eq!(taken(&server, garbage), "", "{garbage}");
    }
    for sender in forged(&kept.envelope.from, &one.envelope.from) {
        assert_eq!(taken(&server, &reports::postfix(&named(kept, &sender))), "", "{sender}");
    }
    // What cannot be taken now is handed over again later.
    let gone = match kind {
        Kind::Sqlite => "sqlite:///nowhere/kabinet.db".to_owned(),
        Kind::PostgreSql => format!("{}_gone", server.database.url),
    };
    let mut away = server.command();
    away.env("KABINET_DATABASE__URL", &gone).env_remove("KABINET_DATABASE__OWNER_URL");
    let output = reports::hand(away, &reports::postfix(kept));
    assert_eq!(output.status.code(), Some(75), "{output:?}");

    let came = [
        (reports::postfix(one), "550 5.1.1"),
        (reports::exim(two), "552 5.0.0"),
        (reports::exchange(three), "550 5.1.10"),
    ];
    for ((report, codes), (person, known)) in came.iter().zip(&mut people) {
        assert!(taken(&server, report).contains(codes), "{codes}");
        assert_eq!(reason(&server, known.id), "bounced");
        assert_eq!(history(&server, known.id)[0]["detail"], *codes);
        assert!(!is_set(&mut person.browser, known.id));
        assert_eq!(taken(&server, report), "", "the same report again");
    }
    let (person, known) = &mut people[3];
    assert!(is_set(&mut person.browser, known.id), "this one's letter came back to nobody");
    let listed = without_paper(&server, "2026-11");
    assert_eq!(
        people.iter().map(|(_, known)| listed.contains(&known.account)).collect::<Vec<_>>(),
        [false, false, false, true]
    );
}
