//! What a service owes, month by month: the ground of penalties, and what payments are credited to.

use kabinet_core::{Money, Period};
use serde::{Deserialize, Serialize};

/// The month that stands for the penalty among stored arrears.
pub(crate) const PENALTY_ROW: Period = Period(0);

/// What is carried from one bill to the next where older months are unpaid. Kopecks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrears {
    /// Principal of the months before the last billed one, the oldest first, each above zero.
    pub months: Vec<(Period, Money)>,
    /// Penalty that was charged and not paid.
    pub penalty: Money,
}

impl Arrears {
    /// The months and the penalty, as they are stored.
    pub(crate) fn rows(self) -> impl Iterator<Item = (Period, Money)> {
        let penalty = Some((PENALTY_ROW, self.penalty)).filter(|(_, penalty)| *penalty != Money::ZERO);
        self.months.into_iter().chain(penalty)
    }

    /// What is owed when a month begins, by the `balance` that the bill of `last` left (negative: paid
    /// ahead). Whatever is not known to be older is the last month's.
    #[must_use]
    pub fn opened(self, balance: Money, last: Period) -> Owed {
        let known = self.months.iter().map(|(_, principal)| *principal).sum::<Money>() + self.penalty;
        let rest = balance - known;
        let mut owed = Owed { months: self.months, penalty: self.penalty, ..Owed::default() };
        if rest > Money::ZERO {
            owed.months.push((last, rest));
        }
        owed.ahead = (-rest).max(Money::ZERO);
        owed.use_ahead();
        owed
    }
}

/// What one service owes while a month is settled. Kopecks, none below zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owed {
    /// Principal of earlier months, the oldest first; zero where it was paid in this month.
    pub months: Vec<(Period, Money)>,
    /// What is left of the month's own charge.
    pub current: Money,
    /// Penalty.
    pub penalty: Money,
    /// Paid ahead.
    pub ahead: Money,
}

impl Owed {
    /// Takes off what was charged too much or moved elsewhere: of the debt of `month` where one is named, which is the
    /// part that comes back. The rest is paid ahead, and pays what the service owes as soon as the month is charged.
    pub fn credit(&mut self, month: Option<Period>, amount: Money) -> Money {
        let named = month.and_then(|month| self.month(month));
        let part = named.map_or(Money::ZERO, |owed| {
            let part = amount.min(*owed);
            *owed -= part;
            part
        });
        self.ahead += amount - part;
        part
    }

    /// Adds the month's charge with its recalculations; a negative one pays what the service owes.
    pub fn charge(&mut self, amount: Money) {
        if amount < Money::ZERO {
            self.ahead -= amount;
        } else {
            self.current += amount;
        }
        self.use_ahead();
    }

    /// Adds penalty; a negative one gives some back.
    pub fn penalise(&mut self, amount: Money) {
        self.penalty += amount;
        if self.penalty < Money::ZERO {
            self.ahead -= self.penalty;
            self.penalty = Money::ZERO;
        }
        self.use_ahead();
    }

    /// The balance: debt positive, paid ahead negative.
    #[must_use]
    pub fn balance(&self) -> Money {
        self.months.iter().map(|(_, principal)| *principal).sum::<Money>() + self.current + self.penalty - self.ahead
    }

    /// What the next bill must know beside the balance.
    #[must_use]
    pub fn carried(self) -> Arrears {
        let unpaid = |(_, principal): &(Period, Money)| *principal > Money::ZERO;
        Arrears { months: self.months.into_iter().filter(unpaid).collect(), penalty: self.penalty }
    }

    /// The principal of a month, as long as any is left.
    pub(crate) fn month(&mut self, period: Period) -> Option<&mut Money> {
        self.months.iter_mut().find(|(of, _)| *of == period).map(|(_, principal)| principal)
    }

