//! Numbers as people copy them from a dial.

use kabinet_core::Quantity;

/// What is wrong with a typed number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberFault {
    /// It is no number.
    NotANumber,
    /// It is below zero.
    Negative,
    /// It has more than three decimals.
    TooFine,
    /// It has more whole digits than any meter.
    TooLarge,
}

/// Decimals that a dial shows at most.
const DECIMALS: usize = 3;
/// Whole digits that fit a [`Quantity`] with room for sums.
const WHOLE_DIGITS: usize = 10;

/// The number in `text`: comma or point, spaces anywhere, at most three decimals.
pub(crate) fn reading(text: &str) -> Result<Quantity, NumberFault> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let negative = plain.starts_with(['-', '\u{2212}']);
    let plain = plain.trim_start_matches(['-', '\u{2212}']);
    let (whole, fraction) = plain.split_once([',', '.']).unwrap_or((plain, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
        return Err(NumberFault::NotANumber);
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    if negative && !(whole.is_empty() && fraction.is_empty()) {
        return Err(NumberFault::Negative);
    }
    if fraction.len() > DECIMALS {
        return Err(NumberFault::TooFine);
    }
    if whole.len() > WHOLE_DIGITS {
        return Err(NumberFault::TooLarge);
    }
    let scaled = format!("{whole}{fraction:0<7}");
    scaled.parse().map(Quantity).map_err(|_| NumberFault::NotANumber)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comma_point_and_spaces_are_forgiven() {
        for text in ["1284,5", "1284.5", " 1 284,50 ", "1\u{a0}284.5", "001284,5"] {
            assert_eq!(reading(text), Ok(Quantity(12_845_000_000)), "{text}");
        }
        assert_eq!(reading(",5"), Ok(Quantity(5_000_000)));
        assert_eq!(reading("-0"), Ok(Quantity::ZERO));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for text in ["12а", "1e5", "1,2,3", ",", "-", "12-3", "٣"] {
            assert_eq!(reading(text), Err(NumberFault::NotANumber), "{text}");
        }
        assert_eq!(reading("\u{2212}5"), Err(NumberFault::Negative));
        assert_eq!(reading("1,2345"), Err(NumberFault::TooFine));
        assert_eq!(reading("1,2340"), Ok(Quantity(12_340_000)));
        assert_eq!(reading("12345678901"), Err(NumberFault::TooLarge));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_number_or_a_fault(text in "\\PC{0,24}") {
            let _ = reading(&text);
        }

        #[test]
        fn a_printed_reading_reads_back(thousandths in 0_i64..10_000_000_000) {
            let quantity = Quantity(thousandths * 10_000);
            proptest::prop_assert_eq!(reading(&quantity.to_string()), Ok(quantity));
        }
    }
}
