//! Every part of a difference by itself: what differs in one factor shows this one and no other, and of several each is
//! what it alone would have changed.

use proptest::prelude::*;

use super::super::charged::Charged;
use super::super::{Cause, steps};
use super::month::{COLD, DAYS, HEAT, HOT, Month, SERVICES, WASTE, any_month, kopecks};
use kabinet_core::Money;
use rust_decimal::Decimal;

/// Kopecks that the rounding of volumes, of sums and of the parts may move from one part to another.
const ROUNDING: i64 = 6;

type Change = fn(&mut Month, i64);

/// Each factor with a way to change it; `by` is from 1 to 20.
const FACTORS: [(Cause, Change); 14] = [
    (Cause::Volume, |month, by| month.cold = month.cold.map(|volume| volume + Decimal::new(by, 2))),
    (Cause::Volume, |month, by| month.hot = month.hot.map(|volume| volume + Decimal::new(by, 1))),
    (Cause::Volume, |month, by| month.power += Decimal::from(by * 10)),
    (Cause::Volume, |month, by| month.house = month.house.map(|volume| volume + Decimal::from(by))),
    (Cause::People, |month, by| month.residents += by),
    (Cause::People, |month, by| month.days = (month.days + by - 1) % DAYS + 1),
    (Cause::People, |month, by| month.area += Decimal::new(by, 1)),
    (Cause::Norm, |month, by| month.norms[COLD] += Decimal::new(by, 2)),
    (Cause::Norm, |month, by| month.norms[HOT] += Decimal::new(by, 2)),
    (Cause::Norm, |month, by| month.norms[HEAT] += Decimal::new(by, 4)),
    (Cause::Norm, |month, by| month.norms[3..].iter_mut().for_each(|norm| *norm += Decimal::new(by, 4))),
    (Cause::Tariff, |month, by| month.prices.iter_mut().for_each(|price| *price += by * 10)),
    (Cause::Coefficient, |month, by| {
        month.coefficient = Some(month.coefficient.unwrap_or(Decimal::ONE) + Decimal::new(by, 1));
    }),
    (Cause::Tariff, |month, by| month.prices[5] += by),
];

/// What a comparison tells: service, cause and sum.
fn told(old: &Month, new: &Month) -> Vec<(String, Cause, Money)> {
    let mut told: Vec<_> =
        steps(&old.lines(), &new.lines()).into_iter().map(|step| (step.service, step.cause, step.amount)).collect();
    told.sort();
    told
}

fn line<'a>(lines: &'a [Charged], code: &str) -> Option<&'a Charged> {
    lines.iter().find(|line| line.code == code)
}

/// Each service whose `sum` is another, with the difference.
fn differing(old: &Month, new: &Month, cause: Cause, sum: fn(&Charged) -> Money) -> Vec<(String, Cause, Money)> {
    let (old, new) = (old.lines(), new.lines());
    let of = |lines: &[Charged], code: &str| line(lines, code).map_or(Money::ZERO, sum);
    let change = |code: &str| (code.to_owned(), cause, of(&new, code) - of(&old, code));
    let mut found: Vec<_> = SERVICES.iter().map(|(code, ..)| change(code)).collect();
    found.retain(|(_, _, change)| *change != Money::ZERO);
    found.sort();
    found
}

proptest! {
    #[test]
    fn one_factor_that_changes_is_the_only_cause(
        month in any::<[bool; 3]>().prop_flat_map(any_month),
        (which, by) in (0..FACTORS.len(), 1_i64..=20),
    ) {
        let (cause, change) = FACTORS[which];
        let mut later = month.clone();
        change(&mut later, by);
        prop_assert_eq!(told(&month, &later), differing(&month, &later, cause, |line| line.charged));
    }

    #[test]
    fn recalculations_and_penalties_stand_for_themselves(
        month in any::<[bool; 3]>().prop_flat_map(any_month),
        (at, recalculation, penalty) in (0..WASTE, -5_000_i64..5_000, 0_i64..5_000),
    ) {
        let mut later = month.clone();
        later.recalculations[at] = recalculation;
        later.penalties[at] = penalty;
        let mut expected = differing(&month, &later, Cause::Recalculation, |line| line.recalculation);
        expected.extend(differing(&month, &later, Cause::Penalty, |line| line.penalty));
        expected.sort();
        prop_assert_eq!(told(&month, &later), expected);
    }

    #[test]
    fn a_service_that_comes_or_goes_is_the_only_cause(mut month in any::<[bool; 3]>().prop_flat_map(any_month)) {
        (month.recalculations[WASTE], month.penalties[WASTE], month.waste) = (0, 0, false);
        let later = Month { waste: true, ..month.clone() };
        prop_assert_eq!(told(&month, &later), differing(&month, &later, Cause::Added, |line| line.charged));
        prop_assert_eq!(told(&later, &month), differing(&later, &month, Cause::Removed, |line| line.charged));
    }

    #[test]
    fn each_of_many_parts_is_what_its_factor_alone_would_have_changed(
        (old, new) in any::<[bool; 3]>().prop_flat_map(|meters| (any_month(meters), any_month(meters))),
    ) {
        let told = told(&old, &new);
        let mut between = Month { waste: new.waste, ..old.clone() };
        for (cause, take) in TAKEN {
            let before = between.exact();
            take(&mut between, &new);
            let after = between.exact();
            for (at, (code, ..)) in SERVICES.iter().enumerate().filter(|(at, _)| *at != WASTE || old.waste == new.waste) {
                let shown: Money = told.iter().filter(|step| step.0 == *code && step.1 == cause).map(|step| step.2).sum();
                let expected = after[at] - before[at];
                let apart = (shown - kopecks(expected)).0.abs();
                prop_assert!(apart <= ROUNDING, "{} {:?}: {} for {}", code, cause, shown, expected);
                prop_assert!(!expected.is_zero() || shown == Money::ZERO, "{} {:?}: {} for nothing", code, cause, shown);
            }
        }
        let sum = |month: &Month| month.lines().iter().map(Charged::added).sum::<Money>();
        prop_assert_eq!(told.iter().map(|step| step.2).sum::<Money>(), sum(&new) - sum(&old));
    }
}

