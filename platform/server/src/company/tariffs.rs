//! Reads `tariffs.toml`: prices, norms and coefficients by the period they hold from.

use kabinet_billing::catalog::{Service, Tariff, Terms, Variant};
use kabinet_core::Period;
use kabinet_plugin_host::api::{Premises, Price, Zone};
use rust_decimal::Decimal;

use super::document::Section;
use super::read::named;

/// The mark of figures that were not published, before the note.
const ASSUMPTION: &str = "Допущение";

/// The tariffs of `services`; every service must have some.
pub(super) fn read(root: &mut Section<'_>, services: &[Service]) -> Vec<Tariff> {
    let mut tariffs: Vec<Tariff> = Vec::new();
    for service in services {
        for mut section in root.sections(&service.code) {
            if let Some(tariff) = tariff(&mut section, &service.code) {
                if tariffs.last().is_some_and(|last| last.service == service.code && last.from >= tariff.from) {
                    section.refuse("from", "тарифы идут по возрастанию месяцев, без повторов");
                }
                tariffs.push(tariff);
            }
            section.refuse_unknown();
        }
        if !root.has(&service.code) {
            root.refuse(&service.code, format!("у услуги «{}» нет ни одного тарифа", service.title));
        }
    }
    tariffs
}

fn tariff(section: &mut Section<'_>, service: &str) -> Option<Tariff> {
    let from: Option<Period> = section.parsed("from", "месяц пишется как 2026-10");
    let prices = prices(section);
    if prices.is_empty() && !section.has("price") && !section.has("prices") {
        section.refuse("price", "цена обязательна");
    }
    let (norm, coefficient) = (section.decimal("norm"), coefficient(section));
    let premises = premises(section);
    let variants = section.sections("variants").into_iter().map(variant).collect();
    let assumed = section.flag("assumption");
    let note = section.optional_text("note").unwrap_or_default();
    let note = match (assumed, note.is_empty()) {
        (true, true) => ASSUMPTION.to_owned(),
        (true, false) => format!("{ASSUMPTION}: {note}"),
        (false, _) => note,
    };
    let terms = Terms { prices, norm, coefficient, premises, variants, ..Terms::default() };
    Some(Tariff { service: service.to_owned(), from: from?, terms, note })
}

/// Other figures for some kinds of premises.
fn variant(mut section: Section<'_>) -> Variant {
    let premises = premises(&mut section);
    if premises.is_empty() && !section.has("premises") {
        section.refuse("premises", "укажите виды помещений");
    }
    let prices = prices(&mut section);
    let (norm, coefficient) = (section.decimal("norm"), coefficient(&mut section));
    section.refuse_unknown();
    Variant { premises, prices, norm, coefficient }
}

fn coefficient(section: &mut Section<'_>) -> Option<Decimal> {
    let coefficient = section.decimal("coefficient");
    if coefficient.is_some_and(|coefficient| coefficient < Decimal::ONE) {
        section.refuse("coefficient", "повышающий коэффициент не меньше единицы");
    }
    coefficient
}

fn premises(section: &mut Section<'_>) -> Vec<Premises> {
    let names = section.texts("premises");
    let known = |name: &String| serde_json::from_value::<Premises>(serde_json::Value::String(name.clone())).ok();
    for name in names.iter().filter(|name| known(name).is_none()) {
        section.refuse("premises", format!("«{name}»: такого вида помещений нет"));
    }
    names.iter().filter_map(known).collect()
}

fn prices(section: &mut Section<'_>) -> Vec<Price> {
    let single = section.decimal("price");
    let mut prices: Vec<Price> = Vec::new();
    for mut part in section.sections("prices") {
        let zone = if part.has("zone") { named(&mut part, "zone") } else { Some(Zone::WholeDay) };
        let above = part.decimal("above").unwrap_or_default();
        let amount = part.decimal("amount");
        if amount.is_none() && !part.has("amount") {
            part.refuse("amount", "поле обязательно");
        }
        part.refuse_unknown();
        let (Some(zone), Some(amount)) = (zone, amount) else { continue };
        let last = prices.iter().rfind(|price| price.zone == zone);
        match last {
            None if !above.is_zero() => part.refuse("above", "первый диапазон зоны начинается с нуля"),
            Some(last) if last.above >= above => part.refuse("above", "границы диапазонов зоны должны возрастать"),
            _ => {}
        }
        prices.push(Price { zone, above, amount });
    }
    if let Some(amount) = single {
        if section.has("prices") {
            section.refuse("price", "укажите либо price, либо prices");
        }
        prices.push(Price { zone: Zone::WholeDay, above: Decimal::ZERO, amount });
    }
    prices
}
