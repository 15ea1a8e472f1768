//! Which resident sees which account.

use kabinet_contracts::{AccountId, ResidentId};
use kabinet_core::{Day, DbError, Tx};
use kabinet_web::session;
use sea_orm::{FromQueryResult, Set};
use uuid::Uuid;

use crate::entity::account_link;
use crate::error::Error;
use crate::roster::address;

/// A linked account, as shown in the client menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    /// Identifier.
    pub id: AccountId,
    /// Number as printed.
    pub number: String,
    /// Address in one line.
    pub address: String,
    /// The day it was closed.
    pub closed_on: Option<Day>,
}

#[derive(FromQueryResult)]
struct Row {
    id: AccountId,
    number: String,
    address: String,
    flat: String,
    kind: String,
    closed_on: Option<Day>,
}

/// The accounts that the resident has linked, in the order of linking.
pub async fn of(tx: &Tx, resident: ResidentId) -> Result<Vec<Linked>, DbError> {
    let sql = "SELECT a.id, a.number, h.address, p.flat, p.kind, a.closed_on
               FROM account_link l
               JOIN account a ON a.tenant_id = l.tenant_id AND a.id = l.account_id
               JOIN premises p ON p.tenant_id = a.tenant_id AND p.id = a.premises_id
               JOIN house h ON h.tenant_id = p.tenant_id AND h.id = p.house_id
               WHERE l.tenant_id = $1 AND l.resident_id = $2 AND l.ended_at IS NULL
               ORDER BY l.linked_at, l.id";
    let rows: Vec<Row> = tx.rows(sql, vec![resident.into()]).await?;
    let linked = |row: Row| Linked {
        id: row.id,
        address: address(&row.address, &row.flat, &row.kind),
        number: row.number,
        closed_on: row.closed_on,
    };
    Ok(rows.into_iter().map(linked).collect())
}

/// Links an account to a resident whose right to it was proved before; refuses a second link.
pub async fn link(tx: &mut Tx, resident: ResidentId, account: AccountId) -> Result<(), Error> {
    let row = account_link::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        id: Set(tx.new_id::<Uuid>()),
        resident_id: Set(resident),
        account_id: Set(account),
        linked_at: Set(tx.now()),
        ended_at: Set(None),
        ended_reason: Set(None),
    };
    match tx.insert(row).await {
        Err(DbError::Duplicate(_)) => return Err(Error::AlreadyLinked),
        other => other?,
    }
    tx.audit("account.linked", account, serde_json::json!({ "resident": resident })).await?;
    Ok(tx.touch(session::TOPIC).await?)
}
