//! Printouts of houses that staff ask for: a job prints part after part, what is printed lies in the
//! database (so that another server, or the same one after a crash, goes on with it), and the download
//! binds the parts into one file while it is sent.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::Stream;
use kabinet_core::jobs::{JobContext, JobError, JobHandler, NewJob};
use kabinet_core::{Actor, DbError, Period, Tenant, Timestamp, Tx, id_type};
use kabinet_render::Binder;
use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};

use super::{HouseReceipts, Receipts, WantedHouse};
use crate::entity::{printout, printout_part};
use crate::error::Error;
use crate::settings::MODULE;

/// The kind of the job that prints a part.
const PRINT_JOB: &str = "print";
/// The kind of the job that removes a printout.
const FORGET_JOB: &str = "forget_printout";
/// Seconds for which a printout is kept: a week.
const KEPT: i64 = 7 * 24 * 3600;

const PRINTING: &str = "printing";
const READY: &str = "ready";
const FAILED: &str = "failed";

id_type! {
    /// The identifier of a printout.
    PrintoutId
}

/// A printout as staff see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printout {
    /// Identifier.
    pub id: PrintoutId,
    /// The month.
    pub period: Period,
    /// Code of the house.
    pub house: String,
    /// Code of the receipt kind.
    pub kind: String,
    /// Whether accounts that refused paper are left out.
    pub without_refused: bool,
    /// `printing`, `ready` or `failed`.
    pub state: String,
    /// Receipts printed.
    pub done: u32,
    /// Receipts to print.
    pub total: u32,
    /// Why it stopped; empty when it did not.
    pub problem: String,
    /// When it was asked for.
    pub asked_at: Timestamp,
}

impl Printout {
    /// Whether the file can be fetched.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.state == READY
    }
}

impl From<printout::Model> for Printout {
    fn from(row: printout::Model) -> Self {
        Self {
            id: row.id,
            period: row.period,
            house: row.house_code,
            kind: row.kind_code,
            without_refused: row.without_refused,
            state: row.state,
            done: row.done.unsigned_abs(),
            total: row.total.unsigned_abs(),
            problem: row.problem,
            asked_at: row.asked_at,
        }
    }
}

/// A printout's state in words.
#[must_use]
pub fn state_words(state: &str) -> &str {
    match state {
        PRINTING => "печатается",
        READY => "готов",
        FAILED => "остановлен",
        other => other,
    }
}

/// Asks for the receipts of a house, or finds the same that are being printed.
pub async fn start(tx: &mut Tx, wanted: WantedHouse<'_>, house: &HouseReceipts) -> Result<Printout, Error> {
    let same = printout::Entity::find()
        .filter(printout::Column::Period.eq(wanted.period))
        .filter(printout::Column::HouseCode.eq(wanted.house))
        .filter(printout::Column::KindCode.eq(house.kind()))
        .filter(printout::Column::WithoutRefused.eq(wanted.without_refused.is_some()))
        .filter(printout::Column::State.eq(PRINTING));
    if let Some(row) = tx.one(same).await? {
        return Ok(row.into());
    }
    let id: PrintoutId = tx.new_id();
    tx.insert(printout::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        id: Set(id),
        period: Set(wanted.period),
        house_code: Set(wanted.house.to_owned()),
        kind_code: Set(house.kind().to_owned()),
        without_refused: Set(wanted.without_refused.is_some()),
        state: Set(PRINTING.to_owned()),
        done: Set(0),
        total: Set(i32::try_from(house.receipts()).unwrap_or(i32::MAX)),
        problem: Set(String::new()),
        // Parts that are printed later leave out the same accounts.
        asked_at: Set(wanted.without_refused.unwrap_or(tx.now())),
    })
    .await?;
    tx.enqueue(NewJob::new(MODULE, PRINT_JOB, serde_json::to_value(Next { printout: id, part: 0 })?)).await?;
    let job = NewJob::new(MODULE, FORGET_JOB, serde_json::to_value(Next { printout: id, part: 0 })?);
    tx.enqueue(job.at(tx.now().plus_seconds(KEPT))).await?;
    let detail = serde_json::json!({ "period": wanted.period.to_string(), "house": wanted.house, "kind": house.kind(),
                            "without_refused": wanted.without_refused.is_some() });
    tx.audit("billing.printout_started", id, detail).await?;
    find(tx, id).await
}

/// A printout.
pub async fn find(tx: &Tx, id: PrintoutId) -> Result<Printout, Error> {
    let row = tx.one(printout::Entity::find().filter(printout::Column::Id.eq(id))).await?;
    row.map(Printout::from).ok_or(Error::NoSuchPrintout)
}

/// The part of a printout that is to be printed.
#[derive(Serialize, Deserialize)]
struct Next {
    printout: PrintoutId,
    part: i32,
}

/// Prints one part and queues the next: a large house lets other jobs pass between its parts.
pub(crate) struct PrintJob(pub(crate) Receipts);

