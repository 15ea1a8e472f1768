//! How the made-up town pays: pure functions of (seed, account, month, bill).

use kabinet_core::{Day, Money, Period, Timestamp};

use super::city::City;
use super::dials::SHOWN;

/// Kopecks of a rounded payment: people like whole hundreds of roubles.
const HUNDRED: i64 = 10_000;

/// A payment in the month after its bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentPlan {
    /// The sum.
    pub amount: Money,
    /// The day it was made.
    pub paid_on: Day,
    /// When the company booked it.
    pub booked_at: Timestamp,
    /// Where it came from.
    pub source: &'static str,
}

/// What account number `account` pays in `month` on a bill of `to_pay`, in the company's zone; nothing
/// when nothing is owed or the payer does not pay this time.
#[must_use]
pub fn payment(city: &City, account: u64, month: Period, to_pay: Money, zone: chrono_tz::Tz) -> Option<PaymentPlan> {
    if to_pay.0 <= 0 {
        return None;
    }
    let habit = city.chance.draw("payer", account, 0, 100);
    let (amount, day) = match habit {
        // The demo's resident pays most of the bill soon after it came, so that something is owed and
        // something was paid since.
        _ if account == SHOWN => (to_pay.0 * 3 / 5 / HUNDRED * HUNDRED, 4),
        0..74 => (to_pay.0, 5 + city.chance.draw("pays", account, month.0, 11)),
        74..83 => (to_pay.0 / 2 / HUNDRED * HUNDRED, 8 + city.chance.draw("pays", account, month.0, 12)),
        83..91 => (to_pay.0, 20 + city.chance.draw("pays", account, month.0, 8)),
        91..97 => ((to_pay.0 / HUNDRED + 4) * HUNDRED, 6 + city.chance.draw("pays", account, month.0, 9)),
        // Pays one month in three.
        _ if month.month().is_multiple_of(3) => (to_pay.0, 24),
        _ => return None,
    };
    let amount = if amount <= 0 { to_pay } else { Money(amount) };
    let paid_on = month.first_day().plus_days(i64::try_from(day).unwrap_or(10) - 1);
    let second = 9 * 3600 + city.chance.draw("hour", account, month.0, 11 * 3600);
    let booked_at = paid_on.start(zone).plus_seconds(i64::try_from(second).unwrap_or_default());
    Some(PaymentPlan { amount, paid_on, booked_at, source: source(city, account, month) })
}

fn source(city: &City, account: u64, month: Period) -> &'static str {
    match city.chance.draw("pays by", account, month.0, 10) {
        0..5 => "bank",
        5..8 => "card",
        8 => "cash",
        _ => "gosuslugi",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::chance::Chance;

    const ZONE: chrono_tz::Tz = chrono_tz::Asia::Yekaterinburg;

    #[test]
    fn a_payment_is_booked_on_its_day_within_the_month() {
        let city = City::new(Chance::new(1, "beregovoy"), Period(202_509));
        let month = Period(202_602);
        let mut sums = std::collections::BTreeSet::new();
        for account in 0..300 {
            let plan = payment(&city, account, month, Money(543_210), ZONE);
            assert_eq!(plan, payment(&city, account, month, Money(543_210), ZONE));
            let Some(plan) = plan else { continue };
            assert_eq!(plan.booked_at.day(ZONE), plan.paid_on);
            assert_eq!(plan.paid_on.period(), month);
            // After the cut-off of the bill it answers.
            assert!(plan.paid_on.0 % 100 >= 4);
            sums.insert(plan.amount);
        }
        assert!(sums.len() >= 4, "full, partial, rounded up and the resident's: {sums:?}");
    }

    #[test]
    fn nobody_pays_an_empty_bill() {
        let city = City::new(Chance::new(1, "beregovoy"), Period(202_509));
        assert!((0..50).all(|account| payment(&city, account, Period(202_602), Money(0), ZONE).is_none()));
        assert!((0..50).all(|account| payment(&city, account, Period(202_602), Money(-5), ZONE).is_none()));
    }
}
