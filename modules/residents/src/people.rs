//! Logins: who may enter, as a resident or as a staff member.

use kabinet_contracts::{AccountId, ResidentId};
use kabinet_core::text::email_key;
use kabinet_core::{DbError, Tx};
use kabinet_web::session;
use sea_orm::Set;
use uuid::Uuid;

use crate::entity::{resident, staff};
use crate::error::Error;
use crate::store;

/// A resident's login as other modules see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// Identifier.
    pub id: ResidentId,
    /// E-mail, the login.
    pub email: String,
    /// Phone; may be empty.
    pub phone: String,
    /// The account chosen in the client menu.
    pub active_account: Option<AccountId>,
}

/// A staff member as the web layer sees one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffMember {
    /// E-mail, the login.
    pub email: String,
    /// Role: `administrator`, `accountant`…
    pub role: String,
}

/// Creates an active login with an already hashed password; refuses an e-mail that is taken.
pub async fn create_resident(
    tx: &Tx,
    id: ResidentId,
    email: &str,
    phone: &str,
    password_hash: &str,
) -> Result<(), Error> {
    let row = resident::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        id: Set(id),
        email: Set(email.trim().to_owned()),
        email_key: Set(email_key(email)),
        phone: Set(phone.to_owned()),
        password_hash: Set(Some(password_hash.to_owned())),
        state: Set(store::ACTIVE.to_owned()),
        active_account: Set(None),
        created_at: Set(tx.now()),
        last_login_at: Set(None),
    };
    match tx.insert(row).await {
        Err(DbError::Duplicate(_)) => Err(Error::EmailTaken),
        other => Ok(other?),
    }
}

/// Creates a staff member with an already hashed password; refuses an e-mail that is taken.
pub async fn create_staff(
    tx: &Tx,
    id: Uuid,
    email: &str,
    name: &str,
    role: &str,
    password_hash: &str,
) -> Result<(), Error> {
    let row = staff::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        id: Set(id),
        email: Set(email.trim().to_owned()),
        email_key: Set(email_key(email)),
        name: Set(name.to_owned()),
        password_hash: Set(password_hash.to_owned()),
        role: Set(role.to_owned()),
        state: Set(store::ACTIVE.to_owned()),
        created_at: Set(tx.now()),
    };
    match tx.insert(row).await {
        Err(DbError::Duplicate(_)) => Err(Error::EmailTaken),
        other => Ok(other?),
    }
}

/// The resident with this identifier; `None` when the login is gone or not active.
pub async fn resident(tx: &Tx, id: ResidentId) -> Result<Option<Visitor>, DbError> {
    Ok(store::resident(tx, id).await?.map(visitor))
}

/// The resident with this e-mail; `None` when there is none.
pub async fn resident_by_email(tx: &Tx, email: &str) -> Result<Option<Visitor>, DbError> {
    Ok(store::resident_by_email(tx, email).await?.map(visitor))
}

/// The staff member with this identifier; `None` when the person no longer works there.
pub async fn staff_member(tx: &Tx, id: Uuid) -> Result<Option<StaffMember>, DbError> {
    Ok(store::staff(tx, id).await?.map(|row| StaffMember { email: row.email, role: row.role }))
}

/// Makes `account` the one that the resident's pages show. Whether it is linked was checked before.
pub async fn choose_account(tx: &mut Tx, id: ResidentId, account: Option<AccountId>) -> Result<(), DbError> {
    store::set_active_account(tx, id, account).await?;
    tx.touch(session::TOPIC).await
}

fn visitor(row: resident::Model) -> Visitor {
    Visitor { id: row.id, email: row.email, phone: row.phone, active_account: row.active_account }
}
