//! From readings to volumes: which reading closes a month, and what was consumed between two.

use kabinet_core::{Day, Period, Quantity};
use rust_decimal::Decimal;

use crate::resource::rollover_at;

/// Most zones a meter has.
pub(crate) const MOST_ZONES: usize = 3;

/// A reading's figures: one value a zone, the rest zero.
pub(crate) type Values = [Quantity; MOST_ZONES];

/// A reading as calculations see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Figures {
    /// The month whose bill it counts for: that of its date or, where that was made already, a later one.
    pub(crate) period: Period,
    /// Its date.
    pub(crate) taken_on: Day,
    /// Its values by zone.
    pub(crate) values: Values,
    /// A lower value than before means that the dial began again from 0.
    pub(crate) rollover: bool,
}

impl Figures {
    /// What zone `zone` counted from `previous` to this reading; negative only when a lower value was stored as a
    /// correction.
    pub(crate) fn since(&self, previous: &Self, zone: usize, digits: i32) -> Quantity {
        consumed(previous.values[zone], self.values[zone], digits, self.rollover)
    }
}

/// Whether the meter passed its last digit between `previous` and `current`: it was in the last tenth
/// of its range and is in the first now. Any other drop is a mistake or a correction.
pub(crate) fn rolled_over(previous: Quantity, current: Quantity, digits: i32) -> bool {
    let tenth = rollover_at(digits).0 / 10;
    current < previous && previous.0 >= tenth * 9 && current.0 < tenth
}

/// What was consumed between two readings; negative only when a lower value was stored as a correction. `rollover`:
/// somebody said that a lower value means a dial that began again.
pub(crate) fn consumed(previous: Quantity, current: Quantity, digits: i32, rollover: bool) -> Quantity {
    let began_again = (rollover && current < previous) || rolled_over(previous, current, digits);
    let wrap = if began_again { rollover_at(digits) } else { Quantity::ZERO };
    current + wrap - previous
}

/// The readings that close their months (the last of each), newest first. `newest_first` must be.
pub(crate) fn closings(newest_first: impl Iterator<Item = Figures>) -> Vec<Figures> {
    let mut closing: Vec<Figures> = Vec::new();
    for reading in newest_first {
        if closing.last().is_none_or(|newer| newer.period != reading.period) {
            closing.push(reading);
        }
    }
    closing
}

/// Monthly volumes of `zone` between the `closings` (newest first) with their months, newest first. A volume over
/// several months counts in equal parts for each, so that their mean stays true.
pub(crate) fn by_month(
    closings: &[Figures],
    zone: usize,
    digits: i32,
) -> impl Iterator<Item = (Period, Quantity)> + '_ {
    closings.windows(2).flat_map(move |pair| {
        let (newer, older) = (&pair[0], &pair[1]);
        let months = months_between(older.period, newer.period).max(1);
        let part = divide(newer.since(older, zone, digits), i64::from(months));
        (0..months).map(move |back| (newer.period.plus(-back), part))
    })
}

/// The mean of `volumes`, half-up to seven places; `None` of nothing.
pub(crate) fn mean(volumes: &[Quantity]) -> Option<Quantity> {
    let count = i64::try_from(volumes.len()).ok().filter(|count| *count > 0)?;
    Some(divide(Quantity(volumes.iter().map(|volume| volume.0).sum()), count))
}

/// How many months `to` is after `from`.
pub(crate) const fn months_between(from: Period, to: Period) -> i32 {
    (to.year() - from.year()) * 12 + to.month().cast_signed() - from.month().cast_signed()
}

/// One of `parts` equal parts, half-up to seven places.
pub(crate) fn divide(volume: Quantity, parts: i64) -> Quantity {
    Quantity::from_decimal(volume.decimal() / Decimal::from(parts)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(period: i32, value: i64) -> Figures {
        let period = Period(period);
        Figures {
            period,
            taken_on: period.last_day(),
            values: [Quantity::whole(value), Quantity::ZERO, Quantity::ZERO],
            rollover: false,
        }
    }

    #[test]
    fn a_meter_that_passed_its_last_digit_goes_on_counting() {
        let (before, after) = (Quantity::whole(99_995), Quantity::whole(4));
        assert!(rolled_over(before, after, 5));
        assert_eq!(consumed(before, after, 5, false), Quantity::whole(9));
        assert!(!rolled_over(Quantity::whole(50_000), after, 5));
        assert_eq!(consumed(Quantity::whole(10), Quantity::whole(8), 5, false), Quantity::whole(-2));
        // Said to have begun again, wherever it stood; a value that is not lower is no new beginning.
        assert_eq!(consumed(Quantity::whole(50_000), Quantity::whole(4), 5, true), Quantity::whole(50_004));
        assert_eq!(consumed(Quantity::whole(4), Quantity::whole(9), 5, true), Quantity::whole(5));
    }

    #[test]
    fn the_last_reading_of_a_month_closes_it() {
        let readings = [figures(202_611, 30), figures(202_611, 25), figures(202_610, 20), figures(202_610, 10)];
        let closing = closings(readings.into_iter());
        assert_eq!(closing, [figures(202_611, 30), figures(202_610, 20)]);
    }

    #[test]
    fn a_gap_is_spread_over_its_months() {
        let closing = [figures(202_603, 16), figures(202_512, 10), figures(202_511, 7)];
        let months: Vec<(Period, Quantity)> = by_month(&closing, 0, 5).collect();
        assert_eq!(months.iter().map(|month| month.0.0).collect::<Vec<_>>(), [202_603, 202_602, 202_601, 202_512]);
        let volumes: Vec<Quantity> = months.into_iter().map(|month| month.1).collect();
        assert_eq!(volumes, [2, 2, 2, 3].map(Quantity::whole));
        assert_eq!(mean(&volumes), Some(Quantity(22_500_000)));
        assert_eq!(mean(&[]), None);
    }

    proptest::proptest! {
        #[test]
        fn what_was_consumed_brings_the_dial_to_the_new_value(
            digits in 3_i32..9, from in 0_i64..10_i64.pow(16), volume in 0_i64..10_i64.pow(8), said: bool,
        ) {
            let top = rollover_at(digits).0;
            let previous = Quantity(from % top);
            let current = Quantity((previous.0 + volume % (top / 10)) % top);
            let consumed = consumed(previous, current, digits, said);
            proptest::prop_assert_eq!(consumed.0, volume % (top / 10));
        }
    }
}
