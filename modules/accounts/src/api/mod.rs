//! The module's operations.

pub(crate) mod admin;
