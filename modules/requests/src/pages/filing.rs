//! The short form of each kind.

use kabinet_contracts::{AccountId, ResidentId};
use kabinet_core::Timestamp;
use kabinet_core::calendar::CompanyCalendar;
use kabinet_files::Files;
use kabinet_web::{FieldError, FormWithFiles, Problem, Resident};
use poem::web::{Data, Query};
use poem::{Response, handler};
use serde::Deserialize;

use super::{count, mistakes};
use crate::attachments::{self, Checked};
use crate::catalogue::{self, PaidService};
use crate::error::Error;
use crate::filing::{self, Asked, Typed};
use crate::settings::RequestsSettings;
use crate::tickets;
use crate::topics::Kind;
use crate::view::{NewContext, heading};

const TEMPLATE: &str = "requests/new.html";

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Address {
    kind: Option<String>,
}

/// The kind that the form or the address names; an appeal where neither does.
fn kind(typed: &str, address: &Address) -> Result<Kind, Problem> {
    let named = if typed.is_empty() { address.kind.as_deref() } else { Some(typed) };
    Kind::of(named.unwrap_or(Kind::Appeal.code())).ok_or_else(Problem::not_found)
}

/// GET /requests/new?kind=…
#[handler]
pub(crate) async fn show(resident: Resident, Query(address): Query<Address>) -> Result<Response, Problem> {
    resident.account()?;
    let kind = kind("", &address)?;
    let tx = resident.read().await?;
    let services = catalogue::offered(&tx).await?;
    let now = tx.now();
    tx.commit().await?;
    if kind == Kind::Paid && services.is_empty() {
        return Err(Problem::not_found());
    }
    form(&resident, (kind, now), &Typed::default(), services, Vec::new())
}

/// POST /requests/new
#[handler]
pub(crate) async fn send(
    resident: Resident,
    Query(address): Query<Address>,
    FormWithFiles { fields: typed, files: sent }: FormWithFiles<Typed>,
    Data(files): Data<&Files>,
) -> Result<Response, Problem> {
    let account = resident.account()?;
    let kind = kind(&typed.kind, &address)?;
    let tx = resident.read().await?;
    let (services, now, today) = (catalogue::offered(&tx).await?, tx.now(), tx.today());
    tx.commit().await?;
    if account.closed_on.is_some_and(|closed| closed <= today) {
        return Err(Error::AccountClosed.into());
    }
    let (asked, checked) = match judged(filing::check(kind, &typed, &services), attachments::check(sent))? {
        Ok(good) => good,
        Err(errors) => return form(&resident, (kind, now), &typed, services, errors),
    };
    count(&resident).await?;
    let number = filed(&resident, AccountId(account.id), &asked, files, checked).await?;
    let text = format!("Заявка № {number} отправлена");
    Ok(resident.done_saying("/requests", &text))
}

type Judged = Result<(Asked, Vec<Checked>), Vec<FieldError>>;

/// Fields and files that are all good, or all that is wrong with them.
fn judged(asked: Result<Asked, Error>, checked: Result<Vec<Checked>, Error>) -> Result<Judged, Problem> {
    match (asked, checked) {
        (Ok(asked), Ok(checked)) => Ok(Ok((asked, checked))),
        (asked, checked) => {
            let mut errors = Vec::new();
            for error in [asked.err(), checked.err()].into_iter().flatten() {
                errors.extend(mistakes(error)?);
            }
            Ok(Err(errors))
        }
    }
}

/// Keeps the files, then files the request with them; its number.
async fn filed(
    resident: &Resident,
    account: AccountId,
    asked: &Asked,
    files: &Files,
    checked: Vec<Checked>,
) -> Result<i64, Problem> {
    let (db, tenant) = (&resident.platform().db, resident.tenant());
    let kept = attachments::keep(files, db, tenant, checked).await.map_err(Error::from)?;
    let stored = async {
        let mut tx = resident.begin().await?;
        let ticket = tickets::file(&mut tx, ResidentId(resident.id()), account, asked, &kept).await?;
        tx.commit().await?;
        Ok(ticket.number)
    };
    let outcome: Result<i64, Problem> = stored.await;
    if outcome.is_err() {
        attachments::let_go(files, tenant, &kept).await;
    }
    outcome
}

fn form(
    resident: &Resident,
    (kind, now): (Kind, Timestamp),
    typed: &Typed,
    services: Vec<PaidService>,
    errors: Vec<FieldError>,
) -> Result<Response, Problem> {
    let settings = RequestsSettings::of(resident.tenant())?;
    let calendar = CompanyCalendar::of(resident.tenant())?;
    let context = NewContext::of(kind, typed, services, &settings, (resident.tenant().zone, now, &calendar));
    if errors.is_empty() {
        resident.page(heading(kind), TEMPLATE, &context)
    } else {
        resident.refused(heading(kind), TEMPLATE, &context.refused(errors))
    }
}
