//! The limit of a billing run: as many rows with the same keys, inserted in bulk into tables of the same
//! shape, and nothing calculated.

use std::time::{Duration, Instant};

use anyhow::Context;
use sea_orm::{
    ConnectionTrait, DatabaseBackend, DatabaseConnection, DatabaseTransaction, QueryResult, Statement,
    TransactionTrait, Value,
};
use uuid::Uuid;

/// The tables that a run fills, with the column that names the run.
const TABLES: [(&str, &str); 4] =
    [("charge", "run_id"), ("receipt", "run_id"), ("ledger_entry", "source_id"), ("receipt_facts", "run_id")];
/// Accounts in one transaction.
const ACCOUNTS: i64 = 1000;
/// Rows and parameters of one statement at most.
const ROWS: usize = 1000;
const PARAMETERS: usize = 30_000;

/// Which rows are copied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    pub(crate) tenant: Uuid,
    pub(crate) run: Uuid,
}

/// Copies the run's rows into scratch tables; how many there were, and the seconds of the inserts alone.
pub(crate) async fn insert_again(connection: &DatabaseConnection, rows: Rows) -> anyhow::Result<(u64, f64)> {
    let mut scratch = Vec::new();
    for (table, run) in TABLES {
        scratch.push(Scratch::create(connection, table, run).await?);
    }
    let (mut count, mut spent, mut after) = (0, Duration::ZERO, Uuid::nil());
    while let Some(last) = last_account(connection, rows, after).await? {
        for table in &mut scratch {
            count += table.read(connection, rows, (after, last)).await?;
        }
        let begun = Instant::now();
        let transaction = connection.begin().await?;
        for table in &mut scratch {
            table.insert(&transaction, ROWS).await?;
        }
        transaction.commit().await?;
        spent += begun.elapsed();
        after = last;
    }
    let begun = Instant::now();
    let transaction = connection.begin().await?;
    for table in &mut scratch {
        table.insert(&transaction, 1).await?;
    }
    transaction.commit().await?;
    spent += begun.elapsed();
    for table in &scratch {
        connection.execute_unprepared(&format!("DROP TABLE bench_{}", table.table)).await?;
    }
    Ok((count, spent.as_secs_f64()))
}

async fn last_account(connection: &DatabaseConnection, rows: Rows, after: Uuid) -> anyhow::Result<Option<Uuid>> {
    let sql = "SELECT account_id FROM receipt_facts WHERE tenant_id = $1 AND run_id = $2 AND account_id > $3
               ORDER BY account_id LIMIT $4";
    let values = [rows.tenant.into(), rows.run.into(), after.into(), ACCOUNTS.into()];
    let found = connection.query_all_raw(statement(connection, sql, values)).await?;
    Ok(found.last().map(|row| row.try_get("", "account_id")).transpose()?)
}

/// A scratch table with the rows that wait to be inserted.
struct Scratch {
    table: &'static str,
    run: &'static str,
    columns: Vec<(String, Type)>,
    waiting: Vec<Value>,
}

/// How a column is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Uuid,
    Bytes,
    Int,
    BigInt,
    Text,
}

impl Type {
    fn named(name: &str) -> anyhow::Result<Self> {
        Ok(match name.to_ascii_lowercase().as_str() {
            "uuid" => Self::Uuid,
            "blob" | "bytea" => Self::Bytes,
            "bigint" => Self::BigInt,
            "integer" if name == "INTEGER" => Self::BigInt,
            "integer" => Self::Int,
            "text" => Self::Text,
            other => anyhow::bail!("a column of type {other}"),
        })
    }

    fn value(self, row: &QueryResult, column: &str) -> anyhow::Result<Value> {
        Ok(match self {
            Self::Uuid => row.try_get::<Option<Uuid>>("", column)?.into(),
            Self::Bytes => row.try_get::<Option<Vec<u8>>>("", column)?.into(),
            Self::Int => row.try_get::<Option<i32>>("", column)?.into(),
            Self::BigInt => row.try_get::<Option<i64>>("", column)?.into(),
            Self::Text => row.try_get::<Option<String>>("", column)?.into(),
        })
    }
}

