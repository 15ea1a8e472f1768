//! Every query of the module.

use kabinet_contracts::{AccountId, ResidentId};
use kabinet_core::text::email_key;
use kabinet_core::{DbError, Tx};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::entity::{resident, staff};

/// The state of a login that may enter.
pub(crate) const ACTIVE: &str = "active";

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
    let update = resident::Entity::update_many()
        .col_expr(resident::Column::LastLoginAt, Expr::value(tx.now()))
        .filter(resident::Column::Id.eq(id));
    tx.update_where(update).await.map(|_| ())
}

pub(crate) async fn set_active_account(tx: &Tx, id: ResidentId, account: Option<AccountId>) -> Result<(), DbError> {
    let update = resident::Entity::update_many()
        .col_expr(resident::Column::ActiveAccount, Expr::value(account))
        .filter(resident::Column::Id.eq(id));
    tx.update_where(update).await.map(|_| ())
}
