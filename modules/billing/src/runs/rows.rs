//! Calculated bills as rows of the database.

use kabinet_contracts::RunId;
use kabinet_core::{Period, TenantId, Timestamp};
use sea_orm::ActiveValue::{NotSet, Set};

use crate::calculation::{AccountRows, ServiceCharge};
use crate::entity::{arrears, billing_run, charge, ledger_entry, receipt, receipt_facts};

/// Rows to be inserted together, with the accounts they belong to.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) charges: Vec<charge::ActiveModel>,
    pub(super) receipts: Vec<receipt::ActiveModel>,
    pub(super) entries: Vec<ledger_entry::ActiveModel>,
    pub(super) facts: Vec<receipt_facts::ActiveModel>,
    pub(super) arrears: Vec<arrears::ActiveModel>,
}

/// What all rows of a run share.
#[derive(Clone, Copy)]
pub(super) struct Stamp {
    pub(super) tenant: TenantId,
    pub(super) run: RunId,
    pub(super) period: Period,
    pub(super) booked_at: Timestamp,
}

impl Stamp {
    pub(super) fn of(run: &billing_run::Model) -> Self {
        Self { tenant: run.tenant_id, run: run.id, period: run.period, booked_at: run.cutoff_at }
    }
}

impl Rows {
    /// Adds one account's bill, with what the plugin was given for it and how many submissions of readings stood beside
    /// it.
    pub(super) fn add(&mut self, stamp: Stamp, mut rows: AccountRows, input: Vec<u8>, submissions: i64) {
        self.facts.push(receipt_facts::ActiveModel {
            tenant_id: Set(stamp.tenant),
            run_id: Set(stamp.run),
            account_id: Set(rows.account),
            facts: Set(std::mem::take(&mut rows.facts)),
            input: Set(Some(input)),
            submissions: Set(Some(submissions)),
        });
        self.add_sums(stamp, rows);
    }

    /// Takes what a bill comes to, without what only a new one has: what it is made of.
    pub(super) fn add_sums(&mut self, stamp: Stamp, rows: AccountRows) {
        let account = rows.account;
        self.charges.extend(rows.charges.into_iter().map(|row| charge_row(stamp, account, row)));
        self.receipts.extend(rows.receipts.into_iter().map(|(kind, sums)| receipt::ActiveModel {
            tenant_id: Set(stamp.tenant),
            run_id: Set(stamp.run),
            account_id: Set(account),
            kind_code: Set(kind),
            period: Set(stamp.period),
            opening: Set(sums.opening),
            charged: Set(sums.charged),
            recalculation: Set(sums.recalculation),
            penalty: Set(sums.penalty),
            counted: Set(sums.counted),
            to_pay: Set(sums.to_pay),
            document_id: NotSet,
        }));
        self.entries.extend(rows.postings.into_iter().map(|row| ledger_entry::ActiveModel {
            tenant_id: Set(stamp.tenant),
            source_id: Set(stamp.run.0),
            account_id: Set(account),
            line: Set(row.line),
            kind_code: Set(row.kind),
            service_code: Set(row.service),
            period: Set(stamp.period),
            debit: Set(row.debit),
            credit: Set(row.credit),
            amount: Set(row.amount),
            booked_at: Set(stamp.booked_at),
        }));
        for (service, left) in rows.arrears {
            self.arrears.extend(left.rows().map(|(debt_period, amount)| arrears::ActiveModel {
                tenant_id: Set(stamp.tenant),
                run_id: Set(stamp.run),
                account_id: Set(account),
                service_code: Set(service.clone()),
                debt_period: Set(debt_period),
                amount: Set(amount),
            }));
        }
    }
}

fn charge_row(stamp: Stamp, account: kabinet_contracts::AccountId, row: ServiceCharge) -> charge::ActiveModel {
    charge::ActiveModel {
        tenant_id: Set(stamp.tenant),
        run_id: Set(stamp.run),
        account_id: Set(account),
        service_code: Set(row.service),
        kind_code: Set(row.kind),
        method: Set(row.method.to_owned()),
        volume: Set(row.volume),
        tariff: Set(row.tariff),
        norm: Set(row.norm),
        coefficient: Set(row.coefficient),
        opening: Set(row.opening),
        charged: Set(row.charged),
        excess: Set(row.excess),
        recalculation: Set(row.recalculation),
        penalty: Set(row.penalty),
        counted: Set(row.counted),
        to_pay: Set(row.to_pay),
        trace: Set(row.trace),
    }
}
