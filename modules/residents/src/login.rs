//! Logging in: limited, uniform, a fresh session each time.

use std::sync::Arc;

use kabinet_contracts::ResidentId;
use kabinet_core::text::email_key;
use kabinet_core::{Actor, Db, DbError, Tenant, Tx};
use kabinet_web::session::{self, Sessions, Subject};
use uuid::Uuid;

use crate::attempts::Attempts;
use crate::error::Error;
use crate::means::Means;
use crate::store;

/// An attempt to log in.
#[derive(Clone, Debug)]
pub(crate) struct Attempt<'a> {
    /// What was typed as e-mail.
    pub(crate) email: &'a str,
    /// What was typed as password.
    pub(crate) password: &'a str,
    /// By which browser.
    pub(crate) browser: Browser<'a>,
}

/// A browser in which somebody logs in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Browser<'a> {
    /// Where it comes from.
    pub(crate) address: &'a str,
    /// Its name of itself.
    pub(crate) agent: &'a str,
    /// The session that it carries; it ends when a login succeeds.
    pub(crate) former: Option<&'a str>,
}

/// Who has a login name, with the hash of the password where one is set.
struct Known {
    id: Uuid,
    password_hash: Option<String>,
}

/// Logs a resident or a staff member in: the value of a fresh session's cookie. An unknown e-mail, one that
/// was not activated and a wrong password answer alike and take the same time. An attempt counts for its
/// login name and for its address before it is made, and no more once it succeeded.
pub(crate) async fn enter(
    db: &Db,
    means: &Means,
    tenant: &Arc<Tenant>,
    subject: Subject,
    attempt: Attempt<'_>,
) -> Result<String, Error> {
    // Whoever is asked to come back has not failed, and costs no count.
    let place = means.passwords.place_from(attempt.browser.address)?;
    let (limits, name) = (&means.rules.limits, email_key(attempt.email));
    let counters = [
        Attempts::logins_of(limits, tenant, subject.key(), &name),
        Attempts::logins_from(limits, tenant, attempt.browser.address),
    ];
    let counted = Attempts::begin(db, counters).await?;
    let tx = db.read(tenant, Actor::Guest).await?;
    let known = known(&tx, subject, attempt.email).await?;
    tx.commit().await?;
    let hash = known.as_ref().and_then(|known| known.password_hash.as_deref());
    let fits = place.verify(attempt.password, hash).await;
    drop(place);
    if matches!(fits, Ok(false)) {
        return Err(Error::WrongCredentials);
    }
    counted.give_back(db).await?;
    match known.filter(|_| matches!(fits, Ok(true))) {
        Some(known) => begin(db, tenant, subject, known.id, &attempt).await,
        None => Err(fits.err().unwrap_or(Error::WrongCredentials)),
    }
}

async fn known(tx: &Tx, subject: Subject, email: &str) -> Result<Option<Known>, DbError> {
    Ok(match subject {
        Subject::Resident => store::resident_by_email(tx, email)
            .await?
            .map(|row| Known { id: row.id.0, password_hash: row.password_hash }),
        Subject::Staff => store::staff_by_email(tx, email)
            .await?
            .map(|row| Known { id: row.id, password_hash: Some(row.password_hash) }),
    })
}

async fn begin(
    db: &Db,
    tenant: &Arc<Tenant>,
    subject: Subject,
    id: Uuid,
    attempt: &Attempt<'_>,
) -> Result<String, Error> {
    let actor = match subject {
        Subject::Resident => Actor::Resident(id),
        Subject::Staff => Actor::Staff(id),
    };
    let mut tx = db.begin(tenant, actor).await?;
    let value = open(&mut tx, subject, id, attempt.browser).await?;
    tx.commit().await?;
    Ok(value)
}

/// Begins a fresh session of somebody who has proved to be that, and ends the one the browser carried.
pub(crate) async fn open(tx: &mut Tx, subject: Subject, id: Uuid, browser: Browser<'_>) -> Result<String, DbError> {
    let value = session::begin(tx, subject, id, browser.address, browser.agent).await?;
    match subject {
        Subject::Resident => store::note_login(tx, ResidentId(id)).await?,
        Subject::Staff => tx.audit("staff.logged_in", id, serde_json::json!({})).await?,
    }
    if let Some(former) = browser.former {
        Sessions::end(tx, former).await?;
    }
    Ok(value)
}