type Take = fn(&mut Month, &Month);

/// The factors in the order in which they are taken.
const TAKEN: [(Cause, Take); 5] = [
    (Cause::Volume, |month, new| {
        (month.cold, month.hot, month.power, month.house) = (new.cold, new.hot, new.power, new.house);
    }),
    (Cause::People, |month, new| {
        (month.residents, month.days, month.area) = (new.residents, new.days, new.area);
    }),
    (Cause::Norm, |month, new| month.norms = new.norms),
    (Cause::Tariff, |month, new| month.prices = new.prices),
    (Cause::Coefficient, |month, new| month.coefficient = new.coefficient),
];

/// Three people in 50 m² with a meter of cold water and none of hot, in a house with a meter.
fn usual() -> Month {
    let number = |text: &str| text.parse::<Decimal>().expect("a number");
    Month {
        residents: 3,
        days: DAYS,
        area: number("50"),
        cold: Some(number("4.5")),
        hot: None,
        power: number("90"),
        house: Some(number("210")),
        norms: ["4.85", "3.2", "0.0615", "0.0334", "0.03"].map(number),
        coefficient: Some(number("1.5")),
        prices: [3120, 3956, 3956, 214_863, 2641, 477, 214_863, 3956, 12_458],
        recalculations: [0; 9],
        penalties: [0; 9],
        waste: true,
    }
}

/// The services that a change of the usual month is told of, and the only cause.
fn told_of(change: impl Fn(&mut Month)) -> (Vec<String>, Cause) {
    let mut later = usual();
    change(&mut later);
    let told = told(&usual(), &later);
    let cause = told.first().expect("a cause").1;
    assert!(told.iter().all(|step| step.1 == cause), "{told:?}");
    (told.into_iter().map(|step| step.0).collect(), cause)
}

#[test]
fn one_person_more_is_named_on_all_that_people_are_counted_for() {
    let (services, cause) = told_of(|month| month.residents = 4);
    assert_eq!(services, ["hot_water", "hot_water_heat", "waste", "wastewater"]);
    assert_eq!(cause.title(), "число проживающих, площадь или дни");
}

#[test]
fn days_are_named_on_all_that_is_charged_by_days() {
    let by_days = ["common_water", "heating", "hot_water", "hot_water_heat", "maintenance", "waste", "wastewater"];
    assert_eq!(told_of(|month| month.days = 11), (by_days.map(str::to_owned).to_vec(), Cause::People));
}

#[test]
fn a_meter_is_named_on_its_water_and_on_what_is_made_of_it() {
    let of = |services: &[&str], cause| (services.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>(), cause);
    let more = |volume: &mut Option<Decimal>| *volume = volume.map(|volume| volume + Decimal::TWO);
    assert_eq!(told_of(|month| more(&mut month.cold)), of(&["cold_water", "wastewater"], Cause::Volume));
    assert_eq!(told_of(|month| more(&mut month.house)), of(&["common_water"], Cause::Volume));
    let norm = |month: &mut Month| month.norms[HOT] = Decimal::ONE;
    assert_eq!(told_of(norm), of(&["hot_water", "hot_water_heat", "wastewater"], Cause::Norm));
    let coefficient = |month: &mut Month| month.coefficient = Some(Decimal::TWO);
    assert_eq!(told_of(coefficient), of(&["hot_water", "hot_water_heat"], Cause::Coefficient));
}

#[test]
fn wastewater_is_split_as_its_water_is() {
    let mut later = usual();
    (later.residents, later.cold) = (4, Some(Decimal::new(65, 1)));
    let told = told(&usual(), &later);
    let of_wastewater: Vec<_> =
        told.iter().filter(|step| step.0 == "wastewater").map(|step| (step.1, step.2.0)).collect();
    // 2 m³ more by meter and 3.2 m³ more for one person, at 26.41.
    assert_eq!(of_wastewater, [(Cause::Volume, 5282), (Cause::People, 8451)]);
}

#[test]
fn a_first_person_is_no_coefficient() {
    let nobody = Month { residents: 0, ..usual() };
    assert!(told(&nobody, &usual()).iter().all(|step| step.1 == Cause::People), "{:?}", told(&nobody, &usual()));
}
