//! The sums of a bill, of a receipt, of a month: one identity wherever lines are added up.

use std::iter::Sum;

use kabinet_core::Money;

use crate::calculation::ServiceCharge;
use crate::entity::charge;

/// Sums of charges, kopecks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Balance at the start.
    pub opening: Money,
    /// The month's lines.
    pub charged: Money,
    /// Corrections of earlier months.
    pub recalculation: Money,
    /// Penalty.
    pub penalty: Money,
    /// Payments counted.
    pub counted: Money,
    /// To pay: opening + charged + recalculation + penalty − counted.
    pub to_pay: Money,
}

impl Totals {
    /// What the month adds: charged + recalculation + penalty.
    #[must_use]
    pub fn added(&self) -> Money {
        self.charged + self.recalculation + self.penalty
    }
}

macro_rules! totals_of {
    ($($row:ident),*) => {$(
        impl From<&$row> for Totals {
            fn from(row: &$row) -> Self {
                let &$row { opening, charged, recalculation, penalty, counted, to_pay, .. } = row;
                Self { opening, charged, recalculation, penalty, counted, to_pay }
            }
        }
    )*};
}

use charge::Model as StoredCharge;
totals_of!(ServiceCharge, StoredCharge);

impl<'a, T> Sum<&'a T> for Totals
where
    Totals: From<&'a T>,
{
    fn sum<I: Iterator<Item = &'a T>>(rows: I) -> Self {
        rows.fold(Self::default(), |sums, row| {
            let row = Self::from(row);
            Self {
                opening: sums.opening + row.opening,
                charged: sums.charged + row.charged,
                recalculation: sums.recalculation + row.recalculation,
                penalty: sums.penalty + row.penalty,
                counted: sums.counted + row.counted,
                to_pay: sums.to_pay + row.to_pay,
            }
        })
    }
}
