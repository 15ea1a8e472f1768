//! What a company and the platform decide about residents' logins, typed, with defaults.

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

/// What the platform's operator decides, for all companies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlatformRules {
    /// Domains of e-mail with which residents may register; empty for all. A company may narrow it further.
    pub mail_domains: Vec<String>,
    /// How often strangers may try.
    pub limits: Limits,
}

/// How often strangers may try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Failed logins under one name in a quarter of an hour.
    pub failed_logins_per_name: i64,
    /// Failed logins from one address in a quarter of an hour.
    pub failed_logins_per_address: i64,
    /// Registrations, and as many requests for recovery, from one address in an hour.
    pub requests_per_address: i64,
    /// Letters of registration and recovery to one e-mail in an hour.
    pub letters_per_email: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            failed_logins_per_name: 10,
            failed_logins_per_address: 50,
            requests_per_address: 30,
            letters_per_email: 5,
        }
    }
}
