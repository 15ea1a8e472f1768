//! «Привязка лицевого счета»: find, then prove.
//!
//! What was typed in the first step waits sealed in the browser; the account is looked for only when the
//! proof is there, so that the first step says the same of every number. Who came by the QR of a receipt
//! brings the code along: it waits, sealed too, through a login or a registration and fills its field.

use std::sync::Arc;

use kabinet_contracts::{ReceiptCodes, ResidentId};
use kabinet_core::text::search_key;
use kabinet_web::cookie::Purpose;
use kabinet_web::{ClientAddress, FieldError, Form, Guest, Problem, Resident, return_to, sealed};
use poem::web::{Data, Query};
use poem::{Request, Response, handler};
use serde::{Deserialize, Serialize};

use crate::codes::{LinkCode, printed};
use crate::error::Error;
use crate::linking::{Attempt, Proof, attempt};
use crate::sealed_codes::SealedCodes;
use crate::search::Wanted;
use crate::settings::{AccountsSettings, LinkMethod};

const TITLE: &str = "Привязка лицевого счета";
const FIND: &str = "accounts/link.html";
const CHECK: &str = "accounts/check.html";
/// Seconds in which the second step must follow the first.
const WAITS: i64 = 900;
/// Seconds for which the code of a receipt waits: a registration goes through the mail.
const CODE_WAITS: i64 = 3600;

#[derive(Deserialize)]
pub(crate) struct Step {
    step: Option<String>,
    receipt: Option<String>,
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
    scanned: bool,
    errors: Vec<FieldError>,
}

#[derive(Serialize)]
struct CheckContext<'a> {
    by_surname: bool,
    scanned: bool,
    surname: &'a str,
    code: &'a str,
    errors: Vec<FieldError>,
}

/// GET /accounts/link; with `?receipt=…` it is where the QR of a receipt leads, logged in or not.
#[handler]
pub(crate) fn show(
    guest: Guest,
    resident: poem::Result<Resident>,
    Query(step): Query<Step>,
    request: &Request,
) -> poem::Result<Response> {
    if let Some(receipt) = &step.receipt {
        return Ok(scan(&guest, receipt)?);
    }
    let resident = resident?;
    let waiting: Option<Wanted> = sealed::waiting(request, resident.tenant(), Purpose::Linking);
    let code = scanned(request, &resident);
    let page = match (step.step.as_deref(), waiting) {
        (Some("check"), Some(_)) => check_page(&resident, code),
        (step, waiting) => {
            let form = waiting.filter(|_| step == Some("change")).unwrap_or_default();
            resident.page(TITLE, FIND, &FindContext { form: &form, scanned: code.is_some(), errors: Vec::new() })
        }
    };
    Ok(page?)
}

fn check_page(resident: &Resident, code: Option<String>) -> Result<Response, Problem> {
    let by_surname = AccountsSettings::of(resident.tenant())?.linking == LinkMethod::Surname;
    let (scanned, code) = (code.is_some(), code.unwrap_or_default());
    resident.page(TITLE, CHECK, &CheckContext { by_surname, scanned, surname: "", code: &code, errors: Vec::new() })
}

/// Keeps the code that a QR brought along and leads on, without it in the address. Says nothing
/// of an account: the code alone finds none.
fn scan(guest: &Guest, receipt: &str) -> Result<Response, Problem> {
    let platform = guest.platform();
    let next = if guest.is_resident() { "/accounts/link" } else { "/" };
    let Some(code) = SealedCodes::new(&platform.key).open(guest.tenant().id, receipt) else {
        return Ok(guest.done_saying(next, "QR-код не прочитан полностью: введите код с квитанции вручную"));
    };
    let words = if guest.is_resident() {
        "Код из квитанции принят"
    } else {
        "Код из квитанции принят. Войдите или зарегистрируйтесь, чтобы привязать лицевой счет"
    };
    let waits = sealed::cookie(platform, guest.tenant(), Purpose::ReceiptCode, &code.as_str(), CODE_WAITS)?;
    let answer = sealed::with_cookie(guest.done_saying(next, words), &waits);
    if guest.is_resident() {
        return Ok(answer);
    }
    Ok(sealed::with_cookie(answer, &return_to::after_login(platform, guest.tenant(), "/accounts/link")?))
}

/// The code that waits since a QR was read, as printed.
fn scanned(request: &Request, resident: &Resident) -> Option<String> {
    let code: String = sealed::waiting(request, resident.tenant(), Purpose::ReceiptCode)?;
    Some(printed(&code))
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
        return find(&resident, &form, scanned(request, &resident).is_some());
    }
    let Some(wanted) = sealed::waiting(request, resident.tenant(), Purpose::Linking) else {
        return Ok(resident.done_saying("/accounts/link", "Найдите лицевой счет ещё раз"));
    };
    check(&resident, &address, &form, &wanted, &**receipts).await
}

/// The second step: links the account where the proof that was typed fits what was found in the first one.
async fn check(
    resident: &Resident,
    address: &ClientAddress,
    form: &LinkForm,
    wanted: &Wanted,
    receipts: &dyn ReceiptCodes,
) -> Result<Response, Problem> {
    let by_surname = AccountsSettings::of(resident.tenant())?.linking == LinkMethod::Surname;
    let proof = match proof(form, by_surname) {
        Ok(proof) => proof,
        Err(error) => return refuse(resident, form, by_surname, error),
    };
    let tried = Attempt { resident: ResidentId(resident.id()), address: &address.0, wanted, proof: &proof };
    match attempt(&resident.platform().db, resident.tenant(), receipts, tried).await {
        Ok(found) => Ok(linked(resident, &found.number)),
        Err(error @ (Error::Refused | Error::AlreadyLinked)) => {
            let field = if matches!(proof, Proof::Code(_)) { "code" } else { "surname" };
            refuse(resident, form, by_surname, FieldError::new(field, error.to_string()))
        }
        Err(error) => Err(error.into()),
    }
}

/// Where a resident goes who has linked an account; what waited for that is no longer needed.
fn linked(resident: &Resident, number: &str) -> Response {
    let done = resident.done_saying("/overview", &format!("Лицевой счет {number} привязан"));
    let waited = [Purpose::Linking, Purpose::ReceiptCode];
    waited
        .into_iter()
        .fold(done, |done, purpose| sealed::with_cookie(done, &sealed::gone(resident.platform(), purpose)))
}

fn find(resident: &Resident, form: &LinkForm, scanned: bool) -> Result<Response, Problem> {
    let wanted = Wanted::typed(form.account.as_deref().unwrap_or_default(), &form.house, &form.flat);
    let errors = wanted.mistakes();
    if !errors.is_empty() {
        return resident.refused(TITLE, FIND, &FindContext { form: &wanted, scanned, errors });
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
    let context = CheckContext { by_surname, scanned: false, surname: &surname, code: &code, errors: vec![error] };
    resident.refused(TITLE, CHECK, &context)
}
