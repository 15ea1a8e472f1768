//! What a company decides about its accounts.

use kabinet_core::{DbError, Tenant};
use serde::{Deserialize, Serialize};

/// The module's name, also in the table of settings.
pub const MODULE: &str = "accounts";

/// How a resident proves the right to an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkMethod {
    /// By the holder's surname, or by the code on the newest receipt.
    #[default]
    Surname,
    /// By the code on the newest receipt only.
    Code,
}

/// The module's settings of a company; stored under `accounts`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountsSettings {
    /// How accounts are linked.
    pub linking: LinkMethod,
}

impl AccountsSettings {
    /// The company's settings.
    pub fn of(tenant: &Tenant) -> Result<Self, DbError> {
        tenant.settings(MODULE)
    }
}
