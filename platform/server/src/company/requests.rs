//! What a package says of requests: shorter deadlines, and the paid services with their prices.

use kabinet_core::Money;
use kabinet_requests::catalogue::{HIGHEST_PRICE, PaidService};
use kabinet_requests::{RequestsSettings, topics};

use super::document::Section;

/// What a package says of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestsPackage {
    /// Deadlines.
    pub settings: RequestsSettings,
    /// The catalogue, in its order. Services that staff added beside it stay.
    pub services: Vec<PaidService>,
}

/// The section `[requests]` and the tables `[[paid_services]]`; without them, what is usual.
pub(super) fn read(root: &mut Section<'_>) -> RequestsPackage {
    RequestsPackage { settings: settings(root), services: services(root) }
}

fn settings(root: &mut Section<'_>) -> RequestsSettings {
    let mut settings = RequestsSettings::default();
    let Some(mut section) = root.optional_section("requests") else { return settings };
    if let Some(mut deadlines) = section.optional_section("deadlines") {
        for topic in topics::all() {
            let longest = i64::from(topic.term.length());
            let days = deadlines.number(&topic.code, 1..=longest).and_then(|days| u32::try_from(days).ok());
            settings.deadlines.extend(days.map(|days| (topic.code.clone(), days)));
        }
        deadlines.refuse_unknown();
    }
    section.refuse_unknown();
    settings
}

fn services(root: &mut Section<'_>) -> Vec<PaidService> {
    let mut services: Vec<PaidService> = Vec::new();
    for mut section in root.sections("paid_services") {
        let price = section.number("price", 0..=HIGHEST_PRICE);
        if price.is_none() && !section.has("price") {
            section.refuse("price", "поле обязательно: цена в копейках");
        }
        let service = PaidService {
            code: section.text("code"),
            title: section.text("title"),
            description: section.optional_text("description").unwrap_or_default().trim().to_owned(),
            price: Money(price.unwrap_or_default()),
            unit: section.optional_text("unit").unwrap_or_default().trim().to_owned(),
            position: i32::try_from(services.len() + 1).unwrap_or(i32::MAX),
            offered: true,
        };
        // An absent field has been reported as such.
        if let Some((field, message)) = service.problem().filter(|(field, _)| section.has(field)) {
            section.refuse(field, message);
        }
        if services.iter().any(|known| known.code == service.code) {
            section.refuse("code", format!("код «{}» уже есть", service.code));
        }
        section.refuse_unknown();
        services.push(service);
    }
    services
}
