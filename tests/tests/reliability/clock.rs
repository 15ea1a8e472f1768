//! The clock jumps, ahead by more than a day and back by hours, while work goes on: nothing acknowledged is lost, what
//! was ended stays ended, and no work waits for ever.
//!
//! The server's own clock is the machine's: a library of a few lines (`shifted_clock.c`) stands between the two and
//! moves it at any moment, for that process alone. What the queue and the counters make of it is asked of them in this
//! process, by a clock whose hands the test sets.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use kabinet_core::jobs::{JobContext, JobError, JobHandler, JobRunner, NewJob};
use kabinet_core::limits::{self, Limit, Verdict};
use kabinet_core::{
    Actor, Clock, Day, Db, DbConfig, Manifest, Module, ModuleKind, Registry, Tenant, Tenants, Timestamp,
};
use kabinet_tests::process::{new_folder, run};
use kabinet_tests::server::{NOW, command};
use kabinet_tests::world::{self, PASSWORD, Person};
use kabinet_tests::{Browser, Database, Kind, Server, block_on, on_both_databases, runs};
use serde_json::{Value, json};

use crate::audit;
use crate::clients::{self, COMPANY, until_each_is_acknowledged, while_they_work};
use crate::verify::{settle, verify};

const HOUR: i64 = 3600;

on_both_databases![
    jumps_of_the_clock_lose_nothing_that_was_acknowledged,
    what_was_used_up_or_ended_stays_so_when_the_clock_goes_back,
    a_job_claimed_before_the_clock_went_back_is_done_once_the_clock_has_caught_up,
    a_job_claimed_before_the_clock_went_back_waits_no_longer_than_a_lease,
    a_job_queued_before_the_clock_went_back_does_not_wait_for_it,
    attempts_counted_before_the_clock_went_back_lock_out_no_longer_than_promised,
    entries_written_just_before_the_clock_went_ahead_are_chained,
    a_reading_sent_after_the_clock_went_back_while_its_month_is_billed_counts_for_the_next,
];

/// Moves the clock of servers that are started with its environment.
pub(crate) struct Shift {
    library: &'static Path,
    name: PathBuf,
    file: File,
}

impl Shift {
    pub(crate) fn new() -> Self {
        static LIBRARY: LazyLock<PathBuf> = LazyLock::new(|| {
            let library = new_folder("clock").join("shifted_clock.so");
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reliability/shifted_clock.c");
            // What links Rust is there.
            run(Command::new("cc").args(["-O2", "-shared", "-fPIC", "-o"]).arg(&library).arg(source));
            library
        });
        let name = new_folder("clock").join("shift");
        let shift = Self { library: &LIBRARY, file: File::create(&name).expect("a file"), name };
        shift.set(0);
        shift
    }

    /// Moves the clock to so many seconds from where it runs by itself.
    pub(crate) fn set(&self, seconds: i64) {
        self.file.write_all_at(&seconds.to_ne_bytes(), 0).expect("a write");
    }

