//! What rooms used beyond the meter of their house, and months in which nobody knows what the house used.

use kabinet_billing::BillingSettings;
use kabinet_billing::catalog::{self, Dated, Section, Service, Tariff, Terms};
use kabinet_billing::charges;
use kabinet_billing::houses::corrections;
use kabinet_billing::houses::decisions::{self, Decision};
use kabinet_billing::houses::{self, HouseFigures, HouseVolume, ServiceFigures};
use kabinet_billing::recalculations;
use kabinet_billing::runs::replay;
use kabinet_contracts::{AccountId, RunId};
use kabinet_core::tenancy::Tenants;
use kabinet_core::{Actor, Day, Money, Period, Quantity};
use kabinet_plugin_host::api::{Price, ServiceKind, Unit, Zone};
use kabinet_tests::{Kind, block_on, on_both_databases};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::averages::read;
use crate::house::{House, services, tariffs};
use crate::years::month;
use crate::{OCTOBER, SEPTEMBER, charge};

on_both_databases![
    what_rooms_used_beyond_the_house_waits_for_a_month_with_a_volume,
    an_average_that_charges_nobody_is_no_volume_of_the_house,
    what_was_charged_by_average_is_taken_off_the_house_once,
    a_volume_that_comes_later_leaves_what_rooms_used_in_the_month,
];

const NOVEMBER: Period = Period(202_511);
const COMMON: &str = "common_cold_water";
/// 0.03 m³ for each of 100 m², × 50 ÷ 150 × 40.00.
const BY_NORM: Money = Money(4_000);

/// Three rooms of 50 m² that use 4 m³ of cold water a month each, and 100 m² of common property. The company takes what
/// rooms used beyond the house's meter off the next month.
async fn carrying(kind: Kind) -> House {
    let mut house = House::new(kind, 3).await;
    let common = Service {
        code: COMMON.into(),
        title: "Холодная вода, общее имущество".into(),
        resource: ServiceKind::CommonProperty,
        unit: Unit::CubicMetre,
        section: Section::CommonProperty,
        kind: "main".into(),
        rule: "common_property".into(),
        shares: "cold_water".into(),
    };
    let terms = Terms {
        prices: vec![Price { zone: Zone::WholeDay, above: Decimal::ZERO, amount: Decimal::from(40) }],
        norm: Some(Decimal::new(3, 2)),
        parameters: [("by_house_meter".to_owned(), Decimal::ONE)].into(),
        ..Terms::default()
    };
    let tariff = Tariff { service: COMMON.into(), from: Day(20_250_701), terms, note: String::new() };
    let mut tx = house.begin().await;
    let all: Vec<_> = services().into_iter().chain([Dated::from(common)]).collect();
    catalog::set_services(&mut tx, &all).await.expect("services");
    let all: Vec<_> = tariffs().into_iter().chain([tariff]).collect();
    catalog::set_tariffs(&mut tx, &all).await.expect("tariffs");
    houses::set_areas(&mut tx, "h", SEPTEMBER, None, Quantity::whole(100)).await.expect("areas");
    let settings = BillingSettings { carry_house_rest: true, ..BillingSettings::default() };
    assert!(tx.set_settings("billing", &settings).await.expect("settings"));
    tx.commit().await.expect("committed");
    house.tenant =
        Tenants::new(house.db.clone()).by_id(house.tenant.id).await.expect("an answer").expect("the company");
    for account in &house.accounts {
        read(&house, *account, 202_511, 112).await;
    }
    house
}

fn measured(period: Period, volume: i64) -> HouseVolume {
    HouseVolume {
        service: "cold_water".into(),
        period,
        volume: Quantity::whole(volume),
        serial: String::new(),
        previous: None,
        current: None,
    }
}

