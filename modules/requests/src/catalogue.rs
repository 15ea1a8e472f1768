//! The paid services that a company offers, with their prices.

use kabinet_core::{DbError, Money, Tx};
use sea_orm::Set;
use serde_json::json;

use crate::entity::paid_service;
use crate::error::Error;
use crate::store;

/// The highest price, kopecks: a million roubles.
pub const HIGHEST_PRICE: i64 = 100_000_000;
/// The longest title, characters.
const LONGEST_TITLE: usize = 120;
/// The longest description, characters.
const LONGEST_DESCRIPTION: usize = 400;

/// A service of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaidService {
    /// Stable name: `tap_replacement`.
    pub code: String,
    /// Name that residents read.
    pub title: String,
    /// What it includes; may be empty.
    pub description: String,
    /// Price, kopecks.
    pub price: Money,
    /// What the price is for, «за час»; empty for the whole work.
    pub unit: String,
    /// Sorts the catalogue, ascending.
    pub position: i32,
    /// Whether it can be asked for now.
    pub offered: bool,
}

impl From<paid_service::Model> for PaidService {
    fn from(row: paid_service::Model) -> Self {
        Self {
            code: row.code,
            title: row.title,
            description: row.description,
            price: row.price,
            unit: row.unit,
            position: row.position,
            offered: row.offered,
        }
    }
}

impl PaidService {
    /// The first field that makes no sense, with what is wrong with it.
    #[must_use]
    pub fn problem(&self) -> Option<(&'static str, &'static str)> {
        let length = |text: &str| text.chars().count();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if self.code.is_empty() || self.code.len() > 40 || !self.code.chars().all(plain) {
            return Some(("code", "код пишется строчными латинскими буквами, цифрами и «_», до 40 знаков"));
        }
        if self.title.trim().is_empty() || length(&self.title) > LONGEST_TITLE {
            return Some(("title", "назовите услугу, не длиннее 120 знаков"));
        }
        if length(&self.description) > LONGEST_DESCRIPTION {
            return Some(("description", "описание не длиннее 400 знаков"));
        }
        if length(&self.unit) > 40 {
            return Some(("unit", "единица цены не длиннее 40 знаков"));
        }
        (!(0..=HIGHEST_PRICE).contains(&self.price.0))
            .then_some(("price", "цена в копейках, не больше миллиона рублей"))
    }

    fn row(&self, tx: &Tx) -> paid_service::ActiveModel {
        paid_service::ActiveModel {
            tenant_id: Set(tx.tenant_id()),
            code: Set(self.code.clone()),
            title: Set(self.title.trim().to_owned()),
            description: Set(self.description.trim().to_owned()),
            price: Set(self.price),
            unit: Set(self.unit.trim().to_owned()),
            position: Set(self.position),
            offered: Set(self.offered),
        }
    }
}

/// The services that residents may ask for, in order.
pub async fn offered(tx: &Tx) -> Result<Vec<PaidService>, DbError> {
    Ok(store::services(tx, false).await?.into_iter().map(PaidService::from).collect())
}

/// The whole catalogue, also what is not offered now.
pub async fn all(tx: &Tx) -> Result<Vec<PaidService>, DbError> {
    Ok(store::services(tx, true).await?.into_iter().map(PaidService::from).collect())
}

/// Stores a service under its code; true when that changed anything. Requests keep the title and the price
/// that they were filed with.
pub async fn save(tx: &mut Tx, service: &PaidService) -> Result<bool, Error> {
    if let Some((field, text)) = service.problem() {
        return Err(Error::field(field, text));
    }
    let before = store::service(tx, &service.code).await?.map(PaidService::from);
    if before.as_ref() == Some(service) {
        return Ok(false);
    }
    store::save_service(tx, service.row(tx)).await?;
    let detail = json!({ "price": service.price, "offered": service.offered });
    tx.audit("requests.service_saved", &service.code, detail).await?;
    Ok(true)
}

/// Stores the services of a company's package, the changes in words. What staff added stays.
pub async fn set(tx: &mut Tx, services: &[PaidService]) -> Result<Vec<String>, Error> {
    let mut changes = Vec::new();
    for service in services {
        if save(tx, service).await? {
            changes.push(format!("платная услуга {}: сохранена", service.code));
        }
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_a_code_a_title_and_a_price() {
        let good = PaidService {
            code: "tap_1".to_owned(),
            title: "Кран".to_owned(),
            description: String::new(),
            price: Money(HIGHEST_PRICE),
            unit: "за штуку".to_owned(),
            position: 1,
            offered: true,
        };
        assert_eq!(good.problem(), None);
        let field = |service: PaidService| service.problem().map(|(field, _)| field);
        assert_eq!(field(PaidService { code: "Кран".to_owned(), ..good.clone() }), Some("code"));
        assert_eq!(field(PaidService { title: " ".to_owned(), ..good.clone() }), Some("title"));
        assert_eq!(field(PaidService { price: Money(-1), ..good.clone() }), Some("price"));
        assert_eq!(field(PaidService { price: Money(HIGHEST_PRICE + 1), ..good.clone() }), Some("price"));
        assert_eq!(field(PaidService { description: "д".repeat(401), ..good }), Some("description"));
    }
}
