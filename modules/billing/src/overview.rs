//! The figures of «Общая информация», in one statement: what the latest bill asks for, what was paid since, and what
//! readings have added. [`Figures`] says how they add up.

use std::collections::HashMap;

use kabinet_contracts::{AccountId, RunId};
use kabinet_core::{Day, DbError, Money, Period, Tx};
use sea_orm::FromQueryResult;

use crate::estimate::Preliminary;

/// What an account owes, and why. Kopecks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// The latest published run with a receipt of the account.
    pub run: RunId,
    /// Its period.
    pub period: Period,
    /// The last day to pay.
    pub due: Day,
    /// Balance at its start.
    pub opening: Money,
    /// Lines, recalculation and penalty.
    pub charged: Money,
    /// Payments counted in it.
    pub counted: Money,
    /// To pay for the period: opening + charged − counted.
    pub to_pay: Money,
    /// Payments after its cut-off.
    pub uncounted: Money,
    /// Debt now, overpayment negative: to pay − uncounted.
    pub debt: Money,
    /// The month after it.
    pub preliminary_period: Period,
    /// The estimate for that month.
    pub preliminary: Option<Money>,
    /// Debt with the estimate.
    pub to_pay_with_preliminary: Option<Money>,
}

/// The latest payment of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastPayment {
    /// The day it was paid.
    pub date: Day,
    /// The sum.
    pub amount: Money,
    /// Where it came from, as stored.
    pub source: String,
    /// The period of the receipt that counts it.
    pub counted_in: Option<Period>,
}

/// An account's figures: none before its first receipt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// The figures.
    pub figures: Option<Figures>,
    /// The latest payment.
    pub last_payment: Option<LastPayment>,
    /// Whether readings came since the estimate was computed.
    pub outdated: bool,
}

#[derive(FromQueryResult)]
struct Row {
    run_id: Option<RunId>,
    period: Option<Period>,
    due_on: Option<Day>,
    opening: Option<Money>,
    charged: Option<Money>,
    counted: Option<Money>,
    to_pay: Option<Money>,
    uncounted: Option<Money>,
    estimate_period: Option<Period>,
    estimate: Option<Money>,
    behind: i64,
    paid_on: Option<Day>,
    amount: Option<Money>,
    source: Option<String>,
    counted_in: Option<Period>,
}

/// The latest run with a receipt of the account is found first, by the receipts' key: joined the other way
/// round, both databases would read all receipts of the account (SQLite, without statistics, of the company).
/// CROSS JOIN keeps SQLite to this order; to PostgreSQL it is a join like any other.
const FIGURES: &str = "
WITH latest AS (
  SELECT c.run_id, r.period, r.due_on, r.cutoff_at,
         CAST(SUM(c.opening) AS BIGINT) AS opening,
         CAST(SUM(c.charged + c.recalculation + c.penalty) AS BIGINT) AS charged,
         CAST(SUM(c.counted) AS BIGINT) AS counted, CAST(SUM(c.to_pay) AS BIGINT) AS to_pay
  FROM (SELECT b.id, b.period, b.due_on, b.cutoff_at FROM billing_run b
        WHERE b.tenant_id = $1 AND b.state = 'published'
          AND EXISTS (SELECT 1 FROM receipt x WHERE x.tenant_id = $1 AND x.run_id = b.id AND x.account_id = $2)
        ORDER BY b.period DESC LIMIT 1) r
  CROSS JOIN receipt c
  WHERE c.tenant_id = $1 AND c.run_id = r.id AND c.account_id = $2
  GROUP BY c.run_id, r.period, r.due_on, r.cutoff_at),
paid AS (
  SELECT p.paid_on, p.amount, p.source, p.booked_at FROM payment p
  WHERE p.tenant_id = $1 AND p.account_id = $2 ORDER BY p.booked_at DESC, p.id DESC LIMIT 1)
SELECT l.run_id, l.period, l.due_on, l.opening, l.charged, l.counted, l.to_pay,
       (SELECT CAST(COALESCE(SUM(p.amount), 0) AS BIGINT) FROM payment p
        WHERE p.tenant_id = $1 AND p.account_id = $2 AND p.booked_at > l.cutoff_at) AS uncounted,
       e.period AS estimate_period, e.total AS estimate,
       COALESCE(e.wanted - e.computed, 0) AS behind,
       paid.paid_on, paid.amount, paid.source,
       (SELECT MIN(r.period) FROM billing_run r WHERE r.tenant_id = $1 AND r.state = 'published'
          AND r.cutoff_at >= paid.booked_at AND r.period <= l.period) AS counted_in
FROM (SELECT 1 AS one) always
LEFT JOIN latest l ON always.one = 1
LEFT JOIN paid ON always.one = 1
LEFT JOIN estimate e ON e.tenant_id = $1 AND e.account_id = $2";

/// The account's figures and latest payment: one statement.
pub async fn overview(tx: &Tx, account: AccountId) -> Result<Overview, DbError> {
    let rows: Vec<Row> = tx.rows(FIGURES, vec![account.0.into()]).await?;
    Ok(rows.into_iter().next().map(from_row).unwrap_or_default())
}

