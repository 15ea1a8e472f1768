//! A real PostgreSQL from Debian's programs, for the life of the test process.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::process::{free_port, guarded, is_root, new_folder, run, start};

/// The account that PostgreSQL's server runs under when the tests run as root, which it refuses.
const ACCOUNT: &str = "postgres";

/// A cluster of its own: a data folder, a port of 127.0.0.1, one superuser.
#[derive(Debug)]
pub struct Cluster {
    port: u16,
    data: PathBuf,
    durability: &'static [&'static str],
    server: Mutex<Option<Child>>,
}

/// A database with its two roles.
#[derive(Clone, Debug)]
pub struct PostgresDatabase {
    /// Its name.
    pub name: String,
    /// Where the application's role connects: it owns nothing and is bound by row security.
    pub url: String,
    /// Where the role connects that owns the tables and migrates.
    pub owner_url: String,
    /// The application's role.
    pub role: String,
    /// The role that owns the tables.
    pub owner: String,
}

impl Cluster {
    /// The cluster that all suites of this process share. Nobody takes its power away: its commits do not wait for the
    /// disk, which small tests would wait for longer than for anything else, and its log is as short as may be.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| {
            Self::with(&["fsync=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0"])
        })
    }

    /// A new cluster, running. As in production every commit waits for the disk.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&["fsync=on"])
    }

    fn with(durability: &'static [&'static str]) -> Self {
        let data = new_folder("postgresql");
        if is_root() {
            run(Command::new("chown").arg(format!("{ACCOUNT}:{ACCOUNT}")).arg(&data));
        }
        let mut initdb = guarded(&program("initdb"), "KILL", Some(ACCOUNT));
        initdb.args([
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-instructions",
            "--no-sync",
        ]);
        run(initdb.arg("-D").arg(&data).current_dir("/"));
        let cluster = Self { port: free_port(), data, durability, server: Mutex::new(None) };
        cluster.resume();
        cluster
    }

    /// Starts the server again after [`Cluster::stop`], on the same port.
    ///
    /// # Panics
    /// When it does not answer within two minutes: what it finds after a loss of power it goes through first.
    pub fn resume(&self) {
        let log = File::options().create(true).append(true).open(self.data.with_extension("log")).expect("a log");
        let mut server = guarded(&program("postgres"), "QUIT", Some(ACCOUNT));
        server.arg("-D").arg(&self.data).arg("-k").arg(&self.data).args(["-h", "127.0.0.1", "-p"]);
        server.arg(self.port.to_string()).args(["-c", "max_connections=200"]).current_dir("/");
        server.args(self.durability.iter().flat_map(|setting| ["-c", setting]));
        server.stdout(Stdio::null()).stderr(log);
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(start(server));
        let begun = Instant::now();
        while !self.client("pg_isready").output().is_ok_and(|output| output.status.success()) {
            assert!(begun.elapsed() < Duration::from_secs(120), "PostgreSQL does not answer: {}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Stops the server at once, as a machine that loses its power does.
    ///
    /// # Panics
    /// When it does not stop.
    pub fn stop(&self) {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut child) = server.take() {
            run(Command::new("kill").args(["-QUIT", &child.id().to_string()]));
            child.wait().expect("the end of PostgreSQL");
        }
    }

    /// A new empty database with an owner and an application role.
    #[must_use]
    pub fn create_database(&self) -> PostgresDatabase {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        self.database_named(&NUMBER.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// A new empty database `kabinet_…` with its roles.
    pub(crate) fn database_named(&self, word: &str) -> PostgresDatabase {
        let (name, owner, role) = (format!("kabinet_{word}"), format!("owner_{word}"), format!("app_{word}"));
        self.execute_each(
            "postgres",
            &[
                format!("CREATE ROLE {owner} LOGIN NOSUPERUSER NOBYPASSRLS"),
                format!("CREATE ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS"),
                format!("CREATE DATABASE {name} OWNER {owner}"),
            ],
        );
        let url = |user: &str| format!("postgres://{user}@127.0.0.1:{}/{name}", self.port);
        PostgresDatabase { url: url(&role), owner_url: url(&owner), name, role, owner }
    }

    /// Whether the database lies here.
    #[must_use]
    pub fn is_home_of(&self, database: &PostgresDatabase) -> bool {
        database.url.contains(&format!(":{}/", self.port))
    }

    /// Makes the second database a copy of the first, which nobody is connected to any more: its owner owns the tables,
    /// its application's role may do what that of the first may.
    pub fn copy(&self, from: &PostgresDatabase, to: &PostgresDatabase) {
        // The first database itself changes hands with what its owner owns, which one session at a time may do.
        static TURN: Mutex<()> = Mutex::new(());
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        self.execute_each(
            "postgres",
            &[
                format!("DROP DATABASE {}", to.name),
                format!("GRANT {} TO {}", from.role, to.role),
                // As files: a copy by the log is for what is small.
                format!("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY", to.name, to.owner, from.name),
                format!("\\connect {}", to.name),
                format!("REASSIGN OWNED BY {} TO {}", from.owner, to.owner),
            ],
        );
    }

    /// Writes all of the database to a file, for [`Cluster::restore`].
    pub(crate) fn dump(&self, database: &PostgresDatabase, file: &Path) {
        let mut dump = self.client("pg_dump");
        run(dump.args(["--format=custom", "--compress=1", "-d", &database.name, "-f"]).arg(file));
    }

    /// Fills an empty database that has the roles of the dumped one.
    pub(crate) fn restore(&self, database: &PostgresDatabase, file: &Path) {
        run(self.client("pg_restore").args(["--exit-on-error", "-d", &database.name]).arg(file));
        self.analyze(database);
    }

    /// Has PostgreSQL look at what its tables hold, as it does by itself within minutes.
    pub fn analyze(&self, database: &PostgresDatabase) {
        self.execute(&database.name, "ANALYZE");
    }

    /// Executes SQL as the superuser.
    pub fn execute(&self, database: &str, sql: &str) -> String {
        self.execute_each(database, &[sql])
    }

    /// Executes statements one after the other, in one session: to begin one takes longer than most of them.
    fn execute_each(&self, database: &str, statements: &[impl AsRef<str>]) -> String {
        let mut psql = self.client("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database]);
        run(psql.args(statements.iter().flat_map(|statement| ["-c", statement.as_ref()])))
    }

    /// One of PostgreSQL's programs, as the superuser of this cluster.
    fn client(&self, name: &str) -> Command {
        let mut client = Command::new(program(name));
        client.args(["-h", "127.0.0.1", "-U", "postgres", "-p", &self.port.to_string()]);
        client
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.data.with_extension("log")).unwrap_or_default()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}

/// One of PostgreSQL's programs, of the newest version installed.
fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|version| version.path().join("bin").join(name)).collect();
    found.retain(|path| path.is_file());
    found.sort();
    found.pop().unwrap_or_else(|| panic!("{name}: install Debian's package `postgresql`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_database_is_copied_many_times_at_once() {
        let cluster = Cluster::shared();
        let first = cluster.create_database();
        cluster.execute(&first.name, &format!("SET ROLE {}; CREATE TABLE kept AS SELECT 7 AS number", first.owner));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let copy = cluster.create_database();
                    cluster.copy(&first, &copy);
                    let read = format!("SET ROLE {}; SELECT number FROM kept", copy.owner);
                    assert_eq!(cluster.execute(&copy.name, &read).trim(), "7");
                });
            }
        });
    }
}
