//! A meter in the place of another: what the two counted together, month by month. Pure.

use std::collections::BTreeMap;

use kabinet_core::{Day, Period, Quantity};
use rust_decimal::Decimal;

use crate::volume::{Figures, by_month, closings};

/// A meter with its readings, newest first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted<'a> {
    pub(crate) readings: &'a [Figures],
    pub(crate) digits: i32,
}

/// Volumes of `zone` by month, newest first: the meter's own, and before it those of the one whose place it took
/// in the month of `since`. In that month both count; where the old one left without a last value nobody knows the
/// whole of it, and the month is left out.
pub(crate) fn volumes(own: Counted<'_>, before: Option<(Counted<'_>, Day)>, zone: usize) -> Vec<(Period, Quantity)> {
    let mut months: BTreeMap<Period, Quantity> = BTreeMap::new();
    let mut add = |period: Period, volume: Quantity| {
        let sum = months.entry(period).or_default();
        *sum = *sum + volume;
    };
    let closed = closings(own.readings.iter().copied());
    for (period, volume) in by_month(&closed, zone, own.digits) {
        add(period, volume);
    }
    if let Some((old, since)) = before {
        // What the new meter counted in its first month: from its first value on.
        let begun = own.readings.last().zip(closed.last()).filter(|(first, _)| first.taken_on == since);
        if let Some((first, begun)) = begun {
            add(begun.period, begun.since(first, zone, own.digits));
        }
        let of_old = closings(old.readings.iter().copied());
        for (period, volume) in by_month(&of_old, zone, old.digits) {
            add(period, volume);
        }
        if of_old.first().is_none_or(|last| last.period != since.period()) {
            months.remove(&since.period());
        }
    }
    months.into_iter().rev().collect()
}

/// `volume` of a whole month for the days of it before `day`, half-up to seven places.
pub(crate) fn part_until(volume: Quantity, day: Day) -> Quantity {
    let days = Decimal::from(day.day_of_month() - 1);
    let part = volume.decimal() * days / Decimal::from(day.period().last_day().day_of_month());
    Quantity::from_decimal(part).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(day: i32, value: i64) -> Figures {
        Figures {
            period: Day(day).period(),
            taken_on: Day(day),
            values: [Quantity::whole(value), Quantity::ZERO, Quantity::ZERO],
            rollover: false,
        }
    }

    fn whole(months: &[(Period, Quantity)]) -> Vec<(i32, i64)> {
        months.iter().map(|(period, volume)| (period.0, volume.0 / 10_000_000)).collect()
    }

    #[test]
    fn in_the_month_of_the_replacement_both_meters_count() {
        // 100 → 103 → 105 until the 16th of October, then a new one: 0 → 2 → 6.
        let old = [at(20_261_016, 105), at(20_260_924, 103), at(20_260_824, 100)];
        let new = [at(20_261_124, 6), at(20_261_024, 2), at(20_261_016, 0)];
        let (old, new) = (Counted { readings: &old, digits: 5 }, Counted { readings: &new, digits: 5 });
        let months = volumes(new, Some((old, Day(20_261_016))), 0);
        assert_eq!(whole(&months), [(202_611, 4), (202_610, 2 + 2), (202_609, 3)]);
        assert_eq!(whole(&volumes(new, None, 0)), [(202_611, 4)]);
    }

    #[test]
    fn a_month_whose_old_meter_left_unread_is_no_base_of_an_average() {
        let old = [at(20_260_924, 103), at(20_260_824, 100)];
        let new = [at(20_261_124, 6), at(20_261_024, 2), at(20_261_016, 0)];
        let (old, new) = (Counted { readings: &old, digits: 5 }, Counted { readings: &new, digits: 5 });
        let months = volumes(new, Some((old, Day(20_261_016))), 0);
        assert_eq!(whole(&months), [(202_611, 4), (202_609, 3)]);
    }

    #[test]
    fn a_part_of_a_month_is_counted_by_its_days() {
        let three = Quantity::whole(3);
        assert_eq!(part_until(three, Day(20_261_116)), Quantity(15_000_000));
        assert_eq!(part_until(three, Day(20_261_101)), Quantity::ZERO);
        // 28 of 29 days, and 27 of 28.
        assert_eq!(part_until(three, Day(20_280_229)), Quantity(28_965_517));
        assert_eq!(part_until(three, Day(20_270_228)), Quantity(28_928_571));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_counted_twice(
            before in 0_i64..90_000, old in 0_i64..500, first in 0_i64..90_000, new in 0_i64..500, day in 1_i32..=31,
        ) {
            let since = Day(20_261_000 + day);
            let of_old = [at(since.0, before + old), at(20_260_924, before)];
            let of_new = [at(20_261_031, first + new), at(since.0, first)];
            let counted = |readings| Counted { readings, digits: 5 };
            let months = volumes(counted(&of_new), Some((counted(&of_old), since)), 0);
            prop_assert_eq!(whole(&months), vec![(202_610, old + new)]);
        }

        #[test]
        fn a_part_is_never_more_than_the_month(volume in 0_i64..10_i64.pow(12), day in 1_i32..=30) {
            let part = part_until(Quantity(volume), Day(20_261_100 + day));
            prop_assert!(part.0 >= 0 && part.0 <= volume);
        }
    }
}
