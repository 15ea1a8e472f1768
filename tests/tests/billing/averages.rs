//! For how long an average stands in for a meter, and what it is made of.

use kabinet_billing::catalog;
use kabinet_contracts::{AccountId, RunId};
use kabinet_core::{Day, Money, Period, Quantity};
use kabinet_tests::{Kind, block_on, on_both_databases};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::house::{House, tariffs};
use crate::{billed, charge, publish};

on_both_databases![
    three_months_by_average_follow_the_last_reading_that_counts,
    a_shop_is_charged_by_average_for_two_months,
    a_meter_that_replaced_one_unread_for_two_months_in_a_shop_is_unread_as_well,
    an_account_closed_on_the_tenth_is_charged_by_average_for_ten_days,
];

/// 4 m³ × 39.56.
const AVERAGE: (&str, Money) = ("average", Money(15_824));
/// Two people × 4.85 × 39.56 = 383.732.
const NORM: (&str, Money) = ("norm", Money(38_373));
/// The same with half of it more: 191.866.
const RAISED: (&str, Money) = ("norm_raised", Money(38_373 + 19_187));

/// Accounts whose cold water was read on the 20th of every month from February to October, 4 m³ a month; its norm is
/// raised by half.
async fn house(kind: Kind, accounts: usize) -> House {
    let house = House::new(kind, accounts).await;
    for account in &house.accounts {
        for (month, value) in (202_502..).zip((76..100).step_by(4)) {
            read(&house, *account, month, value).await;
        }
    }
    let mut terms = tariffs();
    terms[0].terms.coefficient = Some(Decimal::new(15, 1));
    let mut tx = house.begin().await;
    catalog::set_tariffs(&mut tx, &terms).await.expect("stored");
    tx.commit().await.expect("committed");
    house
}

/// A reading of the account's cold water on the 20th of a month, m³.
pub(crate) async fn read(house: &House, account: AccountId, month: i32, value: i64) {
    show(house, account, "cold_water", month, Quantity::whole(value)).await;
}

/// What the account's meter of a resource shows on the 20th of a month.
pub(crate) async fn show(house: &House, account: AccountId, resource: &str, month: i32, value: Quantity) {
    let sql =
        "INSERT INTO reading (tenant_id, id, meter_id, account_id, period, taken_on, value_t1, source, created_at)
               SELECT tenant_id, $2, id, account_id, $3, $4, $5, 'portal', 0 FROM meter
               WHERE tenant_id = $1 AND account_id = $6 AND service_code = $7 AND removed_on IS NULL";
    let values = vec![
        Uuid::now_v7().into(),
        Period(month).into(),
        Day(month * 100 + 20).into(),
        value.into(),
        account.into(),
        resource.into(),
    ];
    assert_eq!(house.execute(sql, values).await, 1);
}

/// Bills and publishes `months` months from September 2025 on.
async fn bill(house: &House, months: i32) -> Vec<RunId> {
    let mut runs = Vec::new();
    for month in (0..months).map(|number| Period(202_509).plus(number)) {
        house.go_to(month.next().first_day().plus_days(4));
        let run = billed(house, month).await;
        publish(house, run).await;
        runs.push(run);
    }
    runs
}

async fn water(house: &House, account: AccountId, runs: &[RunId]) -> Vec<(String, Money)> {
    let mut months = Vec::new();
    for run in runs {
        let charge = charge(house, *run, account, "cold_water").await;
        months.push((charge.method, charge.charged));
    }
    months
}

fn named(months: &[(&str, Money)]) -> Vec<(String, Money)> {
    months.iter().map(|(method, charged)| ((*method).to_owned(), *charged)).collect()
}

/// A verification that ends on the last day of a month and one that ends on the day before it: both meters were read
/// on the 20th of October, while it held.
fn three_months_by_average_follow_the_last_reading_that_counts(kind: Kind) {
    block_on(async {
        let house = house(kind, 3).await;
        let [day_before, last_day, unread] = house.accounts[..] else { panic!("three accounts") };
        for (account, until) in [(day_before, 20_251_030), (last_day, 20_251_031), (unread, 20_251_030)] {
            let sql = "UPDATE meter SET verified_until = $2
                       WHERE tenant_id = $1 AND account_id = $3 AND service_code = 'cold_water'";
            house.execute(sql, vec![Day(until).into(), account.into()]).await;
            // 40 m³ a month afterwards: what is sent while it is over is in no average.
            for (month, value) in [(202_511, 148), (202_512, 188), (202_601, 228), (202_602, 268)] {
                read(&house, account, month, value).await;
            }
        }
        // The third one was not read in October before it ended.
        let sql = "DELETE FROM reading WHERE tenant_id = $1 AND account_id = $2 AND period = 202510";
        house.execute(sql, vec![unread.into()]).await;
        let runs = bill(&house, 6).await;
        let meter = ("meter", AVERAGE.1);
        let read_in_october = named(&[meter, meter, AVERAGE, AVERAGE, AVERAGE, RAISED]);
        assert_eq!(water(&house, day_before, &runs).await, read_in_october);
        assert_eq!(water(&house, last_day, &runs).await, read_in_october);
        assert_eq!(water(&house, unread, &runs).await, named(&[meter, AVERAGE, AVERAGE, AVERAGE, RAISED, RAISED]));
    });
}

