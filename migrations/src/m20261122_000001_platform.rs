//! Companies, their hosts and switches, jobs, audit, change counters, rate counters.

use sea_orm_migration::prelude::*;

use crate::schema::{append_only, index, platform_table, tenant_table};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        companies(m).await?;
        queue(m).await?;
        company_tables(m).await?;
        Ok(())
    }
}

/// Companies, their hosts, and the counters by which caches hear of changes.
async fn companies(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    platform_table(
        m,
        "tenant",
        "id {uuid} PRIMARY KEY, slug {text} NOT NULL UNIQUE, name {text} NOT NULL, status {text} NOT NULL,
         time_zone {text} NOT NULL, profile {text} NOT NULL, package_hash {text} NOT NULL,
         created_at {int} NOT NULL, updated_at {int} NOT NULL",
    )
    .await?;
    platform_table(
        m,
        "tenant_host",
        "host {text} PRIMARY KEY, tenant_id {uuid} NOT NULL REFERENCES tenant (id), canonical {bool} NOT NULL",
    )
    .await?;
    platform_table(m, "change_counter", "topic {text} PRIMARY KEY, value {int} NOT NULL").await?;
    Ok(())
}

/// Jobs and the counters of attempts, which all servers share.
async fn queue(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    platform_table(
        m,
        "job",
        "id {uuid} PRIMARY KEY, tenant_id {uuid} NOT NULL REFERENCES tenant (id), module {text} NOT NULL,
         kind {text} NOT NULL, dedup_key {text} UNIQUE, state {int4} NOT NULL, attempts {int4} NOT NULL,
         run_at {int} NOT NULL, lease_until {int} NOT NULL, fence {int} NOT NULL, last_error {text},
         created_at {int} NOT NULL",
    )
    .await?;
    index(m, "CREATE INDEX job_due ON job (state, run_at)").await?;
    platform_table(m, "rate_counter", "key {text} PRIMARY KEY, window_start {int} NOT NULL, hits {int} NOT NULL")
        .await?;
    tenant_table(m, "job_payload", "job_id {uuid} NOT NULL, payload {text} NOT NULL, PRIMARY KEY (tenant_id, job_id)")
        .await?;
    Ok(())
}

/// What a company has beside its data: switches, settings, brand, audit.
async fn company_tables(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    tenant_table(m, "feature", "module {text} NOT NULL, enabled {bool} NOT NULL, PRIMARY KEY (tenant_id, module)")
        .await?;
    tenant_table(m, "setting", "module {text} NOT NULL, value {text} NOT NULL, PRIMARY KEY (tenant_id, module)")
        .await?;
    tenant_table(
        m,
        "brand_asset",
        "name {text} NOT NULL, content_type {text} NOT NULL, hash {text} NOT NULL, content {bytes} NOT NULL,
         PRIMARY KEY (tenant_id, name)",
    )
    .await?;
    tenant_table(
        m,
        "audit",
        "id {uuid} NOT NULL, at {int} NOT NULL, actor {text} NOT NULL, actor_id {uuid}, action {text} NOT NULL,
         subject {text} NOT NULL, detail {text} NOT NULL, PRIMARY KEY (tenant_id, id)",
    )
    .await?;
    append_only(m, "audit").await?;
    Ok(())
}
