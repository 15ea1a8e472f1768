//! Decimal arithmetic that is exact or says that it does not fit.

use core::cmp::Ordering;

use crate::Decimal;

/// Largest scale of a decimal that goes out.
const MAX_SCALE_OUT: u8 = 12;
/// Smallest scale a large amount may be cut to; money needs two places.
const MIN_SCALE_CUT: u8 = 6;
/// Powers of ten that fit 128 bits.
const MAX_POWER: u8 = 38;

/// The number does not fit: its mantissa left 128 bits, or 64 bits on the way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

/// A decimal with a 128-bit mantissa for intermediate results.
#[derive(Clone, Copy, Debug)]
pub struct Exact {
    mantissa: i128,
    scale: u8,
}

impl Exact {
    /// Nothing.
    pub const ZERO: Exact = Exact { mantissa: 0, scale: 0 };
    /// One.
    pub const ONE: Exact = Exact { mantissa: 1, scale: 0 };

    /// `mantissa / 10^scale`.
    pub const fn new(mantissa: i64, scale: u8) -> Exact {
        Exact { mantissa: mantissa as i128, scale }
    }

    /// Whether it is zero.
    pub fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// Whether it is below zero.
    pub fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    /// The opposite number.
    #[must_use]
    pub fn negated(self) -> Exact {
        Exact { mantissa: -self.mantissa, scale: self.scale }
    }

    /// The sum.
    pub fn plus(self, other: Exact) -> Result<Exact, TooLarge> {
        let (a, b, scale) = self.aligned(other)?;
        Ok(Exact { mantissa: a.checked_add(b).ok_or(TooLarge)?, scale })
    }

    /// The difference.
    pub fn minus(self, other: Exact) -> Result<Exact, TooLarge> {
        self.plus(other.negated())
    }

    /// The product, without any rounding.
    pub fn times(self, other: Exact) -> Result<Exact, TooLarge> {
        let mantissa = product(self.mantissa, other.mantissa)?;
        let scale = self.scale.checked_add(other.scale).filter(|s| *s <= MAX_POWER).ok_or(TooLarge)?;
        Ok(Exact { mantissa, scale })
    }

    /// The quotient, rounded half-up (away from zero) to `places`.
    ///
    /// # Errors
    /// A division by zero does not fit either.
    pub fn divided(self, by: Exact, places: u8) -> Result<Exact, TooLarge> {
        if by.is_zero() {
            return Err(TooLarge);
        }
        // self / by = (a / b) * 10^(by.scale - self.scale); bring that to 10^-places.
        let shift = i16::from(places) + i16::from(by.scale) - i16::from(self.scale);
        let power = power_of_ten(u8::try_from(shift.unsigned_abs()).map_err(|_| TooLarge)?)?;
        let (mut numerator, mut denominator) = (self.mantissa, by.mantissa);
        if shift >= 0 {
            numerator = product(numerator, power)?;
        } else {
            denominator = product(denominator, power)?;
        }
        Ok(Exact { mantissa: half_up(numerator, denominator), scale: places })
    }

    /// The number rounded half-up (away from zero) to at most `places`.
    pub fn rounded(self, places: u8) -> Result<Exact, TooLarge> {
        if self.scale <= places {
            return Ok(self);
        }
        let power = power_of_ten(self.scale - places)?;
        Ok(Exact { mantissa: half_up(self.mantissa, power), scale: places })
    }

    /// The number as it goes out: scale at most 12, or less where a large number needs the room. What stands behind is
    /// cut off and not rounded: the platform rounds to kopecks, and rounding twice may end on the other side of half a
    /// kopeck.
    pub fn fit(self) -> Result<Decimal, TooLarge> {
        let mut places = MAX_SCALE_OUT;
        loop {
            let cut = self.cut(places)?;
            if let Ok(mantissa) = i64::try_from(cut.mantissa) {
                return Ok(Decimal { mantissa, scale: cut.scale });
            }
            if places == MIN_SCALE_CUT {
                return Err(TooLarge);
            }
            places -= 1;
        }
    }

    /// The number without what stands behind `places`.
    fn cut(self, places: u8) -> Result<Exact, TooLarge> {
        if self.scale <= places {
            return Ok(self);
        }
        Ok(Exact { mantissa: self.mantissa / power_of_ten(self.scale - places)?, scale: places })
    }

    /// How it compares.
    pub fn compare(self, other: Exact) -> Result<Ordering, TooLarge> {
        let (a, b, _) = self.aligned(other)?;
        Ok(a.cmp(&b))
    }

    /// The smaller one.
    pub fn smaller(self, other: Exact) -> Result<Exact, TooLarge> {
        Ok(if self.compare(other)?.is_le() { self } else { other })
    }

    fn aligned(self, other: Exact) -> Result<(i128, i128, u8), TooLarge> {
        if self.scale == other.scale {
            return Ok((self.mantissa, other.mantissa, self.scale));
        }
        let scale = self.scale.max(other.scale);
        let widen = |n: Exact| -> Result<i128, TooLarge> {
            if n.scale == scale {
                return Ok(n.mantissa);
            }
            product(n.mantissa, power_of_ten(scale - n.scale)?)
        };
        Ok((widen(self)?, widen(other)?, scale))
    }
}

