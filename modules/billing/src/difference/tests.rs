//! Two months compared by hand, and pairs of lines made at random.

use kabinet_plugin_host::api::{Method, Operation, Part, Price, Role, Term, Unit, Zone};
use proptest::prelude::*;

use super::*;

mod factors;
mod month;

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a number")
}

fn part(volume: &str, tariff: &str) -> Part {
    let (volume, tariff) = (decimal(volume), decimal(tariff));
    Part { zone: Zone::WholeDay, above: Decimal::ZERO, volume, tariff, exact_amount: volume * tariff }
}

fn line(method: Method, volume: &str, tariff: &str) -> Charged {
    let part = part(volume, tariff);
    let line = Charged {
        code: "cold_water".into(),
        title: "Холодная вода".into(),
        unit: Some(Unit::CubicMetre),
        charged: kopecks(part.exact_amount),
        method: Some(method),
        volume: Some(part.volume),
        parts: vec![part],
        ..Charged::default()
    };
    made(line, &[])
}

/// The line with what its volume is made of.
fn made(line: Charged, terms: &[Term]) -> Charged {
    let volume = line.volume.expect("a volume");
    Charged { made: volume::own(&line.code, line.method, volume, line.norm, terms), ..line }
}

fn found(old: &[Charged], new: &[Charged]) -> Vec<(Cause, i64, String)> {
    let plain = |text: &str| text.replace('\u{a0}', " ");
    steps(old, new).into_iter().map(|step| (step.cause, step.amount.0, plain(&step.detail))).collect()
}

#[test]
fn a_larger_volume_and_a_higher_tariff_are_told_apart() {
    // 4 × 39.56 = 158.24; 6 × 45.86 = 275.16. Two units more at the old price 79.12; 6 × 6.30 = 37.80.
    let steps = found(&[line(Method::Meter, "4", "39.56")], &[line(Method::Meter, "6", "45.86")]);
    let wanted = [(Cause::Volume, 7912, "4 м³ → 6 м³"), (Cause::Tariff, 3780, "39,56 → 45,86 ₽ за м³")];
    assert_eq!(steps, wanted.map(|(cause, amount, detail)| (cause, amount, detail.to_owned())));
}

#[test]
fn a_coefficient_raises_what_the_new_month_costs() {
    // Two people × 4.85 × 39.56 = 383.73; raised 1.5 the month before (excess 191.87), 3 now (767.46).
    let raised = |coefficient: &str, excess| {
        let line = Charged {
            excess: Money(excess),
            charged: Money(38_373 + excess),
            norm: Some(decimal("4.85")),
            coefficient: Some(decimal(coefficient)),
            ..line(Method::NormRaised, "9.7", "39.56")
        };
        made(line, &[])
    };
    let steps = found(&[raised("1.5", 19_187)], &[raised("3", 76_746)]);
    // The half kopeck of rounding belongs to the coefficient: nothing else changed.
    assert_eq!(steps, [(Cause::Coefficient, 57_559, "1,5 → 3".to_owned())]);
}

#[test]
fn a_norm_and_the_people_are_told_apart() {
    let by_norm =
        |volume: &str, norm: &str| made(Charged { norm: Some(decimal(norm)), ..line(Method::Norm, volume, "10") }, &[]);
    // Two people by 5 = 10 m³ = 100.00; three people by 4 = 12 m³ = 120.00: one person more +50.00, the norm −30.00.
    let steps = found(&[by_norm("10", "5")], &[by_norm("12", "4")]);
    assert_eq!(
        steps.iter().map(|step| (step.0, step.1)).collect::<Vec<_>>(),
        [(Cause::People, 5000), (Cause::Norm, -3000)]
    );
}

#[test]
fn a_changed_method_is_named() {
    let steps = found(&[line(Method::Meter, "4", "10")], &[line(Method::Average, "5", "10")]);
    assert_eq!(steps, [(Cause::Volume, 1000, "4 м³ → 5 м³, по среднему вместо «по прибору»".to_owned())]);
}

#[test]
fn new_and_gone_services_stand_for_themselves() {
    let waste =
        Charged {
            code: "waste".into(), title: "ТКО".into(), penalty: Money(7), ..line(Method::Persons, "2", "100")
        };
    let water = line(Method::Meter, "4", "10");
    let steps = found(std::slice::from_ref(&waste), std::slice::from_ref(&water));
    let wanted = [(Cause::Added, 4000), (Cause::Removed, -20_000), (Cause::Penalty, -7)];
    assert_eq!(steps.iter().map(|step| (step.0, step.1)).collect::<Vec<_>>(), wanted);
}

