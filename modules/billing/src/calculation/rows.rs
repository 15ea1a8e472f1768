//! The rows of one account's bill: charges, receipts, ledger entries, frozen facts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kabinet_contracts::AccountId;
use kabinet_core::{Money, Period, Quantity};
use kabinet_plugin_host::api::{AccountCharges, Basis, Line, Method, Recalculation};
use sha2::{Digest, Sha256};

use super::{PaymentFact, Standing, settlement};
use crate::arrears::Arrears;
use crate::catalog::Service;
use crate::ledger::{self, Book, Posting};
use crate::plan::Plan;
use crate::totals::Totals;
use crate::trace::{self, Correction};

/// How a line that only carries a balance over is marked.
pub(crate) const CARRIED: &str = "carried";

/// One service of a bill. Opening + charged + recalculation + penalty − counted = to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceCharge {
    /// Code of the service.
    pub service: String,
    /// Code of its receipt kind.
    pub kind: String,
    /// The plugin's method by name, or `carried`.
    pub method: &'static str,
    /// Billed volume.
    pub volume: Option<Quantity>,
    /// Roubles a unit; none for zones and ranges.
    pub tariff: Option<Quantity>,
    /// The norm used.
    pub norm: Option<Quantity>,
    /// The raising coefficient used.
    pub coefficient: Option<Quantity>,
    /// Balance at the start.
    pub opening: Money,
    /// The month's charge with the excess.
    pub charged: Money,
    /// What the raising coefficient adds, part of `charged`.
    pub excess: Money,
    /// Corrections of earlier months.
    pub recalculation: Money,
    /// Penalty.
    pub penalty: Money,
    /// Payments counted, with what other services of the receipt kind gave of what they are ahead; below zero where it
    /// gave more than it got.
    pub counted: Money,
    /// What remains; negative is an overpayment.
    pub to_pay: Money,
    /// The reasons, as [`trace::encode`] writes them.
    pub trace: String,
    /// Which part of `recalculation` moves debt to or from other books.
    pub moved: Vec<(Book, Money)>,
    /// Which part of `recalculation` the plugin takes off earlier months.
    pub returned: Vec<Returned>,
}

/// What a plugin's line takes off the charge of an earlier month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Returned {
    /// The month.
    pub period: Period,
    /// Kopecks, above zero.
    pub amount: Money,
    /// Whether the month was charged in vain; a yearly correction is due only now.
    pub in_vain: bool,
}

/// One account's bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRows {
    /// The account.
    pub account: AccountId,
    /// Its services.
    pub charges: Vec<ServiceCharge>,
    /// Its receipts: code of the kind and sums.
    pub receipts: Vec<(String, Totals)>,
    /// What is booked when the run is published.
    pub postings: Vec<Posting>,
    /// What remains unpaid of months before this one, by service code.
    pub arrears: Vec<(String, Arrears)>,
    /// The frozen facts as JSON.
    pub facts: String,
}

/// The bill of one account.
pub(super) fn bill(
    plan: &Plan,
    account: AccountId,
    standing: &Standing,
    answer: &AccountCharges,
    facts: String,
) -> AccountRows {
    let mut charges = Vec::with_capacity(answer.lines.len());
    for line in &answer.lines {
        let position = plan.owner(line.service);
        if let Some((service, _)) = plan.snapshot.services.get(position) {
            let opening = standing.openings.get(&service.code).copied().unwrap_or_default();
            charges.push((position, charge(plan.period, service, opening, line)));
        }
    }
    for (position, (service, _)) in plan.snapshot.services.iter().enumerate() {
        let opening = standing.openings.get(&service.code).copied().unwrap_or_default();
        if opening != Money::ZERO && !charges.iter().any(|(at, _)| *at == position) {
            charges.push((position, carried(&service.code, &service.kind, opening)));
        }
    }
    correct(plan, standing, &mut charges);
    charges.sort_by_key(|(position, _)| *position);
    let arrears = settle_kinds(plan, standing, &mut charges);
    let postings =
        charges.iter().flat_map(|(position, charge)| ledger::postings_of_charge(*position, charge)).collect();
    let charges: Vec<ServiceCharge> = charges.into_iter().map(|(_, charge)| charge).collect();
    AccountRows { account, receipts: receipts(plan, &charges), postings, arrears, facts, charges }
}

