//! The catalogue of paid services, for staff.

use kabinet_core::Money;
use kabinet_web::{ApiResult, Staff};
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::Offer;
use crate::catalogue::{self, PaidService};

pub(crate) struct CatalogueApi;

/// A service of the catalogue.
#[derive(Object)]
struct PaidServiceOut {
    code: String,
    title: String,
    /// May be empty.
    description: String,
    /// Kopecks.
    price: i64,
    /// What the price is for; empty for the whole work.
    unit: String,
    /// Sorts the catalogue, ascending.
    position: i32,
    /// Whether residents may ask for it now.
    offered: bool,
}

/// The catalogue, also what is not offered now.
#[derive(Object)]
struct PaidServicesOut {
    items: Vec<PaidServiceOut>,
}

/// What a service is to be.
#[derive(Object)]
struct PaidServiceIn {
    title: String,
    #[oai(default)]
    description: String,
    /// Kopecks.
    price: i64,
    /// What the price is for, «за час»; empty for the whole work.
    #[oai(default)]
    unit: String,
    /// Sorts the catalogue, ascending.
    #[oai(default)]
    position: i32,
    /// Whether residents may ask for it; what was asked for before stays.
    #[oai(default = "yes")]
    offered: bool,
}

fn yes() -> bool {
    true
}

#[OpenApi]
impl CatalogueApi {
    /// The whole catalogue.
    #[oai(path = "/paid-services", method = "get", operation_id = "listPaidServices")]
    async fn list(&self, staff: Staff<Offer>) -> ApiResult<PaidServicesOut> {
        let tx = staff.read().await?;
        let services = catalogue::all(&tx).await?;
        tx.commit().await?;
        Ok(Json(PaidServicesOut { items: services.into_iter().map(PaidServiceOut::from).collect() }))
    }

    /// Add a service, change it, or take it off the catalogue.
    #[oai(path = "/paid-services/:code", method = "put", operation_id = "savePaidService")]
    async fn save(
        &self,
        staff: Staff<Offer>,
        code: Path<String>,
        new: Json<PaidServiceIn>,
    ) -> ApiResult<PaidServiceOut> {
        let PaidServiceIn { title, description, price, unit, position, offered } = new.0;
        let service = PaidService { code: code.0, title, description, price: Money(price), unit, position, offered };
        let mut tx = staff.begin().await?;
        catalogue::save(&mut tx, &service).await?;
        tx.commit().await?;
        Ok(Json(service.into()))
    }
}

impl From<PaidService> for PaidServiceOut {
    fn from(service: PaidService) -> Self {
        Self {
            code: service.code,
            title: service.title,
            description: service.description,
            price: service.price.0,
            unit: service.unit,
            position: service.position,
            offered: service.offered,
        }
    }
}
