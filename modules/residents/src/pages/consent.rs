//! `/consent`: «Согласие на обработку персональных данных», a document of its own.

use kabinet_web::{Guest, Problem};
use minijinja::context;
use poem::{Response, handler};
use serde::Serialize;

use crate::consent::{ConsentText, TEMPLATE};

const TITLE: &str = "Согласие на обработку персональных данных";

#[derive(Serialize)]
struct ConsentContext<'a> {
    version: &'static str,
    paragraphs: Vec<&'a str>,
}

/// The text as this company shows it now.
pub(crate) fn shown(guest: &Guest) -> Result<ConsentText, Problem> {
    let (tenant, profile) = (guest.tenant(), &guest.tenant().profile);
    let legal_name = if profile.legal_name.is_empty() { &tenant.name } else { &profile.legal_name };
    let values = context! {
        legal_name, inn => &profile.inn, address => &profile.address, email => &profile.email,
        site => &tenant.canonical_host,
    };
    let body =
        guest.platform().pages.render(TEMPLATE, values).map_err(|error| Problem::fault(&format!("{error:#}")))?;
    Ok(ConsentText::new(body))
}

#[handler]
pub(super) fn page(guest: Guest) -> Result<Response, Problem> {
    let text = shown(&guest)?;
    let paragraphs = text.body.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()).collect();
    guest.page(TITLE, "residents/consent.html", &ConsentContext { version: text.version, paragraphs })
}
