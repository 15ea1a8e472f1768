//! What a package says of bills: when they are due, how the payment QR is written, what stands below every receipt, which
//! absences give something back.

use kabinet_billing::{BillingSettings, DueDay};
use kabinet_core::Period;

use super::document::Section;
use super::read::optionally_named;

/// Notes below a receipt, and letters of the longest.
const MOST_NOTES: usize = 10;
const LONGEST_NOTE: usize = 600;

/// The sections `[[due_days]]`, `[houses]`, `[receipts]` and `[absences]`; all but the first may be absent.
pub(super) fn read(root: &mut Section<'_>) -> BillingSettings {
    let mut settings = BillingSettings { due_days: due_days(root), ..BillingSettings::default() };
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
    settings
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

fn due_days(root: &mut Section<'_>) -> Vec<DueDay> {
    let mut days: Vec<DueDay> = Vec::new();
    for mut section in root.sections("due_days") {
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
