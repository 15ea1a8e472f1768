//! Runs, payments, ledger, estimates and receipts over both databases with the standard plugin, in this process; the
//! program's worker compiles and prints.

mod absences;
mod averages;
mod explained;
mod form;
mod heat;
mod history;
mod house;
mod order;
mod penalties;
mod recalculated;
mod rest;
mod within_month;
mod years;

use std::sync::Arc;

use kabinet_billing::catalog::{self, Tariff};
use kabinet_billing::entity::charge;
use kabinet_billing::payments::{self, NewPayment};
use kabinet_billing::penalty::{PenaltyRate, PenaltyRates};
use kabinet_billing::receipts::{Size, Wanted};
use kabinet_billing::{documents, ledger, overview, runs};
use kabinet_contracts::{AccountId, Estimate, RunId};
use kabinet_core::{Actor, Day, Money, Period};
use kabinet_tests::{Kind, block_on, on_both_databases};

use house::{House, moment, tariffs};

on_both_databases![
    two_months_of_bills_payments_estimates_and_receipts_add_up,
    a_run_resumes_after_a_crash,
    a_failing_table_stops_the_run,
    published_terms_stay,
    a_late_bill_costs_a_penalty,
    a_month_without_a_rate_is_not_billed,
];

const SEPTEMBER: Period = Period(202_509);
const OCTOBER: Period = Period(202_510);

async fn billed(house: &House, period: Period) -> RunId {
    let mut tx = house.begin().await;
    let run = runs::start(&mut tx, period).await.expect("a run");
    tx.commit().await.expect("committed");
    let done = runs::continue_run(&house.db, &house.tenant, house.billing.plugins(), run, |_, _| {}).await;
    assert_eq!(done.expect("calculated").state, "done");
    run
}

async fn publish(house: &House, run: RunId) {
    let mut tx = house.begin().await;
    assert_eq!(runs::publish(&mut tx, run).await.expect("published").state, "published");
    tx.commit().await.expect("committed");
}

async fn hash(house: &House, run: RunId) -> String {
    let tx = house.db.read(&house.tenant, Actor::System).await.expect("a transaction");
    runs::find(&tx, run).await.expect("a run").result_hash
}

async fn ledger_agrees(house: &House) {
    let tx = house.db.read(&house.tenant, Actor::System).await.expect("a transaction");
    for account in &house.accounts {
        let derived = ledger::balances(&tx, *account).await.expect("balances");
        let stored = ledger::stored_balances(&tx, *account).await.expect("balances");
        assert_eq!(derived, stored, "{account}");
        assert!(!derived.is_empty());
    }
}

fn payment(account: AccountId, amount: i64, day: Day, number: &str) -> NewPayment {
    NewPayment {
        account,
        kind: "main".into(),
        amount: Money(amount),
        paid_on: day,
        source: "bank".into(),
        external_id: number.into(),
        period: None,
        booked_at: Some(moment(day)),
    }
}

fn two_months_of_bills_payments_estimates_and_receipts_add_up(kind: Kind) {
    block_on(async {
        let house = House::new(kind, 30).await;
        let account = house.accounts[0];
        let (first, again) = twice(&house).await;
        let tx = house.db.read(&house.tenant, Actor::System).await.expect("a transaction");
        assert_eq!(overview::overview(&tx, account).await.expect("an overview").figures, None, "not published yet");
        drop(tx);
        publish(&house, first).await;
        let mut tx = house.begin().await;
        let refused = runs::publish(&mut tx, again).await.expect_err("one run a month");
        assert_eq!(refused.code(), "billing.run_outdated");
        drop(tx);
        ledger_agrees(&house).await;

        // 4 m³ × 39.56 = 158.24; 100 kWh × 4.77 = 477.00; drainage 4 × 26.41 = 105.64; 50 m² × 31.20 = 1560.00;
        // two people × 124.58 = 249.16; capital repair 50 × 13.92 = 696.00.
        let main = 15_824 + 47_700 + 10_564 + 156_000 + 24_916;
        figures(&house, account, main + 69_600, 0).await;

        let mut tx = house.begin().await;
        for day in [Day(20_251_010), Day(20_251_012)] {
            let new =
                payments::record(&mut tx, payment(account, 100_000, Day(20_251_010), "1")).await.expect("recorded");
            assert_eq!(new, day == Day(20_251_010), "the same payment counts once");
        }
        let conflict =
            payments::record(&mut tx, payment(account, 5, Day(20_251_010), "1")).await.expect_err("another sum");
        assert_eq!(conflict.code(), "billing.payment_conflict");
        payments::record(&mut tx, payment(house.accounts[1], 9_999_999, Day(20_251_011), "2")).await.expect("recorded");
        tx.commit().await.expect("committed");
        figures(&house, account, main + 69_600, 100_000).await;
        ledger_agrees(&house).await;

        estimates(&house, account).await;

        publish(&house, billed(&house, OCTOBER).await).await;
        ledger_agrees(&house).await;
        let tx = house.db.read(&house.tenant, Actor::System).await.expect("a transaction");
        let figures = overview::overview(&tx, account).await.expect("an overview").figures.expect("figures");
        assert_eq!((figures.period, figures.counted), (OCTOBER, Money(100_000)));
        assert_eq!(figures.opening, Money(main + 69_600));
        assert_eq!(figures.opening + figures.charged - figures.counted, figures.to_pay);
        let list = documents::list(&tx, account).await.expect("documents");
        assert_eq!(list.len(), 4, "two kinds, two months");
        let (lines, next) = payments::list(&tx, account, None, 10).await.expect("payments");
        assert_eq!((lines.len(), next), (1, None));
        assert_eq!(lines[0].counted_in, Some(OCTOBER));
        drop(tx);
        receipts(&house, account).await;
        pages(&house, account).await;
        replayed(&house, account).await;
    });
}

