//! Penalties from the end of a company's rates on, for capital repair, and where debt is no longer owed as it was.

use kabinet_billing::awards::{self, NewAward};
use kabinet_billing::instalments::{self, NewPlan};
use kabinet_billing::payments::{self, NewPayment};
use kabinet_billing::penalty::PenaltyRates;
use kabinet_billing::runs::replay;
use kabinet_billing::{catalog, charges, recalculations};
use kabinet_contracts::{AccountId, RunId};
use kabinet_core::{Actor, Day, Money, Period, Quantity};
use kabinet_tests::{Kind, block_on, on_both_databases};
use uuid::Uuid;

use crate::averages::read;
use crate::house::House;
use crate::years::month;
use crate::{NOVEMBER, OCTOBER, SEPTEMBER, billed, charge, ledger_agrees, payment, penalty, publish, rates};

on_both_databases![
    a_company_that_drops_its_rates_goes_on_billing_without_penalties,
    a_day_late_never_costs_more_than_a_three_hundredth_for_capital_repair,
    debt_that_was_moved_or_corrected_away_bears_no_penalty,
    an_overpayment_pays_all_services_of_its_receipt,
    months_that_a_reading_gives_back_owe_nothing_and_bore_no_penalty,
    a_charge_that_is_cancelled_gives_its_penalty_back,
];

const DECEMBER: Period = Period(202_512);
const JANUARY: Period = Period(202_601);

async fn set(house: &House, rates: &PenaltyRates) -> usize {
    let mut tx = house.begin().await;
    let changes = catalog::set_penalty_rates(&mut tx, rates).await.expect("stored");
    tx.commit().await.expect("committed");
    changes.len()
}

/// September's bill is late from the 10th of November on: with a rate November's bill charges 10.37 for maintenance.
fn a_company_that_drops_its_rates_goes_on_billing_without_penalties(kind: Kind) {
    block_on(async {
        let house = House::new(kind, 1).await;
        set(&house, &rates(None)).await;
        for month in [SEPTEMBER, OCTOBER] {
            publish(&house, billed(&house, month).await).await;
        }
        let none = PenaltyRates::default();
        assert_eq!(set(&house, &none).await, 1);
        let run = billed(&house, NOVEMBER).await;
        assert_eq!(penalty(&house, run, house.accounts[0], "maintenance").await, Money::ZERO);
        publish(&house, run).await;
        assert_eq!(set(&house, &none).await, 0, "nothing changes");
        house.go_to(Day(20_260_105));
        let run = billed(&house, Period(202_512)).await;
        assert_eq!(penalty(&house, run, house.accounts[0], "maintenance").await, Money::ZERO);
    });
}

/// Nobody pays. The 91st day after the due day of September's bill (10 October) is the 9th of January; October's
/// (10 November) is late for all of January, November's (10 December) from the 10th on.
fn a_day_late_never_costs_more_than_a_three_hundredth_for_capital_repair(kind: Kind) {
    block_on(async {
        let house = House::new(kind, 1).await;
        set(&house, &rates(None)).await;
        for month in (0..4).map(|number| SEPTEMBER.plus(number)) {
            house.go_to(month.next().first_day().plus_days(4));
            publish(&house, billed(&house, month).await).await;
        }
        house.go_to(Day(20_260_205));
        let run = billed(&house, Period(202_601)).await;
        // 1560.00 × 9.5 % × (8 + 31 + 22) ÷ 300 + 1560.00 × 9.5 % × 23 ÷ 130 = 30.134 + 26.22.
        assert_eq!(penalty(&house, run, house.accounts[0], "maintenance").await, Money(5635));
        // 696.00 × 9.5 % × (31 + 31 + 22) ÷ 300 = 18.5136.
        assert_eq!(penalty(&house, run, house.accounts[0], "capital_repair").await, Money(1851));
    });
}

/// Nobody pays September's and October's 1560.00 for maintenance; November's bill charges 10.37 for September's.
fn debt_that_was_moved_or_corrected_away_bears_no_penalty(kind: Kind) {
    block_on(async {
        let house = House::new(kind, 5).await;
        let [untouched, in_instalments, awarded, of_september, of_october] = house.accounts[..] else { panic!("five") };
        set(&house, &rates(None)).await;
        for month in [SEPTEMBER, OCTOBER] {
            publish(&house, billed(&house, month).await).await;
        }
        moved(&house, [in_instalments, awarded], Money(312_000), NOVEMBER).await;
        for (account, month) in [(of_september, SEPTEMBER), (of_october, OCTOBER)] {
            corrected(&house, account, month, Money(-156_000)).await;
        }
        // A run bills what was recorded before it.
        house.go_to(Day(20_251_205));
        let run = billed(&house, NOVEMBER).await;
        let expected = [(untouched, 1037), (in_instalments, 0), (awarded, 0), (of_september, 0), (of_october, 1037)];
        for (account, kopecks) in expected {
            assert_eq!(penalty(&house, run, account, "maintenance").await, Money(kopecks), "{expected:?}: {account}");
        }
        publish(&house, run).await;
        ledger_agrees(&house).await;
    });
}

