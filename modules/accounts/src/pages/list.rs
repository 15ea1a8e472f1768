//! «Выбор лицевого счета».

use kabinet_contracts::{AccountId, ResidentId};
use kabinet_core::Day;
use kabinet_residents::people;
use kabinet_web::form::local_path;
use kabinet_web::{Form, LinkedAccount, Problem, Resident};
use poem::web::Path;
use poem::{Response, handler};
use serde::{Deserialize, Serialize};

use super::identifier;

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
    own: bool,
    helps_until: Option<Day>,
}

/// GET /accounts
#[handler]
pub(crate) fn show(resident: Resident) -> Result<Response, Problem> {
    let active = resident.active().map(|account| account.id);
    let zone = resident.tenant().zone;
    let accounts = resident.accounts().iter().map(|account| AccountContext {
        id: account.id.to_string(),
        number: account.number.clone(),
        address: account.address.clone(),
        active: active == Some(account.id),
        closed_on: account.closed_on,
        own: account.access.is_full(),
        helps_until: account.ends_at.map(|end| end.plus_seconds(-1).day(zone)),
    });
    let context = ListContext { accounts: accounts.collect(), can_link: true, can_unlink: true };
    resident.page("Выбор лицевого счета", "accounts/list.html", &context)
}

#[derive(Deserialize)]
pub(crate) struct SelectForm {
    next: Option<String>,
}

/// POST /accounts/<id>/select: the account that the pages show; another resident's is not found.
#[handler]
pub(crate) async fn select(
    resident: Resident,
    id: Path<String>,
    Form(form): Form<SelectForm>,
) -> Result<Response, Problem> {
    let id = identifier(&id)?;
    let account = resident.accounts().iter().find(|account| account.id == id).ok_or_else(Problem::not_found)?;
    let mut tx = resident.begin().await?;
    people::choose_account(&mut tx, ResidentId(resident.id()), Some(AccountId(id))).await?;
    tx.commit().await?;
    Ok(resident.done(next_page(account, form.next.as_deref())))
}

/// The page to return to, unless the chosen account does not have it.
fn next_page<'a>(account: &LinkedAccount, next: Option<&'a str>) -> &'a str {
    let next = local_path(next.unwrap_or("/overview"));
    if account.access.sees_sums() || next.starts_with("/meters") { next } else { "/overview" }
}