/// What a run knows of the house, and of the water of its common property.
async fn known(house: &House, run: RunId) -> (HouseFigures, ServiceFigures) {
    let tx = house.db.read(&house.tenant, Actor::System).await.expect("a transaction");
    let figures = charges::frozen(&tx, house.accounts[0], run).await.expect("a month").house.expect("a house");
    let common = figures.services.iter().find(|of| of.service == COMMON).expect("the common property").clone();
    (figures, common)
}

/// September's rooms used 10 m³ more than the house; nobody knows what the house used in October.
fn what_rooms_used_beyond_the_house_waits_for_a_month_with_a_volume(kind: Kind) {
    block_on(async {
        let house = carrying(kind).await;
        let account = house.accounts[0];
        let mut tx = house.begin().await;
        for (period, volume) in [(SEPTEMBER, 2), (NOVEMBER, 60)] {
            houses::set_volume(&mut tx, "h", &measured(period, volume)).await.expect("a volume");
        }
        tx.commit().await.expect("committed");
        let september = month(&house, SEPTEMBER).await;
        assert_eq!(charge(&house, september, account, COMMON).await.charged, Money::ZERO);
        let october = month(&house, OCTOBER).await;
        assert_eq!(charge(&house, october, account, COMMON).await.charged, BY_NORM, "from a norm nothing is taken off");
        let (_, waiting) = known(&house, october).await;
        assert_eq!((waiting.house, waiting.over), (None, Quantity::whole(-10)));
        let november = month(&house, NOVEMBER).await;
        // (60 − 10 − 12) × 50 ÷ 150 = 12.6666667 × 40.00.
        assert_eq!(charge(&house, november, account, COMMON).await.charged, Money(50_667));

        // The meter was misread: nothing is taken off, however long it waited.
        let mut tx = house.begin().await;
        corrections::correct(&mut tx, "h", &measured(SEPTEMBER, 20)).await.expect("corrected");
        let found = recalculations::recompute(&tx, house.billing.plugins(), account, SEPTEMBER).await;
        let found = found.expect("recomputed");
        let differences = found.iter().filter(|month| month.service == COMMON).map(|month| month.difference());
        // (20 − 12) × 50 ÷ 150 × 40.00; (60 − 12) × 50 ÷ 150 × 40.00 − 506.67.
        assert_eq!(differences.collect::<Vec<_>>(), [Money(10_667), Money::ZERO, Money(64_000 - 50_667)]);
    });
}

/// The house's meter was read until August, 30 m³ a month. From October on the owners want the norm.
fn an_average_that_charges_nobody_is_no_volume_of_the_house(kind: Kind) {
    block_on(async {
        let house = carrying(kind).await;
        let account = house.accounts[0];
        let meter = Uuid::now_v7();
        let put =
            "INSERT INTO house_meter (tenant_id, id, house_id, service_code, serial, place, model, digits, factor,
                     installed_on)
                   SELECT tenant_id, $2, id, 'cold_water', '65', '', '', 6, 1, 20200101 FROM house
                   WHERE tenant_id = $1 AND code = 'h'";
        assert_eq!(house.execute(put, vec![meter.into()]).await, 1);
        let show = "INSERT INTO house_reading (tenant_id, id, meter_id, period, taken_on, value, rollover, created_at,
                      withdrawn_reason)
                    SELECT tenant_id, $2, id, $3, $4, $5, $6, 0, '' FROM house_meter WHERE tenant_id = $1 AND id = $7";
        for (period, value) in (202_502..=202_508).map(Period).zip((0..).step_by(30)) {
            let (id, value) = (Uuid::now_v7(), Quantity::whole(value));
            let day = period.last_day();
            let values = vec![id.into(), period.into(), day.into(), value.into(), false.into(), meter.into()];
            assert_eq!(house.execute(show, values).await, 1);
        }
        let mut tx = house.begin().await;
        let decision = Decision { by_meter: false, protocol: "3".into(), decided_on: Day(20_250_915) };
        decisions::decide(&mut tx, "h", OCTOBER, decision).await.expect("decided");
        tx.commit().await.expect("committed");

        let september = month(&house, SEPTEMBER).await;
        // (30 − 12) × 50 ÷ 150 × 40.00.
        assert_eq!(charge(&house, september, account, COMMON).await.charged, Money(24_000));
        let (figures, common) = known(&house, september).await;
        assert_eq!((figures.meters.len(), figures.unread.len()), (1, 1));
        assert_eq!(common.house, Some(Quantity::whole(30)));
        let october = month(&house, OCTOBER).await;
        assert_eq!(charge(&house, october, account, COMMON).await.charged, BY_NORM);
        let (figures, common) = known(&house, october).await;
        assert_eq!((figures.meters, figures.unread), (Vec::new(), Vec::new()));
        assert_eq!((common.house, common.by_meter), (None, Some(false)), "a receipt shows nothing that was measured");
    });
}

