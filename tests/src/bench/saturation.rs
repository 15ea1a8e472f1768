//! What is used up while something works: the processors, by the server, PostgreSQL and this program; the server's
//! connections to PostgreSQL, and what they wait for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use kabinet_core::db::Purpose;
use kabinet_core::{Clock, Db, DbConfig};
use kabinet_server::Config;
use sea_orm::{DatabaseBackend, DatabaseConnection, FromQueryResult, Statement};

use super::figures::{Figure, Report};
use super::stage::{Served, Stage};
use super::usage::Moment;

/// How often it is looked.
const EVERY: Duration = Duration::from_millis(100);
/// What a connection has that waits for nothing, or wants.
pub(crate) const PROCESSOR: &str = "a processor";
/// The server's sessions.
const SESSIONS: &str = "SELECT COALESCE(state, '') AS state, wait_event_type || ' ' || wait_event AS waits_for,
        application_name AS name
    FROM pg_stat_activity
    WHERE datname = current_database() AND usename <> current_user AND backend_type = 'client backend'";
/// What PostgreSQL has done so far.
const WRITTEN: &str = "SELECT xact_commit AS commits,
        CAST(pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS bigint) AS log_bytes
    FROM pg_stat_database WHERE datname = current_database()";

/// What was used meanwhile.
#[derive(Debug)]
pub(crate) struct Used {
    /// Processors that were busy for the server with its workers, for PostgreSQL, for this program, and for all others.
    pub(crate) server: f64,
    pub(crate) database: f64,
    pub(crate) generators: f64,
    pub(crate) others: f64,
    /// Transactions a second, of all that connect.
    pub(crate) commits_per_s: f64,
    /// PostgreSQL's log, MB a second.
    pub(crate) log_mb_per_s: f64,
    /// Share of looks that found all of the server's connections at work: who came then waited for one.
    pub(crate) pool_full: f64,
    /// How often it was looked.
    pub(crate) looks: u64,
    /// What connections at work waited for, with their number on average, the most first.
    pub(crate) waits: Vec<(String, f64)>,
}

impl Used {
    /// Adds the figures of what was used while `name` was measured.
    pub(crate) fn tell(&self, report: &mut Report, name: &str) {
        let mut add = |suffix: &str, value, unit, samples| {
            report.add(Figure::new(format!("{name}_{suffix}"), Some("postgresql"), value, unit, samples));
        };
        for (whose, processors) in self.processors() {
            add(&format!("{whose}_processors"), processors, "", 1);
        }
        add("pool_full_share", self.pool_full, "", self.looks);
        add("commits_per_s", self.commits_per_s, "1/s", 1);
        add("log_mb_per_s", self.log_mb_per_s, "MB/s", 1);
    }

