//! What can go wrong at the database.

use sea_orm::{DbErr, SqlErr};

/// A failure of the database, sorted by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The database does not answer: the request may be repeated later (503).
    #[error("database unavailable: {0}")]
    Unavailable(DbErr),
    /// A unique key refused the row: somebody was first.
    #[error("duplicate key: {0}")]
    Duplicate(String),
    /// A stored value is not what the code expects of it.
    #[error("stored data: {0}")]
    Stored(String),
    /// Anything else: a fault of ours.
    #[error("database: {0}")]
    Other(DbErr),
}

impl From<DbErr> for DbError {
    fn from(error: DbErr) -> Self {
        if let Some(SqlErr::UniqueConstraintViolation(key)) = error.sql_err() {
            return Self::Duplicate(key);
        }
        if is_unavailable(&error) { Self::Unavailable(error) } else { Self::Other(error) }
    }
}

/// What databases say when they cannot work now: a disk without room is one of the reasons.
const SIGNS: [&str; 9] = [
    "connection closed",
    "Connection refused",
    "error communicating",
    "terminating connection",
    "the database system is",
    "database is locked",
    "database or disk is full",
    "disk I/O error",
    "No space left on device",
];

fn is_unavailable(error: &DbErr) -> bool {
    if matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_)) {
        return true;
    }
    let text = error.to_string();
    SIGNS.iter().any(|sign| text.contains(sign))
}

impl From<serde_json::Error> for DbError {
    fn from(error: serde_json::Error) -> Self {
        Self::Stored(error.to_string())
    }
}
