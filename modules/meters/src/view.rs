//! What the module's pages and its API show: the contexts of the templates.

use std::collections::HashMap;

use kabinet_contracts::MeterId;
use kabinet_core::{Day, Money, Period, Quantity, Timestamp};
use serde::Serialize;
use uuid::Uuid;

use crate::faults::Fault;
use crate::history::{self, History};
use crate::resource::{Resource, Source, zone_label, zone_suffix};
use crate::settings::{Closed, Expired};
use crate::store::{MeterState, StoredReading};
use crate::submission::Submission;
use crate::uncounted::Uncounted;
use crate::verdict::{Doubt, Refusal, Terms, Verdict};
use crate::volume::consumed;
use crate::window::Window;

/// Days before its end from which a verification is announced.
const SOON_DAYS: i64 = 60;

/// How a meter's verification stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verification {
    /// Valid.
    Ok,
    /// Valid, but ends within 60 days.
    Soon,
    /// Ended.
    Expired,
    /// Its end is not known.
    None,
}

impl Verification {
    /// How a verification until `until` stands on `today`.
    #[must_use]
    pub fn on(until: Option<Day>, today: Day) -> Self {
        match until {
            None => Self::None,
            Some(until) if until < today => Self::Expired,
            Some(until) if until <= today.plus_days(SOON_DAYS) => Self::Soon,
            Some(_) => Self::Ok,
        }
    }
}

pub(crate) fn service_title(code: &str) -> String {
    Resource::from_code(code).map_or_else(|| code.to_owned(), |resource| resource.title().to_owned())
}

pub(crate) fn unit(code: &str) -> &'static str {
    Resource::from_code(code).map_or("", Resource::unit)
}

pub(crate) fn place(stored: String) -> Option<String> {
    Some(stored).filter(|place| !place.is_empty())
}

/// A reading in a table: one number a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ReadingLine {
    pub(crate) date: Day,
    pub(crate) values: Vec<Quantity>,
    pub(crate) consumption: Vec<Quantity>,
    pub(crate) source: String,
}

/// The meter's readings as lines, newest first. The one it was installed with consumed nothing; of a
/// list that was cut off, the last reading only serves to count from.
pub(crate) fn lines(meter: &MeterState, whole: bool) -> Vec<ReadingLine> {
    let mut lines: Vec<ReadingLine> = Vec::with_capacity(meter.readings.len());
    for (index, reading) in meter.readings.iter().enumerate() {
        let older = meter.readings.get(index + 1);
        if older.is_none() && !whole && index > 0 && reading.source != Source::Installation.code() {
            break;
        }
        lines.push(ReadingLine {
            date: reading.taken_on,
            values: reading.values[..meter.zones].to_vec(),
            consumption: (0..meter.zones).map(|zone| between(meter, older, reading, zone)).collect(),
            source: Source::words(&reading.source).to_owned(),
        });
    }
    lines
}

fn between(meter: &MeterState, older: Option<&StoredReading>, newer: &StoredReading, zone: usize) -> Quantity {
    older.map_or(Quantity::ZERO, |older| consumed(older.values[zone], newer.values[zone], meter.digits, newer.rollover))
}

/// A zone's value under its label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ZoneValue {
    pub(crate) label: &'static str,
    pub(crate) value: Quantity,
}

/// The last reading in a list of meters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LastReading {
    pub(crate) date: Day,
    pub(crate) zones: Vec<ZoneValue>,
}

/// A meter in the list «Информация об ИПУ».
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct MeterRow {
    pub(crate) id: MeterId,
    pub(crate) href: String,
    pub(crate) service: String,
    pub(crate) place: Option<String>,
    pub(crate) serial: String,
    pub(crate) unit: &'static str,
    pub(crate) model: Option<String>,
    pub(crate) installed: Option<Day>,
    pub(crate) active: bool,
    pub(crate) removed: Option<Day>,
    pub(crate) verification: Verification,
    pub(crate) verification_until: Option<Day>,
    /// How long the verification holds, or since when it does not.
    pub(crate) countdown: Option<String>,
    pub(crate) automatic: bool,
    /// What keeps months from being charged by it, in words.
    pub(crate) fault: Option<String>,
    pub(crate) last: Option<LastReading>,
}

impl MeterRow {
    pub(crate) fn of(meter: &MeterState, today: Day) -> Self {
        let zone = |reading: &StoredReading, index: usize| ZoneValue {
            label: zone_label(index, meter.zones),
            value: reading.values[index],
        };
        Self {
            id: meter.id,
            href: format!("/meters/{}", meter.id),
            service: service_title(&meter.service_code),
            place: place(meter.place.clone()),
            serial: meter.serial.clone(),
            unit: unit(&meter.service_code),
            model: place(meter.model.clone()),
            installed: Some(meter.installed_on),
            active: meter.is_in_service(today),
            removed: meter.removed_on,
            verification: Verification::on(meter.verified_until, today),
            verification_until: meter.verified_until,
            countdown: meter.verified_until.map(|until| history::countdown(until, today)),
            automatic: meter.automatic,
            fault: meter.fault.as_ref().map(Fault::words),
            last: meter.readings.first().map(|reading| LastReading {
                date: reading.taken_on,
                zones: (0..meter.zones).map(|index| zone(reading, index)).collect(),
            }),
        }
    }
}

