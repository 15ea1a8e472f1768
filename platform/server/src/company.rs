//! Companies as packages: a folder with `tenant.toml`, `tariffs.toml`, brand files, a receipt template
//! and perhaps a tariff plugin. Read and checked as a whole, then applied in one transaction.

mod apply;
mod billing;
mod check;
mod document;
mod logo;
mod notifications;
mod package;
mod paperless;
mod plugin;
mod read;
mod readings;
mod requests;
mod residents;
mod tariffs;
#[cfg(test)]
mod tests;

pub use apply::{ApplyError, apply, list};
pub use check::{CheckTools, check_files};
pub use document::Problem;
pub use package::{Logo, Package, PluginSource, Template};
pub use read::{KnownFeatures, read};
pub use requests::RequestsPackage;
