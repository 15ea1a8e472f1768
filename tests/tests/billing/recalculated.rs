//! A correction of a closed month is what the month comes to with what is known now, less what was charged for it,
//! whatever became known.

use std::collections::BTreeMap;

use kabinet_accounts::absences::{self, NewAbsence};
use kabinet_billing::recalculations;
use kabinet_billing::runs::{self, replay};
use kabinet_contracts::{AccountId, RunId};
use kabinet_core::{Actor, Day, Money, Quantity};
use kabinet_tests::{Kind, block_on, on_both_databases};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sea_orm::FromQueryResult;

use crate::house::House;
use crate::years::month;
use crate::{NOVEMBER, OCTOBER, SEPTEMBER, averages, billed, charge, ledger_agrees, publish};

on_both_databases![
    a_recalculation_bills_the_new_charge_less_the_old_one,
    a_corrected_month_goes_back_as_it_was_corrected,
    a_month_that_went_back_is_not_given_back_again,
    bills_that_give_a_month_back_are_given_up_by_its_correction,
];

const ACCOUNTS: usize = 40;

/// Something of September that becomes known after its bills.
#[derive(Clone, Debug)]
enum Known {
    /// So many people are registered all along.
    Registered(i32),
    /// One is registered from a day on.
    Alone(i32),
    /// Tenths of a square metre.
    Area(i64),
    /// The reading of the 20th was so many litres above August's.
    Read(i64),
    /// A resident was away from a day on, for so many days.
    Away(i32, i32),
}

fn known() -> impl Strategy<Value = Known> {
    prop_oneof![
        (0..6).prop_map(Known::Registered),
        (2..=30).prop_map(Known::Alone),
        (100_i64..1_000).prop_map(Known::Area),
        (0_i64..=8_000).prop_map(Known::Read),
        (1..20, 2..11).prop_map(|(day, days)| Known::Away(day, days)),
    ]
}

async fn learn(house: &House, account: AccountId, known: &Known) {
    let (sql, value) = match *known {
        Known::Away(day, days) => return away(house, account, Day(20_250_900 + day), days).await,
        Known::Registered(people) => (
            "UPDATE occupancy SET registered = $3 WHERE tenant_id = $1 AND account_id = $2 AND from_on = 20200101",
            people.into(),
        ),
        Known::Area(tenths) => (
            "UPDATE premises SET area = $3 WHERE tenant_id = $1
             AND id = (SELECT a.premises_id FROM account a WHERE a.tenant_id = premises.tenant_id AND a.id = $2)",
            Quantity(tenths * 1_000_000).into(),
        ),
        Known::Read(litres) => (
            "UPDATE reading SET value_t1 = $3 WHERE tenant_id = $1 AND account_id = $2 AND period = 202509
             AND meter_id = (SELECT m.id FROM meter m WHERE m.tenant_id = reading.tenant_id
                              AND m.account_id = reading.account_id AND m.service_code = 'cold_water')",
            Quantity(1_000_000_000 + litres * 10_000).into(),
        ),
        Known::Alone(day) => (
            "INSERT INTO occupancy (tenant_id, account_id, from_on, registered, temporary, owners)
             SELECT tenant_id, id, $3, 1, 0, 1 FROM account WHERE tenant_id = $1 AND id = $2
             ON CONFLICT (tenant_id, account_id, from_on) DO NOTHING",
            Day(20_250_900 + day).into(),
        ),
    };
    house.execute(sql, vec![account.into(), value]).await;
}

async fn away(house: &House, account: AccountId, from: Day, days: i32) {
    let to = from.plus_days(i64::from(days));
    let new = NewAbsence { residents: 1, from, to, document: "билеты на поезд".to_owned() };
    let mut tx = house.begin().await;
    // Refused where everybody is away already.
    if absences::record(&mut tx, &*house.billing.estimates(), account, &new).await.is_ok() {
        tx.commit().await.expect("committed");
    }
}