    /// What a server is started with.
    pub(crate) fn environment(&self) -> [(&'static str, String); 2] {
        let text = |path: &Path| path.to_str().expect("a path in UTF-8").to_owned();
        [("LD_PRELOAD", text(self.library)), ("KABINET_TESTS_SHIFT", text(&self.name))]
    }
}

fn jumps_of_the_clock_lose_nothing_that_was_acknowledged(kind: Kind) {
    let clock = Shift::new();
    let server = Server::with(Database::new(kind), NOW, &clock.environment());
    let mut clients = clients::all(&server);
    let mut begun = None;
    for hours in [0, 26, 21, -3, 26] {
        clock.set(hours * HOUR);
        // On the day before its last reading a meter takes none, which it says: everything else goes on.
        let asking = if hours < 0 { &mut clients[1..] } else { &mut clients[..] };
        until_each_is_acknowledged(asking, || server.log());
        while_they_work(asking, || std::thread::sleep(Duration::from_millis(300)));
        let latest = latest_deed(&server);
        let jumped = latest - *begun.get_or_insert(latest) > 25 * HOUR * 1000;
        assert!(jumped || hours != 26, "the clock did not jump");
    }
    assert!(clients.iter().all(|client| !client.unanswered), "an answer never came");
    settle(&server, &mut clients);
    let done = verify(&server, &clients);
    eprintln!("{kind}: the clock 26 hours ahead, 5 back, another 24 back, and ahead: {done}");
}

/// The moment of the company's latest change of a setting, which the server alone makes here, milliseconds.
fn latest_deed(server: &Server) -> i64 {
    let sql = "SELECT MAX(at) AS number FROM audit WHERE tenant_id = $1 AND action = 'settings.changed'";
    server.database.count(COMPANY, sql, Vec::new())
}

/// Asks for a new password; the path of the letter's link.
fn recover(server: &Server, email: &str) -> String {
    let mut browser = server.stranger(COMPANY);
    let form = browser.recovery(email);
    browser.submit(&form).expect(303);
    server.letter(email, "Восстановление").path("/recover/new")
}

fn what_was_used_up_or_ended_stays_so_when_the_clock_goes_back(kind: Kind) {
    const NEW: &str = "новая заводь у моста";
    let clock = Shift::new();
    let server = Server::with(Database::new(kind), NOW, &clock.environment());
    let mut person = world::newcomer(&server, COMPANY);
    clock.set(26 * HOUR);
    let path = recover(&server, &person.email);
    let form =
        server.stranger(COMPANY).page(&path).form("/recover/new").with("password", NEW).with("password_repeat", NEW);
    let mut owner = server.stranger(COMPANY);
    form_of(&mut owner, &path, &form.fields);
    for hours in [26, 21, -3, 50] {
        clock.set(hours * HOUR);
        server.stranger(COMPANY).get(&path).expect(404);
        assert!(!person.browser.is_logged_in(), "{hours}: the session that the new password ended");
        server.stranger(COMPANY).try_log_in(&person.email, PASSWORD).expect(422);
        server.stranger(COMPANY).log_in(&person.email, NEW);
    }
    made_while_the_clock_was_ahead(&server, &clock);
}

/// Sends the fields with the token that this browser got.
fn form_of(browser: &mut Browser, path: &str, fields: &[(String, String)]) {
    let value = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let form = ["password", "password_repeat"]
        .iter()
        .fold(browser.page(path).form("/recover/new"), |form, name| form.with(name, &value(name).expect("a field")));
    assert_eq!(browser.submit(&form).expect(303).location(), "/");
}

/// A link and a session that were made on a clock that was ahead end when that clock promised, and no later.
fn made_while_the_clock_was_ahead(server: &Server, clock: &Shift) {
    let made = 50;
    let mut person = world::newcomer(server, COMPANY);
    let path = recover(server, &person.email);
    clock.set(40 * HOUR);
    assert!(person.browser.is_logged_in(), "the clock went back: nobody is thrown out");
    server.stranger(COMPANY).get(&path).expect(200);
    clock.set((made + 1) * HOUR + 60);
    server.stranger(COMPANY).get(&path).expect(404);
    clock.set((made + 30 * 24) * HOUR + 60);
    assert!(!person.browser.is_logged_in(), "a session of thirty days");
}

static MANIFEST: Manifest =
    Manifest { id: "worker", title: "Проба", kind: ModuleKind::Core, permissions: &[], navigation: &[] };

/// A module with one kind of work, which can be made to last for ever.
#[derive(Clone, Default)]
struct Worker {
    done: Arc<AtomicU32>,
    lasts: Arc<AtomicBool>,
}

impl Module for Worker {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn jobs(&self) -> Vec<Arc<dyn JobHandler>> {
        vec![Arc::new(self.clone())]
    }
}

#[async_trait]
impl JobHandler for Worker {
    fn kind(&self) -> &'static str {
        "work"
    }

