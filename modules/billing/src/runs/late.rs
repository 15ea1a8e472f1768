//! Readings that came too late for the bills of their month.
//!
//! Who sent something that a bill was not made of, a count tells: each submission is counted in the transaction that
//! stores it (`store::outdate_estimates`), and each bill keeps the count that stood beside the readings it was made of.
//! What of it came too late, the bill itself tells. No clock does, for a clock may be set back meanwhile.

use std::collections::HashMap;

use kabinet_contracts::AccountId;
use kabinet_core::{Quantity, Timestamp, Tx, least_id};
use kabinet_meters::Uncounted;
use kabinet_meters::closing::{self, MonthReading};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter};
use uuid::Uuid;

use super::IN_FLIGHT_SECONDS;
use crate::calculation::{Facts, FrozenMeter};
use crate::entity::{billing_run, receipt_facts};
use crate::error::Error;
use crate::store;

/// Accounts whose bills are read in one statement.
const MOST_ACCOUNTS: usize = 500;

/// Gives what people sent of the run's month and none of its bills was made of to the next month: else what was
/// consumed up to it would be charged by nobody.
pub(super) async fn close(tx: &Tx, run: &billing_run::Model) -> Result<(), Error> {
    let accounts = store::submitted_beside_bills(tx, run.id).await?;
    give(tx, run, &accounts, run.started_at).await
}

/// Gives readings that were on their way, seen by nobody, when the run was published to the next month.
pub(super) async fn close_again(tx: &Tx, run: &billing_run::Model) -> Result<(), Error> {
    let published_at = run.published_at.unwrap_or(run.started_at);
    // The earlier of the two: the clock may have been set back between them.
    let since = Ord::min(published_at, run.started_at);
    let senders = closing::senders_since(tx, run.period, since.plus_seconds(-IN_FLIGHT_SECONDS)).await?;
    give(tx, run, &senders, since).await
}

/// Of an account without a bill only what came `since` a moment: what lies there from before waits for no bill, and
/// would be given from month to month for ever.
async fn give(tx: &Tx, run: &billing_run::Model, accounts: &[AccountId], since: Timestamp) -> Result<(), Error> {
    let first = least_id(since.plus_seconds(-IN_FLIGHT_SECONDS));
    for some in accounts.chunks(MOST_ACCOUNTS) {
        let readings = closing::of_accounts(tx, run.period, some).await?;
        if readings.is_empty() {
            continue;
        }
        let theirs = tx.among(receipt_facts::Column::AccountId, some.iter().copied());
        let bills = receipt_facts::Entity::find().filter(theirs.and(receipt_facts::Column::RunId.eq(run.id)));
        let mut billed = HashMap::with_capacity(some.len());
        for row in tx.all(bills).await? {
            let facts: Facts = serde_json::from_str(&row.facts)?;
            billed.insert(row.account_id, facts.meters);
        }
        let of_meters = readings.chunk_by(|one, next| one.meter == next.meter);
        let late = of_meters.flat_map(|of| match of.first().and_then(|reading| billed.get(&reading.account)) {
            Some(bill) => unbilled(of, bill),
            None => unbilled(of, &[]).into_iter().filter(|id| *id >= first).collect(),
        });
        closing::give(tx, &late.collect::<Vec<_>>(), run.period.next()).await?;
    }
    Ok(())
}

/// Those of a meter's readings, from the oldest on, that people sent after the one its bill ends with. What no bill
/// counts stays where it is.
fn unbilled(readings: &[MonthReading], billed: &[FrozenMeter]) -> Vec<Uuid> {
    let is_own = |zone: &&FrozenMeter, of: &MonthReading| zone.service == of.service_code && zone.serial == of.serial;
    let own: Vec<&FrozenMeter> =
        readings.first().map_or_else(Vec::new, |of| billed.iter().filter(|zone| is_own(zone, of)).collect());
    let closing: Option<Vec<Quantity>> = own.iter().map(|zone| zone.current).collect();
    let ends_with = |reading: &MonthReading| !own.is_empty() && closing.as_ref() == Some(&reading.values);
    let begin = match readings.iter().rposition(ends_with) {
        Some(at) => at + 1,
        // What the bill ends with is no reading of the month any more: which came after it, nobody can say.
        None if !own.is_empty() && closing.is_some() => readings.len(),
        None => 0,
    };
    // By the verification that the bill knew of: what it left out for that stays left out when staff state another.
    let counts = |reading: &&MonthReading| {
        let until = own.first().map_or(reading.verified_until, |zone| zone.verified_until);
        reading.is_personal && Uncounted::of(None, until, reading.taken_on).is_none()
    };
    readings[begin..].iter().filter(counts).map(|reading| reading.id).collect()
}
