//! Whom a message is for: found page by page over the residents, so that no company is too large.

use std::collections::HashMap;

use kabinet_billing::overview;
use kabinet_contracts::{AccountId, ResidentId, RunId};
use kabinet_core::{Day, DbError, Money, Tx};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::store::people::{self, Narrowed};

/// Whom a message is for. Holders only, but where it says otherwise: helpers get what their help is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum Audience {
    /// Every resident of the company, with an account or without.
    All,
    /// Who holds accounts in these houses.
    Houses {
        /// The houses.
        houses: Vec<Uuid>,
    },
    /// Who holds these accounts.
    Accounts {
        /// The accounts.
        accounts: Vec<AccountId>,
    },
    /// Who owes more than so much on an account, kopecks.
    Debtors {
        /// The sum.
        over: Money,
    },
    /// Who holds an account with a receipt of a run.
    Receipt {
        /// The run.
        run: RunId,
    },
    /// Who sends readings, helpers too: those with a meter that does not report by itself.
    Readers,
    /// Of these, whose account has such a meter without a reading of a month.
    Unread {
        /// A day of the month.
        since: Day,
    },
    /// One resident.
    Resident {
        /// The resident.
        resident: ResidentId,
    },
}

/// A page of an audience.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The residents whom the message is for.
    pub residents: Vec<ResidentId>,
    /// The last resident who was looked at; none when there was nobody left.
    pub last: Option<ResidentId>,
}

/// The residents of an audience behind `after`, looking at up to `limit`. Two statements, and one more for
/// debtors.
pub async fn page(tx: &Tx, audience: &Audience, after: Option<ResidentId>, limit: u32) -> Result<Page, DbError> {
    let found = people::residents(tx, &narrowed(audience), after, limit).await?;
    let last = found.last().copied();
    let residents = match audience {
        Audience::Debtors { over } => debtors(tx, found, *over).await?,
        _ => found,
    };
    Ok(Page { residents, last })
}

/// How many residents a message would reach.
pub async fn count(tx: &Tx, audience: &Audience) -> Result<u64, DbError> {
    if !matches!(audience, Audience::Debtors { .. }) {
        return people::count(tx, &narrowed(audience)).await;
    }
    let (mut number, mut after) = (0, None);
    loop {
        let page = page(tx, audience, after, 1000).await?;
        number += page.residents.len() as u64;
        match page.last {
            Some(last) => after = Some(last),
            None => return Ok(number),
        }
    }
}

fn narrowed(audience: &Audience) -> Narrowed {
    match audience {
        Audience::All => Narrowed::Nobody,
        Audience::Houses { houses } => Narrowed::Houses(houses.clone()),
        Audience::Accounts { accounts } => Narrowed::Accounts(accounts.clone()),
        Audience::Debtors { .. } => Narrowed::Holders,
        Audience::Receipt { run } => Narrowed::Receipt(*run),
        Audience::Readers => Narrowed::Readers,
        Audience::Unread { since } => Narrowed::Unread(*since),
        Audience::Resident { resident } => Narrowed::One(*resident),
    }
}

async fn debtors(tx: &Tx, residents: Vec<ResidentId>, over: Money) -> Result<Vec<ResidentId>, DbError> {
    let held = people::held(tx, &residents).await?;
    let accounts: Vec<AccountId> = held.iter().map(|(_, account)| *account).collect();
    let debts: HashMap<AccountId, Money> = overview::debts(tx, &accounts).await?;
    let owes = |account: &AccountId| debts.get(account).is_some_and(|debt| *debt > over);
    Ok(residents
        .into_iter()
        .filter(|resident| held.iter().any(|(who, account)| who == resident && owes(account)))
        .collect())
}
