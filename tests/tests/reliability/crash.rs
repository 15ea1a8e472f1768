//! Clients journal what they ask for and what was acknowledged, while the server is killed at random moments and at
//! named points, and PostgreSQL loses its power. Acknowledged: done exactly once. Not acknowledged: once or not at
//! all. The small form runs with the suite; `make stress-crash` asks for 300 cycles.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use kabinet_contracts::AccountId;
use kabinet_core::calendar::CompanyCalendar;
use kabinet_core::{Actor, Day};
use kabinet_tests::postgres::Cluster;
use kabinet_tests::server::NOW;
use kabinet_tests::world::in_company;
use kabinet_tests::{Database, Kind, Server, block_on, books, on_both_databases};
use uuid::Uuid;

use crate::clients::{self, COMPANY, Client, OTHER, What, Wish, while_they_work};
use crate::restart::killed_outside_the_demo;

on_both_databases![thirty_crashes_lose_nothing_that_was_acknowledged];

/// Where the platform can be made to end: around a commit, around a job, between a chain and its anchor.
const POINTS: [(&str, u64); 5] =
    [("before-commit", 60), ("after-commit", 60), ("job-claimed", 8), ("job-done", 8), ("chained", 1)];
/// The signal of a program that ends itself at such a point.
const ABORTED: i32 = 6;

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
    let mut clients = clients::all(&server);
    let seed = number("KABINET_SEED", 1);
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
    assert!(clients.iter().all(|client| told(client) >= least), "hardly any in {cycles} cycles: {worked}");
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

/// How many wishes of the client were acknowledged.
fn told(client: &Client) -> usize {
    client.journal.iter().filter(|wish| wish.acknowledged).count()
}

/// The same of each client, in words.
fn worked_on(clients: &[Client]) -> String {
    let words: Vec<String> = clients.iter().map(|client| format!("{:?} {}", client.what, told(client))).collect();
    words.join(", ")
}

