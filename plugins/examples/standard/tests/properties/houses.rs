//! Shares of a house: heating and common property.

use kabinet_tariff_sdk::{
    Account, AccountCharges, Batch, Consumption, Exact, House, Period, ServiceKind, ServiceTable, Unit,
};
use kabinet_tariff_testkit::{answer, sample};
use proptest::prelude::*;

use crate::{at_most, charge, first_line, near, places, with};

/// Places that volumes are rounded to; a few such roundings are the only difference allowed.
const ROUNDINGS: Exact = Exact::new(4, 7);

fn heating() -> ServiceTable {
    let mut table = sample::table(ServiceKind::Heating, "heating", Unit::Gigacalorie, "2148.63");
    table.norm = Some(places(287, 4));
    table
}

/// m² with one place.
fn flat(index: u32, area: i64, consumption: Consumption) -> Account {
    Account { area: places(area, 1), ..sample::account(index, "0", vec![consumption]) }
}

/// Гкал with three places, m² with one.
fn house(rooms_area: i64, meter: i64, rooms_volume: i64, metered_area: i64) -> House {
    let mut volume = sample::house_volume(0, None, "0", "0");
    volume.house_meter = Some(places(meter, 3));
    volume.rooms_volume = places(rooms_volume, 3);
    volume.metered_area = places(metered_area, 1);
    House { rooms_area: places(rooms_area, 1), ..sample::house("0", "120.5", vec![volume]) }
}

/// Гкал with three places.
fn metered(volume: i64) -> Consumption {
    let mut consumption = sample::metered(0, "0", "0");
    consumption.meters[0].zones[0].current = Some(places(volume, 3));
    consumption
}

fn in_house(table: ServiceTable, house: House, accounts: Vec<Account>) -> Batch {
    Batch { houses: vec![house], ..sample::batch(vec![table], accounts) }
}

fn total(batch: &Batch) -> Exact {
    let volumes = charge(batch).into_iter().map(|account| Exact::from(account.lines[0].volume));
    volumes.reduce(|a, b| a.plus(b).expect("small")).expect("an account")
}

