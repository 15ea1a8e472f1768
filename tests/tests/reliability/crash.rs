//! Clients journal what they ask for and what was acknowledged, while the server is killed at random moments and at
//! named points, and PostgreSQL loses its power. Acknowledged: done exactly once. Not acknowledged: once or not at
//! all. The small form runs with the suite; `make stress-crash` asks for 300 cycles.

use std::time::{Duration, Instant};

use kabinet_tests::postgres::Cluster;
use kabinet_tests::server::NOW;
use kabinet_tests::{Database, Kind, Server, asked_for, on_both_databases};

use crate::clients::{self, COMPANY, Client, while_they_work};
use crate::draws::Draws;
use crate::restart::killed_outside_the_demo;
use crate::verify::{settle, verify};

on_both_databases![thirty_crashes_lose_nothing_that_was_acknowledged];

/// Where the platform can be made to end: around a commit, around a job, between a chain and its anchor.
const POINTS: [(&str, u64); 5] =
    [("before-commit", 60), ("after-commit", 60), ("job-claimed", 8), ("job-done", 8), ("chained", 1)];
/// The signal of a program that ends itself at such a point.
const ABORTED: i32 = 6;

#[test]
#[ignore = "takes long: make stress-crash"]
fn many_crashes_lose_nothing_that_was_acknowledged_on_sqlite() {
    survive(Kind::Sqlite, asked_for("KABINET_CYCLES", 300));
}

#[test]
#[ignore = "takes long: make stress-crash"]
fn many_crashes_lose_nothing_that_was_acknowledged_on_postgresql() {
    survive(Kind::PostgreSql, asked_for("KABINET_CYCLES", 300));
}

fn thirty_crashes_lose_nothing_that_was_acknowledged(kind: Kind) {
    survive(kind, 30);
}

fn survive(kind: Kind, cycles: u64) {
    let cluster = (kind == Kind::PostgreSql).then(Cluster::start);
    let database = cluster.as_ref().map_or_else(|| Database::new(kind), Database::on);
    let mut server = Server::demo(database, NOW);
    let mut clients = clients::all(&server);
    let seed = asked_for("KABINET_SEED", 1);
    let (mut draws, mut starts) = (Draws(seed), Vec::new());
    // Every second blow at the server itself falls at a named point, at each of them in turn.
    let (mut blows, mut reached) = (0, [0; POINTS.len()]);
    for cycle in 0..cycles {
        if cycle > 0 && cycle % 25 == 0 {
            eprintln!("{kind}: {cycle} of {cycles} crashes; acknowledged: {}", worked_on(&clients));
        }
        if cycle % 5 == 4
            && let Some(cluster) = &cluster
        {
            lose_power(cluster, &mut server, &mut clients, &mut draws);
            continue;
        }
        if blows % 2 == 1 {
            let turn = blows / 2 % POINTS.len();
            let (point, most) = POINTS[turn];
            let point = format!("{point}:{}", 1 + draws.below(most));
            reached[turn] += u32::from(end_at(&mut server, &mut clients, &point));
        } else {
            while_they_work(&mut clients, || {
                pause(&mut draws);
                server.kill();
            });
        }
        blows += 1;
        server.kill();
        server.start();
        starts.push(server.started_in);
    }
    settle(&server, &mut clients);
    let done = verify(&server, &clients);
    let worked = worked_on(&clients);
    let least = usize::try_from(cycles / 5).expect("a number");
    assert!(
        clients.iter().all(|client| client.acknowledged_count() >= least),
        "hardly any in {cycles} cycles: {worked}"
    );
    starts.sort();
    let (usual, longest) = (starts[starts.len() / 2], starts[starts.len() - 1]);
    let points: Vec<String> =
        POINTS.iter().zip(reached).map(|((point, _), times)| format!("{point} {times}")).collect();
    let points = points.join(", ");
    eprintln!(
        "{kind}, seed {seed}: {cycles} crashes, ended at {points}; {done} ({worked}); \
         ready again in {usual:.0?}, at most {longest:.0?}"
    );
    assert!(reached.iter().take(blows / 2).all(|times| *times > 0), "a point was never come to: {points}");
    // A demo brings its data up to date before it is ready; the same data outside of it.
    server.kill();
    let admin = server.facts().company(COMPANY).admin.clone();
    eprintln!("{kind}, the same data: {}", killed_outside_the_demo(&server.database, &admin.email, &admin.password));
}

fn pause(draws: &mut Draws) {
    std::thread::sleep(Duration::from_millis(20 + draws.below(300)));
}

/// PostgreSQL stops as by a loss of power and comes back: the server answers meanwhile, and goes on by itself.
fn lose_power(cluster: &Cluster, server: &mut Server, clients: &mut [Client], draws: &mut Draws) {
    clients.iter_mut().for_each(|client| client.unanswered = false);
    while_they_work(clients, || {
        pause(draws);
        cluster.stop();
        pause(draws);
        cluster.resume();
    });
    let begun = Instant::now();
    while !server.is_ready() {
        assert!(!server.has_ended(), "the server ended with PostgreSQL: {}", server.log());
        assert!(begun.elapsed() < Duration::from_secs(120), "the server is not ready again: {}", server.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(clients.iter().all(|client| !client.unanswered), "an answer never came: {}", server.log());
}

/// The server ends by itself at a named point, perhaps already while it starts; where it does not come there, it is
/// killed after a while. Whether it came there.
fn end_at(server: &mut Server, clients: &mut [Client], point: &str) -> bool {
    server.kill();
    let mut ended = !server.try_start(&[("KABINET_CRASH_AT", point)]);
    let mut signal = server.ended_by();
    if !ended {
        while_they_work(clients, || {
            let begun = Instant::now();
            while !server.has_ended() && begun.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_millis(5));
            }
            (ended, signal) = (server.has_ended(), server.ended_by());
            server.kill();
        });
    }
    assert!(!ended || signal == Some(ABORTED), "{point}: the server ended elsewhere: {}", server.log());
    ended
}

/// How many wishes of each client were acknowledged, in words.
fn worked_on(clients: &[Client]) -> String {
    let words: Vec<String> =
        clients.iter().map(|client| format!("{:?} {}", client.what, client.acknowledged_count())).collect();
    words.join(", ")
}
