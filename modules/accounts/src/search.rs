//! Finding an account by what stands on its receipt: number, house, flat.

use std::collections::HashMap;

use kabinet_contracts::AccountId;
use kabinet_core::text::{account_key, search_key};
use kabinet_core::{Day, DbError, Tx};
use kabinet_web::FieldError;
use serde::{Deserialize, Serialize};

use crate::spelling::{same_flat, same_house};
use crate::store;

/// What a person typed to find an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The account's number.
    pub account: String,
    /// The house's number.
    pub house: String,
    /// The flat's number; empty in a house without flats.
    pub flat: String,
}

impl Wanted {
    /// What was typed, without the spaces around it.
    #[must_use]
    pub fn typed(account: &str, house: &str, flat: &str) -> Self {
        let text = |text: &str| text.trim().to_owned();
        Self { account: text(account), house: text(house), flat: text(flat) }
    }

    /// What can be seen to be wrong without looking for the account.
    #[must_use]
    pub fn mistakes(&self) -> Vec<FieldError> {
        let too_long = |text: &str, most: usize| text.chars().count() > most;
        let mut errors = Vec::new();
        if account_key(&self.account).is_empty() || too_long(&self.account, 40) {
            errors.push(FieldError::new("account", "Введите номер лицевого счета, как в квитанции"));
        }
        if search_key(&self.house).is_empty() || too_long(&self.house, 20) {
            errors.push(FieldError::new("house", "Введите номер дома, например 12А"));
        }
        if too_long(&self.flat, 20) {
            errors.push(FieldError::new("flat", "Введите номер квартиры, например 5"));
        }
        errors
    }
}

/// An account that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Identifier.
    pub id: AccountId,
    /// Number as printed.
    pub number: String,
    /// The day it was closed.
    pub closed_on: Option<Day>,
}

/// What a search came to. The counters of attempts are kept under `counted`, which depends on the typed
/// number alone: whether house and flat were right shows in no limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// The account, when number, house and flat fit.
    pub found: Option<Found>,
    /// The number under which attempts are counted: an old number counts as the present one.
    pub counted: String,
}

/// Looks for the account. One statement, whatever is found.
pub async fn find(tx: &Tx, wanted: &Wanted) -> Result<Search, DbError> {
    let typed = account_key(&wanted.account);
    let rows = store::candidates(tx, &typed).await?;
    let counted = rows.first().map_or(typed, |row| row.number_key.clone());
    let fits = |row: &store::Candidate| same_house(&wanted.house, &row.house) && same_flat(&wanted.flat, &row.flat);
    let found = rows.into_iter().find(fits);
    let found = found.map(|row| Found { id: row.id, number: row.number, closed_on: row.closed_on });
    Ok(Search { found, counted })
}

/// Whether the account takes readings and helpers: it is there and open on `today`.
pub async fn is_open(tx: &Tx, account: AccountId) -> Result<bool, DbError> {
    let row = store::account(tx, account).await?;
    let today = tx.today();
    Ok(row.is_some_and(|row| row.closed_on.is_none_or(|closed| closed > today)))
}

/// How many former holders each of `accounts` has; those without any are left out. Grows with every change of
/// holder: what was handed to the former one can be told by it. One statement.
pub async fn former_holders(tx: &Tx, accounts: &[AccountId]) -> Result<HashMap<AccountId, i32>, DbError> {
    let mut former = HashMap::new();
    for account in store::former_holders(tx, accounts).await? {
        *former.entry(account).or_default() += 1;
    }
    Ok(former)
}