proptest! {
    #[test]
    fn an_accounts_share_is_at_most_the_house(area in 1i64..5_000, others in 0i64..50_000, meter in 0i64..500_000) {
        let heat = in_house(heating(), house(area + others, meter, 0, 0), vec![flat(1, area, sample::unmetered(0))]);
        prop_assert!(at_most(first_line(&heat).volume, places(meter, 3)));
        let mut common = sample::table(ServiceKind::CommonProperty, "common_property", Unit::CubicMetre, "39.56");
        common.parameters = vec![sample::parameter("by_house_meter", "1")];
        let common = in_house(common, house(area + others, meter, 0, 0), heat.accounts.clone());
        prop_assert!(at_most(first_line(&common).volume, places(meter, 3)));
    }

    #[test]
    fn two_flats_without_meters_share_the_whole_house(a in 1i64..5_000, b in 1i64..5_000, meter in 0i64..500_000) {
        let flats = vec![flat(1, a, sample::unmetered(0)), flat(2, b, sample::unmetered(0))];
        let batch = in_house(heating(), house(a + b, meter, 0, 0), flats);
        prop_assert!(near(total(&batch), places(meter, 3).into(), ROUNDINGS));
    }

    #[test]
    fn a_metered_and_an_unmetered_flat_share_the_whole_house(
        a in 1i64..5_000, b in 1i64..5_000, own in 0i64..10_000, beside in 0i64..100_000,
    ) {
        // The unmetered flat counts as much a square metre as the metered one.
        let meter = own + own * b / a + 1 + beside;
        let flats = vec![flat(1, a, metered(own)), flat(2, b, sample::unmetered(0))];
        let batch = in_house(heating(), house(a + b, meter, own, a), flats);
        prop_assert!(near(total(&batch), places(meter, 3).into(), ROUNDINGS));
    }

    #[test]
    fn all_metered_is_some_metered_where_all_are(
        a in 1i64..5_000, b in 1i64..5_000, own in [0i64..10_000, 0..10_000], beside in 0i64..100_000,
    ) {
        let rooms = own[0] + own[1];
        let flats = vec![flat(1, a, metered(own[0])), flat(2, b, metered(own[1]))];
        let batch = in_house(heating(), house(a + b, rooms + beside, rooms, a + b), flats);
        for (account, (area, own)) in charge(&batch).iter().zip([(a, own[0]), (b, own[1])]) {
            // V_i + S_i × (V_house − ΣV_i) ÷ S_total, worked out apart, in units of 10^-7 Гкал.
            let share = i128::from(area) * i128::from(beside) * 10_000;
            let share = (2 * share + i128::from(a + b)) / (2 * i128::from(a + b));
            let expected = i64::try_from(share).expect("small") + own * 10_000;
            prop_assert!(near(account.lines[0].volume.into(), Exact::new(expected, 7), Exact::ZERO));
        }
        prop_assert!(near(total(&batch), places(rooms + beside, 3).into(), ROUNDINGS));
    }

    #[test]
    fn common_property_by_norm_is_shared_whole(a in 1i64..5_000, b in 1i64..5_000, norm in 0i64..1_000) {
        let mut table = sample::table(ServiceKind::CommonProperty, "common_property", Unit::CubicMetre, "39.56");
        table.norm = Some(places(norm, 4));
        let flats = vec![flat(1, a, sample::unmetered(0)), flat(2, b, sample::unmetered(0))];
        let batch = in_house(table, house(a + b, 0, 0, 0), flats);
        let whole = Exact::from(places(norm, 4)).times(Exact::new(1_205, 1)).expect("small");
        prop_assert!(near(total(&batch), whole, ROUNDINGS));
    }

    #[test]
    fn an_evenly_paid_year_costs_the_share_of_the_houses_year(
        area in 1i64..5_000, others in 0i64..50_000, year in 0i64..10_000_000_000, charged in 0i64..100_000_000,
    ) {
        let corrected = with(sample::unmetered(0), "year_house_amount", places(year, 2));
        let corrected = with(corrected, "year_charged", places(charged, 2));
        let batch = in_house(heating(), house(area + others, 0, 0, 0), vec![flat(1, area, corrected)]);
        let line = first_line(&batch);
        let back = answer::kopecks(line.recalculations[0].amount);
        prop_assert_eq!((line.recalculations[0].period.year, line.recalculations[0].period.month), (2025, 12));
        let (year, area, all) = (i128::from(year), i128::from(area), i128::from(area + others));
        let share = (2 * year * area + all) / (2 * all);
        prop_assert!((i128::from(charged + back) - share).abs() <= 1);
    }

    #[test]
    fn a_benefit_of_all_year_takes_its_share_of_what_the_year_cost(
        area in 1i64..5_000, others in 0i64..50_000, year in 0i64..10_000_000_000, charged in 1i64..1_000_000,
        share in 0i64..=100,
    ) {
        let numbers =
            [("year_house_amount", year), ("year_charged", charged * 100), ("year_benefit", charged * share)];
        let granted = |room, (name, kopecks)| with(room, name, places(kopecks, 2));
        let corrected = numbers.into_iter().fold(sample::unmetered(0), granted);
        let batch = in_house(heating(), house(area + others, 0, 0, 0), vec![flat(1, area, corrected)]);
        let back = first_line(&batch).recalculations.iter().map(|given| answer::kopecks(given.amount)).sum::<i64>();
        let paid = i128::from(charged * (100 - share) + back);
        let (year, area, all) = (i128::from(year), i128::from(area), i128::from(area + others));
        let owed = year * area * i128::from(100 - share) / (100 * all);
        // The correction and its benefit are rounded by themselves.
        prop_assert!((paid - owed).abs() <= 2, "{paid} of {owed}");
    }

    #[test]
    fn a_year_of_metered_rooms_costs_the_house_what_it_used(
        a in 100i64..5_000, b in 100i64..5_000, own in [0i64..10_000, 0..10_000], beside in 1i64..100_000,
        below in 1i64..100, less in any::<bool>(), both in any::<bool>(),
    ) {
        // A room without a meter used as much a square metre as the metered one.
        let rooms = if both { own[0] + own[1] } else { own[0] + own[0] * b / a + 1 };
        // Where the rooms metered more than the house, the share of one by area may be less than nothing.
        let meter = if less { rooms * below / 100 } else { rooms + beside };
        let year = 12 * meter * 214_863 / 1_000;
        let corrected = |room: Consumption| {
            with(with(room, "year_house_amount", places(year, 2)), "year_charged", places(0, 2))
        };
        let room = |own: i64| corrected(with(metered(own), "average_volume", places(own, 3)));
        let second = if both { room(own[1]) } else { corrected(sample::unmetered(0)) };
        let mut table = heating();
        table.parameters = vec![sample::parameter("even_months", "7")];
        let (by_meter, area) = if both { (own[0] + own[1], a + b) } else { (own[0], a) };
        let flats = vec![flat(1, a, room(own[0])), flat(2, b, second)];
        let mut batch = in_house(table, house(a + b, meter, by_meter, area), flats);
        batch.period = Period { year: 2027, month: 1 };
        let back = |account: &AccountCharges| answer::kopecks(account.lines[0].recalculations[0].amount);
        let shares: i64 = charge(&batch).iter().map(back).sum();
        // Half a kopeck for each line, and the last places of volumes at the tariff.
        prop_assert!((shares - year).abs() <= 2, "{shares} of {year}");
    }

    #[test]
    fn spread_over_the_year_twelve_months_cost_the_heating_months(area in 1i64..5_000, months in 1u8..=12) {
        let month = |even: Option<u8>| {
            let mut table = heating();
            if let Some(months) = even {
                table.parameters = vec![sample::parameter("even_months", &months.to_string())];
            }
            let batch = sample::batch(vec![table], vec![Account { house: None, ..flat(1, area, sample::unmetered(0)) }]);
            Exact::from(first_line(&batch).volume)
        };
        let spread = month(Some(months)).times(Exact::new(12, 0)).expect("small");
        let seasonal = month(None).times(months.into()).expect("small");
        prop_assert!(near(spread, seasonal, Exact::new(12, 7)));
    }
}
