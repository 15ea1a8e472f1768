//! Numbers and dates as Russian readers expect them. The same functions stand
//! behind the template filters, so a page, a mail and a receipt agree.

use crate::receipt::QUANTITY_SCALE;

const NBSP: char = '\u{a0}';
const MINUS: char = '\u{2212}';
/// The months' names by themselves («ноябрь 2026»).
const MONTHS: [&str; 12] = [
    "январь",
    "февраль",
    "март",
    "апрель",
    "май",
    "июнь",
    "июль",
    "август",
    "сентябрь",
    "октябрь",
    "ноябрь",
    "декабрь",
];
/// The months' names after a day («16 ноября»).
const MONTHS_OF: [&str; 12] = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
];

/// Kopecks as rubles: `123456` → `1 234,56`, groups separated by U+00A0, a
/// negative sum with U+2212.
pub fn rub(kopecks: i64) -> String {
    let magnitude = kopecks.unsigned_abs();
    let mut text = signed(kopecks < 0);
    push_grouped(&mut text, magnitude / 100);
    text.push(',');
    push_padded(&mut text, magnitude % 100, 2);
    text
}

/// Kopecks as rubles with the sign of the ruble: `1 234,56 ₽`.
pub fn rub_sign(kopecks: i64) -> String {
    let mut text = rub(kopecks);
    text.push(NBSP);
    text.push('₽');
    text
}

/// A volume, reading, area or coefficient scaled by 10^7 as `12,5`: no trailing
/// zeros, no grouping (a reading is copied digit by digit).
pub fn quantity(scaled: i64) -> String {
    decimal(scaled, 0, false)
}

/// A tariff in rubles scaled by 10^7 as `2 148,63`: at least two decimal places,
/// all that are significant.
pub fn tariff(scaled: i64) -> String {
    decimal(scaled, 2, true)
}

/// A day given as yyyymmdd: `20261115` → `15.11.2026`.
pub fn date(day: u32) -> String {
    format!("{:02}.{:02}.{:04}", day % 100, day / 100 % 100, day / 10_000)
}

/// A day given as yyyymmdd in words, without its year: `20261116` → `16 ноября`. A number that is no day comes
/// back as digits.
pub fn day_words(day: u32) -> String {
    match month_of(day) {
        Some(name) => format!("{}{NBSP}{name}", day % 100),
        None => day.to_string(),
    }
}

/// The month's name after a day given as yyyymmdd: `20261116` → `ноября`.
pub(crate) fn month_of(day: u32) -> Option<&'static str> {
    (day / 100 % 100).checked_sub(1).and_then(|index| MONTHS_OF.get(index as usize)).copied()
}

/// A month given as yyyymm in words: `202610` → `октябрь 2026`. A number that is
/// no month comes back as digits.
pub fn period(month: u32) -> String {
    let name = (month % 100).checked_sub(1).and_then(|index| MONTHS.get(index as usize));
    match name {
        Some(name) => format!("{name}{NBSP}{}", month / 100),
        None => month.to_string(),
    }
}

/// A month given as yyyymm for machines: `202610` → `2026-10`.
pub fn period_iso(month: u32) -> String {
    format!("{:04}-{:02}", month / 100, month % 100)
}

fn decimal(scaled: i64, least_places: usize, grouped: bool) -> String {
    let scale = QUANTITY_SCALE.unsigned_abs();
    let magnitude = scaled.unsigned_abs();
    let mut text = signed(scaled < 0);
    if grouped {
        push_grouped(&mut text, magnitude / scale);
    } else {
        text.push_str(&(magnitude / scale).to_string());
    }
    let mut places = String::new();
    push_padded(&mut places, magnitude % scale, 7);
    let significant = places.trim_end_matches('0').len().max(least_places);
    if significant > 0 {
        text.push(',');
        text.push_str(&places[..significant]);
    }
    text
}

fn signed(negative: bool) -> String {
    let mut text = String::with_capacity(20);
    if negative {
        text.push(MINUS);
    }
    text
}

fn push_grouped(text: &mut String, number: u64) {
    let digits = number.to_string();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(NBSP);
        }
        text.push(digit);
    }
}

fn push_padded(text: &mut String, number: u64, width: usize) {
    let digits = number.to_string();
    for _ in digits.len()..width {
        text.push('0');
    }
    text.push_str(&digits);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_grouped_by_unbreakable_spaces() {
        assert_eq!(rub(0), "0,00");
        assert_eq!(rub(5), "0,05");
        assert_eq!(rub(123_456), "1\u{a0}234,56");
        assert_eq!(rub(-100_000_000), "\u{2212}1\u{a0}000\u{a0}000,00");
        assert_eq!(rub(i64::MIN).chars().next(), Some('\u{2212}'));
        assert_eq!(rub_sign(100), "1,00\u{a0}₽");
    }

    #[test]
    fn quantities_lose_their_trailing_zeros() {
        assert_eq!(quantity(125_000_000), "12,5");
        assert_eq!(quantity(120_000_000), "12");
        assert_eq!(quantity(1), "0,0000001");
        assert_eq!(quantity(-5_000_000), "\u{2212}0,5");
        assert_eq!(quantity(12_345_670_000_000), "1234567");
    }

    #[test]
    fn tariffs_keep_two_places() {
        assert_eq!(tariff(395_600_000), "39,56");
        assert_eq!(tariff(21_486_300_000), "2\u{a0}148,63");
        assert_eq!(tariff(30_000_000), "3,00");
        assert_eq!(tariff(30_123_400), "3,01234");
    }

    #[test]
    fn days_and_months() {
        assert_eq!(date(20_261_115), "15.11.2026");
        assert_eq!(date(20_260_105), "05.01.2026");
        assert_eq!(day_words(20_261_116), "16\u{a0}ноября");
        assert_eq!(day_words(20_260_001), "20260001");
        assert_eq!(period(202_610), "октябрь\u{a0}2026");
        assert_eq!(period(202_600), "202600");
        assert_eq!(period_iso(202_603), "2026-03");
    }
}