/// What each of these accounts owes now, kopecks; overpayment is negative. Accounts without a receipt are left
/// out. One statement; bring up to a few thousand.
pub async fn debts(tx: &Tx, accounts: &[AccountId]) -> Result<HashMap<AccountId, Money>, DbError> {
    #[derive(FromQueryResult)]
    struct Debt {
        account_id: AccountId,
        debt: Money,
    }
    if accounts.is_empty() {
        return Ok(HashMap::new());
    }
    let names: Vec<String> = (0..accounts.len()).map(|at| format!("${}", at + 2)).collect();
    let sql = format!(
        "SELECT l.account_id, CAST((SELECT SUM(c.to_pay) FROM receipt c
             WHERE c.tenant_id = $1 AND c.run_id = l.run_id AND c.account_id = l.account_id) AS BIGINT)
           - CAST((SELECT COALESCE(SUM(p.amount), 0) FROM payment p JOIN billing_run r ON r.tenant_id = $1 AND r.id = l.run_id
             WHERE p.tenant_id = $1 AND p.account_id = l.account_id AND p.booked_at > r.cutoff_at) AS BIGINT) AS debt
         FROM (SELECT a.id AS account_id, (SELECT b.id FROM billing_run b
                 WHERE b.tenant_id = $1 AND b.state = 'published' AND EXISTS (SELECT 1 FROM receipt x
                   WHERE x.tenant_id = $1 AND x.run_id = b.id AND x.account_id = a.id)
                 ORDER BY b.period DESC LIMIT 1) AS run_id
               FROM account a WHERE a.tenant_id = $1 AND a.id IN ({})) l
         WHERE l.run_id IS NOT NULL",
        names.join(", ")
    );
    let rows: Vec<Debt> = tx.rows(&sql, accounts.iter().map(|account| account.0.into()).collect()).await?;
    Ok(rows.into_iter().map(|row| (row.account_id, row.debt)).collect())
}

/// The account's figures with an estimate of all its readings, and the transaction to read on in: `tx`, or where the
/// estimate was behind, a later one after its computation.
pub(crate) async fn up_to_date(tx: Tx, estimates: &Preliminary, account: AccountId) -> Result<(Tx, Overview), DbError> {
    let found = overview(&tx, account).await?;
    if !found.outdated {
        return Ok((tx, found));
    }
    let tx = estimates.refresh_between(tx, account).await?;
    let found = overview(&tx, account).await?;
    Ok((tx, found))
}

fn from_row(row: Row) -> Overview {
    let last_payment = match (row.paid_on, row.amount) {
        (Some(date), Some(amount)) => {
            let source = row.source.clone().unwrap_or_default();
            Some(LastPayment { date, amount, source, counted_in: row.counted_in })
        }
        _ => None,
    };
    Overview { figures: figures(&row), last_payment, outdated: row.behind != 0 }
}

fn figures(row: &Row) -> Option<Figures> {
    let (run, period, due) = (row.run_id?, row.period?, row.due_on?);
    let to_pay = row.to_pay.unwrap_or_default();
    let uncounted = row.uncounted.unwrap_or_default();
    let debt = to_pay - uncounted;
    let preliminary = row.estimate.filter(|_| row.estimate_period == Some(period.next()));
    Some(Figures {
        run,
        period,
        due,
        opening: row.opening.unwrap_or_default(),
        charged: row.charged.unwrap_or_default(),
        counted: row.counted.unwrap_or_default(),
        to_pay,
        uncounted,
        debt,
        preliminary_period: period.next(),
        preliminary,
        to_pay_with_preliminary: preliminary.map(|preliminary| debt + preliminary),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    proptest! {
        #[test]
        fn the_figures_add_up(opening in -9_999_i64..9_999, charged in 0_i64..9_999, counted in 0_i64..9_999,
                              uncounted in 0_i64..9_999, estimate in prop::option::of(0_i64..9_999)) {
            let row = Row {
                run_id: Some(RunId(Uuid::nil())), period: Some(Period(202_610)), due_on: Some(Day(20_261_116)),
                opening: Some(Money(opening)), charged: Some(Money(charged)), counted: Some(Money(counted)),
                to_pay: Some(Money(opening + charged - counted)), uncounted: Some(Money(uncounted)),
                estimate_period: Some(Period(202_611)), estimate: estimate.map(Money), behind: 0,
                paid_on: None, amount: None, source: None, counted_in: None,
            };
            let f = figures(&row).expect("figures");
            prop_assert_eq!(f.opening + f.charged - f.counted, f.to_pay);
            prop_assert_eq!(f.to_pay - f.uncounted, f.debt);
            prop_assert_eq!(f.preliminary.map(|p| f.debt + p), f.to_pay_with_preliminary);
        }
    }

    #[test]
    fn an_estimate_of_another_month_is_no_estimate() {
        let row = Row {
            run_id: Some(RunId(Uuid::nil())),
            period: Some(Period(202_610)),
            due_on: Some(Day(20_261_116)),
            opening: None,
            charged: None,
            counted: None,
            to_pay: None,
            uncounted: None,
            estimate_period: Some(Period(202_610)),
            estimate: Some(Money(5)),
            behind: 0,
            paid_on: None,
            amount: None,
            source: None,
            counted_in: None,
        };
        assert_eq!(figures(&row).and_then(|f| f.preliminary), None);
    }
}
