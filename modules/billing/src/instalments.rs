//! Instalments (рассрочка): debt of a service leaves its balance and comes back month by month, with interest
//! where the agreement has any (ПП РФ 354, п. 72). No penalty runs on what is not due yet.

use kabinet_contracts::AccountId;
use kabinet_core::values::round_half_up;
use kabinet_core::{DbError, Money, Period, Quantity, Timestamp, Tx, id_type};
use rust_decimal::Decimal;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Unchanged, ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, Set,
};

use crate::entity::{instalment, instalment_plan};
use crate::error::Error;
use crate::ledger::Book;
use crate::recalculations::{self, New};
use crate::store;

/// The longest agreement, months.
const MOST_PARTS: u32 = 60;
/// Interest that no agreement has, per cent a year.
const MOST_PERCENT: u32 = 100;

id_type! {
    /// The identifier of an agreement on instalments.
    PlanId
}

/// An agreement to be made.
#[derive(Clone, Debug)]
pub struct NewPlan {
    /// Code of the service that is owed for.
    pub service: String,
    /// The debt that is paid in instalments; no more than the service owes.
    pub total: Money,
    /// In how many equal monthly parts.
    pub parts: u32,
    /// The first month whose bill has a part; not published yet.
    pub from: Period,
    /// Interest, per cent a year; zero where there is none.
    pub percent: Decimal,
    /// The agreement: «соглашение № 5 от 20.11.2026».
    pub basis: String,
}

/// An agreement on instalments.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Identifier.
    pub id: PlanId,
    /// The account.
    pub account: AccountId,
    /// Code of the service.
    pub service: String,
    /// The debt that was divided.
    pub total: Money,
    /// In how many parts.
    pub parts: u32,
    /// The first month with a part.
    pub from: Period,
    /// Interest, per cent a year.
    pub percent: Decimal,
    /// The agreement in words.
    pub basis: String,
    /// What no bill has asked for yet.
    pub remaining: Money,
    /// Whether it was cancelled.
    pub cancelled: bool,
}

/// A part of an agreement that a month's bill asks for.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct DuePart {
    /// The account.
    pub account_id: AccountId,
    /// Code of the service.
    pub service_code: String,
    /// The part, kopecks.
    pub amount: Money,
    /// Interest of the month, kopecks.
    pub interest: Money,
    /// Interest, per cent a year.
    pub percent: Quantity,
    /// What remains for later months, kopecks.
    pub remaining: Money,
}

/// Agrees on instalments: the next bill takes the debt out of the service's balance.
pub async fn agree(tx: &mut Tx, account: AccountId, new: &NewPlan) -> Result<Plan, Error> {
    let basis = recalculations::checked_basis(&new.basis)?;
    let percent = percent(new.percent)?;
    if !(1..=MOST_PARTS).contains(&new.parts) {
        return Err(Error::Field("parts", "Число платежей – от 1 до 60"));
    }
    if new.total <= Money::ZERO {
        return Err(Error::Field("total", "Сумма рассрочки – больше нуля"));
    }
    recalculations::must_be_billed(tx, account).await?;
    // Two at once wait for each other here, and the second one sees what the first moved.
    store::outdate_estimates(tx, &[account]).await?;
    let latest = store::latest_period(tx).await?.ok_or(Error::NotPublished(new.from))?;
    if new.from <= latest || new.from > latest.plus(12) {
        return Err(Error::Field("from", "Первый платёж – в ещё не опубликованном месяце, не позже чем через год"));
    }
    recalculations::must_be_owed(tx, account, &new.service, new.total).await?;
    let row = instalment_plan::Model {
        tenant_id: tx.tenant_id(),
        id: tx.new_id(),
        account_id: account,
        service_code: new.service.clone(),
        basis: basis.clone(),
        debt_period: latest,
        total: new.total,
        parts: i32::try_from(new.parts).unwrap_or(1),
        from_period: new.from,
        percent,
        recorded_at: tx.now(),
        cancelled_at: None,
    };
    tx.insert(instalment_plan::ActiveModel::from(row.clone()).reset_all()).await?;
    let basis = format!("Рассрочка, {basis}");
    let out = New { service: &new.service, period: latest, amount: -new.total, basis: &basis };
    recalculations::transfer(tx, account, out, tx.now(), (Book::Instalments, row.id.0)).await?;
    let detail = serde_json::json!({ "service": new.service, "kopecks": new.total.0, "parts": new.parts });
    tx.audit("billing.instalments_agreed", account, detail).await?;
    Ok(stands(row, new.total))
}

