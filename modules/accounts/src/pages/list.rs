//! «Выбор лицевого счета».

use std::collections::HashMap;
use std::sync::Arc;

use kabinet_contracts::{AccountFlag, AccountFlags, AccountId, ResidentId};
use kabinet_core::Day;
use kabinet_residents::people;
use kabinet_web::form::local_path;
use kabinet_web::{Form, LinkedAccount, Problem, Resident, identifier};
use poem::web::Path;
use poem::{Response, handler};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Serialize)]
struct ListContext {
    accounts: Vec<AccountContext>,
    can_link: bool,
    can_unlink: bool,
    /// The headings of the columns that other modules add.
    flags: Vec<&'static str>,
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
    /// A flag in each of those columns; none where the account has no such flag.
    flags: Vec<Option<FlagContext>>,
}

#[derive(Clone, Serialize)]
struct FlagContext {
    set: bool,
    action: String,
    note: String,
    link: Option<(String, String)>,
}

impl From<&AccountFlag> for FlagContext {
    fn from(flag: &AccountFlag) -> Self {
        Self { set: flag.set, action: flag.action.clone(), note: flag.note.clone(), link: flag.link.clone() }
    }
}

/// A column of flags: its heading and the flags by account.
type Column = (&'static str, HashMap<AccountId, AccountFlag>);

/// GET /accounts
#[handler]
pub(crate) async fn show(resident: Resident) -> Result<Response, Problem> {
    let columns = columns(&resident).await?;
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
        flags: columns.iter().map(|(_, flags)| flags.get(&AccountId(account.id)).map(FlagContext::from)).collect(),
    });
    let flags = columns.iter().map(|(title, _)| *title).collect();
    let context = ListContext { accounts: accounts.collect(), can_link: true, can_unlink: true, flags };
    resident.page("Выбор лицевого счета", "accounts/list.html", &context)
}

/// The columns that modules of the company add, for the accounts that the resident holds and that are not closed.
async fn columns(resident: &Resident) -> Result<Vec<Column>, Problem> {
    let asked: Vec<Arc<dyn AccountFlags>> = resident.platform().registry.answers(resident.tenant());
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let open = |account: &&LinkedAccount| account.access.is_full() && account.closed_on.is_none();
    let held = resident.accounts().iter().filter(open);
    let held: Vec<AccountId> = held.map(|account| AccountId(account.id)).collect();
    let tx = resident.read().await?;
    let mut columns = Vec::with_capacity(asked.len());
    for flags in asked {
        columns.push((flags.title(), flags.flags(&tx, ResidentId(resident.id()), &held).await?));
    }
    tx.commit().await?;
    Ok(columns)
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
    let id: Uuid = identifier(&id)?;
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
