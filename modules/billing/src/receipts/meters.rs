//! The second section of a receipt: what each meter showed, and what was billed for it.

use kabinet_core::{Money, Quantity};
use kabinet_plugin_host::api::{Method, Part, Zone};
use kabinet_plugin_host::words;
use kabinet_render::receipt::MeterLine;

use super::content::day;
use crate::calculation::{CARRIED, FrozenMeter, Own, UnreadMonth, measured, method, part_of, zone_of};
use crate::catalog::Service;
use crate::charges::{FrozenMonth, zone_label};
use crate::entity::charge;
use crate::trace::{self, Reasons};

/// The meters of the receipt's services.
pub(super) fn of_receipt(month: &FrozenMonth, rows: &[&charge::Model], services: &[&Service]) -> Vec<MeterLine> {
    let line = |meter: &FrozenMeter| {
        let service = services.iter().find(|service| measured(&meter.service) == Some(service.resource))?;
        let row = rows.iter().find(|row| row.service_code == service.code && row.method != CARRIED)?;
        Some(line(month, service, row, meter))
    };
    month.facts.meters.iter().filter_map(line).collect()
}

fn line(month: &FrozenMonth, service: &Service, row: &charge::Model, meter: &FrozenMeter) -> MeterLine {
    let (zone, title) = (zone_label(meter), &service.title);
    let reasons = trace::decode(&row.trace);
    let unread = in_place_of_a_reading(month, service, row, &reasons.parts, meter);
    MeterLine {
        service: if zone.is_empty() { title.clone() } else { format!("{title}, {zone}") },
        serial: meter.serial.clone(),
        unit: words::unit(service.unit).to_owned(),
        previous: Some(meter.previous.0),
        current: meter.current.map(|current| current.0),
        volume: unread.or(meter.volume).unwrap_or_default().0,
        method: method_words(row, &reasons, unread.is_none()),
        next_verification: meter.verified_until.map(day),
    }
}

/// The volume charged for a meter without a reading that counts, in its zone; none where it was read.
fn in_place_of_a_reading(
    month: &FrozenMonth,
    service: &Service,
    row: &charge::Model,
    parts: &[Part],
    meter: &FrozenMeter,
) -> Option<Quantity> {
    let zone = match meter.zone {
        0 => Zone::WholeDay,
        number => zone_of(usize::from(number) - 1, usize::from(meter.zones)),
    };
    let of_zone = parts.iter().filter(|part| part.zone == zone).map(|part| part.volume);
    let volume = match (parts.is_empty(), zone) {
        (true, Zone::WholeDay) => row.volume,
        _ => Quantity::from_decimal(of_zone.sum()),
    };
    let beside = month.facts.meters.iter().filter(|other| (other.zone, other.zones) == (meter.zone, meter.zones));
    let unread = UnreadMonth {
        period: month.run.period,
        resource: service.resource,
        volume,
        own: Own::All,
        charged: Money::ZERO,
        corrected: Money::ZERO,
        meters: beside.cloned().collect(),
    };
    part_of(&unread, &meter.serial).map(|(volume, _)| volume)
}

/// How the volume of a meter came about. It may have been read although another one of its service was not.
fn method_words(row: &charge::Model, reasons: &Reasons, was_read: bool) -> String {
    match (method(&row.method), reasons.reason) {
        (Some(Method::Meter | Method::Average), _) if was_read => "по показаниям".to_owned(),
        (Some(how), Some(reason)) => format!("{}: {}", words::method(how), words::reason(reason)),
        (Some(how), None) => words::method(how).to_owned(),
        (None, _) => String::new(),
    }
}

#[cfg(test)]
mod tests;
