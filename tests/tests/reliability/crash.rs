//! Clients journal what they ask for and what was acknowledged, while the server is killed at random moments and at
//! named points, and PostgreSQL loses its power. Acknowledged: done exactly once. Not acknowledged: once or not at
//! all. The small form runs with the suite; `make stress-crash` asks for 300 cycles.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use kabinet_core::Actor;
use kabinet_tests::postgres::Cluster;
use kabinet_tests::server::NOW;
use kabinet_tests::{Database, Kind, Server, block_on, books, on_both_databases};
use uuid::Uuid;

use crate::clients::{self, COMPANY, Client, OTHER, What, Wish, while_they_work};
use crate::restart::killed_outside_the_demo;

on_both_databases![thirty_crashes_lose_nothing_that_was_acknowledged];

/// Where the platform can be made to end: around a commit, around a job, between a chain and its anchor.
const POINTS: [(&str, u64); 5] =
    [("before-commit", 60), ("after-commit", 60), ("job-claimed", 8), ("job-done", 8), ("chained", 1)];

#[test]
#[ignore = "takes long: make stress-crash"]
fn many_crashes_lose_nothing_that_was_acknowledged_on_sqlite() {
    survive(Kind::Sqlite, number("KABINET_CYCLES", 300));
}

#[test]
#[ignore = "takes long: make stress-crash"]
fn many_crashes_lose_nothing_that_was_acknowledged_on_postgresql() {
    survive(Kind::PostgreSql, number("KABINET_CYCLES", 300));
}

pub(crate) fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn thirty_crashes_lose_nothing_that_was_acknowledged(kind: Kind) {
    survive(kind, 30);
}

/// Numbers that look drawn, the same for the same seed.
pub(crate) struct Draws(pub(crate) u64);