fn charge(period: Period, service: &Service, opening: Money, line: &Line) -> ServiceCharge {
    let charged = Money(line.amount + line.excess);
    let recalculation: Money = line.recalculations.iter().map(|correction| Money(correction.amount)).sum();
    ServiceCharge {
        service: service.code.clone(),
        kind: service.kind.clone(),
        method: method_name(line.method),
        volume: Quantity::from_decimal(line.volume),
        tariff: line.tariff().and_then(Quantity::from_decimal),
        norm: line.norm.and_then(Quantity::from_decimal),
        coefficient: line.coefficient.and_then(Quantity::from_decimal),
        opening,
        charged,
        excess: Money(line.excess),
        recalculation,
        penalty: Money::ZERO,
        counted: Money::ZERO,
        to_pay: opening + charged + recalculation,
        trace: trace::encode(line),
        moved: Vec::new(),
        returned: returned(period, line),
    }
}

fn returned(period: Period, line: &Line) -> Vec<Returned> {
    let month = |of: &Recalculation| Period(i32::from(of.period.year) * 100 + i32::from(of.period.month));
    let earlier = line.recalculations.iter().filter(|of| of.amount < 0 && month(of) < period);
    let back = |of: &Recalculation| Returned {
        period: month(of),
        amount: Money(-of.amount),
        in_vain: of.basis != Basis::Correction,
    };
    earlier.map(back).collect()
}

/// A line for a balance alone: of a service that is not charged this month.
pub(super) fn carried(code: &str, kind: &str, opening: Money) -> ServiceCharge {
    ServiceCharge {
        service: code.to_owned(),
        kind: kind.to_owned(),
        method: CARRIED,
        volume: None,
        tariff: None,
        norm: None,
        coefficient: None,
        opening,
        charged: Money::ZERO,
        excess: Money::ZERO,
        recalculation: Money::ZERO,
        penalty: Money::ZERO,
        counted: Money::ZERO,
        to_pay: opening,
        trace: String::new(),
        moved: Vec::new(),
        returned: Vec::new(),
    }
}

/// Bills corrections of closed months, on a line of their own where the service is not charged this month.
fn correct(plan: &Plan, standing: &Standing, charges: &mut Vec<(usize, ServiceCharge)>) {
    for (position, (service, _)) in plan.snapshot.services.iter().enumerate() {
        let mine = standing.corrections.iter().filter(|(code, _)| *code == service.code);
        let mine: Vec<Correction> = mine.map(|(_, correction)| correction.clone()).collect();
        if mine.is_empty() {
            continue;
        }
        if !charges.iter().any(|(at, _)| *at == position) {
            charges.push((position, carried(&service.code, &service.kind, Money::ZERO)));
        }
        for (_, charge) in charges.iter_mut().filter(|(at, _)| *at == position).take(1) {
            charge.recalculation += mine.iter().map(|correction| correction.amount).sum::<Money>();
            trace::add_corrections(&mut charge.trace, &mine);
            charge.moved = moved(&mine);
        }
    }
}

/// The sums of corrections that belong to other books than revenue.
fn moved(corrections: &[Correction]) -> Vec<(Book, Money)> {
    let mut sums: BTreeMap<Book, Money> = BTreeMap::new();
    for correction in corrections.iter().filter(|correction| correction.book != Book::Revenue) {
        *sums.entry(correction.book).or_default() += correction.amount;
    }
    sums.into_iter().collect()
}

