//! PostgreSQL goes away while people work, and comes back: the platform says so meanwhile, acknowledges nothing, and
//! goes on by itself in the same process.

use std::time::{Duration, Instant};

use kabinet_tests::postgres::Cluster;
use kabinet_tests::server::NOW;
use kabinet_tests::{Database, Server};

use crate::clients::{self, Client, until_each_is_acknowledged, while_they_work};
use crate::clock::Shift;
use crate::verify::{settle, verify};

#[test]
fn while_postgresql_is_away_nothing_is_acknowledged_and_all_goes_on_when_it_is_back() {
    let (cluster, clock) = (Cluster::start(), Shift::new());
    let mut server = Server::with(Database::on(&cluster), NOW, &clock.environment());
    let process = server.process_id();
    let mut clients = clients::all(&server);
    work(&server, &mut clients);
    away_and_back(&cluster, &server, &mut clients, || true);
    // Jobs whose end could not be stored are taken up when their leases end, a minute later.
    clock.set(90);
    work(&server, &mut clients);
    away_and_back(&cluster, &server, &mut clients, || a_run_and_a_message_are_under_way(&cluster, &server));
    clock.set(180);
    work(&server, &mut clients);
    assert!(server.is_ready(), "{}", server.log());
    assert!(!server.has_ended() && server.process_id() == process, "the server did not live through it");
    assert!(clients.iter().all(|client| !client.unanswered), "an answer never came");
    settle(&server, &mut clients);
    let done = verify(&server, &clients);
    eprintln!("PostgreSQL was away twice: {done}");
}

/// Each client is acknowledged a few times.
fn work(server: &Server, clients: &mut [Client]) {
    for _ in 0..3 {
        until_each_is_acknowledged(clients, || server.log());
    }
}

/// PostgreSQL stops at once as soon as it is `time`, is away for some seconds in which everybody goes on asking, and
/// comes back while they ask.
fn away_and_back(cluster: &Cluster, server: &Server, clients: &mut [Client], time: impl Fn() -> bool) {
    while_they_work(clients, || {
        std::thread::sleep(Duration::from_millis(200));
        assert!(comes_true(time), "no run and message were ever under way at once");
        cluster.stop();
    });
    let (before, mut told) = (clients.iter().map(answers).collect::<Vec<_>>(), Vec::new());
    while_they_work(clients, || {
        for path in ["/readyz", "/healthz", "/readyz"] {
            told.push(server.health(path));
            std::thread::sleep(Duration::from_millis(500));
        }
    });
    let not_ready = Some((503, "database unavailable\n".to_owned()));
    assert_eq!(told, [not_ready.clone(), Some((200, "alive\n".to_owned())), not_ready]);
    for (client, (acknowledged, refused)) in clients.iter().zip(before) {
        let now = answers(client);
        assert_eq!(now.0, acknowledged, "{:?} was acknowledged without a database", client.what);
        assert!(now.1 > refused, "{:?} was not told that the database is away", client.what);
    }
    while_they_work(clients, || cluster.resume());
}

/// How often a client was acknowledged, and how often it was told to come later (503).
fn answers(client: &Client) -> (usize, u32) {
    (client.acknowledged_count(), client.refused.get(&503).copied().unwrap_or_default())
}

fn comes_true(is_so: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        if is_so() {
            return true;
        }
    }
    false
}

/// Asked past the platform, which has its hands full.
fn a_run_and_a_message_are_under_way(cluster: &Cluster, server: &Server) -> bool {
    let database = server.database.postgres.as_ref().expect("PostgreSQL");
    let sql = "SELECT EXISTS (SELECT 1 FROM billing_run WHERE state = 'running')
                  AND EXISTS (SELECT 1 FROM message WHERE state = 'sending')";
    cluster.execute(&database.name, sql).trim() == "t"
}
