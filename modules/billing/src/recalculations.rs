//! Corrections of closed months (перерасчёт): a month is computed again with what is known now, or a sum is
//! written by hand; either way the difference waits, with its basis, for the next run. What was published is
//! never rewritten: a correction that was billed is answered by an opposite one.

use std::collections::BTreeMap;

use kabinet_accounts::roster;
use kabinet_contracts::AccountId;
use kabinet_core::{DbError, Money, Period, Timestamp, Tx, id_type};
use kabinet_plugin_host::api::{Basis, Recalculation as Returned};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Unchanged, ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    Select, Set,
};

use crate::calculation::api_period;
use crate::entity::{billing_run, charge, recalculation, service};
use crate::error::Error;
use crate::ledger::{self, Book};
use crate::runs;
use crate::store::{self, PUBLISHED};
use crate::trace;
use uuid::Uuid;

pub mod house;
mod recomputed;

use recomputed::charged_for_its_month;
pub use recomputed::{Recomputed, recompute};

/// Months back that may be corrected: older claims are barred (ГК РФ ст. 196).
pub(crate) const MOST_MONTHS: i32 = 36;
/// The largest correction by hand, kopecks.
const MOST: u64 = 100_000_000_000;
/// Why bills that are calculated are given up.
const OUTDATED: &str = "исправлен месяц, который возвращён по показанию: рассчитайте месяц заново";
/// The longest basis, characters.
const LONGEST_BASIS: usize = 200;

id_type! {
    /// The identifier of a correction.
    RecalculationId
}

/// Where a correction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The next run bills it.
    Waiting,
    /// It stands on the bill of this month.
    Billed(Period),
    /// Taken back before it was billed.
    Withdrawn,
}

/// A correction of a closed month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recalculation {
    /// Identifier.
    pub id: RecalculationId,
    /// The account.
    pub account: AccountId,
    /// Code of the service.
    pub service: String,
    /// The month that is corrected.
    pub period: Period,
    /// Kopecks; negative in the resident's favour.
    pub amount: Money,
    /// Why, in words.
    pub basis: String,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Where it stands.
    pub state: State,
}

/// The latest published month, unless claims of `period` are barred.
pub(crate) async fn refuse_old(tx: &Tx, period: Period) -> Result<Period, Error> {
    let latest = store::latest_period(tx).await?.ok_or(Error::NotPublished(period))?;
    let first = latest.plus(1 - MOST_MONTHS);
    if period < first { Err(Error::TooOld { period, first }) } else { Ok(latest) }
}

/// Refuses an account that no later run bills: a correction of it would wait for ever.
pub(crate) async fn must_be_billed(tx: &Tx, account: AccountId) -> Result<(), Error> {
    store::account_exists(tx, account).await?;
    let next = store::latest_period(tx).await?.map_or_else(|| tx.today().period(), Period::next);
    roster::one(tx, next, account).await?.map(drop).ok_or(Error::AccountClosed(next))
}

/// Refuses to move more debt of a service than it owes: on its latest bill, with what waits for the next one, and
/// with what was paid on its receipt kind since.
pub(crate) async fn must_be_owed(tx: &Tx, account: AccountId, service: &str, amount: Money) -> Result<(), Error> {
    let run = store::latest_run(tx).await?.ok_or(Error::NoSuchReceipt)?;
    let services = tx.all(service::Entity::find()).await?;
    let kind = services.iter().find(|known| known.code == service).map(|known| known.kind_code.clone());
    let kind = kind.ok_or(Error::Field("service", "Такой услуги нет"))?;
    let mine = charge::Entity::find()
        .filter(charge::Column::RunId.eq(run.id))
        .filter(charge::Column::AccountId.eq(account))
        .filter(charge::Column::ServiceCode.eq(service));
    let on_bill = tx.one(mine).await?.map_or(Money::ZERO, |line| line.to_pay);
    let waiting = tx.all(of_account(account).filter(recalculation::Column::WithdrawnAt.is_null())).await?;
    let waiting: Vec<_> = waiting.into_iter().filter(|row| !takes(&run, row)).collect();
    let of_service = waiting.iter().filter(|row| row.service_code == service).map(|row| row.amount);
    let in_kind = |code: &str| services.iter().any(|known| known.code == code && known.kind_code == kind);
    let of_kind = waiting.iter().filter(|row| in_kind(&row.service_code)).map(|row| row.amount);
    let balances = ledger::stored_balances(tx, account).await?;
    let balance = balances.iter().find(|known| known.kind_code == kind).map_or(Money::ZERO, |known| known.balance);
    let owed = (on_bill + of_service.sum::<Money>()).min(balance + of_kind.sum::<Money>()).max(Money::ZERO);
    if amount > owed { Err(Error::NotOwed { service: service.to_owned(), owed }) } else { Ok(()) }
}

