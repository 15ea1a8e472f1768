//! The rules: which volume a service has, and the line it makes.

pub(crate) mod common_property;
pub(crate) mod derived;
pub(crate) mod heating;
pub(crate) mod metered;
pub(crate) mod plain;
