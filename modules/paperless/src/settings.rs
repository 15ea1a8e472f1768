//! What a company decides about refusals of paper.

use kabinet_core::{DbError, Tenant};
use serde::{Deserialize, Serialize};

/// The module's name, also in the table of settings.
pub const MODULE: &str = "paperless";

/// The module's settings of a company; stored under `paperless`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PaperlessSettings {
    /// Whom applications are addressed to («Директору ООО «УК» Петрову П. П.»); empty: the company by its full name.
    pub addressee: String,
}

impl PaperlessSettings {
    /// The company's settings.
    pub fn of(tenant: &Tenant) -> Result<Self, DbError> {
        tenant.settings(MODULE)
    }
}
