//! The judgement over what a person sent: pure, over the meters as they stand.

use std::collections::BTreeMap;

use kabinet_contracts::MeterId;
use kabinet_core::{Day, DbError, Period, Quantity, Tenant, values::round_half_up};
use kabinet_render::format;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::faults::{Fault, FaultKind};
use crate::number::{NumberFault, reading};
use crate::readings::USUAL_MONTHS;
use crate::replacement::{Counted, volumes};
use crate::resource::{Resource, Source, rollover_at, zone_label, zone_suffix};
use crate::settings::{Closed, Expired, Lower, MetersSettings, Policy, Unusual};
use crate::store::{MeterState, StoredReading};
use crate::submission::{Row, Submission};
use crate::uncounted::Uncounted;
use crate::volume::{Figures, Values, closings, mean, months_between, rolled_over};
use crate::window::Window;

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

    /// A refusal for these reasons.
    pub(crate) fn of(verdicts: Vec<Verdict>) -> Self {
        Self { verdicts, ..Self::default() }
    }

    /// A refusal of readings that are taken from a day on.
    pub(crate) fn before(from: Day) -> Self {
        let mut refusal = Self { window_closed: true, ..Self::default() };
        refusal.add("date", format!("Приём показаний ещё не начался: он откроется {}", day_words(from)));
        refusal
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
    /// The month they count for.
    pub(crate) period: Period,
    /// The meters' new values.
    pub(crate) values: Vec<Read>,
}

/// A meter's new values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    /// Position in the list that was judged.
    pub(crate) meter: usize,
    /// Values by zone.
    pub(crate) values: Values,
    /// A lower value than before means that the dial began again.
    pub(crate) rollover: bool,
}

/// What a judgement stands on beside the meters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// The company's day.
    pub(crate) today: Day,
    /// When readings are taken.
    pub(crate) window: Window,
    /// Where the readings come from.
    pub(crate) source: Source,
    /// What becomes of doubtful ones.
    pub(crate) policy: Policy,
    /// The latest month whose bills are published: what comes now counts for the next one at the earliest.
    pub(crate) charged: Option<Period>,
}

impl Terms {
    /// The company's terms for readings of `source` on `today`, a day in its zone.
    pub(crate) fn of(tenant: &Tenant, today: Day, source: Source) -> Result<Self, DbError> {
        let settings = MetersSettings::of(tenant)?;
        let (window, policy) = (Window::on(&settings, today), settings.policy(source));
        Ok(Self { today, window, source, policy, charged: None })
    }

    /// The month that a reading of `date` counts for.
    fn month_of(&self, date: Day) -> Period {
        let own = if self.policy.closed == Closed::NextMonth { self.window.month_of(date) } else { date.period() };
        self.charged.map_or(own, |charged| own.max(charged.next()))
    }
}

/// What is to be stored of `submission`, or why nothing is.
pub(crate) fn judge(meters: &[MeterState], submission: &Submission, terms: Terms) -> Result<Judged, Refusal> {
    let mut refusal = Refusal::default();
    if !terms.window.open && terms.policy.closed == Closed::Refuse {
        refusal.window_closed = true;
        refusal.add("date", window_words(&terms.window));
        return Err(refusal);
    }
    let date = judge_date(&submission.date, terms, &mut refusal);
    let mut values = Vec::new();
    for (index, meter) in meters.iter().enumerate() {
        let Some(row) = submission.rows.get(&meter.id).filter(|row| row.is_filled()) else { continue };
        let before = meter.replaces.and_then(|old| meters.iter().find(|meter| meter.id == old));
        let case = Case { meter, before, date, terms };
        values.extend(case.judge(row, &mut refusal).map(|(values, rollover)| Read { meter: index, values, rollover }));
    }
    let filled = submission.rows.iter().filter(|(_, row)| row.is_filled());
    for (id, _) in filled.clone().filter(|(id, _)| meters.iter().all(|meter| meter.id != **id)) {
        refusal.add(format!("meter_{id}_value"), "У этого лицевого счета нет такого прибора учёта");
    }
    if filled.count() == 0 {
        let first = meters.iter().find(|meter| meter.takes_readings(terms.today));
        let field = first.map_or_else(|| "date".to_owned(), |meter| field(meter, "value", 0));
        refusal.add(field, "Введите показание хотя бы одного прибора");
    }
    match date {
        Some(date) if refusal.verdicts.is_empty() => Ok(Judged { date, period: terms.month_of(date), values }),
        _ => Err(refusal),
    }
}

fn day_words(day: Day) -> String {
    format::day_words(day.0.unsigned_abs())
}

fn window_words(window: &Window) -> String {
    let (from, until) = (day_words(window.next_from), day_words(window.next_until));
    format!("Сейчас приём показаний закрыт. Он откроется {from} и продлится до {until}")
}