/// The kind of the account's premises from now on.
async fn become_shop(house: &House, account: AccountId) {
    let sql = "UPDATE premises SET kind = 'non_residential' WHERE tenant_id = $1
               AND id = (SELECT a.premises_id FROM account a WHERE a.tenant_id = premises.tenant_id AND a.id = $2)";
    assert_eq!(house.execute(sql, vec![account.into()]).await, 1);
}

/// Nobody sends anything after October: the norm that follows is not raised.
fn a_shop_is_charged_by_average_for_two_months(kind: Kind) {
    block_on(async {
        let house = house(kind, 2).await;
        let [flat, shop] = house.accounts[..] else { panic!("two accounts") };
        become_shop(&house, shop).await;
        let runs = bill(&house, 6).await;
        assert_eq!(water(&house, flat, &runs[2..]).await, named(&[AVERAGE, AVERAGE, AVERAGE, NORM]));
        assert_eq!(water(&house, shop, &runs[2..]).await, named(&[AVERAGE, AVERAGE, NORM, NORM]));
    });
}

/// January is charged by norm in the place of both meters. The reading of February covers it: the new one's half of
/// it goes back, 191.86 of 383.73.
fn a_meter_that_replaced_one_unread_for_two_months_in_a_shop_is_unread_as_well(kind: Kind) {
    block_on(async {
        let house = house(kind, 1).await;
        let shop = house.accounts[0];
        become_shop(&house, shop).await;
        let new = Uuid::now_v7();
        let installed =
            "INSERT INTO meter (tenant_id, id, account_id, service_code, serial, place, model, zones, digits,
                                            automatic, installed_on, verified_until, replaces)
                         SELECT tenant_id, $2, account_id, service_code, 'Я-1', place, model, zones, digits, automatic,
                                20260115, verified_until, id FROM meter
                         WHERE tenant_id = $1 AND account_id = $3 AND service_code = 'cold_water'";
        assert_eq!(house.execute(installed, vec![new.into(), shop.into()]).await, 1);
        let removed = "UPDATE meter SET removed_on = 20260115
                       WHERE tenant_id = $1 AND account_id = $2 AND service_code = 'cold_water' AND replaces IS NULL";
        assert_eq!(house.execute(removed, vec![shop.into()]).await, 1);
        let first = "INSERT INTO reading (tenant_id, id, meter_id, account_id, period, taken_on, value_t1, source,
                                          created_at)
                     SELECT tenant_id, $2, id, account_id, 202601, 20260115, 0, 'installation', 0 FROM meter
                     WHERE tenant_id = $1 AND id = $3";
        assert_eq!(house.execute(first, vec![Uuid::now_v7().into(), new.into()]).await, 1);
        read(&house, shop, 202_602, 10).await;
        let runs = bill(&house, 6).await;
        let ten = ("meter", Money(39_560));
        assert_eq!(water(&house, shop, &runs[2..]).await, named(&[AVERAGE, AVERAGE, NORM, ten]));
        assert_eq!(charge(&house, runs[5], shop, "cold_water").await.recalculation, Money(-19_186));
    });
}

/// 4 m³ × 10 ÷ 30 = 1.3333333; × 39.56 = 52.746665.
fn an_account_closed_on_the_tenth_is_charged_by_average_for_ten_days(kind: Kind) {
    block_on(async {
        let house = house(kind, 2).await;
        let [stays, closed] = house.accounts[..] else { panic!("two accounts") };
        let close = "UPDATE account SET closed_on = $2 WHERE tenant_id = $1 AND id = $3";
        assert_eq!(house.execute(close, vec![Day(20_251_110).into(), closed.into()]).await, 1);
        let runs = bill(&house, 3).await;
        assert_eq!(water(&house, stays, &runs[2..]).await, named(&[AVERAGE]));
        assert_eq!(water(&house, closed, &runs[2..]).await, named(&[("average", Money(5_275))]));
    });
}
