//! Reading what bills are made of, a range of accounts at a time.

use std::collections::{BTreeMap, HashMap};

use kabinet_accounts::absences::{self, Away};
use kabinet_accounts::roster::{self, AccountFacts};
use kabinet_contracts::{AccountId, ImaginedReading, RunId};
use kabinet_core::{Day, DbError, Money, Period, Timestamp, Tx};
use kabinet_meters::{consumption, impossibility};
use sea_orm::FromQueryResult;

use crate::arrears::{Arrears, PENALTY_ROW};
use crate::awards::Award;
use crate::calculation::{AccountCase, PaymentFact, Standing};
use crate::catalog::premises;
use crate::entity::billing_run;
use crate::instalments::DuePart;
use crate::plan::Plan;
use crate::recalculations::Corrected;
use crate::{awards, benefits, houses, instalments, recalculations, runs, store};

mod averaged;

/// How far back the last payment of an earlier bill is looked for, milliseconds: about three months.
const LAST_PAYMENT_WINDOW: i64 = 92 * 24 * 60 * 60 * 1000;

/// Between which moments payments count for a bill.
#[derive(Clone, Copy, Debug)]
pub struct Cutoffs {
    /// The cut-off of the published run before: payments booked after it are to be counted.
    pub from: Timestamp,
    /// The cut-off of this bill: payments booked after it wait for the next.
    pub to: Timestamp,
}

/// What a bill stands on beside accounts and meters.
#[derive(Clone, Copy, Debug, Default)]
pub struct Base {
    /// The published run before; none for the first bill.
    pub run: Option<RunId>,
    /// The payments that count; an estimate counts none.
    pub cutoffs: Option<Cutoffs>,
    /// Corrections of closed months recorded after the first moment and up to the second are billed.
    pub corrections: Option<(Timestamp, Timestamp)>,
}

impl Base {
    /// What the bills of a run stand on: the same whenever it is asked.
    pub(crate) async fn of(tx: &Tx, run: &billing_run::Model) -> Result<Self, DbError> {
        let before = match run.base_run {
            Some(base) => store::run(tx, base).await?,
            None => None,
        };
        let since = before.as_ref().map_or(Timestamp(i64::MIN), runs::corrections_until);
        Ok(Self {
            run: run.base_run,
            cutoffs: Some(Cutoffs { from: run.base_cutoff_at, to: run.cutoff_at }),
            corrections: Some((since, runs::corrections_until(run))),
        })
    }
}

#[derive(FromQueryResult)]
struct Opening {
    account_id: AccountId,
    service_code: String,
    to_pay: Money,
}

#[derive(FromQueryResult)]
struct Paid {
    account_id: AccountId,
    kind_code: String,
    amount: Money,
    paid_on: Day,
    period: Option<Period>,
    booked_at: Timestamp,
}

#[derive(FromQueryResult)]
struct Unpaid {
    account_id: AccountId,
    service_code: String,
    debt_period: Period,
    amount: Money,
}

/// The cases of `accounts`, which follow each other in the order of their identifiers.
pub async fn cases(tx: &Tx, plan: &Plan, base: Base, accounts: Vec<AccountFacts>) -> Result<Vec<AccountCase>, DbError> {
    imagined_cases(tx, plan, base, accounts, Imagined::default()).await
}

/// What nobody stored, and cases are made of as if somebody had.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Imagined<'a> {
    /// Readings of the plan's month.
    pub(crate) readings: &'a [ImaginedReading],
    /// Corrections of months before it.
    pub(crate) corrections: &'a [Corrected],
}

/// The cases as they would be with what is `imagined`.
pub(crate) async fn imagined_cases(
    tx: &Tx,
    plan: &Plan,
    base: Base,
    accounts: Vec<AccountFacts>,
    imagined: Imagined<'_>,
) -> Result<Vec<AccountCase>, DbError> {
    let (Some(first), Some(last)) = (accounts.first().map(|a| a.id), accounts.last().map(|a| a.id)) else {
        return Ok(Vec::new());
    };
    let averages = accounts.iter().map(|account| (account.id, plan.averages(premises(&account.kind)))).collect();
    let mut meters = consumption::for_accounts(tx, plan.period, &averages, imagined.readings).await?;
    let mut unmeterable = impossibility::in_month(tx, plan.period, (first, last)).await?;
    let mut standings = standings(tx, base, first, last).await?;
    let mut averaged = averaged::months(tx, plan, (first, last), &meters, imagined.corrections).await?;
    let mut people = by_account(roster::changed_within(tx, plan.period, first, last).await?);
    let long_enough = |(_, away): &(AccountId, Away)| away.in_a_row > plan.snapshot.free_absence_days;
    let absences = absences::in_month(tx, plan.period, first, last).await?;
    let mut absences = by_account(absences.into_iter().filter(long_enough));
    let benefits = benefits::in_month(tx, plan.period, first, last).await?;
    let even = houses::numbers(tx, plan, &accounts).await?;
    let numbers = benefits.into_iter().chain(even).map(|(account, code, numbers)| (account, (code, numbers)));
    let mut numbers = by_account(numbers);
    let (mut instalments, mut awards) = agreements(tx, plan.period, base, (first, last)).await?;
    let case = |facts: AccountFacts| AccountCase {
        instalments: instalments.remove(&facts.id).unwrap_or_default(),
        awards: awards.remove(&facts.id).unwrap_or_default(),
        meters: meters.remove(&facts.id).unwrap_or_default(),
        unmeterable: unmeterable.remove(&facts.id).unwrap_or_default(),
        standing: standings.remove(&facts.id).unwrap_or_default(),
        averaged: averaged.remove(&facts.id).unwrap_or_default(),
        people: people.remove(&facts.id).unwrap_or_default(),
        absences: absences.remove(&facts.id).unwrap_or_default(),
        numbers: numbers.remove(&facts.id).unwrap_or_default(),
        facts,
    };
    Ok(accounts.into_iter().map(case).collect())
}

