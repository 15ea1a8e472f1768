//! Terms that change within a month: each day is charged by those that held on it.

use kabinet_billing::catalog::{self, Tariff};
use kabinet_billing::charges;
use kabinet_billing::difference::{Cause, Difference};
use kabinet_billing::runs::replay;
use kabinet_contracts::{AccountId, RunId};
use kabinet_core::{Actor, Day, Money, Period, Quantity};
use kabinet_tests::{Kind, block_on, on_both_databases};
use rust_decimal::Decimal;

use crate::house::{House, tariffs};
use crate::{OCTOBER, SEPTEMBER, billed, charge, publish};

on_both_databases![
    a_tariff_that_rises_on_the_sixteenth_is_paid_for_sixteen_days,
    an_account_pays_the_tariffs_of_the_days_on_which_it_was_open,
    a_raising_coefficient_that_changes_within_a_month_raises_each_day_by_its_own,
];

/// Water from 39.56 to 45.00 and maintenance from 31.20 to 35.00 on a day; `coefficient` is water's before and after.
async fn changed(house: &House, from: i32, coefficient: Option<(i64, i64)>) {
    let mut all = tariffs();
    let halves = |number: i64| Decimal::new(number * 5, 1);
    all[0].terms.coefficient = coefficient.map(|(before, _)| halves(before));
    for (at, kopecks) in [(0, 4500), (3, 3500)] {
        let mut terms = all[at].terms.clone();
        terms.prices[0].amount = Decimal::new(kopecks, 2);
        if at == 0 {
            terms.coefficient = coefficient.map(|(_, after)| halves(after));
        }
        all.push(Tariff { from: Day(from), terms, ..all[at].clone() });
    }
    let mut tx = house.begin().await;
    catalog::set_tariffs(&mut tx, &all).await.expect("stored");
    tx.commit().await.expect("committed");
}

async fn bill(house: &House, period: Period) -> RunId {
    let run = billed(house, period).await;
    publish(house, run).await;
    run
}

/// What the page says of a charge: its formula, and label, volume and sum of each part.
async fn reasons(house: &House, run: RunId, account: AccountId, title: &str) -> (String, Vec<(String, i64, i64)>) {
    let tx = house.db.read(&house.tenant, Actor::System).await.expect("a transaction");
    let lines = charges::lines(&charges::frozen(&tx, account, run).await.expect("a month"));
    let line = lines.into_iter().find(|line| line.service == title).expect("the service");
    let parts = line.parts.into_iter().map(|part| (part.label, part.volume.0, part.amount.0)).collect();
    (line.formula.unwrap_or_default().replace('\u{a0}', " "), parts)
}

/// 4 m³ of October: 4 × 15 ÷ 31 = 1.9354839 at 39.56 are 76.567743, 2.0645161 at 45.00 are 92.903225.
/// 50 m²: 24.1935484 at 31.20 are 754.838710, 25.8064516 at 35.00 are 903.225806.
fn a_tariff_that_rises_on_the_sixteenth_is_paid_for_sixteen_days(kind: Kind) {
    block_on(async {
        let house = House::new(kind, 2).await;
        let account = house.accounts[0];
        changed(&house, 20_251_016, None).await;
        let before = bill(&house, SEPTEMBER).await;
        let run = bill(&house, OCTOBER).await;
        let water = charge(&house, run, account, "cold_water").await;
        assert_eq!((water.charged, water.volume, water.tariff), (Money(16_947), Some(Quantity::whole(4)), None));
        assert_eq!(charge(&house, run, account, "maintenance").await.charged, Money(165_806));
        // What follows the water's volume and did not change.
        assert_eq!(charge(&house, run, account, "wastewater").await.charged, Money(10_564));
        let (formula, parts) = reasons(&house, run, account, "Холодная вода").await;
        let expected = "4 м³ × 15 дн. ÷ 31 дн. = 1,9354839 м³; 4 м³ × 16 дн. ÷ 31 дн. = 2,0645161 м³; \
                        1,9354839 м³ × 39,56 ₽ + 2,0645161 м³ × 45,00 ₽ = 169,47 ₽";
        assert!(formula.ends_with(expected), "{formula}");
        let parts: Vec<_> = parts.iter().map(|(label, volume, sum)| (label.as_str(), *volume, *sum)).collect();
        assert_eq!(parts, [("прежний тариф", 19_354_839, 7_657), ("новый тариф", 20_645_161, 9_290)]);
        // The tariff alone is why the bill changed.
        let tx = house.db.read(&house.tenant, Actor::System).await.expect("a transaction");
        let month = async |run| charges::frozen(&tx, account, run).await.expect("a month");
        let found = Difference::between(&month(before).await, &month(run).await);
        let found: Vec<_> = found.steps.iter().map(|step| (step.cause, step.amount)).collect();
        assert_eq!(found, [(Cause::Tariff, Money(165_806 - 156_000)), (Cause::Tariff, Money(16_947 - 15_824))]);
        drop(tx);
        let replayed = replay::replay(&house.db, &house.tenant, house.billing.plugins(), OCTOBER, |_, _| {}).await;
        assert!(replayed.expect("replayed").is_same());
        // November has the new tariff alone.
        let november = bill(&house, OCTOBER.next()).await;
        assert_eq!(charge(&house, november, account, "maintenance").await.charged, Money(175_000));
    });
}

