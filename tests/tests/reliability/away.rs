//! The mail server is away while letters are asked for, and the platform is killed meanwhile: every letter arrives once
//! when the mail server is back, and nobody was told that it had arrived before.

use std::time::Duration;

use kabinet_tests::mail_server::{MailServer, Received};
use kabinet_tests::server::NOW;
use kabinet_tests::world::{self, Person};
use kabinet_tests::{Database, Kind, Server, block_on, on_both_databases, runs, wait_until};
use sea_orm::{FromQueryResult, Statement};
use serde_json::{Value, json};

use crate::clients::COMPANY;
use crate::clock::Shift;

on_both_databases![letters_asked_for_while_the_mail_server_is_away_arrive_once_when_it_is_back];

const PASSWORD: &str = "тихая заводь у моста";
const MESSAGES: &str = "/api/admin/v1/notifications";

fn letters_asked_for_while_the_mail_server_is_away_arrive_once_when_it_is_back(kind: Kind) {
    let mut mail = MailServer::new();
    let clock = Shift::new();
    let [library, shift] = clock.environment();
    let environment = [("KABINET_MAIL__SMTP_URL", mail.url()), library, shift];
    let mut server = Server::with(Database::new(kind), NOW, &environment);
    let forgetful: Vec<Person> = (0..4).map(|_| world::newcomer(&server, COMPANY)).collect();
    mail.stop();
    let mut asked = Vec::new();
    asked.extend((0..4).map(|number| registration(&server, &format!("away{number}@people.example"))));
    asked.extend(forgetful[..2].iter().map(|person| recovery(&server, &person.email)));
    let message = message(&server, &forgetful[2]);
    asked.push((forgetful[2].email.clone(), "Отключение воды"));
    // The demo's resident has the receipts of one account by letter.
    runs::publish(&mut server.staff(COMPANY), "2026-11");
    asked.push((server.facts().company(COMPANY).resident.email.clone(), "Квитанция за"));
    wait_until("an attempt at every letter", || {
        let waiting = waiting(&server);
        waiting.len() >= asked.len() && waiting.iter().all(|letter| letter.attempts > 0)
    });
    let told = server.staff(COMPANY).call("GET", &format!("{MESSAGES}/{message}"), None).expect(200).json();
    assert_eq!(number(&told, "sent"), 0, "nobody is told that a letter is there: {told}");
    // Killed while they wait, and asked again after it.
    server.kill();
    server.start();
    asked.extend((4..6).map(|number| registration(&server, &format!("away{number}@people.example"))));
    asked.push(recovery(&server, &forgetful[3].email));
    std::thread::sleep(Duration::from_millis(1500));
    assert!(mail.received().is_empty());
    let tried = waiting(&server).iter().map(|letter| letter.attempts).max();
    mail.start();
    // Pauses and the leases of the killed server end in two minutes: by then all letters have left.
    clock.set(120);
    wait_until("an empty queue", || waiting(&server).is_empty());
    for (to, subject) in &asked {
        assert!(!about(&mail, to, subject).is_empty(), "{subject} to {to}");
    }
    // Two letters of one subject are one of them too many: receipts name their accounts.
    for letter in mail.received() {
        let [to] = &letter.envelope.to[..] else { panic!("{:?}", letter.envelope) };
        let same = mail.received_for(to).into_iter().filter(|other| other.subject == letter.subject);
        assert_eq!(same.count(), 1, "{} to {to}", letter.subject);
    }
    wait_until("the report", || {
        let told = server.staff(COMPANY).call("GET", &format!("{MESSAGES}/{message}"), None).expect(200).json();
        number(&told, "sent") == 1
    });
    links_lead_on(&server, &mail, &asked);
    eprintln!(
        "{kind}: {} letters of {} asked for arrived once, after {tried:?} attempts at most",
        mail.received().len(),
        asked.len()
    );
}

/// What arrived at an address under a subject.
fn about(mail: &MailServer, to: &str, subject: &str) -> Vec<Received> {
    mail.received_for(to).into_iter().filter(|letter| letter.subject.contains(subject)).collect()
}

/// Registers; the page that answers says to wait for a letter. To whom, and the letter's subject.
fn registration(server: &Server, email: &str) -> (String, &'static str) {
    let mut browser = server.stranger(COMPANY);
    let form = browser.registration(email, PASSWORD);
    assert_eq!(browser.submit(&form).expect(303).location(), "/register/sent");
    assert!(browser.page("/register/sent").text().contains("письмо"));
    browser.try_log_in(email, PASSWORD).expect(422);
    (email.to_owned(), "Активация")
}

/// Asks for a new password. To whom, and the letter's subject.
fn recovery(server: &Server, email: &str) -> (String, &'static str) {
    let mut browser = server.stranger(COMPANY);
    let form = browser.recovery(email);
    assert_eq!(browser.submit(&form).expect(303).location(), "/recover/sent");
    (email.to_owned(), "Восстановление")
}

/// Staff write to one resident; the message.
fn message(server: &Server, person: &Person) -> String {
    let mut staff = server.staff(COMPANY);
    let audience = json!({ "to": "resident", "resident": person.id.0 });
    let body = json!({ "title": "Отключение воды", "body": "Текст.", "audience": audience, "urgent": true });
    let id = staff.call("POST", MESSAGES, Some(&body)).expect(200).json()["id"].as_str().expect("an id").to_owned();
    staff.call("POST", &format!("{MESSAGES}/{id}/send"), Some(&json!({}))).expect(200);
    id
}

/// How many deliveries of a message are in a state.
fn number(told: &Value, state: &str) -> i64 {
    let rows = told["deliveries"].as_array().expect("deliveries").iter().filter(|row| row["state"] == state);
    rows.filter_map(|row| row["number"].as_i64()).sum()
}

#[derive(Debug, FromQueryResult)]
struct Letter {
    attempts: i32,
}

/// The letters in the queue.
fn waiting(server: &Server) -> Vec<Letter> {
    block_on(async {
        let db = server.database.open().await;
        let sql = "SELECT attempts FROM job WHERE module = 'mail'";
        let statement = Statement::from_string(db.platform().get_database_backend(), sql);
        Letter::find_by_statement(statement).all(db.platform()).await.expect("the queue")
    })
}

/// A letter that came late is as good as any: its link activates, or leads to a new password.
fn links_lead_on(server: &Server, mail: &MailServer, asked: &[(String, &'static str)]) {
    for (to, subject) in asked {
        let (path, form) = match *subject {
            "Активация" => ("/activate?", "/activate"),
            "Восстановление" => ("/recover/new?", "/recover/new"),
            _ => continue,
        };
        let link = about(mail, to, subject).remove(0).path(path);
        let mut browser = server.stranger(COMPANY);
        let form = browser.page(&link).form(form);
        if *subject == "Активация" {
            browser.submit(&form).expect(303);
            browser.log_in(to, PASSWORD);
        }
    }
}