fn judge_date(text: &str, terms: Terms, refusal: &mut Refusal) -> Option<Day> {
    let (today, window) = (terms.today, terms.window);
    let date = match Day::parse(text) {
        Ok(date) => date,
        Err(fault) => {
            refusal.add("date", fault.to_string());
            return None;
        }
    };
    if date > today {
        refusal.add("date", format!("Дата не может быть в будущем: укажите {today} или раньше"));
    } else if terms.source.is_personal() && date.period() != today.period() && (!window.open || date < window.from) {
        // A window that began last month takes that month's readings to its end.
        let first = if window.open { window.from } else { today }.min(today.period().first_day());
        refusal.add("date", format!("Сейчас принимаются показания с {first} по {today}: укажите дату из этих дней"));
    }
    Some(date)
}

/// One meter under judgement.
struct Case<'a> {
    meter: &'a MeterState,
    /// The meter whose place it took.
    before: Option<&'a MeterState>,
    /// The date, if it could be read.
    date: Option<Day>,
    terms: Terms,
}

impl Case<'_> {
    fn judge(&self, row: &Row, refusal: &mut Refusal) -> Option<(Values, bool)> {
        let meter = self.meter;
        let first = field(meter, "value", 0);
        if let Some(text) = meter.hindrance(self.date.unwrap_or(self.terms.today), self.terms) {
            refusal.add(first, text);
            return None;
        }
        self.judge_day(refusal);
        let before = refusal.verdicts.len();
        let mut values = Values::default();
        for (index, value) in values.iter_mut().enumerate() {
            match self.judge_zone(index, &row.values[index], &row.deltas[index]) {
                Ok(judged) => *value = judged,
                Err((kind, text)) => refusal.add(field(meter, kind, index), text),
            }
        }
        if refusal.verdicts.len() > before {
            return None;
        }
        let lower = self.lower(&values);
        let rollover = lower.is_some();
        let asked = lower.filter(|_| self.terms.policy.lower == Lower::Ask);
        let unusual = self.unusual(&values, rollover).filter(|_| self.terms.policy.unusual != Unusual::Accept);
        if self.terms.policy.unusual == Unusual::Refuse
            && let Some(text) = unusual
        {
            refusal.add(first, format!("{text} Проверьте показание: если оно верное, сообщите его компании"));
            return None;
        }
        let doubts: Vec<String> = asked.into_iter().chain(unusual).collect();
        let confirmed = self.confirmed(&values, &doubts, row, refusal);
        confirmed.then_some((values, rollover))
    }

    fn judge_day(&self, refusal: &mut Refusal) {
        let meter = self.meter;
        let last = meter.readings.first();
        if let Some(last) = last.filter(|last| self.date.is_some_and(|date| date < last.taken_on)) {
            let text = format!("Дата раньше последнего показания прибора № {} ({})", meter.serial, last.taken_on);
            refusal.add("date", text);
        } else if self.date.is_some_and(|date| date < meter.installed_on) {
            refusal.add("date", format!("Дата раньше установки прибора № {} ({})", meter.serial, meter.installed_on));
        }
    }

    /// Whether there is no doubt, or its sender says that the value is right.
    fn confirmed(&self, values: &Values, doubts: &[String], row: &Row, refusal: &mut Refusal) -> bool {
        if doubts.is_empty() {
            return true;
        }
        let meter = self.meter;
        refusal.doubts.insert(meter.id, Doubt { text: doubts.join(" "), confirmed: row.confirmed });
        if !row.confirmed {
            let shown: Vec<String> = values[..meter.zones].iter().map(|value| format::quantity(value.0)).collect();
            let text = format!("Проверьте показание {}: если оно верное, поставьте отметку", shown.join(" и "));
            refusal.add(format!("meter_{}_confirm", meter.id), text);
        }
        row.confirmed
    }

    /// The new value of zone `index`, zero for a zone that the meter does not have.
    fn judge_zone(&self, index: usize, value: &str, delta: &str) -> Result<Quantity, (&'static str, String)> {
        let meter = self.meter;
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
                let text = match label {
                    "" => "Введите показание прибора".to_owned(),
                    _ => format!("Введите показание {label}: нужны все зоны прибора"),
                };
                Err(("value", text))
            }
            (Some(typed), None) => self.not_lower(index, typed),
            (None, Some(volume)) => sum(meter, index, volume, last),
            (Some(typed), Some(volume)) => {
                let summed = sum(meter, index, volume, last)?;
                if summed == typed {
                    return self.not_lower(index, typed);
                }
                let (typed, summed) = (format::quantity(typed.0), format::quantity(summed.0));
                let text =
                    format!("С этим объемом показание было бы {summed}, а введено {typed}. Оставьте одно из двух");
                Err(("delta", text))
            }
        }
    }

    /// Equal is fine: nothing was consumed. What a lower value means is the company's decision.
    fn not_lower(&self, index: usize, value: Quantity) -> Result<Quantity, (&'static str, String)> {
        if self.terms.policy.lower != Lower::Refuse || !is_lower(self.meter, index, value) {
            return Ok(value);
        }
        let mut text = self.lower_words(index);
        match self.meter.zones {
            2 => text.push_str(". Проверьте, не перепутаны ли Т1 и Т2"),
            3 => text.push_str(". Проверьте, не перепутаны ли зоны"),
            _ => {}
        }
        Err(("value", text))
    }

    fn lower_words(&self, index: usize) -> String {
        let last = self.meter.readings.first();
        let (previous, on) =
            last.map_or((Quantity::ZERO, self.terms.today), |last| (last.values[index], last.taken_on));
        format!("Показание меньше предыдущего ({} от {on})", format::quantity(previous.0))
    }

    /// What is to be said of a dial that must have begun again; none where no zone is lower than before.
    fn lower(&self, values: &Values) -> Option<String> {
        let index = (0..self.meter.zones).find(|index| is_lower(self.meter, *index, values[*index]))?;
        Some(format!("{}: так бывает, если прибор начал счёт сначала.", self.lower_words(index)))
    }

    /// Why a month's volume is doubted: it is far above the mean of the last six months.
    fn unusual(&self, values: &Values, rollover: bool) -> Option<String> {
        let meter = self.meter;
        let date = self.date.unwrap_or(self.terms.today);
        let period = self.terms.month_of(date);
        let own: Vec<Figures> = meter.readings.iter().map(Figures::from).filter(|f| f.period < period).collect();
        let base = closings(own.iter().copied()).first().copied()?;
        let months = i64::from(months_between(base.period, period).max(1));
        let now = Figures { period, taken_on: date, values: *values, rollover };
        let before = self.before.filter(|old| old.zones == meter.zones);
        let old: Vec<Figures> = before.iter().flat_map(|old| &old.readings).map(Figures::from).collect();
        let old = before.map(|meter| (Counted { readings: &old, digits: meter.digits }, self.meter.installed_on));
        (0..meter.zones).find_map(|zone| {
            let known = volumes(Counted { readings: &own, digits: meter.digits }, old, zone);
            let latest: Vec<Quantity> =
                known.into_iter().map(|(_, volume)| volume).take(USUAL_MONTHS.unsigned_abs() as usize).collect();
            let usual = mean(&latest)?;
            let volume = now.since(&base, zone, meter.digits);
            if volume.0 <= usual.0.max(0).saturating_mul(i64::from(self.terms.policy.times) * months) {
                return None;
            }
            Some(doubt_words(meter, zone, volume, (base.taken_on, usual)))
        })
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

fn is_lower(meter: &MeterState, index: usize, value: Quantity) -> bool {
    let last = meter.readings.first().map(|last| last.values[index]);
    last.is_some_and(|previous| value < previous && !rolled_over(previous, value, meter.digits))
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

fn doubt_words(meter: &MeterState, zone: usize, volume: Quantity, (since, usual): (Day, Quantity)) -> String {
    let unit = Resource::from_code(&meter.service_code).map_or("", Resource::unit);
    let volume = format::quantity(volume.0);
    let label = zone_label(zone, meter.zones);
    let label = if label.is_empty() { String::new() } else { format!("{label}: ") };
    let usual = match rough(usual) {
        Some(usual) => format!("обычно около {} {unit} в месяц", format::quantity(usual.0)),
        None => "обычно расхода нет".to_owned(),
    };
    format!("{label}Расход {volume} {unit} с {since} больше обычного ({usual}).")
}

/// A mean as people say it: few places; none for nothing.
pub(crate) fn rough(usual: Quantity) -> Option<Quantity> {
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
        !self.automatic && self.is_in_service(day) && self.broken(day).is_none()
    }

    fn broken(&self, day: Day) -> Option<Fault> {
        self.fault.filter(|fault| fault.kind == FaultKind::Failed && fault.covers(day))
    }

    /// Why no readings of `day` are taken under `terms`, in Russian; none where they are.
    pub(crate) fn hindrance(&self, day: Day, terms: Terms) -> Option<String> {
        if self.automatic && terms.source.is_personal() {
            return Some("Этот прибор передаёт показания сам, вводить их не нужно".to_owned());
        }
        if let Some(removed) = self.removed_on.filter(|removed| *removed <= day) {
            return Some(format!("Прибор снят {removed}: показания по нему не принимаются"));
        }
        if let Some(fault) = self.broken(day) {
            return Some(format!("Прибор {}: показания не принимаются, пока его не заменят", fault.words()));
        }
        match Uncounted::of(None, self.verified_until, day) {
            Some(Uncounted::Expired(until)) if terms.policy.expired == Expired::Refuse => {
                Some(format!("Срок поверки истёк {until}: показания не принимаются, пока прибор не поверен"))
            }
            _ => None,
        }
    }

    /// Whether it was not removed by `day`.
    #[must_use]
    pub fn is_in_service(&self, day: Day) -> bool {
        self.removed_on.is_none_or(|removed| removed > day)
    }
}

impl From<&StoredReading> for Figures {
    fn from(reading: &StoredReading) -> Self {
        Self { period: reading.period, taken_on: reading.taken_on, values: reading.values, rollover: reading.rollover }
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