/// Settles each receipt kind by itself: a payment on one never pays another.
fn settle_kinds(plan: &Plan, standing: &Standing, charges: &mut Vec<(usize, ServiceCharge)>) -> Vec<(String, Arrears)> {
    let mut arrears = Vec::new();
    for kind in &plan.snapshot.kinds {
        let payments: Vec<&PaymentFact> =
            standing.payments.iter().filter(|payment| payment.counted && payment.kind == kind.code).collect();
        if !payments.is_empty() && !charges.iter().any(|(_, charge)| charge.kind == kind.code) {
            add_first_service(plan, &kind.code, charges);
        }
        let own = charges.iter_mut().map(|(_, charge)| charge).filter(|charge| charge.kind == kind.code);
        arrears.extend(settlement::settle(plan, standing, &mut own.collect::<Vec<_>>(), &payments));
    }
    arrears
}

/// A line to credit payments to where the account has none of their kind.
fn add_first_service(plan: &Plan, kind: &str, charges: &mut Vec<(usize, ServiceCharge)>) {
    let first = plan.snapshot.services.iter().enumerate().find(|(_, (service, _))| service.kind == kind);
    if let Some((position, (service, _))) = first {
        charges.push((position, carried(&service.code, kind, Money::ZERO)));
        charges.sort_by_key(|(position, _)| *position);
    }
}

fn receipts(plan: &Plan, charges: &[ServiceCharge]) -> Vec<(String, Totals)> {
    let of_kind = |code: &str| {
        let mut own = charges.iter().filter(|charge| charge.kind == code).peekable();
        own.peek()?;
        Some((code.to_owned(), own.sum()))
    };
    plan.snapshot.kinds.iter().filter_map(|kind| of_kind(&kind.code)).collect()
}

const METHODS: [(Method, &str); 9] = [
    (Method::Meter, "meter"),
    (Method::Average, "average"),
    (Method::Norm, "norm"),
    (Method::NormRaised, "norm_raised"),
    (Method::Derived, "derived"),
    (Method::Area, "area"),
    (Method::Persons, "persons"),
    (Method::HouseShare, "house_share"),
    (Method::Fixed, "fixed"),
];

fn method_name(method: Method) -> &'static str {
    METHODS.iter().find(|(known, _)| *known == method).map_or("fixed", |(_, name)| name)
}

/// The plugin's method behind a stored name; none for a carried balance.
pub(crate) fn method(name: &str) -> Option<Method> {
    METHODS.iter().find(|(_, known)| *known == name).map(|(method, _)| *method)
}

impl AccountRows {
    /// The next link of the chain of hashes over a run's accounts: the same rows in the same order give
    /// the same hash, however they were batched. Identifiers of the run and moments are left out.
    #[must_use]
    pub(crate) fn chained(&self, before: [u8; 32], scratch: &mut String) -> [u8; 32] {
        scratch.clear();
        let _ = write!(scratch, "{}", self.account);
        for c in &self.charges {
            let number = |quantity: Option<Quantity>| quantity.map_or(i64::MIN, |quantity| quantity.0);
            let _ = write!(
                scratch,
                "\u{1e}{}\u{1f}{}\u{1f}{}\u{1f}{}\u{1f}{}\u{1f}{}\u{1f}{}\u{1f}{}\u{1f}{}\u{1f}{}\u{1f}{}\u{1f}{}\u{1f}{}\u{1f}{}",
                c.service,
                c.kind,
                c.method,
                number(c.volume),
                number(c.tariff),
                number(c.norm),
                number(c.coefficient),
                c.opening.0,
                c.charged.0,
                c.excess.0,
                c.recalculation.0,
                c.penalty.0,
                c.counted.0,
                c.trace,
            );
        }
        for (service, arrears) in &self.arrears {
            let _ = write!(scratch, "\u{1e}{service}\u{1f}{}", arrears.penalty.0);
            for (period, principal) in &arrears.months {
                let _ = write!(scratch, "\u{1f}{}\u{1f}{}", period.0, principal.0);
            }
        }
        let _ = write!(scratch, "\u{1e}{}", self.facts);
        let mut hash = Sha256::new();
        hash.update(before);
        hash.update(scratch.as_bytes());
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::enum_name;

    #[test]
    fn methods_are_stored_by_the_names_of_the_contract() {
        for (known, name) in METHODS {
            assert_eq!(enum_name(known), name);
            assert_eq!(method(name), Some(known));
        }
        assert_eq!(method(CARRIED), None);
    }
}
