//! People whom ESIA has confirmed and whom the company does not know yet: what is asked of them, and how
//! their first visit ends.

use kabinet_contracts::ResidentId;
use kabinet_core::{DbError, Mail, Tx};
use kabinet_web::cookie::{random_value, stored};
use sea_orm::Set;
use serde::Serialize;

use super::client::Identity;
use super::entity::{arrival, letter};
use super::failure::Failure;
use super::{links, store};
use crate::store::ACTIVE;
use crate::{housekeeping, phone};

/// How long a first visit may take, and how long the link of its letter works, in seconds.
pub(super) const LIFETIME: i64 = 2 * 3600;

/// Somebody on a first visit, known by the value in the browser's cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    pub(super) oid: String,
    /// The verified e-mail; empty when ESIA has none.
    pub(super) email: String,
    pub(super) phone: String,
}

/// What is asked next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Consent to personal-data processing: then a login is made of the verified e-mail.
    Consent,
    /// The password of the login that has this e-mail.
    Password,
    /// An e-mail, to be confirmed by a letter.
    Email,
}

/// Notes a first visit: the value for the browser's cookie.
pub(super) async fn begin(tx: &mut Tx, identity: &Identity) -> Result<String, DbError> {
    let email = identity.email.clone().unwrap_or_default();
    // A phone that is no Russian mobile is left out: the settings can take one.
    let phone = identity.phone.as_deref().and_then(|phone| phone::normalised(phone).ok()).unwrap_or_default();
    resume(tx, &Arrival { oid: identity.oid.clone(), email, phone }).await
}

/// Notes a first visit that goes on with a confirmed e-mail: the new value for the browser's cookie.
pub(super) async fn resume(tx: &mut Tx, arrival: &Arrival) -> Result<String, DbError> {
    let value = random_value(kabinet_core::Entropy);
    let expires_at = tx.now().plus_seconds(LIFETIME);
    let row = arrival::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        token_hash: Set(stored(&value)),
        oid: Set(arrival.oid.clone()),
        email: Set(arrival.email.clone()),
        phone: Set(arrival.phone.clone()),
        expires_at: Set(expires_at),
    };
    store::add_arrival(tx, row).await?;
    housekeeping::at(tx, expires_at).await?;
    Ok(value)
}

/// The first visit behind a cookie's value.
pub(super) async fn find(tx: &Tx, value: &str) -> Result<Option<Arrival>, DbError> {
    let row = store::arrival(tx, &stored(value)).await?;
    Ok(row.map(|row| Arrival { oid: row.oid, email: row.email, phone: row.phone }))
}

/// What is asked of the person now.
pub(super) async fn step(tx: &Tx, arrival: &Arrival) -> Result<Step, Failure> {
    if arrival.email.is_empty() {
        return Ok(Step::Email);
    }
    match store::login_with_email(tx, &arrival.email).await? {
        None => Ok(Step::Consent),
        Some(login) if login.state != ACTIVE => Err(Failure::Closed),
        Some(login) if store::link_of_resident(tx, login.id).await?.is_some() => Err(Failure::LoginTaken),
        Some(_) => Ok(Step::Password),
    }
}

/// Makes a login of the verified e-mail and links the person to it. The consent was given just now.
pub(super) async fn settle(tx: &mut Tx, arrival: &Arrival) -> Result<ResidentId, Failure> {
    let id: ResidentId = tx.new_id();
    match store::add_login(tx, id, &arrival.email, &arrival.phone).await {
        Err(DbError::Duplicate(_)) => return Err(Failure::EmailTaken),
        other => other?,
    }
    tx.audit("resident.registered", id.0, serde_json::json!({ "by": "gosuslugi" })).await?;
    links::link(tx, &arrival.oid, id).await?;
    Ok(id)
}

#[derive(Serialize)]
struct LetterContext<'a> {
    token: &'a str,
    hours: i64,
}

/// Sends the letter that confirms an e-mail the person typed. Whether a login has it is not said here.
pub(super) async fn send_letter(tx: &mut Tx, arrival: &Arrival, email: &str) -> Result<(), DbError> {
    let value = random_value(kabinet_core::Entropy);
    let expires_at = tx.now().plus_seconds(LIFETIME);
    let row = letter::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        token_hash: Set(stored(&value)),
        oid: Set(arrival.oid.clone()),
        email: Set(email.to_owned()),
        phone: Set(arrival.phone.clone()),
        expires_at: Set(expires_at),
    };
    store::add_letter(tx, row).await?;
    housekeeping::at(tx, expires_at).await?;
    let context = LetterContext { token: &value, hours: LIFETIME / 3600 };
    tx.send_mail(&Mail::new(email, "Подтвердите Email для личного кабинета", "residents/gosuslugi_email", &context)?)
        .await
}

/// Whom a letter's link confirms; `None` when it was used or is over.
pub(super) async fn by_letter(tx: &Tx, token: &str) -> Result<Option<Arrival>, DbError> {
    let row = store::letter(tx, &stored(token)).await?;
    Ok(row.map(|row| Arrival { oid: row.oid, email: row.email, phone: row.phone }))
}

/// Spends a letter's link; false when another call was first.
pub(super) async fn spend_letter(tx: &Tx, token: &str) -> Result<bool, DbError> {
    store::end_letter(tx, &stored(token)).await
}
