//! «Передать показания».

use std::collections::BTreeMap;
use std::sync::Arc;

use kabinet_contracts::{AccountId, Estimate, Estimates};
use kabinet_core::{Tenant, Timestamp};
use kabinet_web::{Form, Problem, Resident};
use poem::web::{Data, Query};
use poem::{Response, handler};
use serde::Deserialize;

use crate::api::{closed_account, problem};
use crate::error::Error;
use crate::overview;
use crate::readings::{load, submit};
use crate::sendings;
use crate::submission::Submission;
use crate::verdict::Refusal;
use crate::view::{ReadingsContext, SentResult};

const TITLE: &str = "Передать показания";
pub(crate) const TEMPLATE: &str = "meters/readings.html";

/// Milliseconds since 1970 to the year 2100: a device whose clock says more is not believed.
const LATEST: i64 = 4_102_444_800_000;

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
    let window = overview::window(resident.tenant(), today)?;
    resident.page(TITLE, TEMPLATE, &ReadingsContext::fresh(&meters, window, today, result).with_sums(sums))
}

/// POST /meters/readings
#[handler]
pub(crate) async fn send(
    resident: Resident,
    Form(fields): Form<BTreeMap<String, String>>,
    Data(estimates): Data<&Arc<dyn Estimates>>,
) -> Result<Response, Problem> {
    let account = resident.account_for_readings()?;
    let (submission, mark) =
        (dated(Submission::from_form(&fields), &fields, resident.tenant()), sendings::mark(fields.get("once")));
    let mut tx = resident.begin().await?;
    closed_account(&account, tx.today())?;
    if let Some(mark) = mark
        && let Some(stored) = sendings::begin(&tx, resident.id(), mark).await?
    {
        return Ok(stored_page(&resident, stored, Some(mark)));
    }
    match submit(&mut tx, &**estimates, AccountId(account.id), &submission).await {
        Ok(accepted) => {
            tx.commit().await?;
            Ok(stored_page(&resident, accepted.stored_at, mark))
        }
        Err(Error::Refused(refusal)) => {
            drop(tx);
            refused(&resident, AccountId(account.id), (&submission, mark), *refusal).await
        }
        Err(error) => Err(problem(error)),
    }
}

/// Typed without a network and sent later: the readings are of the day on which they were typed.
fn dated(mut submission: Submission, fields: &BTreeMap<String, String>, tenant: &Tenant) -> Submission {
    let captured = fields.get("captured").and_then(|text| text.parse().ok()).filter(|at| (0..LATEST).contains(at));
    if let Some(captured) = captured.map(Timestamp).filter(|_| submission.date.is_empty()) {
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
    account: AccountId,
    (submission, mark): (&Submission, Option<&str>),
    refusal: Refusal,
) -> Result<Response, Problem> {
    let tx = resident.read().await?;
    let today = tx.today();
    let meters = load(&tx, account).await?;
    tx.commit().await?;
    let window = overview::window(resident.tenant(), today)?;
    let context = ReadingsContext::refused(&meters, window, today, submission, refusal).marked(mark);
    resident.refused(TITLE, TEMPLATE, &context)
}
