//! The flag: a press in the list of accounts leads here. Where paper is printed the application opens, where it is not
//! the question whether it is to be printed again.

use kabinet_contracts::AccountId;
use kabinet_core::Day;
use kabinet_render::ReceiptPrinter;
use kabinet_web::{FieldError, Form, LinkedAccount, Problem, Resident, identifier};
use poem::web::{Data, Path, Query};
use poem::{Response, handler};
use serde::{Deserialize, Serialize};

use super::statement::{self, Found};
use crate::flags::document_href;
use crate::refusals::Standing;

const TITLE: &str = "Отказ от бумажной квитанции";
const APPLICATION: &str = "paperless/application.html";
const RESTORE: &str = "paperless/restore.html";

#[derive(Default, Deserialize)]
pub(crate) struct Asked {
    /// The application for oneself, where another has refused paper already.
    own: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct FlagForm {
    /// `refuse`, `restore`; nothing from the list of accounts.
    #[serde(default)]
    confirm: String,
    #[serde(default)]
    signatory: String,
}

#[derive(Serialize)]
struct ApplicationContext<'a> {
    id: String,
    number: &'a str,
    on: i32,
    account: &'a str,
    address: &'a str,
    email: &'a str,
    signatory: &'a str,
    others: bool,
    errors: Vec<FieldError>,
}

#[derive(Serialize)]
struct RestoreContext<'a> {
    id: String,
    account: &'a str,
    address: &'a str,
    number: Option<&'a str>,
    since: Option<Day>,
    document_href: Option<String>,
    others: bool,
}

/// GET /accounts/<id>/paperless
#[handler]
pub(crate) async fn show(
    resident: Resident,
    id: Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let account = resident.own_account(identifier(&id)?)?;
    let found = Found::read(&resident, account).await?;
    let standing = &found.standing;
    let applies = standing.own.is_none() && (!standing.others || asked.own.is_some());
    if !applies {
        return restore_page(&resident, account, standing);
    }
    found.open()?;
    resident.page(TITLE, APPLICATION, &context(&found, &found.draft.signatory, Vec::new()))
}

/// POST /accounts/<id>/paperless
#[handler]
pub(crate) async fn change(
    resident: Resident,
    id: Path<String>,
    Form(form): Form<FlagForm>,
    Data(printer): Data<&ReceiptPrinter>,
) -> Result<Response, Problem> {
    let account = resident.own_account(identifier(&id)?)?;
    match form.confirm.as_str() {
        "refuse" => refuse(&resident, account, &form.signatory, printer).await,
        "restore" => {
            statement::restore(&resident, account).await?;
            let text = format!("По лицевому счету {} снова печатается бумажная квитанция", account.number);
            Ok(resident.done_saying("/accounts", &text))
        }
        _ => Ok(resident.done(&format!("/accounts/{}/paperless", account.id))),
    }
}

async fn refuse(
    resident: &Resident,
    account: &LinkedAccount,
    typed: &str,
    printer: &ReceiptPrinter,
) -> Result<Response, Problem> {
    let found = Found::read(resident, account).await?;
    if found.draft.email.is_empty() && found.standing.own.is_none() && !found.closed {
        return resident.refused(TITLE, APPLICATION, &context(&found, typed, Vec::new()));
    }
    match statement::confirm(resident, &found, typed, printer).await {
        Ok(_) => {
            let text = format!("Заявление № {} принято: следующие квитанции придут на Email", found.draft.number);
            Ok(resident.done_saying("/accounts", &text))
        }
        Err(problem) if problem.fields.is_empty() => Err(problem),
        Err(problem) => {
            let errors = problem.fields.into_iter().map(|(field, text)| FieldError::new(&field, text)).collect();
            resident.refused(TITLE, APPLICATION, &context(&found, typed, errors))
        }
    }
}

fn context<'a>(found: &'a Found, signatory: &'a str, errors: Vec<FieldError>) -> ApplicationContext<'a> {
    let draft = &found.draft;
    ApplicationContext {
        id: draft.account.to_string(),
        number: &draft.number,
        on: draft.on.0,
        account: &draft.account_number,
        address: &draft.address,
        email: &draft.email,
        signatory,
        others: found.standing.others,
        errors,
    }
}

fn restore_page(resident: &Resident, account: &LinkedAccount, standing: &Standing) -> Result<Response, Problem> {
    let own = standing.own.as_ref();
    let context = RestoreContext {
        id: account.id.to_string(),
        account: &account.number,
        address: &account.address,
        number: own.map(|refusal| refusal.number.as_str()),
        since: own.map(|refusal| refusal.made_on),
        document_href: own.map(|refusal| document_href(AccountId(account.id), refusal)),
        others: standing.others,
    };
    resident.page(TITLE, RESTORE, &context)
}
