//! A charge's reasons as stored: short text, put into words when shown.
//!
//! Blocks parted by `|`: `r` the reason, `p` parts by zone and range, `c` the plugin's corrections, `t` the
//! formula, `b` corrections of closed months with their basis, `d` the intervals of a penalty.
//! In a block, items are parted by spaces and fields by `/`; enums are one letter, the position of the
//! variant in the order written here, which is never changed, only continued.

use std::fmt::Write as _;

use kabinet_core::Money;
use kabinet_plugin_host::api::{Basis, Line, Operation, Part, Period, Reason, Recalculation, Role, Term, Unit, Zone};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::ledger::Book;
use crate::penalty::Interval;

const OPERATIONS: [Operation; 6] =
    [Operation::Start, Operation::Times, Operation::Divide, Operation::Plus, Operation::Minus, Operation::Equals];
const ROLES: [Role; 21] = [
    Role::ReadingCurrent,
    Role::ReadingPrevious,
    Role::Volume,
    Role::History,
    Role::Months,
    Role::Average,
    Role::Norm,
    Role::Residents,
    Role::Owners,
    Role::Area,
    Role::Tariff,
    Role::Coefficient,
    Role::DaysCharged,
    Role::DaysInMonth,
    Role::HouseVolume,
    Role::HouseArea,
    Role::Share,
    Role::Amount,
    Role::Excess,
    Role::Recalculation,
    Role::Other,
];
const UNITS: [Unit; 9] = [
    Unit::CubicMetre,
    Unit::KilowattHour,
    Unit::Gigacalorie,
    Unit::SquareMetre,
    Unit::Person,
    Unit::Rouble,
    Unit::Month,
    Unit::Day,
    Unit::One,
];
const ZONES: [Zone; 5] = [Zone::WholeDay, Zone::Day, Zone::Night, Zone::Peak, Zone::HalfPeak];
const REASONS: [Reason; 6] = [
    Reason::NoMeter,
    Reason::MeterPossible,
    Reason::ReadingMissing,
    Reason::MeterFailed,
    Reason::VerificationExpired,
    Reason::AccessRefused,
];
const BASES: [Basis; 5] = [Basis::AverageReversed, Basis::Absence, Basis::Correction, Basis::Benefit, Basis::Other];

/// A correction of a closed month, as the bill that brings it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// The month that is corrected.
    #[serde(rename = "p")]
    pub period: kabinet_core::Period,
    /// Kopecks; negative in the resident's favour.
    #[serde(rename = "a")]
    pub amount: Money,
    /// Why, in words.
    #[serde(rename = "b")]
    pub basis: String,
    /// Where the books have it; the words say it on the bill.
    #[serde(skip)]
    pub book: Book,
}

/// Why a charge is what it is, read back from storage.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reasons {
    /// Why the volume is not by meter.
    pub reason: Option<Reason>,
    /// Parts by zone and range; empty where the whole volume met one tariff.
    pub parts: Vec<Part>,
    /// Corrections of earlier months.
    pub recalculations: Vec<Recalculation>,
    /// Corrections of closed months that were recorded with a basis.
    pub corrections: Vec<Correction>,
    /// The formula.
    pub terms: Vec<Term>,
    /// The intervals of the penalty.
    pub penalty: Vec<Interval>,
}

fn letter<T: PartialEq>(all: &[T], value: &T) -> char {
    let position = all.iter().position(|known| known == value).unwrap_or_default();
    char::from(b'a' + u8::try_from(position).unwrap_or_default())
}

fn variant<T: Copy>(all: &[T], letter: Option<char>) -> Option<T> {
    let position = u32::from(letter?).checked_sub(u32::from('a'))?;
    all.get(usize::try_from(position).ok()?).copied()
}

/// How the stored reasons of a charge begin whose volume is not by meter for this reason.
pub(crate) fn beginning(reason: Reason) -> String {
    format!("r{}", letter(&REASONS, &reason))
}

