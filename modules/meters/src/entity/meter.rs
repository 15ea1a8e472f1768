//! Meters.

use kabinet_contracts::{AccountId, MeterId};
use kabinet_core::{Day, TenantId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "meter")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MeterId,
    pub account_id: AccountId,
    pub service_code: String,
    pub serial: String,
    pub place: String,
    pub model: String,
    pub zones: i32,
    pub digits: i32,
    pub automatic: bool,
    pub installed_on: Day,
    pub removed_on: Option<Day>,
    pub verified_until: Option<Day>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
