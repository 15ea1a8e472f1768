//! Readings of meters. A row is never changed.

use kabinet_contracts::{AccountId, MeterId};
use kabinet_core::{Day, Period, Quantity, TenantId, Timestamp};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reading")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub meter_id: MeterId,
    pub account_id: AccountId,
    pub period: Period,
    pub taken_on: Day,
    pub value_t1: Quantity,
    pub value_t2: Option<Quantity>,
    pub value_t3: Option<Quantity>,
    pub source: String,
    pub actor_id: Option<Uuid>,
    pub created_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
