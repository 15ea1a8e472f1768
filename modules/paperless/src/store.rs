//! Every query of the module.

use std::collections::HashSet;

use kabinet_contracts::{AccountId, ResidentId, RunId};
use kabinet_core::{DbError, Period, Timestamp, Tx};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, FromQueryResult, QueryFilter, QueryOrder, Set};

use crate::application::Application;
use crate::entity::{paper_application, paper_delivery, paper_refusal};
use crate::refusals::{Ending, RefusalId};

/// A refusal `r` is in force while it has not ended and its resident holds the account by the same link as then: what
/// ended a link while the module was off ended the refusal too.
const IN_FORCE: &str = "r.ended_at IS NULL AND EXISTS (SELECT 1 FROM account_link l WHERE l.tenant_id = r.tenant_id
    AND l.account_id = r.account_id AND l.resident_id = r.resident_id AND l.access = 'full' AND l.ended_at IS NULL
    AND l.linked_at <= r.made_at)";

const COLUMNS: &str = "r.tenant_id, r.id, r.account_id, r.resident_id, r.ordinal, r.number, r.made_on, r.made_at,
    r.email, r.signatory, r.ended_at, r.ended_reason, r.ended_detail";

/// The refusals of an account that are in force.
pub(crate) async fn in_force_of(tx: &Tx, account: AccountId) -> Result<Vec<paper_refusal::Model>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM paper_refusal r WHERE r.tenant_id = $1 AND r.account_id = $2 AND {IN_FORCE}
         ORDER BY r.ordinal"
    );
    tx.rows(&sql, vec![account.into()]).await
}

/// The refusals of these residents that are in force.
pub(crate) async fn in_force_of_residents(
    tx: &Tx,
    residents: &[ResidentId],
) -> Result<Vec<paper_refusal::Model>, DbError> {
    if residents.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<String> = (0..residents.len()).map(|at| format!("${}", at + 2)).collect();
    let names = names.join(", ");
    let sql = format!(
        "SELECT {COLUMNS} FROM paper_refusal r WHERE r.tenant_id = $1 AND r.resident_id IN ({names}) AND {IN_FORCE}"
    );
    tx.rows(&sql, residents.iter().map(|resident| (*resident).into()).collect()).await
}

/// Up to `limit` refusals in force that were stated before `published_at` and whose letter of `run` has not left,
/// behind `after`.
pub(crate) async fn due(
    tx: &Tx,
    run: RunId,
    published_at: Timestamp,
    after: Option<RefusalId>,
    limit: i64,
) -> Result<Vec<paper_refusal::Model>, DbError> {
    let after = after.unwrap_or(RefusalId(uuid::Uuid::nil()));
    let sql = format!(
        "SELECT {COLUMNS} FROM paper_refusal r WHERE r.tenant_id = $1 AND r.made_at < $2 AND r.id > $3 AND {IN_FORCE}
           AND NOT EXISTS (SELECT 1 FROM paper_delivery d WHERE d.tenant_id = $1 AND d.run_id = $5
                           AND d.account_id = r.account_id AND d.resident_id = r.resident_id)
         ORDER BY r.id LIMIT $4"
    );
    tx.rows(&sql, vec![published_at.into(), after.into(), limit.into(), run.into()]).await
}

fn of(account: AccountId, resident: ResidentId) -> sea_orm::Select<paper_refusal::Entity> {
    use paper_refusal::Column;
    let mine = Column::AccountId.eq(account).and(Column::ResidentId.eq(resident));
    paper_refusal::Entity::find().filter(mine).order_by_desc(Column::Ordinal)
}

/// The latest refusal of a resident, ended or not.
pub(crate) async fn latest(
    tx: &Tx,
    account: AccountId,
    resident: ResidentId,
) -> Result<Option<paper_refusal::Model>, DbError> {
    tx.one(of(account, resident)).await
}

/// All refusals of an account, the oldest first.
pub(crate) async fn of_account(tx: &Tx, account: AccountId) -> Result<Vec<paper_refusal::Model>, DbError> {
    use paper_refusal::Column;
    tx.all(paper_refusal::Entity::find().filter(Column::AccountId.eq(account)).order_by_asc(Column::Ordinal)).await
}

/// All refusals of a resident, the oldest first.
pub(crate) async fn of_resident(tx: &Tx, resident: ResidentId) -> Result<Vec<paper_refusal::Model>, DbError> {
    use paper_refusal::Column;
    tx.all(paper_refusal::Entity::find().filter(Column::ResidentId.eq(resident)).order_by_asc(Column::Id)).await
}

/// Those that have not ended.
pub(crate) async fn open_of_resident(tx: &Tx, resident: ResidentId) -> Result<Vec<paper_refusal::Model>, DbError> {
    Ok(of_resident(tx, resident).await?.into_iter().filter(|row| row.ended_at.is_none()).collect())
}

pub(crate) async fn find(tx: &Tx, id: RefusalId) -> Result<Option<paper_refusal::Model>, DbError> {
    tx.one(paper_refusal::Entity::find().filter(paper_refusal::Column::Id.eq(id))).await
}

