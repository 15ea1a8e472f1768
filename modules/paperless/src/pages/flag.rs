//! The flag: a press in the list of accounts leads here. Where paper is printed the application opens, where it is not
//! the question whether it is to be printed again.

use kabinet_contracts::{AccountId, ResidentId};
use kabinet_core::Day;
use kabinet_core::limits::{self, Limit, Verdict};
use kabinet_render::ReceiptPrinter;
use kabinet_web::{FieldError, Form, LinkedAccount, Problem, Resident};
use poem::web::{Data, Path, Query};
use poem::{Response, handler};
use serde::{Deserialize, Serialize};

use super::identifier;
use crate::application::{self, Application};
use crate::error::Error;
use crate::flags::document_href;
use crate::refusals::{self, Standing};

const TITLE: &str = "Отказ от бумажного носителя платежного документа";
const APPLICATION: &str = "paperless/application.html";
const RESTORE: &str = "paperless/restore.html";
/// Applications that one resident may send in a day: each is printed.
const SENT: Limit = Limit { most: 20, seconds: 24 * 3600 };

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
    let tx = resident.read().await?;
    let standing = refusals::standing(&tx, ResidentId(resident.id()), AccountId(account.id)).await?;
    let draft = application::draft(&tx, AccountId(account.id), resident.email()).await?;
    let today = tx.today();
    tx.commit().await?;
    let applies = standing.own.is_none() && (!standing.others || asked.own.is_some());
    if !applies {
        return restore_page(&resident, account, &standing);
    }
    refuse_closed(account, today)?;
    resident.page(TITLE, APPLICATION, &context(&draft, standing.others, &draft.signatory, Vec::new()))
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
            let mut tx = resident.begin().await?;
            refusals::restore(&mut tx, ResidentId(resident.id()), AccountId(account.id)).await?;
            tx.commit().await?;
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
    let tx = resident.read().await?;
    let standing = refusals::standing(&tx, ResidentId(resident.id()), AccountId(account.id)).await?;
    let draft = application::draft(&tx, AccountId(account.id), resident.email()).await?;
    let today = tx.today();
    tx.commit().await?;
    refuse_closed(account, today)?;
    if standing.own.is_some() {
        return Err(Error::AlreadyRefused.into());
    }
    if draft.email.is_empty() {
        return resident.refused(TITLE, APPLICATION, &context(&draft, standing.others, typed, Vec::new()));
    }
    match confirmed(resident, &draft, typed, printer).await {
        Ok(()) => {
            let text = format!("Заявление № {} принято: следующие квитанции придут на Email", draft.number);
            Ok(resident.done_saying("/accounts", &text))
        }
        Err(Refused::Field(error)) => {
            resident.refused(TITLE, APPLICATION, &context(&draft, standing.others, typed, vec![error]))
        }
        Err(Refused::Page(problem)) => Err(problem),
    }
}

/// Beside a field, or the page's own.
enum Refused {
    Field(FieldError),
    Page(Problem),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        match error {
            Error::Field(field, text) => Self::Field(FieldError::new(field, text)),
            other => Self::Page(other.into()),
        }
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Page(problem)
    }
}

/// Prints the application, then states the refusal.
async fn confirmed(
    resident: &Resident,
    draft: &Application,
    typed: &str,
    printer: &ReceiptPrinter,
) -> Result<(), Refused> {
    let application = Application { signatory: application::signatory(typed)?, ..draft.clone() };
    let counter = format!("paperless:{}:{}", resident.tenant().id, resident.id());
    if let Verdict::Wait(seconds) = limits::hit(&resident.platform().db, &counter, SENT).await.map_err(Error::from)? {
        return Err(Problem::too_many(seconds).into());
    }
    let printed = application::print(printer, resident.tenant(), &application).await;
    let pdf = printed.map_err(application::unprinted)?;
    let mut tx = resident.begin().await?;
    refusals::refuse(&mut tx, ResidentId(resident.id()), &application, pdf).await?;
    Ok(tx.commit().await.map_err(Error::from)?)
}

fn refuse_closed(account: &LinkedAccount, today: Day) -> Result<(), Problem> {
    if account.closed_on.is_some_and(|closed| closed <= today) {
        return Err(Error::AccountClosed.into());
    }
    Ok(())
}

fn context<'a>(
    draft: &'a Application,
    others: bool,
    signatory: &'a str,
    errors: Vec<FieldError>,
) -> ApplicationContext<'a> {
    ApplicationContext {
        id: draft.account.to_string(),
        number: &draft.number,
        on: draft.on.0,
        account: &draft.account_number,
        address: &draft.address,
        email: &draft.email,
        signatory,
        others,
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
