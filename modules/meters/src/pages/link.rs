//! The page of a one-meter link: one meter, one field, no login. Whatever is wrong with a link, the same page
//! says so: a stranger learns nothing of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use kabinet_contracts::Estimates;
use kabinet_core::limits::{self, Limit};
use kabinet_core::{Day, Timestamp};
use kabinet_files::Files;
use kabinet_web::upload::brings_files;
use kabinet_web::{ClientAddress, FormWithFiles, Guest, Problem, see_other};
use poem::web::{Data, Path, Query};
use poem::{FromRequest, Request, RequestBody, Response, handler};
use serde::Serialize;

use super::readings::Address;
use crate::error::Error;
use crate::links::{self, Links, MeterLink, PATH, ValidLink};
use crate::pages::{Fault, denied};
use crate::photos::{self, Kept};
use crate::resource::Source;
use crate::submission::Submission;
use crate::verdict::{Refusal, Terms, Verdict};
use crate::view::{ReadingsContext, SentResult};

const TITLE: &str = "Передать показание";
const TEMPLATE: &str = "meters/link.html";
const GONE: &str = "meters/link_gone.html";
/// Refused readings allowed by the links of one meter and month.
const PER_LINK: Limit = Limit { most: 20, seconds: 24 * 3600 };
/// Refused readings allowed from one address by links.
const PER_ADDRESS: Limit = Limit { most: 60, seconds: 3600 };

/// The context of `meters/link.html`.
#[derive(Serialize)]
struct LinkContext {
    action: String,
    /// The last characters of the serial number: enough to tell two meters apart.
    serial_end: String,
    /// First day on which readings are taken.
    from: Day,
    /// Last day.
    until: Day,
    /// Whether they are taken today.
    open: bool,
    /// The date that the reading gets.
    date: Day,
    errors: Vec<Verdict>,
    form: ReadingsContext,
}

#[derive(Serialize)]
struct GoneContext {
    errors: [(); 0],
}

impl LinkContext {
    fn of(guest: &Guest, token: &str, valid: &ValidLink, sent: Option<i64>, today: Day) -> Result<Self, Problem> {
        let result = sent.and_then(|sent| SentResult::of(&valid.meters, Timestamp(sent)));
        let terms = Terms::of(guest.tenant(), today, Source::Link)?;
        let form = ReadingsContext::fresh(&valid.meters, terms, result).for_guest();
        Ok(Self::around(token, valid, form, today))
    }

    fn refused(
        guest: &Guest,
        token: &str,
        valid: &ValidLink,
        (typed, refusal): (&Submission, Refusal),
        today: Day,
    ) -> Result<Self, Problem> {
        let terms = Terms::of(guest.tenant(), today, Source::Link)?;
        let errors = refusal.verdicts.clone();
        let form = ReadingsContext::refused(&valid.meters, terms, typed, refusal).for_guest();
        Ok(Self { errors, ..Self::around(token, valid, form, today) })
    }

    fn around(token: &str, valid: &ValidLink, form: ReadingsContext, today: Day) -> Self {
        let serial = valid.meters.first().map_or("", |meter| meter.serial.as_str());
        let hidden = serial.chars().count().saturating_sub(4);
        Self {
            action: format!("{PATH}{token}"),
            serial_end: serial.chars().skip(hidden).collect(),
            from: valid.from,
            until: valid.until,
            open: valid.from <= today,
            date: valid.date,
            errors: Vec::new(),
            form,
        }
    }
}

/// Somebody with what the token in the address opens. Of somebody whose token opens nothing no form with photos is read.
pub(crate) struct Opener {
    guest: Guest,
    token: String,
    link: Option<MeterLink>,
}

impl<'a> FromRequest<'a> for Opener {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let guest = Guest::from_request(request, body).await?;
        let Path(token) = Path::<String>::from_request(request, body).await?;
        let Data(links) = Data::<&Links>::from_request(request, body).await?;
        let link = links.open(guest.tenant().id, &token);
        if link.is_none() && brings_files(request) {
            return Err(poem::Error::from_response(gone(&guest)?));
        }
        Ok(Self { guest, token, link })
    }
}

