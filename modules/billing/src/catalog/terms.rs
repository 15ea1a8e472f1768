//! From which day terms of a service hold, and what may change within a month.

use kabinet_core::{Day, Period};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};

use super::{Tariff, Terms};
use crate::error::Error;

/// What six digits are below and eight are not: earlier releases wrote the month.
const LEAST_DAY: i32 = 1_000_000;

/// The day that is stored; where it is a month, its first.
pub(super) fn first_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Day, D::Error> {
    let stored = i32::deserialize(deserializer)?;
    Ok(if stored < LEAST_DAY { Period(stored).first_day() } else { Day(stored) })
}

/// The day that terms begin with, as companies write it: `2026-10` for the first of a month, `2026-10-06` within it.
#[must_use]
pub fn begins(from: Day) -> String {
    if from.day_of_month() == 1 { from.period().to_string() } else { from.iso() }
}

/// The day behind `2026-10` or `2026-10-06`; none where the text is neither.
#[must_use]
pub fn begin(text: &str) -> Option<Day> {
    Day::parse(text).ok().or_else(|| text.parse::<Period>().ok().map(Period::first_day))
}

/// Refuses terms that begin within a month and differ from those before by more than figures: a month has one rule,
/// and the same zones, ranges and kinds of premises.
pub(super) fn refuse_within_months(tariffs: &[Tariff]) -> Result<(), Error> {
    for new in tariffs.iter().filter(|new| new.from.day_of_month() > 1) {
        let before = tariffs.iter().filter(|old| old.service == new.service && old.from < new.from);
        let before = before.max_by_key(|old| old.from);
        if before.is_none_or(|before| shape(&before.terms) != shape(&new.terms)) {
            return Err(Error::WithinMonth { service: new.service.clone(), from: new.from });
        }
    }
    Ok(())
}

/// The terms without the figures that may change within a month.
fn shape(terms: &Terms) -> Terms {
    let mut shape = Terms { norm: None, coefficient: None, ..terms.clone() };
    for variant in &mut shape.variants {
        (variant.norm, variant.coefficient) = (None, None);
    }
    let of_variants = shape.variants.iter_mut().flat_map(|variant| &mut variant.prices);
    for price in shape.prices.iter_mut().chain(of_variants) {
        price.amount = Decimal::ZERO;
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tariff(from: &str, terms: &str) -> Tariff {
        let (from, terms) = (begin(from).expect("a day"), serde_json::from_str(terms).expect("terms"));
        Tariff { service: "cold_water".into(), from, terms, note: String::new() }
    }

    #[test]
    fn terms_begin_with_a_month_or_a_day_of_it() {
        assert_eq!((begin("2025-12"), begin("2025-12-06")), (Some(Day(20_251_201)), Some(Day(20_251_206))));
        assert_eq!([Day(20_251_201), Day(20_251_206)].map(begins), ["2025-12", "2025-12-06"]);
        assert_eq!((begin("2025"), begin("2025-02-30")), (None, None));
        let stored = r#"{"service":"cold_water","from":202512,"terms":{"prices":[{"amount":"39.56"}]}}"#;
        let read: Tariff = serde_json::from_str(stored).expect("what an earlier release stored");
        assert_eq!(read.from, Day(20_251_201));
        let again: Tariff = serde_json::from_str(&serde_json::to_string(&read).expect("text")).expect("a tariff");
        assert_eq!(again, read);
    }

    #[test]
    fn within_a_month_figures_change_and_nothing_else() {
        let usual = r#"{"prices":[{"amount":"39.56"}],"norm":"4.2","coefficient":"1.5"}"#;
        let refused = |terms: &str| refuse_within_months(&[tariff("2025-07", usual), tariff("2025-12-06", terms)]);
        assert!(refused(r#"{"prices":[{"amount":"45"}],"norm":"4.5","coefficient":"3"}"#).is_ok());
        assert!(refused(r#"{"prices":[{"amount":"39.56"}],"norm":"4.2"}"#).is_ok(), "nothing is raised any more");
        let others = [
            r#"{"prices":[],"norm":"4.2"}"#,
            r#"{"prices":[{"amount":"45"},{"above":"10","amount":"50"}]}"#,
            r#"{"prices":[{"amount":"45"}],"rule":"persons"}"#,
            r#"{"prices":[{"amount":"45"}],"premises":["flat"]}"#,
            r#"{"prices":[{"amount":"45"}],"parameters":{"by_house_meter":"1"}}"#,
        ];
        for terms in others {
            let refusal = refused(terms).expect_err(terms);
            assert!(matches!(refusal, Error::WithinMonth { from: Day(20_251_206), .. }), "{refusal}");
        }
        assert!(refuse_within_months(&[tariff("2025-12-06", usual)]).is_err(), "a service begins with a month");
        assert!(refuse_within_months(&[tariff("2025-07", usual), tariff("2026-01", others[0])]).is_ok());
    }
}
