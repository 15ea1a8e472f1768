//! Which resident sees which account.

use kabinet_contracts::{AccountId, LinkEnded, ResidentId};
use kabinet_core::{Day, DbError, Period, Timestamp, Tx};
use kabinet_web::{AccountAccess, session};
use sea_orm::{FromQueryResult, Set};
use uuid::Uuid;

use crate::entity::account_link;
use crate::error::Error;
use crate::notices::{self, Ending};
use crate::roster::address;
use crate::store;

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
    /// What the resident may do with it.
    pub access: AccountAccess,
    /// When a helper's access ends.
    pub ends_at: Option<Timestamp>,
    /// The first month whose receipts name the present holders; none where nobody held it before them.
    pub receipts_from: Option<Period>,
}

#[derive(FromQueryResult)]
struct Row {
    id: AccountId,
    number: String,
    address: String,
    flat: String,
    kind: String,
    closed_on: Option<Day>,
    access: String,
    until_on: Option<Day>,
    former_until: Option<Day>,
    printed_until: Option<Period>,
}

/// How a link's access is stored.
pub(crate) const fn access_code(access: AccountAccess) -> &'static str {
    match access {
        AccountAccess::Full => "full",
        AccountAccess::ReadingsAndSums => "sums",
        AccountAccess::ReadingsOnly => "readings",
    }
}

/// A stored access; what this release does not know allows least.
pub(crate) fn access_of(code: &str) -> AccountAccess {
    match code {
        "full" => AccountAccess::Full,
        "sums" => AccountAccess::ReadingsAndSums,
        _ => AccountAccess::ReadingsOnly,
    }
}

/// The accounts that the resident has linked, in the order of linking, those of one moment by number. A helper's
/// access that is over is not among them.
pub async fn of(tx: &Tx, resident: ResidentId) -> Result<Vec<Linked>, DbError> {
    let sql = "SELECT a.id, a.number, h.address, p.flat, p.kind, a.closed_on, l.access, l.until_on,
                 (SELECT max(f.to_on) FROM holder f WHERE f.tenant_id = a.tenant_id AND f.account_id = a.id
                    AND f.to_on < $3) AS former_until,
                 (SELECT max(f.printed_until) FROM holder f WHERE f.tenant_id = a.tenant_id AND f.account_id = a.id
                    AND f.to_on < $3) AS printed_until
               FROM account_link l
               JOIN account a ON a.tenant_id = l.tenant_id AND a.id = l.account_id
               JOIN premises p ON p.tenant_id = a.tenant_id AND p.id = a.premises_id
               JOIN house h ON h.tenant_id = p.tenant_id AND h.id = p.house_id
               WHERE l.tenant_id = $1 AND l.resident_id = $2 AND l.ended_at IS NULL
                 AND (l.until_on IS NULL OR l.until_on >= $3)
               ORDER BY l.linked_at, a.number, l.id";
    let rows: Vec<Row> = tx.rows(sql, vec![resident.into(), tx.today().into()]).await?;
    let linked = |row: Row| Linked {
        id: row.id,
        address: address(&row.address, &row.flat, &row.kind),
        number: row.number,
        closed_on: row.closed_on,
        access: access_of(&row.access),
        receipts_from: row.former_until.map(|last| last.plus_days(1).period()).max(row.printed_until.map(Period::next)),
        ends_at: row.until_on.map(|last| last.plus_days(1).start(tx.tenant().zone)),
    };
    Ok(rows.into_iter().map(linked).collect())
}

/// Links an account to a resident whose right to it was proved before; refuses a second link. A
/// helper who turns out to be the holder is no helper any more.
pub async fn link(tx: &mut Tx, resident: ResidentId, account: AccountId) -> Result<(), Error> {
    insert(tx, resident, account, AccountAccess::Full, None).await?;
    tx.audit("account.linked", account, serde_json::json!({ "resident": resident })).await?;
    Ok(tx.touch(session::TOPIC).await?)
}

/// A helper's time and the invitation it comes from.
pub(crate) struct Helping {
    pub(crate) until: Day,
    pub(crate) grant: Uuid,
}

