//! The server's side of printing: sends receipts to worker processes and takes
//! PDFs back.

use std::sync::Arc;
use std::time::Duration;

use kabinet_sandbox::{Pool, SandboxError, Task};
use serde::{Deserialize, Serialize};

use crate::document::{self, Document};
use crate::error::RenderError;
use crate::receipt::ReceiptData;
use crate::typeset::{self, Output};

const TASK: &str = "receipt";
const DOCUMENT_TASK: &str = "document";
/// For the start of a worker and the first use of its fonts.
const BASE_LIMIT: Duration = Duration::from_secs(2);
/// For each receipt on top; one takes about 20 ms alone on its core.
const RECEIPT_LIMIT: Duration = Duration::from_millis(200);
/// For each QR code of a document.
const CODE_LIMIT: Duration = Duration::from_millis(20);
/// Receipts in one job: small enough to share workers fairly between callers.
const JOB_SIZE: usize = 50;

/// What goes to the worker.
#[derive(Serialize)]
struct Job<'a> {
    template: &'a str,
    receipts: &'a [ReceiptData],
    output: Output,
}

/// What goes to the worker, as the worker receives it.
#[derive(Deserialize)]
struct OwnedJob {
    template: String,
    receipts: Vec<ReceiptData>,
    output: Output,
}

type Reply = Result<Vec<Vec<u8>>, RenderError>;

/// The task to register in the worker process.
pub fn receipt_task() -> Task {
    Task { name: TASK, run: run_job }
}

fn run_job(payload: &[u8]) -> Result<Vec<u8>, String> {
    let job: OwnedJob = postcard::from_bytes(payload).map_err(|error| error.to_string())?;
    let reply: Reply = typeset::typeset(&job.template, &job.receipts, job.output);
    postcard::to_stdvec(&reply).map_err(|error| error.to_string())
}

/// The task of documents, to register in the worker process beside that of receipts.
pub fn document_task() -> Task {
    Task { name: DOCUMENT_TASK, run: run_document }
}

fn run_document(payload: &[u8]) -> Result<Vec<u8>, String> {
    let (template, document): (String, Document) = postcard::from_bytes(payload).map_err(|error| error.to_string())?;
    let reply = document::typeset_document(&template, &document);
    postcard::to_stdvec(&reply).map_err(|error| error.to_string())
}

/// Prints receipts in worker processes; cheap to clone.
#[derive(Clone)]
pub struct ReceiptPrinter {
    pool: Arc<Pool>,
}

impl ReceiptPrinter {
    /// A printer on the workers of `pool`, whose process knows [`receipt_task`].
    pub fn new(pool: Arc<Pool>) -> Self {
        Self { pool }
    }

    /// A PDF for each receipt, in their order. Any number of them; they are sent
    /// in portions. `template` is a company's own or
    /// [`crate::typeset::DEFAULT_TEMPLATE`].
    pub async fn print(&self, template: &str, receipts: &[ReceiptData]) -> Result<Vec<Vec<u8>>, RenderError> {
        let mut printed = Vec::with_capacity(receipts.len());
        for portion in receipts.chunks(JOB_SIZE) {
            let limit = print_limit(portion);
            printed.extend(self.run(template, portion, Output::OnePerReceipt, limit).await?);
        }
        Ok(printed)
    }

    /// One PDF with all receipts, at most [`crate::typeset::DOCUMENT_LIMIT`].
    pub async fn print_together(&self, template: &str, receipts: &[ReceiptData]) -> Result<Vec<u8>, RenderError> {
        let limit = print_limit(receipts);
        let printed = self.run(template, receipts, Output::OneFile, limit).await?;
        Ok(printed.into_iter().next().unwrap_or_default())
    }

    /// Whether a company's template can be used: it is parsed and every sample
    /// printed with it. The error names line and reason for its author.
    pub async fn check_template(&self, source: &str) -> Result<(), RenderError> {
        let samples: Vec<_> = ReceiptData::samples().into_iter().map(|(_, receipt)| receipt).collect();
        self.run(source, &samples, Output::OnePerReceipt, print_limit(&samples)).await.map(drop)
    }

    /// A document of the platform's own; `template` is a module's.
    pub async fn print_document(&self, template: &str, document: &Document) -> Result<Vec<u8>, RenderError> {
        let job = postcard::to_stdvec(&(template, document)).map_err(|error| RenderError::Worker(error.to_string()))?;
        let codes = u32::try_from(document.codes.len()).unwrap_or(u32::MAX);
        let limit = BASE_LIMIT + RECEIPT_LIMIT + CODE_LIMIT.saturating_mul(codes);
        let reply = self.pool.run(DOCUMENT_TASK, &job, limit).await.map_err(stopped)?;
        postcard::from_bytes(&reply).map_err(|error| RenderError::Worker(error.to_string()))?
    }

    async fn run(&self, template: &str, receipts: &[ReceiptData], output: Output, limit: Duration) -> Reply {
        let job = postcard::to_stdvec(&Job { template, receipts, output })
            .map_err(|error| RenderError::Worker(error.to_string()))?;
        let reply = self.pool.run(TASK, &job, limit).await.map_err(stopped)?;
        postcard::from_bytes(&reply).map_err(|error| RenderError::Worker(error.to_string()))?
    }
}

fn stopped(error: SandboxError) -> RenderError {
    match error {
        SandboxError::Deadline(_) | SandboxError::Died(_) => RenderError::LimitReached,
        other => RenderError::Worker(other.to_string()),
    }
}

fn print_limit(receipts: &[ReceiptData]) -> Duration {
    let count = u32::try_from(receipts.len()).unwrap_or(u32::MAX);
    BASE_LIMIT + RECEIPT_LIMIT.saturating_mul(count)
}
