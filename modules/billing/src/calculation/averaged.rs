//! What goes back when a reading covers months that were charged without one: of each such month the part of the
//! meters that are read now, and of no other.

use kabinet_core::{Money, Period, Quantity};
use kabinet_plugin_host::api::{AveragedMonth, Basis, Recalculation, ServiceKind, Unit};
use rust_decimal::{Decimal, RoundingStrategy};

use super::{FrozenMeter, measured};

/// A service's charge of a month that was not by meters alone, with the meters as they were then.
#[derive(Clone, Debug)]
pub(crate) struct UnreadMonth {
    pub(crate) period: Period,
    /// What the service measures.
    pub(crate) resource: ServiceKind,
    pub(crate) volume: Option<Quantity>,
    pub(crate) own: Own,
    pub(crate) charged: Money,
    /// What the charge was corrected by since.
    pub(crate) corrected: Money,
    pub(crate) meters: Vec<FrozenMeter>,
}

/// How much of a charged volume the room used itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Own {
    /// All of it.
    All,
    /// So much; the rest is a share of what the house used beside its rooms.
    Beside(Quantity),
    /// Nobody knows: a norm of heat is for room and house together. As much as the reading makes of a month.
    AsRead,
}

/// A meter that is read after months without a reading.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadMeter<'a> {
    pub(crate) serial: &'a str,
    /// The first month that its reading covers.
    pub(crate) since: Period,
    /// What falls to each of these months in equal parts.
    pub(crate) monthly: Quantity,
}

impl UnreadMonth {
    /// The serial numbers of the meters that nobody read, each once.
    fn unread(&self) -> Vec<&str> {
        let mut serials: Vec<&str> =
            self.of_service().filter(|meter| self.is_unread(meter)).map(|meter| meter.serial.as_str()).collect();
        serials.sort_unstable();
        serials.dedup();
        serials
    }

    fn of_service(&self) -> impl Iterator<Item = &FrozenMeter> {
        self.meters.iter().filter(|meter| measured(&meter.service) == Some(self.resource))
    }

    fn is_unread(&self, meter: &FrozenMeter) -> bool {
        // Bills once kept what a meter showed whose verification was over, and did not charge by it either.
        meter.current.is_none() || meter.verified_until.is_some_and(|until| until < self.period.first_day())
    }

    /// What the room was charged for of its own and no meter measured.
    pub(crate) fn unmeasured(&self) -> Quantity {
        let unread = self.unread();
        let read = self.of_service().filter(|meter| !unread.contains(&meter.serial.as_str()));
        let measured: i64 = read.filter_map(|meter| meter.volume).map(|volume| volume.0).sum();
        let whole = self.volume.unwrap_or_default().0;
        let own = match self.own {
            Own::Beside(own) => own.0,
            Own::All | Own::AsRead => whole,
        };
        Quantity((own - measured).clamp(0, whole.max(0)))
    }
}

/// The volume and the charge of the month that fall to the unread meter with this serial number; none where it was
/// read. What the read meters measured stays, as does a share of the house's; the rest of the charge is shared equally
/// by those that were not, so that all of it has gone back once the last of them is read.
pub(crate) fn part_of(month: &UnreadMonth, serial: &str) -> Option<(Quantity, Money)> {
    let serials = month.unread();
    let at = serials.iter().position(|known| *known == serial)?;
    let (rest, whole) = (month.unmeasured().0, month.volume.unwrap_or_default().0);
    // A month without a volume was charged for the unread meters alone.
    let charged = if whole > 0 { share(month.charged.0, rest, whole) } else { month.charged.0 };
    // A correction changes nothing that a meter measured; where there is a share of the house's, it is that it changes.
    let corrected = if month.own == Own::All { month.corrected.0 } else { 0 };
    let count = serials.len();
    Some((Quantity(nth(rest, at, count)), Money(nth(charged + corrected, at, count))))
}

impl ReadMeter<'_> {
    /// The volume and the charge of the month that its reading gives back.
    pub(crate) fn gives_back(&self, month: &UnreadMonth) -> Option<(Quantity, Money)> {
        let (volume, charged) = part_of(month, self.serial).filter(|_| month.period >= self.since)?;
        if month.own != Own::AsRead || self.monthly >= volume {
            return Some((volume, charged));
        }
        Some((self.monthly, Money(share(charged.0, self.monthly.0, volume.0))))
    }
}

/// The volume of the months that a line gives back, of those that its reading covers: it was charged with them, and what
/// the line itself is charged for holds it once more.
pub(crate) fn given_back(covered: &[AveragedMonth], recalculations: &[Recalculation]) -> Decimal {
    let is_given = |month: &&AveragedMonth| {
        let mut given = recalculations.iter().filter(|given| given.basis == Basis::AverageReversed);
        given.any(|given| given.period == month.period)
    };
    covered.iter().filter(is_given).map(|month| month.volume).sum()
}

/// The water that a line by the volume of others is made of: heat of hot water, wastewater of both.
pub(crate) fn made_of(unit: Unit) -> &'static [ServiceKind] {
    match unit {
        Unit::Gigacalorie => &[ServiceKind::HotWater],
        Unit::CubicMetre => &[ServiceKind::ColdWater, ServiceKind::HotWater],
        _ => &[],
    }
}

/// Cubic metres of a month, of which other lines are made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Water {
    /// What goes back.
    pub(crate) back: Quantity,
    /// What no meter measured.
    pub(crate) unmeasured: Quantity,
    /// All of it.
    pub(crate) whole: Quantity,
}

