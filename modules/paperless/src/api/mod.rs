//! What programs of residents and of the company's staff may ask.

pub(crate) mod admin;
pub(crate) mod portal;

use kabinet_core::PermissionKey;

/// May see who gets no paper, with the applications.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List;

impl PermissionKey for List {
    const KEY: &'static str = "paperless.list";
}

/// May say that letters no longer arrive at an address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Restore;

impl PermissionKey for Restore {
    const KEY: &'static str = "paperless.restore";
}
