//! The module's operations.

pub(crate) mod admin;
pub(crate) mod agreements;
pub(crate) mod catalog;
pub(crate) mod corrections;
mod fields;
pub(crate) mod house_corrections;
pub(crate) mod house_decisions;
pub(crate) mod houses;
pub(crate) mod plugins;
pub(crate) mod portal;
pub(crate) mod printouts;
pub(crate) mod receipt_kinds;
pub(crate) mod templates;
