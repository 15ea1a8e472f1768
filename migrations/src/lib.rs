//! Every table of the platform, in the order in which releases added them.
//!
//! Migrations know SQL only: they import no entity, so that an old migration keeps its meaning when
//! an entity changes. One text serves SQLite and PostgreSQL through the type map of [`schema`].

use sea_orm_migration::prelude::*;

mod m20261122_000001_platform;
mod m20261122_000002_people;
mod m20261122_000003_accounts;
mod m20261122_000004_meters;
mod m20261122_000005_billing;
mod m20261122_000006_secrets;
mod m20261122_000007_residents;
mod m20261122_000008_gosuslugi;
mod m20261122_000009_linking;
mod m20261122_000010_estimates;
mod m20261124_000011_penalty;
mod m20261124_000012_printouts;
mod m20261127_000013_circumstances;
mod m20261128_000014_houses;
mod m20261128_000015_agreements;
mod m20261128_000016_former_holders;
mod m20261128_000020_requests;
mod m20261128_000021_notifications;
mod m20261128_000022_daily_jobs;
mod m20261128_000023_paperless;
mod m20261128_000025_readings;
mod m20261128_000026_house_meters;
mod m20261128_000027_meter_links;
mod m20261128_000028_sendings;
mod m20261128_000029_repeats;
mod m20261128_000030_price_units;
mod m20261129_000031_meter_faults;
mod m20261129_000032_meter_impossibility;
mod m20261129_000033_audit_chain;
mod m20261129_000034_frozen;
mod m20261129_000035_emergencies;
mod m20261129_000037_plugin_limits;
mod m20261129_000038_catalog_history;
mod m20261129_000039_due_days;
mod m20261129_000040_outages;
mod m20261129_000041_house_corrections;
mod m20261129_000042_plugin_manifest;
mod m20261129_000043_first_attempts;
mod m20261129_000044_house_meter_faults;
mod m20261129_000045_house_decisions;
mod m20261129_000046_on_their_way;
mod m20261130_000047_written_rows;
mod m20261130_000048_tariff_days;
mod roles;
mod schema;

pub use roles::{UnsafeRole, grant_to_application, refuse_unsafe_role, wait_for_turn};
pub use schema::{APPEND_ONLY, FROZEN_WITH_RUN, PLATFORM_TABLES};

/// The list of all migrations, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_platform::Migration),
            Box::new(m20261122_000002_people::Migration),
            Box::new(m20261122_000003_accounts::Migration),
            Box::new(m20261122_000004_meters::Migration),
            Box::new(m20261122_000005_billing::Migration),
            Box::new(m20261122_000006_secrets::Migration),
            Box::new(m20261122_000007_residents::Migration),
            Box::new(m20261122_000008_gosuslugi::Migration),
            Box::new(m20261122_000009_linking::Migration),
            Box::new(m20261122_000010_estimates::Migration),
            Box::new(m20261124_000011_penalty::Migration),
            Box::new(m20261124_000012_printouts::Migration),
            Box::new(m20261127_000013_circumstances::Migration),
            Box::new(m20261128_000014_houses::Migration),
            Box::new(m20261128_000015_agreements::Migration),
            Box::new(m20261128_000016_former_holders::Migration),
            Box::new(m20261128_000020_requests::Migration),
            Box::new(m20261128_000021_notifications::Migration),
            Box::new(m20261128_000022_daily_jobs::Migration),
            Box::new(m20261128_000023_paperless::Migration),
            Box::new(m20261128_000025_readings::Migration),
            Box::new(m20261128_000026_house_meters::Migration),
            Box::new(m20261128_000027_meter_links::Migration),
            Box::new(m20261128_000028_sendings::Migration),
            Box::new(m20261128_000029_repeats::Migration),
            Box::new(m20261128_000030_price_units::Migration),
            Box::new(m20261129_000031_meter_faults::Migration),
            Box::new(m20261129_000032_meter_impossibility::Migration),
            Box::new(m20261129_000033_audit_chain::Migration),
            Box::new(m20261129_000034_frozen::Migration),
            Box::new(m20261129_000035_emergencies::Migration),
            Box::new(m20261129_000037_plugin_limits::Migration),
            Box::new(m20261129_000038_catalog_history::Migration),
            Box::new(m20261129_000039_due_days::Migration),
            Box::new(m20261129_000040_outages::Migration),
            Box::new(m20261129_000041_house_corrections::Migration),
            Box::new(m20261129_000042_plugin_manifest::Migration),
            Box::new(m20261129_000043_first_attempts::Migration),
            Box::new(m20261129_000044_house_meter_faults::Migration),
            Box::new(m20261129_000045_house_decisions::Migration),
            Box::new(m20261129_000046_on_their_way::Migration),
            Box::new(m20261130_000047_written_rows::Migration),
            Box::new(m20261130_000048_tariff_days::Migration),
        ]
    }
}
