//! From a transaction to a mail server.

use std::time::Duration;

use kabinet_core::Actor;
use kabinet_core::mail::{MAIL_JOB, Mail};
use kabinet_tests::company::Package;
use kabinet_tests::mail_server::MailServer;
use kabinet_tests::process::run;
use kabinet_tests::server::NOW;
use kabinet_tests::{Database, Kind, Server, block_on, on_both_databases};

use crate::stage::{Job, Stage, database};

on_both_databases![
    a_letter_leaves_exactly_when_its_transaction_commits,
    a_letter_has_its_headers_parts_and_brand,
    a_mail_server_that_was_away_gets_the_letter_when_it_is_back,
    a_letter_refused_for_good_is_given_up_and_nothing_of_it_stays,
    a_wrong_password_of_ours_loses_no_letter,
    letters_wait_until_a_mail_server_is_configured,
    a_letter_with_a_line_break_in_a_header_never_leaves,
    letters_to_a_deleted_person_are_withdrawn,
    of_a_letter_that_left_nothing_but_its_address_is_kept_and_that_for_a_week,
    whoever_is_deleted_is_forgotten_by_letters_that_left,
    two_servers_send_each_letter_once,
    a_letter_survives_a_kill_before_and_during_its_delivery,
];

fn a_letter_leaves_exactly_when_its_transaction_commits(kind: Kind) {
    let (database, server) = (database(kind), MailServer::new());
    block_on(async {
        let stage = Stage::set(&database, &server.url(), NOW).await;
        let mut tx = stage.app.db.begin(&stage.tenant, Actor::System).await.expect("a transaction");
        tx.send_mail(&Stage::letter("rolled-back@example.ru")).await.expect("queued");
        drop(tx);
        stage.run().await;
        assert!(server.received().is_empty() && stage.jobs().await.is_empty());
        stage.send(&Stage::letter("anna@example.ru")).await;
        assert!(server.received().is_empty(), "it leaves after the commit");
        stage.run().await;
        stage.run().await;
        let received = server.received();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].envelope.to, ["anna@example.ru"]);
        assert!(stage.jobs().await.is_empty() && stage.payloads().await.is_empty(), "nothing of it is kept");
    });
}

fn a_letter_has_its_headers_parts_and_brand(kind: Kind) {
    let (database, server) = (database(kind), MailServer::for_user("kabinet", "secret"));
    let company = Package::read("beregovoy");
    block_on(async {
        let stage = Stage::set(&database, &server.url(), NOW).await;
        stage.send(&Stage::letter("anna@example.ru")).await;
        stage.run().await;
    });
    let letter = server.received().pop().expect("a letter");
    assert_eq!(letter.user.as_deref(), Some("kabinet"));
    assert_eq!(letter.envelope.from, "no-reply@kabinet.example");
    assert_eq!(
        (letter.from.address.as_str(), letter.from.name.as_str()),
        ("no-reply@kabinet.example", company.name.as_str())
    );
    assert_eq!(letter.reply_to.as_deref(), Some(company.contacts.email.as_str()));
    assert_eq!(letter.subject, "Активация личного кабинета");
    let header = |name: &str| letter.headers.get(name).map(String::as_str).unwrap_or_default();
    assert!(header("message-id").ends_with("@beregovoy.localhost>"), "{:?}", letter.headers);
    assert!(header("date").starts_with("Sun, 22 Nov 2026"), "the platform's clock: {}", header("date"));
    assert_eq!(header("auto-submitted"), "auto-generated");
    assert!(header("content-type").starts_with("multipart/alternative"));
    let link = "http://beregovoy.localhost/activate?token=t-1";
    assert!(letter.text.contains(link) && letter.text.contains("Анна <b>!"), "{}", letter.text);
    assert!(letter.text.contains(&company.name) && letter.text.contains(&company.contacts.phone));
    let html = letter.html.replace("&#x2f;", "/");
    assert!(html.contains(link) && html.contains("Анна &lt;b&gt;!"), "{html}");
    assert!(html.contains(&company.contacts.phone) && html.contains("background-color:#"));
    assert!(!html.contains("<script") && !html.contains("<link") && !html.contains("src="), "nothing is loaded");
    assert!(letter.raw.lines().all(|line| line.len() <= 998 && line.is_ascii()), "fit for any mail server");
}

