//! «Привязка лицевого счета»: find, then prove.
//!
//! What was typed in the first step waits sealed in the browser; the account is looked for only when the
//! proof is there, so that the first step says the same of every number.

use std::sync::Arc;

use kabinet_contracts::{ReceiptCodes, ResidentId};
use kabinet_core::text::search_key;
use kabinet_web::cookie::Purpose;
use kabinet_web::{ClientAddress, FieldError, Form, Problem, Resident, sealed};
use poem::web::{Data, Query};
use poem::{Request, Response, handler};
use serde::{Deserialize, Serialize};

use crate::codes::LinkCode;
use crate::error::Error;
use crate::linking::{Attempt, Proof, attempt};
use crate::search::Wanted;
use crate::settings::{AccountsSettings, LinkMethod};

const TITLE: &str = "Привязка лицевого счета";
const FIND: &str = "accounts/link.html";
const CHECK: &str = "accounts/check.html";
/// Seconds in which the second step must follow the first.
const WAITS: i64 = 900;

#[derive(Deserialize)]
pub(crate) struct Step {
    step: Option<String>,
}

/// Both steps' fields: the first sends `account`, the second `surname` or `code`.
#[derive(Default, Deserialize)]
pub(crate) struct LinkForm {
    account: Option<String>,
    #[serde(default)]
    house: String,
    #[serde(default)]
    flat: String,
    surname: Option<String>,
    code: Option<String>,
}

#[derive(Serialize)]
struct FindContext<'a> {
    form: &'a Wanted,
    errors: Vec<FieldError>,
}

#[derive(Serialize)]
struct CheckContext<'a> {
    by_surname: bool,
    surname: &'a str,
    code: &'a str,
    errors: Vec<FieldError>,
}

/// GET /accounts/link
#[handler]
pub(crate) fn show(resident: Resident, Query(step): Query<Step>, request: &Request) -> Result<Response, Problem> {
    let waiting: Option<Wanted> = sealed::waiting(request, resident.tenant(), Purpose::Linking);
    match (step.step.as_deref(), waiting) {
        (Some("check"), Some(_)) => {
            let by_surname = AccountsSettings::of(resident.tenant())?.linking == LinkMethod::Surname;
            resident.page(TITLE, CHECK, &CheckContext { by_surname, surname: "", code: "", errors: Vec::new() })
        }
        (Some("change"), Some(form)) => resident.page(TITLE, FIND, &FindContext { form: &form, errors: Vec::new() }),
        _ => resident.page(TITLE, FIND, &FindContext { form: &Wanted::default(), errors: Vec::new() }),
    }
}

/// POST /accounts/link
#[handler]
pub(crate) async fn send(
    resident: Resident,
    address: ClientAddress,
    Form(form): Form<LinkForm>,
    Data(receipts): Data<&Arc<dyn ReceiptCodes>>,
    request: &Request,
) -> Result<Response, Problem> {
    if form.account.is_some() {
        return find(&resident, &form);
    }
    let Some(wanted) = sealed::waiting(request, resident.tenant(), Purpose::Linking) else {
        return Ok(resident.done_saying("/accounts/link", "Найдите лицевой счет ещё раз"));
    };
    let by_surname = AccountsSettings::of(resident.tenant())?.linking == LinkMethod::Surname;
    let proof = match proof(&form, by_surname) {
        Ok(proof) => proof,
        Err(error) => return refuse(&resident, &form, by_surname, error),
    };
    let platform = resident.platform();
    let tried = Attempt { resident: ResidentId(resident.id()), address: &address.0, wanted: &wanted, proof: &proof };
    match attempt(&platform.db, resident.tenant(), &**receipts, tried).await {
        Ok(found) => {
            let done = resident.done_saying("/overview", &format!("Лицевой счет {} привязан", found.number));
            Ok(sealed::with_cookie(done, &sealed::gone(platform, Purpose::Linking)))
        }
        Err(error @ (Error::Refused | Error::AlreadyLinked)) => {
            let field = if matches!(proof, Proof::Code(_)) { "code" } else { "surname" };
            refuse(&resident, &form, by_surname, FieldError::new(field, error.to_string()))
        }
        Err(error) => Err(error.into()),
    }
}

fn find(resident: &Resident, form: &LinkForm) -> Result<Response, Problem> {
    let wanted = Wanted::typed(form.account.as_deref().unwrap_or_default(), &form.house, &form.flat);
    let errors = wanted.mistakes();
    if !errors.is_empty() {
        return resident.refused(TITLE, FIND, &FindContext { form: &wanted, errors });
    }
    let platform = resident.platform();
    let waits = sealed::cookie(platform, resident.tenant(), Purpose::Linking, &wanted, WAITS)?;
    Ok(sealed::with_cookie(resident.done("/accounts/link?step=check"), &waits))
}

/// The proof that was typed. A code with a slip in it costs no attempt: it could fit no account.
fn proof(form: &LinkForm, by_surname: bool) -> Result<Proof, FieldError> {
    let typed = |text: &Option<String>| text.as_deref().unwrap_or_default().trim().to_owned();
    let (surname, code) = (typed(&form.surname), typed(&form.code));
    if !code.is_empty() {
        let wrong = || FieldError::new("code", "В коде ошибка: сверьте его с последней квитанцией");
        return LinkCode::parse(&code).map(Proof::Code).ok_or_else(wrong);
    }
    match (by_surname, search_key(&surname).is_empty()) {
        (true, false) => Ok(Proof::Surname(surname)),
        (true, true) => Err(FieldError::new("surname", "Введите фамилию собственника или нанимателя")),
        (false, _) => Err(FieldError::new("code", "Введите код для привязки из последней квитанции")),
    }
}

fn refuse(resident: &Resident, form: &LinkForm, by_surname: bool, error: FieldError) -> Result<Response, Problem> {
    let text = |text: &'_ Option<String>| text.clone().unwrap_or_default();
    let (surname, code) = (text(&form.surname), text(&form.code));
    let context = CheckContext { by_surname, surname: &surname, code: &code, errors: vec![error] };
    resident.refused(TITLE, CHECK, &context)
}
