//! The append-only double-entry ledger. An entry moves a positive sum from `credit` to `debit`, so
//! every entry balances; a correction is another entry.
//!
//! Accounts of the books: `receivable` (what payers owe), `revenue` (what was charged), `penalty`,
//! `bank:<source>` (what came in), `instalments` and `awards` (debt that left the balance of its service),
//! `interest` (for instalments), `court_costs`. The entry's service and receipt kind say of what. Entries of a run
//! count once the run is published.

use kabinet_contracts::AccountId;
use kabinet_core::{DbError, Money, Tx};
use sea_orm::FromQueryResult;

use crate::calculation::ServiceCharge;

/// What payers owe.
pub const RECEIVABLE: &str = "receivable";
/// What was charged for services.
pub const REVENUE: &str = "revenue";
/// What was charged as penalty.
pub const PENALTY: &str = "penalty";

/// Lines a service may have in one source.
const LINES_A_SERVICE: usize = 8;

/// Which account of the books a correction is posted to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Book {
    /// What was charged for services: the correction changes it.
    #[default]
    Revenue,
    /// Debt that is paid in instalments: it leaves the balance of its service and comes back part by part.
    Instalments,
    /// Interest for instalments.
    Interest,
    /// Debt that a court awarded: it leaves the balance of its service for good.
    Awards,
}

impl Book {
    const ALL: [Self; 4] = [Self::Revenue, Self::Instalments, Self::Interest, Self::Awards];

    /// The account's name in the books.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Revenue => REVENUE,
            Self::Instalments => "instalments",
            Self::Interest => "interest",
            Self::Awards => "awards",
        }
    }

    /// The account of that name; revenue for one that is not known.
    #[must_use]
    pub fn of(code: &str) -> Self {
        Self::ALL.into_iter().find(|book| book.code() == code).unwrap_or_default()
    }
}

/// An entry before it has a source and a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Number of the line, unique for the account within its source.
    pub line: i32,
    /// Code of the receipt kind.
    pub kind: String,
    /// Code of the service; empty for a payment, which is not divided when it is booked.
    pub service: String,
    /// The account of the books that gains.
    pub debit: String,
    /// The account of the books that gives.
    pub credit: String,
    /// The sum, above zero.
    pub amount: Money,
}

impl Posting {
    /// The entry for a sum that may be negative (then the sides change places); none for zero.
    #[must_use]
    pub fn new(line: i32, kind: &str, service: &str, debit: &str, credit: &str, amount: Money) -> Option<Self> {
        if amount == Money::ZERO {
            return None;
        }
        let (debit, credit) = if amount.0 > 0 { (debit, credit) } else { (credit, debit) };
        let text = str::to_owned;
        let amount = Money(amount.0.abs());
        Some(Self { line, kind: text(kind), service: text(service), debit: text(debit), credit: text(credit), amount })
    }
}

/// The entries of a charge: the month, its recalculation, its penalty, and debt that moves to or from other books.
pub(crate) fn postings_of_charge(position: usize, charge: &ServiceCharge) -> Vec<Posting> {
    let first = i32::try_from(position * LINES_A_SERVICE).unwrap_or(i32::MAX - 8);
    let moved: Money = charge.moved.iter().map(|(_, amount)| *amount).sum();
    let own = [(REVENUE, charge.charged), (REVENUE, charge.recalculation - moved), (PENALTY, charge.penalty)];
    let moves = charge.moved.iter().map(|(book, amount)| (book.code(), *amount));
    let entry =
        |(line, (credit, amount))| Posting::new(line, &charge.kind, &charge.service, RECEIVABLE, credit, amount);
    (first..).zip(own.into_iter().chain(moves)).filter_map(entry).collect()
}

/// The balance of a receipt kind as the ledger has it.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Balance {
    /// Code of the receipt kind.
    pub kind_code: String,
    /// What is owed: debt positive, overpayment negative.
    pub balance: Money,
}