/// The context of `meters/meters.html`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct MetersContext {
    pub(crate) meters: Vec<MeterRow>,
    /// Meters of the whole house.
    pub(crate) house: Vec<HouseLine>,
}

/// A meter of the whole house, as its residents see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct HouseLine {
    pub(crate) service: String,
    pub(crate) serial: String,
    pub(crate) unit: &'static str,
    pub(crate) verification_until: Option<Day>,
    /// The last month that was measured, and its volume.
    pub(crate) period: Option<Period>,
    pub(crate) volume: Option<Quantity>,
}

/// A meter on its own page: as in the list, with its zones' labels.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct MeterDetail {
    #[serde(flatten)]
    row: MeterRow,
    zones: Vec<&'static str>,
    /// Serial number of the meter whose place it took.
    replaces: Option<String>,
}

/// What is known of the sending of a reading, where who looks at it may know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Sending {
    /// The sender.
    pub(crate) who: Option<String>,
    /// Where the photo is.
    pub(crate) photo: Option<String>,
    /// That it came on another day than it was taken down, in words.
    pub(crate) waited: Option<String>,
}

/// A reading with what is known of its sending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SentLine {
    #[serde(flatten)]
    pub(crate) line: ReadingLine,
    #[serde(flatten)]
    pub(crate) sending: Sending,
}

/// The context of `meters/meter.html`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct MeterContext {
    pub(crate) meter: MeterDetail,
    pub(crate) readings: Vec<SentLine>,
    pub(crate) history: Option<History>,
    pub(crate) can_submit: bool,
}

/// What is known beside a meter and its readings.
pub(crate) struct Beside<'a> {
    /// The meter whose place it took.
    pub(crate) before: Option<&'a MeterState>,
    /// How many readings were asked for: fewer came when there are no more.
    pub(crate) limit: usize,
    /// What is known of the sending of readings, as far as who looks at them may see it.
    pub(crate) sent: &'a HashMap<Uuid, Sending>,
    /// Whether readings may be sent now.
    pub(crate) open: bool,
}

impl MeterContext {
    pub(crate) fn of(meter: &MeterState, today: Day, beside: &Beside<'_>) -> Self {
        let sent = |(line, reading): (ReadingLine, &StoredReading)| {
            let sending = beside.sent.get(&reading.id).cloned().unwrap_or_default();
            SentLine { line, sending }
        };
        let lines = lines(meter, meter.readings.len() < beside.limit);
        Self {
            meter: MeterDetail {
                row: MeterRow::of(meter, today),
                zones: (0..meter.zones).map(|index| zone_label(index, meter.zones)).collect(),
                replaces: beside.before.map(|old| old.serial.clone()),
            },
            readings: lines.into_iter().zip(&meter.readings).map(sent).collect(),
            history: History::of(meter, beside.before),
            can_submit: beside.open && meter.takes_readings(today),
        }
    }
}

#[derive(Clone, Debug, Serialize)]
struct ZoneFields {
    suffix: &'static str,
    label: &'static str,
    last: Option<Quantity>,
    value: String,
    delta: String,
}

#[derive(Clone, Debug, Serialize)]
struct MeterFields {
    id: MeterId,
    service: String,
    place: Option<String>,
    serial: String,
    unit: &'static str,
    zones: Vec<ZoneFields>,
    last_date: Option<Day>,
    verification: Verification,
    verification_until: Option<Day>,
    /// Why no reading is taken, where none is.
    hindrance: Option<String>,
    /// What is said beforehand of a reading that bills will not count.
    notice: Option<String>,
    doubt: Option<Doubt>,
    previous: Vec<ReadingLine>,
}

#[derive(Clone, Debug, Serialize)]
struct StoredZone {
    label: &'static str,
    value: Quantity,
    consumption: Quantity,
}

#[derive(Clone, Debug, Serialize)]
struct StoredLine {
    service: String,
    place: Option<String>,
    serial: String,
    unit: &'static str,
    date: Day,
    zones: Vec<StoredZone>,
    /// Why bills do not count it, in words.
    uncounted: Option<String>,
}

/// The panel over the form after sending.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SentResult {
    stored: Vec<StoredLine>,
    period: Period,
    /// The month of the receipt, where it is later than that of their date.
    counts_for: Option<Period>,
    /// How many of them bills count: `all`, `some`, `none`.
    counted: &'static str,
    preliminary: Option<Money>,
    preliminary_change: Option<Money>,
}