/// The reasons of a plugin's line as short text.
#[must_use]
pub fn encode(line: &Line) -> String {
    let mut text = String::with_capacity(96);
    if let Some(reason) = line.reason {
        text.push_str(&beginning(reason));
    }
    let simple = matches!(line.parts.as_slice(), [] | [Part { zone: Zone::WholeDay, .. }]);
    if !simple {
        block(&mut text, 'p');
        for (at, part) in line.parts.iter().enumerate() {
            space(&mut text, at);
            text.push(letter(&ZONES, &part.zone));
            let (above, volume) = (part.above.normalize(), part.volume.normalize());
            let _ = write!(text, "{above}/{volume}/{}/{}", part.tariff, part.exact_amount);
        }
    }
    if !line.recalculations.is_empty() {
        block(&mut text, 'c');
        for (at, correction) in line.recalculations.iter().enumerate() {
            space(&mut text, at);
            text.push(letter(&BASES, &correction.basis));
            let month = u32::from(correction.period.year) * 100 + u32::from(correction.period.month);
            let _ = write!(text, "{month}/{}", correction.amount);
        }
    }
    if !line.trace.is_empty() {
        block(&mut text, 't');
        for (at, term) in line.trace.iter().enumerate() {
            space(&mut text, at);
            text.push(letter(&OPERATIONS, &term.operation));
            text.push(letter(&ROLES, &term.role));
            text.push(letter(&UNITS, &term.unit));
            let _ = write!(text, "{}", term.value);
        }
    }
    text
}

/// Adds corrections of closed months to stored reasons.
pub(crate) fn add_corrections(text: &mut String, corrections: &[Correction]) {
    block(text, 'b');
    for (at, correction) in corrections.iter().enumerate() {
        space(text, at);
        // The words may hold any sign that parts items or blocks.
        text.push_str(&serde_urlencoded::to_string(correction).unwrap_or_default());
    }
}

/// Adds the intervals of a penalty to stored reasons.
pub(crate) fn add_penalty(text: &mut String, intervals: &[Interval]) {
    block(text, 'd');
    for (at, interval) in intervals.iter().enumerate() {
        space(text, at);
        let Interval { debt, principal, days, percent, divisor } = interval;
        let _ = write!(text, "{}/{}/{days}/{}/{divisor}", debt.0, principal.0, percent.normalize());
    }
}

fn block(text: &mut String, name: char) {
    if !text.is_empty() {
        text.push('|');
    }
    text.push(name);
}

fn space(text: &mut String, at: usize) {
    if at > 0 {
        text.push(' ');
    }
}

/// The reasons behind stored text; what this release cannot read is left out.
#[must_use]
pub fn decode(text: &str) -> Reasons {
    let mut reasons = Reasons::default();
    for block in text.split('|') {
        let mut letters = block.chars();
        let name = letters.next();
        let items = letters.as_str().split(' ').filter(|item| !item.is_empty());
        match name {
            Some('r') => reasons.reason = variant(&REASONS, letters.next()),
            Some('p') => reasons.parts = items.filter_map(part).collect(),
            Some('c') => reasons.recalculations = items.filter_map(recalculation).collect(),
            Some('b') => reasons.corrections = items.filter_map(|item| serde_urlencoded::from_str(item).ok()).collect(),
            Some('t') => reasons.terms = items.filter_map(term).collect(),
            Some('d') => reasons.penalty = items.filter_map(interval).collect(),
            _ => {}
        }
    }
    reasons
}

fn part(item: &str) -> Option<Part> {
    let mut letters = item.chars();
    let zone = variant(&ZONES, letters.next())?;
    let mut fields = letters.as_str().split('/').map(str::parse::<Decimal>);
    let mut field = || fields.next()?.ok();
    Some(Part { zone, above: field()?, volume: field()?, tariff: field()?, exact_amount: field()? })
}

fn recalculation(item: &str) -> Option<Recalculation> {
    let mut letters = item.chars();
    let basis = variant(&BASES, letters.next())?;
    let (month, amount) = letters.as_str().split_once('/')?;
    let month: u32 = month.parse().ok()?;
    let amount: i64 = amount.parse().ok()?;
    let period = Period { year: u16::try_from(month / 100).ok()?, month: u8::try_from(month % 100).ok()? };
    Some(Recalculation { basis, period, amount, exact_amount: Decimal::new(amount, 2) })
}

