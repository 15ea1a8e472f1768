//! A receipt kind settled by hand, and what holds for any.

use kabinet_core::{Day, Timestamp};
use proptest::prelude::*;

use super::super::rows::carried;
use super::*;
use crate::penalty::{PenaltyRate, PenaltyRates, PenaltyTerms};
use crate::plan::Snapshot;

const JULY: Period = Period(202_607);
const AUGUST: Period = Period(202_608);
const SEPTEMBER: Period = Period(202_609);
const OCTOBER: Period = Period(202_610);
const NOVEMBER: Period = Period(202_611);
const DECEMBER: Period = Period(202_612);

/// A month at 9.5 %, by the rules of this release or of the one before.
fn plan(period: Period, earlier_release: bool) -> Plan {
    let mut snapshot = serde_json::json!({
        "services": [], "kinds": [], "config": {}, "company_name": "", "profile": {}, "qr_encoding": "utf8", "notes": [],
        "credits_pay_debts": true,
    });
    if !earlier_release {
        snapshot["overpaid_is_paid"] = true.into();
    }
    let mut snapshot: Snapshot = serde_json::from_value(snapshot).expect("a snapshot");
    let percent = "9.5".parse().expect("a number");
    let rate = PenaltyRate { from: Day(20_220_228), until: None, percent, note: String::new() };
    let due_days = [20_260_817, 20_260_915, 20_261_015, 20_261_116, 20_261_215].map(Day);
    snapshot.penalty = PenaltyTerms {
        rates: PenaltyRates::new(vec![rate]).expect("one rate"),
        due_days: [JULY, AUGUST, SEPTEMBER, OCTOBER, NOVEMBER].into_iter().zip(due_days).collect(),
        low_only: Vec::new(),
    };
    Plan::new(period, snapshot)
}

fn line(service: &str, opening: i64, charged: i64, recalculation: i64) -> ServiceCharge {
    let opening = carried(service, "main", Money(opening));
    ServiceCharge { charged: Money(charged), recalculation: Money(recalculation), ..opening }
}

/// The principal of older months by service.
fn unpaid(months: &[(&str, Period, i64)]) -> Standing {
    let mut standing = Standing::default();
    for (service, month, sum) in months.iter().filter(|(.., sum)| *sum > 0) {
        standing.arrears.entry((*service).to_owned()).or_default().months.push((*month, Money(*sum)));
    }
    standing
}

type Settled = (Vec<ServiceCharge>, Vec<(String, Arrears)>);

fn settled(plan: &Plan, standing: &Standing, mut lines: Vec<ServiceCharge>) -> Settled {
    let payments: Vec<&PaymentFact> = standing.payments.iter().collect();
    let arrears = settle(plan, standing, &mut lines.iter_mut().collect::<Vec<_>>(), &payments);
    (lines, arrears)
}

fn sums(lines: &[ServiceCharge], of: impl Fn(&ServiceCharge) -> Money) -> Vec<i64> {
    lines.iter().map(|line| of(line).0).collect()
}

/// August is late for all of November: 300.00 × 9.5 % ÷ 300 × 30 = 2.85.
#[test]
fn what_one_service_is_ahead_pays_the_others_before_their_days_count() {
    let standing = unpaid(&[("water", AUGUST, 30_000)]);
    let lines = || vec![line("maintenance", -100_000, 20_000, 0), line("water", 30_000, 10_000, 0)];
    let (now, arrears) = settled(&plan(NOVEMBER, false), &standing, lines());
    assert_eq!(sums(&now, |line| line.penalty), [0, 0]);
    assert_eq!(sums(&now, |line| line.counted), [-40_000, 40_000]);
    assert_eq!(sums(&now, |line| line.to_pay), [-40_000, 0]);
    assert!(arrears.is_empty(), "{arrears:?}");
    let (before, _) = settled(&plan(NOVEMBER, true), &standing, lines());
    assert_eq!(sums(&before, |line| line.penalty), [0, 285]);
    assert_eq!(sums(&before, |line| line.counted), [0, 0], "published months are calculated again as they were");
}

/// Penalties of October to December. July to September were charged 118.68 by average each and not paid, September's
/// bill charged 0.53 of penalty for July; October's reading makes 158.24 of all four months.
fn read_in_october(earlier_release: bool, in_vain: bool) -> Vec<i64> {
    let average = 11_868;
    let mut standing = unpaid(&[("water", JULY, average), ("water", AUGUST, average)]);
    standing.arrears.entry("water".to_owned()).or_default().penalty = Money(53);
    let back = |period| Returned { period, amount: Money(average), in_vain };
    let returned = [JULY, AUGUST, SEPTEMBER].map(back).to_vec();
    let mut next = ServiceCharge { returned, ..line("water", 3 * average + 53, 15_824, -3 * average) };
    let mut penalties = Vec::new();
    for month in [OCTOBER, NOVEMBER, DECEMBER] {
        let (lines, arrears) = settled(&plan(month, earlier_release), &standing, vec![next]);
        penalties.push(lines[0].penalty.0);
        standing = Standing { arrears: arrears.into_iter().collect(), ..Standing::default() };
        next = line("water", lines[0].to_pay.0, 0, 0);
    }
    penalties
}

#[test]
fn what_a_reading_gives_back_pays_the_months_it_was_charged_for() {
    // July's 118.68 × 9.5 % ÷ 300 × 14 days of September; October's 158.24 from the 17th of December on, 15 days.
    assert_eq!(read_in_october(false, true), [-53, 0, 75]);
    // A yearly correction pays its months too, which were charged as they had to be.
    assert_eq!(read_in_october(false, false), [0, 0, 75]);
    // It paid October's charge first: 39.56 of August and 118.68 of September went on.
    assert_eq!(read_in_october(true, true), [20, 98, 183]);
}