/// Parts of instalments and what is left of awards, where bills count payments: an estimate shows none.
async fn agreements(
    tx: &Tx,
    period: Period,
    base: Base,
    (first, last): (AccountId, AccountId),
) -> Result<(HashMap<AccountId, Vec<DuePart>>, HashMap<AccountId, Vec<Award>>), DbError> {
    let Some(cutoffs) = base.cutoffs else { return Ok((HashMap::new(), HashMap::new())) };
    let parts = instalments::in_month(tx, period, first, last).await?;
    let left = awards::left(tx, cutoffs.to, first, last).await?;
    let parts = by_account(parts.into_iter().map(|part| (part.account_id, part)));
    Ok((parts, by_account(left.into_iter().map(|award| (award.account_id, award)))))
}

fn by_account<T>(all: impl IntoIterator<Item = (AccountId, T)>) -> HashMap<AccountId, Vec<T>> {
    let mut found: HashMap<AccountId, Vec<T>> = HashMap::new();
    for (account, one) in all {
        found.entry(account).or_default().push(one);
    }
    found
}

/// What the accounts `first` to `last` owe and paid; an account without either is not in it.
async fn standings(
    tx: &Tx,
    base: Base,
    first: AccountId,
    last: AccountId,
) -> Result<HashMap<AccountId, Standing>, DbError> {
    let mut found: HashMap<AccountId, Standing> = HashMap::new();
    for (account, openings) in openings(tx, base.run, first, last).await? {
        found.entry(account).or_default().openings = openings;
    }
    for (account, arrears) in arrears(tx, base.run, first, last).await? {
        found.entry(account).or_default().arrears = arrears;
    }
    for (account, payments) in payments(tx, base.cutoffs, first, last).await? {
        found.entry(account).or_default().payments = payments;
    }
    if let Some(moments) = base.corrections {
        for (account, service, correction) in recalculations::of_run(tx, moments, (first, last)).await? {
            found.entry(account).or_default().corrections.push((service, correction));
        }
    }
    Ok(found)
}

async fn openings(
    tx: &Tx,
    run: Option<RunId>,
    first: AccountId,
    last: AccountId,
) -> Result<HashMap<AccountId, BTreeMap<String, Money>>, DbError> {
    let Some(run) = run else { return Ok(HashMap::new()) };
    let rows: Vec<Opening> = tx
        .rows(
            "SELECT account_id, service_code, to_pay FROM charge
             WHERE tenant_id = $1 AND run_id = $2 AND account_id BETWEEN $3 AND $4 AND to_pay <> 0",
            vec![run.into(), first.into(), last.into()],
        )
        .await?;
    let mut found: HashMap<AccountId, BTreeMap<String, Money>> = HashMap::new();
    for row in rows {
        found.entry(row.account_id).or_default().insert(row.service_code, row.to_pay);
    }
    Ok(found)
}

/// Rows stand only for months before the last billed one, and for penalties: few accounts have any.
async fn arrears(
    tx: &Tx,
    run: Option<RunId>,
    first: AccountId,
    last: AccountId,
) -> Result<HashMap<AccountId, BTreeMap<String, Arrears>>, DbError> {
    let Some(run) = run else { return Ok(HashMap::new()) };
    let rows: Vec<Unpaid> = tx
        .rows(
            "SELECT account_id, service_code, debt_period, amount FROM arrears
             WHERE tenant_id = $1 AND run_id = $2 AND account_id BETWEEN $3 AND $4
             ORDER BY account_id, service_code, debt_period",
            vec![run.into(), first.into(), last.into()],
        )
        .await?;
    let mut found: HashMap<AccountId, BTreeMap<String, Arrears>> = HashMap::new();
    for row in rows {
        let of_service = found.entry(row.account_id).or_default().entry(row.service_code).or_default();
        match row.debt_period {
            PENALTY_ROW => of_service.penalty = row.amount,
            period => of_service.months.push((period, row.amount)),
        }
    }
    Ok(found)
}

async fn payments(
    tx: &Tx,
    cutoffs: Option<Cutoffs>,
    first: AccountId,
    last: AccountId,
) -> Result<HashMap<AccountId, Vec<PaymentFact>>, DbError> {
    let Some(cutoffs) = cutoffs else { return Ok(HashMap::new()) };
    let from = cutoffs.from.min(Timestamp(cutoffs.to.0 - LAST_PAYMENT_WINDOW));
    let rows: Vec<Paid> = tx
        .rows(
            "SELECT account_id, kind_code, amount, paid_on, period, booked_at FROM payment
             WHERE tenant_id = $1 AND account_id BETWEEN $2 AND $3 AND booked_at > $4 AND booked_at <= $5",
            vec![first.into(), last.into(), from.into(), cutoffs.to.into()],
        )
        .await?;
    let mut found: HashMap<AccountId, Vec<PaymentFact>> = HashMap::new();
    for row in rows {
        let counted = row.booked_at > cutoffs.from;
        let fact = PaymentFact {
            booked_at: row.booked_at,
            paid_on: row.paid_on,
            kind: row.kind_code,
            period: row.period,
            amount: row.amount,
            counted,
        };
        found.entry(row.account_id).or_default().push(fact);
    }
    for payments in found.values_mut() {
        payments.sort_unstable();
    }
    Ok(found)
}
