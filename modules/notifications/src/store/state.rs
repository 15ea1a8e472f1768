//! What other modules hold that occasions are made of.

use std::collections::HashMap;

use kabinet_contracts::{AccountId, MeterId, ResidentId};
use kabinet_core::{Day, DbError, Period, Tx};
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::{COUNTING, READ, list};

/// A meter whose verification ends.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct Ending {
    pub(crate) id: MeterId,
    pub(crate) account_id: AccountId,
    pub(crate) service_code: String,
    pub(crate) serial: String,
    pub(crate) verified_until: Day,
}

/// Meters in service whose verification ends on a day `from` to `to`, behind `after`, up to `limit`.
pub(crate) async fn ending_verifications(
    tx: &Tx,
    from: Day,
    to: Day,
    after: Option<MeterId>,
    limit: u32,
) -> Result<Vec<Ending>, DbError> {
    let sql = format!(
        "SELECT m.id, m.account_id, m.service_code, m.serial, m.verified_until FROM meter m
         WHERE m.tenant_id = $1 AND m.id > $4 AND m.verified_until BETWEEN $2 AND $3 AND {COUNTING}
           AND EXISTS (SELECT 1 FROM account_link l WHERE l.tenant_id = $1 AND l.account_id = m.account_id
                       AND l.ended_at IS NULL)
         ORDER BY m.id LIMIT $5"
    );
    let after = after.unwrap_or(MeterId(Uuid::nil()));
    let values: Vec<Value> = vec![from.into(), to.into(), after.into(), i64::from(limit).into()];
    tx.rows(&sql, values).await
}

/// A meter that somebody has sent no reading of.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct Unread {
    pub(crate) resident_id: ResidentId,
    pub(crate) id: MeterId,
    pub(crate) service_code: String,
    pub(crate) serial: String,
    pub(crate) place: String,
    /// The account's number as printed.
    pub(crate) account: String,
}

/// The meters that these residents read, helpers too, and that have no reading of the month of `since` or later; in the order
/// of
/// the portal.
pub(crate) async fn unread_meters(tx: &Tx, residents: &[ResidentId], since: Day) -> Result<Vec<Unread>, DbError> {
    let (names, values) = list(4, residents);
    let sql = format!(
        "SELECT l.resident_id, m.id, m.service_code, m.serial, m.place, a.number AS account FROM account_link l
           JOIN account a ON a.tenant_id = l.tenant_id AND a.id = l.account_id
           JOIN meter m ON m.tenant_id = a.tenant_id AND m.account_id = a.id
         WHERE l.tenant_id = $1 AND l.resident_id IN ({names}) AND l.ended_at IS NULL
           AND (l.until_on IS NULL OR l.until_on >= $2) AND (a.closed_on IS NULL OR a.closed_on > $2)
           AND NOT m.automatic AND {COUNTING}
           AND NOT EXISTS ({READ} $3)
         ORDER BY a.number, m.service_code, m.serial"
    );
    let bounds: Vec<Value> = vec![tx.today().into(), since.period().into()];
    tx.rows(&sql, [bounds, values].concat()).await
}

/// The latest published month with its last day to pay.
pub(crate) async fn latest_bill(tx: &Tx) -> Result<Option<(Period, Day)>, DbError> {
    #[derive(FromQueryResult)]
    struct Row {
        period: Period,
        due_on: Day,
    }
    let sql = "SELECT b.period, b.due_on FROM billing_run b WHERE b.tenant_id = $1 AND b.state = 'published'
               ORDER BY b.period DESC LIMIT 1";
    let rows: Vec<Row> = tx.rows(sql, Vec::new()).await?;
    Ok(rows.first().map(|row| (row.period, row.due_on)))
}

/// The accounts' numbers as printed.
pub(crate) async fn numbers(tx: &Tx, accounts: &[AccountId]) -> Result<HashMap<AccountId, String>, DbError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: AccountId,
        number: String,
    }
    if accounts.is_empty() {
        return Ok(HashMap::new());
    }
    let (names, values) = list(2, accounts);
    let sql = format!("SELECT a.id, a.number FROM account a WHERE a.tenant_id = $1 AND a.id IN ({names})");
    let rows: Vec<Row> = tx.rows(&sql, values).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.number)).collect())
}
