//! Rows of the tables that belong to the core.

use crate::table::{table, tenant_table};
use crate::values::{Day, Timestamp};

table!(tenant, "tenant", key { id: TenantId }, {
    slug: String, name: String, status: String, time_zone: String, profile: String, package_hash: String,
    created_at: Timestamp, updated_at: Timestamp,
});
table!(tenant_host, "tenant_host", key { host: String }, {
    tenant_id: TenantId, canonical: bool,
});
table!(change_counter, "change_counter", key { topic: String }, {
    value: i64,
});
table!(job, "job", key { id: Uuid }, {
    tenant_id: TenantId, module: String, kind: String, dedup_key: Option<String>, state: i32, attempts: i32,
    run_at: Timestamp, lease_until: Timestamp, fence: i64, last_error: Option<String>, created_at: Timestamp,
});
tenant_table!(job_payload, "job_payload", key { job_id: Uuid }, {
    payload: String,
});
tenant_table!(feature, "feature", key { module: String }, {
    enabled: bool,
});
tenant_table!(setting, "setting", key { module: String }, {
    value: String,
});
tenant_table!(brand_asset, "brand_asset", key { name: String }, {
    content_type: String, hash: String, content: Vec<u8>,
});
tenant_table!(audit, "audit", key { id: Uuid }, {
    at: Timestamp, actor: String, actor_id: Option<Uuid>, action: String, subject: String, detail: String,
});
tenant_table!(audit_link, "audit_link", key { seq: i64 }, {
    audit_id: Uuid, hash: Vec<u8>,
});
tenant_table!(secret, "secret", key { field: String }, {
    key_id: String, sealed: Vec<u8>, updated_at: Timestamp,
});
tenant_table!(daily_job, "daily_job", key { module: String, kind: String }, {
    last_on: Day,
});
