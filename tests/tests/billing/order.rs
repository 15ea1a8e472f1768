//! In whatever order payments and readings come in, the bills are the same.

use kabinet_billing::catalog;
use kabinet_contracts::AccountId;
use kabinet_core::{Day, Money, Period, Quantity};
use kabinet_tests::{Kind, block_on, on_both_databases};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::house::{House, moment};
use crate::{NOVEMBER, OCTOBER, SEPTEMBER, billed, hash, publish, rates};

on_both_databases![payments_and_readings_may_come_in_any_order];

const ACCOUNTS: usize = 4;
/// Months that are made up.
const MONTHS: usize = 24;

/// A payment booked at noon of one of two days: many are booked at the same moment, as by a bank's file.
#[derive(Clone, Debug)]
struct Paid {
    account: usize,
    kind: &'static str,
    amount: i64,
    on: i32,
    names: Option<Period>,
    booked: i32,
}

/// A reading of November, stored at the same moment as all others; never below the one of October.
#[derive(Clone, Debug)]
struct Read {
    account: usize,
    service: &'static str,
    on: i32,
    more: i64,
}

fn paid() -> impl Strategy<Value = Paid> {
    let kind = prop::sample::select(vec!["main", "capital"]);
    let names = prop::option::of(prop::sample::select(vec![SEPTEMBER, OCTOBER, NOVEMBER]));
    let paid = (0..ACCOUNTS, kind, 1_i64..400_000, 1_i32..=28, names, 29_i32..=30);
    paid.prop_map(|(account, kind, amount, on, names, booked)| Paid { account, kind, amount, on, names, booked })
}

fn read() -> impl Strategy<Value = Read> {
    let service = prop::sample::select(vec!["cold_water", "electricity"]);
    let read = (0..ACCOUNTS, service, 1_i32..=30, 0_i64..50_000_000);
    read.prop_map(|(account, service, on, more)| Read { account, service, on, more })
}

/// The same payments and readings in two orders.
type Month = [(Vec<Paid>, Vec<Read>); 2];

fn month() -> impl Strategy<Value = Month> {
    let month = (prop::collection::vec(paid(), 0..16), prop::collection::vec(read(), 0..16));
    month.prop_flat_map(|(paid, read)| {
        let other = (Just(paid.clone()).prop_shuffle(), Just(read.clone()).prop_shuffle());
        other.prop_map(move |other| [(paid.clone(), read.clone()), other])
    })
}

async fn pay(house: &House, number: usize, paid: &Paid) {
    let tx = house.begin().await;
    let sql = "INSERT INTO payment (tenant_id, id, account_id, kind_code, amount, paid_on, booked_at, period, source,
                                    external_id)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'order', $9) /* tenant_id = $1 */";
    let (id, booked_at): (uuid::Uuid, _) = (tx.new_id(), moment(Day(NOVEMBER.0 * 100 + paid.booked)));
    let account: AccountId = house.accounts[paid.account];
    let values = vec![
        id.into(),
        account.into(),
        paid.kind.into(),
        Money(paid.amount).into(),
        Day(NOVEMBER.0 * 100 + paid.on).into(),
        booked_at.into(),
        paid.names.into(),
        number.to_string().into(),
    ];
    tx.execute(sql, values).await.expect("a payment");
    tx.commit().await.expect("committed");
}

async fn send(house: &House, read: &Read) {
    let tx = house.begin().await;
    let sql =
        "INSERT INTO reading (tenant_id, id, meter_id, account_id, period, taken_on, value_t1, source, created_at)
               SELECT m.tenant_id, $2, m.id, m.account_id, r.period + 1, $3, r.value_t1 + $4, 'portal', 0
               FROM meter m
               JOIN reading r ON r.tenant_id = m.tenant_id AND r.meter_id = m.id AND r.period = 202510
               WHERE m.tenant_id = $1 AND m.account_id = $5 AND m.service_code = $6";
    let id: uuid::Uuid = tx.new_id();
    let on = Day(NOVEMBER.0 * 100 + read.on);
    let account: AccountId = house.accounts[read.account];
    let values = vec![id.into(), on.into(), Quantity(read.more).into(), account.into(), read.service.into()];
    assert_eq!(tx.execute(sql, values).await.expect("a reading"), 1);
    tx.commit().await.expect("committed");
}

/// What November's bills come to when this comes in, in this order; nothing of it stays.
async fn calculated(house: &House, (paid, read): &(Vec<Paid>, Vec<Read>)) -> String {
    for (number, paid) in paid.iter().enumerate() {
        pay(house, number, paid).await;
    }
    for read in read {
        send(house, read).await;
    }
    let hash = hash(house, billed(house, NOVEMBER).await).await;
    house.execute("DELETE FROM payment WHERE tenant_id = $1 AND source = 'order'", Vec::new()).await;
    house.execute("DELETE FROM reading WHERE tenant_id = $1 AND period = 202511", Vec::new()).await;
    hash
}

fn payments_and_readings_may_come_in_any_order(kind: Kind) {
    block_on(async {
        let house = House::new(kind, ACCOUNTS).await;
        let mut tx = house.begin().await;
        catalog::set_penalty_rates(&mut tx, &rates(None)).await.expect("stored");
        tx.commit().await.expect("committed");
        for month in [SEPTEMBER, OCTOBER] {
            publish(&house, billed(&house, month).await).await;
        }
        house.go_to(Day(20_251_205));
        let mut chance = TestRunner::deterministic();
        let nothing = calculated(&house, &(Vec::new(), Vec::new())).await;
        let mut different = 0;
        for _ in 0..MONTHS {
            let [one, other] = month().new_tree(&mut chance).expect("a month").current();
            let hash = calculated(&house, &one).await;
            assert_eq!(hash, calculated(&house, &other).await, "{one:?} and {other:?}");
            different += usize::from(hash != nothing);
        }
        assert!(different > MONTHS / 2, "what comes in changes the bills");
    });
}
