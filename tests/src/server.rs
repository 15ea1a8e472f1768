//! The real binary, serving the demo.

use std::collections::HashMap;
use std::fs::File;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::browser::{Browser, exchange};
use crate::database::{Database, Kind};
use crate::demo::Demo;
use crate::house::root;
use crate::process::{free_port, guarded, start};
use crate::seed;
use crate::world::fresh_ip;

/// The demo's day in most tests: inside every company's readings window.
pub const NOW: &str = "2026-11-22";

/// The answer that every captcha of a test's demo accepts.
pub const CAPTCHA: &str = "314159";

/// A server of the demo with a database of its own. It is killed when dropped.
#[derive(Debug)]
pub struct Server {
    /// The database.
    pub database: Database,
    /// Where the portals listen.
    pub listen: SocketAddr,
    /// Where health and metrics listen.
    pub management: SocketAddr,
    /// How long the last start took until it was ready.
    pub started_in: Duration,
    now: String,
    environment: Vec<(String, String)>,
    child: Option<Child>,
    demo: OnceLock<Demo>,
    turns: Mutex<HashMap<String, &'static Mutex<()>>>,
}

impl Server {
    /// The server that the tests of this process share on this database, for whatever leaves other
    /// tests' figures alone.
    pub fn shared(kind: Kind) -> &'static Self {
        static SQLITE: OnceLock<Server> = OnceLock::new();
        static POSTGRESQL: OnceLock<Server> = OnceLock::new();
        let shared = match kind {
            Kind::Sqlite => &SQLITE,
            Kind::PostgreSql => &POSTGRESQL,
        };
        shared.get_or_init(|| Self::demo(Database::new(kind), NOW))
    }

    /// A server of its own over `database`, its clock starting at `now`.
    #[must_use]
    pub fn demo(database: Database, now: &str) -> Self {
        Self::with(database, now, &[])
    }

    /// A server of its own with further keys of the configuration, as environment variables.
    #[must_use]
    pub fn with(database: Database, now: &str, environment: &[(&str, String)]) -> Self {
        if let (Some(day), true) = (seed::day_before(now), seed::fits(&database)) {
            seed::fill(&database, day);
        }
        Self::unfilled(database, now, environment)
    }

    /// A server of its own that makes the demo's data itself where the database is empty.
    #[must_use]
    pub fn unfilled(database: Database, now: &str, environment: &[(&str, String)]) -> Self {
        let address = || SocketAddr::from(([127, 0, 0, 1], free_port()));
        let mut server = Self {
            database,
            listen: address(),
            management: address(),
            started_in: Duration::ZERO,
            now: now.to_owned(),
            environment: environment.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            child: None,
            demo: OnceLock::new(),
            turns: Mutex::default(),
        };
        server.start();
        server
    }

    /// Starts the program and waits until it is ready.
    ///
    /// # Panics
    /// When it is not ready within two minutes, or ends before.
    pub fn start(&mut self) {
        assert!(self.try_start(&[]), "the server ended\n{}", self.log());
    }

    /// Starts the program with further environment; false when it ended before it was ready.
    ///
    /// # Panics
    /// When it is not ready within two minutes.
    pub fn try_start(&mut self, further: &[(&str, &str)]) -> bool {
        let log = File::options().create(true).append(true).open(self.log_file()).expect("a log");
        let mut command = guarded(&binary(), "KILL", None);
        configure(&mut command, &self.database, &self.now);
        command.env("KABINET_SERVER__LISTEN", self.listen.to_string());
        command.env("KABINET_SERVER__MANAGEMENT", self.management.to_string());
        command.envs(self.environment.iter().cloned()).envs(further.iter().copied());
        command.args(["serve", "--demo"]).stdout(log.try_clone().expect("a log")).stderr(log);
        let begun = Instant::now();
        self.child = Some(start(command));
        while !self.is_ready() {
            if self.has_ended() {
                return false;
            }
            assert!(begun.elapsed() < Duration::from_secs(120), "the server is not ready\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
        self.started_in = begun.elapsed();
        true
    }

    /// Whether the program is no longer there.
    pub fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)))
    }

    /// The signal that ended the program; none while it runs, and where it ended otherwise.
    pub fn ended_by(&mut self) -> Option<i32> {
        self.child.as_mut()?.try_wait().ok()??.signal()
    }

    /// Starts the program with the clock at another moment and waits until it is ready.
    pub fn start_at(&mut self, now: &str) {
        now.clone_into(&mut self.now);
        self.start();
    }

    /// Ends the program as a loss of power would: nothing is finished or written.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Whether `/readyz` says so now.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.health("/readyz").is_some_and(|(status, _)| status == 200)
    }

    /// Status and text of a path of the management address; `None` when nobody listens.
    #[must_use]
    pub fn health(&self, path: &str) -> Option<(u16, String)> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let response = exchange(self.management, request.as_bytes()).ok()?;
        Some((response.status, response.text()))
    }

    /// A command of the same program over the same data; the test adds its arguments.
    #[must_use]
    pub fn command(&self) -> Command {
        command(&self.database, &self.now)
    }

    /// What `demo.json` tells.
    pub fn facts(&self) -> &Demo {
        self.demo.get_or_init(|| Demo::read(&self.database.dir))
    }

    /// The process's identifier.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// A new browser on a company's portal.
    #[must_use]
    pub fn browser(&self, slug: &str) -> Browser {
        Browser::new(self.listen, &format!("{slug}.localhost"))
    }

    /// A new browser of somebody on a company's portal, from an address that no other test uses: limits count by it.
    #[must_use]
    pub fn stranger(&self, slug: &str) -> Browser {
        let mut browser = self.browser(slug);
        browser.from = fresh_ip();
        browser
    }

    /// The company's administrator, logged in.
    #[must_use]
    pub fn staff(&self, slug: &str) -> Browser {
        let admin = &self.facts().company(slug).admin;
        let mut browser = self.browser(slug);
        let login = serde_json::json!({ "email": admin.email, "password": admin.password });
        browser.call("POST", "/api/admin/v1/session", Some(&login)).expect(204);
        browser
    }

    /// The company's demo resident, logged in. Only one test at a time has a company's resident: the
    /// chosen account is stored with the person.
    pub fn resident(&self, slug: &str) -> Visit<'_> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            *turns.entry(slug.to_owned()).or_insert_with(|| Box::leak(Box::default()))
        };
        let turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let login = &self.facts().company(slug).resident;
        let mut browser = self.browser(slug);
        browser.log_in(&login.email, &login.password);
        Visit { browser, server: self, turn }
    }

    /// The end of what the server wrote.
    #[must_use]
    pub fn log(&self) -> String {
        let text = std::fs::read_to_string(self.log_file()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }

    /// The file that the server writes what happens to.
    #[must_use]
    pub fn log_file(&self) -> PathBuf {
        self.database.dir.with_extension("log")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- the server's log ---\n{}", self.log());
        }
    }
}

