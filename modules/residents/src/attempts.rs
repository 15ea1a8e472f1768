//! How often a stranger may try.

use kabinet_core::limits::{self, Counted, Limit, Verdict};
use kabinet_core::{Db, Tenant};

use crate::error::Error;
use crate::settings::Limits;

/// Something that is limited, for one name (an e-mail, an address, a resident).
#[derive(Clone, Debug)]
pub(crate) struct Attempts {
    key: String,
    limit: Limit,
}

impl Attempts {
    fn new(tenant: &Tenant, what: &str, who: &str, most: i64, seconds: i64) -> Self {
        Self { key: format!("{what}:{}:{who}", tenant.id), limit: Limit { most, seconds } }
    }

    /// Failed logins under one name.
    pub(crate) fn logins_of(limits: &Limits, tenant: &Tenant, subject: &str, email_key: &str) -> Self {
        Self::new(tenant, &format!("login-{subject}"), email_key, limits.failed_logins_per_name, 900)
    }

    /// Failed logins from one address.
    pub(crate) fn logins_from(limits: &Limits, tenant: &Tenant, address: &str) -> Self {
        Self::new(tenant, "login-address", address, limits.failed_logins_per_address, 900)
    }

    /// Registrations from one address whose captcha fitted.
    pub(crate) fn registrations_from(limits: &Limits, tenant: &Tenant, address: &str) -> Self {
        Self::new(tenant, "registration-address", address, limits.requests_per_address, 3600)
    }

    /// Requests for recovery from one address whose captcha fitted.
    pub(crate) fn recoveries_from(limits: &Limits, tenant: &Tenant, address: &str) -> Self {
        Self::new(tenant, "recovery-address", address, limits.requests_per_address, 3600)
    }

    /// Letters that strangers may have sent to one e-mail.
    pub(crate) fn letters_to(limits: &Limits, tenant: &Tenant, email_key: &str) -> Self {
        Self::new(tenant, "letters", email_key, limits.letters_per_email, 3600)
    }

    /// Wrong current passwords of one resident.
    pub(crate) fn passwords_of(tenant: &Tenant, resident: &str) -> Self {
        Self::new(tenant, "current-password", resident, 10, 900)
    }

    /// Changes of e-mail that one resident may ask for.
    pub(crate) fn changes_of(tenant: &Tenant, resident: &str) -> Self {
        Self::new(tenant, "email-change", resident, 5, 3600)
    }

    /// Exports that one resident may ask for.
    pub(crate) fn exports_of(tenant: &Tenant, resident: &str) -> Self {
        Self::new(tenant, "export", resident, 3, 86_400)
    }

    /// Journeys to Gosuslugi from one address: each costs a signature.
    pub(crate) fn journeys_from(tenant: &Tenant, address: &str) -> Self {
        Self::new(tenant, "gosuslugi", address, 120, 600)
    }

    /// Letters that one person at Gosuslugi may have sent on a first visit.
    pub(crate) fn letters_of(tenant: &Tenant, oid: &str) -> Self {
        Self::new(tenant, "gosuslugi-letter", oid, 5, 86_400)
    }

    /// Counts one; refuses it over the limit.
    pub(crate) async fn count(&self, db: &Db) -> Result<(), Error> {
        match limits::hit(db, &self.key, self.limit).await? {
            Verdict::Allowed => Ok(()),
            Verdict::Wait(seconds) => Err(Error::TooManyAttempts(seconds)),
        }
    }

    /// Counts an attempt under each of these before it is made; refuses it over any limit.
    pub(crate) async fn begin<const N: usize>(db: &Db, all: [Self; N]) -> Result<Counted, Error> {
        let counters = all.map(|one| (one.key, one.limit));
        limits::begin(db, &counters).await?.map_err(Error::TooManyAttempts)
    }

    /// Forgets those before.
    pub(crate) async fn clear(&self, db: &Db) -> Result<(), Error> {
        Ok(limits::clear(db, &self.key).await?)
    }
}
