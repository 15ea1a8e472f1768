//! What a company charges for and by which rules. Everything is effective-dated; a month whose run is
//! published keeps the terms it was calculated with.

use std::collections::BTreeMap;

use kabinet_core::{Day, DbError, Period, Tx};
use kabinet_plugin_host::api::{Premises, Price, ServiceKind, Unit};
use kabinet_render::receipt::SupplierRequisites;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

mod apply;
pub mod edit;
mod history;
pub(crate) mod kinds;
mod package;
mod plugins;
pub(crate) mod services;
mod templates;
mod terms;

pub use apply::{set_penalty_rates, set_tariffs};
pub use history::Dated;
pub(crate) use history::{ALWAYS, History};
pub use kinds::set_receipt_kinds;
pub use package::{PackageCatalog, apply_package, apply_plugin, apply_template};
pub use plugins::{Activated, CheckedPlugin, UnknownRule, activated, install_plugin, unknown_rules};
pub(crate) use plugins::{first_month, installed};
pub use services::set_services;
pub use templates::{StoredTemplate, has_template, set_receipt_template, templates};
pub use terms::{begin, begins};

/// The topic of change counters that announces a changed catalogue to caches.
pub(crate) const TOPIC: &str = "billing.catalog";

/// Tells caches of changes, if there are any.
pub(crate) async fn announce(tx: &mut Tx, changes: &[String]) -> Result<(), DbError> {
    if changes.is_empty() { Ok(()) } else { tx.touch(TOPIC).await }
}

/// A kind of receipt: who is paid, with which bank details.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptKind {
    /// Stable code, part of addresses: `main`, `capital`.
    pub code: String,
    /// Heading of the receipt.
    pub title: String,
    /// Whether it is the company's main kind: `/documents/<period>.pdf` shows it.
    pub main: bool,
    /// Who is paid.
    pub supplier: Supplier,
}

/// Who is paid, with the bank details of receipt and payment QR.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supplier {
    /// Name as the bank knows it, at most 160 characters.
    pub name: String,
    /// ИНН, 10 or 12 digits.
    pub inn: String,
    /// КПП, 9 digits; empty for a sole proprietor.
    #[serde(default)]
    pub kpp: String,
    /// Name of the bank, at most 45 characters.
    pub bank_name: String,
    /// БИК, 9 digits.
    pub bic: String,
    /// Settlement account, 20 digits.
    pub settlement_account: String,
    /// Correspondent account, 20 digits.
    pub correspondent_account: String,
    /// What is paid for, the beginning of the payment's purpose; empty for «Оплата ЖКУ».
    #[serde(default)]
    pub purpose: String,
}

impl Supplier {
    /// The requisites as receipts print them.
    #[must_use]
    pub fn requisites(&self) -> SupplierRequisites {
        SupplierRequisites {
            name: self.name.clone(),
            inn: self.inn.clone(),
            kpp: self.kpp.clone(),
            settlement_account: self.settlement_account.clone(),
            bank_name: self.bank_name.clone(),
            bic: self.bic.clone(),
            correspondent_account: self.correspondent_account.clone(),
        }
    }
}

/// The groups of a receipt's charges, in the order of the form of order 43/пр.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// Upkeep of the premises.
    Maintenance,
    /// Resources for the common property.
    CommonProperty,
    /// Utilities.
    Utilities,
    /// Capital repair.
    CapitalRepair,
    /// Everything else.
    Other,
}

impl Section {
    /// The heading on receipts.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Maintenance => "Содержание жилого помещения",
            Self::CommonProperty => "Ресурсы на общедомовые нужды",
            Self::Utilities => "Коммунальные услуги",
            Self::CapitalRepair => "Капитальный ремонт",
            Self::Other => "Прочие услуги",
        }
    }
}

/// A service that the company charges for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Stable code, unique in the company.
    pub code: String,
    /// Name for residents.
    pub title: String,
    /// What it is; the meters of that resource measure it.
    pub resource: ServiceKind,
    /// Unit of its volume.
    pub unit: Unit,
    /// The group of the receipt it stands in.
    pub section: Section,
    /// Code of the receipt kind it is billed on.
    pub kind: String,
    /// The plugin's rule: `metered`, `drainage`, `area`, `persons` in the standard one.
    pub rule: String,
    /// Code of the service whose house meter it shares the rest of, for resources that the common property uses;
    /// empty for all others.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub shares: String,
}

/// Terms of a service from a day on, until the next terms. A month in which they change is charged by days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tariff {
    /// Code of the service.
    pub service: String,
    /// The first day they hold for: usually that of a month.
    #[serde(deserialize_with = "terms::first_day")]
    pub from: Day,
    /// The terms.
    pub terms: Terms,
    /// Where they come from; marks assumptions.
    #[serde(default)]
    pub note: String,
}

