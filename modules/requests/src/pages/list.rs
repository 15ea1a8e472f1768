//! The section's page: what to ask for above, what was asked for below.

use kabinet_contracts::{AccountId, RequestId, ResidentId};
use kabinet_web::{Problem, Resident, identifier};
use poem::web::Query;
use poem::{Response, handler};
use serde::Deserialize;

use crate::tickets::Which;
use crate::view::{List, ListContext};
use crate::{catalogue, tickets};

/// The lists of the page, by their names in addresses.
const LISTS: [(&str, Which); 2] = [("open", Which::Open), ("ended", Which::Ended)];
/// Requests of each list on a page.
const MOST: u16 = 50;

/// Which page it is: both lists from their newest requests, or one of them going on behind a request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Address {
    list: Option<String>,
    after: Option<String>,
}

/// GET /requests: a helper is told who files, and how to reach the emergency desk.
#[handler]
pub(crate) async fn show(resident: Resident, Query(address): Query<Address>) -> Result<Response, Problem> {
    let Some(account) = resident.active() else { return Ok(resident.done("/overview")) };
    let after: Option<RequestId> = address.after.as_deref().map(identifier).transpose()?;
    let wanted = |(name, _): &(&str, Which)| address.list.as_deref().is_none_or(|list| list == *name);
    let tx = resident.read().await?;
    let (zone, now) = (tx.tenant().zone, tx.now());
    let closed = account.closed_on.is_some_and(|closed| closed <= tx.today());
    let full = account.access.is_full();
    let (of, account) = (ResidentId(resident.id()), AccountId(account.id));
    let mut lists = Vec::new();
    for (name, which) in LISTS.into_iter().filter(wanted).filter(|_| full) {
        let (found, next) = tickets::page(&tx, (of, account), which, after, MOST).await?;
        lists.push(List::of(name, found, next, (zone, now)));
    }
    lists.retain(|list| !list.is_empty());
    let paid = !catalogue::offered(&tx).await?.is_empty();
    tx.commit().await?;
    let because = if full { closed.then_some("closed") } else { Some("helper") };
    let context = ListContext { may_file: because.is_none(), paid, because, first: address.list.is_none(), lists };
    resident.page("Заявки", "requests/list.html", &context)
}
