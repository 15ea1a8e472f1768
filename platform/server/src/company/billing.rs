//! What a package says of bills: when they are due, how the payment QR is written, what stands below every receipt,
//! which absences give something back.

use kabinet_billing::{BillingSettings, DueDay, catalog};
use kabinet_core::Period;

use super::document::Section;
use super::package::{Places, TENANT};
use super::read::optionally_named;

/// Notes below a receipt, and letters of the longest.
const MOST_NOTES: usize = 10;
const LONGEST_NOTE: usize = 600;

/// The sections `[houses]`, `[receipts]`, `[absences]` and `[penalties]`, which may be absent.
pub(super) fn read(root: &mut Section<'_>) -> BillingSettings {
    let mut settings = BillingSettings::default();
    if let Some(mut section) = root.optional_section("houses") {
        settings.carry_house_rest = section.flag("carry_rest");
        section.refuse_unknown();
    }
    if let Some(mut section) = root.optional_section("receipts") {
        settings.qr_encoding = optionally_named(&mut section, "qr_encoding").unwrap_or_default();
        settings.receipt_notes = notes(&mut section);
        section.refuse_unknown();
    }
    if let Some(mut section) = root.optional_section("absences") {
        let days = section.number("free_days", 0..=30).and_then(|days| u32::try_from(days).ok());
        settings.free_absence_days = days.unwrap_or(settings.free_absence_days);
        section.refuse_unknown();
    }
    if let Some(mut section) = root.optional_section("penalties") {
        settings.low_penalty = low_penalty(&mut section);
        section.refuse_unknown();
    }
    settings
}

/// The sections of the receipt on which a day late never costs more than 1/300 of the rate.
fn low_penalty(section: &mut Section<'_>) -> Vec<catalog::Section> {
    let names = section.texts("low_only");
    let known = |name: &String| serde_json::from_value(serde_json::Value::String(name.clone())).ok();
    let sections: Vec<Option<catalog::Section>> = names.iter().map(known).collect();
    for (name, _) in names.iter().zip(&sections).filter(|(_, known)| known.is_none()) {
        section.refuse("low_only", format!("«{name}»: такого раздела квитанции нет"));
    }
    sections.into_iter().flatten().collect()
}

fn notes(section: &mut Section<'_>) -> Vec<String> {
    if !section.has("notes") {
        return Vec::new();
    }
    let notes = section.texts("notes");
    if notes.len() > MOST_NOTES || notes.iter().any(|note| note.chars().count() > LONGEST_NOTE) {
        section.refuse("notes", format!("не больше {MOST_NOTES} абзацев, в каждом не больше {LONGEST_NOTE} знаков"));
    }
    notes
}

/// The sections `[[due_days]]`.
pub(super) fn due_days(root: &mut Section<'_>, places: &mut Places) -> Vec<DueDay> {
    let mut days: Vec<DueDay> = Vec::new();
    for mut section in root.sections("due_days") {
        places.add(TENANT, &section, "from");
        let from: Option<Period> = section.parsed("from", "месяц пишется как 2026-02");
        let day = section.number("day", 1..=28);
        if day.is_none() && !section.has("day") {
            section.refuse("day", "поле обязательно");
        }
        if let (Some(from_period), Some(day)) = (from, day.and_then(|day| u32::try_from(day).ok())) {
            if days.last().is_some_and(|last| last.from_period >= from_period) {
                section.refuse("from", "сроки идут по возрастанию месяцев, без повторов");
            }
            days.push(DueDay { from_period, day });
        }
        section.refuse_unknown();
    }
    if days.is_empty() && !root.has("due_days") {
        root.refuse("due_days", "укажите срок оплаты хотя бы одним разделом [[due_days]]");
    }
    days
}
