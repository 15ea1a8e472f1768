//! The judgement over what a person sent: pure, over the meters as they stand.

use std::collections::BTreeMap;

use kabinet_contracts::MeterId;
use kabinet_core::{Day, Quantity, values::round_half_up};
use kabinet_render::format;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::number::{NumberFault, reading};
use crate::resource::{Resource, rollover_at, zone_label, zone_suffix};
use crate::store::{MeterState, StoredReading};
use crate::submission::{Row, Submission};
use crate::volume::{Figures, Values, closings, consumed, mean, monthly_volumes, months_between, rolled_over};
use crate::window::Window;

/// A volume is doubted when it is more than so many times the usual.
const DOUBTFUL_TIMES: i64 = 4;
/// Months whose mean is the usual.
const USUAL_MONTHS: usize = 6;

/// What is wrong with a field and how to mend it, in Russian.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The field: `date`, `meter_<id>_value_t1`, …
    pub field: String,
    /// The reason.
    pub text: String,
}

/// A value that may be right but has to be confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Doubt {
    /// Why it is doubted.
    pub text: String,
    /// Whether it was confirmed.
    pub confirmed: bool,
}

/// Why nothing was stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The readings window is closed: nothing else was judged.
    pub window_closed: bool,
    /// One verdict a field, the date first, then in the order of the meters.
    pub verdicts: Vec<Verdict>,
    /// Doubted values by meter, the confirmed ones too.
    pub doubts: BTreeMap<MeterId, Doubt>,
}

impl Refusal {
    /// The stable code that programs see.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        if self.window_closed { "meters.window_closed" } else { "meters.readings_refused" }
    }

    fn add(&mut self, field: impl Into<String>, text: impl Into<String>) {
        let field = field.into();
        if self.verdicts.iter().all(|verdict| verdict.field != field) {
            self.verdicts.push(Verdict { field, text: text.into() });
        }
    }
}

/// Readings found good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    /// Their date.
    pub(crate) date: Day,
    /// The meters' new values, by position in the list that was judged.
    pub(crate) values: Vec<(usize, Values)>,
}

/// What is to be stored of `submission`, or why nothing is. `today` is the company's.
pub(crate) fn judge(
    meters: &[MeterState],
    submission: &Submission,
    today: Day,
    window: &Window,
) -> Result<Judged, Refusal> {
    let mut refusal = Refusal::default();
    if !window.open {
        refusal.window_closed = true;
        refusal.add("date", window_words(window));
        return Err(refusal);
    }
    let date = judge_date(&submission.date, today, window, &mut refusal);
    let mut values = Vec::new();
    for (index, meter) in meters.iter().enumerate() {
        let Some(row) = submission.rows.get(&meter.id).filter(|row| row.is_filled()) else { continue };
        if let Some(read) = judge_meter(meter, row, date, today, &mut refusal) {
            values.push((index, read));
        }
    }
    let filled = submission.rows.iter().filter(|(_, row)| row.is_filled());
    for (id, _) in filled.clone().filter(|(id, _)| meters.iter().all(|meter| meter.id != **id)) {
        refusal.add(format!("meter_{id}_value"), "У этого лицевого счета нет такого прибора учёта");
    }
    if filled.count() == 0 {
        let first = meters.iter().find(|meter| meter.takes_readings(today));
        let field = first.map_or_else(|| "date".to_owned(), |meter| field(meter, "value", 0));
        refusal.add(field, "Введите показание хотя бы одного прибора");
    }
    match date {
        Some(date) if refusal.verdicts.is_empty() => Ok(Judged { date, values }),
        _ => Err(refusal),
    }
}

fn window_words(window: &Window) -> String {
    match (window.next_from, window.next_until) {
        (Some(from), Some(until)) => {
            format!("Сейчас приём показаний закрыт. Он откроется {} и продлится до {}", from.words(), until.words())
        }
        _ => "Сейчас приём показаний закрыт".to_owned(),
    }
}

fn judge_date(text: &str, today: Day, window: &Window, refusal: &mut Refusal) -> Option<Day> {
    let date = match Day::parse(text) {
        Ok(date) => date,
        Err(fault) => {
            refusal.add("date", fault.to_string());
            return None;
        }
    };
    if date > today {
        refusal.add("date", format!("Дата не может быть в будущем: укажите {today} или раньше"));
    } else if date.period() != today.period() && window.from.is_none_or(|from| date < from) {
        // A window that began last month takes that month's readings to its end.
        let first = window.from.unwrap_or(today).min(today.period().first_day());
        refusal.add("date", format!("Сейчас принимаются показания с {first} по {today}: укажите дату из этих дней"));
    }
    Some(date)
}