/// What changes after publication changes no published month; a row that was tampered with is named.
async fn replayed(house: &House, account: AccountId) {
    let replay = || runs::replay::replay(&house.db, &house.tenant, house.billing.plugins(), OCTOBER, |_, _| {});
    let change = async |sql: &str| {
        let tx = house.begin().await;
        tx.execute(sql, vec![account.into()]).await.expect("changed");
        tx.commit().await.expect("committed");
    };
    let same = replay().await.expect("replayed");
    assert!(same.is_same(), "{same:?}");
    assert_eq!(same.accounts, 30);
    change("UPDATE occupancy SET registered = 7 WHERE tenant_id = $1 AND account_id = $2").await;
    change("UPDATE meter SET verified_until = 20200101 WHERE tenant_id = $1 AND account_id = $2").await;
    // The payment that October counted: what an account owed and paid is frozen as well.
    change("UPDATE payment SET amount = 7, paid_on = 20251001 WHERE tenant_id = $1 AND account_id = $2").await;
    assert!(replay().await.expect("replayed").is_same(), "the inputs are frozen");
    // 2 × 2550.04 − 1000.00 is to pay in October; nothing was paid for capital repair, 696.00 in September.
    let mut known = Vec::new();
    for (tampering, words) in tamperings() {
        house.database.past_the_platform(&tampering).await;
        let tampered = replay().await.expect("replayed");
        assert_eq!(tampered.published, tampered.calculated, "the hash is over what was calculated");
        let new: Vec<&String> = tampered.differences.iter().filter(|one| !known.contains(*one)).collect();
        let [difference] = new.as_slice() else { panic!("{words}: {tampered:?}") };
        assert!(difference.starts_with("лицевой счёт 0000000000, ") && difference.ends_with(words), "{difference}");
        known.push((*difference).clone());
    }
}

/// What somebody who has the database may do to October of the first account, and how it is named.
fn tamperings() -> Vec<(String, &'static str)> {
    let run = "(SELECT id FROM billing_run WHERE period = 202510 AND state = 'published')";
    let account = "(SELECT id FROM account WHERE number = '0000000000')";
    let october = format!("run_id = {run} AND account_id = {account}");
    let entries = format!("source_id = {run} AND account_id = {account}");
    vec![
        (
            format!("UPDATE charge SET charged = charged + 1 WHERE service_code = 'waste' AND {october}"),
            "начисление waste: charged было 24917, получилось 24916",
        ),
        (
            format!("UPDATE receipt SET to_pay = to_pay - 1 WHERE kind_code = 'main' AND {october}"),
            "квитанция main: to_pay было 410007, получилось 410008",
        ),
        (
            format!("UPDATE ledger_entry SET amount = amount + 1 WHERE service_code = 'waste' AND {entries}"),
            ": amount было 24917, получилось 24916",
        ),
        (format!("DELETE FROM ledger_entry WHERE service_code = 'electricity' AND {entries}"), ": строки нет"),
        (
            format!("UPDATE arrears SET amount = amount - 1 WHERE service_code = 'capital_repair' AND {october}"),
            "долг capital_repair за 2025-09: amount было 69599, получилось 69600",
        ),
        (
            format!(
                "INSERT INTO arrears (tenant_id, run_id, account_id, service_code, debt_period, amount)
                 SELECT tenant_id, run_id, account_id, service_code, 202401, 7 FROM arrears
                 WHERE service_code = 'capital_repair' AND {october}"
            ),
            "долг capital_repair за 2024-01: лишняя строка",
        ),
    ]
}

