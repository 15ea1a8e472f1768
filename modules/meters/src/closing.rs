//! Closing a month when its bills are published.

use kabinet_core::{DbError, Period, Timestamp, Tx, least_id};
use sea_orm::FromQueryResult;

/// When the newest reading was stored: the bills that begin to be made now are made of all up to it, though another
/// machine's clock be ahead.
pub async fn newest(tx: &Tx) -> Result<Option<Timestamp>, DbError> {
    #[derive(FromQueryResult)]
    struct Newest {
        created_at: Timestamp,
    }
    let sql = "SELECT created_at FROM reading WHERE tenant_id = $1 ORDER BY id DESC LIMIT 1";
    let rows: Vec<Newest> = tx.rows(sql, Vec::new()).await?;
    Ok(rows.first().map(|row| row.created_at))
}

/// Gives the readings of `period` that people sent after `since`, the moment up to which its bills were made, to the next
/// month: no bill was made of them, and what was consumed up to them would be charged by nobody. What staff change
/// meanwhile gives such bills up instead.
///
/// Two values of a day are told apart by when they came; a reading is never earlier than the last of its meter. So
/// what moves stays behind what was charged.
pub async fn close(tx: &Tx, period: Period, since: Timestamp) -> Result<(), DbError> {
    // Identifiers follow the moments of their making: only what came since is read.
    let sql = "UPDATE reading SET period = $3
               WHERE tenant_id = $1 AND period = $2 AND id >= $5 AND created_at > $4
                 AND source IN ('portal', 'helper', 'guest', 'link', 'messenger')";
    let next = period.next();
    tx.execute(sql, vec![period.into(), next.into(), since.into(), least_id(since).into()]).await.map(drop)
}
