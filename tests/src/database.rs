//! An empty database of either kind.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use kabinet_core::{Actor, Clock, Db, DbConfig, Tenant, Tenants};
use kabinet_server::Config;
use sea_orm::{ConnectionTrait, DatabaseBackend, FromQueryResult, QueryResult, Statement, Value};

use crate::block_on;
use crate::postgres::{Cluster, PostgresDatabase};
use crate::process::new_folder;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The embedded one.
    Sqlite,
    /// A real PostgreSQL.
    PostgreSql,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "sqlite",
            Self::PostgreSql => "postgresql",
        })
    }
}

/// A database and the data folder that goes with it.
#[derive(Clone, Debug)]
pub struct Database {
    /// Its kind.
    pub kind: Kind,
    /// `data.dir`.
    pub dir: PathBuf,
    /// `database.url`: the application's role.
    pub url: String,
    /// The database on PostgreSQL.
    pub postgres: Option<PostgresDatabase>,
}

impl Database {
    /// A new empty database; PostgreSQL's lies in the cluster that this process shares.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => Self::embedded(),
            Kind::PostgreSql => Self::on(Cluster::shared()),
        }
    }

    /// A new empty database, on PostgreSQL with this word in its name and those of its roles.
    pub(crate) fn named(kind: Kind, word: &str) -> Self {
        match kind {
            Kind::Sqlite => Self::embedded(),
            Kind::PostgreSql => Self::of(Cluster::shared().database_named(word)),
        }
    }

    /// A new empty database of a cluster.
    #[must_use]
    pub fn on(cluster: &Cluster) -> Self {
        Self::of(cluster.create_database())
    }

    fn embedded() -> Self {
        let dir = new_folder("data");
        Self { kind: Kind::Sqlite, url: format!("sqlite://{}", dir.join("kabinet.db").display()), dir, postgres: None }
    }

    fn of(database: PostgresDatabase) -> Self {
        Self { kind: Kind::PostgreSql, dir: new_folder("data"), url: database.url.clone(), postgres: Some(database) }
    }

    /// Where the role connects that owns the tables.
    #[must_use]
    pub fn owner_url(&self) -> &str {
        self.postgres.as_ref().map_or(&self.url, |database| &database.owner_url)
    }

    /// The platform's configuration for it, for tests that open the platform in their own process.
    #[must_use]
    pub fn config(&self, now: &str) -> Config {
        let mut config = Config::default();
        config.data.dir.clone_from(&self.dir);
        config.database.url.clone_from(&self.url);
        if let Some(postgres) = &self.postgres {
            config.database.owner_url.clone_from(&postgres.owner_url);
        }
        now.clone_into(&mut config.demo.now);
        config
    }

    /// The platform's door to it, beside a running server. A few connections.
    ///
    /// # Panics
    /// When the database does not answer.
    pub async fn open(&self) -> Db {
        let settings = DbConfig { url: self.url.clone(), connections: 2 };
        Db::connect(&settings, Clock::system()).await.expect("the database")
    }

    /// Executes SQL as somebody who has the database itself: no row security, no triggers.
    ///
    /// # Panics
    /// When the database refuses it.
    pub async fn past_the_platform(&self, sql: &str) {
        if let Some(postgres) = &self.postgres {
            let sql = format!("SET session_replication_role = replica; {sql}");
            Cluster::shared().execute(&postgres.name, &sql);
            return;
        }
        let db = self.open().await;
        let execute = async |sql: &str| {
            db.platform().execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        };
        let all = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'";
        let all = Statement::from_string(DatabaseBackend::Sqlite, all);
        let rows = db.platform().query_all_raw(all).await.expect("the triggers");
        let text = |row: &QueryResult, column: &str| row.try_get::<String>("", column).expect("a text");
        for trigger in &rows {
            execute(&format!("DROP TRIGGER {}", text(trigger, "name"))).await;
        }
        execute(sql).await;
        for trigger in &rows {
            execute(&text(trigger, "sql")).await;
        }
    }

    /// A company that is set up in it.
    ///
    /// # Panics
    /// When there is no such company.
    pub async fn company(&self, db: &Db, slug: &str) -> Arc<Tenant> {
        let found = Tenants::new(db.clone()).by_slug(slug).await.expect("the companies");
        found.unwrap_or_else(|| panic!("no company {slug}"))
    }

    /// The rows that a question about a company is answered with, under the rules of [`kabinet_core::Tx::rows`].
    ///
    /// # Panics
    /// When the database does not answer, or not so.
    #[must_use]
    pub fn rows<T: FromQueryResult + Send>(&self, slug: &str, sql: &str, values: Vec<Value>) -> Vec<T> {
        block_on(async {
            let db = self.open().await;
            let company = self.company(&db, slug).await;
            let tx = db.read(&company, Actor::System).await.expect("a transaction");
            tx.rows(sql, values).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
        })
    }

    /// The `number` that such a question is answered with.
    ///
    /// # Panics
    /// As [`Self::rows`].
    #[must_use]
    pub fn count(&self, slug: &str, sql: &str, values: Vec<Value>) -> i64 {
        #[derive(FromQueryResult)]
        struct Count {
            number: i64,
        }
        let rows: Vec<Count> = self.rows(slug, sql, values);
        rows[0].number
    }
}
