//! Links between people at ESIA and logins here: one to one within a company.

use async_trait::async_trait;
use kabinet_contracts::{PersonalData, ResidentId};
use kabinet_core::{DbError, Mail, Timestamp, Tx};
use serde::Serialize;
use serde_json::json;

use super::failure::Failure;
use super::store;
use crate::store::ACTIVE;

/// The login of an ESIA person; `None` for a stranger. A login that may not enter is a refusal.
pub(super) async fn resident_of(tx: &Tx, oid: &str) -> Result<Option<ResidentId>, Failure> {
    let Some(link) = store::link_of_person(tx, oid).await? else { return Ok(None) };
    let login = store::login(tx, link.resident_id).await?;
    if login.is_some_and(|login| login.state == ACTIVE) { Ok(Some(link.resident_id)) } else { Err(Failure::Closed) }
}

/// Since when a login is linked; `None` when it is not.
pub(super) async fn linked_since(tx: &Tx, id: ResidentId) -> Result<Option<Timestamp>, DbError> {
    Ok(store::link_of_resident(tx, id).await?.map(|link| link.linked_at))
}

/// Links a person to a login and writes to its owner. Linking the same pair again changes nothing.
pub(super) async fn link(tx: &mut Tx, oid: &str, id: ResidentId) -> Result<(), Failure> {
    if let Some(link) = store::link_of_person(tx, oid).await? {
        return if link.resident_id == id { Ok(()) } else { Err(Failure::PersonTaken) };
    }
    if store::link_of_resident(tx, id).await?.is_some() {
        return Err(Failure::LoginTaken);
    }
    // Another transaction may have been first meanwhile: the keys decide.
    if !store::add_link(tx, oid, id).await? {
        return Err(Failure::PersonTaken);
    }
    store::forget_person(tx, oid).await?;
    tx.audit("gosuslugi.linked", id.0, json!({})).await?;
    tell(tx, id, "Госуслуги привязаны к личному кабинету", "residents/gosuslugi_linked").await?;
    Ok(())
}

/// Unlinks a login and writes to its owner; false when it was not linked.
pub(super) async fn unlink(tx: &mut Tx, id: ResidentId) -> Result<bool, DbError> {
    if !store::remove_link(tx, id).await? {
        return Ok(false);
    }
    tx.audit("gosuslugi.unlinked", id.0, json!({})).await?;
    tell(tx, id, "Госуслуги отвязаны от личного кабинета", "residents/gosuslugi_unlinked").await?;
    Ok(true)
}

/// Whether the login could be entered without Gosuslugi.
pub(super) async fn has_password(tx: &Tx, id: ResidentId) -> Result<bool, DbError> {
    Ok(store::login(tx, id).await?.is_some_and(|login| login.password_hash.is_some()))
}

#[derive(Serialize)]
struct Nothing {}

async fn tell(tx: &mut Tx, id: ResidentId, subject: &str, template: &'static str) -> Result<(), DbError> {
    let Some(login) = store::login(tx, id).await? else { return Ok(()) };
    tx.send_mail(&Mail::new(login.email, subject, template, &Nothing {})?).await
}

/// The link of a login, for the export of everything held about a resident and for its deletion.
#[derive(Clone, Copy, Debug, Default)]
pub struct GosuslugiLinks;

#[async_trait]
impl PersonalData for GosuslugiLinks {
    fn name(&self) -> &'static str {
        "gosuslugi"
    }

    async fn export(&self, tx: &Tx, resident: ResidentId) -> Result<serde_json::Value, DbError> {
        let link = store::link_of_resident(tx, resident).await?;
        Ok(link.map_or(json!(null), |link| json!({ "oid": link.oid, "linked_at": link.linked_at })))
    }

    async fn forget(&self, tx: &mut Tx, resident: ResidentId) -> Result<(), DbError> {
        if let Some(link) = store::link_of_resident(tx, resident).await? {
            store::forget_person(tx, &link.oid).await?;
        }
        if let Some(login) = store::login(tx, resident).await? {
            store::forget_email(tx, &login.email).await?;
        }
        store::remove_link(tx, resident).await.map(|_| ())
    }
}