/// Two runs of one month: the same inputs, the same hash.
async fn twice(house: &House) -> (RunId, RunId) {
    let first = billed(house, SEPTEMBER).await;
    let mut tx = house.begin().await;
    let again = runs::start(&mut tx, SEPTEMBER).await.expect("a second run");
    tx.commit().await.expect("committed");
    assert_ne!(again, first);
    let plugins = house.billing.plugins();
    runs::continue_run(&house.db, &house.tenant, plugins, again, |_, _| {}).await.expect("calculated");
    assert_eq!(hash(house, first).await, hash(house, again).await, "the same inputs, the same hash");
    (first, again)
}

async fn figures(house: &House, account: AccountId, charged: i64, uncounted: i64) {
    let tx = house.db.read(&house.tenant, Actor::System).await.expect("a transaction");
    let before = house.db.statements();
    let found = overview::overview(&tx, account).await.expect("an overview");
    assert_eq!(house.db.statements() - before, 1, "one statement");
    let figures = found.figures.expect("figures");
    assert_eq!(figures.charged, Money(charged));
    assert_eq!(figures.to_pay, Money(charged));
    assert_eq!(figures.uncounted, Money(uncounted));
    assert_eq!(figures.debt, Money(charged - uncounted));
    assert_eq!(figures.due, Day(20_251_010));
}

async fn estimates(house: &House, account: AccountId) {
    let (estimates, all) = (house.billing.preliminary(), house.billing.estimates());
    let first = estimates.refresh(&house.tenant, account).await.expect("an estimate");
    let Estimate::Computed { period, total, change: None } = first else { panic!("{first:?}") };
    assert_eq!(period, OCTOBER);
    assert!(total > Money::ZERO);
    let second = estimates.refresh(&house.tenant, account).await.expect("an estimate");
    assert_eq!(second, Estimate::Computed { period, total, change: Some(Money::ZERO) });
    house.billing.preliminary().refresh_all(&house.tenant).await.expect("all estimates");
    let other = all.current(&house.tenant, house.accounts[7]).await.expect("an estimate");
    assert!(matches!(other, Some(Estimate::Computed { .. })));
    let tx = house.db.read(&house.tenant, Actor::System).await.expect("a transaction");
    let figures = overview::overview(&tx, account).await.expect("an overview").figures.expect("figures");
    assert_eq!(figures.preliminary, Some(total));
    assert_eq!(figures.to_pay_with_preliminary, Some(figures.debt + total));
}

async fn receipts(house: &House, account: AccountId) {
    let receipts = house.billing.receipts();
    let wanted = |period, kind| Wanted { account, period, kind, size: Size::Usual, with_code: true };
    for (period, kind) in [(OCTOBER, None), (OCTOBER, Some("capital")), (SEPTEMBER, Some("main"))] {
        let printed = receipts.print(&house.tenant, wanted(period, kind)).await.expect("a receipt");
        assert!(printed.pdf.starts_with(b"%PDF"));
        let again = receipts.print(&house.tenant, wanted(period, kind)).await.expect("a receipt");
        assert!(Arc::ptr_eq(&printed.pdf, &again.pdf), "printed once");
    }
    let unknown = receipts.print(&house.tenant, wanted(Period(202_511), None)).await.expect_err("no such month");
    assert_eq!(unknown.code(), "billing.no_such_receipt");
    let unknown = receipts.print(&house.tenant, wanted(OCTOBER, Some("x"))).await.expect_err("no such kind");
    assert_eq!(unknown.code(), "billing.no_such_receipt");
}

