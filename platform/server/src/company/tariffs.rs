//! Reads `tariffs.toml`: prices, norms and coefficients by the month or day they hold from; rates of penalty by day.

use kabinet_billing::catalog::{self, Dated, Service, Tariff, Terms, Variant};
use kabinet_billing::penalty::{PenaltyRate, PenaltyRates};
use kabinet_core::Day;
use kabinet_plugin_host::api::{Premises, Price, Zone};
use rust_decimal::Decimal;

use super::document::Section;
use super::package::{Places, TARIFFS};
use super::read::named;

/// The mark of figures that were not published, before the note.
const ASSUMPTION: &str = "Допущение";
/// The section of the rates of penalty; no service may have this code.
const PENALTY: &str = "penalty";
/// Per cent a year that no law has ever allowed.
const MOST_PERCENT: i64 = 100;

/// The tariffs of `services`; every service must have some. The lines of their rules go into `places`.
pub(super) fn read(root: &mut Section<'_>, services: &[Dated<Service>], places: &mut Places) -> Vec<Tariff> {
    let mut tariffs: Vec<Tariff> = Vec::new();
    for Dated { what: service, .. } in services {
        if service.code == PENALTY {
            root.refuse(PENALTY, "это слово занято ставками пеней: дайте услуге другой код");
            continue;
        }
        for mut section in root.sections(&service.code) {
            if let Some(tariff) = tariff(&mut section, &service.code) {
                if tariffs.last().is_some_and(|last| last.service == service.code && last.from >= tariff.from) {
                    section.refuse("from", "тарифы идут по возрастанию дат, без повторов");
                }
                places.add(TARIFFS, &section, "from");
                if tariff.terms.rule.is_some() {
                    places.add(TARIFFS, &section, "rule");
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
    let from = begin(section);
    let prices = prices(section);
    if prices.is_empty() && !section.has("price") && !section.has("prices") {
        section.refuse("price", "цена обязательна");
    }
    let rule = section.optional_text("rule");
    let (norm, coefficient) = (section.decimal("norm"), coefficient(section));
    let parameters = section.decimals("parameters");
    let premises = premises(section);
    let variants = section.sections("variants").into_iter().map(variant).collect();
    let note = note(section);
    let terms = Terms { rule, prices, norm, coefficient, parameters, premises, variants };
    Some(Tariff { service: service.to_owned(), from: from?, terms, note })
}

/// The month or day that terms begin with.
fn begin(section: &mut Section<'_>) -> Option<Day> {
    let text = section.text("from");
    let from = catalog::begin(&text);
    if from.is_none() && !text.is_empty() {
        section.refuse("from", format!("«{text}»: месяц пишется как 2026-10, день – как 2026-10-06"));
    }
    from
}

/// The rates of penalty, if the company charges one.
pub(super) fn penalty_rates(root: &mut Section<'_>) -> PenaltyRates {
    let mut rates: Vec<PenaltyRate> = Vec::new();
    for mut section in root.sections(PENALTY) {
        let from = day(&mut section, "from");
        let before = rates.last().map(|last| last.until.unwrap_or(Day(i32::MAX)));
        if before.zip(from).is_some_and(|(before, from)| before >= from) {
            section.refuse("from", "ставки идут по возрастанию дат, без наложений");
        }
        if from.is_none() && !section.has("from") {
            section.refuse("from", "поле обязательно");
        }
        let until = day(&mut section, "until");
        if until.zip(from).is_some_and(|(until, from)| until < from) {
            section.refuse("until", "последний день раньше первого");
        }
        let percent = section.decimal("percent");
        if percent.is_none() && !section.has("percent") {
            section.refuse("percent", "поле обязательно");
        }
        if percent.is_some_and(|percent| percent > Decimal::from(MOST_PERCENT)) {
            section.refuse("percent", "ставка указывается в процентах годовых, например 9.5");
        }
        let note = note(&mut section);
        section.refuse_unknown();
        if let (Some(from), Some(percent)) = (from, percent) {
            rates.push(PenaltyRate { from, until, percent, note });
        }
    }
    PenaltyRates::new(rates).unwrap_or_default()
}

fn day(section: &mut Section<'_>, key: &str) -> Option<Day> {
    let text = section.optional_text(key)?;
    let day = Day::parse(&text);
    if day.is_err() {
        section.refuse(key, "дата пишется как 2026-12-31");
    }
    day.ok()
}

/// The note of a figure; assumptions are marked.
fn note(section: &mut Section<'_>) -> String {
    let assumed = section.flag("assumption");
    let note = section.optional_text("note").unwrap_or_default();
    match (assumed, note.is_empty()) {
        (true, true) => ASSUMPTION.to_owned(),
        (true, false) => format!("{ASSUMPTION}: {note}"),
        (false, _) => note,
    }
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
