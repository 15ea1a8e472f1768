//! Closing a month whose bills are published: what none of them was made of counts for the next month.

use std::collections::HashMap;

use kabinet_contracts::{AccountId, MeterId};
use kabinet_core::{Day, DbError, Period, Quantity, Timestamp, Tx, least_id};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, FromQueryResult, QueryFilter};
use uuid::Uuid;

use crate::entity::{meter, reading};
use crate::faults::Faults;
use crate::resource::Source;
use crate::store;

/// A reading of a month.
#[derive(Clone, Debug)]
pub struct MonthReading {
    /// Identifier.
    pub id: Uuid,
    /// The account.
    pub account: AccountId,
    /// The meter.
    pub meter: MeterId,
    /// Code of what the meter measures.
    pub service_code: String,
    /// Its serial number.
    pub serial: String,
    /// Last day of its verification, as it is known now.
    pub verified_until: Option<Day>,
    /// The day of the reading.
    pub taken_on: Day,
    /// The values of the meter's zones.
    pub values: Vec<Quantity>,
    /// Whether a person sent it, and it stands. What staff bring counts for its month: it gives up bills that are not published and is
    /// refused afterwards.
    pub is_personal: bool,
}

/// The accounts whose people sent readings of `period` since a moment, by whatever clock they were stored.
pub async fn senders_since(tx: &Tx, period: Period, since: Timestamp) -> Result<Vec<AccountId>, DbError> {
    #[derive(FromQueryResult)]
    struct Sender {
        account_id: AccountId,
    }
    // Identifiers follow the moments of their making: only what came since is read.
    let sql = "SELECT DISTINCT r.account_id FROM reading r
               WHERE r.tenant_id = $1 AND r.period = $2 AND r.id >= $3 AND r.withdrawn_at IS NULL
                 AND r.source IN ('portal', 'helper', 'guest', 'link', 'messenger')
               ORDER BY r.account_id";
    let senders: Vec<Sender> = tx.rows(sql, vec![period.into(), least_id(since).into()]).await?;
    Ok(senders.into_iter().map(|sender| sender.account_id).collect())
}

/// The readings of `period` of up to some hundred `accounts`, each meter's from the oldest on, withdrawn ones among them:
/// a bill may end with one that staff corrected since. Without those of days on which a meter had a fault: no bill counts
/// them. Two statements, and one more per 512 meters.
pub async fn of_accounts(tx: &Tx, period: Period, accounts: &[AccountId]) -> Result<Vec<MonthReading>, DbError> {
    use reading::Column;
    let theirs = tx.among(Column::AccountId, accounts.iter().copied());
    let wanted = theirs.and(Column::Period.eq(period));
    let mut rows = tx.all(reading::Entity::find().filter(wanted)).await?;
    rows.sort_unstable_by_key(|row| {
        let values = [Some(row.value_t1), row.value_t2, row.value_t3];
        (row.account_id, row.meter_id, row.taken_on, row.created_at, values, row.id)
    });
    let mut ids: Vec<MeterId> = rows.iter().map(|row| row.meter_id).collect();
    ids.dedup();
    let meters = store::meters_by_id(tx, &ids).await?;
    let meters: HashMap<MeterId, meter::Model> = meters.into_iter().map(|meter| (meter.id, meter)).collect();
    let faults = Faults::of(tx, &ids).await?;
    rows.retain(|row| faults.on(row.meter_id, row.taken_on).is_none());
    Ok(rows.into_iter().filter_map(|row| Some(month_reading(meters.get(&row.meter_id)?, &row))).collect())
}

fn month_reading(meter: &meter::Model, row: &reading::Model) -> MonthReading {
    MonthReading {
        id: row.id,
        account: row.account_id,
        meter: meter.id,
        service_code: meter.service_code.clone(),
        serial: meter.serial.clone(),
        verified_until: meter.verified_until,
        taken_on: row.taken_on,
        values: [Some(row.value_t1), row.value_t2, row.value_t3].into_iter().flatten().collect(),
        is_personal: row.withdrawn_at.is_none() && Source::judged(&row.source).is_some_and(Source::is_personal),
    }
}

/// Gives readings to another month.
pub async fn give(tx: &Tx, readings: &[Uuid], period: Period) -> Result<(), DbError> {
    for reading in readings {
        let sql = "UPDATE reading SET period = $3 WHERE tenant_id = $1 AND id = $2";
        tx.execute(sql, vec![(*reading).into(), period.into()]).await?;
    }
    Ok(())
}
