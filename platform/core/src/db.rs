//! The one door to the database: [`Db`] opens a [`Tx`] for one company and one actor.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseBackend, DatabaseConnection, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait,
};
use uuid::Uuid;

use crate::audit::Unsealed;
use crate::change::Changes;
use crate::clock::{Clock, Entropy};
use crate::error::DbError;
use crate::pace::Pace;
use crate::secrets::KeyRing;
use crate::tenancy::Tenant;

pub use crate::door::{Reply, TenantEntity, Tx};

/// Who acts in a transaction; stands in the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The platform itself: jobs, commands.
    System,
    /// Somebody who has not logged in.
    Guest,
    /// A resident.
    Resident(Uuid),
    /// A staff member of the company.
    Staff(Uuid),
}

impl Actor {
    /// The actor's kind as stored: `system`, `guest`, `resident`, `staff`.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Guest => "guest",
            Self::Resident(_) => "resident",
            Self::Staff(_) => "staff",
        }
    }

    /// The person's identifier, where there is a person.
    #[must_use]
    pub const fn id(self) -> Option<Uuid> {
        match self {
            Self::System | Self::Guest => None,
            Self::Resident(id) | Self::Staff(id) => Some(id),
        }
    }
}

/// Where the database is and how many connections to keep.
#[derive(Clone, Debug)]
pub struct DbConfig {
    /// `sqlite://path` or `postgres://…` (the application's role).
    pub url: String,
    /// Connections for reading (SQLite) or for everything but jobs, which have as many again (PostgreSQL).
    pub connections: u32,
}

/// What a [`Db`] is used for: whether it rests beside answers, and which connections to PostgreSQL it has
/// (`pg_stat_activity` shows it as their `application_name`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Answers that somebody waits for, and commands.
    Answers,
    /// Jobs.
    Jobs,
}

impl Purpose {
    /// Its name in PostgreSQL.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answers => "kabinet",
            Self::Jobs => "kabinet jobs",
        }
    }
}

/// A run holds three connections at once.
const JOBS_AT_LEAST: u32 = 4;

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    write: DatabaseConnection,
    read: DatabaseConnection,
    purpose: Purpose,
    pace: Pace,
    clock: Clock,
    changes: Changes,
    statements: Arc<AtomicU64>,
    work: Arc<tokio::sync::Notify>,
    heard: Arc<OnceLock<HashSet<&'static str>>>,
    keys: Arc<OnceLock<KeyRing>>,
    unsealed: Arc<Unsealed>,
}

impl Db {
    /// Connects. SQLite: write-ahead log, full synchronisation, one writer and several readers.
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub async fn connect(config: &DbConfig, clock: Clock) -> Result<Self, DbError> {
        let sqlite = config.url.starts_with("sqlite:");
        let write = if sqlite { DbConfig { connections: 1, ..config.clone() } } else { config.clone() };
        let write = Database::connect(options(&write, Purpose::Answers)).await?;
        let read = if sqlite { Database::connect(options(config, Purpose::Answers)).await? } else { write.clone() };
        let statements = Arc::new(AtomicU64::new(0));
        Ok(Self {
            write,
            read,
            purpose: Purpose::Answers,
            pace: Pace::default(),
            clock,
            changes: Changes::default(),
            statements,
            work: Arc::default(),
            heard: Arc::default(),
            keys: Arc::default(),
            unsealed: Arc::default(),
        })
    }

    /// The same database for jobs, whose transactions rest beside those of answers (see [`Pace`]). On PostgreSQL they
    /// have connections of their own, so that nothing that somebody waits for waits for one of theirs; SQLite has one
    /// writer in any case.
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub async fn for_jobs(&self, config: &DbConfig) -> Result<Self, DbError> {
        let jobs = Self { purpose: Purpose::Jobs, ..self.clone() };
        if self.write.get_database_backend() == DatabaseBackend::Sqlite {
            return Ok(jobs);
        }
        let config = DbConfig { connections: config.connections.max(JOBS_AT_LEAST), ..config.clone() };
        let own = Database::connect(options(&config, Purpose::Jobs)).await?;
        Ok(Self { write: own.clone(), read: own, ..jobs })
    }

    /// The same connections for one job among others: it rests for what it did itself.
    pub(crate) fn for_one_job(&self) -> Self {
        Self { pace: self.pace.of_one(), ..self.clone() }
    }

    /// How work beside answers rests.
    #[must_use]
    pub fn pace(&self) -> &Pace {
        &self.pace
    }

