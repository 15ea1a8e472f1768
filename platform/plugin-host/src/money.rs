//! The one rounding of charges.

use rust_decimal::Decimal;

/// The sum in kopecks, rounded half-up (away from zero), or `None` beyond 64 bits.
pub fn kopecks(roubles: Decimal) -> Option<i64> {
    let (mantissa, scale) = (roubles.mantissa(), roubles.scale());
    if scale <= 2 {
        return i64::try_from(mantissa.checked_mul(10i128.pow(2 - scale))?).ok();
    }
    let divisor = 10i128.pow(scale - 2);
    // Nearly every sum fits 64 bits, where division is several times quicker.
    if let (Ok(mantissa), Ok(divisor)) = (i64::try_from(mantissa), i64::try_from(divisor)) {
        let up = i64::from(mantissa.unsigned_abs() % divisor.unsigned_abs() >= divisor.unsigned_abs().div_ceil(2));
        return Some(mantissa / divisor + up * mantissa.signum());
    }
    let up = i128::from((mantissa % divisor).abs() >= divisor / 2);
    i64::try_from(mantissa / divisor + up * mantissa.signum()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr;

    #[test]
    fn half_a_kopeck_goes_away_from_zero() {
        let of = |text: &str| kopecks(Decimal::from_str(text).expect("a number"));
        assert_eq!(of("158.24"), Some(15_824));
        assert_eq!(of("5"), Some(500));
        assert_eq!(of("0.005"), Some(1));
        assert_eq!(of("0.00499999"), Some(0));
        assert_eq!(of("-0.005"), Some(-1));
        assert_eq!(of("1.234500000001"), Some(123));
        assert_eq!(of("1.235"), Some(124));
        assert_eq!(of("92233720368547758.07"), Some(i64::MAX));
        assert_eq!(of("92233720368547758.08"), None);
        assert_eq!(of("922337203685.4775807999"), Some(92_233_720_368_548));
    }
}