/// Corrections that count, by the month and the service they correct.
type Recorded = BTreeMap<(Period, String), Money>;

async fn recorded(tx: &Tx, account: AccountId) -> Result<Recorded, DbError> {
    let mut sums = Recorded::new();
    for row in tx.all(counting(of_account(account))).await? {
        *sums.entry((row.period, row.service_code)).or_default() += row.amount;
    }
    Ok(sums)
}

/// Of corrections those that count. Debt that moved to other books is charged all the same.
fn counting(all: Select<recalculation::Entity>) -> Select<recalculation::Entity> {
    all.filter(recalculation::Column::WithdrawnAt.is_null())
        .filter(recalculation::Column::PostedTo.eq(Book::Revenue.code()))
}

fn of_account(account: AccountId) -> Select<recalculation::Entity> {
    recalculation::Entity::find().filter(recalculation::Column::AccountId.eq(account))
}

/// Gives up bills that are calculated and not published where they give the account back what it was charged for months
/// whose corrections change now: they do not know of it, and it would go back with them and once more.
async fn outdate_bills(tx: &mut Tx, account: AccountId, months: &[(&str, Period)]) -> Result<(), Error> {
    let calculated = living(tx).await?.into_iter().find(|run| run.state != PUBLISHED);
    let Some(run) = calculated else { return Ok(()) };
    let mine =
        charge::Entity::find().filter(charge::Column::RunId.eq(run.id)).filter(charge::Column::AccountId.eq(account));
    let gives_back = |line: &charge::Model| {
        let reasons = trace::decode(&line.trace);
        let mut given = reasons.recalculations.iter().filter(|given| given.basis == Basis::AverageReversed);
        let corrected = |given: &Returned| {
            months.iter().any(|(service, period)| *service == line.service_code && api_period(*period) == given.period)
        };
        given.any(corrected)
    };
    if tx.all(mine).await?.iter().any(gives_back) {
        runs::outdate(tx, run.period, OUTDATED).await?;
    }
    Ok(())
}

/// Records the differences of months that were recomputed, with their basis; the next run bills them. Refused
/// when the account's corrections or the published months changed since [`recompute`] looked at them.
pub async fn record(
    tx: &mut Tx,
    account: AccountId,
    recomputed: &[Recomputed],
    basis: &str,
) -> Result<Vec<Recalculation>, Error> {
    let basis = checked_basis(basis)?;
    must_be_billed(tx, account).await?;
    // Two at once wait for each other here, and the second one sees what the first recorded.
    store::outdate_estimates(tx, &[account]).await?;
    let differing = recomputed.iter().filter(|month| month.difference() != Money::ZERO);
    let corrected: Vec<_> = differing.clone().map(|month| (month.service.as_str(), month.period)).collect();
    outdate_bills(tx, account, &corrected).await?;
    // A month that was published since may have given back what is corrected here.
    let (latest, last) = (store::latest_period(tx).await?, recomputed.iter().map(|month| month.period).max());
    if last.is_some() && last < latest {
        return Err(Error::Changed);
    }
    let recorded = recorded(tx, account).await?;
    for month in recomputed {
        let run = store::published(tx, month.period).await?.ok_or(Error::NotPublished(month.period))?;
        let mine = charge::Entity::find()
            .filter(charge::Column::RunId.eq(run.id))
            .filter(charge::Column::AccountId.eq(account))
            .filter(charge::Column::ServiceCode.eq(&month.service));
        let before = tx.one(mine).await?.map_or(Money::ZERO, |row| charged_for_its_month(&row));
        let corrected = recorded.get(&(month.period, month.service.clone())).copied().unwrap_or_default();
        if before + corrected != month.charged {
            return Err(Error::Changed);
        }
    }
    let mut stored = Vec::new();
    for month in differing {
        let new = New { service: &month.service, period: month.period, amount: month.difference(), basis: &basis };
        stored.push(insert(tx, account, new).await?);
    }
    let sum: Money = stored.iter().map(|correction| correction.amount).sum();
    let detail = serde_json::json!({ "basis": basis, "corrections": stored.len(), "kopecks": sum.0 });
    tx.audit("billing.recalculated", account, detail).await?;
    Ok(stored)
}

