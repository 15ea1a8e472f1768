//! Mail servers that speak TLS: whom the platform believes, and what never leaves otherwise.

use std::path::PathBuf;

use kabinet_tests::mail_server::{MailServer, Tls};
use kabinet_tests::process::{new_folder, run};
use kabinet_tests::server::NOW;
use kabinet_tests::{Database, Kind, Server, block_on, on_both_databases, wait_until};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use crate::stage::{Job, Stage, database};

on_both_databases![
    a_letter_travels_by_tls_from_the_start_and_by_starttls,
    a_certificate_of_a_stranger_gets_no_letter,
    a_certificate_of_another_name_gets_no_letter,
    where_starttls_is_missing_neither_letter_nor_password_leaves,
    the_log_names_the_certificate_and_a_file_of_the_authority_mends_it,
];

/// An authority of one's own with a certificate that it gave.
struct Authority {
    file: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

impl Authority {
    fn for_host(name: &str) -> Self {
        let folder = new_folder("authority");
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("an authority");
        params.distinguished_name.push(DnType::CommonName, "Authority of a test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let own = params.self_signed(&key).expect("an authority");
        let issuer = Issuer::new(params, key);
        let server_key = KeyPair::generate().expect("a key");
        let server = CertificateParams::new(vec![name.to_owned()]).expect("a certificate");
        let server = server.signed_by(&server_key, &issuer).expect("a certificate");
        let written = |name: &str, text: String| {
            let path = folder.join(name);
            std::fs::write(&path, text).expect("a file");
            path
        };
        Self {
            file: written("authority.pem", own.pem()),
            certificate: written("server.pem", server.pem()),
            key: written("server.key", server_key.serialize_pem()),
        }
    }

    fn server(&self, implicit: bool) -> MailServer {
        let tls = Tls { implicit, certificate: self.certificate.clone(), key: self.key.clone() };
        MailServer::with_tls("kabinet", "secret", tls)
    }
}

/// Sends a letter to a server by what `authority` believes; what the queue holds afterwards.
fn sent(kind: Kind, server: &MailServer, url: &str, authority: &Authority) -> Vec<Job> {
    let database = database(kind);
    block_on(async {
        let stage = Stage::believing(&database, url, NOW, &authority.file).await;
        stage.send(&Stage::letter("anna@example.ru")).await;
        stage.run().await;
        assert_eq!(stage.payloads().await.len(), stage.jobs().await.len(), "a letter that was not sent is kept");
        assert_eq!(server.received().len() + stage.jobs().await.len(), 1);
        stage.jobs().await
    })
}

fn refused(jobs: &[Job], words: &str) {
    let [job] = jobs else { panic!("{jobs:?}") };
    assert_eq!((job.state, job.attempts), (0, 1), "tried again later: {job:?}");
    let said = job.last_error.as_deref().unwrap_or_default();
    assert!(said.contains(words) && !said.contains("secret") && !said.contains("anna"), "{said}");
}

fn a_letter_travels_by_tls_from_the_start_and_by_starttls(kind: Kind) {
    let authority = Authority::for_host("localhost");
    for implicit in [true, false] {
        let server = authority.server(implicit);
        assert_eq!(sent(kind, &server, &server.url(), &authority), [], "implicit: {implicit}");
        let letter = server.received().pop().expect("a letter");
        assert!(letter.secure && letter.user.as_deref() == Some("kabinet"), "implicit: {implicit}");
    }
}

fn a_certificate_of_a_stranger_gets_no_letter(kind: Kind) {
    let (authority, other) = (Authority::for_host("localhost"), Authority::for_host("localhost"));
    for implicit in [true, false] {
        let server = authority.server(implicit);
        refused(&sent(kind, &server, &server.url(), &other), "certificate is not believed");
        assert!(server.received().is_empty());
    }
}

fn a_certificate_of_another_name_gets_no_letter(kind: Kind) {
    let authority = Authority::for_host("mail.example");
    let server = authority.server(true);
    refused(&sent(kind, &server, &server.url(), &authority), "not valid for name");
    assert!(server.received().is_empty());
}

fn where_starttls_is_missing_neither_letter_nor_password_leaves(kind: Kind) {
    let authority = Authority::for_host("localhost");
    let server = MailServer::for_user("kabinet", "secret");
    let url = format!("{}?tls=required", server.url().replace("127.0.0.1", "localhost"));
    refused(&sent(kind, &server, &url, &authority), "STARTTLS");
    assert!(server.received().is_empty());
}

fn the_log_names_the_certificate_and_a_file_of_the_authority_mends_it(kind: Kind) {
    let authority = Authority::for_host("localhost");
    let mail = authority.server(false);
    let environment = |file: Option<&PathBuf>| {
        let url = [("KABINET_MAIL__SMTP_URL", mail.url())];
        let file = file.map(|file| ("KABINET_MAIL__CA_FILE", file.display().to_string()));
        url.into_iter().chain(file).collect::<Vec<_>>()
    };
    let database = Database::new(kind);
    let server = Server::with(database.clone(), NOW, &environment(None));
    run(server.command().args(["mail", "test", "beregovoy", "anna@example.ru"]));
    wait_until("a word in the log", || server.log().contains("certificate is not believed"));
    assert!(mail.received().is_empty());
    drop(server);
    // What was refused waits its pause out by another day's clock.
    let _server = Server::with(database, "2026-11-23", &environment(Some(&authority.file)));
    assert!(mail.wait_for("anna@example.ru", 1)[0].secure);
}