impl Draws {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        // Knuth's constants of MMIX.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

fn survive(kind: Kind, cycles: u64) {
    let cluster = (kind == Kind::PostgreSql).then(Cluster::start);
    let database = cluster.as_ref().map_or_else(|| Database::new(kind), Database::on);
    let mut server = Server::demo(database, NOW);
    let mut clients = clients::all(&server, cycles / 2);
    let seed = number("KABINET_SEED", 1);
    let (mut draws, mut starts) = (Draws(seed), Vec::new());
    for cycle in 0..cycles {
        if cycle % 5 == 4
            && let Some(cluster) = &cluster
        {
            while_they_work(&mut clients, || {
                pause(&mut draws);
                cluster.stop();
                pause(&mut draws);
                cluster.resume();
            });
        } else if cycle % 3 == 1 {
            let (point, most) = POINTS[usize::try_from(cycle / 3 % 5).expect("a point")];
            end_at(&mut server, &mut clients, &format!("{point}:{}", 1 + draws.below(most)));
        } else {
            while_they_work(&mut clients, || {
                pause(&mut draws);
                server.kill();
            });
        }
        server.kill();
        server.start();
        starts.push(server.started_in);
    }
    settle(&server, &mut clients);
    let done = verify(&server, &clients);
    starts.sort();
    let (usual, longest) = (starts[starts.len() / 2], starts[starts.len() - 1]);
    eprintln!("{kind}, seed {seed}: {cycles} crashes; {done}; ready again in {usual:.0?}, at most {longest:.0?}");
    // A demo brings its data up to date before it is ready; the same data outside of it.
    server.kill();
    let admin = server.facts().company(COMPANY).admin.clone();
    eprintln!("{kind}, the same data: {}", killed_outside_the_demo(&server.database, &admin.email, &admin.password));
}

fn pause(draws: &mut Draws) {
    std::thread::sleep(Duration::from_millis(20 + draws.below(300)));
}

/// The server ends by itself at a named point, perhaps already while it starts; where it does not come there, it is
/// killed after a while.
fn end_at(server: &mut Server, clients: &mut [Client], point: &str) {
    server.kill();
    if !server.try_start(&[("KABINET_CRASH_AT", point)]) {
        return;
    }
    while_they_work(clients, || {
        let begun = Instant::now();
        while !server.has_ended() && begun.elapsed() < Duration::from_secs(4) {
            std::thread::sleep(Duration::from_millis(5));
        }
        server.kill();
    });
}

/// Waits until the work that was left behind is done: a job of a dead server is taken up when its lease ends.
pub(crate) fn settle(server: &Server, clients: &mut [Client]) {
    until_nothing_is_left(server);
    // One more of everything goes through as if nothing had been.
    for client in clients {
        let (once, asked) = (AtomicBool::new(false), client.journal.len());
        std::thread::scope(|scope| {
            scope.spawn(|| client.work(&once));
            std::thread::sleep(Duration::from_millis(400));
            once.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        assert!(client.journal[asked..].iter().any(|wish| wish.acknowledged), "{:?} is not carried out", client.what);
    }
    // A message is acknowledged before it is addressed.
    until_nothing_is_left(server);
}

fn until_nothing_is_left(server: &Server) {
    let begun = Instant::now();
    let open = "SELECT (SELECT COUNT(*) FROM billing_run WHERE tenant_id = $1 AND state = 'running')
                     + (SELECT COUNT(*) FROM message WHERE tenant_id = $1 AND state = 'sending') AS number";
    while [COMPANY, OTHER].iter().any(|slug| count(server, slug, open, Vec::new()) > 0) {
        assert!(begun.elapsed() < Duration::from_secs(240), "work is left: {}", server.log());
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Every wish against what is stored; how many were acknowledged and how many not.
pub(crate) fn verify(server: &Server, clients: &[Client]) -> String {
    let (mut acknowledged, mut carried_out, mut open) = (0, 0, 0);
    for client in clients {
        assert!(client.journal.iter().filter(|wish| wish.acknowledged).count() > 5, "{:?}: hardly any", client.what);
        for wish in &client.journal {
            let times = times(server, client, wish);
            assert!(times <= 1, "{:?} {wish:?} was done {times} times", client.what);
            assert!(times == 1 || !wish.acknowledged, "{:?} {wish:?} is lost", client.what);
            acknowledged += u32::from(wish.acknowledged);
            open += u32::from(!wish.acknowledged);
            carried_out += u32::from(!wish.acknowledged && times == 1);
        }
    }
    runs_agree(server);
    for slug in [COMPANY, OTHER] {
        books::check(&server.database, slug);
        chain_holds(server, slug);
    }
    format!("{acknowledged} wishes acknowledged, all done once; {open} not acknowledged, {carried_out} of them done")
}

/// How often the wish was carried out.
fn times(server: &Server, client: &Client, wish: &Wish) -> i64 {
    let mark = wish.mark.clone();
    let (slug, sql, values): (&str, &str, Vec<sea_orm::Value>) = match client.what {
        What::Reading => (
            COMPANY,
            "SELECT COUNT(*) AS number FROM reading WHERE tenant_id = $1 AND meter_id = $2 AND value_t1 = $3",
            vec![Uuid::parse_str(&client.meter).expect("an id").into(), mark.parse::<i64>().expect("a value").into()],
        ),
        What::Setting => (
            COMPANY,
            "SELECT COUNT(*) AS number FROM audit
             WHERE tenant_id = $1 AND action = 'settings.changed' AND detail LIKE '%' || $2 || '%'",
            vec![mark.replace('-', "").into()],
        ),
        What::Request => (
            COMPANY,
            "SELECT COUNT(*) AS number FROM request WHERE tenant_id = $1 AND subject = $2",
            vec![mark.into()],
        ),
        What::Message => (
            COMPANY,
            // By the resident who got it most often.
            "SELECT COALESCE(MAX(of.times), 0) AS number FROM (
               SELECT COUNT(*) AS times FROM message m JOIN notice n ON n.tenant_id = m.tenant_id AND n.message_id = m.id
               WHERE m.tenant_id = $1 AND m.title = $2 GROUP BY n.resident_id) of",
            vec![mark.into()],
        ),
        What::Run if mark.is_empty() => return 0,
        What::Run => (
            OTHER,
            "SELECT COUNT(*) AS number FROM billing_run WHERE tenant_id = $1 AND id = $2",
            vec![Uuid::parse_str(&mark).expect("an id").into()],
        ),
    };
    count(server, slug, sql, values)
}

/// All runs of the month that came to their end and count the same payments have one result: the demo books payments as
/// its clock goes on.
fn runs_agree(server: &Server) {
    let sql = "SELECT COUNT(*) AS number FROM billing_run WHERE tenant_id = $1 AND period = 202611 AND state = 'done'";
    assert!(count(server, OTHER, sql, Vec::new()) > 1, "hardly any run came to its end");
    let sql = "SELECT COUNT(*) AS number FROM (
                 SELECT of.payments FROM (
                   SELECT r.result_hash, (SELECT COUNT(*) FROM payment p
                                          WHERE p.tenant_id = r.tenant_id AND p.booked_at <= r.cutoff_at) AS payments
                   FROM billing_run r WHERE r.tenant_id = $1 AND r.period = 202611 AND r.state = 'done') of
                 GROUP BY of.payments HAVING COUNT(DISTINCT of.result_hash) > 1) differing";
    assert_eq!(count(server, OTHER, sql, Vec::new()), 0, "the same month with the same payments has two results");
    let sql = "SELECT COUNT(*) AS number FROM billing_run WHERE tenant_id = $1 AND state = 'failed'";
    assert_eq!(count(server, OTHER, sql, Vec::new()), 0);
}

fn chain_holds(server: &Server, slug: &str) {
    let output = server.command().args(["audit", "verify", slug]).output().expect("kabinet");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

pub(crate) fn count(server: &Server, slug: &str, sql: &str, values: Vec<sea_orm::Value>) -> i64 {
    count_in(&server.database, slug, sql, values)
}

/// The same where no server is meant.
pub(crate) fn count_in(database: &Database, slug: &str, sql: &str, values: Vec<sea_orm::Value>) -> i64 {
    #[derive(sea_orm::FromQueryResult)]
    struct Count {
        number: i64,
    }
    block_on(async {
        let db = database.open().await;
        let company = database.company(&db, slug).await;
        let tx = db.read(&company, Actor::System).await.expect("a transaction");
        let found: Vec<Count> = tx.rows(sql, values).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        found[0].number
    })
}