/// From the 11th: 5 days at 31.20 and 16 at 35.00, 8.0645161 and 25.8064516 m². From the 16th: the new tariff alone.
fn an_account_pays_the_tariffs_of_the_days_on_which_it_was_open(kind: Kind) {
    block_on(async {
        let house = House::new(kind, 2).await;
        let [of_the_11th, of_the_16th] = house.accounts[..] else { panic!("two accounts") };
        for (account, day) in [(of_the_11th, 20_251_011), (of_the_16th, 20_251_016)] {
            let sql = "UPDATE account SET opened_on = $2 WHERE tenant_id = $1 AND id = $3";
            assert_eq!(house.execute(sql, vec![Day(day).into(), account.into()]).await, 1);
        }
        changed(&house, 20_251_016, None).await;
        bill(&house, SEPTEMBER).await;
        let run = bill(&house, OCTOBER).await;
        assert_eq!(charge(&house, run, of_the_11th, "maintenance").await.charged, Money(115_484));
        let maintenance = charge(&house, run, of_the_16th, "maintenance").await;
        assert_eq!((maintenance.charged, maintenance.tariff), (Money(90_323), Some(Quantity::whole(35))));
        assert_eq!(charge(&house, run, of_the_16th, "cold_water").await.charged, Money(18_000));
    });
}

/// Two people × 4.85 m³. From the 16th the tariff: 4.6935484 at 39.56 and 5.0064516 at 45.00 are 410.967097, half of
/// either again. With the coefficient 3 from the 6th of November on: 436.50 × (0.5 × 5 + 2 × 25) ÷ 30 = 763.875.
fn a_raising_coefficient_that_changes_within_a_month_raises_each_day_by_its_own(kind: Kind) {
    block_on(async {
        let house = House::new(kind, 2).await;
        let account = house.accounts[0];
        let gone = "UPDATE meter SET removed_on = 20250825
                    WHERE tenant_id = $1 AND account_id = $2 AND service_code = 'cold_water'";
        assert_eq!(house.execute(gone, vec![account.into()]).await, 1);
        changed(&house, 20_251_016, Some((3, 3))).await;
        bill(&house, SEPTEMBER).await;
        let october = bill(&house, OCTOBER).await;
        let water = charge(&house, october, account, "cold_water").await;
        assert_eq!((water.charged - water.excess, water.excess), (Money(41_097), Money(20_548)));
        assert_eq!((water.norm, water.coefficient), (Some(Quantity(48_500_000)), Some(Quantity(15_000_000))));

        let mut tx = house.begin().await;
        let mut all = catalog::edit::tariffs(&tx).await.expect("tariffs");
        let last = all.iter().rfind(|tariff| tariff.service == "cold_water").expect("water").clone();
        let mut raised = Tariff { from: Day(20_251_106), ..last };
        raised.terms.coefficient = Some(Decimal::from(3));
        all.push(raised);
        catalog::set_tariffs(&mut tx, &all).await.expect("stored");
        tx.commit().await.expect("committed");
        let november = bill(&house, OCTOBER.next()).await;
        let water = charge(&house, november, account, "cold_water").await;
        assert_eq!((water.charged - water.excess, water.excess), (Money(43_650), Money(76_388)));
        assert_eq!((water.tariff, water.coefficient), (Some(Quantity::whole(45)), Some(Quantity(27_500_000))));
        let (formula, parts) = reasons(&house, november, account, "Холодная вода").await;
        assert!(parts.is_empty() || parts.len() == 1, "one tariff: {parts:?}");
        let expected = "9,7 м³ × 45,00 ₽ = 436,50 ₽; повышение: 436,50 ₽ × 0,5 = 218,25 ₽; \
                        повышение: 436,50 ₽ × 2 = 873,00 ₽; \
                        повышение: 218,25 ₽ × 5 дн. ÷ 30 дн. + 873,00 ₽ × 25 дн. ÷ 30 дн. = 763,88 ₽";
        assert!(formula.ends_with(expected), "{formula}");
    });
}
