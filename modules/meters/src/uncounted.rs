//! Readings that are kept and that no bill counts: one rule for forms, links, the bot, estimates and bills.
//!
//! A reading counts where its meter had no fault on its day (see [`crate::faults`]) and its verification still held:
//! the last day of a verification is a good day. Rule 59 of ПП РФ № 354 goes by the date, for a broken meter as for an
//! expired one: what was read before it is charged by, and from then on the average of the months before stands in.

use kabinet_core::Day;

use crate::faults::Fault;
use crate::store::MeterState;

/// Why a reading is kept and not charged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uncounted {
    /// The meter had this fault.
    Fault(Fault),
    /// Its verification was over, the last day of which was this.
    Expired(Day),
}

impl Uncounted {
    /// What keeps a reading of `day`, a day in the company's zone, from being charged by: of a meter whose fault then
    /// is `fault` and whose verification ends on `verified_until`.
    #[must_use]
    pub fn of(fault: Option<Fault>, verified_until: Option<Day>, day: Day) -> Option<Self> {
        let faulty = fault.filter(|fault| fault.covers(day)).map(Self::Fault);
        faulty.or_else(|| verified_until.filter(|until| *until < day).map(Self::Expired))
    }

    /// The reason, in Russian: «срок поверки истёк 21.11.2026».
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Fault(fault) => fault.words(),
            Self::Expired(until) => format!("срок поверки истёк {until}"),
        }
    }

    /// What somebody is told before sending a reading, and what to do about it; a phone may follow.
    #[must_use]
    pub fn notice(&self) -> String {
        match self {
            Self::Fault(fault) => format!(
                "По прибору {}: показание сохраним, но начислим по нему после проверки прибора. Договоритесь о ней",
                fault.words()
            ),
            Self::Expired(until) => format!(
                "Срок поверки истёк {until}: показание сохраним, но в расчёт оно не войдёт, пока прибор не поверен. \
                 Сделайте поверку и сообщите о ней в компанию"
            ),
        }
    }
}

impl MeterState {
    /// What keeps a reading of `day` from being charged by; none where its month's bill counts it.
    #[must_use]
    pub fn uncounted(&self, day: Day) -> Option<Uncounted> {
        Uncounted::of(self.fault, self.verified_until, day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::FaultKind;

    #[test]
    fn a_reading_counts_to_the_last_day_of_the_verification() {
        let until = Some(Day(20_261_125));
        assert_eq!(Uncounted::of(None, until, Day(20_261_122)), None, "read before, in the month of the end");
        assert_eq!(Uncounted::of(None, until, Day(20_261_125)), None);
        let over = Uncounted::of(None, until, Day(20_261_126)).expect("a reason");
        assert_eq!(over, Uncounted::Expired(Day(20_261_125)));
        assert_eq!(over.words(), "срок поверки истёк 25.11.2026");
        assert_eq!(Uncounted::of(None, None, Day(20_261_126)), None, "nobody knows of an end");
    }

    #[test]
    fn a_fault_is_told_before_an_expired_verification() {
        let fault = Fault { kind: FaultKind::AccessRefused, since: Day(20_261_112), ended_on: None };
        let of = |day: i32| Uncounted::of(Some(fault), Some(Day(20_261_110)), Day(day));
        assert_eq!(of(20_261_111), Some(Uncounted::Expired(Day(20_261_110))), "before the fault");
        assert_eq!(of(20_261_112), Some(Uncounted::Fault(fault)));
    }
}
