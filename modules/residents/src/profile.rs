//! What residents change about themselves: phone, password, e-mail.

use std::sync::Arc;

use kabinet_contracts::ResidentId;
use kabinet_core::text::email_key;
use kabinet_core::{Actor, Db, DbError, Mail, Tenant, Tx};
use kabinet_web::session::{self, Sessions, Subject};
use serde_json::json;

use crate::attempts::Attempts;
use crate::error::Error;
use crate::mailed_link::{self, Purpose, until};
use crate::password::Passwords;
use crate::{recovery, store};

/// Stores another phone.
pub(crate) async fn set_phone(tx: &Tx, id: ResidentId, phone: &str) -> Result<(), Error> {
    store::set_phone(tx, id, phone).await?;
    Ok(tx.audit("resident.phone_changed", id, json!({})).await?)
}

/// A change of password: the old one proves who asks.
#[derive(Clone, Debug)]
pub(crate) struct PasswordChange<'a> {
    /// The password until now.
    pub(crate) current: &'a str,
    /// The one from now on.
    pub(crate) new: &'a str,
    /// The session that goes on; the others end.
    pub(crate) kept: &'a str,
}

/// Changes the password; refuses a wrong current one, a limited number of times. An attempt counts before it
/// is made.
pub(crate) async fn change_password(
    db: &Db,
    passwords: &Passwords,
    tenant: &Arc<Tenant>,
    id: ResidentId,
    change: PasswordChange<'_>,
) -> Result<(), Error> {
    let place = passwords.place()?;
    let counted = Attempts::begin(db, [Attempts::passwords_of(tenant, &id.to_string())]).await?;
    let tx = db.read(tenant, Actor::Resident(id.0)).await?;
    let resident = store::resident(&tx, id).await?.ok_or(Error::StaleLink)?;
    tx.commit().await?;
    let fits = place.verify(change.current, resident.password_hash.as_deref()).await;
    if matches!(fits, Ok(false)) {
        return Err(Error::WrongCurrentPassword);
    }
    counted.give_back(db).await?;
    fits?;
    let hash = place.hash(change.new).await?;
    drop(place);
    let mut tx = db.begin(tenant, Actor::Resident(id.0)).await?;
    recovery::replace_password(&mut tx, id, &resident.email, &hash, Some(change.kept)).await?;
    Ok(tx.commit().await?)
}

/// The e-mail that waits for its confirmation.
pub(crate) async fn pending_email(tx: &Tx, id: ResidentId) -> Result<Option<String>, DbError> {
    let links = store::links_of(tx, id).await?;
    let waiting = links.into_iter().find(|link| link.purpose == Purpose::Email.key() && link.expires_at > tx.now());
    Ok(waiting.and_then(|link| link.email))
}

/// Asks for another login: a link goes to the new address, word of it to the old one; nothing changes until
/// the link is used. Whether the new address has a login is told to nobody but its owner.
pub(crate) async fn request_email(tx: &mut Tx, id: ResidentId, new: &str) -> Result<(), Error> {
    let resident = store::resident(tx, id).await?.ok_or(Error::StaleLink)?;
    if resident.email_key == email_key(new) {
        return Err(Error::SameEmail);
    }
    store::remove_links(tx, id, Some(Purpose::Email.key())).await?;
    let token = mailed_link::issue(tx, Purpose::Email, id, Some(new)).await?;
    let taken = store::resident_by_email(tx, new).await?.is_some();
    let until = until(tx, tx.now().plus_seconds(24 * 3600));
    let to_new = if taken {
        Mail::new(new, "Смена адреса электронной почты", "residents/email_taken", &json!({}))?
    } else {
        let context = json!({ "token": token, "email": new, "until": until });
        Mail::new(new, "Подтвердите новый адрес", "residents/email_change", &context)?
    };
    let context = json!({ "new_email": new, "done": false });
    let to_old = Mail::new(resident.email, "Запрошена смена адреса", "residents/email_notice", &context)?;
    tx.send_mail(&to_new).await?;
    tx.send_mail(&to_old).await?;
    Ok(tx.audit("resident.email_change_requested", id, json!({})).await?)
}

/// Takes the wish for another e-mail back.
pub(crate) async fn cancel_email(tx: &Tx, id: ResidentId) -> Result<(), Error> {
    Ok(store::remove_links(tx, id, Some(Purpose::Email.key())).await?)
}

/// The e-mail that a link would make the login.
pub(crate) async fn email_of_link(tx: &Tx, token: &str) -> Result<String, Error> {
    mailed_link::find(tx, Purpose::Email, token).await?.email.ok_or(Error::StaleLink)
}

/// Makes the link's e-mail the login. Sessions but `kept` end, and with them every link that went to the old
/// address, which hears of it.
pub(crate) async fn confirm_email(tx: &mut Tx, token: &str, kept: Option<&str>) -> Result<(), Error> {
    let link = mailed_link::take(tx, Purpose::Email, token).await?;
    let (id, Some(new)) = (link.resident_id, link.email) else { return Err(Error::StaleLink) };
    let resident = store::resident(tx, id).await?.ok_or(Error::StaleLink)?;
    if store::resident_by_email(tx, &new).await?.is_some() {
        return Err(Error::EmailTaken);
    }
    match store::set_email(tx, id, &new).await {
        Err(DbError::Duplicate(_)) => return Err(Error::EmailTaken),
        other => other?,
    }
    store::remove_links(tx, id, None).await?;
    store::forget_registration_of(tx, &new).await?;
    Sessions::end_others(tx, Subject::Resident, id.0, kept).await?;
    tx.touch(session::TOPIC).await?;
    tx.audit("resident.email_changed", id, json!({})).await?;
    let context = json!({ "new_email": new, "done": true });
    let mail = Mail::new(resident.email, "Адрес для входа изменён", "residents/email_notice", &context)?;
    Ok(tx.send_mail(&mail).await?)
}
