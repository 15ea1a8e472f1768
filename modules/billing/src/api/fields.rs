//! What staff write into fields, read; what cannot be read is named by its field.

use kabinet_core::{Day, Money, Period, Quantity};
use kabinet_web::Problem;
use rust_decimal::Decimal;

use crate::catalog;

/// A refusal of one field.
pub(super) fn wrong(field: &str, text: &str) -> Problem {
    Problem::refused_fields("billing.invalid", [(field, text)])
}

/// A month, `2026-10`.
pub(super) fn month(text: &str, field: &str) -> Result<Period, Problem> {
    text.parse().map_err(|_| wrong(field, "Укажите месяц как 2026-10"))
}

/// The day that terms begin with: `2026-10` for a month's first, `2026-10-06` within it.
pub(super) fn begin(text: &str, field: &str) -> Result<Day, Problem> {
    catalog::begin(text).ok_or_else(|| wrong(field, "Укажите месяц как 2026-10 или день как 2026-10-06"))
}

/// A day, `2026-10-31`.
pub(super) fn day(text: &str, field: &str) -> Result<Day, Problem> {
    Day::parse(text).map_err(|error| wrong(field, &error.to_string()))
}

/// A number with a comma or a point.
pub(super) fn number(text: &str, field: &str) -> Result<Decimal, Problem> {
    text.trim().replace(',', ".").parse().map_err(|_| wrong(field, "Укажите число, например 0,5"))
}

/// A quantity that is not negative.
pub(super) fn quantity(text: &str, field: &str) -> Result<Quantity, Problem> {
    let number = text.trim().replace(',', ".").parse().ok();
    let quantity = number.and_then(Quantity::from_decimal).filter(|quantity| quantity.0 >= 0);
    quantity.ok_or_else(|| wrong(field, "Укажите число не меньше 0, например 118,42"))
}

/// A sum above zero, kopecks.
pub(super) fn sum(kopecks: i64, field: &str) -> Result<Money, Problem> {
    if (1..=100_000_000_000).contains(&kopecks) {
        Ok(Money(kopecks))
    } else {
        Err(wrong(field, "Сумма – больше нуля и не больше миллиарда рублей"))
    }
}