#[test]
fn without_a_trace_only_the_charge_is_compared() {
    let plain = |charged| Charged { charged: Money(charged), method: Some(Method::Fixed), ..Charged::default() };
    assert_eq!(found(&[plain(100)], &[plain(250)]), [(Cause::Charge, 150, "1,00 ₽ → 2,50 ₽".to_owned())]);
    let known = line(Method::Meter, "4", "39.56");
    let unknown = Charged { method: Some(Method::Fixed), volume: None, parts: Vec::new(), ..known.clone() };
    let dearer = Charged { charged: Money(16_000), ..unknown.clone() };
    assert_eq!(found(&[known], &[dearer]), [(Cause::Charge, 176, "158,24 ₽ → 160,00 ₽".to_owned())]);
}

/// Electricity by these parts: zone, lower limit, kWh and tariff.
fn electricity(parts: &[(Zone, i64, &str, &str)], prices: &[(i64, &str)]) -> Charged {
    let part = |(zone, above, volume, tariff): &(Zone, i64, &str, &str)| Part {
        zone: *zone,
        above: (*above).into(),
        ..part(volume, tariff)
    };
    let price =
        |(above, amount): &(i64, &str)| Price { zone: Zone::WholeDay, above: (*above).into(), amount: decimal(amount) };
    let parts: Vec<Part> = parts.iter().map(part).collect();
    let line = Charged {
        charged: kopecks(parts.iter().map(|part| part.exact_amount).sum()),
        volume: Some(parts.iter().map(|part| part.volume).sum()),
        prices: prices.iter().map(price).collect(),
        unit: Some(Unit::KilowattHour),
        parts,
        ..line(Method::Meter, "0", "0")
    };
    made(line, &[])
}

#[test]
fn a_dearer_range_that_is_reached_is_more_volume_and_no_other_tariff() {
    let prices = [(0, "5"), (100, "8")];
    let below = electricity(&[(Zone::WholeDay, 0, "90", "5")], &prices);
    let beyond = electricity(&[(Zone::WholeDay, 0, "100", "5"), (Zone::WholeDay, 100, "20", "8")], &prices);
    let steps = found(std::slice::from_ref(&below), std::slice::from_ref(&beyond));
    assert_eq!(steps, [(Cause::Volume, 21_000, "90 кВт·ч → 120 кВт·ч".to_owned())]);
    assert_eq!(found(&[beyond], &[below])[0].1, -21_000);
}

#[test]
fn a_range_that_begins_elsewhere_is_another_tariff() {
    let (old, new) = ([(0, "5"), (100, "8")], [(0, "5"), (110, "8")]);
    let before = electricity(&[(Zone::WholeDay, 0, "100", "5"), (Zone::WholeDay, 100, "20", "8")], &old);
    let after = electricity(&[(Zone::WholeDay, 0, "110", "5"), (Zone::WholeDay, 110, "10", "8")], &new);
    assert_eq!(found(&[before], &[after]), [(Cause::Tariff, -3000, String::new())]);
}

#[test]
fn what_is_used_at_another_time_of_the_day_is_volume() {
    let by_zones = |day: &str, night: &str| electricity(&[(Zone::Day, 0, day, "6"), (Zone::Night, 0, night, "3")], &[]);
    let steps = found(&[by_zones("100", "50")], &[by_zones("50", "100")]);
    assert_eq!(steps, [(Cause::Volume, -15_000, String::new())]);
}

#[test]
fn heat_by_a_rooms_meter_has_a_share_of_the_houses_beside() {
    // The room's own heat and 50 m² of 1000 of the house's rest, at 100 a unit.
    let heat = |own: &str, area: &str, rest: &str, volume: &str| {
        let term =
            |operation, role, value: &str| Term { operation, role, value: decimal(value), unit: Unit::Gigacalorie };
        let terms = [
            term(Operation::Start, Role::Volume, own),
            term(Operation::Plus, Role::Area, area),
            term(Operation::Times, Role::HouseVolume, rest),
            term(Operation::Divide, Role::HouseArea, "1000"),
            term(Operation::Equals, Role::Volume, volume),
        ];
        made(line(Method::Meter, volume, "100"), &terms)
    };
    let causes = |after: Charged| {
        let steps = found(&[heat("1.2", "50", "30", "2.7")], &[after]);
        steps.into_iter().map(|(cause, sum, _)| (cause, sum)).collect::<Vec<_>>()
    };
    assert_eq!(causes(heat("1.2", "60", "30", "3")), [(Cause::People, 3000)]);
    assert_eq!(causes(heat("1.4", "50", "40", "3.4")), [(Cause::Volume, 7000)]);
    assert_eq!(causes(heat("1.4", "60", "40", "3.8")), [(Cause::Volume, 7000), (Cause::People, 4000)]);
}

