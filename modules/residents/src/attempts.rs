//! How often a stranger may try. Counted in the database under hashed keys: no address of a person is
//! kept in a counter.

use kabinet_core::limits::{self, Limit, Verdict};
use kabinet_core::{Db, Tenant};
use kabinet_web::cookie::stored;

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
        let who = hex::encode(stored(&format!("{}:{who}", tenant.id)));
        Self { key: format!("{what}:{who}"), limit: Limit { most, seconds } }
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

    /// Counts one; refuses it over the limit.
    pub(crate) async fn count(&self, db: &Db) -> Result<(), Error> {
        refuse(limits::hit(db, &self.key, self.limit).await?)
    }

    /// Refuses what would be over the limit, without counting.
    pub(crate) async fn peek(&self, db: &Db) -> Result<(), Error> {
        refuse(limits::peek(db, &self.key, self.limit).await?)
    }

    /// Forgets those before.
    pub(crate) async fn clear(&self, db: &Db) -> Result<(), Error> {
        Ok(limits::clear(db, &self.key).await?)
    }
}

fn refuse(verdict: Verdict) -> Result<(), Error> {
    match verdict {
        Verdict::Allowed => Ok(()),
        Verdict::Wait(seconds) => Err(Error::TooManyAttempts(seconds)),
    }
}