/// Moves so much debt for maintenance to instalments that begin in a month, and another account's to an award.
async fn moved(house: &House, [in_instalments, awarded]: [AccountId; 2], debt: Money, from: Period) {
    let service = "maintenance".to_owned();
    let (percent, basis) = (Default::default(), "соглашение № 1".to_owned());
    let plan = NewPlan { service: service.clone(), total: debt, parts: 3, from, percent, basis };
    let award = NewAward { basis: "приказ № 2".to_owned(), debts: vec![(service, debt)], costs: Money::ZERO };
    let mut tx = house.begin().await;
    instalments::agree(&mut tx, in_instalments, &plan).await.expect("agreed");
    awards::record(&mut tx, awarded, &award).await.expect("recorded");
    tx.commit().await.expect("committed");
}

/// Corrects what was charged for maintenance in a month.
async fn corrected(house: &House, account: AccountId, month: Period, sum: Money) {
    let mut tx = house.begin().await;
    let act = "акт № 3";
    recalculations::record_by_hand(&mut tx, account, "maintenance", month, sum, act).await.expect("recorded");
    tx.commit().await.expect("committed");
}

async fn paid(house: &House, new: NewPayment) {
    let mut tx = house.begin().await;
    assert!(payments::record(&mut tx, new).await.expect("recorded"));
    tx.commit().await.expect("committed");
}

/// 4 m³ and 100 kWh a month go on after October.
async fn used(house: &House, account: AccountId) {
    let sql =
        "INSERT INTO reading (tenant_id, id, meter_id, account_id, period, taken_on, value_t1, source, created_at)
               SELECT m.tenant_id, $2, m.id, m.account_id, $3, $4, r.value_t1 + $5, 'portal', 0
               FROM meter m
               JOIN reading r ON r.tenant_id = m.tenant_id AND r.meter_id = m.id AND r.period = 202510
               WHERE m.tenant_id = $1 AND m.account_id = $6 AND m.service_code = $7";
    for (number, month) in (1..).zip([NOVEMBER, DECEMBER, JANUARY]) {
        for (service, units) in [("cold_water", 4), ("electricity", 100)] {
            let (on, more) = (Day(month.0 * 100 + 20), Quantity::whole(number * units));
            let id = Uuid::now_v7();
            let values = vec![id.into(), month.into(), on.into(), more.into(), account.into(), service.into()];
            assert_eq!(house.execute(sql, values).await, 1);
        }
    }
}

/// What stands in the receipt for utilities: service, penalty, counted, to pay.
async fn receipt(house: &House, run: RunId, account: AccountId) -> Vec<(String, [i64; 3])> {
    let tx = house.db.read(&house.tenant, Actor::System).await.expect("a transaction");
    let lines = charges::frozen(&tx, account, run).await.expect("a month").charges;
    let main = lines.into_iter().filter(|line| line.kind_code == "main");
    main.map(|line| (line.service_code, [line.penalty.0, line.counted.0, line.to_pay.0])).collect()
}

/// Maintenance is `ahead` and paid so many months of the other services, 990.04 each.
fn shared(months: i64, ahead: i64) -> Vec<(String, [i64; 3])> {
    let others = [("cold_water", 15_824), ("wastewater", 10_564), ("electricity", 47_700), ("waste", 24_916)];
    let given: i64 = others.iter().map(|(_, sum)| sum * months).sum();
    let maintenance = ("maintenance".to_owned(), [0, -given, -ahead]);
    let others = others.iter().map(|(service, sum)| ((*service).to_owned(), [0, sum * months, 0]));
    std::iter::once(maintenance).chain(others).collect()
}

async fn replayed(house: &House, month: Period) {
    let replay = replay::replay(&house.db, &house.tenant, house.billing.plugins(), month, |_, _| {}).await;
    let replay = replay.expect("replayed");
    assert!(replay.is_same(), "{month}: {replay:?}");
}

