//! Queries that several parts of the module share.

use kabinet_contracts::RunId;
use kabinet_core::{DbError, Period, Tx};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::entity::{billing_run, plugin, plugin_activation, receipt_kind, receipt_template, service, tariff};

/// The state of a published run.
pub(crate) const PUBLISHED: &str = "published";

/// The latest published run.
pub(crate) async fn latest_run(tx: &Tx) -> Result<Option<billing_run::Model>, DbError> {
    let published = billing_run::Entity::find().filter(billing_run::Column::State.eq(PUBLISHED));
    tx.one(published.order_by_desc(billing_run::Column::Period)).await
}

/// The latest published period.
pub(crate) async fn latest_period(tx: &Tx) -> Result<Option<Period>, DbError> {
    Ok(latest_run(tx).await?.map(|run| run.period))
}

/// A run.
pub(crate) async fn run(tx: &Tx, id: RunId) -> Result<Option<billing_run::Model>, DbError> {
    tx.one(billing_run::Entity::find().filter(billing_run::Column::Id.eq(id))).await
}

/// Which plugin calculates from which period, ascending.
pub(crate) async fn activations(tx: &Tx) -> Result<Vec<plugin_activation::Model>, DbError> {
    tx.all(plugin_activation::Entity::find().order_by_asc(plugin_activation::Column::FromPeriod)).await
}

/// Receipt kinds and services in their order, and all tariffs.
pub(crate) async fn catalog(
    tx: &Tx,
) -> Result<(Vec<receipt_kind::Model>, Vec<service::Model>, Vec<tariff::Model>), DbError> {
    let kinds = receipt_kind::Entity::find()
        .order_by_asc(receipt_kind::Column::Position)
        .order_by_asc(receipt_kind::Column::Code);
    let services = service::Entity::find().order_by_asc(service::Column::Position).order_by_asc(service::Column::Code);
    Ok((tx.all(kinds).await?, tx.all(services).await?, tx.all(tariff::Entity::find()).await?))
}

/// Forgets terms of months to come.
pub(crate) async fn delete_tariff(tx: &Tx, row: &tariff::Model) -> Result<(), DbError> {
    let this = tariff::Entity::delete_many()
        .filter(tariff::Column::ServiceCode.eq(&row.service_code))
        .filter(tariff::Column::FromPeriod.eq(row.from_period));
    tx.delete_where(this).await.map(drop)
}

/// The component of a plugin.
pub(crate) async fn component(tx: &Tx, hash: &str) -> Result<Option<Vec<u8>>, DbError> {
    let row = tx.one(plugin::Entity::find().filter(plugin::Column::Hash.eq(hash))).await?;
    Ok(row.map(|row| row.component))
}

/// The source of a company's receipt template.
pub(crate) async fn template(tx: &Tx, hash: &str) -> Result<Option<String>, DbError> {
    let row = tx.one(receipt_template::Entity::find().filter(receipt_template::Column::Hash.eq(hash))).await?;
    Ok(row.map(|row| row.source))
}