async fn pages(house: &House, account: AccountId) {
    let tx = house.db.read(&house.tenant, Actor::System).await.expect("a transaction");
    let months = kabinet_billing::charges::months(&tx, account).await.expect("months");
    assert_eq!(months.iter().map(|m| m.period).collect::<Vec<_>>(), [OCTOBER, SEPTEMBER]);
    let month = kabinet_billing::charges::frozen(&tx, account, months[1].run_id).await.expect("a month");
    let lines = kabinet_billing::charges::lines(&month);
    let water = lines.iter().find(|line| line.service == "Холодная вода").expect("water");
    assert_eq!(water.method.as_deref(), Some("по показаниям прибора учёта"));
    let formula = water.formula.as_deref().unwrap_or_default().replace('\u{a0}', " ");
    assert!(formula.ends_with("4 м³ × 39,56 ₽ = 158,24 ₽"), "{formula}");
    assert_eq!(water.tariff_unit.as_deref(), Some("₽ за м³"));
}

fn a_run_resumes_after_a_crash(kind: Kind) {
    block_on(async {
        // Rows are inserted by 200 accounts on SQLite, which has one writer, and by the whole batch elsewhere.
        let portions = if kind == Kind::Sqlite { 400 } else { 1000 };
        let house = House::new(kind, 1450).await;
        let whole = billed(&house, SEPTEMBER).await;
        let mut tx = house.begin().await;
        let run = runs::start(&mut tx, SEPTEMBER).await.expect("a run");
        tx.commit().await.expect("committed");
        let (db, tenant, plugins) = (house.db.clone(), house.tenant.clone(), house.billing.plugins().clone());
        let crashing = tokio::spawn(async move {
            runs::continue_run(&db, &tenant, &plugins, run, |done, _| assert!(done < 400, "the lights go out")).await
        });
        assert!(crashing.await.is_err(), "it crashed");
        let tx = house.db.read(&house.tenant, Actor::System).await.expect("a transaction");
        let stopped = runs::find(&tx, run).await.expect("a run");
        drop(tx);
        assert_eq!((stopped.state.as_str(), stopped.done), ("running", portions));
        let done = runs::continue_run(&house.db, &house.tenant, house.billing.plugins(), run, |_, _| {}).await;
        assert_eq!(done.expect("resumed").done, 1450);
        assert_eq!(hash(&house, run).await, hash(&house, whole).await, "as if nothing had happened");
        publish(&house, run).await;
    });
}

fn a_failing_table_stops_the_run(kind: Kind) {
    block_on(async {
        let house = House::new(kind, 3).await;
        publish(&house, billed(&house, SEPTEMBER).await).await;
        let mut tx = house.begin().await;
        let mut terms = tariffs();
        let mut two_prices = terms[0].terms.clone();
        two_prices.prices.push(two_prices.prices[0].clone());
        terms.push(Tariff {
            service: "cold_water".into(),
            from: OCTOBER.first_day(),
            terms: two_prices,
            note: String::new(),
        });
        catalog::set_tariffs(&mut tx, &terms).await.expect("stored");
        let run = runs::start(&mut tx, OCTOBER).await.expect("a run");
        tx.commit().await.expect("committed");
        let stopped = runs::continue_run(&house.db, &house.tenant, house.billing.plugins(), run, |_, _| {}).await;
        let stopped = stopped.expect_err("a table with two equal prices");
        assert!(stopped.to_string().contains("Холодная вода"), "{stopped}");
        let mut tx = house.begin().await;
        let failed = runs::find(&tx, run).await.expect("a run");
        assert_eq!(failed.state, "failed");
        assert_eq!(failed.problem, stopped.to_string());
        assert_eq!(runs::publish(&mut tx, run).await.expect_err("incomplete").code(), "billing.run_not_complete");
        let figures = overview::overview(&tx, house.accounts[0]).await.expect("an overview").figures.expect("figures");
        assert_eq!(figures.period, SEPTEMBER, "the old figures stand");
        drop(tx);
        let account = house.accounts[0];
        let estimate = house.billing.preliminary().refresh(&house.tenant, account).await.expect("an answer");
        assert!(matches!(estimate, Estimate::Unavailable(_)), "{estimate:?}");
    });
}

fn published_terms_stay(kind: Kind) {
    block_on(async {
        let house = House::new(kind, 2).await;
        let mut tx = house.begin().await;
        assert_eq!(catalog::set_tariffs(&mut tx, &tariffs()).await.expect("applied"), Vec::<String>::new());
        drop(tx);
        publish(&house, billed(&house, SEPTEMBER).await).await;
        let mut tx = house.begin().await;
        let mut terms = tariffs();
        terms[0].terms.prices[0].amount += rust_decimal::Decimal::ONE;
        let refused = catalog::set_tariffs(&mut tx, &terms).await.expect_err("history stays");
        let text = refused.to_string();
        assert!(text.contains("cold_water") && text.contains("2025-09"), "{text}");
        let skipped = runs::start(&mut tx, Period(202_511)).await.expect_err("October comes first");
        assert_eq!(skipped.code(), "billing.out_of_order");
    });
}

