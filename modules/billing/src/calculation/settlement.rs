//! What payments and lateness make of an account's lines: credits, penalties, and the arrears that remain.
//!
//! A receipt kind is paid as a whole: what one of its services is ahead pays what the others owe, before the month's days
//! count and again when all is settled, so that a receipt with an overpayment bears no penalty.

use kabinet_core::{Money, Period};

use super::rows::{Returned, ServiceCharge};
use super::{PaymentFact, Standing};
use crate::allocation::{self, Named, credit, credit_penalties};
use crate::arrears::{Arrears, Owed};
use crate::ledger::Book;
use crate::penalty::{self, Month, Repayment};
use crate::plan::Plan;
use crate::trace::{self, Correction};

/// Months after which a debt may no longer be claimed (ГК РФ ст. 196), unless a payment names it.
const LIMITATION_MONTHS: i32 = 36;

/// Settles the lines of one receipt kind, in the order of their services: credits the counted payments,
/// adds the penalty, and gives the arrears that remain, by service code.
pub(super) fn settle(
    plan: &Plan,
    standing: &Standing,
    charges: &mut [&mut ServiceCharge],
    payments: &[&PaymentFact],
) -> Vec<(String, Arrears)> {
    let (mut owed, mut repaid): (Vec<Owed>, Vec<Vec<Repayment>>) =
        charges.iter().map(|charge| open(plan, standing, charge)).unzip();
    share_overpayment(plan, charges, &mut owed);
    let debts: Vec<_> = owed.iter().zip(&repaid).map(|(owed, repaid)| debts_before(owed, repaid)).collect();
    let left = credit_payments(plan, charges, (&mut owed, &mut repaid), payments);
    // Payments are credited as they were booked; lateness goes by the days they were paid.
    repaid.iter_mut().for_each(|of_service| of_service.sort_by_key(|repayment| repayment.paid_on));
    for (((charge, owed), debts), repaid) in charges.iter_mut().zip(&mut owed).zip(&debts).zip(&repaid) {
        penalise(plan, charge, owed, debts, repaid);
    }
    for (charge, part) in charges.iter_mut().zip(credit_penalties(&mut owed, left)) {
        charge.counted += part;
    }
    // Penalty that was given back may be more than a service owes.
    share_overpayment(plan, charges, &mut owed);
    for charge in charges.iter_mut() {
        let added = charge.charged + charge.recalculation + charge.penalty;
        charge.to_pay = charge.opening + added - charge.counted;
    }
    let carried = charges.iter().zip(owed).map(|(charge, owed)| (charge.service.clone(), owed.carried()));
    carried.filter(|(_, arrears)| *arrears != Arrears::default()).collect()
}

/// What a service gets back beside payments.
struct Credit {
    /// The month whose charge it corrects; none for debt that moves to an order of its own, which is the oldest.
    month: Option<Period>,
    amount: Money,
    /// Whether the month was charged in vain, and with it the penalty since.
    in_vain: bool,
}

/// What a service owes with the month's charge, and what of it comes off months that were charged in vain: as if it had
/// been paid when they ended.
fn open(plan: &Plan, standing: &Standing, charge: &ServiceCharge) -> (Owed, Vec<Repayment>) {
    let arrears = standing.arrears.get(&charge.service).cloned().unwrap_or_default();
    let mut owed = arrears.opened(charge.opening, plan.period.previous());
    let (mut repaid, mut credited) = (Vec::new(), Money::ZERO);
    for Credit { month, amount, in_vain } in credits(plan, standing, charge) {
        credited += amount;
        let part = owed.credit(month, amount);
        if let Some(debt) = month.filter(|_| in_vain && part > Money::ZERO) {
            repaid.push(Repayment { debt, paid_on: debt.last_day(), amount: part });
        }
    }
    owed.charge(charge.charged + charge.recalculation + credited);
    (owed, repaid)
}

/// What corrections and the plugin's line give a service back. None of it pays the month's own charge while older debt
/// is there, which would go on bearing a penalty that nobody owes.
fn credits(plan: &Plan, standing: &Standing, charge: &ServiceCharge) -> Vec<Credit> {
    let rules = &plan.snapshot;
    let corrections = standing.corrections.iter().filter(|(code, correction)| {
        rules.credits_pay_debts && *code == charge.service && correction.amount < Money::ZERO
    });
    let corrections = corrections.map(|(_, Correction { period, amount, book, .. })| {
        let month = (*book == Book::Revenue).then_some(*period);
        Credit { month, amount: -*amount, in_vain: rules.overpaid_is_paid }
    });
    let returned = charge.returned.iter().filter(|_| rules.overpaid_is_paid);
    let returned =
        returned.map(|&Returned { period, amount, in_vain }| Credit { month: Some(period), amount, in_vain });
    corrections.chain(returned).collect()
}

/// What one service of the receipt kind is ahead pays what the others owe.
fn share_overpayment(plan: &Plan, charges: &mut [&mut ServiceCharge], owed: &mut [Owed]) {
    if plan.snapshot.overpaid_is_paid {
        for (charge, part) in charges.iter_mut().zip(allocation::share_overpayment(owed, claimable(plan))) {
            charge.counted += part;
        }
    }
}

/// The first month whose debt may still be claimed.
fn claimable(plan: &Plan) -> Period {
    plan.period.plus(-LIMITATION_MONTHS)
}

/// What was owed for each month before `repaid` was paid.
fn debts_before(owed: &Owed, repaid: &[Repayment]) -> Vec<(Period, Money)> {
    let paid = |month: Period| repaid.iter().filter(|of| of.debt == month).map(|of| of.amount).sum::<Money>();
    owed.months.iter().map(|(month, principal)| (*month, *principal + paid(*month))).collect()
}

/// Credits principal: adds what was repaid of each service's earlier months, and gives what is left of the payments.
fn credit_payments(
    plan: &Plan,
    charges: &mut [&mut ServiceCharge],
    (owed, repaid): (&mut [Owed], &mut [Vec<Repayment>]),
    payments: &[&PaymentFact],
) -> Money {
    let mut left = Money::ZERO;
    for payment in payments {
        let named = match payment.period {
            Some(period) if period == plan.period => Named::Running,
            Some(period) => Named::Month(period),
            None => Named::None,
        };
        let credited = credit(owed, payment.amount, named, claimable(plan));
        for part in credited.repaid {
            let repayment = Repayment { debt: part.period, paid_on: payment.paid_on, amount: part.amount };
            repaid[part.service].push(repayment);
        }
        for (charge, part) in charges.iter_mut().zip(credited.parts) {
            charge.counted += part;
        }
        left += credited.left;
    }
    left
}

fn penalise(plan: &Plan, charge: &mut ServiceCharge, owed: &mut Owed, debts: &[(Period, Money)], repaid: &[Repayment]) {
    let terms = &plan.snapshot.penalty;
    let low_only = plan.snapshot.service(&charge.service).is_some_and(|of| terms.low_only.contains(&of.section));
    let month = Month { terms, period: plan.period, low_only };
    let intervals = month.intervals(debts, repaid);
    if !intervals.is_empty() {
        charge.penalty = penalty::total(&intervals);
        owed.penalise(charge.penalty);
        trace::add_penalty(&mut charge.trace, &intervals);
    }
}

#[cfg(test)]
mod tests;