/// What the account owes by receipt kind, derived from the ledger alone: published runs and all
/// payments. The stored figure is the latest receipt's sum less later payments; both are always equal.
pub async fn balances(tx: &Tx, account: AccountId) -> Result<Vec<Balance>, DbError> {
    tx.rows(
        "SELECT s.kind_code, CAST(SUM(s.effect) AS BIGINT) AS balance FROM (
           SELECT e.kind_code, CASE WHEN e.debit = 'receivable' THEN e.amount ELSE -e.amount END AS effect
           FROM billing_run r
           JOIN ledger_entry e ON e.tenant_id = r.tenant_id AND e.source_id = r.id AND e.account_id = $2
           WHERE r.tenant_id = $1 AND r.state = 'published'
           UNION ALL
           SELECT e.kind_code, CASE WHEN e.debit = 'receivable' THEN e.amount ELSE -e.amount END AS effect
           FROM payment p
           JOIN ledger_entry e ON e.tenant_id = p.tenant_id AND e.source_id = p.id AND e.account_id = p.account_id
           WHERE p.tenant_id = $1 AND p.account_id = $2
         ) s GROUP BY s.kind_code ORDER BY s.kind_code",
        vec![account.0.into()],
    )
    .await
}

/// The account's balances as they are stored: each kind's latest published receipt less the payments booked
/// after that run's cut-off.
pub async fn stored_balances(tx: &Tx, account: AccountId) -> Result<Vec<Balance>, DbError> {
    tx.rows(
        "SELECT s.kind_code, CAST(SUM(s.effect) AS BIGINT) AS balance FROM (
           SELECT c.kind_code, c.to_pay AS effect
           FROM receipt c
           WHERE c.tenant_id = $1 AND c.account_id = $2 AND c.run_id = (
             SELECT r.id FROM receipt l JOIN billing_run r ON r.tenant_id = l.tenant_id AND r.id = l.run_id
             WHERE l.tenant_id = $1 AND l.account_id = $2 AND r.state = 'published'
             ORDER BY r.period DESC LIMIT 1)
           UNION ALL
           SELECT p.kind_code, -p.amount AS effect
           FROM payment p
           WHERE p.tenant_id = $1 AND p.account_id = $2 AND p.booked_at > COALESCE((
             SELECT r.cutoff_at FROM receipt l JOIN billing_run r ON r.tenant_id = l.tenant_id AND r.id = l.run_id
             WHERE l.tenant_id = $1 AND l.account_id = $2 AND r.state = 'published'
             ORDER BY r.period DESC LIMIT 1), 0)
         ) s GROUP BY s.kind_code ORDER BY s.kind_code",
        vec![account.0.into()],
    )
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_negative_sum_changes_sides() {
        let back = Posting::new(1, "main", "waste", RECEIVABLE, REVENUE, Money(-5)).expect("a posting");
        assert_eq!((back.debit.as_str(), back.credit.as_str(), back.amount), (REVENUE, RECEIVABLE, Money(5)));
        assert_eq!(Posting::new(1, "main", "waste", RECEIVABLE, REVENUE, Money(0)), None);
    }

    proptest! {
        #[test]
        fn entries_are_positive_and_change_the_balance_by_their_sum(amounts in prop::collection::vec(-1_000_000_i64..1_000_000, 0..20)) {
            let entries: Vec<Posting> = amounts.iter().filter_map(|a| Posting::new(0, "main", "x", RECEIVABLE, REVENUE, Money(*a))).collect();
            prop_assert!(entries.iter().all(|entry| entry.amount.0 > 0));
            let side = |account: &str| -> i64 {
                let sign = |entry: &Posting| i64::from(entry.debit == account) - i64::from(entry.credit == account);
                entries.iter().map(|entry| sign(entry) * entry.amount.0).sum()
            };
            prop_assert_eq!(side(RECEIVABLE), amounts.iter().sum::<i64>());
            prop_assert_eq!(side(REVENUE), -side(RECEIVABLE), "what one account gets the other gives");
        }
    }
}
