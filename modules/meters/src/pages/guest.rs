//! Readings without registration: find the account, then send, as a resident does.

use std::collections::BTreeMap;
use std::sync::Arc;

use kabinet_accounts::search::{self, Wanted};
use kabinet_contracts::{AccountId, Estimates};
use kabinet_core::Timestamp;
use kabinet_core::limits::{self, Limit};
use kabinet_files::Files;
use kabinet_web::captcha::Captcha;
use kabinet_web::cookie::Purpose;
use kabinet_web::upload::brings_files;
use kabinet_web::{ClientAddress, FieldError, Form, FormWithFiles, Guest, Problem, sealed, see_other};
use poem::web::{Data, Query};
use poem::{FromRequest, Request, RequestBody, Response, handler};
use serde::{Deserialize, Serialize};

use super::readings::{Address, TEMPLATE};
use crate::error::Error;
use crate::pages::{Fault, denied, too_often};
use crate::photos::{self, Kept};
use crate::readings::{load, submit};
use crate::resource::Source;
use crate::submission::Submission;
use crate::verdict::{Refusal, Terms, Verdict};
use crate::view::{ReadingsContext, SentResult};

const TITLE: &str = "Передать показания";
const FIND: &str = "meters/find.html";
/// Seconds in which a guest who found an account may send readings.
const OPEN: i64 = 30 * 60;
/// Readings that may be sent for one account in a day, the refused ones too.
const SENT: Limit = Limit { most: 40, seconds: 24 * 3600 };
/// Failures allowed for one account number.
const PER_ACCOUNT: Limit = Limit { most: 5, seconds: 24 * 3600 };
/// Failures allowed from one address.
const PER_ADDRESS: Limit = Limit { most: 10, seconds: 3600 };

#[derive(Default, Deserialize)]
pub(crate) struct FindForm {
    #[serde(default)]
    account: String,
    #[serde(default)]
    house: String,
    #[serde(default)]
    flat: String,
    captcha: Option<String>,
    #[serde(default)]
    captcha_token: String,
}

#[derive(Serialize)]
struct FindContext<'a> {
    form: &'a Wanted,
    captcha: Captcha,
    errors: Vec<FieldError>,
}

/// GET /readings
#[handler]
pub(crate) fn show(guest: Guest) -> Result<Response, Problem> {
    let context = FindContext { form: &Wanted::default(), captcha: guest.captcha(), errors: Vec::new() };
    guest.page(TITLE, FIND, &context)
}

/// POST /readings: a form without the field for the code comes from elsewhere and is shown with it.
#[handler]
pub(crate) async fn find(
    guest: Guest,
    address: ClientAddress,
    Form(form): Form<FindForm>,
) -> Result<Response, Problem> {
    let wanted = Wanted::typed(&form.account, &form.house, &form.flat);
    let Some(answer) = &form.captcha else {
        return guest.page(TITLE, FIND, &FindContext { form: &wanted, captcha: guest.captcha(), errors: Vec::new() });
    };
    let mut errors = wanted.mistakes();
    errors.extend(guest.captcha_error(&form.captcha_token, answer).await?);
    if !errors.is_empty() {
        return refuse(&guest, &wanted, errors);
    }
    match look(&guest, &address.0, &wanted).await? {
        Some(account) => {
            let found = sealed::cookie(guest.platform(), guest.tenant(), Purpose::Readings, &account, OPEN)?;
            Ok(sealed::with_cookie(see_other("/readings/submit"), &found))
        }
        None => {
            let text = "Лицевой счет не найден: проверьте номер, дом и квартиру";
            refuse(&guest, &wanted, vec![FieldError::new("account", text)])
        }
    }
}

fn refuse(guest: &Guest, wanted: &Wanted, errors: Vec<FieldError>) -> Result<Response, Problem> {
    guest.refused(TITLE, FIND, &FindContext { form: wanted, captcha: guest.captcha(), errors })
}

/// The open account that was looked for. The attempt is counted before it is made; one that finds
/// something was no failure.
async fn look(guest: &Guest, address: &str, wanted: &Wanted) -> Result<Option<AccountId>, Problem> {
    let db = &guest.platform().db;
    let tx = guest.read().await?;
    let search = search::find(&tx, wanted).await?;
    let today = tx.today();
    tx.commit().await?;
    let tenant = guest.tenant().id;
    let counters = [
        (format!("readings:{tenant}:{}", search.counted), PER_ACCOUNT),
        (format!("readings-address:{tenant}:{address}"), PER_ADDRESS),
    ];
    let counted = limits::begin(db, &counters).await?.map_err(Problem::too_many)?;
    let open = search.found.filter(|found| found.closed_on.is_none_or(|closed| closed > today));
    if open.is_some() {
        counted.give_back(db).await?;
    }
    Ok(open.map(|found| found.id))
}

