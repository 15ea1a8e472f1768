//! What goes back when a reading covers months that were charged without one: of each such month the part of the
//! meters that are read now, and of no other.

use kabinet_core::{Money, Period, Quantity};
use kabinet_plugin_host::api::{ServiceKind, Unit};
use rust_decimal::{Decimal, RoundingStrategy};

use super::{FrozenMeter, measured};

/// A service's charge of a month that was not by meters alone, with the meters as they were then.
#[derive(Clone, Debug)]
pub(crate) struct UnreadMonth {
    pub(crate) period: Period,
    /// What the service measures.
    pub(crate) resource: ServiceKind,
    pub(crate) volume: Option<Quantity>,
    pub(crate) charged: Money,
    pub(crate) meters: Vec<FrozenMeter>,
}

/// The volume and the charge of the month that fall to the unread meter with this serial number; none where it
/// was read. What the read meters measured stays; the rest of the charge is shared equally by those that were
/// not, so that all of it has gone back once the last of them is read.
pub(crate) fn part_of(month: &UnreadMonth, serial: &str) -> Option<(Quantity, Money)> {
    let of_service = || month.meters.iter().filter(|meter| measured(&meter.service) == Some(month.resource));
    // Bills once kept what a meter showed whose verification was over, and did not charge by it either.
    let over = |meter: &FrozenMeter| meter.verified_until.is_some_and(|until| until < month.period.first_day());
    let unread = |meter: &&FrozenMeter| meter.current.is_none() || over(meter);
    let mut serials: Vec<&str> = of_service().filter(unread).map(|meter| meter.serial.as_str()).collect();
    serials.sort_unstable();
    serials.dedup();
    let at = serials.iter().position(|known| *known == serial)?;
    let measured = of_service().filter(|meter| !serials.contains(&meter.serial.as_str()));
    let measured: i64 = measured.filter_map(|meter| meter.volume).map(|volume| volume.0).sum();
    let whole = month.volume.unwrap_or_default().0;
    let rest = (whole - measured).clamp(0, whole.max(0));
    // A month without a volume was charged for the unread meters alone.
    let charged = if whole > 0 { share(month.charged.0, rest, whole) } else { month.charged.0 };
    let count = serials.len();
    Some((Quantity(nth(rest, at, count)), Money(nth(charged, at, count))))
}

/// The water that a line by the volume of others is made of: heat of hot water, wastewater of both.
pub(crate) fn made_of(unit: Unit) -> &'static [ServiceKind] {
    match unit {
        Unit::Gigacalorie => &[ServiceKind::HotWater],
        Unit::CubicMetre => &[ServiceKind::ColdWater, ServiceKind::HotWater],
        _ => &[],
    }
}

/// The part of a line of `volume` and `charged`, made of `whole` cubic metres of water, that goes back with `back`
/// of them: at the tariff and the coefficient of its own month.
pub(crate) fn derived_part(volume: Quantity, charged: Money, back: Quantity, whole: Quantity) -> (Quantity, Money) {
    let back = back.0.min(whole.0);
    if back <= 0 {
        return (Quantity::ZERO, Money::ZERO);
    }
    (Quantity(share(volume.0, back, whole.0)), Money(share(charged.0, back, whole.0)))
}

fn share(sum: i64, part: i64, whole: i64) -> i64 {
    let exact = Decimal::from(sum) * Decimal::from(part) / Decimal::from(whole);
    exact.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).try_into().unwrap_or(sum)
}

/// The part at `at` of `sum` in `count` equal parts, which add up to it.
fn nth(sum: i64, at: usize, count: usize) -> i64 {
    let (at, count) = (i64::try_from(at).unwrap_or_default(), i64::try_from(count).unwrap_or(1));
    share(sum, at + 1, count) - share(sum, at, count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kabinet_core::Day;
    use proptest::prelude::*;

    fn meter(service: &str, serial: &str, volume: Option<i64>) -> FrozenMeter {
        let litres = |litres: i64| Quantity(litres * 10_000);
        FrozenMeter {
            service: service.to_owned(),
            serial: serial.to_owned(),
            place: String::new(),
            zone: 0,
            zones: 0,
            previous: Quantity::ZERO,
            current: volume.map(litres),
            volume: volume.map(litres),
            verified_until: Some(Day(20_300_101)),
        }
    }

    fn month(volume: i64, charged: i64, meters: Vec<FrozenMeter>) -> UnreadMonth {
        let volume = Some(Quantity(volume * 10_000));
        let resource = ServiceKind::ColdWater;
        UnreadMonth { period: Period(202_609), resource, volume, charged: Money(charged), meters }
    }

    #[test]
    fn what_the_read_meter_measured_stays_charged() {
        // 5 m³ read in the bath, 3 m³ averaged in the kitchen, 8 × 40 ₽: only the kitchen's 120 ₽ go back.
        let september = month(
            8000,
            32_000,
            vec![
                meter("cold_water", "bath", Some(5000)),
                meter("cold_water", "kitchen", None),
                meter("electricity", "light", None),
            ],
        );
        assert_eq!(part_of(&september, "kitchen"), Some((Quantity(30_000_000), Money(12_000))));
        assert_eq!(part_of(&september, "bath"), None);
        assert_eq!(part_of(&september, "light"), None);
    }

    #[test]
    fn a_single_meter_gets_the_whole_month_back() {
        let alone = month(3333, 13_185, vec![meter("cold_water", "kitchen", None)]);
        assert_eq!(part_of(&alone, "kitchen"), Some((Quantity(33_330_000), Money(13_185))));
    }

    #[test]
    fn an_expired_meter_counts_as_unread() {
        let mut expired = meter("cold_water", "bath", Some(5000));
        expired.verified_until = Some(Day(20_260_831));
        let september = month(8000, 32_000, vec![expired, meter("cold_water", "kitchen", None)]);
        assert_eq!(part_of(&september, "kitchen").map(|part| part.1), Some(Money(16_000)));
    }

    #[test]
    fn what_is_made_of_water_goes_back_with_it_at_its_own_months_price() {
        // Heat in hot water: 3 m³ × 0.0615 = 0.1845 Гкал × 2148.63 = 396.42 ₽; two of the three cubic metres go back.
        let litres = |litres: i64| Quantity(litres * 10_000);
        let heat = derived_part(Quantity(1_845_000), Money(39_642), litres(2000), litres(3000));
        assert_eq!(heat, (Quantity(1_230_000), Money(26_428)));
        assert_eq!(derived_part(Quantity(1_845_000), Money(39_642), Quantity::ZERO, Quantity::ZERO).1, Money::ZERO);
        assert_eq!(derived_part(litres(3000), Money(7_923), litres(4000), litres(3000)).1, Money(7_923));
    }

    proptest! {
        #[test]
        fn unread_meters_get_all_but_the_read_part_back(read in 0i64..9000, rest in 1i64..9000, charged in 0i64..10_000_000, unread in 1usize..5) {
            let mut meters = vec![meter("cold_water", "read", Some(read))];
            meters.extend((0..unread).map(|number| meter("cold_water", &number.to_string(), None)));
            let month = month(read + rest, charged, meters);
            let parts: Vec<_> = (0..unread).filter_map(|number| part_of(&month, &number.to_string())).collect();
            prop_assert_eq!(parts.len(), unread);
            let back: i64 = parts.iter().map(|part| part.1.0).sum();
            prop_assert_eq!(back, share(charged, rest, read + rest));
            prop_assert_eq!(parts.iter().map(|part| part.0.0).sum::<i64>(), rest * 10_000);
        }
    }
}
