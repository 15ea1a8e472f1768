//! Penalty for late payment (ЖК РФ ст. 155 ч. 14): by debt month and interval of days, split where the
//! rate changes and where something was paid; never on penalty.
//!
//! Days are counted from the one after the due day: 30 are free, from the 31st on a day costs 1/300 of the
//! rate, from the 91st on 1/130; contributions for capital repair stay at 1/300, unless the company says otherwise.
//! The day of a payment is the last one that counts.

use kabinet_core::values::round_half_up;
use kabinet_core::{Day, Money, Period};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::catalog::Section;

mod rates;

pub use rates::{PenaltyRate, PenaltyRates};

/// The last free day after the due day.
const FREE_DAYS: i64 = 30;
/// The last day at the lower share of the rate.
const LOW_DAYS: i64 = 90;
/// The lower share of the rate that a day costs, as a divisor.
const LOW: u16 = 300;
/// The higher one.
const HIGH: u16 = 130;
/// Divisible by both, so that intervals are added up exactly and divided once.
const COMMON: u32 = 3_900;
/// After all days.
const NEVER: Day = Day(99_991_231);

/// What penalties of a month are computed with, frozen with the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PenaltyTerms {
    /// The company's rates; none: it charges no penalty.
    pub rates: PenaltyRates,
    /// The last days to pay of the months that may still be owed for.
    pub due_days: Vec<(Period, Day)>,
    /// Sections of the receipt whose days never cost more than 1/300.
    #[serde(default = "usual_low_only")]
    pub low_only: Vec<Section>,
}

/// Capital repair (ЖК РФ ст. 155 ч. 14.1).
pub(crate) fn usual_low_only() -> Vec<Section> {
    vec![Section::CapitalRepair]
}

/// An interval of days with one principal and one rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The month that is owed for.
    pub debt: Period,
    /// What was owed on these days, kopecks; negative gives back what was charged before it was known that it was paid or
    /// not owed.
    pub principal: Money,
    /// How many days.
    pub days: u32,
    /// The rate, per cent a year.
    pub percent: Decimal,
    /// The divisor of the rate: 300 or 130.
    pub divisor: u16,
}

/// Principal of a month that was paid on a day; what was never owed counts as paid when its month ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repayment {
    /// The month it was owed for.
    pub debt: Period,
    /// The day it was paid.
    pub paid_on: Day,
    /// The part of the payment.
    pub amount: Money,
}

/// The penalty of one service for one month.
#[derive(Clone, Copy, Debug)]
pub struct Month<'a> {
    /// The rates and due days.
    pub terms: &'a PenaltyTerms,
    /// The month whose days count.
    pub period: Period,
    /// Whether days never cost more than 1/300.
    pub low_only: bool,
}

impl Month<'_> {
    /// The intervals of the month's days on which `debts` (as they were when it began) were late, lowered
    /// by `repayments`, which follow each other by day. A payment of an earlier day that is counted only
    /// now gives the days since back.
    #[must_use]
    pub fn intervals(&self, debts: &[(Period, Money)], repayments: &[Repayment]) -> Vec<Interval> {
        let mut intervals = Vec::new();
        if self.terms.rates.is_empty() {
            return intervals;
        }
        let (first, last) = (self.period.first_day(), self.period.last_day());
        for (debt, principal) in debts {
            let (mut owed, mut from) = (*principal, first);
            for paid in repayments.iter().filter(|paid| paid.debt == *debt) {
                let until = paid.paid_on.min(last);
                self.late_days(*debt, owed, from, until, &mut intervals);
                self.late_days(*debt, -paid.amount, until.plus_days(1), first.plus_days(-1), &mut intervals);
                owed -= paid.amount;
                from = from.max(until.plus_days(1));
            }
            self.late_days(*debt, owed, from, last, &mut intervals);
        }
        intervals
    }

    /// Adds the intervals of the days `from` to `to` on which `principal` was late.
    fn late_days(&self, debt: Period, principal: Money, from: Day, to: Day, intervals: &mut Vec<Interval>) {
        let Some(due) = self.terms.due_on(debt).filter(|_| principal != Money::ZERO && from <= to) else { return };
        let high = if self.low_only { NEVER } else { due.plus_days(LOW_DAYS + 1) };
        let stages = [(due.plus_days(FREE_DAYS + 1), high.plus_days(-1), LOW), (high, NEVER, HIGH)];
        for (begins, ends, divisor) in stages {
            let rates = self.terms.rates.between(from.max(begins), to.min(ends));
            for (begins, ends, percent) in rates.filter(|(.., percent)| !percent.is_zero()) {
                let days = u32::try_from((ends.date() - begins.date()).num_days() + 1).unwrap_or_default();
                intervals.push(Interval { debt, principal, days, percent, divisor });
            }
        }
    }
}

impl PenaltyTerms {
    fn due_on(&self, debt: Period) -> Option<Day> {
        self.due_days.iter().find(|(period, _)| *period == debt).map(|(_, due)| *due)
    }
}

/// The intervals' penalty, rounded once.
#[must_use]
pub fn total(intervals: &[Interval]) -> Money {
    let weighted: Decimal = intervals.iter().map(Interval::weighted).sum();
    let kopecks = round_half_up(weighted / Decimal::from(COMMON * 100), 0);
    Money(i64::try_from(kopecks).unwrap_or_default())
}

impl Interval {
    /// Kopecks of penalty, times a hundred per cent and the common divisor.
    fn weighted(&self) -> Decimal {
        let share = Decimal::from(COMMON / u32::from(self.divisor));
        Decimal::from(self.principal.0) * self.percent * Decimal::from(self.days) * share
    }
}

#[cfg(test)]
mod tests;