impl SentResult {
    /// The readings stored at `sent`; `None` when there are none (another's or an old link). The
    /// estimate is added later.
    pub(crate) fn of(meters: &[MeterState], sent: Timestamp) -> Option<Self> {
        let mut stored = Vec::new();
        let (mut period, mut counts_for) = (None, None);
        for meter in meters {
            let position = meter.readings.iter().position(|reading| reading.created_at == sent);
            let Some(index) = position else { continue };
            let reading = &meter.readings[index];
            let older = meter.readings.get(index + 1);
            let zone = |zone: usize| StoredZone {
                label: zone_label(zone, meter.zones),
                value: reading.values[zone],
                consumption: between(meter, older, reading, zone),
            };
            period = Some(reading.period);
            counts_for = period.filter(|period| *period > reading.taken_on.period());
            stored.push(StoredLine {
                service: service_title(&meter.service_code),
                place: place(meter.place.clone()),
                serial: meter.serial.clone(),
                unit: unit(&meter.service_code),
                date: reading.taken_on,
                zones: (0..meter.zones).map(zone).collect(),
                uncounted: meter.uncounted(reading.taken_on).map(|why| why.words()),
            });
        }
        let period = period?;
        let counted = match stored.iter().filter(|line| line.uncounted.is_some()).count() {
            0 => "all",
            left_out if left_out < stored.len() => "some",
            _ => "none",
        };
        Some(Self { stored, period, counts_for, counted, preliminary: None, preliminary_change: None })
    }

    /// What was stored, with the company's estimate for `period`.
    pub(crate) fn estimated(mut self, period: Period, total: Money, change: Option<Money>) -> Self {
        (self.period, self.preliminary, self.preliminary_change) = (period, Some(total), change);
        self
    }
}

/// The context of `meters/readings.html`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ReadingsContext {
    action: &'static str,
    /// Whether the preliminary charge is shown after sending.
    sums: bool,
    /// Whether nobody is logged in, or not for this.
    guest: bool,
    date: String,
    window: Window,
    meters: Vec<MeterFields>,
    errors: Vec<Verdict>,
    /// The browser's mark of what it sent, for a refused form.
    once: String,
    result: Option<SentResult>,
}

impl ReadingsContext {
    /// A fresh form of the meters in service, dated today.
    pub(crate) fn fresh(meters: &[MeterState], terms: Terms, result: Option<SentResult>) -> Self {
        Self::filled(meters, terms, &Submission::default(), Refusal::default(), result)
    }

    /// The form with what was typed and what is wrong with it.
    pub(crate) fn refused(meters: &[MeterState], terms: Terms, typed: &Submission, refusal: Refusal) -> Self {
        let mut context = Self::filled(meters, terms, typed, refusal, None);
        context.date.clone_from(&typed.date);
        context
    }

    fn filled(
        meters: &[MeterState],
        terms: Terms,
        typed: &Submission,
        mut refusal: Refusal,
        result: Option<SentResult>,
    ) -> Self {
        let offered = meters.iter().filter(|meter| meter.is_in_service(terms.today));
        let fields = offered.map(|meter| {
            let doubt = refusal.doubts.remove(&meter.id);
            meter_fields(meter, terms, typed, doubt)
        });
        let meters = fields.collect();
        // Where readings may come outside the window, it closes nothing.
        let closes = terms.policy.closed == Closed::Refuse;
        Self {
            action: "/meters/readings",
            sums: true,
            guest: false,
            date: terms.today.to_string(),
            window: Window { open: terms.window.open || !closes, ..terms.window },
            meters,
            errors: refusal.verdicts,
            once: String::new(),
            result,
        }
    }

    /// The page with the browser's mark of what it sent.
    pub(crate) fn marked(mut self, mark: Option<&str>) -> Self {
        self.once = mark.unwrap_or_default().to_owned();
        self
    }

    /// The page with or without the preliminary charge.
    pub(crate) fn with_sums(mut self, sums: bool) -> Self {
        self.sums = sums;
        self
    }

    /// The page for somebody who found the account without registration: no sums, and of the meters only
    /// what is needed to send a reading.
    pub(crate) fn for_guest(mut self) -> Self {
        (self.action, self.sums, self.guest) = ("/readings/submit", false, true);
        for meter in &mut self.meters {
            meter.previous.clear();
        }
        self
    }
}

fn meter_fields(meter: &MeterState, terms: Terms, typed: &Submission, doubt: Option<Doubt>) -> MeterFields {
    let row = typed.rows.get(&meter.id).cloned().unwrap_or_default();
    let last = meter.readings.first();
    // Where the company wants it otherwise, an expired verification is told with the answer alone.
    let told = |why: &Uncounted| terms.policy.expired != Expired::Accept || matches!(why, Uncounted::Fault(_));
    let zone = |index: usize| ZoneFields {
        suffix: zone_suffix(index, meter.zones),
        label: zone_label(index, meter.zones),
        last: last.map(|reading| reading.values[index]),
        value: row.values[index].clone(),
        delta: row.deltas[index].clone(),
    };
    MeterFields {
        id: meter.id,
        service: service_title(&meter.service_code),
        place: place(meter.place.clone()),
        serial: meter.serial.clone(),
        unit: unit(&meter.service_code),
        zones: (0..meter.zones).map(zone).collect(),
        last_date: last.map(|reading| reading.taken_on),
        verification: Verification::on(meter.verified_until, terms.today),
        verification_until: meter.verified_until,
        hindrance: meter.hindrance(terms.today, terms),
        notice: meter.uncounted(terms.today).filter(told).map(|why| why.notice()),
        doubt,
        previous: lines(meter, false),
    }
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