impl Tariff {
    /// Whether both say what the same service costs from the same day on.
    pub(crate) fn is_same_entry(&self, other: &Self) -> bool {
        self.service == other.service && self.from == other.from
    }
}

/// Prices, norm and coefficient of a service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Terms {
    /// The plugin's rule from this month on, where it is not the service's own: a company that goes over to another
    /// way of charging says so together with the prices of that way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Roubles a unit by zone of the day and range of the month's volume.
    pub prices: Vec<Price>,
    /// Norm in units a person (a square metre for heating) a month.
    #[serde(with = "rust_decimal::serde::str_option", skip_serializing_if = "Option::is_none")]
    pub norm: Option<Decimal>,
    /// Raising coefficient where a meter could be but is not; none where nothing is raised.
    #[serde(with = "rust_decimal::serde::str_option", skip_serializing_if = "Option::is_none")]
    pub coefficient: Option<Decimal>,
    /// Numbers for rules of a plugin's own, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Decimal>,
    /// Kinds of premises that the service is charged for; empty for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub premises: Vec<Premises>,
    /// Other figures for some kinds of premises; the first that names the kind counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<Variant>,
}

impl Terms {
    /// The norm for such premises.
    #[must_use]
    pub fn norm_for(&self, premises: Premises) -> Option<Decimal> {
        self.variant(premises).and_then(|variant| variant.norm).or(self.norm)
    }

    /// The prices for such premises.
    #[must_use]
    pub fn prices_for(&self, premises: Premises) -> &[Price] {
        let own = self.variant(premises).map(|variant| variant.prices.as_slice());
        own.filter(|prices| !prices.is_empty()).unwrap_or(&self.prices)
    }

    fn variant(&self, premises: Premises) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.premises.contains(&premises))
    }
}

/// Figures of a service for some kinds of premises (private houses pay other limits and rates).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Variant {
    /// The kinds of premises.
    pub premises: Vec<Premises>,
    /// As [`Terms::prices`].
    pub prices: Vec<Price>,
    /// As [`Terms::norm`].
    #[serde(with = "rust_decimal::serde::str_option", skip_serializing_if = "Option::is_none")]
    pub norm: Option<Decimal>,
    /// As [`Terms::coefficient`].
    #[serde(with = "rust_decimal::serde::str_option", skip_serializing_if = "Option::is_none")]
    pub coefficient: Option<Decimal>,
}

/// Company-wide numbers for a plugin, by the names it documents.
pub type PluginConfig = BTreeMap<String, Decimal>;

/// How a plugin calculates for a company, from a month on.
#[derive(Clone, Debug, PartialEq)]
pub struct Activation {
    /// The first month.
    pub from: Period,
    /// The company's numbers for it.
    pub config: PluginConfig,
}

/// The kind of premises by the code the accounts module stores; a flat when it is unknown.
#[must_use]
pub fn premises(code: &str) -> Premises {
    match code {
        "room" => Premises::Room,
        "private_house" | "house" => Premises::PrivateHouse,
        "non_residential" | "commercial" | "office" | "shop" => Premises::NonResidential,
        "parking" => Premises::Parking,
        _ => Premises::Flat,
    }
}

/// What is wrong with the code of a service or receipt kind; an empty one is for the caller to refuse.
#[must_use]
pub fn code_problem(code: &str) -> Option<&'static str> {
    let shaped = code.len() <= 64
        && code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && code.starts_with(|c: char| c.is_ascii_lowercase());
    (!code.is_empty() && !shaped).then_some("код — это латинские строчные буквы, цифры и знак подчёркивания")
}

/// The word that serde writes for a unit-only enum: what the catalogue's text columns hold.
pub(crate) fn enum_name<E: Serialize>(value: E) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// The value that [`enum_name`] wrote.
pub(crate) fn enum_value<E: serde::de::DeserializeOwned>(name: &str) -> Result<E, DbError> {
    Ok(serde_json::from_value(serde_json::Value::String(name.to_owned()))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_keep_their_decimals() {
        let text = r#"{"prices":[{"zone":"night","above":"0","amount":"3.05"}],"norm":"4.85"}"#;
        let terms: Terms = serde_json::from_str(text).expect("terms");
        assert_eq!(terms.norm, Some(Decimal::new(485, 2)));
        assert_eq!(serde_json::to_string(&terms).expect("text"), text);
    }

    #[test]
    fn enums_are_stored_by_name() {
        assert_eq!(enum_name(Unit::CubicMetre), "cubic_metre");
        assert_eq!(enum_value::<Section>("capital_repair").ok(), Some(Section::CapitalRepair));
        assert!(enum_value::<Section>("?").is_err());
    }
}
