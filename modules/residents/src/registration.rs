//! Registration: an application, a letter, an activation.

use std::sync::Arc;

use kabinet_contracts::ResidentId;
use kabinet_core::text::email_key;
use kabinet_core::{Actor, Db, Mail, Tenant, Tx};
use kabinet_web::cookie::stored;
use sea_orm::Set;
use serde_json::json;

use crate::consent::{self, ConsentText};
use crate::entity::registration;
use crate::error::Error;
use crate::mailed_link::{secret, until};
use crate::password::Passwords;
use crate::{housekeeping, people, store};

/// Seconds an activation letter is good for.
const LIFETIME: i64 = 24 * 3600;

/// What a person asks to be registered with, each part checked.
#[derive(Clone, Debug)]
pub(crate) struct Application<'a> {
    /// E-mail, the login.
    pub(crate) email: &'a str,
    /// Password.
    pub(crate) password: &'a str,
    /// Phone as it is stored.
    pub(crate) phone: &'a str,
    /// The accepted text.
    pub(crate) consent: &'a ConsentText,
    /// Where the application comes from.
    pub(crate) address: &'a str,
}

/// Stores the application in the place of an unfinished earlier one and sends the activation letter.
/// Refuses an e-mail that has a login.
pub(crate) async fn apply(
    db: &Db,
    passwords: &Passwords,
    tenant: &Arc<Tenant>,
    application: Application<'_>,
) -> Result<(), Error> {
    let tx = db.read(tenant, Actor::Guest).await?;
    let taken = store::resident_by_email(&tx, application.email).await?.is_some();
    tx.commit().await?;
    if taken {
        return Err(Error::EmailTaken);
    }
    let password_hash = passwords.hash(application.password).await?;
    let mut tx = db.begin(tenant, Actor::Guest).await?;
    let (token, token_hash) = secret();
    let now = tx.now();
    consent::keep_text(&tx, application.consent).await?;
    let row = registration::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        email_key: Set(email_key(application.email)),
        email: Set(application.email.to_owned()),
        phone: Set(application.phone.to_owned()),
        password_hash: Set(password_hash),
        token_hash: Set(token_hash),
        consent_hash: Set(application.consent.hash.clone()),
        consent_at: Set(now),
        consent_address: Set(application.address.to_owned()),
        expires_at: Set(now.plus_seconds(LIFETIME)),
        created_at: Set(now),
    };
    store::save_registration(&tx, row).await?;
    send_letter(&mut tx, application.email, &token).await?;
    Ok(tx.commit().await?)
}

/// Sends a fresh activation letter for an unfinished registration; the former letter's link is over. False
/// when there is none.
pub(crate) async fn send_again(tx: &mut Tx, email: &str) -> Result<bool, Error> {
    let Some(row) = store::registration(tx, email).await? else { return Ok(false) };
    let (token, token_hash) = secret();
    store::renew_registration(tx, &row.email_key, token_hash, tx.now().plus_seconds(LIFETIME)).await?;
    send_letter(tx, &row.email, &token).await?;
    Ok(true)
}

async fn send_letter(tx: &mut Tx, email: &str, token: &str) -> Result<(), Error> {
    let expires_at = tx.now().plus_seconds(LIFETIME);
    let context = json!({ "token": token, "email": email, "until": until(tx, expires_at) });
    let mail = Mail::new(email, "Активация личного кабинета", "residents/activation", &context)?;
    tx.send_mail(&mail).await?;
    Ok(housekeeping::at(tx, expires_at).await?)
}

/// The e-mail that a link of an activation letter would activate.
pub(crate) async fn pending(tx: &Tx, token: &str) -> Result<String, Error> {
    let found = store::registration_by_token(tx, stored(token)).await?;
    found.map(|row| row.email).ok_or(Error::StaleLink)
}

/// Makes the application a login; its link is used up.
pub(crate) async fn activate(tx: &mut Tx, token: &str) -> Result<ResidentId, Error> {
    let row = store::registration_by_token(tx, stored(token)).await?.ok_or(Error::StaleLink)?;
    if !store::remove_registration(tx, row.token_hash).await? {
        return Err(Error::StaleLink);
    }
    // Somebody came by another door meanwhile (Gosuslugi): the address has a login.
    if store::resident_by_email(tx, &row.email).await?.is_some() {
        return Err(Error::EmailTaken);
    }
    let id: ResidentId = tx.new_id();
    people::create_resident(tx, id, &row.email, &row.phone, &row.password_hash).await?;
    consent::record(tx, id, row.consent_hash, row.consent_at, &row.consent_address).await?;
    tx.audit("resident.registered", id, json!({ "consent": consent::VERSION })).await?;
    Ok(id)
}
