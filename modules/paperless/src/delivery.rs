//! At publication the receipts of those who refused paper leave by e-mail, one letter an account and resident with all
//! kinds in it.
//!
//! A job works through the refusals in batches. Each batch is one transaction: the rows that say what left, the
//! letters, the next batch. A job that is killed or repeated finds the rows and sends nothing twice. Between two
//! batches there is a pause, so that other letters are not stuck behind thousands of receipts.

use async_trait::async_trait;
use kabinet_accounts::links;
use kabinet_billing::{documents, receipts, runs};
use kabinet_contracts::{AccountId, RunId, RunPublished};
use kabinet_core::jobs::{Event, EventHandler, JobContext, JobError, JobHandler, NewJob};
use kabinet_core::{Actor, DbError, Mail, Timestamp, Tx};
use kabinet_render::format;
use kabinet_residents::people;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::entity::paper_refusal;
use crate::refusals::RefusalId;
use crate::settings::MODULE;
use crate::store;

/// The kind of the job.
const DELIVER_JOB: &str = "deliver";
/// Refusals in one transaction: short enough for SQLite's only writer.
const BATCH: usize = 25;
/// Seconds between two batches; printing a batch takes about as long.
const PAUSE: i64 = 2;
/// From which hour of the company's day what was begun is taken up again.
const RESUMED_FROM: u32 = 9;
/// Days for which a month's letters are taken up again.
const RESUMED_DAYS: i64 = 14;

/// Where the job stands.
#[derive(Serialize, Deserialize)]
struct Next {
    run: RunId,
    after: Option<RefusalId>,
}

fn job(next: &Next) -> Result<NewJob, DbError> {
    Ok(NewJob::new(MODULE, DELIVER_JOB, serde_json::to_value(next)?))
}

/// Begins with the letters when a run is published.
pub(crate) struct Published;

#[async_trait]
impl EventHandler for Published {
    fn event(&self) -> &'static str {
        RunPublished::NAME
    }

    async fn handle(&self, context: JobContext, data: Value) -> Result<(), JobError> {
        let published: RunPublished = serde_json::from_value(data)?;
        let mut tx = context.begin().await?;
        begin(&mut tx, published.run).await?;
        Ok(tx.commit().await?)
    }
}

/// Queues the first batch of a run.
async fn begin(tx: &mut Tx, run: RunId) -> Result<(), DbError> {
    tx.enqueue(job(&Next { run, after: None })?.once(format!("paperless:{run}"))).await
}

/// Goes on with what was begun: jobs are dropped while a company has the module off. A month that was published
/// meanwhile went out on paper.
pub(crate) struct ResumeJob;

#[async_trait]
impl JobHandler for ResumeJob {
    fn kind(&self) -> &'static str {
        "resume"
    }

    fn daily_from(&self) -> Option<u32> {
        Some(RESUMED_FROM)
    }

    async fn run(&self, context: JobContext, _: Value) -> Result<(), JobError> {
        let mut tx = context.begin().await?;
        let since = tx.now().plus_seconds(-RESUMED_DAYS * 24 * 3600);
        for run in store::begun_since(&tx, since).await? {
            begin(&mut tx, run).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// Sends the letters of one batch and queues the next.
pub(crate) struct DeliverJob;

#[async_trait]
impl JobHandler for DeliverJob {
    fn kind(&self) -> &'static str {
        DELIVER_JOB
    }

    async fn run(&self, context: JobContext, payload: Value) -> Result<(), JobError> {
        let next: Next = serde_json::from_value(payload)?;
        let tx = context.db.read(&context.tenant, Actor::System).await?;
        let bill = match Bill::of(&tx, next.run).await? {
            Some(bill) => bill,
            None => return Ok(()),
        };
        let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let refusals = store::due(&tx, bill.run, bill.published_at, next.after, limit).await?;
        let mut letters = Vec::with_capacity(refusals.len());
        for refusal in &refusals {
            letters.extend(letter(&tx, &bill, refusal).await?.map(|letter| (refusal, letter)));
        }
        tx.commit().await?;
        let mut tx = context.begin().await?;
        for (refusal, letter) in &letters {
            if store::add_delivery(&tx, bill.run, refusal).await? {
                tx.send_mail(letter).await?;
            }
        }
        if let Some(last) = refusals.last().filter(|_| refusals.len() == BATCH) {
            let following = job(&Next { run: bill.run, after: Some(last.id) })?;
            tx.enqueue(following.at(tx.now().plus_seconds(PAUSE))).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// The bill whose receipts leave.
struct Bill {
    run: RunId,
    period: kabinet_core::Period,
    due_on: i32,
    published_at: Timestamp,
}

impl Bill {
    /// None for a run that is not published.
    async fn of(tx: &Tx, run: RunId) -> Result<Option<Self>, JobError> {
        let found = match runs::find(tx, run).await {
            Ok(found) => found,
            Err(kabinet_billing::Error::Db(error)) => return Err(error.into()),
            Err(error) => return Err(JobError::Fail(error.to_string())),
        };
        let bill = |published_at| Self { run, period: found.period, due_on: found.due_on.0, published_at };
        Ok(found.published_at.map(bill))
    }
}

#[derive(Serialize)]
struct ReceiptContext {
    title: String,
    to_pay: i64,
}

#[derive(Serialize)]
struct LetterContext<'a> {
    account: &'a str,
    address: &'a str,
    period: i32,
    due_on: i32,
    receipts: Vec<ReceiptContext>,
}

/// The letter to one resident; none where the login, the link or the receipts are gone, or the receipts name a former
/// holder: their accounts get paper.
async fn letter(tx: &Tx, bill: &Bill, refusal: &paper_refusal::Model) -> Result<Option<Mail>, DbError> {
    let Some(visitor) = people::resident(tx, refusal.resident_id).await? else { return Ok(None) };
    let linked = links::of(tx, refusal.resident_id).await?;
    let shown = |from: Option<kabinet_core::Period>| from.is_none_or(|first| bill.period >= first);
    let linked = linked.into_iter().find(|account| account.id == refusal.account_id && account.access.is_full());
    let Some(linked) = linked.filter(|account| shown(account.receipts_from) && !visitor.email.is_empty()) else {
        return Ok(None);
    };
    let receipts = of_bill(tx, bill, refusal.account_id).await?;
    if receipts.is_empty() {
        return Ok(None);
    }
    let context = LetterContext {
        account: &linked.number,
        address: &linked.address,
        period: bill.period.0,
        due_on: bill.due_on,
        receipts: receipts.iter().map(|it| ReceiptContext { title: it.title.clone(), to_pay: it.amount.0 }).collect(),
    };
    let files = receipts.iter().map(|it| receipts::attachment(refusal.account_id, bill.period, &it.kind));
    let files = files.collect::<Result<Vec<_>, _>>()?;
    let month = format::period(bill.period.0.unsigned_abs()).replace('\u{a0}', " ");
    let subject = format!("Квитанция за {month}, лицевой счет {}", linked.number);
    Ok(Some(Mail::new(visitor.email, subject, "paperless/receipts", &context)?.with(files)))
}

/// The account's receipts of all kinds on a bill.
async fn of_bill(tx: &Tx, bill: &Bill, account: AccountId) -> Result<Vec<documents::Document>, DbError> {
    let all = documents::list(tx, account).await?;
    Ok(all.into_iter().filter(|document| document.period == bill.period).collect())
}
