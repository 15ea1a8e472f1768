//! Figures and formulas in Russian, for pages and receipts, and what plugins did wrong, for staff.
//!
//! Numbers have a decimal comma and groups of three; a no-break space (U+00A0) stands between
//! groups and before a unit, so that a line breaks only at the signs of the formula.

use rust_decimal::{Decimal, RoundingStrategy};

use crate::api::{Basis, Method, Operation, Reason, Role, Term, Unit, Zone};
use crate::error::{Exceeded, PluginError};
use crate::manifest::Setting;

/// No-break space.
const NBSP: char = '\u{a0}';

/// The whole formula: its steps, parted by «; ». Empty without a trace.
pub fn formula(trace: &[Term]) -> String {
    steps(trace).join("; ")
}

/// The formula's steps, each as «4 м³ × 39,56 ₽ = 158,24 ₽».
pub fn steps(trace: &[Term]) -> Vec<String> {
    trace.split_inclusive(|term| term.operation == Operation::Equals).map(step).collect()
}

fn step(terms: &[Term]) -> String {
    let label = match terms.last().map(|term| term.role) {
        Some(Role::Excess) => "повышение: ",
        Some(Role::Average) => "среднее: ",
        Some(Role::Recalculation) => "перерасчёт: ",
        _ => "",
    };
    let mut words = String::from(label);
    for term in terms {
        words.push_str(match term.operation {
            Operation::Start => "",
            Operation::Times => " × ",
            Operation::Divide => " ÷ ",
            Operation::Plus => " + ",
            Operation::Minus => " − ",
            Operation::Equals => " = ",
        });
        words.push_str(&operand(term));
    }
    words
}

fn operand(term: &Term) -> String {
    match (term.unit, term.role) {
        // Sums are shown in kopecks; a tariff may have more places than two.
        (Unit::Rouble, Role::Tariff) => format!("{}{NBSP}₽", at_least_two(term.value)),
        (Unit::Rouble, _) => money(term.value),
        (unit, _) => quantity(term.value, unit),
    }
}

/// A sum in roubles, rounded half-up to kopecks: «1 234,50 ₽».
pub fn money(roubles: Decimal) -> String {
    let rounded = roubles.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    format!("{}{NBSP}₽", at_least_two(rounded))
}

/// A quantity with its unit: «3,5 м³».
pub fn quantity(value: Decimal, of: Unit) -> String {
    match of {
        Unit::Rouble => money(value),
        Unit::One => number(value),
        _ => format!("{}{NBSP}{}", number(value), unit(of)),
    }
}

/// A number without needless zeros: «12 345,678».
pub fn number(value: Decimal) -> String {
    written(&value.normalize().to_string())
}

fn at_least_two(value: Decimal) -> String {
    let mut value = value.normalize();
    if value.scale() < 2 {
        value.rescale(2);
    }
    written(&value.to_string())
}

/// Decimal comma, groups of three, a true minus.
fn written(plain: &str) -> String {
    let (sign, plain) = match plain.strip_prefix('-') {
        Some(rest) => ("−", rest),
        None => ("", plain),
    };
    let (whole, places) = plain.split_once('.').unwrap_or((plain, ""));
    let mut words = String::with_capacity(plain.len() + 8);
    words.push_str(sign);
    for (position, digit) in whole.chars().enumerate() {
        if position > 0 && (whole.len() - position).is_multiple_of(3) {
            words.push(NBSP);
        }
        words.push(digit);
    }
    if !places.is_empty() {
        words.push(',');
        words.push_str(places);
    }
    words
}

/// The unit's sign: «м³».
pub fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::CubicMetre => "м³",
        Unit::KilowattHour => "кВт·ч",
        Unit::Gigacalorie => "Гкал",
        Unit::SquareMetre => "м²",
        Unit::Person => "чел.",
        Unit::Rouble => "₽",
        Unit::Month => "мес.",
        Unit::Day => "дн.",
        Unit::One => "",
    }
}

/// How the volume was determined: «по прибору».
pub fn method(method: Method) -> &'static str {
    match method {
        Method::Meter => "по прибору",
        Method::Average => "по среднему",
        Method::Norm => "по нормативу",
        Method::NormRaised => "по нормативу с повышением",
        Method::Derived => "по объёму воды",
        Method::Area => "по площади",
        Method::Persons => "по числу человек",
        Method::HouseShare => "доля от общедомового",
        Method::Fixed => "фиксированная сумма",
    }
}

/// Why the volume is not by meter: «показания не переданы».
pub fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::NoMeter => "прибора нет",
        Reason::MeterPossible => "прибор не установлен",
        Reason::ReadingMissing => "показания не переданы",
        Reason::MeterFailed => "прибор неисправен",
        Reason::VerificationExpired => "истёк срок поверки",
        Reason::AccessRefused => "нет доступа к прибору",
    }
}

/// Basis of a recalculation: «начислено по среднему, пересчитано по показанию».
pub fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::AverageReversed => "начислено по среднему, пересчитано по показанию",
        Basis::Absence => "временное отсутствие",
        Basis::Correction => "корректировка",
        Basis::Benefit => "льгота",
        Basis::Other => "перерасчёт",
    }
}

