//! Charts as inline SVG, drawn by the server: without a script, a style of their own or a library.
//!
//! A chart is decoration to its words: the page says the conclusion in a sentence above and gives every figure in a
//! table below, so a screen reader is told where they are and passes the bars over.

use std::fmt::Write as _;

use minijinja::{Error, ErrorKind, HtmlEscape, Value};

use crate::format;

/// Units of the drawing across: as wide as the narrowest phone, so that letters keep their size there.
const WIDTH: f64 = 320.0;
/// Where the highest bar ends, and all begin.
const TOP: f64 = 18.0;
const BOTTOM: f64 = 128.0;
/// Letters of months stand here.
const NAMES: f64 = 144.0;
const HEIGHT: f64 = 150.0;
/// Of the room that each bar has it takes this part.
const FILLED: f64 = 0.62;
/// More names than these do not fit in a row.
const MOST_NAMES: usize = 12;

const MONTHS: [&str; 12] = ["янв", "фев", "мар", "апр", "май", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"];

/// A bar of a chart of months.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// The month, `yyyymm`.
    pub month: u32,
    /// Its height, scaled by 10^7; below zero it is drawn as zero.
    pub value: i64,
}

/// A chart of months as an `<svg>`, the last bar set off; `label` says what it shows, for those who do not see it.
/// Nothing without bars.
#[must_use]
pub fn months(bars: &[Bar], label: &str) -> String {
    let Some(last) = bars.len().checked_sub(1) else { return String::new() };
    let highest = bars.iter().map(|bar| bar.value).max().unwrap_or_default();
    let step = WIDTH / count(bars.len());
    let mut svg = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\" focusable=\"false\">",
        HtmlEscape(label)
    );
    // Of the names the last one is always there.
    let every = bars.len().div_ceil(MOST_NAMES);
    for (at, bar) in bars.iter().enumerate() {
        let height = (BOTTOM - TOP) * share(bar.value, highest);
        let (left, middle) = (step * count(at) + step * (1.0 - FILLED) / 2.0, step * (count(at) + 0.5));
        let class = if at == last { "chart__bar chart__bar--last" } else { "chart__bar" };
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\"/>",
            BOTTOM - height,
            step * FILLED
        );
        if at == last || bar.value == highest && bars[at + 1..].iter().all(|later| later.value < highest) {
            let over = (BOTTOM - height - 4.0).max(10.0);
            let text = format::quantity(bar.value);
            let x = middle.clamp(14.0, WIDTH - 14.0);
            let _ = write!(svg, "<text class=\"chart__text\" x=\"{x:.1}\" y=\"{over:.1}\">{text}</text>");
        }
        if (last - at).is_multiple_of(every) {
            let name = MONTHS.get((bar.month % 100).saturating_sub(1) as usize).copied().unwrap_or_default();
            let _ = write!(svg, "<text class=\"chart__text\" x=\"{middle:.1}\" y=\"{NAMES}\">{name}</text>");
        }
    }
    let _ = write!(svg, "<path class=\"chart__line\" d=\"M0 {BOTTOM}H{WIDTH}\"/></svg>");
    svg
}

#[expect(clippy::cast_precision_loss, reason = "a number of bars, and of pixels")]
const fn count(number: usize) -> f64 {
    number as f64
}

#[expect(clippy::cast_precision_loss, reason = "a part of a picture's height")]
fn share(value: i64, highest: i64) -> f64 {
    if highest <= 0 { 0.0 } else { value.max(0) as f64 / highest as f64 }
}

/// The filter `chart("label")` over a list of `{ period, total }`.
pub(crate) fn filter(months_of: &Value, label: &str) -> Result<Value, Error> {
    let number = |bar: &Value, name: &str| -> Result<i64, Error> {
        let value = bar.get_attr(name)?;
        value.as_i64().ok_or_else(|| Error::new(ErrorKind::InvalidOperation, format!("a bar without {name}")))
    };
    let mut bars = Vec::new();
    for bar in months_of.try_iter()? {
        let month = u32::try_from(number(&bar, "period")?).unwrap_or_default();
        bars.push(Bar { month, value: number(&bar, "total")? });
    }
    Ok(Value::from_safe_string(months(&bars, label)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn year(values: &[i64]) -> Vec<Bar> {
        (1..).zip(values).map(|(month, value)| Bar { month: 202_600 + month, value: value * 10_000_000 }).collect()
    }

    fn heights(svg: &str) -> Vec<f64> {
        svg.split("height=\"").skip(1).filter_map(|rest| rest.split('"').next()?.parse().ok()).collect()
    }

    #[test]
    fn bars_are_as_high_as_their_values() {
        let svg = months(&year(&[2, 4, 0, 3]), "Расход");
        assert_eq!(heights(&svg), [55.0, 110.0, 0.0, 82.5]);
        assert_eq!(svg.matches("<rect").count(), 4);
        assert_eq!(svg.matches("chart__bar--last").count(), 1);
        // The highest and the last are named by their figures, each month by its name.
        for text in [">4<", ">3<", ">янв<", ">апр<"] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
        assert!(!svg.contains(">2<"), "{svg}");
    }

    #[test]
    fn a_chart_needs_no_style_and_no_script_and_escapes_its_label() {
        let svg = months(&year(&[1]), "\"<b>");
        assert!(!svg.contains("style") && !svg.contains("<b>") && svg.contains("&lt;b&gt;"), "{svg}");
        assert!(svg.starts_with("<svg class=\"chart\" viewBox=") && svg.ends_with("</svg>"));
    }

    #[test]
    fn nothing_and_less_than_nothing_are_drawn() {
        assert_eq!(months(&[], "Расход"), "");
        assert_eq!(heights(&months(&year(&[0, 0]), "Расход")), [0.0, 0.0]);
        assert_eq!(heights(&months(&year(&[-3, 5]), "Расход")), [0.0, 110.0]);
    }

    #[test]
    fn two_years_name_every_other_month_and_the_last() {
        let bars: Vec<Bar> = (0..24).map(|at| Bar { month: 202_500 + at % 12 + 1 + at / 12 * 100, value: 1 }).collect();
        let svg = months(&bars, "Расход");
        assert_eq!(svg.matches("y=\"144\"").count(), 12);
        assert!(svg.contains(">дек<") && !svg.contains(">янв<"), "{svg}");
    }
}