/// The third room's water, which was read every month since February, is not read in September and October.
async fn unread_until_november(house: &House) -> AccountId {
    let unread = house.accounts[2];
    for (month, value) in (202_502..=202_507).zip((76..).step_by(4)) {
        read(house, unread, month, value).await;
    }
    let sql = "DELETE FROM reading WHERE tenant_id = $1 AND account_id = $2 AND period IN (202509, 202510)";
    house.execute(sql, vec![unread.into()]).await;
    unread
}

/// The house uses 30 m³ each month: 18 of them are the common property's, whoever sends what when.
fn what_was_charged_by_average_is_taken_off_the_house_once(kind: Kind) {
    block_on(async {
        let house = carrying(kind).await;
        let (account, unread) = (house.accounts[0], unread_until_november(&house).await);
        let mut tx = house.begin().await;
        for period in [SEPTEMBER, OCTOBER, NOVEMBER] {
            houses::set_volume(&mut tx, "h", &measured(period, 30)).await.expect("a volume");
        }
        tx.commit().await.expect("committed");
        for period in [SEPTEMBER, OCTOBER] {
            let run = month(&house, period).await;
            assert_eq!(charge(&house, run, unread, "cold_water").await.method, "average");
            // (30 − 12) × 50 ÷ 150 × 40.00.
            assert_eq!(charge(&house, run, account, COMMON).await.charged, Money(24_000));
        }
        let november = month(&house, NOVEMBER).await;
        let read = charge(&house, november, unread, "cold_water").await;
        // 12 m³ × 39.56; twice 4 m³ go back.
        assert_eq!((read.charged, read.recalculation), (Money(47_472), Money(-31_648)));
        // (30 − (4 + 4 + 12 − 8)) × 50 ÷ 150 × 40.00.
        assert_eq!(charge(&house, november, account, COMMON).await.charged, Money(24_000));
        assert_eq!(known(&house, november).await.1.rooms, Quantity::whole(12));
        let replay = || replay::replay(&house.db, &house.tenant, house.billing.plugins(), NOVEMBER, |_, _| {});
        assert!(replay().await.expect("replayed").is_same());
    });
}

/// Nobody knew what the house used: its months went by norm, and what fell to the rooms was not summed up.
fn a_volume_that_comes_later_leaves_what_rooms_used_in_the_month(kind: Kind) {
    block_on(async {
        let house = carrying(kind).await;
        unread_until_november(&house).await;
        for period in [SEPTEMBER, OCTOBER, NOVEMBER] {
            let run = month(&house, period).await;
            assert_eq!(charge(&house, run, house.accounts[0], COMMON).await.charged, BY_NORM);
        }
        let mut tx = house.begin().await;
        corrections::correct(&mut tx, "h", &measured(NOVEMBER, 30)).await.expect("corrected");
        let found = recalculations::recompute(&tx, house.billing.plugins(), house.accounts[0], NOVEMBER).await;
        let found = found.expect("recomputed");
        let common = found.iter().find(|month| month.service == COMMON).expect("the common property");
        assert_eq!((common.charged, common.computed), (BY_NORM, Money(24_000)));
    });
}