/// How many applications an account has had.
pub(crate) async fn count(tx: &Tx, account: AccountId) -> Result<u64, DbError> {
    tx.count(paper_refusal::Entity::find().filter(paper_refusal::Column::AccountId.eq(account))).await
}

/// Stores a refusal; false when the account has an application of this number.
pub(crate) async fn add(
    tx: &Tx,
    id: RefusalId,
    resident: ResidentId,
    application: &Application,
) -> Result<bool, DbError> {
    tx.insert_if_absent(paper_refusal::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        id: Set(id),
        account_id: Set(application.account),
        resident_id: Set(resident),
        ordinal: Set(application.ordinal),
        number: Set(application.number.clone()),
        made_on: Set(application.on),
        made_at: Set(tx.now()),
        email: Set(application.email.clone()),
        signatory: Set(application.signatory.clone()),
        ended_at: Set(None),
        ended_reason: Set(None),
        ended_detail: Set(String::new()),
    })
    .await
}

/// Keeps the document of a refusal.
pub(crate) async fn keep(tx: &Tx, id: RefusalId, pdf: Vec<u8>) -> Result<(), DbError> {
    let row = paper_application::ActiveModel { tenant_id: Set(tx.tenant_id()), refusal_id: Set(id), pdf: Set(pdf) };
    tx.insert(row).await
}

/// The document of a refusal.
pub(crate) async fn document(tx: &Tx, id: RefusalId) -> Result<Option<Vec<u8>>, DbError> {
    let select = paper_application::Entity::find().filter(paper_application::Column::RefusalId.eq(id));
    Ok(tx.one(select).await?.map(|row| row.pdf))
}

/// Ends the open refusals of an account, of one resident or of all; whether there were any.
pub(crate) async fn end(
    tx: &Tx,
    account: AccountId,
    resident: Option<ResidentId>,
    ending: Ending,
    detail: &str,
) -> Result<bool, DbError> {
    use paper_refusal::Column;
    let mut update = paper_refusal::Entity::update_many()
        .col_expr(Column::EndedAt, Expr::value(tx.now()))
        .col_expr(Column::EndedReason, Expr::value(ending.code()))
        .col_expr(Column::EndedDetail, Expr::value(detail))
        .filter(Column::AccountId.eq(account))
        .filter(Column::EndedAt.is_null());
    if let Some(resident) = resident {
        update = update.filter(Column::ResidentId.eq(resident));
    }
    Ok(tx.update_where(update).await? > 0)
}

/// Takes a person out of an ended refusal: address, name and document.
pub(crate) async fn anonymise(tx: &Tx, resident: ResidentId) -> Result<(), DbError> {
    use paper_refusal::Column;
    let update = paper_refusal::Entity::update_many()
        .col_expr(Column::Email, Expr::value(""))
        .col_expr(Column::Signatory, Expr::value(""))
        .filter(Column::ResidentId.eq(resident));
    tx.update_where(update).await?;
    for row in of_resident(tx, resident).await? {
        let theirs = paper_application::Column::RefusalId.eq(row.id);
        tx.delete_where(paper_application::Entity::delete_many().filter(theirs)).await?;
    }
    Ok(())
}

/// Notes that the receipts of a run leave for a resident; false when they did before.
pub(crate) async fn add_delivery(tx: &Tx, run: RunId, refusal: &paper_refusal::Model) -> Result<bool, DbError> {
    tx.insert_if_absent(paper_delivery::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        run_id: Set(run),
        account_id: Set(refusal.account_id),
        resident_id: Set(refusal.resident_id),
        refusal_id: Set(refusal.id),
        sent_at: Set(tx.now()),
        bounced_at: Set(None),
    })
    .await
}

/// The runs of which some letters left since `since`.
pub(crate) async fn begun_since(tx: &Tx, since: Timestamp) -> Result<Vec<RunId>, DbError> {
    #[derive(FromQueryResult)]
    struct Row {
        run_id: RunId,
    }
    let sql = "SELECT DISTINCT d.run_id FROM paper_delivery d WHERE d.tenant_id = $1 AND d.sent_at >= $2";
    let rows: Vec<Row> = tx.rows(sql, vec![since.into()]).await?;
    Ok(rows.into_iter().map(|row| row.run_id).collect())
}

/// Notes that the latest run's letters to a resident came back.
pub(crate) async fn mark_bounced(tx: &Tx, resident: ResidentId) -> Result<(), DbError> {
    use paper_delivery::Column;
    let latest = paper_delivery::Entity::find().filter(Column::ResidentId.eq(resident)).order_by_desc(Column::SentAt);
    let Some(latest) = tx.one(latest).await? else { return Ok(()) };
    let update = paper_delivery::Entity::update_many()
        .col_expr(Column::BouncedAt, Expr::value(tx.now()))
        .filter(Column::ResidentId.eq(resident))
        .filter(Column::RunId.eq(latest.run_id))
        .filter(Column::BouncedAt.is_null());
    tx.update_where(update).await.map(drop)
}

