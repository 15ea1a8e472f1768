//! Closing a month whose bills are published: what none of them was made of counts for the next month.

use kabinet_contracts::{AccountId, MeterId};
use kabinet_core::{DbError, Period, Quantity, Timestamp, Tx, least_id};
use sea_orm::FromQueryResult;
use uuid::Uuid;

/// A reading that somebody sent.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Sent {
    /// Identifier.
    pub id: Uuid,
    /// The account.
    pub account_id: AccountId,
    /// The meter.
    pub meter_id: MeterId,
    /// Code of what the meter measures.
    pub service_code: String,
    /// Its serial number.
    pub serial: String,
    value_t1: Quantity,
    value_t2: Option<Quantity>,
    value_t3: Option<Quantity>,
}

impl Sent {
    /// The values of the meter's zones.
    pub fn values(&self) -> impl Iterator<Item = Quantity> {
        [Some(self.value_t1), self.value_t2, self.value_t3].into_iter().flatten()
    }
}

/// The readings of `period` that people sent since a moment, each meter's from the oldest on. What staff bring counts
/// for its month: it gives up bills that are not published and is refused afterwards.
pub async fn sent_since(tx: &Tx, period: Period, since: Timestamp) -> Result<Vec<Sent>, DbError> {
    // Identifiers follow the moments of their making: only what came since is read.
    let sql = "SELECT r.id, r.account_id, r.meter_id, m.service_code, m.serial, r.value_t1, r.value_t2, r.value_t3
               FROM reading r JOIN meter m ON m.tenant_id = r.tenant_id AND m.id = r.meter_id
               WHERE r.tenant_id = $1 AND r.period = $2 AND r.id >= $3 AND r.withdrawn_at IS NULL
                 AND r.source IN ('portal', 'helper', 'guest', 'link', 'messenger')
               ORDER BY r.account_id, r.meter_id, r.taken_on, r.created_at, r.value_t1, r.id";
    tx.rows(sql, vec![period.into(), least_id(since).into()]).await
}

/// Gives readings to another month.
pub async fn give(tx: &Tx, readings: &[Uuid], period: Period) -> Result<(), DbError> {
    for reading in readings {
        let sql = "UPDATE reading SET period = $3 WHERE tenant_id = $1 AND id = $2";
        tx.execute(sql, vec![(*reading).into(), period.into()]).await?;
    }
    Ok(())
}
