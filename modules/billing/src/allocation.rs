//! Which services a payment pays: old debts first, then the month's charges, the rest ahead.

use kabinet_core::Money;

/// What a service of one receipt kind has before payments are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Balance at the start: debt positive, overpayment negative.
    pub opening: Money,
    /// The month's charge, recalculations and penalty.
    pub current: Money,
}

/// How `paid` is divided over services, in their order: to opening debts in proportion, then to the
/// month's charges in proportion, the rest (and whatever is taken back) to the first. The parts sum to
/// `paid`; a part never exceeds what was owed, except the first's.
#[must_use]
pub fn allocate(paid: Money, dues: &[Due]) -> Vec<Money> {
    let mut parts = vec![Money::ZERO; dues.len()];
    let Some(first) = parts.first_mut() else { return parts };
    if paid.0 < 0 {
        *first = paid;
        return parts;
    }
    let debts: Vec<i64> = dues.iter().map(|due| due.opening.0.max(0)).collect();
    // An overpayment of the service itself pays its charge first.
    let charges = dues.iter().map(|due| (due.opening.0.min(0) + due.current.0).max(0)).collect::<Vec<_>>();
    let mut left = paid.0;
    for owed in [debts, charges] {
        let given = in_proportion(left, &owed);
        for (part, given) in parts.iter_mut().zip(given) {
            part.0 += given;
            left -= given;
        }
    }
    if let Some(first) = parts.first_mut() {
        first.0 += left;
    }
    parts
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

    fn due(opening: i64, current: i64) -> Due {
        Due { opening: Money(opening), current: Money(current) }
    }

    #[test]
    fn old_debts_are_paid_before_the_month() {
        let dues = [due(100, 1000), due(300, 1000)];
        assert_eq!(allocate(Money(200), &dues), [Money(50), Money(150)]);
        assert_eq!(allocate(Money(401), &dues), [Money(101), Money(300)]);
        assert_eq!(allocate(Money(3000), &dues), [Money(1700), Money(1300)]);
        assert_eq!(allocate(Money(-5), &dues), [Money(-5), Money(0)]);
        assert_eq!(allocate(Money(5), &[]), []);
    }

    proptest! {
        #[test]
        fn the_parts_sum_to_the_payment(
            paid in -1_000_000_i64..100_000_000,
            dues in prop::collection::vec((-1_000_000_i64..10_000_000, -1_000_000_i64..10_000_000), 1..12),
        ) {
            let dues: Vec<Due> = dues.into_iter().map(|(opening, current)| due(opening, current)).collect();
            let parts = allocate(Money(paid), &dues);
            prop_assert_eq!(parts.iter().copied().sum::<Money>(), Money(paid));
            for (part, due) in parts.iter().zip(&dues).skip(1) {
                prop_assert!(part.0 >= 0);
                prop_assert!(part.0 <= due.opening.0.max(0) + due.current.0.max(0));
            }
        }

        #[test]
        fn debts_come_first(
            paid in 0_i64..1_000_000,
            dues in prop::collection::vec((0_i64..1_000_000, 0_i64..1_000_000), 1..8),
        ) {
            let dues: Vec<Due> = dues.into_iter().map(|(opening, current)| due(opening, current)).collect();
            let debt: i64 = dues.iter().map(|due| due.opening.0).sum();
            let parts = allocate(Money(paid), &dues);
            if paid <= debt {
                for (part, due) in parts.iter().zip(&dues) {
                    prop_assert!(part.0 <= due.opening.0);
                }
            } else {
                for (part, due) in parts.iter().zip(&dues) {
                    prop_assert!(part.0 >= due.opening.0);
                }
            }
        }
    }
}
