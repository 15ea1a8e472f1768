//! What a company decides about its requests.

use std::collections::BTreeMap;

use kabinet_core::{DbError, Tenant};
use serde::{Deserialize, Serialize};

/// The module's name, also in the table of settings.
pub const MODULE: &str = "requests";

/// The module's settings of a company; stored under `requests`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RequestsSettings {
    /// Shorter terms by topic, in the topic's own unit (working days or hours).
    pub deadlines: BTreeMap<String, u32>,
}

impl RequestsSettings {
    /// The company's settings.
    pub fn of(tenant: &Tenant) -> Result<Self, DbError> {
        tenant.settings(MODULE)
    }
}