fn judge_meter(meter: &MeterState, row: &Row, date: Option<Day>, today: Day, refusal: &mut Refusal) -> Option<Values> {
    let first = field(meter, "value", 0);
    if meter.automatic {
        refusal.add(first, "Этот прибор передаёт показания сам, вводить их не нужно");
        return None;
    }
    if let Some(removed) = meter.removed_on.filter(|removed| *removed <= date.unwrap_or(today)) {
        refusal.add(first, format!("Прибор снят {removed}: показания по нему не принимаются"));
        return None;
    }
    let last = meter.readings.first();
    if let Some(last) = last.filter(|last| date.is_some_and(|date| date < last.taken_on)) {
        let text = format!("Дата раньше последнего показания прибора № {} ({})", meter.serial, last.taken_on);
        refusal.add("date", text);
    } else if date.is_some_and(|date| date < meter.installed_on) {
        refusal.add("date", format!("Дата раньше установки прибора № {} ({})", meter.serial, meter.installed_on));
    }
    let before = refusal.verdicts.len();
    let mut values = Values::default();
    for (index, value) in values.iter_mut().enumerate() {
        match judge_zone(meter, index, &row.values[index], &row.deltas[index]) {
            Ok(judged) => *value = judged,
            Err((kind, text)) => refusal.add(field(meter, kind, index), text),
        }
    }
    if refusal.verdicts.len() > before {
        return None;
    }
    if let Some(text) = doubt(meter, &values, date.unwrap_or(today)) {
        refusal.doubts.insert(meter.id, Doubt { text, confirmed: row.confirmed });
        if !row.confirmed {
            let shown: Vec<String> = values[..meter.zones].iter().map(|value| format::quantity(value.0)).collect();
            let text = format!("Проверьте показание {}: если оно верное, поставьте отметку", shown.join(" и "));
            refusal.add(format!("meter_{}_confirm", meter.id), text);
            return None;
        }
    }
    Some(values)
}

/// The new value of zone `index`, zero for a zone that the meter does not have.
fn judge_zone(meter: &MeterState, index: usize, value: &str, delta: &str) -> Result<Quantity, (&'static str, String)> {
    if index >= meter.zones {
        let empty = value.is_empty() && delta.is_empty();
        return if empty {
            Ok(Quantity::ZERO)
        } else {
            Err(("value", "У этого прибора нет такой зоны".to_owned()))
        };
    }
    let last = meter.readings.first();
    let typed = parse(meter, "value", value)?;
    let volume = parse(meter, "delta", delta)?;
    match (typed, volume) {
        (None, None) => {
            let label = zone_label(index, meter.zones);
            let one = || "Введите показание прибора".to_owned();
            Err((
                "value",
                if label.is_empty() {
                    one()
                } else {
                    format!("Введите показание {label}: нужны все зоны прибора")
                },
            ))
        }
        (Some(typed), None) => not_lower(meter, index, typed, last),
        (None, Some(volume)) => sum(meter, index, volume, last),
        (Some(typed), Some(volume)) => {
            let summed = sum(meter, index, volume, last)?;
            if summed == typed {
                return not_lower(meter, index, typed, last);
            }
            let (typed, summed) = (format::quantity(typed.0), format::quantity(summed.0));
            let text = format!("С этим объемом показание было бы {summed}, а введено {typed}. Оставьте одно из двух");
            Err(("delta", text))
        }
    }
}

fn parse(meter: &MeterState, kind: &'static str, text: &str) -> Result<Option<Quantity>, (&'static str, String)> {
    if text.is_empty() {
        return Ok(None);
    }
    let name = if kind == "value" { "Показание" } else { "Объем" };
    let too_long = || format!("Слишком большое число: у этого прибора {} до запятой", digits_words(meter.digits));
    match reading(text) {
        Ok(number) if number >= rollover_at(meter.digits) => Err((kind, too_long())),
        Ok(number) => Ok(Some(number)),
        Err(NumberFault::TooLarge) => Err((kind, too_long())),
        Err(NumberFault::NotANumber) => Err((kind, "Введите число, например 131,5".to_owned())),
        Err(NumberFault::TooFine) => Err((kind, "Не больше трёх знаков после запятой".to_owned())),
        Err(NumberFault::Negative) if kind == "value" => Err((kind, format!("{name} не может быть отрицательным"))),
        Err(NumberFault::Negative) => Err((kind, format!("{name} не может быть отрицательным: введите расход"))),
    }
}

