//! The section's page: what to ask for above, what was asked for below.

use kabinet_contracts::{AccountId, ResidentId};
use kabinet_web::{Problem, Resident};
use poem::{Response, handler};

use crate::view::{ListContext, Row};
use crate::{catalogue, tickets};

/// Requests in each of the two lists; older ones are found by their number at the company.
const MOST: u64 = 50;

/// GET /requests: a helper is told who files, and how to reach the emergency desk.
#[handler]
pub(crate) async fn show(resident: Resident) -> Result<Response, Problem> {
    let Some(account) = resident.active() else { return Ok(resident.done("/overview")) };
    let tx = resident.read().await?;
    let (zone, now) = (tx.tenant().zone, tx.now());
    let closed = account.closed_on.is_some_and(|closed| closed <= tx.today());
    let full = account.access.is_full();
    let (open, ended) = if full {
        tickets::lists(&tx, ResidentId(resident.id()), AccountId(account.id), MOST).await?
    } else {
        (Vec::new(), Vec::new())
    };
    let paid = !catalogue::offered(&tx).await?.is_empty();
    tx.commit().await?;
    let rows = |list: Vec<tickets::Ticket>| list.into_iter().map(|ticket| Row::of(ticket, zone, now)).collect();
    let because = if full { closed.then_some("closed") } else { Some("helper") };
    let may_file = because.is_none();
    let context = ListContext { may_file, paid, because, open: rows(open), ended: rows(ended) };
    resident.page("Заявки", "requests/list.html", &context)
}
