//! A forgotten password: a letter to whoever is known, the same answer to everybody.

use std::sync::Arc;

use async_trait::async_trait;
use kabinet_contracts::ResidentId;
use kabinet_core::jobs::{JobContext, JobError, JobHandler, NewJob};
use kabinet_core::text::email_key;
use kabinet_core::{Actor, Db, DbError, Mail, Tenant, Tx};
use kabinet_web::cookie::stored;
use kabinet_web::session::{Sessions, Subject};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::attempts::Attempts;
use crate::error::Error;
use crate::mailed_link::{self, Purpose};
use crate::means::Means;
use crate::settings::MODULE;
use crate::{registration, store};

const SEND: &str = "recovery";

#[derive(Serialize, Deserialize)]
struct Request {
    email: String,
}

/// Has a letter sent if the e-mail is known: the request does the same for every e-mail, and who is known is
/// found out after it was answered.
pub(crate) async fn request(tx: &mut Tx, email: &str) -> Result<(), Error> {
    let key = email_key(email);
    let once = format!("{MODULE}.{SEND}:{}", hex::encode(stored(&key)));
    let payload = serde_json::to_value(Request { email: key }).map_err(DbError::from)?;
    Ok(tx.enqueue(NewJob::new(MODULE, SEND, payload).once(once)).await?)
}

/// Sends the letter: a link to a new password, or the activation letter again where the login was never
/// activated.
pub(crate) struct SendRecovery;

#[async_trait]
impl JobHandler for SendRecovery {
    fn kind(&self) -> &'static str {
        SEND
    }

    async fn run(&self, context: JobContext, payload: serde_json::Value) -> Result<(), JobError> {
        let request: Request = serde_json::from_value(payload)?;
        let mut tx = context.begin().await?;
        send(&mut tx, &request.email).await.map_err(|error| JobError::Retry(error.to_string()))?;
        Ok(tx.commit().await?)
    }
}

async fn send(tx: &mut Tx, email: &str) -> Result<(), Error> {
    let Some(resident) = store::resident_by_email(tx, email).await? else {
        registration::send_again(tx, email).await?;
        return Ok(());
    };
    let token = mailed_link::issue(tx, Purpose::Recovery, resident.id, None).await?;
    let context = json!({ "token": token, "email": resident.email });
    let mail = Mail::new(resident.email, "Восстановление доступа", "residents/recovery", &context)?;
    tx.audit("resident.recovery_sent", resident.id, json!({})).await?;
    Ok(tx.send_mail(&mail).await?)
}

/// The e-mail of the login to whose new password a good link leads.
pub(crate) async fn check(tx: &Tx, token: &str) -> Result<String, Error> {
    let link = mailed_link::find(tx, Purpose::Recovery, token).await?;
    store::resident(tx, link.resident_id).await?.map(|resident| resident.email).ok_or(Error::StaleLink)
}

/// Sets the password that the link's owner chose, after [`check`]: every session ends, no other link leads to
/// a password any more, the owner hears of it.
pub(crate) async fn set_password(
    db: &Db,
    means: &Means,
    tenant: &Arc<Tenant>,
    token: &str,
    password: &str,
) -> Result<(), Error> {
    let hash = means.passwords.hash(password).await?;
    let mut tx = db.begin(tenant, Actor::Guest).await?;
    let link = mailed_link::take(&tx, Purpose::Recovery, token).await?;
    let resident = store::resident(&tx, link.resident_id).await?.ok_or(Error::StaleLink)?;
    let name = resident.email_key.clone();
    replace_password(&mut tx, link.resident_id, &resident.email, &hash, None).await?;
    tx.commit().await?;
    // Whoever failed to remember the old password may enter with the new one at once.
    Attempts::logins_of(&means.rules.limits, tenant, Subject::Resident.key(), &name).clear(db).await
}

/// Stores a password; the sessions but `kept` and all recovery links end, a letter says so.
pub(crate) async fn replace_password(
    tx: &mut Tx,
    id: ResidentId,
    email: &str,
    hash: &str,
    kept: Option<&str>,
) -> Result<(), Error> {
    store::set_password(tx, id, hash).await?;
    store::remove_links(tx, id, Some(Purpose::Recovery.key())).await?;
    Sessions::end_others(tx, Subject::Resident, id.0, kept).await?;
    tx.audit("resident.password_changed", id, json!({})).await?;
    let mail = Mail::new(email, "Пароль изменён", "residents/password_changed", &json!({ "email": email }))?;
    Ok(tx.send_mail(&mail).await?)
}
