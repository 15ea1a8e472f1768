//! Every query of the login through Gosuslugi.

use kabinet_contracts::ResidentId;
use kabinet_core::text::email_key;
use kabinet_core::{DbError, Tx};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, Set};

use super::entity::{arrival, attempt, letter, link, session};
use crate::entity::resident;

pub(super) async fn add_attempt(tx: &Tx, row: attempt::ActiveModel) -> Result<(), DbError> {
    tx.insert(row).await
}

/// Removes what nobody can use any more.
pub(crate) async fn forget_expired(tx: &Tx) -> Result<(), DbError> {
    let now = tx.now();
    tx.delete_where(attempt::Entity::delete_many().filter(attempt::Column::ExpiresAt.lte(now))).await?;
    tx.delete_where(arrival::Entity::delete_many().filter(arrival::Column::ExpiresAt.lte(now))).await?;
    tx.delete_where(letter::Entity::delete_many().filter(letter::Column::ExpiresAt.lte(now))).await?;
    tx.delete_where(session::Entity::delete_many().filter(session::Column::ExpiresAt.lte(now))).await?;
    Ok(())
}

/// Takes the attempt away; `None` when it is not there, over, or another call was first.
pub(super) async fn take_attempt(tx: &Tx, state: &[u8], browser: &[u8]) -> Result<Option<attempt::Model>, DbError> {
    let mine = || attempt::Column::StateHash.eq(state).and(attempt::Column::BrowserHash.eq(browser));
    let found = tx.one(attempt::Entity::find().filter(mine())).await?;
    let taken = tx.delete_where(attempt::Entity::delete_many().filter(mine())).await?;
    Ok(found.filter(|row| taken == 1 && row.expires_at > tx.now()))
}

pub(super) async fn add_arrival(tx: &Tx, row: arrival::ActiveModel) -> Result<(), DbError> {
    tx.insert(row).await
}

pub(super) async fn arrival(tx: &Tx, token: &[u8]) -> Result<Option<arrival::Model>, DbError> {
    let select = arrival::Entity::find().filter(arrival::Column::TokenHash.eq(token));
    tx.one(select.filter(arrival::Column::ExpiresAt.gt(tx.now()))).await
}

/// Ends every first visit of the person, and every letter to one.
pub(super) async fn forget_person(tx: &Tx, oid: &str) -> Result<(), DbError> {
    tx.delete_where(arrival::Entity::delete_many().filter(arrival::Column::Oid.eq(oid))).await?;
    tx.delete_where(letter::Entity::delete_many().filter(letter::Column::Oid.eq(oid))).await?;
    Ok(())
}

/// Ends every first visit with this e-mail, and every letter to it.
pub(super) async fn forget_email(tx: &Tx, email: &str) -> Result<(), DbError> {
    let spellings = [email.to_owned(), email_key(email)];
    let arrivals = arrival::Column::Email.is_in(spellings.clone());
    tx.delete_where(arrival::Entity::delete_many().filter(arrivals)).await?;
    let letters = letter::Column::Email.is_in(spellings);
    tx.delete_where(letter::Entity::delete_many().filter(letters)).await?;
    Ok(())
}

pub(super) async fn add_letter(tx: &Tx, row: letter::ActiveModel) -> Result<(), DbError> {
    tx.insert(row).await
}

pub(super) async fn letter(tx: &Tx, token: &[u8]) -> Result<Option<letter::Model>, DbError> {
    let select = letter::Entity::find().filter(letter::Column::TokenHash.eq(token));
    tx.one(select.filter(letter::Column::ExpiresAt.gt(tx.now()))).await
}

pub(super) async fn end_letter(tx: &Tx, token: &[u8]) -> Result<bool, DbError> {
    let mine = letter::Column::TokenHash.eq(token);
    Ok(tx.delete_where(letter::Entity::delete_many().filter(mine)).await? == 1)
}

pub(super) async fn link_of_person(tx: &Tx, oid: &str) -> Result<Option<link::Model>, DbError> {
    tx.one(link::Entity::find().filter(link::Column::Oid.eq(oid))).await
}

pub(super) async fn link_of_resident(tx: &Tx, id: ResidentId) -> Result<Option<link::Model>, DbError> {
    tx.one(link::Entity::find().filter(link::Column::ResidentId.eq(id))).await
}

pub(super) async fn add_link(tx: &Tx, oid: &str, id: ResidentId) -> Result<bool, DbError> {
    let row = link::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        oid: Set(oid.to_owned()),
        resident_id: Set(id),
        linked_at: Set(tx.now()),
    };
    tx.insert_if_absent(row).await
}

pub(super) async fn remove_link(tx: &Tx, id: ResidentId) -> Result<bool, DbError> {
    let mine = link::Column::ResidentId.eq(id);
    Ok(tx.delete_where(link::Entity::delete_many().filter(mine)).await? > 0)
}

pub(super) async fn note_session(tx: &Tx, token: &[u8], seconds: i64) -> Result<(), DbError> {
    let expires_at = Set(tx.now().plus_seconds(seconds));
    tx.insert(session::ActiveModel { tenant_id: Set(tx.tenant_id()), token_hash: Set(token.to_vec()), expires_at })
        .await
}

/// Whether the session was noted; it no longer is.
pub(super) async fn forget_session(tx: &Tx, token: &[u8]) -> Result<bool, DbError> {
    let mine = session::Column::TokenHash.eq(token);
    Ok(tx.delete_where(session::Entity::delete_many().filter(mine)).await? > 0)
}

/// The login with this e-mail in whatever state.
pub(super) async fn login_with_email(tx: &Tx, email: &str) -> Result<Option<resident::Model>, DbError> {
    tx.one(resident::Entity::find().filter(resident::Column::EmailKey.eq(email_key(email)))).await
}

/// The login in whatever state.
pub(super) async fn login(tx: &Tx, id: ResidentId) -> Result<Option<resident::Model>, DbError> {
    tx.one(resident::Entity::find().filter(resident::Column::Id.eq(id))).await
}

/// A new active login without a password.
pub(super) async fn add_login(tx: &Tx, id: ResidentId, email: &str, phone: &str) -> Result<(), DbError> {
    tx.insert(resident::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        id: Set(id),
        email: Set(email.trim().to_owned()),
        email_key: Set(email_key(email)),
        phone: Set(phone.to_owned()),
        password_hash: Set(None),
        state: Set(crate::store::ACTIVE.to_owned()),
        active_account: Set(None),
        created_at: Set(tx.now()),
        last_login_at: Set(Some(tx.now())),
    })
    .await
}
