//! Which debts a payment pays: the month it names, then the oldest debt that may still be claimed, then
//! the month's own charges, debts past their limitation, and penalties last. What services are ahead is such a payment.

use kabinet_core::{Money, Period};

use crate::arrears::Owed;

/// A part of a payment that paid principal of an earlier month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repaid {
    /// Position of the service.
    pub service: usize,
    /// The month it was owed for.
    pub period: Period,
    /// The part, above zero.
    pub amount: Money,
}

/// How a payment was divided over services.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credited {
    /// Principal of earlier months.
    pub repaid: Vec<Repaid>,
    /// What each service got.
    pub parts: Vec<Money>,
    /// What no principal was owed for: it is for penalties, or paid ahead.
    pub left: Money,
}

/// The month that a payment is for, as it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// It names none.
    None,
    /// The month that is being billed.
    Running,
    /// An earlier one.
    Month(Period),
}

/// Credits a payment to the services of its receipt kind, within a group in proportion to what is owed.
/// `claimable` is the first month within the limitation period.
pub fn credit(owed: &mut [Owed], amount: Money, named: Named, claimable: Period) -> Credited {
    let mut credited = Credited { repaid: Vec::new(), parts: vec![Money::ZERO; owed.len()], left: amount };
    if amount <= Money::ZERO {
        return credited;
    }
    let mut months: Vec<Period> = owed.iter().flat_map(|owed| owed.months.iter().map(|(period, _)| *period)).collect();
    months.sort_unstable();
    months.dedup();
    let (late, old) = months.iter().partition::<Vec<Period>, _>(|month| **month >= claimable);
    match named {
        Named::Running => drop(credited.pay(owed, |owed| Some(&mut owed.current))),
        Named::Month(period) => credited.pay_month(owed, period),
        Named::None => {}
    }
    for period in late {
        credited.pay_month(owed, period);
    }
    credited.pay(owed, |owed| Some(&mut owed.current));
    for period in old {
        credited.pay_month(owed, period);
    }
    credited
}

/// Pays penalties with what principal left over; the rest is paid ahead on the first service.
pub fn credit_penalties(owed: &mut [Owed], left: Money) -> Vec<Money> {
    let mut credited = Credited { repaid: Vec::new(), parts: vec![Money::ZERO; owed.len()], left };
    if left > Money::ZERO {
        credited.pay(owed, |owed| Some(&mut owed.penalty));
    }
    if let (Some(first), Some(part)) = (owed.first_mut(), credited.parts.first_mut()) {
        *part += credited.left;
        first.charge(-credited.left);
    }
    credited.parts
}

/// Pays what services owe with what others of their receipt kind are ahead, as a payment that names no month does. What
/// each got; below zero what it gave: together nothing.
pub fn share_overpayment(owed: &mut [Owed], claimable: Period) -> Vec<Money> {
    let ahead: Money = owed.iter().map(|owed| owed.ahead).sum();
    let mut credited = credit(owed, ahead, Named::None, claimable);
    credited.pay(owed, |owed| Some(&mut owed.penalty));
    // A service that is ahead owes nothing: it got nothing.
    let mut used = ahead - credited.left;
    for (owed, part) in owed.iter_mut().zip(&mut credited.parts) {
        let given = owed.ahead.min(used);
        owed.ahead -= given;
        *part -= given;
        used -= given;
    }
    credited.parts
}

impl Credited {
    fn pay_month(&mut self, owed: &mut [Owed], period: Period) {
        let given = self.pay(owed, |owed| owed.month(period));
        let paid = given.into_iter().enumerate().filter(|(_, amount)| *amount > 0);
        self.repaid.extend(paid.map(|(service, amount)| Repaid { service, period, amount: Money(amount) }));
    }

    /// Pays one sum of each service, in proportion where there is not enough for all.
    fn pay(&mut self, owed: &mut [Owed], sum: impl Fn(&mut Owed) -> Option<&mut Money>) -> Vec<i64> {
        let sums: Vec<i64> = owed.iter_mut().map(|owed| sum(owed).map_or(0, |money| money.0)).collect();
        let given = in_proportion(self.left.0, &sums);
        for ((owed, part), given) in owed.iter_mut().zip(&mut self.parts).zip(&given) {
            if let Some(money) = sum(owed) {
                money.0 -= given;
                part.0 += given;
                self.left.0 -= given;
            }
        }
        given
    }
}

