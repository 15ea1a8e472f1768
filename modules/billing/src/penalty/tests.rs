//! Penalties by hand: the check values of the law's formula, and its edges.

use proptest::prelude::*;

use super::*;

const AUGUST: Period = Period(202_608);
const OCTOBER: Period = Period(202_610);
const NOVEMBER: Period = Period(202_611);

fn terms(rates: &[(i32, Option<i32>, &str)]) -> PenaltyTerms {
    let rate = |(from, until, percent): &(i32, Option<i32>, &str)| PenaltyRate {
        from: Day(*from),
        until: until.map(Day),
        percent: percent.parse().expect("a number"),
        note: String::new(),
    };
    PenaltyTerms {
        rates: PenaltyRates::new(rates.iter().map(rate).collect()).expect("no overlap"),
        // August's bill is due on Tuesday 15 September, October's on Monday 16 November.
        due_days: vec![(AUGUST, Day(20_260_915)), (OCTOBER, Day(20_261_116))],
        low_only: usual_low_only(),
    }
}

fn usual() -> PenaltyTerms {
    terms(&[(20_220_228, Some(20_261_231), "9.5"), (20_270_101, None, "9.5")])
}

fn in_words(intervals: &[Interval]) -> Vec<(i64, u32, u16)> {
    intervals.iter().map(|interval| (interval.principal.0, interval.days, interval.divisor)).collect()
}

fn month(terms: &PenaltyTerms, period: Period, debt: i64, paid: &[(i32, i64)]) -> Vec<Interval> {
    let repayment = |(day, amount): &(i32, i64)| Repayment { debt: AUGUST, paid_on: Day(*day), amount: Money(*amount) };
    let repayments: Vec<Repayment> = paid.iter().map(repayment).collect();
    Month { terms, period, low_only: false }.intervals(&[(AUGUST, Money(debt))], &repayments)
}

#[test]
fn a_thousand_roubles_late_for_sixty_days_cost_nineteen() {
    let interval = |days, divisor| {
        let percent = "9.5".parse().expect("a number");
        Interval { debt: AUGUST, principal: Money(100_000), days, percent, divisor }
    };
    assert_eq!(total(&[interval(60, LOW)]), Money(1900));
    // 1000 × 9,5 % ÷ 130 = 0,7308 a day.
    assert_eq!(total(&[interval(1, HIGH)]), Money(73));
    assert_eq!(total(&[interval(100, HIGH)]), Money(7308));
}

#[test]
fn thirty_days_after_the_due_day_are_free() {
    let terms = usual();
    // The 31st day after 15 September is 16 October: 16 days of October.
    assert_eq!(in_words(&month(&terms, OCTOBER, 100_000, &[])), [(100_000, 16, LOW)]);
    assert_eq!(month(&terms, Period(202_609), 100_000, &[]), []);
    // 1000 × 9,5 % ÷ 300 × 16 = 5,0666…
    assert_eq!(total(&month(&terms, OCTOBER, 100_000, &[])), Money(507));
}

#[test]
fn from_the_ninety_first_day_on_a_day_costs_more() {
    let terms = usual();
    // The 90th day after 15 September is 14 December.
    let december = month(&terms, Period(202_612), 100_000, &[]);
    assert_eq!(in_words(&december), [(100_000, 14, LOW), (100_000, 17, HIGH)]);
    let capital = Month { terms: &terms, period: Period(202_612), low_only: true };
    assert_eq!(in_words(&capital.intervals(&[(AUGUST, Money(100_000))], &[])), [(100_000, 31, LOW)]);
}

#[test]
fn a_payment_lowers_the_debt_from_the_next_day_on() {
    let terms = usual();
    let november = month(&terms, NOVEMBER, 100_000, &[(20_261_110, 40_000)]);
    assert_eq!(in_words(&november), [(100_000, 10, LOW), (60_000, 20, LOW)]);
    let paid_up = month(&terms, NOVEMBER, 100_000, &[(20_261_110, 40_000), (20_261_120, 60_000)]);
    assert_eq!(in_words(&paid_up), [(100_000, 10, LOW), (60_000, 10, LOW)]);
}

#[test]
fn a_payment_that_became_known_late_gives_its_days_back() {
    let terms = usual();
    // Paid on 20 October, counted in November: 21 to 31 October were charged in vain.
    let november = month(&terms, NOVEMBER, 100_000, &[(20_261_020, 100_000)]);
    assert_eq!(in_words(&november), [(-100_000, 11, LOW)]);
    // 1000 × 9,5 % ÷ 300 × 11 = 3,4833…
    assert_eq!(total(&november), Money(-348));
}

#[test]
fn a_changed_rate_splits_the_month() {
    let terms = terms(&[(20_220_101, Some(20_261_109), "9.5"), (20_261_110, None, "8")]);
    let november = month(&terms, NOVEMBER, 100_000, &[]);
    assert_eq!(in_words(&november), [(100_000, 9, LOW), (100_000, 21, LOW)]);
    // 1000 × (9,5 × 9 + 8 × 21) % ÷ 300 = 8,45
    assert_eq!(total(&november), Money(845));
}

#[test]
fn without_rates_or_at_a_rate_of_nothing_nothing_is_charged() {
    assert_eq!(month(&PenaltyTerms::default(), NOVEMBER, 100_000, &[]), []);
    let ended = terms(&[(20_220_101, Some(20_261_110), "9.5"), (20_261_111, None, "0")]);
    assert_eq!(in_words(&month(&ended, NOVEMBER, 100_000, &[])), [(100_000, 10, LOW)]);
}

proptest! {
    #[test]
    fn a_year_of_months_costs_what_its_days_cost(principal in 1_i64..10_000_000) {
        let terms = usual();
        let months: Vec<Interval> = (0..12)
            .map(|at| OCTOBER.plus(at))
            .flat_map(|period| Month { terms: &terms, period, low_only: false }.intervals(&[(AUGUST, Money(principal))], &[]))
            .collect();
        let days: u32 = months.iter().map(|interval| interval.days).sum();
        // 16 October 2026 to 30 September 2027.
        prop_assert_eq!(days, 350);
        let low: u32 = months.iter().filter(|interval| interval.divisor == LOW).map(|interval| interval.days).sum();
        prop_assert_eq!(low, 60);
    }

    #[test]
    fn paying_earlier_never_costs_more(principal in 1_i64..10_000_000, day in 1_i32..30) {
        let terms = usual();
        let cost = |day: i32| total(&month(&terms, NOVEMBER, principal, &[(20_261_100 + day, principal)]));
        prop_assert!(cost(day) <= cost(day + 1));
    }

    #[test]
    fn a_payment_counted_late_costs_the_same_in_the_end(principal in 1_i64..10_000_000, day in 1_i32..31) {
        let terms = usual();
        let paid = [(20_261_000 + day, principal)];
        let in_time = total(&month(&terms, OCTOBER, principal, &paid));
        let late = total(&month(&terms, OCTOBER, principal, &[])) + total(&month(&terms, NOVEMBER, principal, &paid));
        prop_assert!((in_time.0 - late.0).abs() <= 1, "{in_time} {late}");
    }
}
