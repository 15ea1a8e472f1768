//! Linking an account: one attempt, counted before it is made.
//!
//! A wrong number, house, flat, surname or code ends in the same answer, after the same statements, and
//! costs the same attempt; nothing tells which of them was wrong.

use std::sync::Arc;

use kabinet_contracts::{AccountId, ReceiptCodes, ResidentId};
use kabinet_core::jobs::NewJob;
use kabinet_core::limits::{self, Counted, Limit};
use kabinet_core::text::search_key;
use kabinet_core::{Actor, Day, Db, DbError, Tenant, Tx};
use kabinet_residents::people;
use uuid::Uuid;

use crate::codes::{self, LinkCode};
use crate::error::Error;
use crate::jobs::REFUSED_JOB;
use crate::search::{self, Found, Search, Wanted};
use crate::{links, notices, store};

const DAY: i64 = 24 * 3600;
/// Failures allowed for one account number.
pub(crate) const PER_ACCOUNT: Limit = Limit { most: 5, seconds: DAY };
/// Failures allowed from one address.
const PER_ADDRESS: Limit = Limit { most: 10, seconds: 3600 };
/// Failures allowed to one resident, wherever from.
const PER_RESIDENT: Limit = Limit { most: 20, seconds: DAY };

/// Seconds after which a refusal is recorded and told.
const AFTERWARDS: i64 = 2;

/// What shows that a resident may see the account.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A holder's surname.
    Surname(String),
    /// The code on the newest receipt.
    Code(LinkCode),
}

/// One attempt to link an account.
#[derive(Clone, Debug)]
pub struct Attempt<'a> {
    /// Who tries.
    pub resident: ResidentId,
    /// From which address.
    pub address: &'a str,
    /// Which account.
    pub wanted: &'a Wanted,
    /// With which proof.
    pub proof: &'a Proof,
}

/// The counter of failures of an account number.
pub(crate) fn account_counter(tenant: &Tenant, counted: &str) -> String {
    format!("link:{}:{counted}", tenant.id)
}

/// Links the account and makes it the chosen one; tells those who had it linked before. The answer to
/// whatever does not fit is [`Error::Refused`].
pub async fn attempt(
    db: &Db,
    tenant: &Arc<Tenant>,
    receipts: &dyn ReceiptCodes,
    attempt: Attempt<'_>,
) -> Result<Found, Error> {
    let tx = db.read(tenant, Actor::Resident(attempt.resident.0)).await?;
    let search = search::find(&tx, attempt.wanted).await?;
    tx.commit().await?;
    let counted = count(db, tenant, &attempt, &search.counted).await?;
    let tx = db.read(tenant, Actor::Resident(attempt.resident.0)).await?;
    let proved = is_proved(&tx, receipts, search.found.as_ref(), attempt.proof).await?;
    tx.commit().await?;
    let Some(found) = search.found.clone().filter(|_| proved) else {
        return Err(refuse(db, tenant, &attempt, &search).await?);
    };
    let mut tx = db.begin(tenant, Actor::Resident(attempt.resident.0)).await?;
    let linked = link(&mut tx, receipts, &attempt, &found).await;
    if linked.is_ok() {
        tx.commit().await?;
    } else {
        drop(tx);
    }
    // Whoever knows the proof has not failed, even if the account was linked before.
    counted.give_back(db).await?;
    linked.map(|()| found)
}

/// Counts the attempt before it is made.
async fn count(db: &Db, tenant: &Tenant, attempt: &Attempt<'_>, counted: &str) -> Result<Counted, Error> {
    let counters = [
        (account_counter(tenant, counted), PER_ACCOUNT),
        (format!("link-address:{}:{}", tenant.id, attempt.address), PER_ADDRESS),
        (format!("link-resident:{}:{}", tenant.id, attempt.resident), PER_RESIDENT),
    ];
    limits::begin(db, &counters).await?.map_err(Error::TooManyAttempts)
}

/// Whether the proof fits the account; asked of no account as well, so that both take the same time.
async fn is_proved(
    tx: &Tx,
    receipts: &dyn ReceiptCodes,
    found: Option<&Found>,
    proof: &Proof,
) -> Result<bool, DbError> {
    let account = found.map_or(AccountId(Uuid::nil()), |found| found.id);
    match proof {
        Proof::Code(code) => codes::fits(tx, receipts, account, code).await,
        Proof::Surname(surname) => {
            let day = last_day(found, tx.today());
            let holders = store::holders(tx, account, day).await?;
            let typed = search_key(surname);
            // A legal entity has no surname: it links by code only.
            let fits = |key: &str| !key.is_empty() && key == typed;
            Ok(holders.iter().any(|holder| holder.kind == "person" && fits(&holder.surname_key)))
        }
    }
}

/// The day whose holders count: today, or the last day of a closed account.
fn last_day(found: Option<&Found>, today: Day) -> Day {
    found.and_then(|found| found.closed_on).map_or(today, |closed| closed.min(today))
}

async fn link(tx: &mut Tx, receipts: &dyn ReceiptCodes, attempt: &Attempt<'_>, found: &Found) -> Result<(), Error> {
    let by_code = matches!(attempt.proof, Proof::Code(_));
    if by_code && !codes::end(tx, receipts, found.id, "used", Some(attempt.resident)).await? {
        // Somebody used it in this very moment.
        return Err(Error::Refused);
    }
    links::link(tx, attempt.resident, found.id).await?;
    people::choose_account(tx, attempt.resident, Some(found.id)).await?;
    Ok(notices::linked(tx, found.id, attempt.resident).await?)
}

/// What follows a refusal happens some seconds later, beside no answer any more: so an answer takes as long for
/// an account as for none.
async fn refuse(db: &Db, tenant: &Arc<Tenant>, attempt: &Attempt<'_>, search: &Search) -> Result<Error, Error> {
    let account = search.found.as_ref().map(|found| found.id);
    let payload = serde_json::json!({ "account": account, "counted": search.counted, "resident": attempt.resident });
    let mut tx = db.begin(tenant, Actor::Resident(attempt.resident.0)).await?;
    let later = tx.now().plus_seconds(AFTERWARDS);
    tx.enqueue(NewJob::new(crate::MODULE, REFUSED_JOB, payload).at(later)).await?;
    tx.commit().await?;
    Ok(Error::Refused)
}