pub(crate) async fn insert(
    tx: &Tx,
    resident: ResidentId,
    account: AccountId,
    access: AccountAccess,
    helping: Option<Helping>,
) -> Result<(), Error> {
    if let Some(former) = store::link_of(tx, resident, account).await? {
        if access_of(&former.access).is_full() {
            return Err(Error::AlreadyLinked);
        }
        store::end_link(tx, former.id, "replaced").await?;
        if let Some(grant) = former.grant_id {
            store::end_grant(tx, grant, "replaced").await?;
        }
    }
    let row = account_link::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        id: Set(tx.new_id::<Uuid>()),
        resident_id: Set(resident),
        account_id: Set(account),
        linked_at: Set(tx.now()),
        ended_at: Set(None),
        ended_reason: Set(None),
        access: Set(access_code(access).to_owned()),
        until_on: Set(helping.as_ref().map(|helping| helping.until)),
        grant_id: Set(helping.map(|helping| helping.grant)),
    };
    match tx.insert(row).await {
        Err(DbError::Duplicate(_)) => Err(Error::AlreadyLinked),
        other => Ok(other?),
    }
}

/// Ends the resident's own link; the helpers whom the resident let in go with it.
pub async fn unlink(tx: &mut Tx, resident: ResidentId, account: AccountId) -> Result<(), Error> {
    let link = store::link_of(tx, resident, account).await?.ok_or(Error::NotFound)?;
    if !access_of(&link.access).is_full() {
        return Err(Error::NotFound);
    }
    end_own(tx, resident, account, link.id, "unlinked").await?;
    tx.audit("account.unlinked", account, serde_json::json!({ "resident": resident })).await?;
    Ok(tx.touch(session::TOPIC).await?)
}

async fn end_own(
    tx: &mut Tx,
    resident: ResidentId,
    account: AccountId,
    link: Uuid,
    reason: &str,
) -> Result<(), DbError> {
    store::end_link(tx, link, reason).await?;
    tell(tx, account, resident, reason).await?;
    for grant in store::grants(tx, account).await? {
        if grant.granted_by == resident && grant.ended_at.is_none() {
            end_help(tx, grant.id, account, reason).await?;
        }
    }
    Ok(())
}

/// Tells other modules that a link ended.
async fn tell(tx: &mut Tx, account: AccountId, resident: ResidentId, reason: &str) -> Result<(), DbError> {
    let at = tx.now();
    tx.publish(&LinkEnded { account, resident, reason: reason.to_owned(), at }).await
}

/// Ends an invitation and the access it led to; the helper is told.
pub(crate) async fn end_help(tx: &mut Tx, grant: Uuid, account: AccountId, reason: &str) -> Result<(), DbError> {
    store::end_grant(tx, grant, reason).await?;
    if let Some(link) = store::link_of_grant(tx, grant).await? {
        store::end_link(tx, link.id, reason).await?;
        notices::link_ended(tx, account, &[link.resident_id], Ending::HelpEnded).await?;
    }
    Ok(())
}

/// Ends every link of an account, the helpers' too, and tells those who had one.
pub(crate) async fn end_all(tx: &mut Tx, account: AccountId, reason: &str, ending: Ending) -> Result<usize, DbError> {
    let links = store::links(tx, account).await?;
    for link in &links {
        store::end_link(tx, link.id, reason).await?;
        tell(tx, account, link.resident_id, reason).await?;
    }
    for grant in store::grants(tx, account).await? {
        store::end_grant(tx, grant.id, reason).await?;
    }
    let former: Vec<ResidentId> = links.iter().map(|link| link.resident_id).collect();
    notices::link_ended(tx, account, &former, ending).await?;
    tx.touch(session::TOPIC).await?;
    Ok(links.len())
}

/// Ends everything that a resident who leaves has linked or been let into.
pub(crate) async fn end_of_resident(tx: &mut Tx, resident: ResidentId, reason: &str) -> Result<(), DbError> {
    for link in store::links_of_resident(tx, resident).await? {
        if link.ended_at.is_none() {
            end_own(tx, resident, link.account_id, link.id, reason).await?;
        }
    }
    tx.touch(session::TOPIC).await
}