/// What lowers a debt of August in November's bill.
enum Lowered {
    Not,
    Corrected(Book),
    PaidInAugust,
}

/// Penalties of October and November for a debt of August of which `part` goes.
fn of_two_months(debt: i64, part: i64, lowered: &Lowered) -> [i64; 2] {
    let owed = unpaid(&[("waste", AUGUST, debt)]);
    let (october, arrears) = settled(&plan(OCTOBER, false), &owed, vec![line("waste", debt, 0, 0)]);
    let mut standing = Standing { arrears: arrears.into_iter().collect(), ..Standing::default() };
    let mut recalculation = 0;
    match lowered {
        Lowered::Not => {}
        Lowered::Corrected(book) => {
            recalculation = -part;
            let (amount, basis) = (Money(recalculation), "акт".to_owned());
            let correction = Correction { period: AUGUST, amount, basis, book: *book };
            standing.corrections.push(("waste".to_owned(), correction));
        }
        Lowered::PaidInAugust => standing.payments.push(PaymentFact {
            booked_at: Timestamp(0),
            paid_on: AUGUST.last_day(),
            kind: "main".to_owned(),
            period: Some(AUGUST),
            amount: Money(part),
            counted: true,
        }),
    }
    let opening = october[0].to_pay.0;
    let (november, _) = settled(&plan(NOVEMBER, false), &standing, vec![line("waste", opening, 0, recalculation)]);
    [october[0].penalty.0, november[0].penalty.0]
}

/// A sum and a part of it.
fn debt_and_part() -> impl Strategy<Value = (i64, i64)> {
    (1_i64..1_000_000).prop_flat_map(|debt| (Just(debt), 1..=debt))
}

/// Older debt, last month's, the charge, and the plugin's own recalculation of this month.
fn any_line() -> impl Strategy<Value = [i64; 4]> {
    (0_i64..90_000, 0_i64..90_000, 0_i64..90_000, -90_000_i64..90_000).prop_map(<[i64; 4]>::from)
}

/// Lines of a receipt in November; `shift` is owed more or less for the service at `at`.
fn receipt(sums: &[[i64; 4]], at: usize, shift: i64) -> (Standing, Vec<ServiceCharge>) {
    const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
    let named = || NAMES.iter().zip(sums);
    let older: Vec<_> = named().map(|(name, [older, ..])| (*name, AUGUST, *older)).collect();
    let of = |(name, [older, last, charged, back]): (&&str, &[i64; 4])| line(name, older + last, *charged, *back);
    let mut lines: Vec<ServiceCharge> = named().map(of).collect();
    let at = at % lines.len();
    lines[at].opening += Money(shift);
    (unpaid(&older), lines)
}

proptest! {
    #[test]
    fn a_receipt_with_an_overpayment_bears_no_penalty(
        sums in prop::collection::vec(any_line(), 1..6), at in 0_usize..5, more in 0_i64..90_000,
    ) {
        let owed: i64 = sums.iter().flatten().sum();
        let (standing, lines) = receipt(&sums, at, -owed.max(0) - more);
        let (lines, arrears) = settled(&plan(NOVEMBER, false), &standing, lines);
        prop_assert!(lines.iter().all(|line| line.penalty == Money::ZERO && line.to_pay <= Money::ZERO), "{:?}", lines);
        prop_assert!(arrears.is_empty(), "{:?}", arrears);
    }

    #[test]
    fn services_of_a_receipt_are_ahead_together_or_owe_together(
        sums in prop::collection::vec(any_line(), 1..6), at in 0_usize..5, shift in -300_000_i64..90_000,
        cancelled in 0_i64..90_000,
    ) {
        let (mut standing, mut lines) = receipt(&sums, at, shift);
        if cancelled > 0 {
            let (amount, basis) = (Money(-cancelled), "акт".to_owned());
            let correction = Correction { period: AUGUST, amount, basis, book: Book::Revenue };
            standing.corrections.push((lines[0].service.clone(), correction));
            lines[0].recalculation += amount;
        }
        let (lines, _) = settled(&plan(NOVEMBER, false), &standing, lines);
        prop_assert_eq!(lines.iter().map(|line| line.counted).sum::<Money>(), Money::ZERO);
        let all = |sign: fn(&Money) -> bool| lines.iter().all(|line| sign(&line.to_pay));
        prop_assert!(all(|sum| sum.0 >= 0) || all(|sum| sum.0 <= 0), "{:?}", lines);
    }

    #[test]
    fn a_charge_that_is_cancelled_costs_in_the_end_what_is_left_of_it((debt, part) in debt_and_part()) {
        let cancelled = of_two_months(debt, part, &Lowered::Corrected(Book::Revenue));
        let left = of_two_months(debt - part, 0, &Lowered::Not);
        let whole = of_two_months(debt, 0, &Lowered::Not);
        prop_assert_eq!(cancelled[0], whole[0]);
        // Each bill rounds once.
        let more = cancelled.iter().sum::<i64>() - left.iter().sum::<i64>();
        prop_assert!(more.abs() <= 2, "{:?} {:?}", cancelled, left);
        prop_assert_eq!(cancelled, of_two_months(debt, part, &Lowered::PaidInAugust));
    }

    #[test]
    fn debt_that_moves_to_an_order_of_its_own_gives_no_penalty_back((debt, part) in debt_and_part()) {
        for book in [Book::Instalments, Book::Awards] {
            let moved = of_two_months(debt, part, &Lowered::Corrected(book));
            prop_assert_eq!(moved[1], of_two_months(debt - part, 0, &Lowered::Not)[1]);
        }
    }
}