fn interval(item: &str) -> Option<Interval> {
    let mut fields = item.split('/');
    let mut field = || fields.next();
    Some(Interval {
        debt: kabinet_core::Period(field()?.parse().ok()?),
        principal: Money(field()?.parse().ok()?),
        days: field()?.parse().ok()?,
        percent: field()?.parse().ok()?,
        divisor: field()?.parse().ok()?,
    })
}

fn term(item: &str) -> Option<Term> {
    let mut letters = item.chars();
    let operation = variant(&OPERATIONS, letters.next())?;
    let role = variant(&ROLES, letters.next())?;
    let unit = variant(&UNITS, letters.next())?;
    Some(Term { operation, role, unit, value: letters.as_str().parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kabinet_plugin_host::api::Method;
    use kabinet_plugin_host::words;

    fn line() -> Line {
        let number = |text: &str| text.parse::<Decimal>().expect("a number");
        let term = |operation, role, value: &str, unit| Term { operation, role, value: number(value), unit };
        Line {
            service: 0,
            method: Method::Norm,
            reason: Some(Reason::ReadingMissing),
            volume: number("9.7"),
            parts: vec![
                Part {
                    zone: Zone::Day,
                    above: number("0"),
                    volume: number("4"),
                    tariff: number("39.56"),
                    exact_amount: number("158.24"),
                },
                Part {
                    zone: Zone::Night,
                    above: number("3900"),
                    volume: number("5.7"),
                    tariff: number("10"),
                    exact_amount: number("57.0"),
                },
            ],
            norm: None,
            coefficient: None,
            amount: 21_524,
            excess: 0,
            exact_amount: number("215.24"),
            exact_excess: number("0"),
            recalculations: vec![Recalculation {
                basis: Basis::AverageReversed,
                period: Period { year: 2026, month: 9 },
                amount: -12_345,
                exact_amount: number("-123.45"),
            }],
            trace: vec![
                term(Operation::Start, Role::Volume, "4", Unit::CubicMetre),
                term(Operation::Times, Role::Tariff, "39.56", Unit::Rouble),
                term(Operation::Equals, Role::Amount, "158.24", Unit::Rouble),
            ],
        }
    }

    #[test]
    fn reasons_survive_storage() {
        let line = line();
        let text = encode(&line);
        assert_eq!(text, "rc|pb0/4/39.56/158.24 c3900/5.7/10/57.0|ca202609/-12345|taca4 bkf39.56 frf158.24");
        let read = decode(&text);
        assert_eq!(read.reason, line.reason);
        assert_eq!(read.parts, line.parts);
        assert_eq!(read.recalculations, line.recalculations);
        assert_eq!(words::formula(&read.terms), words::formula(&line.trace));
    }

    #[test]
    fn a_plain_line_needs_no_parts() {
        let mut line = line();
        line.parts.truncate(1);
        line.parts[0].zone = Zone::WholeDay;
        line.recalculations.clear();
        line.reason = None;
        assert_eq!(encode(&line), "taca4 bkf39.56 frf158.24");
    }

    #[test]
    fn a_penalty_survives_storage() {
        let debt = kabinet_core::Period(202_608);
        let interval =
            Interval { debt, principal: Money(-100_000), days: 16, percent: Decimal::new(950, 2), divisor: 300 };
        let mut text = String::new();
        add_penalty(&mut text, &[interval.clone(), interval.clone()]);
        assert_eq!(text, "d202608/-100000/16/9.5/300 202608/-100000/16/9.5/300");
        assert_eq!(decode(&format!("taca4|{text}")).penalty, [interval.clone(), interval]);
    }

    #[test]
    fn nonsense_reads_as_nothing() {
        for text in ["", "|", "t", "txyz", "pz", "c", "r", "rz|q1", "caa/b", "d1/2", "d"] {
            assert_eq!(decode(text), Reasons::default(), "{text}");
        }
    }
}
