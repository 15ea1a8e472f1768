//! Limits of attempts: counted before an attempt is made, by all servers over one database together.

use std::sync::atomic::{AtomicU32, Ordering};

use kabinet_tests::server::NOW;
use kabinet_tests::{Browser, Database, Kind, Server, on_both_databases, world};

use crate::{COMPANY, PASSWORD, fresh_email, person};

on_both_databases![
    two_servers_count_failed_logins_together,
    two_servers_count_attempts_at_an_account_together,
    guesses_made_at_once_are_no_more_than_those_one_by_one,
    a_login_that_succeeds_costs_nothing,
    the_current_password_is_not_guessed_at_once_either,
];

/// Two servers over one database.
fn pair(kind: Kind) -> [Server; 2] {
    let database = Database::new(kind);
    let first = Server::demo(database.clone(), NOW);
    [first, Server::demo(database, NOW)]
}

fn two_servers_count_failed_logins_together(kind: Kind) {
    let servers = pair(kind);
    let email = fresh_email("guessed");
    let statuses: Vec<u16> = (0..12)
        .map(|number| servers[number % 2].stranger(COMPANY).try_log_in(&email, "не тот пароль").status)
        .collect();
    assert_eq!(statuses, [[422; 10].as_slice(), &[429; 2]].concat(), "ten for a name, wherever from");
    // From one address many names: fifty in a quarter of an hour.
    let mut browsers: Vec<Browser> = servers.iter().map(|server| server.stranger(COMPANY)).collect();
    browsers[1].from = browsers[0].from.clone();
    let statuses: Vec<u16> =
        (0..52).map(|number| browsers[number % 2].try_log_in(&fresh_email("many"), "не тот пароль").status).collect();
    assert_eq!(statuses, [[422; 50].as_slice(), &[429; 2]].concat());
    // Another name from another address is let in by either.
    for server in &servers {
        assert_eq!(server.stranger(COMPANY).try_log_in(&fresh_email("other"), "не тот пароль").status, 422);
    }
}

fn two_servers_count_attempts_at_an_account_together(kind: Kind) {
    let servers = pair(kind);
    let known = world::flat(&servers[0], COMPANY, 0);
    let mut statuses = Vec::new();
    for number in 0..7 {
        let mut person = world::newcomer(&servers[number % 2], COMPANY);
        statuses.push(person.link(&known.account, &known.house, &known.flat, "Никифорова").status);
    }
    assert_eq!(statuses, [422, 422, 422, 422, 422, 429, 429]);
}

/// Sends the same request from many browsers at once; how many answers had each status.
fn at_once(browsers: Vec<Browser>, ask: impl Fn(&mut Browser) -> u16 + Sync) -> Vec<(u16, usize)> {
    let barrier = std::sync::Barrier::new(browsers.len());
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let asking = browsers.into_iter().map(|mut browser| {
            let (ask, barrier) = (&ask, &barrier);
            scope.spawn(move || {
                barrier.wait();
                ask(&mut browser)
            })
        });
        let threads: Vec<_> = asking.collect();
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    let mut counted = std::collections::BTreeMap::new();
    for status in statuses {
        *counted.entry(status).or_insert(0) += 1;
    }
    counted.into_iter().collect()
}

/// The hash takes a while: whoever sends all guesses before the first answer must not get them all.
fn guesses_made_at_once_are_no_more_than_those_one_by_one(kind: Kind) {
    let servers = pair(kind);
    let email = fresh_email("hurried");
    let browsers = (0..40).map(|number| servers[number % 2].stranger(COMPANY)).collect();
    let answers = at_once(browsers, |browser| browser.try_log_in(&email, "не тот пароль").status);
    assert_eq!(answers, [(422, 10), (429, 30)]);
}

fn a_login_that_succeeds_costs_nothing(kind: Kind) {
    let server = Server::shared(kind);
    let person = person(server, "often");
    for _ in 0..12 {
        server.stranger(COMPANY).log_in(&person.email, PASSWORD);
    }
    for _ in 0..9 {
        server.stranger(COMPANY).try_log_in(&person.email, "не тот пароль").expect(422);
    }
    server.stranger(COMPANY).log_in(&person.email, PASSWORD);
    server.stranger(COMPANY).try_log_in(&person.email, "не тот пароль").expect(422);
    server.stranger(COMPANY).try_log_in(&person.email, PASSWORD).expect(429);
}

fn the_current_password_is_not_guessed_at_once_either(kind: Kind) {
    let server = Server::shared(kind);
    let mut person = person(server, "borrowed");
    let token = person.browser.page("/settings").form("/logout").value("csrf").expect("a token").to_owned();
    let guesses = AtomicU32::new(0);
    let answers = at_once(vec![person.browser.clone(); 30], |browser| {
        let guess = format!("догадка номер {}", guesses.fetch_add(1, Ordering::Relaxed));
        let new = "другая заводь у моста";
        let fields =
            [("csrf", token.as_str()), ("current_password", &guess), ("password", new), ("password_repeat", new)];
        let fields: Vec<(String, String)> =
            fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        browser.post("/settings", &fields).status
    });
    assert_eq!(answers, [(422, 10), (429, 20)]);
}
