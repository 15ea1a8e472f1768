//! Debt that a court awarded: it leaves the balance of its services, is paid by its own order, and bears no
//! penalty of the company's any more.

use kabinet_contracts::AccountId;
use kabinet_core::{Day, DbError, Money, Tx, id_type};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, Set};
use uuid::Uuid;

use crate::entity::{award_payment, court_award, ledger_entry, service};
use crate::error::Error;
use crate::ledger::Book;
use crate::recalculations::{self, New};
use crate::store;

/// What a court awarded beside the debt: fees, penalties up to its decision.
const COURT_COSTS: &str = "court_costs";

id_type! {
    /// The identifier of a court's award.
    AwardId
}

/// An award to be recorded.
#[derive(Clone, Debug)]
pub struct NewAward {
    /// The decision: «судебный приказ № 2-114/2026 от 12.05.2026».
    pub basis: String,
    /// The debt it is for, by service code; all of one receipt kind, no more than each service owes.
    pub debts: Vec<(String, Money)>,
    /// What was awarded beside it, kopecks.
    pub costs: Money,
}

/// An award with what is left of it.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Award {
    /// Identifier.
    pub id: AwardId,
    /// The account.
    pub account_id: AccountId,
    /// Code of the receipt kind.
    pub kind_code: String,
    /// The decision in words.
    pub basis: String,
    /// What was awarded, kopecks.
    pub total: Money,
    /// What is not paid of it, kopecks.
    pub remaining: Money,
}

/// A payment on an award.
#[derive(Clone, Debug)]
pub struct NewAwardPayment {
    /// The sum, above zero and no more than is left.
    pub amount: Money,
    /// The day it was paid.
    pub paid_on: Day,
    /// Where it came from: `bailiffs`, `bank`…
    pub source: String,
    /// Its number there: the same source and number are the same payment.
    pub external_id: String,
}

/// Records an award: the next bill takes the debt out of its services' balances.
pub async fn record(tx: &mut Tx, account: AccountId, new: &NewAward) -> Result<Award, Error> {
    let basis = recalculations::checked_basis(&new.basis)?;
    let debt: Money = new.debts.iter().map(|(_, amount)| *amount).sum();
    if new.debts.is_empty() || new.debts.iter().any(|(_, amount)| *amount <= Money::ZERO) {
        return Err(Error::Field("debts", "Укажите взысканный долг по услугам, каждый больше нуля"));
    }
    if new.costs < Money::ZERO {
        return Err(Error::Field("costs", "Расходы и пени по решению – сумма не меньше нуля"));
    }
    recalculations::must_be_billed(tx, account).await?;
    // Two at once wait for each other here, and the second one sees what the first moved.
    store::outdate_estimates(tx, &[account]).await?;
    let latest = store::latest_period(tx).await?.ok_or(Error::NoSuchReceipt)?;
    let kind = one_kind(tx, &new.debts).await?;
    let row = court_award::Model {
        tenant_id: tx.tenant_id(),
        id: tx.new_id(),
        account_id: account,
        kind_code: kind,
        basis: basis.clone(),
        total: debt + new.costs,
        recorded_at: tx.now(),
    };
    let words = format!("Взыскано судом, {basis}");
    for (service, amount) in &new.debts {
        recalculations::must_be_owed(tx, account, service, *amount).await?;
        let out = New { service, period: latest, amount: -*amount, basis: &words };
        recalculations::transfer(tx, account, out, tx.now(), (Book::Awards, row.id.0)).await?;
    }
    tx.insert(court_award::ActiveModel::from(row.clone()).reset_all()).await?;
    if new.costs > Money::ZERO {
        tx.insert(entry(tx, &row, row.id.0, (Book::Awards.code(), COURT_COSTS), new.costs)).await?;
    }
    let detail = serde_json::json!({ "award": row.id, "basis": basis, "kopecks": row.total.0 });
    tx.audit("billing.award_recorded", account, detail).await?;
    one(tx, row.id).await
}

/// The receipt kind of all the services.
async fn one_kind(tx: &Tx, debts: &[(String, Money)]) -> Result<String, Error> {
    let services = tx.all(service::Entity::find()).await?;
    let mut kinds: Vec<&str> = Vec::new();
    for (code, _) in debts {
        let known = services.iter().find(|service| service.code == *code);
        kinds.push(&known.ok_or(Error::Field("debts", "Такой услуги нет"))?.kind_code);
    }
    kinds.sort_unstable();
    kinds.dedup();
    match kinds.as_slice() {
        [kind] => Ok((*kind).to_owned()),
        _ => Err(Error::Field("debts", "Услуги решения – из одной квитанции")),
    }
}

