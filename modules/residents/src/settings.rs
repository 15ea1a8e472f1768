//! What a company decides about its residents' logins, typed, with defaults.

use kabinet_core::{DbError, Tenant};
use serde::{Deserialize, Serialize};

/// The module's name in the table of settings.
pub const MODULE: &str = "residents";

/// A company's settings of the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResidentsSettings {
    /// Domains of e-mail with which residents may register, lower case; empty for all.
    pub mail_domains: Vec<String>,
}

impl ResidentsSettings {
    /// The company's settings.
    pub fn of(tenant: &Tenant) -> Result<Self, DbError> {
        tenant.settings(MODULE)
    }
}