fn digits_words(digits: i32) -> String {
    let noun = match digits {
        1 => "знак",
        2..=4 => "знака",
        _ => "знаков",
    };
    format!("{digits} {noun}")
}

/// Equal is fine: nothing was consumed.
fn not_lower(
    meter: &MeterState,
    index: usize,
    value: Quantity,
    last: Option<&StoredReading>,
) -> Result<Quantity, (&'static str, String)> {
    let Some(last) = last else { return Ok(value) };
    let previous = last.values[index];
    if value >= previous || rolled_over(previous, value, meter.digits) {
        return Ok(value);
    }
    let mut text = format!("Показание меньше предыдущего ({} от {})", format::quantity(previous.0), last.taken_on);
    match meter.zones {
        2 => text.push_str(". Проверьте, не перепутаны ли Т1 и Т2"),
        3 => text.push_str(". Проверьте, не перепутаны ли зоны"),
        _ => {}
    }
    Err(("value", text))
}

/// The value that a volume leads to; past the last digit the dial starts again from 0.
fn sum(
    meter: &MeterState,
    index: usize,
    volume: Quantity,
    last: Option<&StoredReading>,
) -> Result<Quantity, (&'static str, String)> {
    let Some(last) = last else {
        return Err(("delta", "Прежнего показания ещё нет: введите показание прибора".to_owned()));
    };
    let (previous, top) = (last.values[index], rollover_at(meter.digits));
    let value = previous + volume;
    if value < top {
        return Ok(value);
    }
    let wrapped = value - top;
    if rolled_over(previous, wrapped, meter.digits) {
        return Ok(wrapped);
    }
    let text = format!("Слишком большой объем: последнее показание {}", format::quantity(previous.0));
    Err(("delta", text))
}

/// Why a month's volume is doubted: it is far above the mean of the last six months.
fn doubt(meter: &MeterState, values: &Values, date: Day) -> Option<String> {
    let period = date.period();
    let figures = || meter.readings.iter().map(Figures::from);
    let closed = closings(figures().filter(|figures| figures.period < period));
    let base = closed.first().copied()?;
    let months = i64::from(months_between(base.period, period).max(1));
    (0..meter.zones).find_map(|zone| {
        let usual = mean(&monthly_volumes(&closed, zone, meter.digits, USUAL_MONTHS))?;
        let volume = consumed(base.values[zone], values[zone], meter.digits);
        if volume.0 <= usual.0.max(0).saturating_mul(DOUBTFUL_TIMES * months) {
            return None;
        }
        let unit = Resource::from_code(&meter.service_code).map_or("", Resource::unit);
        let (volume, since) = (format::quantity(volume.0), base.taken_on);
        let label = zone_label(zone, meter.zones);
        let label = if label.is_empty() { String::new() } else { format!("{label}: ") };
        let usual = match rough(usual) {
            Some(usual) => format!("обычно около {} {unit} в месяц", format::quantity(usual.0)),
            None => "обычно расхода нет".to_owned(),
        };
        Some(format!("{label}Расход {volume} {unit} с {since} больше обычного ({usual})."))
    })
}

/// A mean as people say it: few places; none for nothing.
fn rough(usual: Quantity) -> Option<Quantity> {
    let value = usual.decimal();
    let places = if value >= Decimal::TEN {
        0
    } else if value >= Decimal::ONE {
        1
    } else {
        3
    };
    Quantity::from_decimal(round_half_up(value, places)).filter(|rounded| rounded.0 > 0)
}

fn field(meter: &MeterState, kind: &str, zone: usize) -> String {
    format!("meter_{}_{kind}{}", meter.id, zone_suffix(zone, meter.zones.max(zone + 1)))
}

impl MeterState {
    /// Whether a person may send readings of it on `day`.
    #[must_use]
    pub fn takes_readings(&self, day: Day) -> bool {
        !self.automatic && self.is_in_service(day)
    }

    /// Whether it was not removed by `day`.
    #[must_use]
    pub fn is_in_service(&self, day: Day) -> bool {
        self.removed_on.is_none_or(|removed| removed > day)
    }
}

impl From<&StoredReading> for Figures {
    fn from(reading: &StoredReading) -> Self {
        Self { period: reading.period, taken_on: reading.taken_on, values: reading.values }
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