fn entry(
    tx: &Tx,
    award: &court_award::Model,
    source: Uuid,
    (debit, credit): (&str, &str),
    amount: Money,
) -> ledger_entry::ActiveModel {
    ledger_entry::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        source_id: Set(source),
        account_id: Set(award.account_id),
        line: Set(0),
        kind_code: Set(award.kind_code.clone()),
        service_code: Set(String::new()),
        period: Set(tx.today().period()),
        debit: Set(debit.to_owned()),
        credit: Set(credit.to_owned()),
        amount: Set(amount),
        booked_at: Set(tx.now()),
    }
}

/// Books a payment on an award, once: the same source and number again changes nothing.
pub async fn pay(tx: &mut Tx, id: AwardId, new: &NewAwardPayment) -> Result<Award, Error> {
    let row = tx.one(court_award::Entity::find().filter(court_award::Column::Id.eq(id))).await?;
    let row = row.ok_or(Error::NoSuchAgreement)?;
    // Two at once wait for each other here, and the second one sees what the first paid.
    store::outdate_estimates(tx, &[row.account_id]).await?;
    let known = award_payment::Entity::find()
        .filter(award_payment::Column::Source.eq(&new.source))
        .filter(award_payment::Column::ExternalId.eq(&new.external_id));
    if let Some(known) = tx.one(known).await? {
        if known.award_id == id && known.amount == new.amount {
            return one(tx, id).await;
        }
        let (source_code, external_id) = (new.source.clone(), new.external_id.clone());
        return Err(Error::PaymentConflict { source_code, external_id });
    }
    let award = one(tx, id).await?;
    if new.amount <= Money::ZERO || new.amount > award.remaining {
        return Err(Error::Field("amount", "Сумма платежа – больше нуля и не больше остатка по решению"));
    }
    let payment: Uuid = tx.new_id();
    let paid = award_payment::Model {
        tenant_id: tx.tenant_id(),
        id: payment,
        award_id: id,
        amount: new.amount,
        paid_on: new.paid_on,
        source: new.source.clone(),
        external_id: new.external_id.clone(),
        booked_at: tx.now(),
    };
    tx.insert(award_payment::ActiveModel::from(paid).reset_all()).await?;
    let from = format!("bank:{}", new.source);
    tx.insert(entry(tx, &row, payment, (&from, Book::Awards.code()), new.amount)).await?;
    let detail = serde_json::json!({ "award": id, "kopecks": new.amount.0 });
    tx.audit("billing.award_paid", row.account_id, detail).await?;
    one(tx, id).await
}

const SELECT: &str = "
SELECT a.id, a.account_id, a.kind_code, a.basis, a.total,
       a.total - CAST(COALESCE((SELECT sum(p.amount) FROM award_payment p
         WHERE p.tenant_id = a.tenant_id AND p.award_id = a.id AND p.booked_at <= $2), 0) AS bigint) AS remaining
FROM court_award a WHERE a.tenant_id = $1 AND a.recorded_at <= $2 AND ";

async fn one(tx: &Tx, id: AwardId) -> Result<Award, Error> {
    let found = tx.rows(&format!("{SELECT} a.id = $3"), vec![tx.now().into(), id.into()]).await?;
    found.into_iter().next().ok_or(Error::NoSuchAgreement)
}

/// The account's awards, the latest first.
pub async fn list(tx: &Tx, account: AccountId) -> Result<Vec<Award>, DbError> {
    let sql = format!("{SELECT} a.account_id = $3 ORDER BY a.id DESC");
    tx.rows(&sql, vec![tx.now().into(), account.into()]).await
}

/// What is left of the awards to the accounts `first` to `last` at a moment; paid ones are not among them.
pub(crate) async fn left(
    tx: &Tx,
    at: kabinet_core::Timestamp,
    first: AccountId,
    last: AccountId,
) -> Result<Vec<Award>, DbError> {
    let sql = format!("{SELECT} a.account_id BETWEEN $3 AND $4 ORDER BY a.account_id, a.id");
    let mut found: Vec<Award> = tx.rows(&sql, vec![at.into(), first.into(), last.into()]).await?;
    found.retain(|award| award.remaining > Money::ZERO);
    Ok(found)
}
