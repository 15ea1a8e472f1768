//! What every part of the platform stands on: values, clock, companies, the one door to the
//! database, modules, jobs, events and access. No HTTP and no words of the housing domain.

pub mod access;
pub mod audit;
mod bulk;
pub mod calendar;
pub mod change;
pub mod clock;
mod company;
mod crash;
mod daily;
pub mod db;
mod door;
mod entity;
pub mod error;
pub mod id;
pub mod jobs;
pub mod limits;
pub mod mail;
pub mod module;
pub mod pace;
pub mod ports;
pub mod priority;
pub mod seal;
pub mod secrets;
mod table;
pub mod tenancy;
pub mod text;
pub mod topic_cache;
pub mod values;
mod withdrawal;

pub use access::{Access, PermissionKey};
pub use clock::{Clock, Entropy, Ids, least_id};
pub use db::{Actor, Db, DbConfig, Reply, TenantEntity, Tx};
pub use error::DbError;
pub use mail::Mail;
pub use module::{Manifest, Module, ModuleKind, NavItem, Permission, Registry};
pub use ports::{Answer, Ports};
pub use seal::SealKey;
pub use secrets::KeyRing;
pub use tenancy::{CompanyProfile, Tenant, TenantId, Tenants};
pub use values::{Day, Money, Period, Quantity, Timestamp};