#[async_trait]
impl JobHandler for PrintJob {
    fn kind(&self) -> &'static str {
        PRINT_JOB
    }

    fn is_long(&self) -> bool {
        true
    }

    async fn run(&self, context: JobContext, payload: serde_json::Value) -> Result<(), JobError> {
        match self.print(&context, &serde_json::from_value(payload)?).await {
            Ok(()) | Err(Error::NoSuchPrintout) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn gave_up(&self, tx: &mut Tx, payload: serde_json::Value, error: &JobError) -> Result<(), DbError> {
        match serde_json::from_value::<Next>(payload) {
            Ok(next) => end(tx, next.printout, FAILED, &error.to_string()).await,
            Err(_) => Ok(()),
        }
    }
}

impl PrintJob {
    async fn print(&self, context: &JobContext, next: &Next) -> Result<(), Error> {
        let tenant = &context.tenant;
        let tx = context.db.read(tenant, Actor::System).await?;
        let printout = find(&tx, next.printout).await?;
        tx.commit().await?;
        if printout.state != PRINTING {
            return Ok(());
        }
        let wanted = WantedHouse {
            period: printout.period,
            house: &printout.house,
            kind: Some(&printout.kind),
            without_refused: printout.without_refused.then_some(printout.asked_at),
        };
        let receipts = self.0.over(&context.db);
        let house = receipts.of_house(tenant, wanted).await?;
        let part = usize::try_from(next.part).unwrap_or_default();
        let pdf = receipts.print_part(tenant, &house, part).await?;
        let mut tx = context.begin().await?;
        keep(&tx, next, &house, pdf).await?;
        if part + 1 < house.parts() {
            let following = Next { part: next.part + 1, printout: next.printout };
            tx.enqueue(NewJob::new(MODULE, PRINT_JOB, serde_json::to_value(following)?)).await?;
        } else {
            end(&tx, next.printout, READY, "").await?;
        }
        Ok(tx.commit().await?)
    }
}

/// Stores a printed part; a second time changes nothing.
async fn keep(tx: &Tx, next: &Next, house: &HouseReceipts, pdf: Vec<u8>) -> Result<(), DbError> {
    let row = printout_part::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        printout_id: Set(next.printout),
        part: Set(next.part),
        pdf: Set(pdf),
    };
    tx.insert_if_absent(row).await?;
    let done = house.done_after(usize::try_from(next.part).unwrap_or_default());
    tx.update(printout::ActiveModel {
        tenant_id: Unchanged(tx.tenant_id()),
        id: Unchanged(next.printout),
        done: Set(i32::try_from(done).unwrap_or(i32::MAX)),
        ..Default::default()
    })
    .await
}

async fn end(tx: &Tx, id: PrintoutId, state: &str, problem: &str) -> Result<(), DbError> {
    tx.update(printout::ActiveModel {
        tenant_id: Unchanged(tx.tenant_id()),
        id: Unchanged(id),
        state: Set(state.to_owned()),
        problem: Set(problem.to_owned()),
        ..Default::default()
    })
    .await
}

/// Removes a printout with its parts.
pub(crate) struct ForgetJob;

#[async_trait]
impl JobHandler for ForgetJob {
    fn kind(&self) -> &'static str {
        FORGET_JOB
    }

    async fn run(&self, context: JobContext, payload: serde_json::Value) -> Result<(), JobError> {
        let id = serde_json::from_value::<Next>(payload)?.printout;
        let tx = context.begin().await?;
        tx.delete_where(printout_part::Entity::delete_many().filter(printout_part::Column::PrintoutId.eq(id))).await?;
        tx.delete_where(printout::Entity::delete_many().filter(printout::Column::Id.eq(id))).await?;
        Ok(tx.commit().await?)
    }
}

/// Where the download stands.
enum Sent {
    /// The binder, the next part, and how many there are once that is known.
    Part(Binder, i32, Option<u64>),
    All,
}

impl Receipts {
    /// The file of a printout that is ready, piece by piece; one part is in memory at a time.
    pub fn file(
        &self,
        tenant: &Arc<Tenant>,
        printout: &Printout,
    ) -> impl Stream<Item = Result<Vec<u8>, Error>> + use<> {
        let (db, tenant, id) = (self.db.clone(), tenant.clone(), printout.id);
        let title = format!("Квитанции за {}, дом {}", printout.period, printout.house);
        let (binder, head) = Binder::new(&title);
        let rest = futures_util::stream::try_unfold(Sent::Part(binder, 0, None), move |sent| {
            let (db, tenant) = (db.clone(), tenant.clone());
            async move {
                let Sent::Part(mut binder, part, parts) = sent else { return Ok(None) };
                let tx = db.read(&tenant, Actor::System).await?;
                let parts = match parts {
                    Some(parts) => parts,
                    None => {
                        let all = printout_part::Entity::find();
                        tx.count(all.filter(printout_part::Column::PrintoutId.eq(id))).await?
                    }
                };
                let row = tx.one(
                    printout_part::Entity::find()
                        .filter(printout_part::Column::PrintoutId.eq(id))
                        .filter(printout_part::Column::Part.eq(part)),
                );
                let row = row.await?;
                tx.commit().await?;
                Ok(Some(match row {
                    Some(row) => (binder.add(&row.pdf)?, Sent::Part(binder, part + 1, Some(parts))),
                    None if u64::from(part.unsigned_abs()) == parts => (binder.finish(), Sent::All),
                    // Forgotten while it was being sent: no whole file of a part of the house.
                    None => return Err(Error::NoSuchPrintout),
                }))
            }
        });
        futures_util::StreamExt::chain(futures_util::stream::iter([Ok(head)]), rest)
    }
}
