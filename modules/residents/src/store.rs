//! Every query of the module.

use kabinet_contracts::{AccountId, ResidentId};
use kabinet_core::text::email_key;
use kabinet_core::{DbError, Timestamp, Tx};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder};
use serde::Serialize;
use uuid::Uuid;

use crate::entity::{consent, consent_text, mailed_link, personal_export, registration, resident, staff};

/// The state of a login that may enter.
pub(crate) const ACTIVE: &str = "active";
/// The state of a login whose owner deleted it: a row without a person.
pub(crate) const DELETED: &str = "deleted";

pub(crate) async fn resident(tx: &Tx, id: ResidentId) -> Result<Option<resident::Model>, DbError> {
    let select = resident::Entity::find().filter(resident::Column::Id.eq(id));
    tx.one(select.filter(resident::Column::State.eq(ACTIVE))).await
}

pub(crate) async fn resident_by_email(tx: &Tx, email: &str) -> Result<Option<resident::Model>, DbError> {
    let select = resident::Entity::find().filter(resident::Column::EmailKey.eq(email_key(email)));
    tx.one(select.filter(resident::Column::State.eq(ACTIVE))).await
}

pub(crate) async fn staff(tx: &Tx, id: Uuid) -> Result<Option<staff::Model>, DbError> {
    let select = staff::Entity::find().filter(staff::Column::Id.eq(id));
    tx.one(select.filter(staff::Column::State.eq(ACTIVE))).await
}

pub(crate) async fn staff_by_email(tx: &Tx, email: &str) -> Result<Option<staff::Model>, DbError> {
    let select = staff::Entity::find().filter(staff::Column::EmailKey.eq(email_key(email)));
    tx.one(select.filter(staff::Column::State.eq(ACTIVE))).await
}

pub(crate) async fn note_login(tx: &Tx, id: ResidentId) -> Result<(), DbError> {
    set(tx, id, [(resident::Column::LastLoginAt, Expr::value(tx.now()))]).await
}

pub(crate) async fn set_active_account(tx: &Tx, id: ResidentId, account: Option<AccountId>) -> Result<(), DbError> {
    set(tx, id, [(resident::Column::ActiveAccount, Expr::value(account))]).await
}

pub(crate) async fn set_phone(tx: &Tx, id: ResidentId, phone: &str) -> Result<(), DbError> {
    set(tx, id, [(resident::Column::Phone, Expr::value(phone))]).await
}

pub(crate) async fn set_password(tx: &Tx, id: ResidentId, hash: &str) -> Result<(), DbError> {
    set(tx, id, [(resident::Column::PasswordHash, Expr::value(hash))]).await
}

/// [`DbError::Duplicate`] when the address is somebody's already.
pub(crate) async fn set_email(tx: &Tx, id: ResidentId, email: &str) -> Result<(), DbError> {
    use resident::Column;
    set(tx, id, [(Column::Email, Expr::value(email)), (Column::EmailKey, Expr::value(email_key(email)))]).await
}

/// Leaves of the resident's row what other rows refer to.
pub(crate) async fn anonymise(tx: &Tx, id: ResidentId) -> Result<(), DbError> {
    use resident::Column;
    let random: Uuid = tx.new_id();
    let changes = [
        (Column::Email, Expr::value("")),
        (Column::EmailKey, Expr::value(format!("deleted:{random}"))),
        (Column::Phone, Expr::value("")),
        (Column::PasswordHash, Expr::value(None::<String>)),
        (Column::State, Expr::value(DELETED)),
        (Column::ActiveAccount, Expr::value(None::<AccountId>)),
        (Column::LastLoginAt, Expr::value(None::<Timestamp>)),
    ];
    set(tx, id, changes).await
}

async fn set<const N: usize>(tx: &Tx, id: ResidentId, changes: [(resident::Column, Expr); N]) -> Result<(), DbError> {
    let update = resident::Entity::update_many().filter(resident::Column::Id.eq(id));
    let update = changes.into_iter().fold(update, |update, (column, value)| update.col_expr(column, value));
    tx.update_where(update).await.map(|_| ())
}

