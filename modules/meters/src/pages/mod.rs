//! Resident pages.

pub(crate) mod guest;
pub(crate) mod link;
pub(crate) mod meters;
pub(crate) mod photos;
pub(crate) mod readings;
