//! What the module's pages and jobs work with.

use std::fmt;
use std::sync::Arc;

use kabinet_contracts::PersonalData;
use kabinet_core::{DbError, Tenant};

use crate::email::Domains;
use crate::gosuslugi::Gosuslugi;
use crate::password::Passwords;
use crate::settings::{PlatformRules, ResidentsSettings};

/// Shared by all pages. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Means {
    /// The queue for password hashing.
    pub(crate) passwords: Passwords,
    /// What the platform's operator decides.
    pub(crate) rules: Arc<PlatformRules>,
    /// What the other modules hold about residents.
    pub(crate) parts: Arc<[Arc<dyn PersonalData>]>,
    /// The way to Gosuslugi, where the platform has one.
    pub(crate) gosuslugi: Option<Gosuslugi>,
}

impl Means {
    /// The mail domains of a company's logins.
    pub(crate) fn mail_domains(&self, tenant: &Tenant) -> Result<Domains<'_>, DbError> {
        Ok(Domains { platform: &self.rules.mail_domains, company: ResidentsSettings::of(tenant)?.mail_domains })
    }
}

impl fmt::Debug for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.parts.iter().map(|part| part.name())).finish()
    }
}