/// Waits until the work that was left behind is done: a job of a dead server is taken up when its lease ends.
pub(crate) fn settle(server: &Server, clients: &mut [Client]) {
    until_nothing_is_left(server);
    // One more of everything goes through as if nothing had been.
    for client in clients {
        let asked = client.journal.len();
        while_they_work(std::slice::from_mut(client), || std::thread::sleep(Duration::from_millis(400)));
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
    let (mut acknowledged, mut open, mut carried_out) = (0, 0, 0);
    for client in clients {
        let told = told(client);
        assert!(told > 5, "{:?}: hardly any", client.what);
        acknowledged += told;
        open += client.journal.len() - told;
        carried_out += match client.what {
            What::Run => unacknowledged_runs(server, client),
            What::Message => {
                let sent = messages(server, client.account);
                once(client, |wish| sent.get(&wish.mark).map_or(0, Message::times))
            }
            What::Reading | What::Setting | What::Request => once(client, |wish| times(server, client, wish)),
        };
        if client.what == What::Setting {
            the_last_setting_holds(server, client);
        }
    }
    runs_agree(server);
    for slug in [COMPANY, OTHER] {
        books::check(&server.database, slug);
        chain_holds(server, slug);
    }
    format!("{acknowledged} wishes acknowledged, all done once; {open} not acknowledged, {carried_out} of them done")
}

/// Each wish was carried out once, or, where it was not acknowledged, perhaps not at all; how many of those were.
fn once(client: &Client, times: impl Fn(&Wish) -> i64) -> usize {
    let mut unheard = 0;
    for wish in &client.journal {
        let times = times(wish);
        assert!(times <= 1, "{:?} {wish:?} was done {times} times", client.what);
        assert!(times == 1 || !wish.acknowledged, "{:?} {wish:?} is lost", client.what);
        unheard += usize::from(!wish.acknowledged && times == 1);
    }
    unheard
}

/// How often the wish for a reading, a setting or a request was carried out.
fn times(server: &Server, client: &Client, wish: &Wish) -> i64 {
    let mark = wish.mark.clone();
    let (sql, values): (&str, Vec<sea_orm::Value>) = match client.what {
        What::Reading => (
            "SELECT COUNT(*) AS number FROM reading WHERE tenant_id = $1 AND meter_id = $2 AND value_t1 = $3",
            vec![Uuid::parse_str(&client.meter).expect("an id").into(), mark.parse::<i64>().expect("a value").into()],
        ),
        What::Setting => (
            "SELECT COUNT(*) AS number FROM audit
             WHERE tenant_id = $1 AND action = 'settings.changed' AND detail LIKE '%' || $2 || '%'",
            vec![mark.replace('-', "").into()],
        ),
        What::Request => {
            ("SELECT COUNT(*) AS number FROM request WHERE tenant_id = $1 AND subject = $2", vec![mark.into()])
        }
        What::Message | What::Run => unreachable!("they are looked up all at once"),
    };
    count(server, COMPANY, sql, values)
}

/// The calendar is the one of the last wish that was acknowledged, or of one after it.
fn the_last_setting_holds(server: &Server, client: &Client) {
    let stored = in_company(server, COMPANY, async |tx| CompanyCalendar::of(tx.tenant()).expect("a calendar"));
    let last = client.journal.iter().rposition(|wish| wish.acknowledged).expect("an acknowledged wish");
    let wanted = |wish: &Wish| {
        let off = BTreeSet::from([Day::parse(&wish.mark).expect("a day")]);
        CompanyCalendar { off, ..CompanyCalendar::default() }
    };
    let since = &client.journal[last..];
    assert!(since.iter().any(|wish| wanted(wish) == stored), "{stored:?} holds after {since:?}");
}

/// The notices of messages with one title.
#[derive(Debug, sea_orm::FromQueryResult)]
struct Message {
    title: String,
    notices: i64,
    /// Residents of the audience who have one.
    reached: i64,
    /// All of them.
    audience: i64,
}

impl Message {
    /// How often it went to everybody whom it is for; some and not the others is no answer.
    fn times(&self) -> i64 {
        assert!(self.notices == 0 || self.reached == self.audience, "not to all: {self:?}");
        assert_eq!(self.notices % self.audience, 0, "to some of them again: {self:?}");
        self.notices / self.audience
    }
}

/// The company's messages by title. The account's holders are the audience of each that clients wish for.
fn messages(server: &Server, account: AccountId) -> BTreeMap<String, Message> {
    let held = "l.tenant_id = $1 AND l.account_id = $2 AND l.access = 'full' AND l.ended_at IS NULL";
    let sql = format!(
        "SELECT m.title, COUNT(n.id) AS notices, COUNT(DISTINCT l.resident_id) AS reached,
           (SELECT COUNT(*) FROM account_link l WHERE {held}) AS audience
         FROM message m
         LEFT JOIN notice n ON n.tenant_id = m.tenant_id AND n.message_id = m.id
         LEFT JOIN account_link l ON {held} AND l.resident_id = n.resident_id
         WHERE m.tenant_id = $1 GROUP BY m.title"
    );
    let all: Vec<Message> =
        in_company(server, COMPANY, async |tx| tx.rows(&sql, vec![account.into()]).await.expect("messages"));
    assert!(all.iter().all(|message| message.audience > 1), "a message for nobody, or for one");
    all.into_iter().map(|message| (message.title.clone(), message)).collect()
}

/// Every acknowledged run of the month is there, and beside them at most one for each wish that was not acknowledged;
/// how many those are. Clients alone begin runs of this month, and may be told of one that is under way.
fn unacknowledged_runs(server: &Server, client: &Client) -> usize {
    #[derive(sea_orm::FromQueryResult)]
    struct Run {
        id: Uuid,
    }
    let sql = "SELECT id FROM billing_run WHERE tenant_id = $1 AND period = 202611";
    let stored: Vec<Run> = in_company(server, OTHER, async |tx| tx.rows(sql, Vec::new()).await.expect("runs"));
    let stored: BTreeSet<Uuid> = stored.into_iter().map(|run| run.id).collect();
    let (told, open): (Vec<&Wish>, Vec<&Wish>) = client.journal.iter().partition(|wish| wish.acknowledged);
    let told: BTreeSet<Uuid> = told.iter().map(|wish| Uuid::parse_str(&wish.mark).expect("an id")).collect();
    let lost: Vec<&Uuid> = told.difference(&stored).collect();
    assert!(lost.is_empty(), "runs are lost: {lost:?}");
    let beside = stored.len() - told.len();
    assert!(beside <= open.len(), "{beside} runs for {} wishes that were not acknowledged", open.len());
    beside
}

/// All runs of the month that came to their end and count the same payments have one result: the demo books payments as
/// its clock goes on.
fn runs_agree(server: &Server) {
    let done = "SELECT r.result_hash, (SELECT COUNT(*) FROM payment p
                                       WHERE p.tenant_id = r.tenant_id AND p.booked_at <= r.cutoff_at) AS payments
                FROM billing_run r WHERE r.tenant_id = $1 AND r.period = 202611 AND r.state = 'done'";
    let sql = format!(
        "SELECT COALESCE(MAX(same.runs), 0) AS number FROM (
           SELECT COUNT(*) AS runs FROM ({done}) of GROUP BY of.payments) same"
    );
    assert!(count(server, OTHER, &sql, Vec::new()) > 1, "no two runs that came to their end count the same payments");
    let sql = format!(
        "SELECT COUNT(*) AS number FROM (
           SELECT of.payments FROM ({done}) of
           GROUP BY of.payments HAVING COUNT(DISTINCT of.result_hash) > 1) differing"
    );
    assert_eq!(count(server, OTHER, &sql, Vec::new()), 0, "the same month with the same payments has two results");
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
