//! Heating that was paid evenly over a year is corrected in January, for an account that came within the year as well.

use kabinet_billing::benefits::{self, NewBenefit};
use kabinet_billing::catalog::{self, Dated, Section, Service, Tariff, Terms};
use kabinet_billing::charges;
use kabinet_billing::houses::{self, HouseVolume};
use kabinet_billing::recalculations;
use kabinet_contracts::RunId;
use kabinet_core::{Actor, Day, Money, Period, Quantity};
use kabinet_plugin_host::api::{Price, ServiceKind, Unit, Zone};
use kabinet_tests::{Kind, block_on, on_both_databases};
use rust_decimal::Decimal;

use crate::house::{House, services, tariffs};
use crate::{billed, charge, publish};

on_both_databases![
    an_account_opened_in_may_answers_for_the_heat_of_its_own_days,
    months_that_were_charged_later_belong_to_the_year_of_an_account_that_was_entered_late,
    a_corrected_year_has_the_benefits_of_its_months,
];

pub(crate) const HEATING: &str = "heating";
const JANUARY: Period = Period(202_601);
const MARCH: Period = Period(202_603);
const MAY: Period = Period(202_605);
/// What the house's meter measured in each month of 2026, Гкал.
const YEAR: [i64; 12] = [30, 24, 18, 10, 1, 0, 0, 0, 0, 12, 20, 31];

/// Three rooms of 50 m² that pay evenly: 50 × 0.03 × 7 ÷ 12 × 2000 = 1750.00 a month.
async fn heated(kind: Kind) -> House {
    let volumes = (0..).zip(YEAR).map(|(month, volume)| (JANUARY.plus(month), Quantity::whole(volume)));
    with_heating(kind, &[("even_months", 7)], volumes).await
}

/// Three rooms of 50 m², heated for 2000 ₽ a Гкал, by norm 0.03 Гкал/m²; `volumes` is what their house's meter measured.
pub(crate) async fn with_heating(
    kind: Kind,
    parameters: &[(&str, i64)],
    volumes: impl Iterator<Item = (Period, Quantity)>,
) -> House {
    let house = House::new(kind, 3).await;
    let heating = Service {
        code: HEATING.into(),
        title: "Отопление".into(),
        resource: ServiceKind::Heating,
        unit: Unit::Gigacalorie,
        section: Section::Utilities,
        kind: "main".into(),
        rule: HEATING.into(),
        shares: String::new(),
    };
    let terms = Terms {
        prices: vec![Price { zone: Zone::WholeDay, above: Decimal::ZERO, amount: Decimal::from(2000) }],
        norm: Some(Decimal::new(3, 2)),
        parameters: parameters.iter().map(|(name, value)| ((*name).to_owned(), Decimal::from(*value))).collect(),
        ..Terms::default()
    };
    let tariff = Tariff { service: HEATING.into(), from: Day(20_250_701), terms, note: String::new() };
    let mut tx = house.begin().await;
    let all: Vec<_> = services().into_iter().chain([Dated::from(heating)]).collect();
    catalog::set_services(&mut tx, &all).await.expect("services");
    let all: Vec<_> = tariffs().into_iter().chain([tariff]).collect();
    catalog::set_tariffs(&mut tx, &all).await.expect("tariffs");
    for (period, volume) in volumes {
        let month = HouseVolume {
            service: HEATING.into(),
            period,
            volume,
            serial: String::new(),
            previous: None,
            current: None,
        };
        houses::set_volume(&mut tx, "h", &month).await.expect("a volume");
    }
    tx.commit().await.expect("committed");
    house
}

/// Bills and publishes a month on the fifth day after it.
pub(crate) async fn month(house: &House, period: Period) -> RunId {
    house.go_to(period.next().first_day().plus_days(4));
    let run = billed(house, period).await;
    publish(house, run).await;
    run
}

