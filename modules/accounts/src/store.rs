//! Queries of linking, helpers and holders.

use kabinet_contracts::{AccountId, ResidentId, RunId};
use kabinet_core::{Day, DbError, Period, Timestamp, Tx};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, FromQueryResult, QueryFilter, QueryOrder, Set};
use uuid::Uuid;

use crate::entity::{account, account_link, helper_grant, holder, link_code};

/// Most accounts of one number that are looked at: branches of a company may use a number twice.
const MOST_CANDIDATES: i64 = 20;

/// An account with the number that was searched for.
#[derive(Debug, FromQueryResult)]
pub(crate) struct Candidate {
    pub(crate) id: AccountId,
    pub(crate) number: String,
    pub(crate) number_key: String,
    pub(crate) closed_on: Option<Day>,
    pub(crate) house: String,
    pub(crate) flat: String,
}

/// The accounts that have or had this number.
pub(crate) async fn candidates(tx: &Tx, number_key: &str) -> Result<Vec<Candidate>, DbError> {
    let sql = "SELECT a.id, a.number, a.number_key, a.closed_on, h.number AS house, p.flat
               FROM account a
               JOIN premises p ON p.tenant_id = a.tenant_id AND p.id = a.premises_id
               JOIN house h ON h.tenant_id = p.tenant_id AND h.id = p.house_id
               WHERE a.tenant_id = $1 AND a.id IN
                 (SELECT n.id FROM account n WHERE n.tenant_id = $1 AND n.number_key = $2
                  UNION SELECT o.account_id FROM account_alias o WHERE o.tenant_id = $1 AND o.number_key = $2)
               ORDER BY a.id LIMIT $3";
    tx.rows(sql, vec![number_key.into(), MOST_CANDIDATES.into()]).await
}

pub(crate) async fn account(tx: &Tx, id: AccountId) -> Result<Option<account::Model>, DbError> {
    tx.one(account::Entity::find().filter(account::Column::Id.eq(id))).await
}

pub(crate) async fn set_closed(tx: &Tx, id: AccountId, on: Day) -> Result<(), DbError> {
    let update = account::Entity::update_many()
        .col_expr(account::Column::ClosedOn, Expr::value(on))
        .filter(account::Column::Id.eq(id));
    tx.update_where(update).await.map(drop)
}

/// Those who hold the account on `day`.
pub(crate) async fn holders(tx: &Tx, id: AccountId, day: Day) -> Result<Vec<holder::Model>, DbError> {
    let open = holder::Column::ToOn.is_null().or(holder::Column::ToOn.gte(day));
    let select = holder::Entity::find().filter(holder::Column::AccountId.eq(id));
    tx.all(select.filter(holder::Column::FromOn.lte(day)).filter(open)).await
}

/// The accounts of former holders, one entry for each of them.
pub(crate) async fn former_holders(tx: &Tx, accounts: &[AccountId]) -> Result<Vec<AccountId>, DbError> {
    let ended = holder::Column::ToOn.is_not_null();
    let select = holder::Entity::find().filter(holder::Column::AccountId.is_in(accounts.iter().copied()));
    Ok(tx.all(select.filter(ended)).await?.into_iter().map(|row| row.account_id).collect())
}

/// Holds the account until the transaction ends: whoever wants to change it as well waits, and then sees what was
/// changed.
pub(crate) async fn lock(tx: &Tx, id: AccountId) -> Result<(), DbError> {
    let sql = "UPDATE account SET branch = branch WHERE tenant_id = $1 AND id = $2";
    tx.execute(sql, vec![id.into()]).await.map(drop)
}

/// The present holders' last day, and the last month whose receipts may name them.
pub(crate) async fn end_holders(tx: &Tx, id: AccountId, last: Day, printed: Option<Period>) -> Result<u64, DbError> {
    let update = holder::Entity::update_many()
        .col_expr(holder::Column::ToOn, Expr::value(last))
        .col_expr(holder::Column::PrintedUntil, Expr::value(printed))
        .filter(holder::Column::AccountId.eq(id))
        .filter(holder::Column::ToOn.is_null().or(holder::Column::ToOn.gt(last)));
    tx.update_where(update).await
}

/// The links of an account that have not ended; a helper's whose time is over may be among them.
pub(crate) async fn links(tx: &Tx, id: AccountId) -> Result<Vec<account_link::Model>, DbError> {
    let select = account_link::Entity::find().filter(account_link::Column::AccountId.eq(id));
    tx.all(select.filter(account_link::Column::EndedAt.is_null()).order_by_asc(account_link::Column::LinkedAt)).await
}

/// The resident's link of an account that has not ended.
pub(crate) async fn link_of(
    tx: &Tx,
    resident: ResidentId,
    id: AccountId,
) -> Result<Option<account_link::Model>, DbError> {
    let select = account_link::Entity::find().filter(account_link::Column::AccountId.eq(id));
    let mine = select.filter(account_link::Column::ResidentId.eq(resident));
    tx.one(mine.filter(account_link::Column::EndedAt.is_null())).await
}

pub(crate) async fn links_of_resident(tx: &Tx, resident: ResidentId) -> Result<Vec<account_link::Model>, DbError> {
    let select = account_link::Entity::find().filter(account_link::Column::ResidentId.eq(resident));
    tx.all(select.order_by_asc(account_link::Column::LinkedAt)).await
}