#[test]
fn a_sum_that_its_figures_do_not_explain_is_said_to_be_one() {
    let billed = line(Method::Meter, "4", "10");
    let dearer = Charged { charged: billed.charged + Money(700), ..line(Method::Meter, "5", "10") };
    let steps = found(&[billed], &[dearer]);
    assert_eq!(
        steps.iter().map(|step| (step.0, step.1)).collect::<Vec<_>>(),
        [(Cause::Volume, 1000), (Cause::Charge, -300)]
    );
}

fn any_part() -> impl Strategy<Value = Part> {
    let zones = prop_oneof![Just(Zone::WholeDay), Just(Zone::Day), Just(Zone::Night)];
    (zones, 0_i64..2, 0_i64..10_000_000, 0_i64..100_000).prop_map(|(zone, range, volume, tariff)| {
        let (volume, tariff) = (Decimal::new(volume, 4), Decimal::new(tariff, 2));
        Part { zone, above: Decimal::from(range * 3900), volume, tariff, exact_amount: volume * tariff }
    })
}

fn any_line() -> impl Strategy<Value = Charged> {
    let methods = prop_oneof![
        Just(None),
        Just(Some(Method::Meter)),
        Just(Some(Method::Norm)),
        Just(Some(Method::NormRaised)),
        Just(Some(Method::Area)),
        Just(Some(Method::Fixed)),
    ];
    let numbers = (prop::option::of(0_i64..100), prop::option::of(10_i64..50), -5_000_i64..5_000, 0_i64..500);
    (0_u8..4, methods, prop::collection::vec(any_part(), 0..3), numbers, prop::option::of(0_i64..1_000_000)).prop_map(
        |(code, method, mut parts, (norm, coefficient, recalculation, penalty), other)| {
            // A zone and range has one price.
            parts.sort_by_key(|part: &Part| (part.zone as u8, part.above));
            parts.dedup_by_key(|part| (part.zone, part.above));
            let plain: Decimal = parts.iter().map(|part| part.exact_amount).sum();
            let coefficient = coefficient.map(|tenths| Decimal::new(tenths, 1));
            let excess = coefficient.map_or(Money::ZERO, |by| kopecks(plain * (by - Decimal::ONE)));
            let known = (!parts.is_empty()).then(|| parts.iter().map(|part| part.volume).sum());
            let charged = if parts.is_empty() { Money(other.unwrap_or_default()) } else { kopecks(plain) + excess };
            let norm = norm.map(|tenths| Decimal::new(tenths, 1));
            let code = code.to_string();
            Charged {
                made: known.map(|volume| volume::own(&code, method, volume, norm, &[])).unwrap_or_default(),
                title: code.clone(),
                code,
                unit: Some(Unit::CubicMetre),
                charged,
                excess,
                recalculation: Money(recalculation),
                penalty: Money(penalty),
                method,
                volume: known,
                parts,
                norm,
                coefficient,
                ..Charged::default()
            }
        },
    )
}

fn any_month() -> impl Strategy<Value = Vec<Charged>> {
    prop::collection::vec(any_line(), 0..4).prop_map(|mut lines| {
        lines.sort_by(|a, b| a.code.cmp(&b.code));
        lines.dedup_by(|a, b| a.code == b.code);
        lines
    })
}

proptest! {
    #[test]
    fn the_causes_sum_to_the_difference(old in any_month(), new in any_month()) {
        let sum = |lines: &[Charged]| lines.iter().map(Charged::added).sum::<Money>();
        let parts: Money = steps(&old, &new).iter().map(|step| step.amount).sum();
        prop_assert_eq!(parts, sum(&new) - sum(&old));
    }

    #[test]
    fn an_equal_month_has_no_causes(month in any_month()) {
        prop_assert_eq!(steps(&month, &month), []);
    }
}