/// The first room is one account's all year; the second is sold on 11 May, and its buyer has an account of their own;
/// nobody is billed for the third any more.
fn an_account_opened_in_may_answers_for_the_heat_of_its_own_days(kind: Kind) {
    block_on(async {
        let house = heated(kind).await;
        let [stays, sold, bought] = house.accounts[..] else { panic!("three accounts") };
        let close = "UPDATE account SET closed_on = $2 WHERE tenant_id = $1 AND id = $3";
        assert_eq!(house.execute(close, vec![Day(20_260_510).into(), sold.into()]).await, 1);
        let open = "UPDATE account SET opened_on = $2, premises_id =
                      (SELECT o.premises_id FROM account o WHERE o.tenant_id = account.tenant_id AND o.id = $4)
                    WHERE tenant_id = $1 AND id = $3";
        assert_eq!(house.execute(open, vec![Day(20_260_511).into(), bought.into(), sold.into()]).await, 1);

        let mut charged = Money::ZERO;
        for period in (0..12).map(|number| JANUARY.plus(number)) {
            let run = month(&house, period).await;
            assert_eq!(charge(&house, run, stays, HEATING).await.charged, Money(175_000));
            if period >= MAY {
                charged += charge(&house, run, bought, HEATING).await.charged;
            }
        }
        // 21 days of May and seven months.
        assert_eq!(charged, Money(118_548 + 7 * 175_000));
        let january = month(&house, JANUARY.plus(12)).await;
        // A third of 146 Гкал × 2000 ₽, less 12 × 1750.00.
        assert_eq!(charge(&house, january, stays, HEATING).await.recalculation, Money(9_733_333 - 2_100_000));
        // A third of (1 × 21 ÷ 31 + 12 + 20 + 31) Гкал × 2000 ₽ = 42,451.61: nothing of the winter before.
        assert_eq!(charge(&house, january, bought, HEATING).await.recalculation, Money(4_245_161) - charged);
        // What the winter cost beyond the seller's bills is nobody else's.
        let tx = house.db.read(&house.tenant, Actor::System).await.expect("a transaction");
        let none = charges::frozen(&tx, sold, january).await.expect_err("a closed account gets no bill");
        assert_eq!(none.code(), "billing.no_such_receipt");
    });
}

/// Somebody moved in on 10 March and was entered in May; March and April are charged by a recalculation.
fn months_that_were_charged_later_belong_to_the_year_of_an_account_that_was_entered_late(kind: Kind) {
    block_on(async {
        let house = heated(kind).await;
        let late = house.accounts[1];
        let open = "UPDATE account SET opened_on = $2 WHERE tenant_id = $1 AND id = $3";
        assert_eq!(house.execute(open, vec![Day(20_260_501).into(), late.into()]).await, 1);
        for period in (0..5).map(|number| JANUARY.plus(number)) {
            month(&house, period).await;
        }
        assert_eq!(house.execute(open, vec![Day(20_260_310).into(), late.into()]).await, 1);
        let mut tx = house.begin().await;
        let found = recalculations::recompute(&tx, house.billing.plugins(), late, MARCH).await.expect("recomputed");
        let made = recalculations::record(&mut tx, late, &found, "Акт № 7").await.expect("recorded");
        tx.commit().await.expect("committed");
        let heat = made.iter().filter(|one| one.service == HEATING).map(|one| (one.period, one.amount));
        // 22 days of March, and April.
        assert_eq!(heat.collect::<Vec<_>>(), [(MARCH, Money(124_194)), (MARCH.next(), Money(175_000))]);

        for period in (5..12).map(|number| JANUARY.plus(number)) {
            month(&house, period).await;
        }
        let january = month(&house, JANUARY.plus(12)).await;
        // A third of (18 × 22 ÷ 31 + 10 + 1 + 12 + 20 + 31) Гкал × 2000 ₽ = 57,849.46, less what was charged since March.
        let charged = Money(124_194 + 9 * 175_000);
        let corrected = charge(&house, january, late, HEATING).await.recalculation;
        assert_eq!(corrected, Money(5_784_946) - charged);
    });
}

/// The first account pays half all the time, the second one did from July to December, the third one never.
fn a_corrected_year_has_the_benefits_of_its_months(kind: Kind) {
    block_on(async {
        let house = heated(kind).await;
        let [always, second_half, never] = house.accounts[..] else { panic!("three accounts") };
        let half = |from: i32, to: Option<i32>| NewBenefit {
            service: HEATING.into(),
            from: Period(from),
            to: to.map(Period),
            share: Decimal::new(5, 1),
            volume: None,
            document: "удостоверение".into(),
        };
        let mut tx = house.begin().await;
        benefits::grant(&mut tx, always, &half(202_601, None)).await.expect("granted");
        benefits::grant(&mut tx, second_half, &half(202_607, Some(202_612))).await.expect("granted");
        tx.commit().await.expect("committed");
        for period in (0..12).map(|number| JANUARY.plus(number)) {
            let run = month(&house, period).await;
            assert_eq!(charge(&house, run, always, HEATING).await.recalculation, Money(-87_500));
        }
        let january = month(&house, JANUARY.plus(12)).await;
        // A third of 146 Гкал × 2000 ₽, less 12 × 1750.00.
        let corrected = 9_733_333 - 2_100_000;
        assert_eq!(charge(&house, january, never, HEATING).await.recalculation, Money(corrected));
        // 12 × 875.00 ÷ 21,000.00 and 6 × 875.00 ÷ 21,000.00 of 76,333.33 are their benefits'.
        assert_eq!(charge(&house, january, second_half, HEATING).await.recalculation, Money(corrected - 1_908_333));
        // And half of January: 50 × 12.1666667 ÷ 150 = 4.0555556 Гкал × 2000.
        let line = charge(&house, january, always, HEATING).await;
        assert_eq!((line.charged, line.recalculation), (Money(811_111), Money(corrected - 3_816_667 - 405_556)));
    });
}
