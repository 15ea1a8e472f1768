//! What rooms with heat meters of their own are charged while nobody reads them, and what of it goes back.

use kabinet_billing::charges;
use kabinet_contracts::{AccountId, RunId};
use kabinet_core::{Actor, Money, Period, Quantity};
use kabinet_tests::{Kind, block_on, on_both_databases};
use uuid::Uuid;

use crate::averages::show;
use crate::house::House;
use crate::years::{HEATING, month, with_heating};
use crate::{OCTOBER, SEPTEMBER, charge};

on_both_databases![
    a_reading_gives_a_rooms_own_heat_back_by_average_and_by_share,
    of_heat_by_norm_goes_back_what_the_reading_makes_of_the_month,
];

/// Hundredths of a Гкал.
const fn heat(hundredths: i64) -> Quantity {
    Quantity(hundredths * 100_000)
}

/// Gives a room a heat meter in May, with its readings from a month on.
async fn metered(house: &House, account: AccountId, readings: impl Iterator<Item = (Period, i64)>) {
    let sql = "INSERT INTO meter (tenant_id, id, account_id, service_code, serial, place, model, zones, digits, automatic,
                                  installed_on, verified_until)
               SELECT tenant_id, $2, account_id, 'heat', 'Т-' || serial, place, model, zones, digits, automatic, 20250501,
                 verified_until FROM meter WHERE tenant_id = $1 AND account_id = $3 AND service_code = 'cold_water'";
    assert_eq!(house.execute(sql, vec![Uuid::now_v7().into(), account.into()]).await, 1);
    for (period, hundredths) in readings {
        show(house, account, "heat", period.0, heat(hundredths)).await;
    }
}

/// Every month from May 2025 on, each with a reading so much higher than the one before.
fn monthly(hundredths: i64) -> impl Iterator<Item = (Period, i64)> {
    (0..).map(|month| Period(202_505).plus(month)).zip((0..).map(move |month| month * hundredths))
}

/// How an account was charged for heat, and what.
async fn heated(house: &House, run: RunId, account: AccountId) -> (String, Money) {
    let line = charge(house, run, account, HEATING).await;
    (line.method, line.charged)
}

/// What falls to the rooms by their meters, Гкал, and the area of those that count.
async fn rooms(house: &House, run: RunId) -> (Quantity, Quantity) {
    let tx = house.db.read(&house.tenant, Actor::System).await.expect("a transaction");
    let figures = charges::frozen(&tx, house.accounts[0], run).await.expect("a month").house.expect("a house");
    let heat = figures.services.iter().find(|of| of.service == HEATING).expect("heat");
    (heat.rooms, heat.metered_area)
}

/// Of three rooms one is read every month, 1.2 Гкал, one from September on not before February, 1.0 before and 6.3
/// Гкал then, and one has no meter. Their house uses 3.9 Гкал each month, which are charged to the kopeck.
fn a_reading_gives_a_rooms_own_heat_back_by_average_and_by_share(kind: Kind) {
    block_on(async {
        let months = (0..6).map(|number| SEPTEMBER.plus(number));
        let house = with_heating(kind, &[], months.clone().map(|period| (period, heat(390)))).await;
        let [read, unread, without] = house.accounts[..] else { panic!("three accounts") };
        metered(&house, read, monthly(120).take(10)).await;
        metered(&house, unread, monthly(100).take(4).chain([(SEPTEMBER.plus(5), 300 + 630)])).await;
        let mut charged = Vec::new();
        let mut last = None;
        for period in months {
            let run = month(&house, period).await;
            let mut house_pays = Money::ZERO;
            for account in [read, unread, without] {
                let line = charge(&house, run, account, HEATING).await;
                house_pays += line.charged + line.recalculation;
            }
            assert_eq!(house_pays, Money(390 * 2_000), "{period}");
            charged.push(heated(&house, run, unread).await);
            last = Some(run);
        }
        let of = |method: &str, kopecks| (method.to_owned(), Money(kopecks));
        // Its own 1.0 and 50 ÷ 150 of (3.9 − 2.2 × 150 ÷ 100); then 1.2 as its neighbour and 50 ÷ 150 of (3.9 − 3.6);
        // 6.3 and 50 ÷ 150 of (3.9 − 2.1 × 150 ÷ 100); × 2000.00.
        let (average, share) = (of("average", 240_000), of("house_share", 260_000));
        let by_meter = of("meter", 1_310_000);
        assert_eq!(charged, [average.clone(), average.clone(), average, share.clone(), share, by_meter]);
        let february = last.expect("a month");
        // Three times 1.0 and twice 1.2; what it was charged of the house's stays.
        let back = charge(&house, february, unread, HEATING).await.recalculation;
        assert_eq!(back, Money(-(3 * 200_000 + 2 * 240_000)));
        // 1.2 and 6.3 − 3 × 1.0 − 2 × 1.2.
        assert_eq!(rooms(&house, february).await, (heat(210), Quantity::whole(100)));
    });
}

/// In September nobody knows what the house uses: 1.5 Гкал a room. The second room's meter has no months for an
/// average; in October it shows 2 Гкал for the two months.
fn of_heat_by_norm_goes_back_what_the_reading_makes_of_the_month(kind: Kind) {
    block_on(async {
        let house = with_heating(kind, &[], [(OCTOBER, heat(390))].into_iter()).await;
        let (read, unread) = (house.accounts[0], house.accounts[1]);
        metered(&house, read, monthly(120).take(6)).await;
        let august = SEPTEMBER.previous();
        metered(&house, unread, [(august, 500), (OCTOBER, 700)].into_iter()).await;
        let september = month(&house, SEPTEMBER).await;
        assert_eq!(heated(&house, september, unread).await, ("norm".to_owned(), Money(300_000)));
        let october = month(&house, OCTOBER).await;
        // 2.0 and 50 ÷ 150 of (3.9 − (1.2 + 2.0 − 1.0) × 150 ÷ 100); 1.0 of September's 1.5 goes back.
        assert_eq!(rooms(&house, october).await, (heat(220), Quantity::whole(100)));
        let line = charge(&house, october, unread, HEATING).await;
        assert_eq!((line.charged, line.recalculation), (Money(440_000), Money(-200_000)));
    });
}