const NOVEMBER: Period = Period(202_511);

fn rates(until: Option<Day>) -> PenaltyRates {
    let percent = "9.5".parse().expect("a number");
    let rate = PenaltyRate { from: Day(20_220_228), until, percent, note: String::new() };
    PenaltyRates::new(vec![rate]).expect("one rate")
}

/// September's bill was due on 10 October; the 31st day after it is 10 November.
fn a_late_bill_costs_a_penalty(kind: Kind) {
    block_on(async {
        let house = House::new(kind, 4).await;
        let [late, paid_up, paid_in_november, named] = house.accounts[..] else { panic!("four accounts") };
        let mut tx = house.begin().await;
        catalog::set_penalty_rates(&mut tx, &rates(None)).await.expect("stored");
        tx.commit().await.expect("committed");
        publish(&house, billed(&house, SEPTEMBER).await).await;
        let september = 255_004;
        let mut tx = house.begin().await;
        payments::record(&mut tx, payment(paid_up, september, Day(20_251_010), "1")).await.expect("recorded");
        tx.commit().await.expect("committed");
        publish(&house, billed(&house, OCTOBER).await).await;
        let mut tx = house.begin().await;
        payments::record(&mut tx, payment(paid_in_november, september, Day(20_251_115), "2")).await.expect("recorded");
        // Names October, so September stays unpaid.
        let october = NewPayment { period: Some(OCTOBER), ..payment(named, september, Day(20_251_115), "3") };
        payments::record(&mut tx, october).await.expect("recorded");
        tx.commit().await.expect("committed");
        let run = billed(&house, NOVEMBER).await;
        publish(&house, run).await;
        ledger_agrees(&house).await;

        // 50 m² × 31.20 = 1560.00 × 9.5 % ÷ 300 × 21 days = 10.374; × 6 days (10 to 15 November) = 2.964.
        // 50 m² × 13.92 = 696.00 × 9.5 % ÷ 300 × 21 days = 4.6284.
        for (account, maintenance) in [(late, 1037), (paid_up, 0), (paid_in_november, 296), (named, 1037)] {
            assert_eq!(penalty(&house, run, account, "maintenance").await, Money(maintenance), "{account}");
            assert_eq!(penalty(&house, run, account, "capital_repair").await, Money(463), "{account}: another kind");
        }
        let tx = house.db.read(&house.tenant, Actor::System).await.expect("a transaction");
        let month = kabinet_billing::charges::frozen(&tx, late, run).await.expect("a month");
        let lines = kabinet_billing::charges::lines(&month);
        let maintenance = lines.iter().find(|line| line.service == "Содержание").expect("maintenance");
        let reason = maintenance.penalty_reasons.join("; ").replace('\u{a0}', " ");
        assert_eq!(reason, "долг за сентябрь 2025: 1 560,00 ₽ × 21 дн. × 9,5 % ÷ 300");
    });
}

async fn charge(house: &House, run: RunId, account: AccountId, service: &str) -> charge::Model {
    let tx = house.db.read(&house.tenant, Actor::System).await.expect("a transaction");
    let month = kabinet_billing::charges::frozen(&tx, account, run).await.expect("a month");
    month.charges.into_iter().find(|row| row.service_code == service).expect("a charge")
}

async fn penalty(house: &House, run: RunId, account: AccountId, service: &str) -> Money {
    charge(house, run, account, service).await.penalty
}

fn a_month_without_a_rate_is_not_billed(kind: Kind) {
    block_on(async {
        let house = House::new(kind, 1).await;
        let mut tx = house.begin().await;
        catalog::set_penalty_rates(&mut tx, &rates(Some(Day(20_251_029)))).await.expect("stored");
        tx.commit().await.expect("committed");
        publish(&house, billed(&house, SEPTEMBER).await).await;
        let mut tx = house.begin().await;
        let refused = runs::start(&mut tx, OCTOBER).await.expect_err("two days have no rate");
        assert_eq!(refused.code(), "billing.no_penalty_rate");
        assert!(refused.to_string().contains("30.10.2025"), "{refused}");
        let changed = catalog::set_penalty_rates(&mut tx, &rates(None)).await.expect("stored");
        assert_eq!(changed.len(), 1);
        runs::start(&mut tx, OCTOBER).await.expect("now there is one");
    });
}
