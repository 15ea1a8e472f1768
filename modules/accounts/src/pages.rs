//! «Выбор лицевого счета».

use kabinet_contracts::{AccountId, ResidentId};
use kabinet_core::Day;
use kabinet_residents::people;
use kabinet_web::form::local_path;
use kabinet_web::{Form, PageRoute, Problem, Resident};
use poem::web::Path;
use poem::{Response, get, handler, post};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) fn routes() -> Vec<PageRoute> {
    vec![PageRoute::new("/accounts", get(list)), PageRoute::new("/accounts/:id/select", post(select))]
}

#[derive(Serialize)]
struct ListContext {
    accounts: Vec<AccountContext>,
    can_link: bool,
    can_unlink: bool,
}

#[derive(Serialize)]
struct AccountContext {
    id: String,
    number: String,
    address: String,
    active: bool,
    closed_on: Option<Day>,
}

/// The linked accounts. Linking and unlinking come with registration.
#[handler]
fn list(resident: Resident) -> Result<Response, Problem> {
    let active = resident.active().map(|account| account.id);
    let accounts = resident.accounts().iter().map(|account| AccountContext {
        id: account.id.to_string(),
        number: account.number.clone(),
        address: account.address.clone(),
        active: active == Some(account.id),
        closed_on: account.closed_on,
    });
    let context = ListContext { accounts: accounts.collect(), can_link: false, can_unlink: false };
    resident.page("Выбор лицевого счета", "accounts/list.html", &context)
}

#[derive(Deserialize)]
struct SelectForm {
    next: Option<String>,
}

/// Chooses the account that the pages show; another resident's is not found.
#[handler]
async fn select(resident: Resident, id: Path<String>, Form(form): Form<SelectForm>) -> Result<Response, Problem> {
    let id: Uuid = id.0.parse().map_err(|_| Problem::not_found())?;
    if !resident.accounts().iter().any(|account| account.id == id) {
        return Err(Problem::not_found());
    }
    let mut tx = resident.begin().await?;
    people::choose_account(&mut tx, ResidentId(resident.id()), Some(AccountId(id))).await?;
    tx.commit().await?;
    Ok(resident.done(local_path(form.next.as_deref().unwrap_or("/overview"))))
}
