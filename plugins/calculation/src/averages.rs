//! For how many months an average stands in for a meter, and of how many it is made: the company's numbers.

use kabinet_tariff_sdk::{Account, Batch, Exact, Failure, Premises};

use crate::parameter;

/// What ПП РФ 354 says, where the company says nothing.
const PERIODS: u8 = 3;
const PERIODS_NON_RESIDENTIAL: u8 = 2;
const MONTHS: u8 = 3;
/// The most that a company may say.
const MOST: u8 = 12;

/// The numbers of a batch.
pub(crate) struct Averages {
    /// Periods in a row that may be charged by average.
    periods: u8,
    /// The same for shops and offices.
    periods_non_residential: u8,
    /// Fewer known months make no average.
    months: u8,
}

impl Averages {
    pub(crate) fn of(batch: &Batch) -> Result<Averages, Failure> {
        let number = |name: &str, usual: u8| match parameter::find(&batch.parameters, name) {
            Some(value) => whole(name, value),
            None => Ok(usual),
        };
        Ok(Averages {
            periods: number("average_periods", PERIODS)?,
            periods_non_residential: number("average_periods_non_residential", PERIODS_NON_RESIDENTIAL)?,
            months: number("average_months", MONTHS)?,
        })
    }

    /// Whether an account was charged by average for as long as it may be.
    pub(crate) fn are_over(&self, account: &Account, missed: u8) -> bool {
        let periods = match account.premises {
            Premises::NonResidential => self.periods_non_residential,
            _ => self.periods,
        };
        missed >= periods
    }

    /// Whether so many known months make one.
    pub(crate) fn are_made_of(&self, months: usize) -> bool {
        months >= usize::from(self.months)
    }
}

fn whole(name: &str, value: Exact) -> Result<u8, Failure> {
    let same = |number: &u8| value.compare(Exact::from(*number)).is_ok_and(core::cmp::Ordering::is_eq);
    let known = (1..=MOST).find(same);
    known.ok_or_else(|| Failure::Unsupported(format!("параметр {name}, который не целое число от 1 до {MOST}")))
}
