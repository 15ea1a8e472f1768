//! Who a session's person is: what the modules say of a login, and the rights that follow from it.

use std::sync::Arc;

use async_trait::async_trait;
use kabinet_core::{Day, DbError, Period, Timestamp, Tx};
use uuid::Uuid;

use crate::session::Session;

/// What a person may do with an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccountAccess {
    /// Everything: the person proved to be its holder.
    #[default]
    Full,
    /// A helper who sends readings and sees sums.
    ReadingsAndSums,
    /// A helper who sends readings and sees no sum.
    ReadingsOnly,
}

impl AccountAccess {
    /// Whether the person is more than a helper.
    #[must_use]
    pub fn is_full(self) -> bool {
        self == Self::Full
    }

    /// Whether sums, receipts and payments are shown.
    #[must_use]
    pub fn sees_sums(self) -> bool {
        self != Self::ReadingsOnly
    }
}

/// An account that a resident has linked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedAccount {
    /// Its identifier.
    pub id: Uuid,
    /// Its number, as printed.
    pub number: String,
    /// Its address in one line.
    pub address: String,
    /// The day it was closed.
    pub closed_on: Option<Day>,
    /// What the resident may do with it.
    pub access: AccountAccess,
    /// When a helper's access ends; none for a holder's.
    pub ends_at: Option<Timestamp>,
    /// Receipts before this month name a former holder and are not shown; none where there was none.
    pub receipts_from: Option<Period>,
}

/// Who a session's person is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// E-mail, the login.
    pub email: String,
    /// Linked accounts (residents).
    pub accounts: Vec<LinkedAccount>,
    /// The chosen one of them.
    pub active: Option<Uuid>,
    /// Role (staff).
    pub role: String,
}

/// Where the web layer learns who a person is; the modules answer.
#[async_trait]
pub trait ProfileSource: Send + Sync {
    /// The resident's profile with the accounts linked now; `None` when the login is gone.
    async fn resident(&self, tx: &Tx, id: Uuid) -> Result<Option<Profile>, DbError>;
    /// The staff member's profile; `None` when the person no longer works there.
    async fn staff(&self, tx: &Tx, id: Uuid) -> Result<Option<Profile>, DbError>;
}

/// The account a resident looks at, with the resident's right to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountRef {
    /// The account's identifier.
    pub id: Uuid,
    /// The day it was closed: it can be read but no longer acted on.
    pub closed_on: Option<Day>,
    /// What the resident may do with it.
    pub access: AccountAccess,
    /// Receipts before this month name a former holder and are not shown.
    pub receipts_from: Option<Period>,
}

impl AccountRef {
    /// Whether the receipt of `period` is the present holders'.
    #[must_use]
    pub fn shows_receipt(&self, period: Period) -> bool {
        self.receipts_from.is_none_or(|first| period >= first)
    }
}

impl LinkedAccount {
    /// The right that the link gives.
    #[must_use]
    pub fn right(&self) -> AccountRef {
        let receipts_from = self.receipts_from;
        AccountRef { id: self.id, closed_on: self.closed_on, access: self.access, receipts_from }
    }
}

impl Profile {
    /// The profile without the accounts whose access is over at `now`; `None` when that is the same.
    fn without_ended(&self, now: Timestamp) -> Option<Self> {
        let is_over = |account: &LinkedAccount| account.ends_at.is_some_and(|end| end <= now);
        if !self.accounts.iter().any(is_over) {
            return None;
        }
        let mut profile = self.clone();
        profile.accounts.retain(|account| !is_over(account));
        let known = profile.active.filter(|active| profile.accounts.iter().any(|account| account.id == *active));
        profile.active = known.or_else(|| profile.accounts.first().map(|account| account.id));
        Some(profile)
    }
}

impl Session {
    /// The session as it is at `now`: sessions are cached, and a helper's access ends to the moment.
    pub(crate) fn as_of(self: Arc<Self>, now: Timestamp) -> Arc<Self> {
        let Some(profile) = self.profile.without_ended(now) else { return self };
        let mut session = (*self).clone();
        session.profile = Arc::new(profile);
        Arc::new(session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_helpers_access_ends_to_the_moment_in_a_cached_profile() {
        let account = |number: u128, ends_at: Option<i64>| LinkedAccount {
            id: Uuid::from_u128(number),
            number: String::new(),
            address: String::new(),
            closed_on: None,
            access: if ends_at.is_some() { AccountAccess::ReadingsOnly } else { AccountAccess::Full },
            ends_at: ends_at.map(Timestamp),
            receipts_from: None,
        };
        let accounts = vec![account(1, None), account(2, Some(1000))];
        let profile = Profile { accounts, active: Some(Uuid::from_u128(2)), ..Profile::default() };
        assert_eq!(profile.without_ended(Timestamp(999)), None);
        let later = profile.without_ended(Timestamp(1000)).unwrap_or_default();
        assert_eq!(later.accounts, [account(1, None)]);
        assert_eq!(later.active, Some(Uuid::from_u128(1)));
    }
}
