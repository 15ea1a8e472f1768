//! What programs may ask.

pub(crate) mod admin;
pub(crate) mod channels;
pub(crate) mod fields;
pub(crate) mod portal;
pub(crate) mod preferences;
pub(crate) mod settings;

use kabinet_core::PermissionKey;

/// May write to residents and see what became of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MaySend;

impl PermissionKey for MaySend {
    const KEY: &'static str = "notifications.send";
}

/// May set up channels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MayManage;

impl PermissionKey for MayManage {
    const KEY: &'static str = "notifications.manage";
}

pub(crate) fn default_limit() -> u16 {
    20
}
