//! What holds in a company's books at every moment: postings, balances, charges and receipts tell the same sums.

use std::collections::BTreeMap;

use kabinet_billing::ledger;
use kabinet_contracts::AccountId;
use kabinet_core::{Actor, Tx};

use crate::block_on;
use crate::database::Database;

#[derive(sea_orm::FromQueryResult)]
struct Id {
    id: AccountId,
}

#[derive(sea_orm::FromQueryResult)]
struct Count {
    number: i64,
}

/// Checks the books of a company of the demo.
///
/// # Panics
/// When a sum is told in two ways.
pub fn check(database: &Database, slug: &str) {
    block_on(async {
        let db = database.open().await;
        let company = database.company(&db, slug).await;
        let tx = db.read(&company, Actor::System).await.expect("a transaction");
        balances_are_the_sums_of_postings(&tx, slug).await;
        for (fault, sql) in QUESTIONS {
            let found: Vec<Count> = tx.rows(sql, Vec::new()).await.expect("an answer");
            assert_eq!(found[0].number, 0, "{slug}: {fault}");
        }
    });
}

async fn balances_are_the_sums_of_postings(tx: &Tx, slug: &str) {
    let accounts: Vec<Id> = tx.rows("SELECT id FROM account WHERE tenant_id = $1", Vec::new()).await.expect("accounts");
    assert!(accounts.len() >= 200, "{slug}: a few hundred accounts");
    let sums = |rows: Vec<ledger::Balance>| -> BTreeMap<String, i64> {
        rows.into_iter().filter(|row| row.balance.0 != 0).map(|row| (row.kind_code, row.balance.0)).collect()
    };
    let mut owing = 0;
    for account in &accounts {
        let derived = sums(ledger::balances(tx, account.id).await.expect("balances"));
        let stored = sums(ledger::stored_balances(tx, account.id).await.expect("balances"));
        assert_eq!(derived, stored, "{slug} {}", account.id);
        owing += usize::from(!derived.is_empty());
    }
    assert!(owing > 0, "{slug}: nobody owes anything");
}

/// What is wrong with what is found.
const QUESTIONS: [(&str, &str); 5] = [
    (
        "a receipt that is not the sum of its charges",
        "SELECT COUNT(*) AS number FROM receipt r WHERE r.tenant_id = $1 AND r.to_pay <> (
        SELECT COALESCE(SUM(c.to_pay), 0) FROM charge c WHERE c.tenant_id = r.tenant_id AND c.run_id = r.run_id
          AND c.account_id = r.account_id AND c.kind_code = r.kind_code)",
    ),
    (
        "a charge whose figures do not add up",
        "SELECT COUNT(*) AS number FROM charge WHERE tenant_id = $1
        AND opening + charged + recalculation + penalty - counted <> to_pay",
    ),
    (
        "a receipt whose opening is not the month before",
        "SELECT COUNT(*) AS number FROM receipt r JOIN billing_run n ON n.tenant_id = r.tenant_id AND n.id = r.run_id
      JOIN receipt b ON b.tenant_id = r.tenant_id AND b.run_id = n.base_run AND b.account_id = r.account_id
        AND b.kind_code = r.kind_code
      WHERE r.tenant_id = $1 AND r.opening <> b.to_pay",
    ),
    (
        "an entry that moves nothing or stays where it was",
        "SELECT COUNT(*) AS number FROM ledger_entry WHERE tenant_id = $1 AND (amount <= 0 OR debit = credit)",
    ),
    (
        "a published charge that is not in the ledger",
        "SELECT COUNT(*) AS number FROM charge c JOIN billing_run n ON n.tenant_id = c.tenant_id AND n.id = c.run_id
      WHERE c.tenant_id = $1 AND n.state = 'published' AND c.charged + c.recalculation + c.penalty <> (
        SELECT COALESCE(SUM(CASE WHEN e.debit = 'receivable' THEN e.amount ELSE -e.amount END), 0)
        FROM ledger_entry e WHERE e.tenant_id = c.tenant_id AND e.source_id = c.run_id
          AND e.account_id = c.account_id AND e.service_code = c.service_code)",
    ),
];