pub(crate) async fn end_link(tx: &Tx, id: Uuid, reason: &str) -> Result<(), DbError> {
    let update = account_link::Entity::update_many()
        .col_expr(account_link::Column::EndedAt, Expr::value(tx.now()))
        .col_expr(account_link::Column::EndedReason, Expr::value(reason))
        .filter(account_link::Column::Id.eq(id))
        .filter(account_link::Column::EndedAt.is_null());
    tx.update_where(update).await.map(drop)
}

/// The link that an invitation led to, if it has not ended.
pub(crate) async fn link_of_grant(tx: &Tx, grant: Uuid) -> Result<Option<account_link::Model>, DbError> {
    let select = account_link::Entity::find().filter(account_link::Column::GrantId.eq(grant));
    tx.one(select.filter(account_link::Column::EndedAt.is_null())).await
}

pub(crate) async fn is_code_ended(tx: &Tx, account: AccountId, run: RunId) -> Result<bool, DbError> {
    let select = link_code::Entity::find().filter(link_code::Column::AccountId.eq(account));
    Ok(tx.one(select.filter(link_code::Column::RunId.eq(run))).await?.is_some())
}

/// True when the code linked until now.
pub(crate) async fn end_code(
    tx: &Tx,
    account: AccountId,
    run: RunId,
    reason: &str,
    resident: Option<ResidentId>,
) -> Result<bool, DbError> {
    tx.insert_if_absent(link_code::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        account_id: Set(account),
        run_id: Set(run),
        ended_at: Set(tx.now()),
        reason: Set(reason.to_owned()),
        resident_id: Set(resident),
    })
    .await
}

/// All invitations of an account, the latest first.
pub(crate) async fn grants(tx: &Tx, account: AccountId) -> Result<Vec<helper_grant::Model>, DbError> {
    let select = helper_grant::Entity::find().filter(helper_grant::Column::AccountId.eq(account));
    tx.all(select.order_by_desc(helper_grant::Column::CreatedAt).order_by_desc(helper_grant::Column::Id)).await
}

pub(crate) async fn grant(tx: &Tx, account: AccountId, id: Uuid) -> Result<Option<helper_grant::Model>, DbError> {
    let select = helper_grant::Entity::find().filter(helper_grant::Column::AccountId.eq(account));
    tx.one(select.filter(helper_grant::Column::Id.eq(id))).await
}

pub(crate) async fn grant_by_token(tx: &Tx, hash: Vec<u8>) -> Result<Option<helper_grant::Model>, DbError> {
    tx.one(helper_grant::Entity::find().filter(helper_grant::Column::TokenHash.eq(hash))).await
}

/// The invitations that a resident gave, or got under `email_key` or by accepting.
pub(crate) async fn grants_about(
    tx: &Tx,
    resident: ResidentId,
    email_key: &str,
) -> Result<Vec<helper_grant::Model>, DbError> {
    let about = helper_grant::Column::GrantedBy.eq(resident).or(helper_grant::Column::AcceptedBy.eq(resident));
    let about = if email_key.is_empty() { about } else { about.or(helper_grant::Column::EmailKey.eq(email_key)) };
    tx.all(helper_grant::Entity::find().filter(about).order_by_asc(helper_grant::Column::CreatedAt)).await
}

/// True when the invitation was waiting for this.
pub(crate) async fn accept_grant(tx: &Tx, id: Uuid, resident: ResidentId) -> Result<bool, DbError> {
    let update = helper_grant::Entity::update_many()
        .col_expr(helper_grant::Column::AcceptedAt, Expr::value(tx.now()))
        .col_expr(helper_grant::Column::AcceptedBy, Expr::value(resident))
        .filter(helper_grant::Column::Id.eq(id))
        .filter(helper_grant::Column::AcceptedAt.is_null())
        .filter(helper_grant::Column::EndedAt.is_null());
    Ok(tx.update_where(update).await? == 1)
}

pub(crate) async fn end_grant(tx: &Tx, id: Uuid, reason: &str) -> Result<(), DbError> {
    let update = helper_grant::Entity::update_many()
        .col_expr(helper_grant::Column::EndedAt, Expr::value(tx.now()))
        .col_expr(helper_grant::Column::EndedReason, Expr::value(reason))
        .filter(helper_grant::Column::Id.eq(id))
        .filter(helper_grant::Column::EndedAt.is_null());
    tx.update_where(update).await.map(drop)
}

/// Takes the address out of an invitation.
pub(crate) async fn forget_address(tx: &Tx, id: Uuid) -> Result<(), DbError> {
    let update = helper_grant::Entity::update_many()
        .col_expr(helper_grant::Column::Email, Expr::value(""))
        .col_expr(helper_grant::Column::EmailKey, Expr::value(""))
        .filter(helper_grant::Column::Id.eq(id));
    tx.update_where(update).await.map(drop)
}

/// An entry of the audit log about an account.
#[derive(Debug, FromQueryResult)]
pub(crate) struct Deed {
    pub(crate) at: Timestamp,
    pub(crate) action: String,
    pub(crate) detail: String,
}

/// What a person did with an account since `from`, the latest first.
pub(crate) async fn deeds(tx: &Tx, account: AccountId, who: ResidentId, from: Timestamp) -> Result<Vec<Deed>, DbError> {
    let sql = "SELECT d.at, d.action, d.detail FROM audit d
               WHERE d.tenant_id = $1 AND d.subject = $2 AND d.actor_id = $3 AND d.at >= $4
               ORDER BY d.at DESC, d.id DESC LIMIT 50";
    tx.rows(sql, vec![account.to_string().into(), who.into(), from.into()]).await
}
