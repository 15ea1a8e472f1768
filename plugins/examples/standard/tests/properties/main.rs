//! What must hold for any figures, not only for those of the golden cases.

mod amounts;
mod houses;
mod time;

use kabinet_tariff_sdk::{AccountCharges, Batch, Consumption, Decimal, Exact, Line, Parameter, Tariff};
use kabinet_tariff_standard::Standard;
use kabinet_tariff_testkit::answer;

/// The charges, accepted by the platform's own checks.
fn charge(batch: &Batch) -> Vec<AccountCharges> {
    let charges = Standard::calculate(batch).expect("charged");
    answer::check(batch, &charges).expect("an answer the platform accepts");
    charges
}

/// The line of the first account's first service.
fn first_line(batch: &Batch) -> Line {
    charge(batch).remove(0).lines.remove(0)
}

/// The same service with a named number more.
fn with(mut consumption: Consumption, name: &str, value: Decimal) -> Consumption {
    consumption.parameters.push(Parameter { name: name.to_owned(), value });
    consumption
}

/// A decimal with so many places.
fn places(mantissa: i64, scale: u8) -> Decimal {
    Decimal { mantissa, scale }
}

/// Whether two numbers are as near as `most`.
fn near(a: Exact, b: Exact, most: Exact) -> bool {
    let difference = a.minus(b).expect("small");
    let size = if difference.is_negative() { difference.negated() } else { difference };
    size.compare(most).expect("small").is_le()
}

/// Whether the first number is at most the second.
fn at_most(a: Decimal, b: Decimal) -> bool {
    Exact::from(a).compare(b.into()).expect("small").is_le()
}
