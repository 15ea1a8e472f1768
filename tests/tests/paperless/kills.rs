//! The letters with receipts, while the server is killed.

use std::collections::BTreeMap;
use std::time::Duration;

use kabinet_accounts::links;
use kabinet_contracts::ResidentId;
use kabinet_core::Actor;
use kabinet_paperless::{application, refusals};
use kabinet_residents::people;
use kabinet_server::App;
use kabinet_tests::mail_server::{MailServer, Received};
use kabinet_tests::world::accounts;
use kabinet_tests::{Database, Kind, Server, block_on, on_both_databases, wait_until};
use uuid::Uuid;

use crate::{COMPANY, publish_november};

on_both_databases![every_receipt_arrives_once_although_the_server_is_killed_twice];

/// Three batches of the job.
const RESIDENTS: u128 = 60;

/// Residents who refused paper before the server's first start here, each with an account.
fn refused(server: &Server) {
    let flats = accounts(server, COMPANY, |known| known.kind == "flat");
    block_on(async {
        let app = App::open(server.database.config("2026-11-21")).await.expect("the platform");
        let company = app.tenants.by_slug(COMPANY).await.expect("the companies").expect("the company");
        for (number, known) in (1..=RESIDENTS).zip(flats.iter().rev()) {
            let (id, email) = (ResidentId(Uuid::from_u128(0x6e0_0000 + number)), format!("r{number}@example.ru"));
            let mut tx = app.db.begin(&company, Actor::System).await.expect("a transaction");
            people::create_resident(&tx, id, &email, "", "no password").await.expect("a resident");
            links::link(&mut tx, id, known.id).await.expect("a link");
            let application = application::draft(&tx, known.id, &email).await.expect("an application");
            refusals::refuse(&mut tx, id, &application, b"%PDF".to_vec()).await.expect("a refusal");
            tx.commit().await.expect("a commit");
        }
    });
}

fn receipts(mail: &MailServer) -> Vec<Received> {
    mail.received()
        .into_iter()
        .filter(|letter| letter.subject.starts_with("Квитанция за ноябрь 2026, лицевой счет"))
        .collect()
}

fn every_receipt_arrives_once_although_the_server_is_killed_twice(kind: Kind) {
    let mail = MailServer::new();
    let mut server = Server::with(Database::new(kind), "2026-11-22", &[("KABINET_MAIL__SMTP_URL", mail.url())]);
    server.kill();
    refused(&server);
    server.start();
    publish_november(&server);
    for so_far in [5, 35] {
        wait_until("so many receipts", || receipts(&mail).len() >= so_far);
        server.kill();
        // Behind the leases of the jobs that were under way.
        server.start_at(if so_far == 5 { "2026-11-23" } else { "2026-11-24" });
    }
    let distinct = || {
        let mut by_reader: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for letter in receipts(&mail) {
            by_reader.entry(letter.envelope.to.concat()).or_default().push(letter.headers["message-id"].clone());
        }
        by_reader
    };
    wait_until("everybody's receipts", || {
        distinct().iter().filter(|(to, _)| to.ends_with("@example.ru")).count() == 60
    });
    std::thread::sleep(Duration::from_secs(3));
    for (to, mut letters) in distinct() {
        // One that was being handed over goes out again, as the same letter.
        letters.dedup();
        assert_eq!(letters.len(), 1, "{to}");
    }
    for letter in receipts(&mail) {
        assert_eq!(letter.raw.matches("application/pdf").count(), 2, "all kinds");
    }
}
