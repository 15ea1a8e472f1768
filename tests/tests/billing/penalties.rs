//! Penalties from the end of a company's rates on, for capital repair, and where debt is no longer owed as it was.

use kabinet_billing::awards::{self, NewAward};
use kabinet_billing::instalments::{self, NewPlan};
use kabinet_billing::penalty::PenaltyRates;
use kabinet_billing::{catalog, recalculations};
use kabinet_core::{Day, Money, Period};
use kabinet_tests::{Kind, block_on, on_both_databases};

use crate::house::House;
use crate::{NOVEMBER, OCTOBER, SEPTEMBER, billed, ledger_agrees, penalty, publish, rates};

on_both_databases![
    a_company_that_drops_its_rates_goes_on_billing_without_penalties,
    a_day_late_never_costs_more_than_a_three_hundredth_for_capital_repair,
    debt_that_was_moved_or_corrected_away_bears_no_penalty,
];

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
        let (service, both, one) = ("maintenance".to_owned(), Money(312_000), Money(-156_000));
        let (percent, basis) = (Default::default(), "соглашение № 1".to_owned());
        let plan = NewPlan { service: service.clone(), total: both, parts: 3, from: NOVEMBER, percent, basis };
        let award =
            NewAward { basis: "приказ № 2".to_owned(), debts: vec![(service, both)], costs: Money::ZERO };
        let mut tx = house.begin().await;
        instalments::agree(&mut tx, in_instalments, &plan).await.expect("agreed");
        awards::record(&mut tx, awarded, &award).await.expect("recorded");
        for (account, month) in [(of_september, SEPTEMBER), (of_october, OCTOBER)] {
            let act = "акт № 3";
            recalculations::record_by_hand(&mut tx, account, "maintenance", month, one, act).await.expect("recorded");
        }
        tx.commit().await.expect("committed");
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
