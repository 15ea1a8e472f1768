//! The figures of houses that a run is calculated with, frozen with it.

use std::sync::Arc;

use kabinet_contracts::RunId;
use kabinet_core::{DbError, Quantity, Tx};
use kabinet_plugin_host::api::{self, Account};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::HouseVolume;
use super::unread::UnreadMeter;
use super::year::YearCost;
use crate::entity::run_house;

/// A house in a month. Field names are short: there is one such text for each house and month.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HouseFigures {
    /// Area of all premises, m².
    #[serde(rename = "r")]
    pub rooms: Quantity,
    /// Area of the common property, m².
    #[serde(rename = "c")]
    pub common: Quantity,
    /// House meters with what they measured, or with the average that stands in for it.
    #[serde(rename = "m", default, skip_serializing_if = "Vec::is_empty")]
    pub meters: Vec<HouseMeterMonth>,
    /// Those that did not count the month.
    #[serde(rename = "u", default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<UnreadMeter>,
    /// Services that are charged by them.
    #[serde(rename = "s", default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceFigures>,
}

/// What a house meter showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HouseMeterMonth {
    /// Code of the service.
    #[serde(rename = "c")]
    pub service: String,
    /// Serial number; may be empty.
    #[serde(rename = "n", default, skip_serializing_if = "String::is_empty")]
    pub serial: String,
    /// Reading at the start of the month.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Quantity>,
    /// Reading at its end.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Quantity>,
    /// What it measured in between.
    #[serde(rename = "v")]
    pub volume: Quantity,
}

impl From<&HouseVolume> for HouseMeterMonth {
    fn from(month: &HouseVolume) -> Self {
        Self {
            service: month.service.clone(),
            serial: month.serial.clone(),
            previous: month.previous,
            current: month.current,
            volume: month.volume,
        }
    }
}

impl HouseFigures {
    /// By how much the rooms exceeded the house for a service: zero or negative.
    pub(super) fn over(&self, service: &str) -> Quantity {
        self.services.iter().find(|of| of.service == service).map(|of| of.over).unwrap_or_default()
    }

    /// Keeps that for the months to come: one without a volume of the house has nothing to take it off from.
    pub(super) fn wait(&mut self, service: &str, over: Quantity) {
        match self.services.iter_mut().find(|of| of.service == service) {
            Some(of) => of.over = over,
            None if over == Quantity::ZERO => {}
            None => self.services.push(ServiceFigures { over, ..ServiceFigures::of(service) }),
        }
    }
}

/// What the plugin is told of a service of the house.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceFigures {
    /// Code of the service.
    #[serde(rename = "c")]
    pub service: String,
    /// Volume of the house; last year's monthly average where the region pays evenly. None where it is not known, and
    /// what the rooms used beyond it before waits for a month in which it is.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub house: Option<Quantity>,
    /// What falls to the rooms.
    #[serde(rename = "r")]
    pub rooms: Quantity,
    /// Area of the rooms whose meters count, m².
    #[serde(rename = "a")]
    pub metered_area: Quantity,
    /// By how much the rooms exceeded the house: zero or negative, taken off the next month where the company
    /// decided so.
    #[serde(rename = "o", default, skip_serializing_if = "is_zero")]
    pub over: Quantity,
    /// What the house's volume of the year before cost, where the year is corrected this month.
    #[serde(rename = "y", default, skip_serializing_if = "Option::is_none")]
    pub year: Option<YearCost>,
    /// Whether a resource of the common property goes by the house's meter: as the owners decided, otherwise as the
    /// company does. None for any other service, and in runs of earlier releases, where the terms alone say it.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub by_meter: Option<bool>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(quantity: &Quantity) -> bool {
    *quantity == Quantity::ZERO
}

impl ServiceFigures {
    /// Figures of a service that nothing is known of yet.
    pub(super) fn of(service: &str) -> Self {
        Self {
            service: service.to_owned(),
            house: None,
            rooms: Quantity::ZERO,
            metered_area: Quantity::ZERO,
            over: Quantity::ZERO,
            year: None,
            by_meter: None,
        }
    }

    /// Charges the service by what the house's meter measured. `carried` is by how much the rooms exceeded it the
    /// month before (zero or negative); none where the company does not carry that over.
    pub(super) fn measure(&mut self, volume: Quantity, carried: Option<Quantity>) {
        if self.by_meter == Some(false) {
            // From a norm nothing is taken off: that waits for a month by the meter.
            (self.house, self.over) = (Some(volume), carried.unwrap_or_default());
            return;
        }
        let volume = volume + carried.unwrap_or_default();
        self.house = Some(Ord::max(volume, Quantity::ZERO));
        self.over = carried.map_or(Quantity::ZERO, |_| Ord::min(volume - self.rooms, Quantity::ZERO));
    }
}

/// The houses of a run, in the order of their identifiers. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Houses(Arc<Vec<(Uuid, HouseFigures)>>);

impl Houses {
    pub(super) fn new(mut houses: Vec<(Uuid, HouseFigures)>) -> Self {
        houses.sort_by_key(|(house, _)| *house);
        Self(Arc::new(houses))
    }