/// The part of a line of `volume` and `charged`, made of so much water, that goes back with it: at the tariff and the
/// coefficient of its own month. What the line was `corrected` by is of the water that no meter measured.
pub(crate) fn derived_part(volume: Quantity, charged: Money, corrected: Money, water: Water) -> (Quantity, Money) {
    let back = water.back.0.min(water.whole.0);
    if back <= 0 {
        return (Quantity::ZERO, Money::ZERO);
    }
    let corrected = share(corrected.0, back, water.unmeasured.0.max(back));
    let charged = share(charged.0, back, water.whole.0) + corrected;
    (Quantity(share(volume.0, back, water.whole.0)), Money(charged))
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
        UnreadMonth {
            period: Period(202_609),
            resource: ServiceKind::ColdWater,
            volume: Some(Quantity(volume * 10_000)),
            own: Own::All,
            charged: Money(charged),
            corrected: Money::ZERO,
            meters,
        }
    }

    /// A month of heat, 1.5 Гкал × 2000 ₽ in a room whose meter nobody read.
    fn heat(own: Own) -> UnreadMonth {
        let meters = vec![meter("heat", "room", None)];
        UnreadMonth { resource: ServiceKind::Heating, own, ..month(1500, 300_000, meters) }
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
        let water = |back, whole| Water { back: litres(back), unmeasured: litres(back), whole: litres(whole) };
        let of = |volume, charged, water| derived_part(volume, Money(charged), Money::ZERO, water);
        assert_eq!(of(Quantity(1_845_000), 39_642, water(2000, 3000)), (Quantity(1_230_000), Money(26_428)));
        assert_eq!(of(Quantity(1_845_000), 39_642, Water::default()).1, Money::ZERO);
        assert_eq!(of(litres(3000), 7_923, water(4000, 3000)).1, Money(7_923));
    }

    #[test]
    fn a_share_of_the_house_stays_charged() {
        // The room's own 1.2 Гкал go back, by average or as much as its neighbours used; 0.3 of the house stay.
        let own = Quantity(12_000_000);
        assert_eq!(part_of(&heat(Own::Beside(own)), "room"), Some((own, Money(240_000))));
        // A house that used less than its rooms left a share of less than nothing: no more goes back than was charged.
        assert_eq!(
            part_of(&heat(Own::Beside(Quantity::whole(2))), "room"),
            Some((Quantity(15_000_000), Money(300_000)))
        );
        // A correction is of that share: a house's volume, an area.
        let corrected = UnreadMonth { corrected: Money(60_000), ..heat(Own::Beside(own)) };
        assert_eq!(part_of(&corrected, "room"), Some((own, Money(240_000))));
    }

    #[test]
    fn of_heat_by_norm_as_much_goes_back_as_the_reading_makes_of_a_month() {
        let norm = heat(Own::AsRead);
        let read = |monthly, since| ReadMeter { serial: "room", since, monthly: Quantity::whole(monthly) };
        assert_eq!(read(1, norm.period).gives_back(&norm), Some((Quantity::whole(1), Money(200_000))));
        assert_eq!(read(9, norm.period).gives_back(&norm), Some((Quantity(15_000_000), Money(300_000))));
        assert_eq!(read(0, norm.period).gives_back(&norm), Some((Quantity::ZERO, Money::ZERO)));
        assert_eq!(read(1, norm.period.next()).gives_back(&norm), None, "a month before those that it covers");
    }

    #[test]
    fn what_was_corrected_since_has_gone_back_already() {
        // Two people's norm of 9.7 m³; one had moved out, 191.86 were given back.
        let norm = month(9700, 38_373, vec![meter("cold_water", "kitchen", None)]);
        let corrected = UnreadMonth { corrected: Money(-19_186), ..norm };
        assert_eq!(part_of(&corrected, "kitchen"), Some((Quantity(97_000_000), Money(19_187))));
        // 5 m³ read in the bath stay at 40 ₽; the correction is of the kitchen's 3 m³.
        let meters = vec![meter("cold_water", "bath", Some(5000)), meter("cold_water", "kitchen", None)];
        let corrected = UnreadMonth { corrected: Money(-4_000), ..month(8000, 32_000, meters) };
        assert_eq!(part_of(&corrected, "kitchen").map(|part| part.1), Some(Money(8_000)));
        // Wastewater of 4 m³ measured and 8 by norm at 26.41, of which 4 were given back since.
        let water = Water { back: Quantity::whole(8), unmeasured: Quantity::whole(8), whole: Quantity::whole(12) };
        let wastewater = derived_part(Quantity::whole(12), Money(31_692), Money(-10_564), water);
        assert_eq!(wastewater, (Quantity::whole(8), Money(10_564)));
    }

    #[test]
    fn a_line_gave_back_the_months_that_it_names() {
        let month = |month| kabinet_plugin_host::api::Period { year: 2026, month };
        let covered = [8, 9].map(|of| AveragedMonth { period: month(of), volume: Decimal::from(4), charged: 15_824 });
        let given =
            |basis, of| Recalculation { basis, period: month(of), amount: -1, exact_amount: Decimal::NEGATIVE_ONE };
        let both = [given(Basis::AverageReversed, 8), given(Basis::AverageReversed, 9), given(Basis::Benefit, 9)];
        assert_eq!(given_back(&covered, &both), Decimal::from(8));
        // The norm stood in for all meters: what one of them showed is not charged, and nothing goes back.
        assert_eq!(given_back(&covered, &both[2..]), Decimal::ZERO);
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
