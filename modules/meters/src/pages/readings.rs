//! «Передать показания».

use std::collections::BTreeMap;
use std::sync::Arc;

use kabinet_contracts::{AccountId, Estimate, Estimates};
use kabinet_core::{Tenant, Timestamp};
use kabinet_files::Files;
use kabinet_web::{AccountAccess, AccountRef, FormWithFiles, Problem, Resident};
use poem::web::{Data, Query};
use poem::{Response, handler};
use serde::Deserialize;

use crate::api::closed_account;
use crate::error::Error;
use crate::pages::{Fault, denied};
use crate::photos::{self, Kept};
use crate::readings::{load, submit};
use crate::resource::Source;
use crate::sendings;
use crate::submission::Submission;
use crate::verdict::{Refusal, Terms};
use crate::view::{ReadingsContext, SentResult};

const TITLE: &str = "Передать показания";
pub(crate) const TEMPLATE: &str = "meters/readings.html";

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Address {
    /// When the readings to be shown as sent were stored.
    pub(crate) sent: Option<i64>,
}

/// GET /meters/readings
#[handler]
pub(crate) async fn show(
    resident: Resident,
    Query(address): Query<Address>,
    Data(estimates): Data<&Arc<dyn Estimates>>,
) -> Result<Response, Problem> {
    let Some(active) = resident.active() else { return Ok(resident.done("/overview")) };
    let (account, sums) = (AccountId(active.id), active.access.sees_sums());
    let tx = resident.read().await?;
    let today = tx.today();
    let meters = load(&tx, account).await?;
    tx.commit().await?;
    let mut result = address.sent.and_then(|sent| SentResult::of(&meters, Timestamp(sent)));
    if let Some(sent) = result.take_if(|_| sums) {
        let estimate = estimates.current(resident.tenant(), account).await?;
        result = Some(match estimate {
            Some(Estimate::Computed { period, total, change }) => sent.estimated(period, total, change),
            Some(Estimate::Unavailable(_)) | None => sent,
        });
    }
    let terms = Terms::of(resident.tenant(), today, source(active.access))?;
    resident.page(TITLE, TEMPLATE, &ReadingsContext::fresh(&meters, terms, result).with_sums(sums))
}

/// Where the readings of somebody with this access come from.
pub(crate) fn source(access: AccountAccess) -> Source {
    if access.is_full() { Source::Portal } else { Source::Helper }
}

/// POST /meters/readings
#[handler]
pub(crate) async fn send(
    resident: Resident,
    FormWithFiles { fields, files: sent }: FormWithFiles<BTreeMap<String, String>>,
    Data(estimates): Data<&Arc<dyn Estimates>>,
    Data(files): Data<&Files>,
) -> Result<Response, Problem> {
    let account = resident.account_for_readings()?;
    let captured = sendings::captured(fields.get("captured"));
    let submission = dated(Submission::from_form(&fields), captured, resident.tenant());
    let mark = sendings::mark(fields.get("once"));
    let (db, tenant) = (&resident.platform().db, resident.tenant());
    let kept = match photos::receive(files, db, tenant, resident.id(), sent, &submission).await? {
        Ok(kept) => kept,
        Err(photos::Denied { why, wait }) => {
            return Ok(denied(refused(&resident, &account, (&submission, mark), why).await?, wait));
        }
    };
    let stored = store(&resident, &account, &**estimates, (&submission, mark, captured), &kept).await;
    if !matches!(stored, Ok(Stored::Now(_))) {
        photos::let_go(files, resident.tenant(), &kept).await;
    }
    match stored {
        Ok(Stored::Now(at) | Stored::Before(at)) => Ok(stored_page(&resident, at, mark)),
        Err(Fault::Refused(refusal)) => refused(&resident, &account, (&submission, mark), *refusal).await,
        Err(Fault::Other(problem)) => Err(problem),
    }
}

/// When readings were stored: by this form, or by the same one sent before.
enum Stored {
    Now(Timestamp),
    Before(Timestamp),
}

/// Stores the readings with their photos, unless the form was stored before.
async fn store(
    resident: &Resident,
    account: &AccountRef,
    estimates: &dyn Estimates,
    (submission, mark, captured): (&Submission, Option<&str>, Option<Timestamp>),
    kept: &[Kept],
) -> Result<Stored, Fault> {
    let mut tx = resident.begin().await?;
    closed_account(account, tx.today())?;
    if let Some(mark) = mark
        && let Some(before) = sendings::begin(&tx, resident.id(), mark).await.map_err(Error::from)?
    {
        return Ok(Stored::Before(before));
    }
    let source = source(account.access);
    let typed_on = sendings::typed_on(&tx, estimates, captured, &submission.date).await.map_err(Error::from)?;
    let captured_at = sendings::captured_at(captured, tx.now());
    let submission = Submission { typed_on, captured_at, ..submission.clone() };
    let accepted = submit(&mut tx, estimates, AccountId(account.id), &submission, source).await?;
    photos::attach(&tx, &accepted, kept).await?;
    tx.commit().await.map_err(Error::from)?;
    Ok(Stored::Now(accepted.stored_at))
}

/// Typed without a network and sent later: the readings are of the day on which they were typed.
fn dated(mut submission: Submission, captured: Option<Timestamp>, tenant: &Tenant) -> Submission {
    if let Some(captured) = captured.filter(|_| submission.date.is_empty()) {
        submission.date = captured.day(tenant.zone).to_string();
    }
    submission
}

/// The page that shows what was stored; the mark tells the browser that it need not send it again.
fn stored_page(resident: &Resident, stored: Timestamp, mark: Option<&str>) -> Response {
    let once = mark.map(|mark| format!("&once={mark}")).unwrap_or_default();
    resident.done(&format!("/meters/readings?sent={}{once}", stored.0))
}

async fn refused(
    resident: &Resident,
    account: &AccountRef,
    (submission, mark): (&Submission, Option<&str>),
    refusal: Refusal,
) -> Result<Response, Problem> {
    let tx = resident.read().await?;
    let today = tx.today();
    let meters = load(&tx, AccountId(account.id)).await?;
    tx.commit().await?;
    let terms = Terms::of(resident.tenant(), today, source(account.access))?;
    let context = ReadingsContext::refused(&meters, terms, submission, refusal).marked(mark);
    resident.refused(TITLE, TEMPLATE, &context)
}
