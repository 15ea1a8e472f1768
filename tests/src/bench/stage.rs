//! Where a measurement takes place: a database, the real binary over it, the processes that count.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use kabinet_tests::house::root;
use kabinet_tests::postgres::Cluster;
use kabinet_tests::process::{free_port, guarded, start};
use kabinet_tests::server::{CAPTCHA, NOW, binary};
use kabinet_tests::{Database, Kind};

use super::http::Connection;

/// The made-up company that is measured.
pub(crate) const COMPANY: &str = "town-1";
/// What its data are drawn from.
pub(crate) const SEED: u64 = 1;
/// A start that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A database that is measured.
pub(crate) struct Stage<'c> {
    database: Database,
    cluster: Option<&'c Cluster>,
}

impl<'c> Stage<'c> {
    /// An empty SQLite database, or one of `cluster`.
    pub(crate) fn new(cluster: Option<&'c Cluster>) -> Self {
        let database = cluster.map_or_else(|| Database::new(Kind::Sqlite), Database::on);
        Self { database, cluster }
    }

    /// `sqlite` or `postgresql`, as figures name it.
    pub(crate) fn name(&self) -> &'static str {
        if self.cluster.is_some() { "postgresql" } else { "sqlite" }
    }

    /// Where to connect past row security.
    pub(crate) fn superuser_url(&self) -> String {
        match self.database.url.split_once('@') {
            Some((_, place)) => format!("postgres://postgres@{place}"),
            None => self.database.url.clone(),
        }
    }

    /// The database server's first process, whose descendants work for it.
    pub(crate) fn postmaster(&self) -> anyhow::Result<Option<u32>> {
        let Some(cluster) = self.cluster else { return Ok(None) };
        let file = cluster.execute("postgres", "SELECT pg_read_file('postmaster.pid')");
        Ok(Some(file.lines().next().unwrap_or_default().trim().parse().context("postmaster.pid")?))
    }

    /// What a database that has lived for a while has done already: statistics are up to date, nothing waits
    /// to be written.
    pub(crate) fn rest(&self) {
        if let (Some(cluster), Some(database)) = (self.cluster, &self.database.postgres) {
            cluster.execute(&database.name, "VACUUM ANALYZE");
            cluster.execute(&database.name, "CHECKPOINT");
        }
    }

    /// Fills the database with made-up data; returns the seconds it took.
    pub(crate) fn seed(&self, arguments: &[&str]) -> anyhow::Result<f64> {
        let begun = Instant::now();
        let seed = SEED.to_string();
        finish(self.kabinet().args(["demo", "seed", "--seed", &seed]).args(arguments))?;
        self.rest();
        Ok(begun.elapsed().as_secs_f64())
    }

    /// How many rows the table has, all companies' together.
    pub(crate) fn rows(&self, table: &str) -> anyhow::Result<u64> {
        let (Some(cluster), Some(database)) = (self.cluster, &self.database.postgres) else {
            bail!("rows are counted on PostgreSQL");
        };
        let count = cluster.execute(&database.name, &format!("SELECT count(*) FROM {table}"));
        count.trim().parse().with_context(|| format!("{table}: {count}"))
    }

    /// The binary over this database.
    pub(crate) fn kabinet(&self) -> Command {
        let mut command = Command::new(binary());
        self.environment(&mut command);
        command
    }

    fn environment(&self, command: &mut Command) {
        command.current_dir(root());
        command.env("KABINET_DATA__DIR", &self.database.dir).env("KABINET_DATABASE__URL", &self.database.url);
        if let Some(postgres) = &self.database.postgres {
            command.env("KABINET_DATABASE__OWNER_URL", &postgres.owner_url);
        }
        command.env("KABINET_DEMO__NOW", NOW).env("KABINET_DEMO__CAPTCHA_ANSWER", CAPTCHA);
        command.env("KABINET_SERVER__TRUSTED_PROXIES", "[\"127.0.0.1\"]");
    }

    /// Starts the server over this database and waits until it is ready.
    pub(crate) fn serve(&self) -> anyhow::Result<Served> {
        self.serve_as(&["serve"])
    }

    /// A server as the demo's, where the captcha has a known answer and letters go nowhere.
    pub(crate) fn serve_demo(&self) -> anyhow::Result<Served> {
        self.serve_as(&["serve", "--demo"])
    }

    fn serve_as(&self, arguments: &[&str]) -> anyhow::Result<Served> {
        let address = || SocketAddr::from(([127, 0, 0, 1], free_port()));
        let (listen, management) = (address(), address());
        let log = std::fs::File::create(self.database.dir.with_extension("log"))?;
        let mut command = guarded(&binary(), "KILL", None);
        self.environment(&mut command);
        command.env("KABINET_SERVER__LISTEN", listen.to_string());
        command.env("KABINET_SERVER__MANAGEMENT", management.to_string());
        command.args(arguments).stdout(Stdio::null()).stderr(log);
        let begun = Instant::now();
        let mut served = Served { child: start(command), listen, management, ready_ms: 0.0 };
        while !served.is_ready() {
            if let Some(status) = served.child.try_wait()? {
                let log = std::fs::read_to_string(self.database.dir.with_extension("log"))?;
                bail!("the server ended, {status}: {log}");
            }
            if begun.elapsed() > PATIENCE {
                bail!("the server is not ready after {PATIENCE:?}");
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        served.ready_ms = begun.elapsed().as_secs_f64() * 1000.0;
        Ok(served)
    }
}

/// A running server; it ends with this value.
pub(crate) struct Served {
    child: Child,
    /// Where the portals listen.
    pub(crate) listen: SocketAddr,
    management: SocketAddr,
    /// From its start to `/readyz`.
    pub(crate) ready_ms: f64,
}

impl Served {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The host of the measured company's portal, with the port.
    pub(crate) fn host(&self) -> String {
        self.host_of(COMPANY)
    }

    /// The host of a company's portal, with the port.
    pub(crate) fn host_of(&self, slug: &str) -> String {
        format!("{slug}.localhost:{}", self.listen.port())
    }

    /// Statements sent so far.
    pub(crate) fn statements(&self) -> anyhow::Result<f64> {
        let answer = Connection::open(self.management, "localhost")?.get("/metrics", "")?;
        let text = answer.text();
        let line = text.lines().find_map(|line| line.strip_prefix("kabinet_statements_total "));
        line.and_then(|count| count.trim().parse().ok()).context("/metrics has no kabinet_statements_total")
    }

    fn is_ready(&self) -> bool {
        let answer = Connection::open(self.management, "localhost").and_then(|mut it| it.get("/readyz", ""));
        answer.is_ok_and(|answer| answer.status == 200)
    }
}

impl Drop for Served {
    /// As a service manager ends it: told to stop, killed when it does not.
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.pid().to_string()).status();
        let told = Instant::now();
        while told.elapsed() < Duration::from_secs(15) {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end: its standard output; an error with what it said when it fails.
pub(crate) fn finish(command: &mut Command) -> anyhow::Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = said.lines().collect();
        bail!("{command:?}: {}\n{}", output.status, lines[lines.len().saturating_sub(20)..].join("\n"));
    }
    Ok(String::from_utf8(output.stdout)?)
}