/// Name of a zone of the day: «ночь»; empty for the whole day.
pub fn zone(zone: Zone) -> &'static str {
    match zone {
        Zone::WholeDay => "",
        Zone::Day => "день",
        Zone::Night => "ночь",
        Zone::Peak => "пик",
        Zone::HalfPeak => "полупик",
    }
}

/// What a plugin did, for the company's staff, to stand behind «плагин»; what its author has to know of it comes last.
pub fn failure(error: &PluginError) -> String {
    match error {
        PluginError::Limit(limit) => format!("остановлен: {}", exceeded(*limit)),
        PluginError::Trap(trap) => format!("прервался с ошибкой: {trap}"),
        PluginError::Output(reason) => format!("ответил не по договору: {reason}"),
        PluginError::Input(reason) => format!("не получил данных, они не по договору: {reason}"),
        PluginError::Unsupported(what) => format!("этого не умеет: {what}"),
        PluginError::Refused(reason) => {
            format!("не принят: файл не соответствует требованиям платформы к плагинам ({reason})")
        }
        PluginError::Undeclared(reason) => format!("не принят: описание и сам плагин расходятся: {reason}"),
        PluginError::Compilation(reason) => {
            format!("не принят: не собрался за отведённые время и память ({reason})")
        }
        PluginError::ApiVersion { found, spoken } => {
            format!("сделан для версии договора {found}, платформа понимает {spoken}")
        }
        PluginError::Account { message, .. } | PluginError::Table { message, .. } => format!("отказал: {message}"),
        PluginError::Unavailable(reason) => format!("сейчас не работает: {reason}"),
    }
}

/// Which number a company may set: «здесь может быть число от 1 до 12 мес., …: Расчётных периодов подряд».
pub fn range(setting: &Setting) -> String {
    let (min, max) = (number(setting.min), quantity(setting.max, setting.unit));
    format!("здесь может быть число от {min} до {max}, не больше 9 знаков после точки: {}", setting.title)
}

const fn exceeded(limit: Exceeded) -> &'static str {
    match limit {
        Exceeded::Instructions => "слишком долгий расчёт, исчерпан запас инструкций",
        Exceeded::Time => "слишком долгий расчёт, исчерпано время",
        Exceeded::Recursion => "слишком глубокая рекурсия",
        Exceeded::Memory => "исчерпана память",
        Exceeded::Table => "слишком большая таблица",
        Exceeded::Answer => "слишком большой ответ",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(operation: Operation, role: Role, value: &str, unit: Unit) -> Term {
        Term { operation, role, value: value.parse().expect("a number"), unit }
    }

    #[test]
    fn a_metered_month_in_words() {
        let trace = [
            term(Operation::Start, Role::ReadingCurrent, "1128", Unit::CubicMetre),
            term(Operation::Minus, Role::ReadingPrevious, "1124.0", Unit::CubicMetre),
            term(Operation::Equals, Role::Volume, "4", Unit::CubicMetre),
            term(Operation::Start, Role::Volume, "4", Unit::CubicMetre),
            term(Operation::Times, Role::Tariff, "39.56", Unit::Rouble),
            term(Operation::Equals, Role::Amount, "158.240", Unit::Rouble),
        ];
        let expected = "1 128 м³ − 1 124 м³ = 4 м³; 4 м³ × 39,56 ₽ = 158,24 ₽";
        assert_eq!(formula(&trace).replace(NBSP, " "), expected);
    }

    #[test]
    fn a_raised_norm_in_words() {
        let trace = [
            term(Operation::Start, Role::Residents, "2", Unit::Person),
            term(Operation::Times, Role::Norm, "4.85", Unit::CubicMetre),
            term(Operation::Times, Role::Tariff, "39.5", Unit::Rouble),
            term(Operation::Equals, Role::Amount, "383.15", Unit::Rouble),
            term(Operation::Start, Role::Amount, "383.15", Unit::Rouble),
            term(Operation::Times, Role::Coefficient, "0.5", Unit::One),
            term(Operation::Equals, Role::Excess, "191.575", Unit::Rouble),
        ];
        let expected = "2 чел. × 4,85 м³ × 39,50 ₽ = 383,15 ₽; повышение: 383,15 ₽ × 0,5 = 191,58 ₽";
        assert_eq!(formula(&trace).replace(NBSP, " "), expected);
        assert!(formula(&trace).contains("2\u{a0}чел. × 4,85\u{a0}м³"));
    }

    #[test]
    fn numbers_read_as_russians_write_them() {
        let of = |text: &str| number(text.parse().expect("a number")).replace(NBSP, " ");
        assert_eq!(of("1234567.8900"), "1 234 567,89");
        assert_eq!(of("-1000"), "−1 000");
        assert_eq!(of("0"), "0");
        assert_eq!(of("100"), "100");
        assert_eq!(money("1234.5".parse().expect("a number")).replace(NBSP, " "), "1 234,50 ₽");
        assert_eq!(formula(&[]), "");
    }
}