/// Somebody with the account that this browser found a short while ago. Of a browser that found none no form with photos
/// is read.
pub(crate) struct Finder {
    guest: Guest,
    found: Option<AccountId>,
}

impl<'a> FromRequest<'a> for Finder {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let guest = Guest::from_request(request, body).await?;
        let found = sealed::waiting(request, guest.tenant(), Purpose::Readings);
        if found.is_none() && brings_files(request) {
            return Err(poem::Error::from_response(see_other("/readings")));
        }
        Ok(Self { guest, found })
    }
}

/// GET /readings/submit
#[handler]
pub(crate) async fn show_form(
    Finder { guest, found }: Finder,
    Query(address): Query<Address>,
) -> Result<Response, Problem> {
    let Some(account) = found else { return Ok(see_other("/readings")) };
    let tx = guest.read().await?;
    let today = tx.today();
    let meters = load(&tx, account).await?;
    tx.commit().await?;
    let result = address.sent.and_then(|sent| SentResult::of(&meters, Timestamp(sent)));
    let terms = Terms::of(guest.tenant(), today, Source::Guest)?;
    guest.page(TITLE, TEMPLATE, &ReadingsContext::fresh(&meters, terms, result).for_guest())
}

/// POST /readings/submit
#[handler]
pub(crate) async fn send(
    Finder { guest, found }: Finder,
    FormWithFiles { fields, files: sent }: FormWithFiles<BTreeMap<String, String>>,
    Data(estimates): Data<&Arc<dyn Estimates>>,
    Data(files): Data<&Files>,
) -> Result<Response, Problem> {
    let Some(account) = found else { return Ok(see_other("/readings")) };
    let submission = Submission::from_form(&fields);
    let counter = format!("readings-sent:{}:{account}", guest.tenant().id);
    if let limits::Verdict::Wait(seconds) = limits::hit(&guest.platform().db, &counter, SENT).await? {
        return Ok(too_often(refused(&guest, account, &submission, too_many()).await?, seconds));
    }
    let (db, tenant) = (&guest.platform().db, guest.tenant());
    let kept = match photos::receive(files, db, tenant, account.0, sent, &submission).await? {
        Ok(kept) => kept,
        Err(photos::Denied { why, wait }) => {
            return Ok(denied(refused(&guest, account, &submission, why).await?, wait));
        }
    };
    let stored = store(&guest, account, &**estimates, &submission, &kept).await;
    if !matches!(stored, Ok(Some(_))) {
        photos::let_go(files, tenant, &kept).await;
    }
    match stored {
        Ok(Some(at)) => Ok(see_other(&format!("/readings/submit?sent={}", at.0))),
        Ok(None) => Ok(see_other("/readings")),
        Err(Fault::Refused(refusal)) => refused(&guest, account, &submission, *refusal).await,
        Err(Fault::Other(problem)) => Err(problem),
    }
}

/// Stores the readings with their photos: when; none where the account was closed meanwhile.
async fn store(
    guest: &Guest,
    account: AccountId,
    estimates: &dyn Estimates,
    submission: &Submission,
    kept: &[Kept],
) -> Result<Option<Timestamp>, Fault> {
    let mut tx = guest.begin().await?;
    if !search::is_open(&tx, account).await.map_err(Error::from)? {
        return Ok(None);
    }
    let accepted = submit(&mut tx, estimates, account, submission, Source::Guest).await?;
    photos::attach(&tx, &accepted, kept).await?;
    tx.commit().await.map_err(Error::from)?;
    Ok(Some(accepted.stored_at))
}

fn too_many() -> Refusal {
    let text =
        format!("По этому лицевому счету можно передать показания {} раз в сутки: передайте их завтра", SENT.most);
    Refusal::of(vec![Verdict { field: "date".to_owned(), text }])
}

/// The form as it was sent, with what is wrong.
async fn refused(
    guest: &Guest,
    account: AccountId,
    submission: &Submission,
    refusal: Refusal,
) -> Result<Response, Problem> {
    let tx = guest.read().await?;
    let (meters, today) = (load(&tx, account).await?, tx.today());
    tx.commit().await?;
    let terms = Terms::of(guest.tenant(), today, Source::Guest)?;
    guest.refused(TITLE, TEMPLATE, &ReadingsContext::refused(&meters, terms, submission, refusal).for_guest())
}