/// Records a correction written by hand: a service's published month, kopecks (negative to be given back) and
/// the basis. The next run bills it.
pub async fn record_by_hand(
    tx: &mut Tx,
    account: AccountId,
    service: &str,
    period: Period,
    amount: Money,
    basis: &str,
) -> Result<Recalculation, Error> {
    let basis = checked_basis(basis)?;
    if amount == Money::ZERO || amount.0.unsigned_abs() > MOST {
        return Err(Error::Field("amount", "Сумма перерасчёта – не ноль и не больше миллиарда рублей"));
    }
    must_be_billed(tx, account).await?;
    refuse_old(tx, period).await?;
    if tx.one(service::Entity::find().filter(service::Column::Code.eq(service))).await?.is_none() {
        return Err(Error::Field("service", "Такой услуги нет"));
    }
    store::published(tx, period).await?.ok_or(Error::NotPublished(period))?;
    outdate_bills(tx, account, &[(service, period)]).await?;
    let stored = insert(tx, account, New { service, period, amount, basis: &basis }).await?;
    let detail = serde_json::json!({ "basis": basis, "service": service, "kopecks": amount.0 });
    tx.audit("billing.recalculated", account, detail).await?;
    Ok(stored)
}

pub(crate) fn checked_basis(basis: &str) -> Result<String, Error> {
    let basis = basis.split_whitespace().collect::<Vec<_>>().join(" ");
    if basis.is_empty() || basis.chars().count() > LONGEST_BASIS {
        return Err(Error::Field("basis", "Укажите основание перерасчёта, не длиннее 200 знаков"));
    }
    Ok(basis)
}

/// A correction about to be recorded.
#[derive(Clone, Copy)]
pub(crate) struct New<'a> {
    pub(crate) service: &'a str,
    pub(crate) period: Period,
    pub(crate) amount: Money,
    pub(crate) basis: &'a str,
}

async fn insert(tx: &Tx, account: AccountId, new: New<'_>) -> Result<Recalculation, Error> {
    Ok(stands(store_row(tx, account, new, tx.now(), (Book::Revenue, None)).await?, State::Waiting))
}

/// Records what moves debt of an account to or from another book by an agreement; counts as recorded at `at`.
pub(crate) async fn transfer(
    tx: &Tx,
    account: AccountId,
    new: New<'_>,
    at: Timestamp,
    (book, agreement): (Book, Uuid),
) -> Result<(), Error> {
    store_row(tx, account, new, at, (book, Some(agreement))).await.map(drop)
}

async fn store_row(
    tx: &Tx,
    account: AccountId,
    new: New<'_>,
    at: Timestamp,
    booked: (Book, Option<Uuid>),
) -> Result<recalculation::Model, Error> {
    let row = row(tx, account, new, at, booked);
    tx.insert(recalculation::ActiveModel::from(row.clone()).reset_all()).await?;
    Ok(row)
}

fn row(
    tx: &Tx,
    account: AccountId,
    new: New<'_>,
    at: Timestamp,
    (book, agreement): (Book, Option<Uuid>),
) -> recalculation::Model {
    recalculation::Model {
        tenant_id: tx.tenant_id(),
        id: tx.new_id(),
        account_id: account,
        service_code: new.service.to_owned(),
        period: new.period,
        amount: new.amount,
        basis: new.basis.to_owned(),
        recorded_at: at,
        withdrawn_at: None,
        posted_to: book.code().to_owned(),
        agreement_id: agreement,
    }
}

/// Takes back the transfers of an agreement that no living run has; what it leaves of them, summed.
pub(crate) async fn withdraw_transfers(tx: &Tx, agreement: Uuid, book: Book) -> Result<Money, Error> {
    let mine = recalculation::Entity::find()
        .filter(recalculation::Column::AgreementId.eq(agreement))
        .filter(recalculation::Column::WithdrawnAt.is_null());
    let runs = living(tx).await?;
    let mut billed = Money::ZERO;
    for row in tx.all(mine).await? {
        if runs.iter().any(|run| takes(run, &row)) {
            if row.posted_to == book.code() {
                billed += row.amount;
            }
        } else {
            mark_withdrawn(tx, row.id).await?;
        }
    }
    Ok(billed)
}

/// Runs that are not given up, the earliest month first.
async fn living(tx: &Tx) -> Result<Vec<billing_run::Model>, DbError> {
    let living = billing_run::Entity::find().filter(billing_run::Column::State.ne(store::FAILED));
    tx.all(living.order_by_asc(billing_run::Column::Period)).await
}

async fn mark_withdrawn(tx: &Tx, id: RecalculationId) -> Result<(), DbError> {
    tx.update(recalculation::ActiveModel {
        tenant_id: Unchanged(tx.tenant_id()),
        id: Unchanged(id),
        withdrawn_at: Set(Some(tx.now())),
        ..Default::default()
    })
    .await
}