fn a_mail_server_that_was_away_gets_the_letter_when_it_is_back(kind: Kind) {
    let (database, mut server) = (database(kind), MailServer::new());
    server.stop();
    block_on(async {
        let stage = Stage::set(&database, &server.url(), NOW).await;
        stage.send(&Stage::letter("anna@example.ru")).await;
        stage.run().await;
        let jobs = stage.jobs().await;
        assert_eq!((jobs.len(), jobs[0].state, jobs[0].attempts), (1, 0, 1), "{jobs:?}");
        server.start();
        stage.run().await;
        assert!(server.received().is_empty(), "not before the pause is over");
        tokio::time::sleep(Duration::from_millis(2200)).await;
        stage.send(&Stage::letter("later@example.ru")).await;
        stage.run().await;
        assert_eq!(server.received().len(), 1);
        let jobs = stage.jobs().await;
        let said = Some("the mail server refuses: 451 4.3.0".to_owned());
        assert_eq!(jobs, [Job { state: 0, attempts: 1, last_error: said }], "refused for now: it is tried again");
    });
}

fn a_letter_refused_for_good_is_given_up_and_nothing_of_it_stays(kind: Kind) {
    let (database, server) = (database(kind), MailServer::new());
    block_on(async {
        let stage = Stage::set(&database, &server.url(), NOW).await;
        stage.send(&Stage::letter("refused.anna@example.ru")).await;
        assert!(stage.payloads().await[0].contains("refused.anna"));
        stage.run().await;
        let said = Some("the mail server refuses: 550 5.1.1".to_owned());
        assert_eq!(stage.jobs().await, [Job { state: 2, attempts: 1, last_error: said }]);
        assert!(stage.payloads().await.is_empty());
    });
}

fn a_wrong_password_of_ours_loses_no_letter(kind: Kind) {
    let (database, server) = (database(kind), MailServer::for_user("kabinet", "secret"));
    block_on(async {
        let wrong = server.url().replace("secret", "wrong");
        let stage = Stage::set(&database, &wrong, NOW).await;
        stage.send(&Stage::letter("anna@example.ru")).await;
        stage.run().await;
        let jobs = stage.jobs().await;
        assert_eq!((jobs[0].state, stage.payloads().await.len()), (0, 1), "{jobs:?}");
        assert!(!format!("{jobs:?}").contains("wrong"));
    });
}

fn letters_wait_until_a_mail_server_is_configured(kind: Kind) {
    let (database, server) = (database(kind), MailServer::new());
    block_on(async {
        let stage = Stage::set(&database, "", NOW).await;
        stage.send(&Stage::letter("anna@example.ru")).await;
        stage.run().await;
        let said = Some("mail.smtp_url is not set".to_owned());
        assert_eq!(stage.jobs().await, [Job { state: 0, attempts: 0, last_error: said }], "no attempt is used up");
        let later = Stage::set(&database, &server.url(), "2026-11-23").await;
        later.run().await;
        assert_eq!(server.received().len(), 1);
    });
}

fn a_letter_with_a_line_break_in_a_header_never_leaves(kind: Kind) {
    let (database, server) = (database(kind), MailServer::new());
    block_on(async {
        let stage = Stage::set(&database, &server.url(), NOW).await;
        let plain = Stage::letter("anna@example.ru");
        stage.send(&Mail { subject: "Тема\r\nBcc: all@example.ru".into(), ..plain.clone() }).await;
        stage.send(&Mail { to: "anna@example.ru\r\nBcc: all@example.ru".into(), ..plain.clone() }).await;
        stage.send(&Mail { to: "anna@example.ru, all@example.ru".into(), ..plain }).await;
        stage.run().await;
        let jobs = stage.jobs().await;
        assert!(jobs.len() == 3 && jobs.iter().all(|job| job.state == 2), "{jobs:?}");
        assert!(!format!("{jobs:?}").contains("example.ru"), "{jobs:?}");
        assert!(stage.payloads().await.is_empty() && server.received().is_empty());
    });
}

fn letters_to_a_deleted_person_are_withdrawn(kind: Kind) {
    let database = database(kind);
    block_on(async {
        let stage = Stage::set(&database, "", NOW).await;
        for to in ["Anna@example.ru", "boris@example.ru", "anna@example.ru"] {
            stage.send(&Stage::letter(to)).await;
        }
        let tx = stage.app.db.begin(&stage.tenant, Actor::System).await.expect("a transaction");
        let to_anna = |letter: &serde_json::Value| letter["to"].as_str().is_some_and(|to| to.starts_with(['A', 'a']));
        assert_eq!(tx.withdraw_jobs(MAIL_JOB.0, to_anna).await.expect("withdrawn"), 2);
        tx.commit().await.expect("a commit");
        let left = stage.payloads().await;
        assert!(left.len() == 1 && left[0].contains("boris") && stage.jobs().await.len() == 1, "{left:?}");
    });
}

