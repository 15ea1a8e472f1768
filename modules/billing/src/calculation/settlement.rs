//! What payments and lateness make of an account's lines: credits, penalties, and the arrears that remain.

use kabinet_core::{Money, Period};

use super::rows::ServiceCharge;
use super::{PaymentFact, Standing};
use crate::allocation::{Named, credit, credit_penalties};
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
    let last = plan.period.previous();
    let open = |charge: &&mut ServiceCharge| {
        let arrears = standing.arrears.get(&charge.service).cloned().unwrap_or_default();
        let mut owed = arrears.opened(charge.opening, last);
        let credits = credits(plan, standing, &charge.service);
        let credited: Money = credits.iter().map(|(_, amount)| *amount).sum();
        owed.charge(charge.charged + charge.recalculation + credited);
        credits.into_iter().for_each(|(month, amount)| owed.credit(month, amount));
        owed
    };
    let mut owed: Vec<Owed> = charges.iter().map(open).collect();
    let debts: Vec<Vec<(Period, Money)>> = owed.iter().map(|owed| owed.months.clone()).collect();
    let (mut repaid, left) = credit_payments(plan, charges, &mut owed, payments);
    // Payments are credited as they were booked; lateness goes by the days they were paid.
    repaid.iter_mut().for_each(|of_service| of_service.sort_by_key(|repayment| repayment.paid_on));
    for (((charge, owed), debts), repaid) in charges.iter_mut().zip(&mut owed).zip(&debts).zip(&repaid) {
        penalise(plan, charge, owed, debts, repaid);
    }
    for (charge, part) in charges.iter_mut().zip(credit_penalties(&mut owed, left)) {
        charge.counted += part;
    }
    for charge in charges.iter_mut() {
        let added = charge.charged + charge.recalculation + charge.penalty;
        charge.to_pay = charge.opening + added - charge.counted;
    }
    let carried = charges.iter().zip(owed).map(|(charge, owed)| (charge.service.clone(), owed.carried()));
    carried.filter(|(_, arrears)| *arrears != Arrears::default()).collect()
}

/// What corrections give a service back, with the month whose charge they correct. Debt that moves to an order of its own
/// (instalments, an award) names none: it is the oldest. Neither pays the month's own charge while older debt is there,
/// which would go on bearing a penalty that nobody owes.
fn credits(plan: &Plan, standing: &Standing, service: &str) -> Vec<(Option<Period>, Money)> {
    if !plan.snapshot.credits_pay_debts {
        return Vec::new();
    }
    let given_back = |(code, correction): &&(String, Correction)| code == service && correction.amount < Money::ZERO;
    let month = |correction: &Correction| (correction.book == Book::Revenue).then_some(correction.period);
    let mine = standing.corrections.iter().filter(given_back);
    mine.map(|(_, correction)| (month(correction), -correction.amount)).collect()
}

/// Credits principal: what was repaid of each service's earlier months, and what is left of the payments.
fn credit_payments(
    plan: &Plan,
    charges: &mut [&mut ServiceCharge],
    owed: &mut [Owed],
    payments: &[&PaymentFact],
) -> (Vec<Vec<Repayment>>, Money) {
    let claimable = plan.period.plus(-LIMITATION_MONTHS);
    let mut repaid: Vec<Vec<Repayment>> = vec![Vec::new(); owed.len()];
    let mut left = Money::ZERO;
    for payment in payments {
        let named = match payment.period {
            Some(period) if period == plan.period => Named::Running,
            Some(period) => Named::Month(period),
            None => Named::None,
        };
        let credited = credit(owed, payment.amount, named, claimable);
        for part in credited.repaid {
            let repayment = Repayment { debt: part.period, paid_on: payment.paid_on, amount: part.amount };
            repaid[part.service].push(repayment);
        }
        for (charge, part) in charges.iter_mut().zip(credited.parts) {
            charge.counted += part;
        }
        left += credited.left;
    }
    (repaid, left)
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
