//! Rows of billing's tables.

use crate::awards::AwardId;
use crate::benefits::BenefitId;
use crate::instalments::PlanId;
use crate::recalculations::RecalculationId;
use crate::receipts::printouts::PrintoutId;
use kabinet_contracts::{AccountId, RunId};
use kabinet_core::{Day, Money, Period, Quantity, Timestamp, tenant_table};

tenant_table!(receipt_kind, "receipt_kind", key { code: String }, {
    position: i32, main: bool,
});
tenant_table!(receipt_kind_version, "receipt_kind_version", key { code: String, from_period: Period }, {
    title: String, supplier: String,
});
tenant_table!(service, "service", key { code: String }, {
    kind_code: String, position: i32,
});
tenant_table!(service_version, "service_version", key { code: String, from_period: Period }, {
    title: String, resource: String, unit: String, section: String, rule: String, shares: String,
});
tenant_table!(due_day, "due_day", key { from_period: Period }, {
    day: i32,
});
tenant_table!(tariff, "tariff", key { service_code: String, from_on: Day }, {
    terms: String, note: String,
});
tenant_table!(plugin, "plugin", key { hash: String }, {
    name: String, version: String, component: Vec<u8>, installed_at: Timestamp,
});
tenant_table!(plugin_activation, "plugin_activation", key { from_period: Period }, {
    hash: String, config: String, limits: String, manifest: String,
});
tenant_table!(receipt_template, "receipt_template", key { hash: String }, {
    source: String, installed_at: Timestamp,
});
tenant_table!(billing_run, "billing_run", key { id: RunId }, {
    period: Period, state: String, plugin_hash: String, template_hash: String, large_template_hash: String, snapshot: String,
    base_run: Option<RunId>, base_cutoff_at: Timestamp, cutoff_at: Timestamp, due_on: Day, total: i32, done: i32,
    last_account: Option<AccountId>, result_hash: String, problem: String, started_at: Timestamp,
    finished_at: Option<Timestamp>, published_at: Option<Timestamp>,
});
tenant_table!(charge, "charge", key { run_id: RunId, account_id: AccountId, service_code: String }, {
    kind_code: String, method: String, volume: Option<Quantity>, tariff: Option<Quantity>, norm: Option<Quantity>,
    coefficient: Option<Quantity>, opening: Money, charged: Money, excess: Money, recalculation: Money,
    penalty: Money, counted: Money, to_pay: Money, trace: String,
});
tenant_table!(receipt, "receipt", key { run_id: RunId, account_id: AccountId, kind_code: String }, {
    period: Period, opening: Money, charged: Money, recalculation: Money, penalty: Money, counted: Money,
    to_pay: Money, document_id: Option<String>,
});
tenant_table!(receipt_facts, "receipt_facts", key { run_id: RunId, account_id: AccountId }, {
    facts: String, input: Option<Vec<u8>>, submissions: Option<i64>,
});
tenant_table!(arrears, "arrears", key {
    run_id: RunId, account_id: AccountId, service_code: String, debt_period: Period,
}, {
    amount: Money,
});
tenant_table!(penalty_rate, "penalty_rate", key { from_on: Day }, {
    until_on: Option<Day>, percent: Quantity, note: String,
});
tenant_table!(benefit, "benefit", key { id: BenefitId }, {
    account_id: AccountId, service_code: String, from_period: Period, to_period: Option<Period>, share: Quantity,
    volume: Option<Quantity>, document: String, recorded_at: Timestamp,
});
tenant_table!(recalculation, "recalculation", key { id: RecalculationId }, {
    account_id: AccountId, service_code: String, period: Period, amount: Money, basis: String, recorded_at: Timestamp,
    withdrawn_at: Option<Timestamp>, posted_to: String, agreement_id: Option<Uuid>,
});
tenant_table!(instalment_plan, "instalment_plan", key { id: PlanId }, {
    account_id: AccountId, service_code: String, basis: String, debt_period: Period, total: Money, parts: i32,
    from_period: Period, percent: Quantity, recorded_at: Timestamp, cancelled_at: Option<Timestamp>,
});
tenant_table!(instalment, "instalment", key { plan_id: PlanId, period: Period }, {
    account_id: AccountId, amount: Money, interest: Money, remaining: Money,
});
tenant_table!(court_award, "court_award", key { id: AwardId }, {
    account_id: AccountId, kind_code: String, basis: String, total: Money, recorded_at: Timestamp,
});
tenant_table!(award_payment, "award_payment", key { id: Uuid }, {
    award_id: AwardId, amount: Money, paid_on: Day, source: String, external_id: String, booked_at: Timestamp,
});
tenant_table!(house_area, "house_area", key { house_id: Uuid, from_period: Period }, {
    rooms: Quantity, common: Quantity, recorded_at: Timestamp,
});
tenant_table!(house_volume, "house_volume", key { house_id: Uuid, service_code: String, period: Period }, {
    volume: Quantity, serial: String, previous: Option<Quantity>, current: Option<Quantity>, recorded_at: Timestamp,
});
tenant_table!(house_volume_correction, "house_volume_correction", key {
    house_id: Uuid, service_code: String, period: Period, number: i32,
}, {
    volume: Option<Quantity>, serial: String, previous: Option<Quantity>, current: Option<Quantity>,
    recorded_at: Timestamp,
});
tenant_table!(house_decision, "house_decision", key { house_id: Uuid, from_period: Period }, {
    by_meter: Option<bool>, protocol: String, decided_on: Option<Day>, recorded_at: Timestamp,
});
tenant_table!(run_house, "run_house", key { run_id: RunId, house_id: Uuid }, {
    figures: String,
});
tenant_table!(printout, "printout", key { id: PrintoutId }, {
    period: Period, house_code: String, kind_code: String, state: String, done: i32, total: i32, problem: String,
    asked_at: Timestamp, without_refused: bool,
});
tenant_table!(printout_part, "printout_part", key { printout_id: PrintoutId, part: i32 }, {
    pdf: Vec<u8>,
});
tenant_table!(estimate, "estimate", key { account_id: AccountId }, {
    period: Period, total: Option<Money>, change: Option<Money>, problem: String, computed_at: Timestamp, wanted: i64,
    computed: i64,
});
tenant_table!(payment, "payment", key { id: Uuid }, {
    account_id: AccountId, kind_code: String, amount: Money, paid_on: Day, booked_at: Timestamp,
    period: Option<Period>, source: String, external_id: String,
});
tenant_table!(ledger_entry, "ledger_entry", key { source_id: Uuid, account_id: AccountId, line: i32 }, {
    kind_code: String, service_code: String, period: Period, debit: String, credit: String, amount: Money,
    booked_at: Timestamp,
});
