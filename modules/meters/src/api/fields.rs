//! What staff write into fields, read; what cannot be read is named by its field.

use kabinet_core::{Day, Quantity};
use kabinet_web::Problem;
use poem_openapi::Enum;

use crate::error::Error;
use crate::number;
use crate::resource::Resource;

/// What a meter measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case", rename = "MeterResource")]
pub(super) enum ResourceName {
    ColdWater,
    HotWater,
    Electricity,
    Heat,
    Gas,
}

impl From<ResourceName> for Resource {
    fn from(name: ResourceName) -> Self {
        match name {
            ResourceName::ColdWater => Self::ColdWater,
            ResourceName::HotWater => Self::HotWater,
            ResourceName::Electricity => Self::Electricity,
            ResourceName::Heat => Self::Heat,
            ResourceName::Gas => Self::Gas,
        }
    }
}

pub(super) fn default_limit() -> u16 {
    50
}

/// A refusal of one field.
pub(super) fn wrong(field: &str, text: &str) -> Problem {
    Error::field(field, text).into()
}

/// A day, `2026-10-31`.
pub(super) fn day(text: &str, field: &str) -> Result<Day, Problem> {
    Day::parse(text).map_err(|error| wrong(field, &error.to_string()))
}

/// A day, or none.
pub(super) fn optional_day(text: Option<&str>, field: &str) -> Result<Option<Day>, Problem> {
    text.map(|text| day(text, field)).transpose()
}

/// A reading, `131,5`: not negative, at most three decimals.
pub(super) fn value(text: &str, field: &str) -> Result<Quantity, Problem> {
    number::reading(text).map_err(|_| wrong(field, "Укажите показание, например 131,5"))
}

/// Readings, one a zone.
pub(super) fn values(texts: &[String], field: &str) -> Result<Vec<Quantity>, Problem> {
    texts.iter().map(|text| value(text, field)).collect()
}

/// A reading as programs write numbers.
pub(super) fn text(quantity: Quantity) -> String {
    quantity.decimal().normalize().to_string()
}