impl From<Decimal> for Exact {
    fn from(decimal: Decimal) -> Exact {
        Exact::new(decimal.mantissa, decimal.scale)
    }
}

impl From<u16> for Exact {
    fn from(count: u16) -> Exact {
        Exact::new(i64::from(count), 0)
    }
}

impl From<u8> for Exact {
    fn from(count: u8) -> Exact {
        Exact::new(i64::from(count), 0)
    }
}

/// Powers of ten that fit 64 bits.
const POWERS: [i64; 19] = {
    let mut powers = [1; 19];
    let mut exponent = 1;
    while exponent < powers.len() {
        powers[exponent] = powers[exponent - 1] * 10;
        exponent += 1;
    }
    powers
};

fn power_of_ten(exponent: u8) -> Result<i128, TooLarge> {
    match POWERS.get(usize::from(exponent)) {
        Some(power) => Ok(i128::from(*power)),
        None if exponent <= MAX_POWER => Ok(10i128.pow(u32::from(exponent))),
        None => Err(TooLarge),
    }
}

/// The product; small factors, nearly all of them, take one instruction instead of a call:
/// WebAssembly has no 128-bit arithmetic.
fn product(a: i128, b: i128) -> Result<i128, TooLarge> {
    if let (Ok(a), Ok(b)) = (i32::try_from(a), i32::try_from(b)) {
        return Ok(i128::from(i64::from(a) * i64::from(b)));
    }
    if let (Ok(a), Ok(b)) = (i64::try_from(a), i64::try_from(b)) {
        return Ok(i128::from(a) * i128::from(b));
    }
    a.checked_mul(b).ok_or(TooLarge)
}

/// Half-up, away from zero; the denominator is not zero.
fn half_up(numerator: i128, denominator: i128) -> i128 {
    let small = |number: i128| i64::try_from(number).ok();
    if let (Some(numerator), Some(denominator)) = (small(numerator), small(denominator).filter(|by| *by != -1)) {
        let (quotient, rest) = (numerator / denominator, (numerator % denominator).unsigned_abs());
        let away = if (numerator < 0) == (denominator < 0) { 1 } else { -1 };
        let up = rest >= denominator.unsigned_abs() - rest;
        return i128::from(quotient) + i128::from(if up { away } else { 0 });
    }
    let (quotient, rest) = (numerator / denominator, (numerator % denominator).unsigned_abs());
    let away = if (numerator < 0) == (denominator < 0) { 1 } else { -1 };
    if rest >= denominator.unsigned_abs() - rest { quotient + away } else { quotient }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(n: Exact) -> (i64, u8) {
        let d = n.fit().expect("fits");
        (d.mantissa, d.scale)
    }

    #[test]
    fn products_are_exact_and_quotients_round_half_up() {
        let price = Exact::new(3956, 2);
        assert_eq!(out(Exact::new(4, 0).times(price).expect("small")), (15824, 2));
        let third = Exact::new(26, 0).divided(Exact::new(6, 0), 7).expect("small");
        assert_eq!(out(third), (43_333_333, 7));
        assert_eq!(out(Exact::new(5, 1).rounded(0).expect("small")), (1, 0));
        assert_eq!(out(Exact::new(-5, 1).rounded(0).expect("small")), (-1, 0));
        assert_eq!(out(Exact::new(-4, 1).rounded(0).expect("small")), (0, 0));
        assert_eq!(out(Exact::new(1, 2).divided(Exact::new(-3, 0), 4).expect("small")), (-33, 4));
        assert_eq!(out(Exact::new(123_456, 5).divided(Exact::new(1, 0), 2).expect("small")), (123, 2));
    }

    #[test]
    fn sums_align_scales() {
        let sum = Exact::new(15, 1).plus(Exact::new(25, 3)).expect("small");
        assert_eq!(out(sum), (1525, 3));
        assert_eq!(out(sum.minus(Exact::new(1, 0)).expect("small")), (525, 3));
    }

    #[test]
    fn what_goes_out_rounds_to_the_same_kopeck() {
        // 0.0049999999999996: rounded to 12 places it would be half a kopeck, and go up.
        let below_half = Exact::new(49_999_999_999_996, 16);
        assert_eq!(out(below_half), (4_999_999_999, 12));
        assert_eq!(out(below_half.negated()), (-4_999_999_999, 12));
    }

    #[test]
    fn what_does_not_fit_says_so() {
        let huge = Exact::new(i64::MAX, 0);
        assert_eq!(huge.times(huge).and_then(|n| n.times(huge)).err(), Some(TooLarge));
        assert_eq!(huge.times(Exact::new(2, 0)).expect("128 bits").fit().err(), Some(TooLarge));
        assert_eq!(huge.divided(Exact::ZERO, 2).err(), Some(TooLarge));
        // A large amount loses places it does not need, not its size.
        let large = Exact::new(99_999_999_999_999, 7).times(Exact::new(999_999, 6)).expect("128 bits");
        assert_eq!(out(large), (999_998_999_999_990_000, 11));
    }
}
