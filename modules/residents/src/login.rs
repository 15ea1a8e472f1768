//! Logging in: limited, uniform, a fresh session each time.

use std::sync::Arc;

use kabinet_core::limits::{self, Limit, Verdict};
use kabinet_core::text::email_key;
use kabinet_core::{Actor, Db, Tenant};
use kabinet_web::session::{self, Subject};

use crate::error::Error;
use crate::password::Passwords;
use crate::store;

/// Failures allowed for one login name in a quarter of an hour.
const PER_LOGIN: Limit = Limit { most: 10, seconds: 900 };
/// Failures allowed from one address in a quarter of an hour.
const PER_ADDRESS: Limit = Limit { most: 50, seconds: 900 };

/// An attempt to log in.
#[derive(Clone, Debug)]
pub struct Attempt<'a> {
    /// What was typed as e-mail.
    pub email: &'a str,
    /// What was typed as password.
    pub password: &'a str,
    /// Where it comes from.
    pub address: &'a str,
    /// The browser's name of itself.
    pub agent: &'a str,
    /// The session that the browser carries; it ends when this succeeds.
    pub former: Option<&'a str>,
}

/// Logs a resident in: the value of a fresh session's cookie. An unknown e-mail and a wrong password
/// answer alike and take the same time; failures count per login and per address.
pub async fn resident(
    db: &Db,
    passwords: &Passwords,
    tenant: &Arc<Tenant>,
    attempt: Attempt<'_>,
) -> Result<String, Error> {
    refuse_over_limit(db, tenant, &attempt).await?;
    let tx = db.read(tenant, Actor::Guest).await?;
    let row = store::resident_by_email(&tx, attempt.email).await?;
    tx.commit().await?;
    let hash = row.as_ref().and_then(|row| row.password_hash.as_deref());
    let fits = passwords.verify(attempt.password, hash).await?;
    let Some(row) = row.filter(|_| fits) else { return Err(count_failure(db, tenant, &attempt).await?) };
    let mut tx = db.begin(tenant, Actor::Resident(row.id.0)).await?;
    let value = session::begin(&tx, Subject::Resident, row.id.0, attempt.address, attempt.agent).await?;
    store::note_login(&tx, row.id).await?;
    if let Some(former) = attempt.former {
        session::Sessions::end(&mut tx, former).await?;
    }
    tx.commit().await?;
    Ok(value)
}

/// Logs a staff member in, under the same rules.
pub async fn staff(
    db: &Db,
    passwords: &Passwords,
    tenant: &Arc<Tenant>,
    attempt: Attempt<'_>,
) -> Result<String, Error> {
    refuse_over_limit(db, tenant, &attempt).await?;
    let tx = db.read(tenant, Actor::Guest).await?;
    let row = store::staff_by_email(&tx, attempt.email).await?;
    tx.commit().await?;
    let fits = passwords.verify(attempt.password, row.as_ref().map(|row| row.password_hash.as_str())).await?;
    let Some(row) = row.filter(|_| fits) else { return Err(count_failure(db, tenant, &attempt).await?) };
    let mut tx = db.begin(tenant, Actor::Staff(row.id)).await?;
    let value = session::begin(&tx, Subject::Staff, row.id, attempt.address, attempt.agent).await?;
    if let Some(former) = attempt.former {
        session::Sessions::end(&mut tx, former).await?;
    }
    tx.audit("staff.logged_in", row.id, serde_json::json!({})).await?;
    tx.commit().await?;
    Ok(value)
}

fn keys(tenant: &Tenant, attempt: &Attempt<'_>) -> [(String, Limit); 2] {
    [
        (format!("login:{}:{}", tenant.id, email_key(attempt.email)), PER_LOGIN),
        (format!("login-address:{}:{}", tenant.id, attempt.address), PER_ADDRESS),
    ]
}

async fn refuse_over_limit(db: &Db, tenant: &Tenant, attempt: &Attempt<'_>) -> Result<(), Error> {
    for (key, limit) in keys(tenant, attempt) {
        if let Verdict::Wait(seconds) = limits::peek(db, &key, limit).await? {
            return Err(Error::TooManyAttempts(seconds));
        }
    }
    Ok(())
}

async fn count_failure(db: &Db, tenant: &Tenant, attempt: &Attempt<'_>) -> Result<Error, Error> {
    for (key, limit) in keys(tenant, attempt) {
        limits::hit(db, &key, limit).await?;
    }
    Ok(Error::WrongCredentials)
}
