//! Counters of attempts, in the database, so that all servers count together.

use sea_orm::{ConnectionTrait, DatabaseConnection, FromQueryResult, Statement};

use crate::db::Db;
use crate::error::DbError;

/// So many attempts in so long.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Attempts allowed in a window.
    pub most: i64,
    /// The window's length in seconds.
    pub seconds: i64,
}

/// What a limit says to one more attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Allowed,
    /// Wait this many seconds.
    Wait(i64),
}

/// No limit's window is longer: eight days.
const LONGEST_WINDOW: i64 = 8 * 24 * 3600;

#[derive(FromQueryResult)]
struct Row {
    window_start: i64,
    hits: i64,
}

/// Counts an attempt under `key`, in a transaction of its own, so that a refused attempt cannot roll
/// its own count back.
pub async fn hit(db: &Db, key: &str, limit: Limit) -> Result<Verdict, DbError> {
    let now = db.clock().now().0 / 1000;
    let sql = "INSERT INTO rate_counter (key, window_start, hits) VALUES ($1, $2, 1)
               ON CONFLICT (key) DO UPDATE SET
                 hits = CASE WHEN rate_counter.window_start <= $3 THEN 1 ELSE rate_counter.hits + 1 END,
                 window_start = CASE WHEN rate_counter.window_start <= $3 THEN $2 ELSE rate_counter.window_start END
               RETURNING window_start, hits";
    verdict(db, db.platform(), sql, vec![key.into(), now.into(), (now - limit.seconds).into()], limit).await
}

/// What [`hit`] would say, without counting.
pub async fn peek(db: &Db, key: &str, limit: Limit) -> Result<Verdict, DbError> {
    let now = db.clock().now().0 / 1000;
    let sql = "SELECT window_start, hits + 1 AS hits FROM rate_counter WHERE key = $1 AND window_start > $2";
    verdict(db, db.platform_read(), sql, vec![key.into(), (now - limit.seconds).into()], limit).await
}

/// Forgets the attempts under `key`: its owner has proved who they are.
pub async fn clear(db: &Db, key: &str) -> Result<(), DbError> {
    let sql = "DELETE FROM rate_counter WHERE key = $1";
    execute(db.platform(), sql, key.into()).await
}

/// Removes counters that no limit looks at any more. Nobody keeps addresses for longer than they are of use.
pub async fn sweep(db: &Db) -> Result<(), DbError> {
    let oldest = db.clock().now().0 / 1000 - LONGEST_WINDOW;
    execute(db.platform(), "DELETE FROM rate_counter WHERE window_start < $1", oldest.into()).await
}

async fn execute(connection: &DatabaseConnection, sql: &str, value: sea_orm::Value) -> Result<(), DbError> {
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, [value]);
    connection.execute_raw(statement).await?;
    Ok(())
}

/// Takes back one attempt that [`hit`] counted: it was no failure.
pub async fn give_back(db: &Db, key: &str) -> Result<(), DbError> {
    let sql = "UPDATE rate_counter SET hits = hits - 1 WHERE key = $1 AND hits > 0";
    execute(db.platform(), sql, key.into()).await
}

async fn verdict(
    db: &Db,
    connection: &DatabaseConnection,
    sql: &str,
    values: Vec<sea_orm::Value>,
    limit: Limit,
) -> Result<Verdict, DbError> {
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    let row = Row::find_by_statement(statement).one(connection).await?;
    Ok(match row {
        Some(row) if row.hits > limit.most => {
            Verdict::Wait((row.window_start + limit.seconds - db.clock().now().0 / 1000).max(1))
        }
        _ => Verdict::Allowed,
    })
}
