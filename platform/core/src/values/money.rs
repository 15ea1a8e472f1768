//! Sums in kopecks.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use rust_decimal::{Decimal, RoundingStrategy};
use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};

use super::ValueError;

/// A sum in kopecks; negative for a debt of the company to the payer.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, DeriveValueType,
)]
#[serde(transparent)]
pub struct Money(pub i64);

/// The only rounding of the platform: half away from zero, to `places` decimal places.
#[must_use]
pub fn round_half_up(value: Decimal, places: u32) -> Decimal {
    value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
}

impl Money {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// The sum for an amount in roubles, rounded half-up to kopecks; `None` when it does not fit.
    #[must_use]
    pub fn from_roubles(roubles: Decimal) -> Option<Self> {
        let kopecks = round_half_up(roubles.checked_mul(Decimal::ONE_HUNDRED)?, 0);
        i64::try_from(kopecks).ok().map(Self)
    }

    /// The sum in roubles, exact.
    #[must_use]
    pub fn roubles(self) -> Decimal {
        Decimal::new(self.0, 2)
    }

    /// The sum that a person typed: `1 234,56`, `1234.5` or `1234`.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        const MESSAGE: ValueError = ValueError("Введите сумму в рублях, например 1 234,56");
        let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect::<String>().replace(',', ".");
        let roubles: Decimal = plain.parse().map_err(|_| MESSAGE)?;
        if roubles.normalize().scale() > 2 {
            return Err(MESSAGE);
        }
        Self::from_roubles(roubles).ok_or(MESSAGE)
    }
}

impl fmt::Display for Money {
    /// `1 234,56` with no-break spaces between the groups and a real minus sign.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kopecks = self.0.unsigned_abs();
        let digits = (kopecks / 100).to_string();
        let mut grouped = String::with_capacity(digits.len() * 2);
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                grouped.push('\u{a0}');
            }
            grouped.push(digit);
        }
        let sign = if self.0 < 0 { "\u{2212}" } else { "" };
        write!(f, "{sign}{grouped},{:02}", kopecks % 100)
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl SubAssign for Money {
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(sums: I) -> Self {
        sums.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_reads_as_people_write_it() {
        assert_eq!(Money(123_456_789).to_string(), "1\u{a0}234\u{a0}567,89");
        assert_eq!(Money(-5).to_string(), "\u{2212}0,05");
        assert_eq!(Money::parse("1 234,5"), Ok(Money(123_450)));
        assert_eq!(Money::parse("12.345").ok(), None);
    }

    #[test]
    fn half_a_kopeck_goes_up_for_charges_and_down_for_credits() {
        assert_eq!(Money::from_roubles(Decimal::new(5, 3)), Some(Money(1)));
        assert_eq!(Money::from_roubles(Decimal::new(-5, 3)), Some(Money(-1)));
        assert_eq!(Money::from_roubles(Decimal::new(4999, 6)), Some(Money(0)));
    }

    proptest::proptest! {
        #[test]
        fn a_printed_sum_reads_back(kopecks in 0_i64..1_000_000_000_000_000) {
            proptest::prop_assert_eq!(Money::parse(&Money(kopecks).to_string()), Ok(Money(kopecks)));
        }

        #[test]
        fn any_text_is_a_sum_or_refused(text in r"[0-9 .,+\-_eE\u{a0}\u{2212}а-я]{0,40}|.{0,40}") {
            let _ = Money::parse(&text);
        }
    }
}
