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
    /// Where it comes from.
    pub(crate) address: &'a str,
    /// The browser's name of itself.
    pub(crate) agent: &'a str,
    /// The session that the browser carries; it ends when this succeeds.
    pub(crate) former: Option<&'a str>,
}

/// Who has a login name, with the hash of the password where one is set.
struct Known {
    id: Uuid,
    password_hash: Option<String>,
}

/// Logs a resident or a staff member in: the value of a fresh session's cookie. An unknown e-mail, one that
/// was not activated and a wrong password answer alike and take the same time; failures count per login
/// name and per address.
pub(crate) async fn enter(
    db: &Db,
    means: &Means,
    tenant: &Arc<Tenant>,
    subject: Subject,
    attempt: Attempt<'_>,
) -> Result<String, Error> {
    let limits = limits(means, tenant, subject, &attempt);
    for limit in &limits {
        limit.peek(db).await?;
    }
    let tx = db.read(tenant, Actor::Guest).await?;
    let known = known(&tx, subject, attempt.email).await?;
    tx.commit().await?;
    let hash = known.as_ref().and_then(|known| known.password_hash.as_deref());
    let fits = means.passwords.verify(attempt.password, hash).await?;
    let Some(known) = known.filter(|_| fits) else {
        for limit in &limits {
            // Over the limit or not, this one failed: the next is refused.
            match limit.count(db).await {
                Ok(()) | Err(Error::TooManyAttempts(_)) => {}
                Err(other) => return Err(other),
            }
        }
        return Err(Error::WrongCredentials);
    };
    begin(db, tenant, subject, known.id, &attempt).await
}

fn limits(means: &Means, tenant: &Tenant, subject: Subject, attempt: &Attempt<'_>) -> [Attempts; 2] {
    let limits = &means.rules.limits;
    let name = email_key(attempt.email);
    [Attempts::logins_of(limits, tenant, subject.key(), &name), Attempts::logins_from(limits, tenant, attempt.address)]
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
    let value = session::begin(&tx, subject, id, attempt.address, attempt.agent).await?;
    match subject {
        Subject::Resident => store::note_login(&tx, ResidentId(id)).await?,
        Subject::Staff => tx.audit("staff.logged_in", id, serde_json::json!({})).await?,
    }
    if let Some(former) = attempt.former {
        Sessions::end(&mut tx, former).await?;
    }
    tx.commit().await?;
    Ok(value)
}
