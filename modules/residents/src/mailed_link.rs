//! Links sent by mail: random, stored as a hash, short-lived, good for one use.

use kabinet_contracts::ResidentId;
use kabinet_core::{DbError, Entropy, Timestamp, Tx};
use kabinet_web::cookie::{random_value, stored};
use sea_orm::Set;

use crate::entity::mailed_link;
use crate::error::Error;
use crate::store;

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A new password in the place of a forgotten one.
    Recovery,
    /// Another e-mail as login.
    Email,
}

impl Purpose {
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Recovery => "recovery",
            Self::Email => "email",
        }
    }

    /// Seconds a link is good for.
    const fn lifetime(self) -> i64 {
        match self {
            Self::Recovery => 3600,
            Self::Email => 24 * 3600,
        }
    }
}

/// A fresh secret for a letter, with what is stored of it: 32 random bytes and their SHA-256.
pub(crate) fn secret() -> (String, Vec<u8>) {
    let value = random_value(Entropy);
    let hash = stored(&value);
    (value, hash)
}

/// Stores a link of the resident and returns the secret for its letter; `email` is what it is about.
pub(crate) async fn issue(
    tx: &mut Tx,
    purpose: Purpose,
    resident: ResidentId,
    email: Option<&str>,
) -> Result<String, DbError> {
    let (value, hash) = secret();
    let expires_at = tx.now().plus_seconds(purpose.lifetime());
    tx.insert(mailed_link::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        token_hash: Set(hash),
        purpose: Set(purpose.key().to_owned()),
        resident_id: Set(resident),
        email: Set(email.map(str::to_owned)),
        created_at: Set(tx.now()),
        expires_at: Set(expires_at),
    })
    .await?;
    crate::housekeeping::at(tx, expires_at).await?;
    Ok(value)
}

/// The link behind a secret; [`Error::StaleLink`] when it is unknown, over or used.
pub(crate) async fn find(tx: &Tx, purpose: Purpose, secret: &str) -> Result<mailed_link::Model, Error> {
    store::link(tx, purpose.key(), stored(secret)).await?.ok_or(Error::StaleLink)
}

/// Uses the link up: of two at once, one succeeds.
pub(crate) async fn take(tx: &Tx, purpose: Purpose, secret: &str) -> Result<mailed_link::Model, Error> {
    let link = find(tx, purpose, secret).await?;
    if store::remove_link(tx, link.token_hash.clone()).await? { Ok(link) } else { Err(Error::StaleLink) }
}

/// The end of a link's life in words, for its letter.
pub(crate) fn until(tx: &Tx, moment: Timestamp) -> i32 {
    moment.day(tx.tenant().zone).0
}