/// Stores an unfinished registration in the place of an earlier one of the same address.
pub(crate) async fn save_registration(tx: &Tx, row: registration::ActiveModel) -> Result<(), DbError> {
    tx.put(row).await?;
    Ok(())
}

pub(crate) async fn registration(tx: &Tx, email: &str) -> Result<Option<registration::Model>, DbError> {
    let select = registration::Entity::find().filter(registration::Column::EmailKey.eq(email_key(email)));
    tx.one(select.filter(registration::Column::ExpiresAt.gt(tx.now()))).await
}

pub(crate) async fn registration_by_token(tx: &Tx, hash: Vec<u8>) -> Result<Option<registration::Model>, DbError> {
    let select = registration::Entity::find().filter(registration::Column::TokenHash.eq(hash));
    tx.one(select.filter(registration::Column::ExpiresAt.gt(tx.now()))).await
}

/// True when it was there: of two who activate at once, one does.
pub(crate) async fn remove_registration(tx: &Tx, token_hash: Vec<u8>) -> Result<bool, DbError> {
    let mine = registration::Column::TokenHash.eq(token_hash);
    Ok(tx.delete_where(registration::Entity::delete_many().filter(mine)).await? > 0)
}

pub(crate) async fn renew_registration(
    tx: &Tx,
    email: &str,
    token_hash: Vec<u8>,
    expires_at: Timestamp,
) -> Result<(), DbError> {
    let update = registration::Entity::update_many()
        .col_expr(registration::Column::TokenHash, Expr::value(token_hash))
        .col_expr(registration::Column::ExpiresAt, Expr::value(expires_at))
        .filter(registration::Column::EmailKey.eq(email_key(email)));
    tx.update_where(update).await.map(|_| ())
}

pub(crate) async fn forget_registration_of(tx: &Tx, email: &str) -> Result<(), DbError> {
    let mine = registration::Column::EmailKey.eq(email_key(email));
    tx.delete_where(registration::Entity::delete_many().filter(mine)).await.map(|_| ())
}

pub(crate) async fn link(tx: &Tx, purpose: &str, hash: Vec<u8>) -> Result<Option<mailed_link::Model>, DbError> {
    let select = mailed_link::Entity::find()
        .filter(mailed_link::Column::TokenHash.eq(hash))
        .filter(mailed_link::Column::Purpose.eq(purpose));
    tx.one(select.filter(mailed_link::Column::ExpiresAt.gt(tx.now()))).await
}

pub(crate) async fn links_of(tx: &Tx, id: ResidentId) -> Result<Vec<mailed_link::Model>, DbError> {
    let select = mailed_link::Entity::find().filter(mailed_link::Column::ResidentId.eq(id));
    tx.all(select.order_by_desc(mailed_link::Column::CreatedAt).order_by_asc(mailed_link::Column::TokenHash)).await
}

/// True when it was there: of two who use a link at once, one does.
pub(crate) async fn remove_link(tx: &Tx, hash: Vec<u8>) -> Result<bool, DbError> {
    let mine = mailed_link::Column::TokenHash.eq(hash);
    Ok(tx.delete_where(mailed_link::Entity::delete_many().filter(mine)).await? > 0)
}

/// Removes the resident's links of a purpose, or of every purpose.
pub(crate) async fn remove_links(tx: &Tx, id: ResidentId, purpose: Option<&str>) -> Result<(), DbError> {
    let mut mine = mailed_link::Entity::delete_many().filter(mailed_link::Column::ResidentId.eq(id));
    if let Some(purpose) = purpose {
        mine = mine.filter(mailed_link::Column::Purpose.eq(purpose));
    }
    tx.delete_where(mine).await.map(|_| ())
}

pub(crate) async fn consents(tx: &Tx, id: ResidentId) -> Result<Vec<consent::Model>, DbError> {
    let select = consent::Entity::find().filter(consent::Column::ResidentId.eq(id));
    tx.all(select.order_by_desc(consent::Column::GivenAt).order_by_desc(consent::Column::Id)).await
}

