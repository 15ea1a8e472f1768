//! Volumes, areas, tariffs and coefficients.

use std::fmt;
use std::ops::{Add, Neg, Sub};

use rust_decimal::Decimal;
use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};

use super::{ValueError, round_half_up};

/// A quantity scaled by 10^7 (m³, kWh, Гкал, m², roubles a unit): seven places are what order 43/пр
/// and GIS ЖКХ allow for a volume, and an integer survives SQLite, which has no decimal type.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, DeriveValueType,
)]
#[serde(transparent)]
pub struct Quantity(pub i64);

impl Quantity {
    /// Decimal places kept.
    pub const SCALE: u32 = 7;
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The quantity for `value`, rounded half-up to seven places; `None` when it does not fit.
    #[must_use]
    pub fn from_decimal(value: Decimal) -> Option<Self> {
        let scaled = round_half_up(value, Self::SCALE).checked_mul(Decimal::from(10_000_000))?;
        i64::try_from(scaled).ok().map(Self)
    }

    /// A whole number of units.
    #[must_use]
    pub const fn whole(units: i64) -> Self {
        Self(units * 10_000_000)
    }

    /// The quantity as a decimal, exact, without trailing zeros.
    #[must_use]
    pub fn decimal(self) -> Decimal {
        Decimal::new(self.0, Self::SCALE).normalize()
    }

    /// The quantity that a person typed, with a comma or a point: `123,45`.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        const MESSAGE: ValueError = ValueError("Введите число, например 123,45");
        let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect::<String>().replace(',', ".");
        let usual = !plain.is_empty() && plain.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '-');
        if !usual {
            return Err(MESSAGE);
        }
        let value: Decimal = plain.parse().map_err(|_| MESSAGE)?;
        if value.normalize().scale() > Self::SCALE {
            return Err(ValueError("Не больше семи знаков после запятой"));
        }
        Self::from_decimal(value).ok_or(MESSAGE)
    }
}

impl fmt::Display for Quantity {
    /// `12,5`: a comma, no trailing zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.decimal().to_string().replace('.', ",");
        f.write_str(&text.replace('-', "\u{2212}"))
    }
}

impl Add for Quantity {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Quantity {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Quantity {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comma_and_point_mean_the_same() {
        assert_eq!(Quantity::parse("12,5"), Quantity::parse("12.5"));
        assert_eq!(Quantity::parse("12,5").map(|q| q.to_string()), Ok("12,5".to_owned()));
        assert!(Quantity::parse("1e5").is_err());
        assert!(Quantity::parse("").is_err());
    }

    proptest::proptest! {
        #[test]
        fn a_printed_quantity_reads_back(scaled in 0_i64..10_000_000_000_000_000) {
            let quantity = Quantity(scaled);
            proptest::prop_assert_eq!(Quantity::parse(&quantity.to_string()), Ok(quantity));
        }

        #[test]
        fn any_text_is_a_quantity_or_refused(text in r"[0-9 .,+\-_eE\u{a0}]{0,40}|.{0,40}") {
            let _ = Quantity::parse(&text);
        }
    }
}
