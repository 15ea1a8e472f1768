//! Rates of penalty by the days they hold for: data of the company, never rewritten for the past.

use kabinet_core::{Day, Period};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::NEVER;

/// A rate and the days it holds for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PenaltyRate {
    /// First day.
    pub from: Day,
    /// Last day; none: until further notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Day>,
    /// Per cent a year.
    #[serde(with = "rust_decimal::serde::str")]
    pub percent: Decimal,
    /// Where it comes from; marks assumptions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl PenaltyRate {
    /// No penalty from a day on.
    const fn none(from: Day) -> Self {
        Self { from, until: None, percent: Decimal::ZERO, note: String::new() }
    }

    fn last_day(&self) -> Day {
        self.until.unwrap_or(NEVER)
    }

    /// The part of the rate between two days, both included.
    fn within(&self, first: Day, last: Day) -> Option<Self> {
        let (from, until) = (self.from.max(first), self.last_day().min(last));
        let until_or_open = Some(until).filter(|until| *until < NEVER);
        (from <= until).then(|| Self { from, until: until_or_open, ..self.clone() })
    }

    /// Whether `next` goes on with the same rate the day after.
    fn continues_in(&self, next: &Self) -> bool {
        self.percent == next.percent
            && self.note == next.note
            && self.until.is_some_and(|until| until.plus_days(1) == next.from)
    }
}

/// A company's rates, the earliest first, no day twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PenaltyRates(Vec<PenaltyRate>);

impl PenaltyRates {
    /// The rates in their order; the first day that two of them claim where they overlap.
    pub fn new(mut rates: Vec<PenaltyRate>) -> Result<Self, Day> {
        rates.sort_by_key(|rate| rate.from);
        match rates.windows(2).find(|pair| pair[0].last_day() >= pair[1].from) {
            Some(pair) => Err(pair[1].from),
            None => Ok(Self(rates)),
        }
    }

    /// Whether the company never charged a penalty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rates.
    #[must_use]
    pub fn as_slice(&self) -> &[PenaltyRate] {
        &self.0
    }

    /// The first day of `period` without a rate.
    #[must_use]
    pub fn missing(&self, period: Period) -> Option<Day> {
        let mut day = period.first_day();
        for (from, until, _) in self.between(day, period.last_day()) {
            if from > day {
                return Some(day);
            }
            day = until.plus_days(1);
        }
        (day <= period.last_day()).then_some(day)
    }

    /// These rates after the days up to `closed`, and `earlier` for those: what a published month was
    /// computed with stays. A company that drops them all charges none from then on, which its past has to say: a rate
    /// of 0 %.
    #[must_use]
    pub fn after(&self, earlier: &Self, closed: Day) -> Self {
        let past = earlier.0.iter().filter_map(|rate| rate.within(Day(0), closed));
        let end = Some(PenaltyRate::none(closed.plus_days(1))).filter(|_| self.is_empty() && !earlier.is_empty());
        let future = self.0.iter().chain(&end).filter_map(|rate| rate.within(closed.plus_days(1), NEVER));
        let mut joined: Vec<PenaltyRate> = Vec::new();
        for rate in past.chain(future) {
            match joined.last_mut().filter(|last| last.continues_in(&rate)) {
                Some(last) => last.until = rate.until,
                None => joined.push(rate),
            }
        }
        Self(joined)
    }

    /// Between two days, both included: the days of each rate, and its per cent a year.
    pub(super) fn between(&self, first: Day, last: Day) -> impl Iterator<Item = (Day, Day, Decimal)> + '_ {
        self.0.iter().filter_map(move |rate| {
            let (from, until) = (rate.from.max(first), rate.last_day().min(last));
            (from <= until).then_some((from, until, rate.percent))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(from: i32, until: Option<i32>, percent: i64) -> PenaltyRate {
        PenaltyRate { from: Day(from), until: until.map(Day), percent: Decimal::new(percent, 1), note: String::new() }
    }

    fn rates(list: &[PenaltyRate]) -> PenaltyRates {
        PenaltyRates::new(list.to_vec()).expect("no overlap")
    }

    #[test]
    fn two_rates_for_one_day_are_refused() {
        let overlapping = PenaltyRates::new(vec![rate(20_260_101, None, 95), rate(20_250_101, Some(20_260_101), 95)]);
        assert_eq!(overlapping, Err(Day(20_260_101)));
    }

    #[test]
    fn a_day_without_a_rate_is_named() {
        let known = rates(&[rate(20_220_228, Some(20_261_231), 95)]);
        assert_eq!(known.missing(Period(202_612)), None);
        assert_eq!(known.missing(Period(202_701)), Some(Day(20_270_101)));
        assert_eq!(known.missing(Period(202_202)), Some(Day(20_220_201)));
        let gap = rates(&[rate(20_260_101, Some(20_260_110), 95), rate(20_260_112, None, 95)]);
        assert_eq!(gap.missing(Period(202_601)), Some(Day(20_260_111)));
    }

    #[test]
    fn a_closed_month_keeps_its_rate() {
        let stored = rates(&[rate(20_220_101, None, 95)]);
        let wanted = rates(&[rate(20_220_101, None, 80)]);
        let closed = Day(20_261_031);
        let both = wanted.after(&stored, closed);
        assert_eq!(both.as_slice(), [rate(20_220_101, Some(20_261_031), 95), rate(20_261_101, None, 80)]);
        assert_eq!(wanted.after(&both, closed), both, "asking twice changes nothing");
        assert_eq!(stored.after(&stored, closed), stored, "nor does asking for the same");
        assert_eq!(stored.after(&PenaltyRates::default(), closed).as_slice(), [rate(20_261_101, None, 95)]);
    }

    #[test]
    fn a_company_that_drops_its_rates_has_none_from_the_next_month_on() {
        let (none, closed) = (PenaltyRates::default(), Day(20_261_031));
        assert_eq!(none.after(&none, closed), none, "it never had any");
        let dropped = none.after(&rates(&[rate(20_220_101, None, 95)]), closed);
        assert_eq!(dropped.as_slice(), [rate(20_220_101, Some(20_261_031), 95), rate(20_261_101, None, 0)]);
        assert_eq!(dropped.missing(Period(202_611)), None, "the next month can be billed");
        assert_eq!(none.after(&dropped, Day(20_261_130)), dropped, "and the one after it");
        // It may charge again.
        let again = rates(&[rate(20_270_101, None, 80)]).after(&dropped, Day(20_261_231));
        assert_eq!(again.as_slice().last(), Some(&rate(20_270_101, None, 80)));
        assert_eq!(again.missing(Period(202_612)), None);
    }
}