    /// What was frozen with a run.
    pub(crate) async fn of(tx: &Tx, run: RunId) -> Result<Self, DbError> {
        let rows = run_house::Entity::find().filter(run_house::Column::RunId.eq(run));
        let rows = tx.all(rows.order_by_asc(run_house::Column::HouseId)).await?;
        let figures = |row: run_house::Model| Ok((row.house_id, serde_json::from_str(&row.figures)?));
        Ok(Self::new(rows.into_iter().map(figures).collect::<Result<_, DbError>>()?))
    }

    /// What was frozen with a run of one house.
    pub(crate) async fn one(tx: &Tx, run: RunId, house: Uuid) -> Result<Option<HouseFigures>, DbError> {
        let row = run_house::Entity::find()
            .filter(run_house::Column::RunId.eq(run))
            .filter(run_house::Column::HouseId.eq(house));
        Ok(tx.one(row).await?.map(|row| serde_json::from_str(&row.figures)).transpose()?)
    }

    pub(super) async fn save(&self, tx: &Tx, run: RunId) -> Result<(), DbError> {
        let mut rows = Vec::with_capacity(self.0.len());
        for (house, figures) in self.0.iter() {
            let figures = serde_json::to_string(figures)?;
            let row = run_house::Model { tenant_id: tx.tenant_id(), run_id: run, house_id: *house, figures };
            rows.push(run_house::ActiveModel::from(row).reset_all());
        }
        tx.insert_many(rows).await
    }

    /// What is known of a house.
    #[must_use]
    pub fn get(&self, house: Uuid) -> Option<&HouseFigures> {
        self.position(house).and_then(|at| self.at(at)).map(|(_, figures)| figures)
    }

    /// What is known of a service in a house.
    pub(super) fn service(&self, house: Uuid, service: &str) -> Option<&ServiceFigures> {
        self.get(house)?.services.iter().find(|of| of.service == service)
    }

    /// Whether the year before is known of some house for the service.
    pub(super) fn have_year(&self, service: &str) -> bool {
        self.all_of(service).any(|of| of.year.is_some())
    }

    /// Whether some house is charged for the service by its meter, or by norm.
    pub(crate) fn have_decided(&self, service: &str, by_meter: bool) -> bool {
        self.all_of(service).any(|of| of.by_meter == Some(by_meter))
    }

    fn all_of(&self, service: &str) -> impl Iterator<Item = &ServiceFigures> {
        self.0.iter().flat_map(|(_, of)| &of.services).filter(move |of| of.service == service)
    }

    /// Whether the service goes by the meter of the house; none where nobody decides about that.
    pub(crate) fn by_meter(&self, house: Uuid, service: &str) -> Option<bool> {
        self.service(house, service)?.by_meter
    }

    /// The houses, charged by their meters as `by_meter` says of a house's service.
    pub(super) fn charged_by(&self, by_meter: impl Fn(Uuid, &str) -> Option<bool>) -> Self {
        let mut houses = self.0.as_ref().clone();
        for (house, figures) in &mut houses {
            figures.services.iter_mut().for_each(|of| of.by_meter = by_meter(*house, &of.service));
        }
        Self(Arc::new(houses))
    }

    /// The position of a house among all of the run: what is frozen with an account.
    #[must_use]
    pub fn position(&self, house: Uuid) -> Option<u32> {
        let at = self.0.binary_search_by_key(&house, |(known, _)| *known).ok()?;
        u32::try_from(at).ok()
    }

    fn at(&self, position: u32) -> Option<&(Uuid, HouseFigures)> {
        self.0.get(usize::try_from(position).ok()?)
    }

    /// The houses that the accounts stand in, as the plugin sees them. Each account's position among all of the
    /// run becomes its position among these; `tables` are the positions of a service's tables.
    pub(crate) fn of_accounts(
        &self,
        accounts: &mut [Account],
        tables: impl Fn(&str) -> Vec<u16>,
    ) -> (Vec<api::House>, Vec<u32>) {
        let mut taken: Vec<u32> = accounts.iter().filter_map(|account| account.house).collect();
        taken.sort_unstable();
        taken.dedup();
        for account in accounts {
            let place = account.house.and_then(|house| taken.binary_search(&house).ok());
            account.house = place.and_then(|place| u32::try_from(place).ok());
        }
        let none = (Uuid::nil(), HouseFigures::default());
        let houses = taken.iter().map(|at| seen(&self.at(*at).unwrap_or(&none).1, &tables)).collect();
        (houses, taken)
    }
}

fn seen(figures: &HouseFigures, tables: &impl Fn(&str) -> Vec<u16>) -> api::House {
    let volumes = figures.services.iter().flat_map(|of| tables(&of.service).into_iter().map(move |at| (at, of)));
    let volume = |(service, of): (u16, &ServiceFigures)| api::HouseVolume {
        service,
        house_meter: of.house.map(Quantity::decimal),
        rooms_volume: of.rooms.decimal(),
        metered_area: of.metered_area.decimal(),
    };
    api::House {
        rooms_area: figures.rooms.decimal(),
        common_area: figures.common.decimal(),
        volumes: volumes.map(volume).collect(),
    }
}