impl Scratch {
    /// An empty table with the columns and keys of `table`.
    async fn create(connection: &DatabaseConnection, table: &'static str, run: &'static str) -> anyhow::Result<Self> {
        let postgres = connection.get_database_backend() == DatabaseBackend::Postgres;
        let make = if postgres {
            vec![format!("CREATE TABLE bench_{table} (LIKE {table} INCLUDING ALL)")]
        } else {
            let sql =
                format!("SELECT sql FROM sqlite_master WHERE tbl_name = '{table}' AND type <> 'trigger' AND sql <> ''");
            let rows = connection.query_all_raw(statement(connection, &sql, [])).await?;
            let texts: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get::<String>("", "sql")).collect();
            texts?.iter().map(|text| renamed(text, table)).collect()
        };
        for sql in make {
            connection.execute_unprepared(&sql).await.with_context(|| sql.clone())?;
        }
        let columns = if postgres {
            format!(
                "SELECT column_name AS name, data_type AS type FROM information_schema.columns
                     WHERE table_schema = 'public' AND table_name = '{table}' ORDER BY ordinal_position"
            )
        } else {
            format!("SELECT name, type FROM pragma_table_info('{table}') ORDER BY cid")
        };
        let rows = connection.query_all_raw(statement(connection, &columns, [])).await?;
        let column = |row: &QueryResult| {
            anyhow::Ok((row.try_get::<String>("", "name")?, Type::named(&row.try_get::<String>("", "type")?)?))
        };
        let columns = rows.iter().map(column).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(Self { table, run, columns, waiting: Vec::new() })
    }

    /// Adds the run's rows of the accounts after the first and up to the second to those that wait.
    async fn read(
        &mut self,
        connection: &DatabaseConnection,
        rows: Rows,
        accounts: (Uuid, Uuid),
    ) -> anyhow::Result<u64> {
        let sql = format!(
            "SELECT {} FROM {} WHERE tenant_id = $1 AND {} = $2 AND account_id > $3 AND account_id <= $4
             ORDER BY account_id",
            self.names(),
            self.table,
            self.run
        );
        let values = [rows.tenant.into(), rows.run.into(), accounts.0.into(), accounts.1.into()];
        let found = connection.query_all_raw(statement(connection, &sql, values)).await?;
        for row in &found {
            for (name, kind) in &self.columns {
                self.waiting.push(kind.value(row, name)?);
            }
        }
        Ok(found.len() as u64)
    }

    /// Inserts what waits in statements of equal size; fewer than `least` rows go on waiting.
    async fn insert(&mut self, transaction: &DatabaseTransaction, least: usize) -> anyhow::Result<()> {
        let width = self.columns.len();
        let most = ROWS.min(PARAMETERS / width);
        let mut waiting = std::mem::take(&mut self.waiting).into_iter();
        loop {
            let rows = (waiting.len() / width).min(most);
            if rows == 0 || rows < least.min(most) {
                self.waiting = waiting.collect();
                return Ok(());
            }
            let values: Vec<Value> = waiting.by_ref().take(rows * width).collect();
            let places = places(rows, width, transaction.get_database_backend());
            let sql = format!("INSERT INTO bench_{} ({}) VALUES {places}", self.table, self.names());
            transaction.execute_raw(statement(transaction, &sql, values)).await?;
        }
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| name.as_str()).collect();
        names.join(", ")
    }
}

/// The text that makes a table or an index, for the scratch table.
fn renamed(sql: &str, table: &str) -> String {
    let made = sql.replacen(&format!("TABLE {table} "), &format!("TABLE bench_{table} "), 1);
    let made = made.replacen(&format!(" ON {table} "), &format!(" ON bench_{table} "), 1);
    made.replacen("INDEX ", "INDEX bench_", 1)
}

/// Places of values: numbered on PostgreSQL; on SQLite a number is a name, and it looks each up among all.
fn places(rows: usize, width: usize, backend: DatabaseBackend) -> String {
    let place = |place: usize| if backend == DatabaseBackend::Postgres { format!("${place}") } else { "?".to_owned() };
    let row = |row: usize| {
        let places: Vec<String> = (row * width + 1..=(row + 1) * width).map(place).collect();
        format!("({})", places.join(", "))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    rows.join(", ")
}

fn statement(connection: &impl ConnectionTrait, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(connection.get_database_backend(), sql, values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_and_its_index_are_made_again_under_another_name() {
        let table = "CREATE TABLE receipt (tenant_id BLOB) STRICT, WITHOUT ROWID";
        assert_eq!(renamed(table, "receipt"), "CREATE TABLE bench_receipt (tenant_id BLOB) STRICT, WITHOUT ROWID");
        let index = "CREATE INDEX receipt_account ON receipt (tenant_id)";
        assert_eq!(renamed(index, "receipt"), "CREATE INDEX bench_receipt_account ON bench_receipt (tenant_id)");
    }

    #[test]
    fn places_are_numbered_through() {
        assert_eq!(places(2, 2, DatabaseBackend::Postgres), "($1, $2), ($3, $4)");
        assert_eq!(places(2, 1, DatabaseBackend::Sqlite), "(?), (?)");
    }
}