    /// How many processors were busy, and for whom.
    pub(crate) const fn processors(&self) -> [(&'static str, f64); 4] {
        [("server", self.server), ("database", self.database), ("generators", self.generators), ("others", self.others)]
    }

    /// The three things that were waited for most.
    pub(crate) fn waits_in_words(&self) -> String {
        let one = |(what, number): &(String, f64)| format!("{what} {number:.2}");
        self.waits.iter().take(3).map(one).collect::<Vec<_>>().join(", ")
    }
}

/// Does `work` and tells what was used meanwhile.
pub(crate) fn during<T>(stage: &Stage<'_>, served: &Served, work: impl FnOnce() -> T) -> anyhow::Result<(T, Used)> {
    let (server, database) = ([served.pid()], stage.postmaster()?.context("a PostgreSQL")?);
    let moments =
        || [Moment::of(&server), Moment::of(&[database]), Moment::of_this_process(), Moment::of_the_machine()];
    let (over, looked) = (AtomicBool::new(false), Looked::default());
    let before = moments();
    let (done, looked) = std::thread::scope(|scope| {
        let looking = scope.spawn(|| looked.look_on(stage, &over));
        let done = work();
        over.store(true, Ordering::Relaxed);
        (done, looking.join().unwrap_or_else(|_| bail!("looking at PostgreSQL panicked")))
    });
    let (now, looked) = (moments(), looked?);
    let [server, database, generators, machine] = std::array::from_fn(|at| {
        let (seconds, cpu) = now[at].since(before[at]);
        cpu / seconds
    });
    let (seconds, _) = now[0].since(before[0]);
    let looks = looked.looks.max(1) as f64;
    let mut waits: Vec<_> = looked.waits.iter().map(|(what, count)| (what.clone(), *count as f64 / looks)).collect();
    waits.sort_by(|one, other| other.1.total_cmp(&one.1));
    let used = Used {
        server,
        database,
        generators,
        others: (machine - server - database - generators).max(0.0),
        commits_per_s: looked.commits / seconds,
        log_mb_per_s: looked.log_bytes / seconds / 1_048_576.0,
        pool_full: looked.full as f64 / looks,
        looks: looked.looks,
        waits,
    };
    Ok((done, used))
}

/// What looks at PostgreSQL found.
#[derive(Debug, Default)]
struct Looked {
    looks: u64,
    /// Looks that found all of the server's connections for answers at work.
    full: u64,
    /// What connections at work waited for, and how often.
    waits: BTreeMap<String, u64>,
    commits: f64,
    log_bytes: f64,
}

#[derive(FromQueryResult)]
struct Session {
    state: String,
    /// None where it waits for nothing.
    waits_for: Option<String>,
    /// What it is for.
    name: String,
}

#[derive(FromQueryResult)]
struct Written {
    commits: i64,
    log_bytes: i64,
}

impl Looked {
    /// Looks until it is `over`.
    fn look_on(mut self, stage: &Stage<'_>, over: &AtomicBool) -> anyhow::Result<Self> {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
            let settings = DbConfig { url: stage.superuser_url(), connections: 1 };
            let db = Db::connect(&settings, Clock::system()).await?;
            let before = written(db.platform()).await?;
            while !over.load(Ordering::Relaxed) {
                let sessions = Session::find_by_statement(statement(SESSIONS)).all(db.platform()).await?;
                self.note(&sessions, Config::default().database.connections);
                tokio::time::sleep(EVERY).await;
            }
            let now = written(db.platform()).await?;
            self.commits = (now.commits - before.commits) as f64;
            self.log_bytes = (now.log_bytes - before.log_bytes) as f64;
            Ok(self)
        })
    }

    /// Counts one look at the sessions of a server that has so many for answers at most.
    fn note(&mut self, sessions: &[Session], most: u32) {
        let mut at_work = 0;
        for session in sessions.iter().filter(|session| session.state != "idle") {
            at_work += u32::from(session.name == Purpose::Answers.name());
            let waits_for = session.waits_for.as_deref().unwrap_or(PROCESSOR);
            *self.waits.entry(waits_for.to_owned()).or_default() += 1;
        }
        self.looks += 1;
        self.full += u64::from(at_work >= most);
    }
}

async fn written(connection: &DatabaseConnection) -> anyhow::Result<Written> {
    Written::find_by_statement(statement(WRITTEN)).one(connection).await?.context("pg_stat_database")
}

fn statement(sql: &str) -> Statement {
    Statement::from_string(DatabaseBackend::Postgres, sql)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_full_when_no_connection_is_idle() {
        let named = |purpose: Purpose, state: &str, waits_for: &str| {
            let (state, waits_for) = (state.into(), Some(waits_for.into()));
            Session { state, waits_for, name: purpose.name().into() }
        };
        let session = |state: &str, waits_for: &str| named(Purpose::Answers, state, waits_for);
        let mut looked = Looked::default();
        looked.note(&[session("active", "IO WALSync"), session("idle", "Client ClientRead")], 2);
        assert_eq!((looked.looks, looked.full), (1, 0));
        looked.note(&[session("active", "IO WALSync"), session("idle in transaction", "Client ClientRead")], 2);
        assert_eq!((looked.looks, looked.full), (2, 1));
        assert_eq!(looked.waits["IO WALSync"], 2);
        assert_eq!(looked.waits["Client ClientRead"], 1, "a connection that is idle waits for nobody");
        looked.note(&[Session { waits_for: None, ..session("active", "") }], 2);
        assert_eq!(looked.waits[PROCESSOR], 1);
        let jobs = || named(Purpose::Jobs, "active", "IO WALSync");
        looked.note(&[session("active", "IO WALSync"), jobs(), jobs()], 2);
        assert_eq!((looked.looks, looked.full), (4, 1), "jobs have connections of their own");
    }
}
