//! The module's operations.

pub(crate) mod admin;
pub(crate) mod agreements;
pub(crate) mod catalog;
pub(crate) mod corrections;
mod fields;
pub(crate) mod houses;
pub(crate) mod portal;
pub(crate) mod printouts;
pub(crate) mod receipt_kinds;