pub(crate) async fn consent_texts(tx: &Tx, hashes: Vec<Vec<u8>>) -> Result<Vec<consent_text::Model>, DbError> {
    tx.all(consent_text::Entity::find().filter(consent_text::Column::Hash.is_in(hashes))).await
}

/// Consents without a person's address; those still in force are withdrawn now.
pub(crate) async fn close_consents(tx: &Tx, id: ResidentId) -> Result<(), DbError> {
    let mine = || consent::Entity::update_many().filter(consent::Column::ResidentId.eq(id));
    tx.update_where(mine().col_expr(consent::Column::GivenAddress, Expr::value(""))).await?;
    let in_force = mine().filter(consent::Column::WithdrawnAt.is_null());
    tx.update_where(in_force.col_expr(consent::Column::WithdrawnAt, Expr::value(tx.now()))).await.map(|_| ())
}

pub(crate) async fn export(tx: &Tx, id: Uuid) -> Result<Option<personal_export::Model>, DbError> {
    tx.one(personal_export::Entity::find().filter(personal_export::Column::Id.eq(id))).await
}

pub(crate) async fn export_by_token(
    tx: &Tx,
    resident: ResidentId,
    hash: Vec<u8>,
) -> Result<Option<personal_export::Model>, DbError> {
    let select = personal_export::Entity::find()
        .filter(personal_export::Column::ResidentId.eq(resident))
        .filter(personal_export::Column::TokenHash.eq(hash));
    tx.one(select.filter(personal_export::Column::ExpiresAt.gt(tx.now()))).await
}

/// The day the resident's latest export was asked for, and until when it can be fetched; no archive is read.
#[derive(Clone, Debug, FromQueryResult, Serialize)]
pub(crate) struct ExportState {
    pub(crate) requested_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) ready: bool,
}

pub(crate) async fn latest_export(tx: &Tx, id: ResidentId) -> Result<Option<ExportState>, DbError> {
    let sql = "SELECT requested_at, expires_at, token_hash IS NOT NULL AS ready FROM personal_export
               WHERE tenant_id = $1 AND resident_id = $2 AND expires_at > $3 ORDER BY requested_at DESC, id LIMIT 1";
    Ok(tx.rows(sql, vec![id.into(), tx.now().into()]).await?.into_iter().next())
}

pub(crate) async fn remove_exports(tx: &Tx, id: ResidentId) -> Result<(), DbError> {
    let mine = personal_export::Column::ResidentId.eq(id);
    tx.delete_where(personal_export::Entity::delete_many().filter(mine)).await.map(|_| ())
}

/// Removes what nobody can use any more.
pub(crate) async fn forget_expired(tx: &Tx) -> Result<(), DbError> {
    let now = tx.now();
    tx.delete_where(registration::Entity::delete_many().filter(registration::Column::ExpiresAt.lte(now))).await?;
    tx.delete_where(mailed_link::Entity::delete_many().filter(mailed_link::Column::ExpiresAt.lte(now))).await?;
    tx.delete_where(personal_export::Entity::delete_many().filter(personal_export::Column::ExpiresAt.lte(now))).await?;
    crate::gosuslugi::forget_expired(tx).await
}

/// An entry of the audit log, for its own actor to read.
#[derive(Clone, Debug, FromQueryResult, Serialize)]
pub(crate) struct Deed {
    pub(crate) at: Timestamp,
    pub(crate) action: String,
    pub(crate) subject: String,
    pub(crate) detail: String,
}

pub(crate) async fn deeds(tx: &Tx, id: ResidentId) -> Result<Vec<Deed>, DbError> {
    let sql = "SELECT at, action, subject, detail FROM audit
               WHERE tenant_id = $1 AND actor = 'resident' AND actor_id = $2 ORDER BY at, id";
    tx.rows(sql, vec![id.into()]).await
}
