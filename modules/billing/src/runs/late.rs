//! Readings that came too late for the bills of their month.

use std::collections::HashMap;

use kabinet_core::{Quantity, Tx};
use kabinet_meters::closing::{self, Sent};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter};
use uuid::Uuid;

use super::IN_FLIGHT_SECONDS;
use crate::calculation::{Facts, FrozenMeter};
use crate::entity::{billing_run, receipt_facts};
use crate::error::Error;

/// Accounts whose bills are read in one statement.
const MOST_ACCOUNTS: usize = 500;

/// Gives what people sent of the run's month and none of its bills was made of to the next month: else what was
/// consumed up to it would be charged by nobody. The bills themselves tell: a batch is made of what it found, by
/// whatever clock, and a reading on its way at that moment is in none.
pub(super) async fn close(tx: &Tx, run: &billing_run::Model) -> Result<(), Error> {
    let since = run.started_at.plus_seconds(-IN_FLIGHT_SECONDS);
    let sent = closing::sent_since(tx, run.period, since).await?;
    let by_account: Vec<&[Sent]> = sent.chunk_by(|one, next| one.account_id == next.account_id).collect();
    for some in by_account.chunks(MOST_ACCOUNTS) {
        let accounts = some.iter().filter_map(|sent| sent.first()).map(|sent| sent.account_id);
        let of_run = receipt_facts::Column::RunId.eq(run.id).and(receipt_facts::Column::AccountId.is_in(accounts));
        let rows = tx.all(receipt_facts::Entity::find().filter(of_run)).await?;
        let mut billed = HashMap::with_capacity(rows.len());
        for row in rows {
            let facts: Facts = serde_json::from_str(&row.facts)?;
            billed.insert(row.account_id, facts.meters);
        }
        for sent in some {
            let meters = sent.first().and_then(|sent| billed.get(&sent.account_id)).map_or(&[][..], Vec::as_slice);
            let late: Vec<Uuid> =
                sent.chunk_by(|one, next| one.meter_id == next.meter_id).flat_map(|of| unbilled(of, meters)).collect();
            closing::give(tx, &late, run.period.next()).await?;
        }
    }
    Ok(())
}

/// Those of a meter's readings, from the oldest on, that came after the one its bill ends with.
fn unbilled<'a>(sent: &'a [Sent], billed: &[FrozenMeter]) -> impl Iterator<Item = Uuid> + 'a {
    let ends_with = |sent: &Sent| {
        let own = billed.iter().filter(|zone| zone.service == sent.service_code && zone.serial == sent.serial);
        let closing: Option<Vec<Quantity>> = own.map(|zone| zone.current).collect();
        closing.is_some_and(|closing| !closing.is_empty() && sent.values().eq(closing))
    };
    let known = sent.iter().rposition(ends_with).map_or(0, |at| at + 1);
    sent[known..].iter().map(|sent| sent.id)
}