fn stands(row: recalculation::Model, state: State) -> Recalculation {
    Recalculation {
        id: row.id,
        account: row.account_id,
        service: row.service_code,
        period: row.period,
        amount: row.amount,
        basis: row.basis,
        recorded_at: row.recorded_at,
        state,
    }
}

/// The account's corrections, the latest first.
pub async fn list(tx: &Tx, account: AccountId) -> Result<Vec<Recalculation>, Error> {
    store::account_exists(tx, account).await?;
    let rows = tx.all(of_account(account).order_by_desc(recalculation::Column::Id)).await?;
    let published = billing_run::Entity::find().filter(billing_run::Column::State.eq(PUBLISHED));
    let runs = tx.all(published.order_by_asc(billing_run::Column::Period)).await?;
    let state = |row: &recalculation::Model| match row.withdrawn_at {
        Some(_) => State::Withdrawn,
        None => runs.iter().find(|run| takes(run, row)).map_or(State::Waiting, |run| State::Billed(run.period)),
    };
    Ok(rows.into_iter().map(|row| (state(&row), row)).map(|(state, row)| stands(row, state)).collect())
}

/// Whether the run bills the correction, unless an earlier one did.
fn takes(run: &billing_run::Model, row: &recalculation::Model) -> bool {
    row.recorded_at <= runs::corrections_until(run)
}

/// Takes a correction back. Refused once a run that is not given up has it.
pub async fn withdraw(tx: &mut Tx, id: RecalculationId) -> Result<(), Error> {
    let one = recalculation::Entity::find().filter(recalculation::Column::Id.eq(id));
    let row = tx.one(one).await?.ok_or(Error::NoSuchRecalculation)?;
    if row.withdrawn_at.is_some() {
        return Ok(());
    }
    if row.agreement_id.is_some() {
        return Err(Error::OfAgreement);
    }
    store::outdate_estimates(tx, &[row.account_id]).await?;
    if let Some(run) = living(tx).await?.iter().find(|run| takes(run, &row)) {
        return Err(Error::AlreadyBilled(run.period));
    }
    outdate_bills(tx, row.account_id, &[(&row.service_code, row.period)]).await?;
    mark_withdrawn(tx, id).await?;
    let detail = serde_json::json!({ "recalculation": id, "kopecks": row.amount.0 });
    Ok(tx.audit("billing.recalculation_withdrawn", row.account_id, detail).await?)
}

#[derive(FromQueryResult)]
struct Waiting {
    account_id: AccountId,
    service_code: String,
    period: Period,
    amount: Money,
    basis: String,
    posted_to: String,
}

/// The corrections that a run bills: of the accounts `first` to `last`, recorded after `since` and no later than
/// `until`, by account, with the service of each.
pub(crate) async fn of_run(
    tx: &Tx,
    (since, until): (Timestamp, Timestamp),
    (first, last): (AccountId, AccountId),
) -> Result<Vec<(AccountId, String, trace::Correction)>, DbError> {
    let rows: Vec<Waiting> = tx
        .rows(
            "SELECT account_id, service_code, period, amount, basis, posted_to FROM recalculation
             WHERE tenant_id = $1 AND account_id BETWEEN $2 AND $3 AND recorded_at > $4 AND recorded_at <= $5
               AND withdrawn_at IS NULL
             ORDER BY account_id, recorded_at, id",
            vec![first.into(), last.into(), since.into(), until.into()],
        )
        .await?;
    let correction = |row: Waiting| {
        let book = Book::of(&row.posted_to);
        let correction = trace::Correction { period: row.period, amount: row.amount, basis: row.basis, book };
        (row.account_id, row.service_code, correction)
    };
    Ok(rows.into_iter().map(correction).collect())
}

/// A correction of a closed month as it counts among what was charged for that month.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct Corrected {
    pub(crate) account_id: AccountId,
    pub(crate) service_code: String,
    pub(crate) period: Period,
    pub(crate) amount: Money,
}

/// What the charges of the accounts `first` to `last` for the months `from` to `to` are corrected by: one sum a service
/// and month. Debt that moved to other books is charged all the same.
pub(crate) async fn of_months(
    tx: &Tx,
    (first, last): (AccountId, AccountId),
    (from, to): (Period, Period),
) -> Result<Vec<Corrected>, DbError> {
    let sql = "SELECT account_id, service_code, period, CAST(sum(amount) AS bigint) AS amount FROM recalculation
               WHERE tenant_id = $1 AND account_id BETWEEN $2 AND $3 AND period BETWEEN $4 AND $5
                 AND withdrawn_at IS NULL AND posted_to = $6
               GROUP BY account_id, service_code, period";
    let revenue = Book::Revenue.code();
    tx.rows(sql, vec![first.into(), last.into(), from.into(), to.into(), revenue.into()]).await
}