    /// `SQLite` or `PostgreSQL`, as people write them.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.write.get_database_backend() {
            DatabaseBackend::Postgres => "PostgreSQL",
            _ => "SQLite",
        }
    }

    /// A transaction that may write, for one company. On SQLite it is the only writer until it ends:
    /// do the slow work (hashing, plugins, rendering) before.
    pub fn begin<'a>(&'a self, tenant: &'a Arc<Tenant>, actor: Actor) -> Reply<'a, Tx> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Box::pin(self.open(&self.write, options, false, tenant, actor))
    }

    /// A transaction that only reads, one consistent picture, for one company.
    pub fn read<'a>(&'a self, tenant: &'a Arc<Tenant>, actor: Actor) -> Reply<'a, Tx> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Deferred),
            ..TransactionOptions::default()
        };
        Box::pin(self.open(&self.read, options, true, tenant, actor))
    }

    async fn open(
        &self,
        pool: &DatabaseConnection,
        options: TransactionOptions,
        read_only: bool,
        tenant: &Arc<Tenant>,
        actor: Actor,
    ) -> Result<Tx, DbError> {
        let mut turn = self.pace.turn(self.purpose).await;
        let inner = pool.begin_with_options(options).await?;
        turn.begins();
        if inner.get_database_backend() == DatabaseBackend::Postgres {
            // One round trip for both, and no planning: SET takes no parameters, but a UUID needs no quoting.
            let mode = if read_only { "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; " } else { "" };
            inner.execute_unprepared(&format!("{mode}SET LOCAL app.tenant = '{}'", tenant.id.0)).await?;
        }
        Ok(Tx::new(inner, turn, self.clone(), tenant.clone(), actor, read_only))
    }

    /// The connection for writing platform tables (companies, hosts, job envelopes, counters): it sees
    /// no company's rows on PostgreSQL. Nothing outside the core and the composition root may use it.
    /// On SQLite it is the one writer: asking for it while holding a [`Tx`] from [`Db::begin`] waits
    /// for oneself.
    #[must_use]
    pub fn platform(&self) -> &DatabaseConnection {
        &self.write
    }

    /// The connection for reading platform tables; never waits for a writer.
    #[must_use]
    pub fn platform_read(&self) -> &DatabaseConnection {
        &self.read
    }

    /// The clock of this database's transactions.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The source of random bytes.
    #[must_use]
    pub fn entropy(&self) -> Entropy {
        Entropy
    }

    /// The change counters.
    #[must_use]
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Wakes the job runner of this process.
    pub(crate) fn work(&self) -> &Arc<tokio::sync::Notify> {
        &self.work
    }

    /// Companies whose new entries of the audit log are not chained yet.
    pub(crate) fn unsealed(&self) -> &Unsealed {
        &self.unsealed
    }

    /// Says which events some module subscribes to: the others are not stored at all. Said once, by the
    /// composition root.
    pub fn only_events(&self, heard: impl IntoIterator<Item = &'static str>) {
        let _ = self.heard.set(heard.into_iter().collect());
    }

    /// Hands over the keys of companies' secrets. Done once, by the composition root.
    pub fn use_keys(&self, keys: KeyRing) {
        let _ = self.keys.set(keys);
    }

    pub(crate) fn keys(&self) -> Option<&KeyRing> {
        self.keys.get()
    }

    /// Whether anybody subscribes to `event`; true while nobody has said.
    pub(crate) fn is_heard(&self, event: &str) -> bool {
        self.heard.get().is_none_or(|heard| heard.contains(event))
    }

    /// Statements sent through transactions so far (their own BEGIN, scope and COMMIT apart).
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    pub(crate) fn count_statement(&self) {
        self.statements.fetch_add(1, Ordering::Relaxed);
    }

    /// Empties SQLite's write-ahead log, in which deleted rows would be read on; true when it is empty.
    /// False while somebody reads from it: ask again later. PostgreSQL needs nothing of the kind.
    pub async fn empty_log(&self) -> Result<bool, DbError> {
        if self.write.get_database_backend() != DatabaseBackend::Sqlite {
            return Ok(true);
        }
        let checkpoint = Statement::from_string(DatabaseBackend::Sqlite, "PRAGMA wal_checkpoint(TRUNCATE)");
        let row = self.write.query_one_raw(checkpoint).await?;
        let busy: Option<i32> = row.map(|row| row.try_get_by_index(0)).transpose()?;
        Ok(busy == Some(0))
    }

    /// Whether the database answers now.
    pub async fn ping(&self) -> Result<(), DbError> {
        Ok(self.read.ping().await?)
    }
}

fn options(config: &DbConfig, purpose: Purpose) -> ConnectOptions {
    let sqlite = config.url.starts_with("sqlite:");
    let url = if sqlite && !config.url.contains('?') { format!("{}?mode=rwc", config.url) } else { config.url.clone() };
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(config.connections)
        .min_connections(1)
        .sqlx_logging(false)
        .test_before_acquire(false)
        // Connections stay as long as they work. To close idle and old ones sqlx 0.9 counts the idle ones from time to
        // time: a count taken while a connection is given back and taken again at once is below zero, which is without
        // end, and a thread of the server then looks for ever.
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(Duration::from_secs(5));
    if sqlite {
        // SQLite ends a transaction by itself when the disk is full or fails. sqlx goes on counting it: what comes over
        // this connection later would be nested in nothing, acknowledged and never committed. Such a connection is
        // closed, and another one opened.
        options.map_sqlx_sqlite_before_acquire(|connection, _| {
            let counted = sea_orm::sqlx::Connection::is_in_transaction(connection);
            Box::pin(async move { Ok(!counted) })
        });
        options.map_sqlx_sqlite_opts(|sqlite| {
            sqlite
                .pragma("journal_mode", "WAL")
                .pragma("synchronous", "FULL")
                .pragma("foreign_keys", "ON")
                .pragma("busy_timeout", "10000")
                .pragma("cache_size", "-4000")
                // What is deleted is overwritten with zeros: a person who leaves is not found in the file.
                .pragma("secure_delete", "ON")
                .statement_cache_capacity(200)
        });
    } else {
        // Every statement here finds few rows by keys that begin with the company: planned once a connection,
        // not once a request. Compiling a plan to machine code never pays for such statements. A page that is not
        // the next one costs no more on today's disks: by the default, made for older ones, whole tables are read.
        let planner = [("plan_cache_mode", "force_generic_plan"), ("jit", "off"), ("random_page_cost", "1.1")];
        options.map_sqlx_postgres_opts(move |postgres| postgres.options(planner).application_name(purpose.name()));
    }
    options
}
