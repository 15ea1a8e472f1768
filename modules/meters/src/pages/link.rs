//! The page of a one-meter link: one meter, one field, no login. Whatever is wrong with a link, the same page
//! says so: a stranger learns nothing of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use kabinet_contracts::Estimates;
use kabinet_core::limits::{self, Limit};
use kabinet_core::{Day, Timestamp};
use kabinet_web::person::see_other;
use kabinet_web::{ClientAddress, Form, Guest, Problem};
use poem::web::{Data, Path, Query};
use poem::{Response, handler};
use serde::Serialize;

use super::readings::Address;
use crate::error::Error;
use crate::links::{self, Linked, Links, PATH, Ticket};
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
    fn of(guest: &Guest, ticket: &str, linked: &Linked, sent: Option<i64>, today: Day) -> Result<Self, Problem> {
        let result = sent.and_then(|sent| SentResult::of(&linked.meters, Timestamp(sent)));
        let terms = Terms::of(guest.tenant(), today, Source::Link)?;
        let form = ReadingsContext::fresh(&linked.meters, terms, result).for_guest();
        Ok(Self::around(ticket, linked, form, today))
    }

    fn refused(
        guest: &Guest,
        ticket: &str,
        linked: &Linked,
        (typed, refusal): (&Submission, Refusal),
        today: Day,
    ) -> Result<Self, Problem> {
        let terms = Terms::of(guest.tenant(), today, Source::Link)?;
        let errors = refusal.verdicts.clone();
        let form = ReadingsContext::refused(&linked.meters, terms, typed, refusal).for_guest();
        Ok(Self { errors, ..Self::around(ticket, linked, form, today) })
    }

    fn around(ticket: &str, linked: &Linked, form: ReadingsContext, today: Day) -> Self {
        let serial = linked.meters.first().map_or("", |meter| meter.serial.as_str());
        let hidden = serial.chars().count().saturating_sub(4);
        Self {
            action: format!("{PATH}{ticket}"),
            serial_end: serial.chars().skip(hidden).collect(),
            from: linked.from,
            until: linked.until,
            open: linked.from <= today,
            date: linked.date,
            errors: Vec::new(),
            form,
        }
    }
}

fn gone(guest: &Guest) -> Result<Response, Problem> {
    guest.missing("Ссылка не действует", GONE, &GoneContext { errors: [] })
}

/// GET /readings/link/<ticket>
#[handler]
pub(crate) async fn show(
    guest: Guest,
    Path(text): Path<String>,
    Query(address): Query<Address>,
    Data(links): Data<&Links>,
) -> Result<Response, Problem> {
    let Some(ticket) = links.open(guest.tenant().id, &text) else { return gone(&guest) };
    let tx = guest.read().await?;
    let (today, found) = (tx.today(), links::find(&tx, ticket).await?);
    tx.commit().await?;
    match found {
        Some(linked) => guest.page(TITLE, TEMPLATE, &LinkContext::of(&guest, &text, &linked, address.sent, today)?),
        None => gone(&guest),
    }
}

/// POST /readings/link/<ticket>: counted before it is judged; one that is stored was no failure.
#[handler]
pub(crate) async fn send(
    guest: Guest,
    Path(text): Path<String>,
    client: ClientAddress,
    Form(fields): Form<BTreeMap<String, String>>,
    Data(links): Data<&Links>,
    Data(estimates): Data<&Arc<dyn Estimates>>,
) -> Result<Response, Problem> {
    let Some(ticket) = links.open(guest.tenant().id, &text) else { return gone(&guest) };
    let (db, typed) = (&guest.platform().db, Submission::from_form(&fields));
    let counted = limits::begin(db, &counters(&guest, ticket, &client.0)).await?.map_err(Problem::too_many)?;
    let mut tx = guest.begin().await?;
    match links::submit(&mut tx, &**estimates, ticket, &typed).await {
        Ok(Some(accepted)) => {
            tx.commit().await?;
            counted.give_back(db).await?;
            Ok(see_other(&format!("{PATH}{text}?sent={}", accepted.stored_at.0)))
        }
        Ok(None) => gone(&guest),
        Err(Error::Refused(refusal)) => {
            drop(tx);
            refused(&guest, &text, ticket, (&typed, *refusal)).await
        }
        Err(error) => Err(error.into()),
    }
}

fn counters(guest: &Guest, ticket: Ticket, address: &str) -> [(String, Limit); 2] {
    let tenant = guest.tenant().id;
    [
        (format!("meter-link:{tenant}:{}:{}", ticket.meter, ticket.period), PER_LINK),
        (format!("meter-link-address:{tenant}:{address}"), PER_ADDRESS),
    ]
}

async fn refused(
    guest: &Guest,
    text: &str,
    ticket: Ticket,
    refusal: (&Submission, Refusal),
) -> Result<Response, Problem> {
    let tx = guest.read().await?;
    let (today, found) = (tx.today(), links::find(&tx, ticket).await?);
    tx.commit().await?;
    match found {
        Some(linked) => guest.refused(TITLE, TEMPLATE, &LinkContext::refused(guest, text, &linked, refusal, today)?),
        None => gone(guest),
    }
}