fn gone(guest: &Guest) -> Result<Response, Problem> {
    guest.missing("Ссылка не действует", GONE, &GoneContext { errors: [] })
}

/// GET /readings/link/<token>
#[handler]
pub(crate) async fn show(
    Opener { guest, token, link }: Opener,
    Query(address): Query<Address>,
) -> Result<Response, Problem> {
    let Some(link) = link else { return gone(&guest) };
    let tx = guest.read().await?;
    let (today, found) = (tx.today(), links::find(&tx, link).await?);
    tx.commit().await?;
    match found {
        Some(valid) => guest.page(TITLE, TEMPLATE, &LinkContext::of(&guest, &token, &valid, address.sent, today)?),
        None => gone(&guest),
    }
}

/// POST /readings/link/<token>: counted before it is judged; one that is stored was no failure.
#[handler]
pub(crate) async fn send(
    Opener { guest, token, link }: Opener,
    client: ClientAddress,
    FormWithFiles { fields, files: sent }: FormWithFiles<BTreeMap<String, String>>,
    Data(estimates): Data<&Arc<dyn Estimates>>,
    Data(files): Data<&Files>,
) -> Result<Response, Problem> {
    let Some(link) = link else { return gone(&guest) };
    let (db, typed) = (&guest.platform().db, Submission::from_form(&fields));
    let counted = limits::begin(db, &counters(&guest, link, &client.0)).await?.map_err(Problem::too_many)?;
    let kept = match photos::receive(files, db, guest.tenant(), link.meter.0, sent, &typed).await? {
        Ok(kept) => kept,
        Err(photos::Denied { why, wait }) => {
            return Ok(denied(refused(&guest, &token, link, (&typed, why)).await?, wait));
        }
    };
    let stored = store(&guest, link, &**estimates, &typed, &kept).await;
    if !matches!(stored, Ok(Some(_))) {
        photos::let_go(files, guest.tenant(), &kept).await;
    }
    match stored {
        Ok(Some(at)) => {
            counted.give_back(db).await?;
            Ok(see_other(&format!("{PATH}{token}?sent={}", at.0)))
        }
        Ok(None) => gone(&guest),
        Err(Fault::Refused(refusal)) => refused(&guest, &token, link, (&typed, *refusal)).await,
        Err(Fault::Other(problem)) => Err(problem),
    }
}

/// Stores the reading with its photo: when; none where the link holds no longer.
async fn store(
    guest: &Guest,
    link: MeterLink,
    estimates: &dyn Estimates,
    typed: &Submission,
    kept: &[Kept],
) -> Result<Option<Timestamp>, Fault> {
    let mut tx = guest.begin().await?;
    let Some(accepted) = links::submit(&mut tx, estimates, link, typed).await? else { return Ok(None) };
    photos::attach(&tx, &accepted, kept).await?;
    tx.commit().await.map_err(Error::from)?;
    Ok(Some(accepted.stored_at))
}

fn counters(guest: &Guest, link: MeterLink, address: &str) -> [(String, Limit); 2] {
    let tenant = guest.tenant().id;
    [
        (format!("meter-link:{tenant}:{}:{}", link.meter, link.period), PER_LINK),
        (format!("meter-link-address:{tenant}:{address}"), PER_ADDRESS),
    ]
}

async fn refused(
    guest: &Guest,
    token: &str,
    link: MeterLink,
    refusal: (&Submission, Refusal),
) -> Result<Response, Problem> {
    let tx = guest.read().await?;
    let (today, found) = (tx.today(), links::find(&tx, link).await?);
    tx.commit().await?;
    match found {
        Some(valid) => guest.refused(TITLE, TEMPLATE, &LinkContext::refused(guest, token, &valid, refusal, today)?),
        None => gone(guest),
    }
}
