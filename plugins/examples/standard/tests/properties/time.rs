//! Months charged by average, and the reading that comes after them.

use kabinet_tariff_sdk::{AveragedMonth, Batch, Consumption, Exact, Period, ServiceKind, Span, Unit, ZoneReading};
use kabinet_tariff_testkit::{answer, sample};
use proptest::prelude::*;

use crate::{charge, first_line, near, places, with};

/// Cold water and wastewater made of it.
fn month(number: u8, water: Consumption) -> Batch {
    let tables = vec![
        sample::table(ServiceKind::ColdWater, "metered", Unit::CubicMetre, "39.56"),
        sample::table(ServiceKind::Wastewater, "drainage", Unit::CubicMetre, "26.41"),
    ];
    let account = sample::account(1, "54.3", vec![water, sample::unmetered(1)]);
    Batch { period: Period { year: 2026, month: number }, ..sample::batch(tables, vec![account]) }
}

/// m³ with three places.
fn water(previous: i64, current: Option<i64>, missed: u8, history: &[i64]) -> Consumption {
    let mut meter = sample::meter("0", None);
    meter.missed_periods = missed;
    meter.zones = vec![ZoneReading {
        previous: places(previous, 3),
        current: current.map(|current| places(current, 3)),
        history: history.iter().map(|volume| places(*volume, 3)).collect(),
        ..meter.zones.remove(0)
    }];
    Consumption { meters: vec![meter], ..sample::unmetered(0) }
}

/// Kopecks of both lines.
fn to_pay(batch: &Batch) -> i64 {
    charge(batch)[0].lines.iter().map(answer::to_pay).sum()
}

proptest! {
    #[test]
    fn averages_then_a_reading_cost_what_readings_every_month_do(
        volumes in prop::collection::vec(0i64..20_000, 2..=4), history in prop::collection::vec(0i64..20_000, 3..12),
        share in 0i64..=100,
    ) {
        let granted = |water| with(water, "benefit_share", places(share, 2));
        let (mut readings, mut at) = (0, 0);
        for (number, volume) in (1..).zip(&volumes) {
            readings += to_pay(&month(number, granted(water(at, Some(at + volume), 0, &history))));
            at += volume;
        }
        let last = u8::try_from(volumes.len()).expect("few");
        let (mut averages, mut averaged) = (0, [Vec::new(), Vec::new()]);
        for number in 1..last {
            let batch = month(number, granted(water(0, None, number - 1, &history)));
            averages += to_pay(&batch);
            for (averaged, line) in averaged.iter_mut().zip(&charge(&batch)[0].lines) {
                let (period, volume, charged) = (batch.period, line.volume, answer::kopecks(line.amount));
                averaged.push(AveragedMonth { period, volume, charged });
            }
        }
        let mut reading = month(last, granted(water(0, Some(at), last - 1, &history)));
        for (service, averaged) in reading.accounts[0].services.iter_mut().zip(averaged) {
            service.averaged = averaged;
        }
        averages += to_pay(&reading);
        // Each charge and each benefit of either way is rounded by itself: half a kopeck each.
        let rounded = i64::from(last) * 4 + 2;
        prop_assert!((readings - averages).abs() <= rounded, "{readings} and {averages}");
    }

    #[test]
    fn a_seller_and_a_buyer_share_the_average_of_a_month(
        cut in 1u8..31, history in prop::collection::vec(0i64..20_000, 3..12),
    ) {
        let volume = |from_day, to_day| {
            let mut batch = month(10, water(0, None, 0, &history));
            batch.accounts[0].spans = vec![Span { from_day, to_day, residents: 2, owners: 1, area: places(543, 1) }];
            Exact::from(first_line(&batch).volume)
        };
        let shared = volume(1, cut).plus(volume(cut + 1, 31)).expect("small");
        // Either part is rounded to seven places by itself.
        prop_assert!(near(shared, volume(1, 31), Exact::new(1, 7)));
    }
}
