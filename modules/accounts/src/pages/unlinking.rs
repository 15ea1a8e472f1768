//! «Отвязка лицевого счета»: «Х», a question, done.

use kabinet_contracts::{AccountId, ResidentId};
use kabinet_web::{Form, Problem, Resident, identifier};
use poem::web::Path;
use poem::{Response, handler};
use serde::{Deserialize, Serialize};

use crate::links;

#[derive(Serialize)]
struct UnlinkContext<'a> {
    id: String,
    number: &'a str,
    address: &'a str,
}

/// GET /accounts/<id>/unlink
#[handler]
pub(crate) fn ask(resident: Resident, id: Path<String>) -> Result<Response, Problem> {
    let account = resident.own_account(identifier(&id)?)?;
    let context = UnlinkContext { id: account.id.to_string(), number: &account.number, address: &account.address };
    resident.page("Отвязка лицевого счета", "accounts/unlink.html", &context)
}

#[derive(Deserialize)]
pub(crate) struct NoFields {}

/// POST /accounts/<id>/unlink
#[handler]
pub(crate) async fn unlink(resident: Resident, id: Path<String>, _form: Form<NoFields>) -> Result<Response, Problem> {
    let account = resident.own_account(identifier(&id)?)?;
    let mut tx = resident.begin().await?;
    links::unlink(&mut tx, ResidentId(resident.id()), AccountId(account.id)).await?;
    tx.commit().await?;
    Ok(resident.done_saying("/accounts", &format!("Лицевой счет {} отвязан", account.number)))
}