/// The accounts whose receipts of a run left by `at` and had not come back by then.
pub(crate) async fn delivered(tx: &Tx, run: RunId, at: Timestamp) -> Result<HashSet<AccountId>, DbError> {
    #[derive(FromQueryResult)]
    struct Row {
        account_id: AccountId,
    }
    let sql = "SELECT DISTINCT d.account_id FROM paper_delivery d
               WHERE d.tenant_id = $1 AND d.run_id = $2 AND d.sent_at <= $3
                 AND (d.bounced_at IS NULL OR d.bounced_at > $3)";
    let rows: Vec<Row> = tx.rows(sql, vec![run.into(), at.into()]).await?;
    Ok(rows.into_iter().map(|row| row.account_id).collect())
}

/// An account as applications and lists name it.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct Place {
    pub(crate) number: String,
    pub(crate) house: String,
    pub(crate) flat: String,
    pub(crate) kind: String,
}

pub(crate) async fn place(tx: &Tx, account: AccountId) -> Result<Option<Place>, DbError> {
    let sql = "SELECT a.number, h.address AS house, p.flat, p.kind FROM account a
               JOIN premises p ON p.tenant_id = a.tenant_id AND p.id = a.premises_id
               JOIN house h ON h.tenant_id = p.tenant_id AND h.id = p.house_id
               WHERE a.tenant_id = $1 AND a.id = $2";
    Ok(tx.rows(sql, vec![account.into()]).await?.into_iter().next())
}

/// A present holder's full name; empty parts for a firm.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct Holder {
    pub(crate) kind: String,
    pub(crate) surname: String,
    pub(crate) given_name: String,
    pub(crate) patronymic: String,
}

pub(crate) async fn holders(tx: &Tx, account: AccountId) -> Result<Vec<Holder>, DbError> {
    let sql = "SELECT w.kind, coalesce(w.surname, '') AS surname, coalesce(w.given_name, '') AS given_name,
                      coalesce(w.patronymic, '') AS patronymic FROM holder w
               WHERE w.tenant_id = $1 AND w.account_id = $2 AND w.from_on <= $3
                 AND (w.to_on IS NULL OR w.to_on >= $3)";
    tx.rows(sql, vec![account.into(), tx.today().into()]).await
}

/// An account in the company's list.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct Listed {
    pub(crate) account_id: AccountId,
    pub(crate) number: String,
    pub(crate) house_code: String,
    pub(crate) house: String,
    pub(crate) flat: String,
    pub(crate) kind: String,
    pub(crate) made_on: kabinet_core::Day,
    pub(crate) applications: i64,
    pub(crate) sent_at: Option<Timestamp>,
}

/// Up to `limit` accounts behind `after` whose receipts of `run` left and did not come back; without a run, those that
/// would get none on paper if it were published now.
pub(crate) async fn listed(
    tx: &Tx,
    run: Option<RunId>,
    after: Option<AccountId>,
    limit: i64,
) -> Result<Vec<Listed>, DbError> {
    let after = after.unwrap_or(AccountId(uuid::Uuid::nil()));
    let (sent, which, values) = match run {
        Some(run) => (
            "CAST(max(d.sent_at) AS bigint)",
            "JOIN paper_delivery d ON d.tenant_id = r.tenant_id AND d.refusal_id = r.id AND d.run_id = $4
               AND d.bounced_at IS NULL"
                .to_owned(),
            vec![after.into(), limit.into(), run.into()],
        ),
        None => ("CAST(NULL AS bigint)", String::new(), vec![after.into(), limit.into()]),
    };
    let force = if run.is_some() { String::new() } else { format!("AND {IN_FORCE}") };
    let sql = format!(
        "SELECT r.account_id, a.number, h.code AS house_code, h.address AS house, p.flat, p.kind,
                min(r.made_on) AS made_on, count(*) AS applications, {sent} AS sent_at
         FROM paper_refusal r {which}
         JOIN account a ON a.tenant_id = r.tenant_id AND a.id = r.account_id
         JOIN premises p ON p.tenant_id = a.tenant_id AND p.id = a.premises_id
         JOIN house h ON h.tenant_id = p.tenant_id AND h.id = p.house_id
         WHERE r.tenant_id = $1 AND r.account_id > $2 {force}
         GROUP BY r.account_id, a.number, h.code, h.address, p.flat, p.kind
         ORDER BY r.account_id LIMIT $3"
    );
    tx.rows(&sql, values).await
}

/// The published run of a month.
pub(crate) async fn published(tx: &Tx, period: Period) -> Result<Option<RunId>, DbError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: RunId,
    }
    let sql = "SELECT id FROM billing_run WHERE tenant_id = $1 AND period = $2 AND state = 'published'";
    let rows: Vec<Row> = tx.rows(sql, vec![period.into()]).await?;
    Ok(rows.into_iter().next().map(|row| row.id))
}
