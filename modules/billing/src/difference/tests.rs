//! Two months compared by hand, and pairs of months made at random.

use proptest::prelude::*;

use super::*;

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a number")
}

fn part(volume: &str, tariff: &str) -> Part {
    let (volume, tariff) = (decimal(volume), decimal(tariff));
    Part { zone: Zone::WholeDay, above: Decimal::ZERO, volume, tariff, exact_amount: volume * tariff }
}

fn line(method: Method, volume: &str, tariff: &str) -> Charged {
    let part = part(volume, tariff);
    Charged {
        code: "cold_water".into(),
        title: "Холодная вода".into(),
        unit: Some(Unit::CubicMetre),
        charged: kopecks(part.exact_amount),
        method: Some(method),
        volume: Some(part.volume),
        parts: vec![part],
        ..Charged::default()
    }
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
    let raised = |coefficient: &str, excess| Charged {
        excess: Money(excess),
        charged: Money(38_373 + excess),
        norm: Some(decimal("4.85")),
        coefficient: Some(decimal(coefficient)),
        ..line(Method::NormRaised, "9.7", "39.56")
    };
    let steps = found(&[raised("1.5", 19_187)], &[raised("3", 76_746)]);
    // The half kopeck of rounding belongs to the coefficient: nothing else changed.
    assert_eq!(steps, [(Cause::Coefficient, 57_559, "1,5 → 3".to_owned())]);
}

#[test]
fn a_norm_and_the_people_are_told_apart() {
    let by_norm = |volume: &str, norm: &str| Charged { norm: Some(decimal(norm)), ..line(Method::Norm, volume, "10") };
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
    assert_eq!(found(&[plain(100)], &[plain(250)]), [(Cause::Charge, 150, String::new())]);
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
            Charged {
                code: code.to_string(),
                title: code.to_string(),
                unit: Some(Unit::CubicMetre),
                charged,
                excess,
                recalculation: Money(recalculation),
                penalty: Money(penalty),
                method,
                volume: known,
                parts,
                norm: norm.map(|tenths| Decimal::new(tenths, 1)),
                coefficient,
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
