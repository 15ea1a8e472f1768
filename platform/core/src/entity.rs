//! Rows of the tables that belong to the core.

macro_rules! table {
    ($module:ident, $table:literal, { $($(#[$meta:meta])* $field:ident : $type:ty),* $(,)? }) => {
        pub(crate) mod $module {
            use sea_orm::entity::prelude::*;
            #[allow(unused_imports, reason = "not every table has these columns")]
            use crate::{tenancy::TenantId, values::Timestamp};

            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = $table)]
            pub struct Model { $($(#[$meta])* pub $field: $type),* }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {}

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

table!(tenant, "tenant", {
    #[sea_orm(primary_key, auto_increment = false)] id: TenantId,
    slug: String, name: String, status: String, time_zone: String, profile: String, package_hash: String,
    created_at: Timestamp, updated_at: Timestamp,
});
table!(tenant_host, "tenant_host", {
    #[sea_orm(primary_key, auto_increment = false)] host: String,
    tenant_id: TenantId, canonical: bool,
});
table!(change_counter, "change_counter", {
    #[sea_orm(primary_key, auto_increment = false)] topic: String,
    value: i64,
});
table!(job, "job", {
    #[sea_orm(primary_key, auto_increment = false)] id: Uuid,
    tenant_id: TenantId, module: String, kind: String, dedup_key: Option<String>, state: i32, attempts: i32,
    run_at: Timestamp, lease_until: Timestamp, fence: i64, last_error: Option<String>, created_at: Timestamp,
});
table!(job_payload, "job_payload", {
    #[sea_orm(primary_key, auto_increment = false)] tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)] job_id: Uuid,
    payload: String,
});
table!(feature, "feature", {
    #[sea_orm(primary_key, auto_increment = false)] tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)] module: String,
    enabled: bool,
});
table!(setting, "setting", {
    #[sea_orm(primary_key, auto_increment = false)] tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)] module: String,
    value: String,
});
table!(brand_asset, "brand_asset", {
    #[sea_orm(primary_key, auto_increment = false)] tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)] name: String,
    content_type: String, hash: String, content: Vec<u8>,
});
table!(audit, "audit", {
    #[sea_orm(primary_key, auto_increment = false)] tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)] id: Uuid,
    at: Timestamp, actor: String, actor_id: Option<Uuid>, action: String, subject: String, detail: String,
});

table!(secret, "secret", {
    #[sea_orm(primary_key, auto_increment = false)] tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)] field: String,
    key_id: String, sealed: Vec<u8>, updated_at: Timestamp,
});

crate::tenant_entities!(job_payload, feature, setting, brand_asset, audit, secret);
