//! Journeys to ESIA that have not come back yet: bound to the browser that began them, good for one
//! return within ten minutes.

use kabinet_contracts::ResidentId;
use kabinet_core::{DbError, Tx};
use kabinet_web::cookie::stored;
use sea_orm::Set;

use super::entity::attempt;
use super::store;
use crate::housekeeping;

/// How long a person may take at ESIA, in seconds.
pub(super) const LIFETIME: i64 = 600;

/// What the journey is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To log in.
    Login,
    /// To link the person to this login.
    Link(ResidentId),
}

/// A journey that came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attempt {
    pub(super) purpose: Purpose,
    /// Where it was to come back to: the token call repeats it.
    pub(super) redirect_uri: String,
}

/// Notes a journey under its state; `browser` is the value in the browser's cookie.
pub(super) async fn begin(
    tx: &mut Tx,
    state: &str,
    browser: &str,
    purpose: Purpose,
    redirect_uri: &str,
) -> Result<(), DbError> {
    let (name, resident) = match purpose {
        Purpose::Login => ("login", None),
        Purpose::Link(id) => ("link", Some(id)),
    };
    let expires_at = tx.now().plus_seconds(LIFETIME);
    let row = attempt::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        state_hash: Set(stored(state)),
        browser_hash: Set(stored(browser)),
        purpose: Set(name.to_owned()),
        resident_id: Set(resident),
        redirect_uri: Set(redirect_uri.to_owned()),
        expires_at: Set(expires_at),
    };
    store::add_attempt(tx, row).await?;
    housekeeping::at(tx, expires_at).await
}

/// Takes the journey back; `None` when this browser began none with this state, or it is over.
pub(super) async fn take(tx: &Tx, state: &str, browser: &str) -> Result<Option<Attempt>, DbError> {
    let row = store::take_attempt(tx, &stored(state), &stored(browser)).await?;
    Ok(row.and_then(|row| {
        let purpose = match row.resident_id {
            Some(id) if row.purpose == "link" => Purpose::Link(id),
            None if row.purpose == "login" => Purpose::Login,
            _ => return None,
        };
        Some(Attempt { purpose, redirect_uri: row.redirect_uri })
    }))
}
