//! The queue of staff: what is to be done, the most urgent first, with where it comes from.

use std::collections::HashMap;

use kabinet_accounts::roster;
use kabinet_contracts::{AccountId, RequestId};
use kabinet_core::{DbError, Timestamp, Tx};
use uuid::Uuid;

use crate::state::State;
use crate::store::{self, Sought};
use crate::tickets::Ticket;
use crate::topics::Kind;

/// What is looked for; without anything, all that has not ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// One state, ended ones too.
    pub state: Option<State>,
    /// One kind.
    pub kind: Option<Kind>,
    /// What is this staff member's.
    pub assignee: Option<Uuid>,
    /// Only what is late.
    pub late: bool,
}

/// Where the next page of the queue begins: behind what is due next of a request, and its identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    due: Timestamp,
    id: RequestId,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.due.0, self.id.0.simple())
    }
}

impl Cursor {
    /// The cursor in a link; none for text that is no cursor.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (due, id) = text.split_once('-')?;
        Some(Self { due: Timestamp(due.parse().ok()?), id: id.parse().ok()? })
    }
}

/// A request in the queue.
#[derive(Clone, Debug)]
pub struct Queued {
    /// The request.
    pub ticket: Ticket,
    /// The account's number.
    pub account_number: String,
    /// Its address in one line.
    pub address: String,
}

/// Up to `limit` requests, the most urgent first, behind `after`; and where the next page begins.
pub async fn list(
    tx: &Tx,
    filter: Filter,
    after: Option<Cursor>,
    limit: u16,
) -> Result<(Vec<Queued>, Option<Cursor>), DbError> {
    let sought = Sought {
        state: filter.state,
        kind: filter.kind.map(Kind::code),
        assignee: filter.assignee,
        due_before: filter.late.then(|| tx.now()),
        after: after.map(|cursor| (cursor.due, cursor.id)),
    };
    let rows = store::queue(tx, sought, u64::from(limit) + 1).await?;
    let mut tickets = rows.into_iter().map(Ticket::try_from).collect::<Result<Vec<_>, _>>()?;
    let more = tickets.len() > usize::from(limit);
    tickets.truncate(usize::from(limit));
    let next = tickets.last().filter(|_| more).map(|ticket| Cursor { due: ticket.next_due(), id: ticket.id });
    Ok((placed(tx, tickets).await?, next))
}

/// One request with where it comes from.
pub async fn one(tx: &Tx, ticket: Ticket) -> Result<Queued, DbError> {
    let found = placed(tx, vec![ticket]).await?.pop();
    found.ok_or_else(|| DbError::Stored("a request without its account".into()))
}

async fn placed(tx: &Tx, tickets: Vec<Ticket>) -> Result<Vec<Queued>, DbError> {
    let mut accounts: Vec<AccountId> = tickets.iter().map(|ticket| ticket.account).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let places: HashMap<AccountId, (String, String)> = store::places(tx, &accounts)
        .await?
        .into_iter()
        .map(|place| (place.id, (place.number, roster::address(&place.house, &place.flat, &place.kind))))
        .collect();
    let queued = |ticket: Ticket| {
        let (account_number, address) = places.get(&ticket.account).cloned().unwrap_or_default();
        Queued { ticket, account_number, address }
    };
    Ok(tickets.into_iter().map(queued).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_as_it_was_written() {
        let cursor = Cursor { due: Timestamp(1_764_000_000_000), id: RequestId(Uuid::from_u128(7)) };
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        for wrong in ["", "1764", "x-0000", "1764-zz"] {
            assert_eq!(Cursor::parse(wrong), None, "{wrong}");
        }
    }
}