fn of_a_letter_that_left_nothing_but_its_address_is_kept_and_that_for_a_week(kind: Kind) {
    let (database, server) = (database(kind), MailServer::new());
    block_on(async {
        let stage = Stage::awaiting(&database, &server.url(), NOW).await;
        stage.send(&Stage::letter("anna@example.ru")).await;
        stage.run().await;
        stage.run().await;
        let letter = server.received().pop().expect("a letter");
        let (sender, host) = letter.envelope.from.split_once('@').expect("an address");
        assert!(sender.starts_with("bounces+") && sender.len() <= 64 && host == "kabinet.example", "{sender}");
        assert_eq!(letter.from.address, "no-reply@kabinet.example", "the sender that people see");
        let waiting = Job { state: 0, attempts: 1, last_error: None };
        let kept = stage.payloads().await;
        assert_eq!((stage.jobs().await.as_slice(), kept.len()), ([waiting].as_slice(), 1));
        assert!(kept[0].contains("anna@example.ru") && !kept[0].contains("t-1") && !kept[0].contains("Активация"));
        let (sixth, eighth) = ("2026-11-28", "2026-11-30");
        let stage = Stage::awaiting(&database, &server.url(), sixth).await;
        stage.run().await;
        assert_eq!(stage.jobs().await.len(), 1, "mail servers try for days");
        let stage = Stage::awaiting(&database, &server.url(), eighth).await;
        stage.run().await;
        assert!(stage.jobs().await.is_empty() && stage.payloads().await.is_empty());
        assert_eq!(server.received().len(), 1, "it left once");
    });
}

fn whoever_is_deleted_is_forgotten_by_letters_that_left(kind: Kind) {
    let (database, server) = (database(kind), MailServer::new());
    block_on(async {
        let stage = Stage::awaiting(&database, &server.url(), NOW).await;
        for to in ["anna@example.ru", "boris@example.ru"] {
            stage.send(&Stage::letter(to)).await;
        }
        stage.run().await;
        let tx = stage.app.db.begin(&stage.tenant, Actor::System).await.expect("a transaction");
        let to_anna = |letter: &serde_json::Value| letter["to"] == "anna@example.ru";
        assert_eq!(tx.withdraw_jobs(MAIL_JOB.0, to_anna).await.expect("withdrawn"), 1);
        tx.commit().await.expect("a commit");
        let left = stage.payloads().await;
        assert!(left.len() == 1 && left[0].contains("boris") && stage.jobs().await.len() == 1, "{left:?}");
    });
}

fn two_servers_send_each_letter_once(kind: Kind) {
    let (database, server) = (database(kind), MailServer::new());
    block_on(async {
        let (one, two) =
            (Stage::set(&database, &server.url(), NOW).await, Stage::set(&database, &server.url(), NOW).await);
        for number in 0..50 {
            one.send(&Stage::letter(&format!("r{number}@example.ru"))).await;
        }
        tokio::join!(one.run(), two.run());
        let mut to: Vec<String> = server.received().into_iter().flat_map(|letter| letter.envelope.to).collect();
        to.sort();
        to.dedup();
        assert_eq!((to.len(), server.received().len()), (50, 50));
        assert!(one.jobs().await.is_empty());
    });
}

fn a_letter_survives_a_kill_before_and_during_its_delivery(kind: Kind) {
    let mail = MailServer::new();
    let environment = [("KABINET_MAIL__SMTP_URL", mail.url())];
    let mut server = Server::with(Database::new(kind), NOW, &environment);
    let send = |server: &Server, to: &str| {
        run(server.command().args(["mail", "test", "beregovoy", to]));
    };
    // Killed after the commit and before anything was sent: exactly once.
    let (anna, boris) = ("anna@example.ru", "slow.boris@example.ru");
    server.kill();
    send(&server, anna);
    server.start();
    assert_eq!(mail.wait_for(anna, 1).len(), 1);
    // Killed while the mail server takes its time: it cannot be known whether the letter was accepted, so it
    // goes out again, under the same Message-ID. The lease of the killed server must have run out.
    send(&server, boris);
    std::thread::sleep(Duration::from_millis(1800));
    server.kill();
    server.start_at("2026-11-23");
    let received = mail.wait_for(boris, 2);
    assert_eq!(received[0].headers["message-id"], received[1].headers["message-id"]);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!((mail.received_for(anna).len(), mail.received_for(boris).len()), (1, 2), "and no more");
    assert_eq!(server.mailbox().get("/").status, 421, "with a mail server the demo has no mailbox");
}
