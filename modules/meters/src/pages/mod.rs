//! Resident pages.

pub(crate) mod meters;
pub(crate) mod readings;