#[derive(FromQueryResult)]
struct Line {
    account_id: AccountId,
    service_code: String,
    charged: Money,
    recalculation: Money,
}

/// Sums by account and service.
type Sums = BTreeMap<(AccountId, String), Money>;

/// What the lines of a run come to by `sum`.
async fn sums(house: &House, run: RunId, sum: impl Fn(&Line) -> Money) -> Sums {
    let tx = house.db.read(&house.tenant, Actor::System).await.expect("a transaction");
    let sql = "SELECT account_id, service_code, charged, recalculation FROM charge
               WHERE tenant_id = $1 AND run_id = $2";
    let lines: Vec<Line> = tx.rows(sql, vec![run.into()]).await.expect("charges");
    lines.into_iter().map(|line| ((line.account_id, line.service_code.clone()), sum(&line))).collect()
}

/// Records what each account's September comes to now; how many corrections that are.
async fn corrected(house: &House) -> usize {
    let mut recorded = 0;
    for account in &house.accounts {
        let mut tx = house.begin().await;
        let months = recalculations::recompute(&tx, house.billing.plugins(), *account, SEPTEMBER).await;
        let months = months.expect("recomputed");
        let made = recalculations::record(&mut tx, *account, &months, "Акт № 7").await.expect("recorded");
        recorded += made.len();
        tx.commit().await.expect("committed");
    }
    recorded
}

fn a_recalculation_bills_the_new_charge_less_the_old_one(kind: Kind) {
    block_on(async {
        let house = House::new(kind, ACCOUNTS).await;
        let old = billed(&house, SEPTEMBER).await;
        let mut chance = TestRunner::deterministic();
        let some = prop::collection::vec(known(), 0..4);
        let mut learned = BTreeMap::new();
        for account in &house.accounts {
            let known = some.new_tree(&mut chance).expect("some").current();
            for one in &known {
                learn(&house, *account, one).await;
            }
            learned.insert(*account, known);
        }
        // The same month with all of it known, calculated as a whole and published by nobody.
        let new = billed(&house, SEPTEMBER).await;
        publish(&house, old).await;
        assert!(corrected(&house).await > ACCOUNTS / 2, "there is something to correct");
        assert_eq!(corrected(&house).await, 0, "nothing is left to correct");

        // A run bills what was recorded before it.
        house.go_to(Day(20_251_121));
        let next = billed(&house, OCTOBER).await;
        let month = |line: &Line| line.charged + line.recalculation;
        let (old, new) = (sums(&house, old, month).await, sums(&house, new, month).await);
        let billed = sums(&house, next, |line| line.recalculation).await;
        assert!(old.keys().eq(new.keys()) && old.keys().eq(billed.keys()), "the same services");
        for (line, billed) in &billed {
            assert_eq!(*billed, new[line] - old[line], "{line:?}: {:?}", learned[&line.0]);
        }
        publish(&house, next).await;
        ledger_agrees(&house).await;
        assert_eq!(corrected(&house).await, 0, "nor in the two months together");
    });
}

/// Nobody reads the water in September and October: two people's norm each, 383.73. In November it is 10 m³ more than
/// in August.
async fn read_in_november(kind: Kind) -> House {
    let house = House::new(kind, 1).await;
    house.execute("DELETE FROM reading WHERE tenant_id = $1 AND period > 202508", Vec::new()).await;
    averages::read(&house, house.accounts[0], NOVEMBER.0, 110).await;
    house
}

/// What the only account was charged for a service in some months, with what went back.
async fn charged(house: &House, runs: &[RunId], service: &str) -> Money {
    let mut sum = Money::ZERO;
    for run in runs {
        let line = charge(house, *run, house.accounts[0], service).await;
        sum += line.charged + line.recalculation;
    }
    sum
}