/// At most `sum` divided in proportion to `owed`, no part above what is owed; kopecks left over by the
/// division go to the largest remainders, the earlier service first.
fn in_proportion(sum: i64, owed: &[i64]) -> Vec<i64> {
    let total: i128 = owed.iter().map(|owed| i128::from(*owed)).sum();
    if total <= i128::from(sum) {
        return owed.to_vec();
    }
    let share = |owed: &i64| (i128::from(*owed) * i128::from(sum)).div_euclid(total);
    let mut parts: Vec<i64> = owed.iter().map(|owed| i64::try_from(share(owed)).unwrap_or_default()).collect();
    let mut left = sum - parts.iter().sum::<i64>();
    let mut order: Vec<usize> = (0..owed.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse((i128::from(owed[*at]) * i128::from(sum)).rem_euclid(total)));
    for at in order {
        if left == 0 {
            break;
        }
        if parts[at] < owed[at] {
            parts[at] += 1;
            left -= 1;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const JULY: Period = Period(202_607);
    const AUGUST: Period = Period(202_608);
    const SEPTEMBER: Period = Period(202_609);

    fn owed(months: &[(Period, i64)], current: i64, penalty: i64) -> Owed {
        let months = months.iter().map(|(period, sum)| (*period, Money(*sum))).collect();
        Owed { months, current: Money(current), penalty: Money(penalty), ahead: Money::ZERO }
    }

    fn parts(services: &mut [Owed], amount: i64, named: Option<Period>) -> (Vec<i64>, i64) {
        let named = named.map_or(Named::None, Named::Month);
        let credited = credit(services, Money(amount), named, AUGUST);
        (credited.parts.iter().map(|part| part.0).collect(), credited.left.0)
    }

    fn two() -> Vec<Owed> {
        vec![owed(&[(AUGUST, 100)], 1000, 50), owed(&[(AUGUST, 300), (SEPTEMBER, 200)], 1000, 0)]
    }

    #[test]
    fn a_payment_for_the_running_month_pays_it_before_older_debts() {
        let mut services = vec![owed(&[(AUGUST, 300)], 1000, 0)];
        let credited = credit(&mut services, Money(1100), Named::Running, AUGUST);
        assert_eq!((services[0].current, services[0].months[0].1), (Money(0), Money(200)));
        assert_eq!(credited.left, Money(0));
    }

    #[test]
    fn the_oldest_month_is_paid_first_in_proportion() {
        assert_eq!(parts(&mut two(), 200, None), (vec![50, 150], 0));
        assert_eq!(parts(&mut two(), 401, None), (vec![100, 301], 0));
        assert_eq!(parts(&mut two(), 2700, None), (vec![1100, 1500], 100));
        assert_eq!(parts(&mut two(), -5, None), (vec![0, 0], -5));
        assert_eq!(parts(&mut [], 5, None), (vec![], 5));
    }

    #[test]
    fn a_payment_that_names_a_month_pays_that_month() {
        assert_eq!(parts(&mut two(), 150, Some(SEPTEMBER)), (vec![0, 150], 0));
        assert_eq!(parts(&mut two(), 240, Some(SEPTEMBER)), (vec![10, 230], 0));
    }

    #[test]
    fn a_debt_past_its_limitation_waits_for_the_others_unless_it_is_named() {
        let services = || vec![owed(&[(JULY, 500), (AUGUST, 100)], 1000, 0)];
        let mut plain = services();
        let credited = credit(&mut plain, Money(1200), Named::None, AUGUST);
        let repaid: Vec<_> = credited.repaid.iter().map(|part| (part.period, part.amount.0)).collect();
        assert_eq!(repaid, [(AUGUST, 100), (JULY, 100)]);
        let mut named = services();
        let credited = credit(&mut named, Money(200), Named::Month(JULY), AUGUST);
        assert_eq!(credited.repaid, [Repaid { service: 0, period: JULY, amount: Money(200) }]);
    }

    #[test]
    fn penalties_are_paid_last_and_the_rest_is_paid_ahead() {
        let mut services = two();
        let left = credit(&mut services, Money(2700), Named::None, AUGUST).left;
        assert_eq!(credit_penalties(&mut services, left), [Money(100), Money(0)]);
        assert_eq!((services[0].penalty, services[0].ahead), (Money(0), Money(50)));
    }

    fn ahead(sum: i64) -> Owed {
        Owed { ahead: Money(sum), ..Owed::default() }
    }

    #[test]
    fn what_a_service_is_ahead_pays_the_oldest_debt_of_the_others() {
        let mut services = two();
        services.insert(1, ahead(500));
        assert_eq!(share_overpayment(&mut services, AUGUST), [Money(100), Money(-500), Money(400)]);
        assert_eq!(services[1], ahead(0));
        assert_eq!(services[2].months, [(AUGUST, Money(0)), (SEPTEMBER, Money(100))]);
    }

    #[test]
    fn an_overpayment_pays_penalties_last_and_stays_where_nobody_owes() {
        let mut services = vec![ahead(100), owed(&[], 60, 30), ahead(50)];
        assert_eq!(share_overpayment(&mut services, AUGUST), [Money(-90), Money(90), Money(0)]);
        assert_eq!(services, [ahead(10), ahead(0), ahead(50)]);
        assert_eq!(share_overpayment(&mut services, AUGUST), [Money::ZERO; 3]);
    }

    fn any_owed() -> impl Strategy<Value = Owed> {
        (0_i64..50_000, 0_i64..50_000, 0_i64..50_000, 0_i64..5_000)
            .prop_map(|(july, august, current, penalty)| owed(&[(JULY, july), (AUGUST, august)], current, penalty))
    }

    proptest! {
        #[test]
        fn a_payment_lowers_what_is_owed_by_exactly_itself(
            amounts in prop::collection::vec(-1_000_i64..300_000, 1..5),
            mut services in prop::collection::vec(any_owed(), 1..8),
        ) {
            let before: Vec<Money> = services.iter().map(Owed::balance).collect();
            let mut given = vec![Money::ZERO; services.len()];
            let mut left = Money::ZERO;
            for amount in &amounts {
                let credited = credit(&mut services, Money(*amount), Named::None, AUGUST);
                left += credited.left;
                for (sum, part) in given.iter_mut().zip(&credited.parts) {
                    *sum += *part;
                }
            }
            for (sum, part) in given.iter_mut().zip(credit_penalties(&mut services, left)) {
                *sum += part;
            }
            prop_assert_eq!(given.iter().copied().sum::<Money>().0, amounts.iter().sum::<i64>());
            for ((owed, before), given) in services.iter().zip(&before).zip(&given) {
                prop_assert_eq!(owed.balance(), *before - *given);
            }
        }

        #[test]
        fn nobody_is_ahead_while_another_owes(
            mut services in prop::collection::vec(prop_oneof![any_owed(), (1_i64..200_000).prop_map(ahead)], 1..8),
        ) {
            let before: Vec<Money> = services.iter().map(Owed::balance).collect();
            let parts = share_overpayment(&mut services, AUGUST);
            prop_assert_eq!(parts.iter().copied().sum::<Money>(), Money::ZERO);
            for ((owed, before), part) in services.iter().zip(&before).zip(&parts) {
                prop_assert_eq!(owed.balance(), *before - *part);
            }
            prop_assert!(services.iter().all(|owed| owed.ahead >= Money::ZERO));
            let (is_ahead, owes) = (|owed: &Owed| owed.ahead > Money::ZERO, |owed: &Owed| owed.balance() > Money::ZERO);
            prop_assert!(!(services.iter().any(is_ahead) && services.iter().any(owes)), "{:?}", services);
        }

        #[test]
        fn nothing_newer_is_paid_while_an_older_month_is_owed(
            amount in 0_i64..100_000,
            mut services in prop::collection::vec(any_owed(), 1..8),
        ) {
            let before = services.clone();
            credit(&mut services, Money(amount), Named::None, JULY);
            let owes = |services: &[Owed], at: usize| services.iter().map(|owed| owed.months[at].1.0).sum::<i64>();
            if owes(&services, 0) > 0 {
                prop_assert_eq!(owes(&services, 1), owes(&before, 1));
            }
            if owes(&services, 1) > 0 {
                prop_assert!(services.iter().zip(&before).all(|(now, then)| now.current == then.current));
            }
        }
    }
}
