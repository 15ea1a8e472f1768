//! What staff may do: runs of their company.

use kabinet_contracts::{AccountId, RunId};
use kabinet_core::{PermissionKey, Timestamp};
use kabinet_web::{ApiResult, Problem, Staff};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use uuid::Uuid;

use crate::runs::document_ids::{self, NewDocumentId};
use crate::runs::{self, Run};

/// May see runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View;
/// May start runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start;
/// May publish runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Publish;

impl PermissionKey for View {
    const KEY: &'static str = "billing.view";
}
impl PermissionKey for Start {
    const KEY: &'static str = "billing.run";
}
impl PermissionKey for Publish {
    const KEY: &'static str = "billing.publish";
}

pub(crate) struct AdminApi;

/// A billing run.
#[derive(Object)]
struct RunOut {
    /// Identifier.
    id: String,
    /// The month, `2026-10`.
    period: String,
    /// `running`, `done`, `failed` or `published`.
    state: String,
    /// The state in words.
    state_words: String,
    /// Accounts calculated.
    done: u32,
    /// Accounts to calculate.
    total: u32,
    /// The last day to pay, `2026-11-16`.
    due: String,
    /// Payments booked up to this moment are counted: milliseconds since 1970 UTC.
    cutoff_at: i64,
    /// When it was started: milliseconds since 1970 UTC.
    started_at: i64,
    /// When it was published: milliseconds since 1970 UTC.
    published_at: Option<i64>,
    /// SHA-256 over what was calculated; the same for the same inputs.
    result_hash: String,
    /// Hash of the plugin.
    plugin_hash: String,
    /// Why it stopped; empty when it did not.
    problem: String,
}

impl From<Run> for RunOut {
    fn from(run: Run) -> Self {
        Self {
            id: run.id.to_string(),
            period: run.period.to_string(),
            state_words: runs::state_words(&run.state).to_owned(),
            state: run.state,
            done: run.done,
            total: run.total,
            due: run.due_on.iso(),
            cutoff_at: run.cutoff_at.0,
            started_at: run.started_at.0,
            published_at: run.published_at.map(|Timestamp(at)| at),
            result_hash: run.result_hash,
            plugin_hash: run.plugin_hash,
            problem: run.problem,
        }
    }
}

/// A page of runs, the latest first.
#[derive(Object)]
struct RunsOut {
    /// The runs.
    items: Vec<RunOut>,
    /// Cursor of the next page; none on the last.
    next: Option<String>,
}

/// Which month to calculate.
#[derive(Object)]
struct NewRun {
    /// The month, `2026-10`.
    period: String,
}

/// What GIS ЖКХ calls one receipt.
#[derive(Object)]
struct DocumentIdEntry {
    /// The account.
    account: Uuid,
    /// Code of the receipt kind.
    kind: String,
    /// ИД ПД, 18 characters: `75ДА533315-01-6101`; empty takes it back.
    document_id: String,
}

impl From<DocumentIdEntry> for NewDocumentId {
    fn from(entry: DocumentIdEntry) -> Self {
        Self { account: AccountId(entry.account), kind: entry.kind, id: entry.document_id }
    }
}

/// What GIS ЖКХ calls receipts.
#[derive(Object)]
struct DocumentIdsIn {
    /// At most 500; all of them are taken or none.
    items: Vec<DocumentIdEntry>,
}

#[OpenApi]
impl AdminApi {
    /// The company's runs, the latest first.
    #[oai(path = "/billing/runs", method = "get", operation_id = "listRuns")]
    async fn list(
        &self,
        staff: Staff<View>,
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))] limit: Query<u16>,
        cursor: Query<Option<String>>,
    ) -> ApiResult<RunsOut> {
        let after = match &cursor.0 {
            Some(text) => Some(text.parse::<RunId>().map_err(|_| Problem::wrong_cursor())?),
            None => None,
        };
        let tx = staff.read().await?;
        let mut found = runs::list(&tx, after, limit.0 + 1).await?;
        tx.commit().await?;
        let more = found.len() > usize::from(limit.0);
        found.truncate(usize::from(limit.0));
        let next = found.last().filter(|_| more).map(|run| run.id.to_string());
        Ok(Json(RunsOut { items: found.into_iter().map(RunOut::from).collect(), next }))
    }

    /// A run.
    #[oai(path = "/billing/runs/:id", method = "get", operation_id = "getRun")]
    async fn show(&self, staff: Staff<View>, id: Path<Uuid>) -> ApiResult<RunOut> {
        let tx = staff.read().await?;
        let run = runs::find(&tx, RunId(id.0)).await?;
        tx.commit().await?;
        Ok(Json(run.into()))
    }

    /// Start a run; it is calculated in the background.
    #[oai(path = "/billing/runs", method = "post", operation_id = "startRun")]
    async fn start(&self, staff: Staff<Start>, new: Json<NewRun>) -> ApiResult<RunOut> {
        let wrong = |_| Problem::refused("billing.period", "Укажите месяц как 2026-10");
        let period = new.0.period.parse().map_err(wrong)?;
        let mut tx = staff.begin().await?;
        let id = runs::start(&mut tx, period).await?;
        runs::enqueue(&mut tx, id).await?;
        let run = runs::find(&tx, id).await?;
        tx.commit().await?;
        Ok(Json(run.into()))
    }

    /// Publish a complete run: its receipts are seen from now on.
    #[oai(path = "/billing/runs/:id/publish", method = "post", operation_id = "publishRun")]
    async fn publish(&self, staff: Staff<Publish>, id: Path<Uuid>) -> ApiResult<RunOut> {
        let mut tx = staff.begin().await?;
        let run = runs::publish(&mut tx, RunId(id.0)).await?;
        tx.commit().await?;
        Ok(Json(run.into()))
    }

    /// Name receipts of a complete run as GIS ЖКХ does (ИД ПД), before it is published: a published receipt stays as
    /// it is.
    #[oai(path = "/billing/runs/:id/document-ids", method = "put", operation_id = "setDocumentIds")]
    async fn set_document_ids(
        &self,
        staff: Staff<Start>,
        id: Path<Uuid>,
        new: Json<DocumentIdsIn>,
    ) -> ApiResult<RunOut> {
        let new: Vec<NewDocumentId> = new.0.items.into_iter().map(NewDocumentId::from).collect();
        let tx = staff.begin().await?;
        document_ids::assign(&tx, RunId(id.0), &new).await?;
        let run = runs::find(&tx, RunId(id.0)).await?;
        tx.commit().await?;
        Ok(Json(run.into()))
    }
}

fn default_limit() -> u16 {
    24
}