/// A logged-in resident, until the test ends.
#[derive(Debug)]
pub struct Visit<'a> {
    browser: Browser,
    /// The server.
    pub server: &'a Server,
    #[expect(dead_code, reason = "held for its lock")]
    turn: MutexGuard<'a, ()>,
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the server's log ---\n{}", self.server.log());
        }
    }
}

impl Deref for Visit<'_> {
    type Target = Browser;

    fn deref(&self) -> &Browser {
        &self.browser
    }
}

impl DerefMut for Visit<'_> {
    fn deref_mut(&mut self) -> &mut Browser {
        &mut self.browser
    }
}

/// A command of the program over `database`, its clock starting at `now`.
#[must_use]
pub fn command(database: &Database, now: &str) -> Command {
    let mut command = Command::new(binary());
    configure(&mut command, database, now);
    command
}

fn configure(command: &mut Command, database: &Database, now: &str) {
    command.current_dir(root()).env("KABINET_DEMO__NOW", now);
    command.env("KABINET_DATA__DIR", &database.dir).env("KABINET_DATABASE__URL", &database.url);
    // A test can come from any address by saying so.
    command.env("KABINET_DEMO__CAPTCHA_ANSWER", CAPTCHA).env("KABINET_SERVER__TRUSTED_PROXIES", "[\"127.0.0.1\"]");
    if let Some(postgres) = &database.postgres {
        command.env("KABINET_DATABASE__OWNER_URL", &postgres.owner_url);
    }
}

/// The program under test: `KABINET_BIN`, else the release build of this workspace.
///
/// # Panics
/// When it was not built.
#[must_use]
pub fn binary() -> PathBuf {
    let target = || std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let named = std::env::var_os("KABINET_BIN").map(PathBuf::from);
    let binary = named.unwrap_or_else(|| root().join(target()).join("release/kabinet"));
    assert!(Path::is_file(&binary), "{}: run `make build` first", binary.display());
    binary
}