/// In October it becomes known that one of the two had moved out: 191.87 for September. The reading covers it all.
fn a_corrected_month_goes_back_as_it_was_corrected(kind: Kind) {
    block_on(async {
        let house = read_in_november(kind).await;
        let september = month(&house, SEPTEMBER).await;
        learn(&house, house.accounts[0], &Known::Registered(1)).await;
        assert!(corrected(&house).await > 0);
        let runs = [september, month(&house, OCTOBER).await, month(&house, NOVEMBER).await];
        // 383.73; 191.87 − 191.86; 395.60 − 191.87 − 191.87.
        assert_eq!(charged(&house, &runs[..1], "cold_water").await, Money(38_373));
        assert_eq!(charged(&house, &runs[1..2], "cold_water").await, Money(1));
        assert_eq!(charged(&house, &runs[2..], "cold_water").await, Money(1_186));
        // 10 m³ at 39.56, and as much wastewater at 26.41.
        assert_eq!(charged(&house, &runs, "cold_water").await, Money(39_560));
        assert_eq!(charged(&house, &runs, "wastewater").await, Money(26_410));
        assert_eq!(corrected(&house).await, 0, "nothing is left to correct");
    });
}

/// The same becomes known in December, when all has gone back.
fn a_month_that_went_back_is_not_given_back_again(kind: Kind) {
    block_on(async {
        let house = read_in_november(kind).await;
        let mut runs = Vec::new();
        for period in [SEPTEMBER, OCTOBER, NOVEMBER] {
            runs.push(month(&house, period).await);
        }
        assert_eq!(charged(&house, &runs, "cold_water").await, Money(39_560));
        learn(&house, house.accounts[0], &Known::Registered(1)).await;
        let tx = house.db.read(&house.tenant, Actor::System).await.expect("a transaction");
        let found = recalculations::recompute(&tx, house.billing.plugins(), house.accounts[0], SEPTEMBER).await;
        drop(tx);
        let found = found.expect("recomputed");
        let water = found.iter().filter(|month| month.service == "cold_water").map(|month| month.difference());
        // What the two months are less, November has given back too much.
        assert_eq!(water.collect::<Vec<_>>(), [Money(-19_186), Money(-19_186), Money(38_372)]);
        assert!(corrected(&house).await > 0);
        let december = month(&house, NOVEMBER.next()).await;
        for service in ["cold_water", "wastewater"] {
            assert_eq!(charge(&house, december, house.accounts[0], service).await.recalculation, Money::ZERO);
        }
        assert_eq!(corrected(&house).await, 0, "nothing is left to correct");
        let replay = || replay::replay(&house.db, &house.tenant, house.billing.plugins(), NOVEMBER, |_, _| {});
        assert!(replay().await.expect("replayed").is_same(), "what was published is computed as it was");
    });
}

/// The same becomes known when November is calculated and not published. It is calculated again in the same minute, so
/// that it bills no correction yet, and gives back what is left without them.
fn bills_that_give_a_month_back_are_given_up_by_its_correction(kind: Kind) {
    block_on(async {
        let house = read_in_november(kind).await;
        let (september, october) = (month(&house, SEPTEMBER).await, month(&house, OCTOBER).await);
        house.go_to(NOVEMBER.next().first_day().plus_days(4));
        let given_up = billed(&house, NOVEMBER).await;
        learn(&house, house.accounts[0], &Known::Registered(1)).await;
        assert!(corrected(&house).await > 0);
        let tx = house.db.read(&house.tenant, Actor::System).await.expect("a transaction");
        assert_eq!(runs::find(&tx, given_up).await.expect("a run").state, "failed");
        drop(tx);
        let runs = [september, october, month(&house, NOVEMBER).await, month(&house, NOVEMBER.next()).await];
        // 383.73 + 383.73 + (395.60 − 191.87 − 191.87) − 191.86 − 191.86, and December's norm for one.
        assert_eq!(charged(&house, &runs[2..3], "cold_water").await, Money(1_186));
        assert_eq!(charged(&house, &runs, "cold_water").await, Money(39_560 + 19_187));
    });
}