fn percent(percent: Decimal) -> Result<Quantity, Error> {
    let within = percent >= Decimal::ZERO && percent <= Decimal::from(MOST_PERCENT);
    let quantity = Quantity::from_decimal(percent).filter(|_| within);
    quantity.ok_or(Error::Field("percent", "Проценты за рассрочку – число от 0 до 100, годовых"))
}

fn stands(row: instalment_plan::Model, remaining: Money) -> Plan {
    Plan {
        id: row.id,
        account: row.account_id,
        service: row.service_code,
        total: row.total,
        parts: row.parts.unsigned_abs(),
        from: row.from_period,
        percent: row.percent.decimal().normalize(),
        basis: row.basis,
        remaining: if row.cancelled_at.is_some() { Money::ZERO } else { remaining },
        cancelled: row.cancelled_at.is_some(),
    }
}

/// The account's agreements, the latest first.
pub async fn list(tx: &Tx, account: AccountId) -> Result<Vec<Plan>, DbError> {
    let mine = instalment_plan::Entity::find().filter(instalment_plan::Column::AccountId.eq(account));
    let parts = instalment::Entity::find().filter(instalment::Column::AccountId.eq(account));
    let parts = tx.all(parts.order_by_asc(instalment::Column::Period)).await?;
    let plans = tx.all(mine.order_by_desc(instalment_plan::Column::Id)).await?;
    let left = |plan: &instalment_plan::Model| {
        let last = parts.iter().rev().find(|part| part.plan_id == plan.id);
        last.map_or(plan.total, |part| part.remaining)
    };
    Ok(plans.into_iter().map(|plan| (left(&plan), plan)).map(|(left, plan)| stands(plan, left)).collect())
}

/// Cancels an agreement that is not kept: what no bill has asked for yet is due with the next one.
pub async fn cancel(tx: &mut Tx, id: PlanId) -> Result<Plan, Error> {
    let one = instalment_plan::Entity::find().filter(instalment_plan::Column::Id.eq(id));
    let plan = tx.one(one).await?.ok_or(Error::NoSuchAgreement)?;
    if plan.cancelled_at.is_some() {
        return Ok(stands(plan, Money::ZERO));
    }
    store::outdate_estimates(tx, &[plan.account_id]).await?;
    // What is on a bill stays there; the sum that it left out of balance comes back at once.
    let billed = recalculations::withdraw_transfers(tx, id.0, Book::Instalments).await?;
    if billed != Money::ZERO {
        let basis = format!("Рассрочка отменена, {}", plan.basis);
        let back = New { service: &plan.service_code, period: plan.debt_period, amount: -billed, basis: &basis };
        recalculations::transfer(tx, plan.account_id, back, tx.now(), (Book::Instalments, id.0)).await?;
    }
    tx.update(instalment_plan::ActiveModel {
        tenant_id: Unchanged(tx.tenant_id()),
        id: Unchanged(id),
        cancelled_at: Set(Some(tx.now())),
        ..Default::default()
    })
    .await?;
    let detail = serde_json::json!({ "plan": id, "back": -billed.0 });
    tx.audit("billing.instalments_cancelled", plan.account_id, detail).await?;
    Ok(Plan { cancelled: true, ..stands(plan, Money::ZERO) })
}

/// Records the parts that the bills of `period` ask for, once; they count as recorded at `at`. A month that had no
/// bill is made up for by the next.
pub(crate) async fn call_due(tx: &Tx, period: Period, at: Timestamp) -> Result<(), Error> {
    let open = instalment_plan::Entity::find()
        .filter(instalment_plan::Column::CancelledAt.is_null())
        .filter(instalment_plan::Column::FromPeriod.lte(period))
        .filter(instalment_plan::Column::RecordedAt.lte(at));
    for plan in tx.all(open).await? {
        let before = instalment::Entity::find().filter(instalment::Column::PlanId.eq(plan.id));
        let before = tx.one(before.order_by_desc(instalment::Column::Period)).await?;
        let outstanding = before.as_ref().map_or(plan.total, |part| part.remaining);
        if outstanding == Money::ZERO || before.is_some_and(|part| part.period >= period) {
            continue;
        }
        let number = months_since(plan.from_period, period).min(plan.parts.unsigned_abs() - 1);
        let remaining = remaining(plan.total, number, plan.parts.unsigned_abs());
        let (amount, interest) = (outstanding - remaining, interest(outstanding, plan.percent, period));
        let row = instalment::Model {
            tenant_id: tx.tenant_id(),
            plan_id: plan.id,
            period,
            account_id: plan.account_id,
            amount,
            interest,
            remaining,
        };
        tx.insert(instalment::ActiveModel::from(row).reset_all()).await?;
        call(tx, &plan, number, (amount, interest), at).await?;
    }
    Ok(())
}

