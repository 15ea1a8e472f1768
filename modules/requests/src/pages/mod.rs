//! «Заявки».

mod files;
mod filing;
mod list;
mod ticket;

use kabinet_contracts::{AccountId, ResidentId};
use kabinet_core::limits::Limit;
use kabinet_files::Files;
use kabinet_web::{FieldError, PageRoute, Problem, Resident};
use poem::{EndpointExt, get, post};

use crate::error::Error;
use crate::tickets::Owner;

/// Requests and messages that one resident may send in a day.
const SENT: Limit = Limit { most: 40, seconds: 24 * 3600 };

pub(crate) fn routes(files: &Files) -> Vec<PageRoute> {
    vec![
        PageRoute::new("/requests", get(list::show)),
        PageRoute::new("/requests/new", get(filing::show).post(filing::send).data(files.clone())),
        PageRoute::new("/requests/:id", get(ticket::show).post(ticket::answer).data(files.clone())),
        PageRoute::new("/requests/:id/reopen", post(ticket::reopen)),
        PageRoute::new("/requests/:id/rating", post(ticket::rate)),
        PageRoute::new("/requests/:id/files/:file", get(files::show).data(files.clone())),
    ]
}

/// Whose requests this resident may see.
pub(crate) fn owner(resident: &Resident) -> Owner {
    let held = resident.accounts().iter().filter(|account| account.access.is_full());
    Owner { resident: ResidentId(resident.id()), accounts: held.map(|account| AccountId(account.id)).collect() }
}

/// Counts what a resident sends: a mischief-maker fills neither the queue nor the disk.
pub(crate) async fn count(resident: &Resident) -> Result<(), Problem> {
    resident.count_against(SENT, "requests").await
}

/// What to show beside the fields of a refused form; any other failure is the page's own.
fn mistakes(error: Error) -> Result<Vec<FieldError>, Problem> {
    match error {
        Error::Fields(fields) => Ok(fields.into_iter().map(|(field, text)| FieldError::new(field, text)).collect()),
        other => Err(other.into()),
    }
}