    /// What is paid ahead pays the oldest month first, the penalty last.
    fn use_ahead(&mut self) {
        let months = self.months.iter_mut().map(|(_, principal)| principal);
        for owed in months.chain([&mut self.current, &mut self.penalty]) {
            let part = self.ahead.min(*owed);
            *owed -= part;
            self.ahead -= part;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AUGUST: Period = Period(202_608);
    const SEPTEMBER: Period = Period(202_609);

    #[test]
    fn what_is_not_older_is_the_last_month_s() {
        let arrears = Arrears { months: vec![(AUGUST, Money(300))], penalty: Money(20) };
        let owed = arrears.opened(Money(1000), SEPTEMBER);
        assert_eq!(owed.months, [(AUGUST, Money(300)), (SEPTEMBER, Money(680))]);
        assert_eq!((owed.penalty, owed.ahead, owed.balance()), (Money(20), Money(0), Money(1000)));
    }

    #[test]
    fn a_credit_pays_the_oldest_month_first_and_the_penalty_last() {
        let arrears = Arrears { months: vec![(AUGUST, Money(300))], penalty: Money(20) };
        let mut owed = arrears.opened(Money(1000), SEPTEMBER);
        owed.charge(Money(-990));
        assert_eq!(owed.clone().carried(), Arrears { months: Vec::new(), penalty: Money(10) });
        owed.penalise(Money(-15));
        assert_eq!((owed.penalty, owed.ahead, owed.balance()), (Money(0), Money(5), Money(-5)));
    }

    #[test]
    fn a_credit_for_a_month_pays_it_first_and_then_the_oldest() {
        let arrears = Arrears { months: vec![(AUGUST, Money(300))], penalty: Money::ZERO };
        let mut owed = arrears.opened(Money(1000), SEPTEMBER);
        assert_eq!(owed.credit(Some(SEPTEMBER), Money(600)), Money(600));
        assert_eq!(owed.credit(Some(SEPTEMBER), Money(200)), Money(100), "no more than is owed for the month");
        owed.charge(Money(500));
        assert_eq!(owed.months, [(AUGUST, Money(200)), (SEPTEMBER, Money(0))]);
        // What was moved names no month; beyond old debts it pays the month's own charge.
        assert_eq!(owed.credit(None, Money(260)), Money::ZERO);
        owed.charge(Money::ZERO);
        assert_eq!((owed.months[0], owed.current), ((AUGUST, Money(0)), Money(440)));
    }

    #[test]
    fn what_one_month_was_charged_too_much_leaves_another_to_its_own_credit() {
        let arrears = Arrears { months: vec![(AUGUST, Money(300))], penalty: Money::ZERO };
        let mut owed = arrears.opened(Money(1000), SEPTEMBER);
        let back = [(AUGUST, 400), (SEPTEMBER, 700)].map(|(month, sum)| owed.credit(Some(month), Money(sum)));
        owed.charge(Money(500));
        assert_eq!(back, [Money(300), Money(700)]);
        assert_eq!((owed.balance(), owed.current), (Money(400), Money(400)));
    }

    proptest! {
        #[test]
        fn the_balance_is_what_was_put_in(
            balance in -100_000_i64..1_000_000, older in 0_i64..500_000, penalty in 0_i64..10_000,
            charge in -50_000_i64..500_000, penalised in -5_000_i64..5_000, credited in 0_i64..1_000_000,
            month in prop_oneof![Just(None), Just(Some(AUGUST)), Just(Some(SEPTEMBER))],
        ) {
            let months = if older > 0 { vec![(AUGUST, Money(older))] } else { Vec::new() };
            let mut owed = Arrears { months, penalty: Money(penalty) }.opened(Money(balance), SEPTEMBER);
            prop_assert_eq!(owed.balance(), Money(balance));
            let part = owed.credit(month, Money(credited));
            prop_assert!(part.0 >= 0 && part.0 <= credited && (part == Money::ZERO || month.is_some()));
            owed.charge(Money(charge));
            owed.penalise(Money(penalised));
            prop_assert_eq!(owed.balance(), Money(balance + charge - credited + penalised));
            prop_assert!(owed.current.0 >= 0 && owed.penalty.0 >= 0 && owed.ahead.0 >= 0);
            prop_assert!(owed.months.iter().all(|(_, principal)| principal.0 >= 0));
        }
    }
}
