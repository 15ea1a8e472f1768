//! The module's operations.

pub(crate) mod admin;
pub(crate) mod catalog;
pub(crate) mod corrections;
pub(crate) mod portal;
pub(crate) mod printouts;