    async fn run(&self, _: JobContext, _: Value) -> Result<(), JobError> {
        if self.lasts.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        self.done.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// The platform's queue in this process, by a clock whose hand the test sets.
struct Queue {
    db: Db,
    tenant: Arc<Tenant>,
    hand: Arc<AtomicI64>,
    worker: Worker,
    runner: JobRunner,
}

impl Queue {
    async fn new(kind: Kind) -> Self {
        let database = Database::new(kind);
        run(command(&database, NOW).args(["tenant", "apply", "tenants/beregovoy"]));
        let (clock, hand) = Clock::manual(Day(20_261_122).start(chrono_tz::Asia::Yekaterinburg));
        let place = DbConfig { url: database.url.clone(), connections: 2 };
        let db = Db::connect(&place, clock).await.expect("the database");
        let tenant = database.company(&db, COMPANY).await;
        let worker = Worker::default();
        let registry = Arc::new(Registry::new([&worker as &dyn Module]));
        let runner = JobRunner::new(db.clone(), Tenants::new(db.clone()), registry);
        Self { db, tenant, hand, worker, runner }
    }

    async fn enqueue(&self) {
        let mut tx = self.db.begin(&self.tenant, Actor::System).await.expect("a transaction");
        tx.enqueue(NewJob::new(MANIFEST.id, "work", Value::Null)).await.expect("queued");
        tx.commit().await.expect("a commit");
    }

    /// The job is claimed by a server that dies at it.
    async fn claim_and_die(&self) {
        self.worker.lasts.store(true, Ordering::SeqCst);
        let died = tokio::time::timeout(Duration::from_millis(500), self.runner.run_due()).await;
        assert!(died.is_err(), "the job was not begun");
        self.worker.lasts.store(false, Ordering::SeqCst);
    }

    /// The clock is moved, and what is due is done; how often the work was done until now.
    async fn after(&self, seconds: i64) -> u32 {
        self.hand.fetch_add(Timestamp(0).plus_seconds(seconds).0, Ordering::SeqCst);
        self.runner.drain().await.expect("the queue");
        self.worker.done.load(Ordering::SeqCst)
    }
}

fn a_job_claimed_before_the_clock_went_back_is_done_once_the_clock_has_caught_up(kind: Kind) {
    block_on(async {
        let queue = Queue::new(kind).await;
        queue.enqueue().await;
        queue.claim_and_die().await;
        let _ = queue.after(-5 * HOUR).await;
        assert_eq!(queue.after(5 * HOUR + 61).await, 1);
        assert_eq!(queue.after(61).await, 1, "and once");
    });
}

fn a_job_claimed_before_the_clock_went_back_waits_no_longer_than_a_lease(kind: Kind) {
    block_on(async {
        let queue = Queue::new(kind).await;
        queue.enqueue().await;
        queue.claim_and_die().await;
        let _ = queue.after(-5 * HOUR).await;
        assert_eq!(queue.after(61).await, 1, "a claimed job waits for the clock to catch up");
    });
}

fn a_job_queued_before_the_clock_went_back_does_not_wait_for_it(kind: Kind) {
    block_on(async {
        let queue = Queue::new(kind).await;
        queue.enqueue().await;
        assert_eq!(queue.after(-5 * HOUR).await, 1, "a job that is to run at once waits for the clock");
    });
}

fn attempts_counted_before_the_clock_went_back_lock_out_no_longer_than_promised(kind: Kind) {
    block_on(async {
        let queue = Queue::new(kind).await;
        let limit = Limit { most: 1, seconds: 900 };
        for verdict in [Verdict::Allowed, Verdict::Wait(900)] {
            assert_eq!(limits::hit(&queue.db, "key", limit).await.expect("a verdict"), verdict);
        }
        let _ = queue.after(-5 * HOUR).await;
        let _ = queue.after(2 * 900).await;
        let verdict = limits::hit(&queue.db, "key", limit).await.expect("a verdict");
        assert_eq!(verdict, Verdict::Allowed, "a quarter of an hour was promised");
    });
}

fn entries_written_just_before_the_clock_went_ahead_are_chained(kind: Kind) {
    let clock = Shift::new();
    let server = Server::with(Database::new(kind), NOW, &clock.environment());
    let mut staff = server.staff(COMPANY);
    let _ = audit::chained(&server);
    audit::deed(&mut staff, 1);
    clock.set(49 * HOUR);
    audit::deed(&mut staff, 2);
    let _ = audit::chained(&server);
}

/// A meter of the person's account that has one zone and is charged by.
fn dial(person: &mut Person) -> String {
    let list = person.browser.call("GET", "/api/v1/meters", None).expect(200).json();
    let takes = |meter: &Value| meter["zones"] == 1 && meter["active"] == true && meter["automatic"] == false;
    let fits = |meter: &&Value| takes(meter) && meter["verification"] != "expired" && meter["fault"].is_null();
    let meter = list["meters"].as_array().expect("meters").iter().find(fits).expect("a meter");
    meter["id"].as_str().expect("an identifier").to_owned()
}

/// Sends one unit more than the last reading.
fn one_more(person: &mut Person, meter: &str) {
    let reading = json!({ "readings": [{ "meter": meter, "deltas": ["1"], "confirm": true }] });
    person.browser.call("POST", "/api/v1/meters/readings", Some(&reading)).expect(200);
}

fn a_reading_sent_after_the_clock_went_back_while_its_month_is_billed_counts_for_the_next(kind: Kind) {
    let clock = Shift::new();
    let server = Server::with(Database::new(kind), NOW, &clock.environment());
    let mut staff = server.staff(COMPANY);
    let mut people = [0, 1].map(|number| world::holder_of_flat(&server, COMPANY, number).0);
    let meters = people.each_mut().map(dial);
    clock.set(2 * HOUR);
    one_more(&mut people[0], &meters[0]);
    let run = runs::calculate(&mut staff, "2026-11");
    clock.set(0);
    for (person, meter) in people.iter_mut().zip(&meters) {
        one_more(person, meter);
    }
    staff.call("POST", &format!("{run}/publish"), None).expect(200);
    let mut months = |meter: &str| {
        let case = staff.call("GET", &format!("/api/admin/v1/meters/{meter}"), None).expect(200).json();
        [0, 1].map(|at| case["readings"][at]["period"].clone())
    };
    assert_eq!(months(&meters[0]), ["2026-12", "2026-11"], "a bill was made of the one sent before");
    assert_eq!(months(&meters[1])[0], "2026-12");
}
