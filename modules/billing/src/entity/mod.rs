//! Rows of billing's tables.
#![allow(missing_docs, reason = "columns are documented by the migration and the types that wrap them")]

macro_rules! table {
    ($module:ident, $table:literal, { $($(#[$meta:meta])* $field:ident : $type:ty),* $(,)? }) => {
        pub mod $module {
            use sea_orm::entity::prelude::*;
            #[allow(unused_imports, reason = "not every table has these columns")]
            use kabinet_contracts::{AccountId, RunId};
            #[allow(unused_imports, reason = "not every table has these columns")]
            use kabinet_core::{Day, Money, Period, Quantity, TenantId, Timestamp};

            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = $table)]
            pub struct Model { $($(#[$meta])* pub $field: $type),* }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {}

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

table!(receipt_kind, "receipt_kind", {
    #[sea_orm(primary_key, auto_increment = false)] tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)] code: String,
    title: String, position: i32, main: bool, supplier: String,
});
table!(service, "service", {
    #[sea_orm(primary_key, auto_increment = false)] tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)] code: String,
    title: String, resource: String, unit: String, section: String, kind_code: String, position: i32, rule: String,
});
table!(tariff, "tariff", {
    #[sea_orm(primary_key, auto_increment = false)] tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)] service_code: String,
    #[sea_orm(primary_key, auto_increment = false)] from_period: Period,
    terms: String, note: String,
});
table!(plugin, "plugin", {
    #[sea_orm(primary_key, auto_increment = false)] tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)] hash: String,
    name: String, version: String, component: Vec<u8>, installed_at: Timestamp,
});
table!(plugin_activation, "plugin_activation", {
    #[sea_orm(primary_key, auto_increment = false)] tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)] from_period: Period,
    hash: String, config: String,
});
table!(receipt_template, "receipt_template", {
    #[sea_orm(primary_key, auto_increment = false)] tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)] hash: String,
    source: String, installed_at: Timestamp,
});
table!(billing_run, "billing_run", {
    #[sea_orm(primary_key, auto_increment = false)] tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)] id: RunId,
    period: Period, state: String, plugin_hash: String, template_hash: String, snapshot: String,
    base_run: Option<RunId>, base_cutoff_at: Timestamp, cutoff_at: Timestamp, due_on: Day, total: i32, done: i32,
    last_account: Option<AccountId>, result_hash: String, problem: String, started_at: Timestamp,
    finished_at: Option<Timestamp>, published_at: Option<Timestamp>,
});
table!(charge, "charge", {
    #[sea_orm(primary_key, auto_increment = false)] tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)] run_id: RunId,
    #[sea_orm(primary_key, auto_increment = false)] account_id: AccountId,
    #[sea_orm(primary_key, auto_increment = false)] service_code: String,
    kind_code: String, method: String, volume: Option<Quantity>, tariff: Option<Quantity>, norm: Option<Quantity>,
    coefficient: Option<Quantity>, opening: Money, charged: Money, excess: Money, recalculation: Money,
    penalty: Money, counted: Money, to_pay: Money, trace: String,
});
table!(receipt, "receipt", {
    #[sea_orm(primary_key, auto_increment = false)] tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)] run_id: RunId,
    #[sea_orm(primary_key, auto_increment = false)] account_id: AccountId,
    #[sea_orm(primary_key, auto_increment = false)] kind_code: String,
    period: Period, opening: Money, charged: Money, recalculation: Money, penalty: Money, counted: Money,
    to_pay: Money,
});
table!(receipt_facts, "receipt_facts", {
    #[sea_orm(primary_key, auto_increment = false)] tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)] run_id: RunId,
    #[sea_orm(primary_key, auto_increment = false)] account_id: AccountId,
    facts: String,
});
table!(estimate, "estimate", {
    #[sea_orm(primary_key, auto_increment = false)] tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)] account_id: AccountId,
    period: Period, total: Option<Money>, change: Option<Money>, problem: String,
    computed_at: Timestamp, wanted: i64, computed: i64,
});
table!(payment, "payment", {
    #[sea_orm(primary_key, auto_increment = false)] tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)] id: Uuid,
    account_id: AccountId, kind_code: String, amount: Money, paid_on: Day, booked_at: Timestamp,
    period: Option<Period>, source: String, external_id: String,
});
table!(ledger_entry, "ledger_entry", {
    #[sea_orm(primary_key, auto_increment = false)] tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)] source_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)] account_id: AccountId,
    #[sea_orm(primary_key, auto_increment = false)] line: i32,
    kind_code: String, service_code: String, period: Period, debit: String, credit: String, amount: Money,
    booked_at: Timestamp,
});

kabinet_core::tenant_entities!(
    crate::entity::receipt_kind,
    crate::entity::service,
    crate::entity::tariff,
    crate::entity::plugin,
    crate::entity::plugin_activation,
    crate::entity::receipt_template,
    crate::entity::billing_run,
    crate::entity::charge,
    crate::entity::receipt,
    crate::entity::receipt_facts,
    crate::entity::estimate,
    crate::entity::payment,
    crate::entity::ledger_entry,
);
