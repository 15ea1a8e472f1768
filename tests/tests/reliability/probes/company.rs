//! A company's rows beside the running server: the things that calls name, the tables, and whether anything in them
//! has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kabinet_core::{Actor, Db, Tenant};
use kabinet_tests::{Database, Kind};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, QueryResult, Statement};
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::{things, tokens};

/// What works by itself at a company to which nobody comes, and why.
const MOVES: [(&str, &str); 4] = [
    ("audit_link", "the audit log is chained a moment after its entries"),
    ("daily_job", "the day's jobs are done, and that they are"),
    ("job", "the queue of jobs"),
    ("job_payload", "what the jobs of the queue are about"),
];

/// A company of the server under test.
pub(super) struct Company {
    pub(super) slug: String,
    /// Secrets that it gave out, by the names of things.
    pub(super) tokens: Vec<(&'static str, String)>,
    kind: Kind,
    db: Db,
    tenant: Arc<Tenant>,
    /// Ends after the connections that live in it.
    runtime: Arc<Runtime>,
}

/// A column of the schema.
pub(super) struct Column {
    pub(super) table: String,
    pub(super) name: String,
    kind: String,
}

impl Column {
    /// Whether it holds text.
    pub(super) fn is_text(&self) -> bool {
        self.kind.eq_ignore_ascii_case("text")
    }

    fn is_identifier(&self) -> bool {
        self.name == "id" && ["BLOB", "uuid"].contains(&self.kind.as_str())
    }
}

/// A value of the column `value`, as it stands in addresses.
struct Value(String);

impl FromQueryResult for Value {
    fn from_query_result(row: &QueryResult, _prefix: &str) -> Result<Self, DbErr> {
        let text = row.try_get::<String>("", "value");
        let text = text.or_else(|_| row.try_get::<Uuid>("", "value").map(|id| id.to_string()));
        // A session is named by the digest of its secret.
        let text = text.or_else(|_| row.try_get::<Vec<u8>>("", "value").map(|bytes| URL_SAFE_NO_PAD.encode(bytes)));
        text.map(Self)
    }
}

impl Company {
    /// The company of this name, and those beside it share the connection.
    pub(super) fn both(database: &Database, slugs: [&str; 2]) -> [Self; 2] {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = Arc::new(runtime.expect("a runtime"));
        let db = runtime.block_on(database.open());
        slugs.map(|slug| Self {
            slug: slug.to_owned(),
            tokens: Vec::new(),
            kind: database.kind,
            tenant: runtime.block_on(database.company(&db, slug)),
            db: db.clone(),
            runtime: runtime.clone(),
        })
    }

    /// The things of this name, the one to be taken first.
    pub(super) fn things(&self, name: &str) -> Vec<String> {
        if tokens::is_one(name) {
            let found = self.tokens.iter().filter(|(known, _)| *known == name);
            return found.map(|(_, secret)| secret.clone()).collect();
        }
        self.values(&things::question(name))
    }

    fn values(&self, sql: &str) -> Vec<String> {
        self.runtime.block_on(async {
            let tx = self.db.read(&self.tenant, Actor::System).await.expect("a transaction");
            let rows: Vec<Value> = tx.rows(sql, Vec::new()).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
            tx.commit().await.expect("a commit");
            rows.into_iter().map(|row| row.0).collect()
        })
    }

    /// Changes rows of the company, as a job of its own would.
    pub(super) fn change(&self, sql: &str, values: Vec<sea_orm::Value>) {
        self.runtime.block_on(async {
            let tx = self.db.begin(&self.tenant, Actor::System).await.expect("a transaction");
            tx.execute(sql, values).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
            tx.commit().await.expect("a commit");
        });
    }

    /// Nobody's attempts count any more, at no company.
    pub(super) fn forget_attempts(&self) {
        let forget = self.db.platform().execute_unprepared("DELETE FROM rate_counter");
        self.runtime.block_on(forget).expect("the counters");
    }

    /// All columns of all tables that hold companies' rows, from the database's own catalogue.
    pub(super) fn columns(&self) -> Vec<Column> {
        let sql = match self.kind {
            Kind::Sqlite => {
                "SELECT m.name AS in_table, c.name AS name, c.type AS kind
                 FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY 1, 2"
            }
            Kind::PostgreSql => {
                "SELECT CAST(table_name AS text) AS in_table, CAST(column_name AS text) AS name,
                        CAST(data_type AS text) AS kind
                 FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
            }
        };
        let statement = Statement::from_string(self.db.platform().get_database_backend(), sql);
        let rows = self.runtime.block_on(self.db.platform().query_all_raw(statement)).expect("the catalogue");
        let text = |row: &QueryResult, name: &str| row.try_get::<String>("", name).expect("a name");
        let column = |row: &QueryResult| Column {
            table: text(row, "in_table"),
            name: text(row, "name"),
            kind: text(row, "kind"),
        };
        let all: Vec<Column> = rows.iter().map(column).collect();
        let of_companies: BTreeSet<String> =
            all.iter().filter(|column| column.name == "tenant_id").map(|column| column.table.clone()).collect();
        all.into_iter().filter(|column| of_companies.contains(&column.table)).collect()
    }

    /// The identifiers in every table that has some, by table: up to so many of each.
    pub(super) fn identifiers(&self, each: u32) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for table in self.columns().into_iter().filter(Column::is_identifier).map(|column| column.table) {
            let sql = format!("SELECT id AS value FROM {table} WHERE tenant_id = $1 ORDER BY id LIMIT {each}");
            found.extend(self.values(&sql).into_iter().map(|id| (table.clone(), id)));
        }
        found
    }

    /// What lies in the company's tables, by table: as many rows with such contents. Without what moves by itself.
    pub(super) fn state(&self) -> BTreeMap<String, String> {
        let columns = self.columns();
        let mut tables: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for column in &columns {
            tables.entry(&column.table).or_default().push(&column.name);
        }
        for (table, why) in MOVES {
            assert!(tables.remove(table).is_some(), "there is no table {table} ({why})");
        }
        let digest = |(table, columns): (&str, Vec<&str>)| (table.to_owned(), self.digest(table, &columns));
        let mut state: BTreeMap<String, String> = tables.into_iter().map(digest).collect();
        state.insert(
            "tenant".to_owned(),
            self.digest("(SELECT *, id AS tenant_id FROM tenant)", &["name", "profile", "status"]),
        );
        state
    }

    /// The same, once what was begun there is done: as soon as a second goes by in which nothing changes.
    pub(super) fn settled_state(&self) -> BTreeMap<String, String> {
        let mut before = self.state();
        loop {
            std::thread::sleep(Duration::from_secs(1));
            let state = self.state();
            if state == before {
                return state;
            }
            before = state;
        }
    }

    /// SQLite has no digest of a row: its columns as one text, in order.
    fn digest(&self, table: &str, columns: &[&str]) -> String {
        let sql = match self.kind {
            Kind::PostgreSql => format!(
                "SELECT COUNT(*)::text || ' ' || COALESCE(md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))), '')
                   AS value FROM {table} t WHERE t.tenant_id = $1"
            ),
            Kind::Sqlite => {
                let quoted: Vec<String> = columns.iter().map(|column| format!("quote({column})")).collect();
                format!(
                    "SELECT COUNT(*) || ' ' || COALESCE(group_concat(row, char(10)), '') AS value
                     FROM (SELECT {} AS row FROM {table} WHERE tenant_id = $1 ORDER BY 1)",
                    quoted.join(" || ',' || ")
                )
            }
        };
        self.values(&sql).concat()
    }
}
