//! Counters of attempts, in the database, so that all servers count together. A counter's key is stored as
//! a hash: no address of a person and no number of an account is kept in one.

use sea_orm::{ConnectionTrait, DatabaseConnection, FromQueryResult, Statement};
use sha2::{Digest, Sha256};

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

/// An attempt that is counted under several keys. It counts as a failure until it is given back.
#[derive(Debug)]
#[must_use = "an attempt that was no failure is given back"]
pub struct Counted(Vec<String>);

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
                 hits = CASE WHEN rate_counter.window_start <= $3 OR rate_counter.window_start > $4
                        THEN 1 ELSE rate_counter.hits + 1 END,
                 window_start = CASE WHEN rate_counter.window_start <= $3 OR rate_counter.window_start > $4
                                THEN $2 ELSE rate_counter.window_start END
               RETURNING window_start, hits";
    // A window that begins later than the next one would is of a clock that was ahead and went back.
    let values = vec![stored(key), now.into(), (now - limit.seconds).into(), (now + limit.seconds).into()];
    verdict(db, db.platform(), sql, values, limit).await
}

/// What [`hit`] would say, without counting.
pub async fn peek(db: &Db, key: &str, limit: Limit) -> Result<Verdict, DbError> {
    let now = db.clock().now().0 / 1000;
    let sql = "SELECT window_start, hits + 1 AS hits FROM rate_counter WHERE key = $1 AND window_start > $2 AND window_start <= $3";
    let values = vec![stored(key), (now - limit.seconds).into(), (now + limit.seconds).into()];
    verdict(db, db.platform_read(), sql, values, limit).await
}

/// Counts an attempt under each key before it is made, so that of many at once no more go on than the limits
/// allow. `Err` inside holds the seconds to wait where a limit is reached; what is over one limit already
/// does not count under the others.
pub async fn begin(db: &Db, counters: &[(String, Limit)]) -> Result<Result<Counted, i64>, DbError> {
    for (key, limit) in counters {
        if let Verdict::Wait(seconds) = peek(db, key, *limit).await? {
            return Ok(Err(seconds));
        }
    }
    for (key, limit) in counters {
        // Others may have come between: only those within the limit go on.
        if let Verdict::Wait(seconds) = hit(db, key, *limit).await? {
            return Ok(Err(seconds));
        }
    }
    Ok(Ok(Counted(counters.iter().map(|(key, _)| key.clone()).collect())))
}

impl Counted {
    /// Takes the attempt back: it was no failure. Begins transactions of its own: SQLite has one writer, so
    /// no other may be open.
    pub async fn give_back(self, db: &Db) -> Result<(), DbError> {
        for key in &self.0 {
            let sql = "UPDATE rate_counter SET hits = hits - 1 WHERE key = $1 AND hits > 0";
            execute(db.platform(), sql, stored(key)).await?;
        }
        Ok(())
    }
}

/// Forgets the attempts under `key`: its owner has proved who they are.
pub async fn clear(db: &Db, key: &str) -> Result<(), DbError> {
    execute(db.platform(), "DELETE FROM rate_counter WHERE key = $1", stored(key)).await
}

/// Removes counters that no limit looks at any more. Nobody keeps them for longer than they are of use.
pub async fn sweep(db: &Db) -> Result<(), DbError> {
    let oldest = db.clock().now().0 / 1000 - LONGEST_WINDOW;
    execute(db.platform(), "DELETE FROM rate_counter WHERE window_start < $1", oldest.into()).await
}

/// What is stored of a key.
fn stored(key: &str) -> sea_orm::Value {
    hex::encode(Sha256::digest(key.as_bytes())).into()
}

async fn execute(connection: &DatabaseConnection, sql: &str, value: sea_orm::Value) -> Result<(), DbError> {
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, [value]);
    connection.execute_raw(statement).await?;
    Ok(())
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