/// A month is 2550.04, of which maintenance is 1560.00. One account pays two months and 18720.00 more in October;
/// another pays nothing, and 10000.00 are found to have been charged too much for its maintenance.
fn an_overpayment_pays_all_services_of_its_receipt(kind: Kind) {
    block_on(async {
        let house = House::new(kind, 2).await;
        let [ahead, charged_too_much] = house.accounts[..] else { panic!("two accounts") };
        set(&house, &rates(None)).await;
        for account in [ahead, charged_too_much] {
            used(&house, account).await;
        }
        month(&house, SEPTEMBER).await;
        paid(&house, payment(ahead, 2 * 255_004 + 1_872_000, Day(20_251_020), "1")).await;
        month(&house, OCTOBER).await;
        corrected(&house, charged_too_much, SEPTEMBER, Money(-1_000_000)).await;
        let november = month(&house, NOVEMBER).await;
        assert_eq!(receipt(&house, november, ahead).await, shared(1, 1_872_000 - 255_004));
        assert_eq!(receipt(&house, november, charged_too_much).await, shared(3, 1_000_000 - 3 * 255_004));
        month(&house, DECEMBER).await;
        // November's bill was due on 10 December: unpaid, it would be late from 10 January on.
        let january = month(&house, JANUARY).await;
        assert_eq!(receipt(&house, january, ahead).await, shared(1, 1_872_000 - 3 * 255_004));
        ledger_agrees(&house).await;
        replayed(&house, NOVEMBER).await;
        replayed(&house, JANUARY).await;
    });
}

/// Nobody pays. The meter was read in August and in December, 16 m³ later; in between 9.7 m³ a month are charged by
/// norm, 383.73 and 256.18 for the wastewater.
fn months_that_a_reading_gives_back_owe_nothing_and_bore_no_penalty(kind: Kind) {
    block_on(async {
        let house = House::new(kind, 1).await;
        let account = house.accounts[0];
        set(&house, &rates(None)).await;
        let unread = "DELETE FROM reading WHERE tenant_id = $1 AND account_id = $2 AND period >= 202509 AND meter_id =
                        (SELECT id FROM meter WHERE tenant_id = $1 AND account_id = $2 AND service_code = 'cold_water')";
        assert_eq!(house.execute(unread, vec![account.into()]).await, 2);
        read(&house, account, 202_512, 116).await;
        for period in [SEPTEMBER, OCTOBER] {
            month(&house, period).await;
        }
        let [november, december, january] =
            [month(&house, NOVEMBER).await, month(&house, DECEMBER).await, month(&house, JANUARY).await];
        // 383.73 and 256.18 of September × 9.5 % ÷ 300 × 21 days of November; 16 m³ × 39.56, 16 m³ × 26.41.
        for (service, of_november, owed) in [("cold_water", 255, 63_296), ("wastewater", 170, 42_256)] {
            assert_eq!(penalty(&house, november, account, service).await, Money(of_november), "{service}");
            let december = charge(&house, december, account, service).await;
            assert_eq!((december.penalty, december.to_pay), (Money(-of_november), Money(owed)), "{service}");
            // Nothing is late: December's bill was due in January.
            assert_eq!(penalty(&house, january, account, service).await, Money::ZERO, "{service}");
        }
        ledger_agrees(&house).await;
        replayed(&house, DECEMBER).await;
    });
}

/// Nobody pays for maintenance in time, 1560.00 a month. November's bill charged 10.37 for the 21 days since September's
/// was late, December's charges 10.37 for October's.
fn a_charge_that_is_cancelled_gives_its_penalty_back(kind: Kind) {
    block_on(async {
        let house = House::new(kind, 5).await;
        let [untouched, in_instalments, awarded, cancelled, known_late] = house.accounts[..] else { panic!("five") };
        set(&house, &rates(None)).await;
        for period in [SEPTEMBER, OCTOBER, NOVEMBER] {
            month(&house, period).await;
        }
        moved(&house, [in_instalments, awarded], Money(156_000), DECEMBER).await;
        corrected(&house, cancelled, SEPTEMBER, Money(-156_000)).await;
        let of_september = payment(known_late, 255_004, Day(20_251_010), "1");
        paid(&house, NewPayment { period: Some(SEPTEMBER), booked_at: None, ..of_september }).await;
        let december = month(&house, DECEMBER).await;
        // 1560.00 × 9.5 % ÷ 300 × 31 = 15.314 for September's; what is moved stops, what is not owed comes back.
        let expected = [(untouched, 2569), (in_instalments, 1037), (awarded, 1037), (cancelled, 0), (known_late, 0)];
        for (account, kopecks) in expected {
            let charged = penalty(&house, december, account, "maintenance").await;
            assert_eq!(charged, Money(kopecks), "{expected:?}: {account}");
        }
        let tx = house.db.read(&house.tenant, Actor::System).await.expect("a transaction");
        let lines = charges::lines(&charges::frozen(&tx, cancelled, december).await.expect("a month"));
        let maintenance = lines.iter().find(|line| line.service == "Содержание").expect("maintenance");
        let reasons: Vec<_> = maintenance.penalty_reasons.iter().map(|reason| reason.replace('\u{a0}', " ")).collect();
        let days = "1 560,00 ₽ × 21 дн. × 9,5 % ÷ 300";
        let back = "возврат пеней с оплаченного или снятого долга";
        assert_eq!(reasons, [format!("{back} за сентябрь 2025: {days}"), format!("долг за октябрь 2025: {days}")]);
        drop(tx);
        ledger_agrees(&house).await;
        replayed(&house, DECEMBER).await;
    });
}