async fn call(
    tx: &Tx,
    plan: &instalment_plan::Model,
    number: u32,
    (amount, interest): (Money, Money),
    at: Timestamp,
) -> Result<(), Error> {
    let part = format!("Рассрочка, {}: платёж {} из {}", plan.basis, number + 1, plan.parts);
    let percent = plan.percent;
    let charge = format!("Проценты за рассрочку, {percent} % годовых");
    for (book, amount, basis) in [(Book::Instalments, amount, &part), (Book::Interest, interest, &charge)] {
        if amount != Money::ZERO {
            let new = New { service: &plan.service_code, period: plan.debt_period, amount, basis };
            recalculations::transfer(tx, plan.account_id, new, at, (book, plan.id.0)).await?;
        }
    }
    Ok(())
}

fn months_since(from: Period, period: Period) -> u32 {
    let index = |period: Period| period.year() * 12 + period.month().cast_signed();
    u32::try_from(index(period) - index(from)).unwrap_or_default()
}

/// What remains of `total` after the part at `number` (from 0) of `parts` equal ones.
fn remaining(total: Money, number: u32, parts: u32) -> Money {
    Money(total.0 - total.0 * i64::from(number + 1) / i64::from(parts))
}

/// A month's interest on what was not paid back when it began, by its days of the year, rounded half-up.
fn interest(outstanding: Money, percent: Quantity, period: Period) -> Money {
    let days = period.last_day().0 % 100;
    let year = if Period(period.year() * 100 + 2).last_day().0 % 100 == 29 { 366 } else { 365 };
    let exact = Decimal::from(outstanding.0) * percent.decimal() * Decimal::from(days) / Decimal::from(100 * year);
    Money(round_half_up(exact, 0).try_into().unwrap_or_default())
}

/// The parts that the bills of `period` ask for, of the accounts `first` to `last`.
pub(crate) async fn in_month(
    tx: &Tx,
    period: Period,
    first: AccountId,
    last: AccountId,
) -> Result<Vec<DuePart>, DbError> {
    tx.rows(
        "SELECT i.account_id, p.service_code, i.amount, i.interest, p.percent, i.remaining
         FROM instalment i JOIN instalment_plan p ON p.tenant_id = i.tenant_id AND p.id = i.plan_id
         WHERE i.tenant_id = $1 AND i.account_id BETWEEN $2 AND $3 AND i.period = $4 AND p.cancelled_at IS NULL
         ORDER BY i.account_id, i.plan_id",
        vec![first.into(), last.into(), period.into()],
    )
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn interest_goes_by_the_days_of_the_month() {
        // 6 000 ₽ × 7 % × 30 ÷ 365 = 34.5205 ₽; in a leap February 6 000 × 7 % × 29 ÷ 366 = 33.2787 ₽.
        let seven = Quantity::whole(7);
        assert_eq!(interest(Money(600_000), seven, Period(202_611)), Money(3_452));
        assert_eq!(interest(Money(600_000), seven, Period(202_802)), Money(3_328));
        assert_eq!(interest(Money(600_000), Quantity::ZERO, Period(202_611)), Money::ZERO);
    }

    proptest! {
        #[test]
        fn parts_are_equal_to_a_kopeck_and_leave_nothing(total in 1_i64..10_000_000, parts in 1_u32..60) {
            let mut before = Money(total);
            for number in 0..parts {
                let after = remaining(Money(total), number, parts);
                let equal = total / i64::from(parts);
                prop_assert!((equal..=equal + 1).contains(&(before - after).0));
                before = after;
            }
            prop_assert_eq!(before, Money::ZERO);
        }
    }
}
