//! What holds from a month on, until something else does. Months that are published keep what they were calculated
//! with, so nothing can begin among them.

use kabinet_core::Period;
use serde::{Deserialize, Serialize};

/// The month from which on holds what was never different.
pub(crate) const ALWAYS: Period = Period(190_001);

/// Something of the catalogue with the month from which on it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dated<T> {
    /// The first month. None: the first that is not published; of what is listed: all months.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Period>,
    /// What holds.
    pub what: T,
}

impl<T> From<T> for Dated<T> {
    fn from(what: T) -> Self {
        Self { from: None, what }
    }
}

/// What held, holds and will hold, the earliest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct History<T>(Vec<(Period, T)>);

impl<T: Clone + PartialEq> History<T> {
    /// The history of what begins in these months; what goes on with the same is left out.
    pub(crate) fn new(mut all: Vec<(Period, T)>) -> Self {
        all.sort_by_key(|(from, _)| *from);
        all.dedup_by(|(_, next), (_, before)| next == before);
        Self(all)
    }

    /// What holds in `period`.
    pub(crate) fn in_force(&self, period: Period) -> Option<&T> {
        self.0.iter().rev().find(|(from, _)| *from <= period).map(|(_, what)| what)
    }

    /// What begins in which month.
    pub(crate) fn entries(&self) -> &[(Period, T)] {
        &self.0
    }

    /// The months in which something begins here and not in `other`, or something else.
    pub(crate) fn beside<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a (Period, T)> {
        self.0.iter().filter(|entry| !other.0.contains(entry))
    }

    /// The history with what is wanted, and the month in which that begins; none where it holds already. `open` is the
    /// first month that is not published. What is new is there in all months: there is nothing before it.
    ///
    /// # Errors
    /// The month that was asked for, where it is published and had something else.
    pub(crate) fn changed(&self, wanted: &Dated<T>, open: Period) -> Result<Option<(Period, Self)>, Period> {
        let begins = if self.0.is_empty() { ALWAYS } else { wanted.from.unwrap_or(open) };
        match self.in_force(begins) {
            Some(known) if *known == wanted.what => Ok(None),
            Some(_) if begins < open => Err(begins),
            _ => Ok(Some((begins, self.with(begins, wanted.what.clone())))),
        }
    }

    /// The history with `what` from `from` on, until the next that begins later.
    pub(crate) fn with(&self, from: Period, what: T) -> Self {
        let others = self.0.iter().filter(|(known, _)| *known != from).cloned();
        Self::new(others.chain([(from, what)]).collect())
    }

    /// Each entry with the month it holds from; none for what holds from the beginning.
    pub(crate) fn dated(&self) -> impl Iterator<Item = Dated<T>> {
        self.0.iter().map(|(from, what)| Dated { from: Some(*from).filter(|from| *from > ALWAYS), what: what.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Period = Period(202_611);

    fn history() -> History<&'static str> {
        History::new(vec![(Period(202_701), "c"), (ALWAYS, "a"), (Period(202_601), "b"), (Period(202_602), "b")])
    }

    fn begins(from: Option<i32>, what: &'static str) -> Result<Option<Period>, Period> {
        let changed = history().changed(&Dated { from: from.map(Period), what }, OPEN)?;
        Ok(changed.map(|(from, _)| from))
    }

    #[test]
    fn a_month_has_what_began_last() {
        let found = [202_512, 202_601, 202_612, 202_701].map(|period| history().in_force(Period(period)).copied());
        assert_eq!(found, [Some("a"), Some("b"), Some("b"), Some("c")]);
    }

    #[test]
    fn a_change_begins_with_the_first_month_that_is_not_published_or_later() {
        assert_eq!(begins(None, "d"), Ok(Some(OPEN)));
        assert_eq!(begins(Some(202_612), "d"), Ok(Some(Period(202_612))));
        assert_eq!(begins(Some(202_610), "d"), Err(Period(202_610)));
        assert_eq!((begins(None, "b"), begins(Some(202_610), "b")), (Ok(None), Ok(None)), "it holds already");
        let new = History::new(Vec::new()).changed(&Dated { from: Some(OPEN), what: "a" }, OPEN);
        assert_eq!(new, Ok(Some((ALWAYS, History::new(vec![(ALWAYS, "a")])))));
    }

    #[test]
    fn what_was_to_begin_is_taken_back_by_what_holds_before_it() {
        let before = history();
        let changed = before.with(Period(202_612), "d");
        assert_eq!(changed.in_force(Period(202_611)), Some(&"b"));
        assert_eq!(changed.in_force(Period(202_701)), Some(&"c"), "what begins later stays");
        let came: Vec<_> = changed.beside(&before).collect();
        assert_eq!(came, [&(Period(202_612), "d")]);
        assert_eq!(before.with(Period(202_701), "b").entries(), &before.entries()[..2]);
    }
}
