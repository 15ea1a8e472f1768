//! Volumes, prices, benefits and absences.

use kabinet_tariff_sdk::{
    Absence, Basis, Batch, Consumption, Price, ServiceKind, ServiceTable, Unit, Zone, ZoneReading,
};
use kabinet_tariff_testkit::{answer, sample};
use proptest::prelude::*;

use crate::{at_most, charge, first_line, places, with};

/// Electricity in three ranges, prices ascending.
fn ranges(prices: [i64; 3]) -> ServiceTable {
    let mut table = sample::table(ServiceKind::Electricity, "metered", Unit::KilowattHour, "0");
    table.prices = (0..)
        .zip(prices)
        .map(|(range, price)| Price { zone: Zone::WholeDay, above: places(range * 100, 0), amount: places(price, 2) })
        .collect();
    table
}

/// The ranges of each zone of a two-zone meter.
fn two_zones(prices: [i64; 3]) -> ServiceTable {
    let mut table = ranges(prices);
    let of = |zone| ranges(prices).prices.into_iter().map(move |price| Price { zone, ..price });
    table.prices = of(Zone::Day).chain(of(Zone::Night)).collect();
    table
}

fn used(volumes: &[(Zone, i64)]) -> Consumption {
    let mut meter = sample::meter("0", None);
    meter.zones = volumes
        .iter()
        .map(|(zone, volume)| ZoneReading {
            zone: *zone,
            previous: places(0, 0),
            current: Some(places(*volume, 3)),
            history: Vec::new(),
        })
        .collect();
    Consumption { meters: vec![meter], ..sample::unmetered(0) }
}

fn one(table: ServiceTable, consumption: Consumption) -> Batch {
    sample::batch(vec![table], vec![sample::account(1, "54.3", vec![consumption])])
}

proptest! {
    #[test]
    fn parts_add_up_in_any_ranges_and_zones(
        prices in [0i64..2_000, 0..2_000, 0..2_000], day in 0i64..1_000_000, night in 0i64..1_000_000,
    ) {
        // `charge` runs the platform's checks: parts, sums and formula agree.
        charge(&one(ranges(prices), used(&[(Zone::WholeDay, day)])));
        let line = first_line(&one(two_zones(prices), used(&[(Zone::Day, day), (Zone::Night, night)])));
        let parts = line.parts.iter().fold(0, |sum, part| sum + part.volume.mantissa * 10i64.pow(7 - u32::from(part.volume.scale)));
        prop_assert_eq!(parts, (day + night) * 10_000);
    }

    #[test]
    fn more_volume_never_costs_less(
        prices in [0i64..2_000, 0..2_000, 0..2_000], volume in 0i64..500_000, more in 0i64..500_000,
    ) {
        let cost = |volume| first_line(&one(ranges(prices), used(&[(Zone::WholeDay, volume)]))).amount;
        prop_assert!(at_most(cost(volume), cost(volume + more)));
    }

    #[test]
    fn the_order_of_accounts_does_not_matter(volumes in prop::collection::vec(0i64..500_000, 1..20)) {
        let accounts = (0..).zip(&volumes).map(|(index, volume)| {
            sample::account(index, "54.3", vec![used(&[(Zone::WholeDay, *volume)])])
        });
        let batch = sample::batch(vec![ranges([477, 720, 1_053])], accounts.collect());
        let mut reversed = batch.clone();
        reversed.accounts.reverse();
        let mut answer = charge(&reversed);
        answer.reverse();
        prop_assert_eq!(charge(&batch), answer);
    }

    #[test]
    fn a_benefit_gives_back_something_between_nothing_and_all(
        volume in 0i64..500_000, share in 0i64..=100, limit in 0i64..500, next in 0i64..500,
    ) {
        let line = |limit| {
            let granted = with(used(&[(Zone::WholeDay, volume)]), "benefit_share", places(share, 2));
            first_line(&one(ranges([477, 720, 1_053]), with(granted, "benefit_volume", places(limit, 0))))
        };
        let (less, more) = (line(limit), line(limit + next));
        prop_assert!((0..=answer::kopecks(less.amount)).contains(&answer::to_pay(&less)));
        prop_assert!(answer::to_pay(&more) <= answer::to_pay(&less), "a larger part gives back more");
        if share == 100 && volume <= limit * 1_000 {
            prop_assert_eq!(answer::to_pay(&less), 0);
        }
    }

    #[test]
    fn absence_never_gives_back_more_than_was_charged(residents in 1u16..6, away in 1u16..6, days in 0u8..=31) {
        let mut table = sample::table(ServiceKind::ColdWater, "metered", Unit::CubicMetre, "39.56");
        table.norm = Some(places(485, 2));
        let mut batch = one(table, sample::unmetered(0));
        batch.accounts[0].residents = residents;
        batch.accounts[0].absences.push(Absence { residents: away.min(residents), days });
        let line = first_line(&batch);
        prop_assert_eq!(line.recalculations.iter().any(|r| r.basis == Basis::Absence), days > 0);
        prop_assert!(answer::to_pay(&line) >= 0);
        if days == 31 && away >= residents {
            prop_assert_eq!(answer::to_pay(&line), 0);
        }
    }

    #[test]
    fn two_parts_of_a_month_cost_what_the_whole_does(cut in 1u8..31, area in 1i64..2_000) {
        let table = || sample::table(ServiceKind::Maintenance, "area", Unit::SquareMetre, "25.40");
        let part = |from_day, to_day| {
            let mut batch = one(table(), sample::unmetered(0));
            let area = places(area, 1);
            batch.accounts[0].spans =
                vec![kabinet_tariff_sdk::Span { from_day, to_day, residents: 2, owners: 1, area }];
            answer::kopecks(first_line(&batch).amount)
        };
        let parts = part(1, cut) + part(cut + 1, 31);
        prop_assert!((parts - part(1, 31)).abs() <= 1, "a buyer and a seller share the month");
    }
}
