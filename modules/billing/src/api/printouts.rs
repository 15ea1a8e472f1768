//! Printouts: the receipts of a house as one file for the printing house.

use futures_util::TryStreamExt;
use kabinet_core::PermissionKey;
use kabinet_web::{ApiResult, Problem, Staff};
use poem::Body;
use poem_openapi::param::Path;
use poem_openapi::payload::{Attachment, AttachmentType, Json};
use poem_openapi::{Object, OpenApi};
use uuid::Uuid;

use crate::error::Error;
use crate::receipts::printouts::{self, Printout, PrintoutId};
use crate::receipts::{Receipts, WantedHouse};

/// May print the receipts of houses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Print;

impl PermissionKey for Print {
    const KEY: &'static str = "billing.print";
}

pub(crate) struct PrintoutsApi {
    pub(crate) receipts: Receipts,
}

/// The receipts of a house in a month, printed or being printed.
#[derive(Object)]
struct PrintoutOut {
    /// Identifier.
    id: String,
    /// The month, `2026-10`.
    period: String,
    /// The company's code of the house.
    house: String,
    /// Code of the receipt kind.
    kind: String,
    /// Whether accounts that get these receipts by e-mail in the place of paper are left out.
    without_refused: bool,
    /// `printing`, `ready` or `failed`.
    state: String,
    /// The state in words.
    state_words: String,
    /// Receipts printed.
    done: u32,
    /// Receipts to print.
    total: u32,
    /// Why it stopped; empty when it did not.
    problem: String,
    /// When it was asked for: milliseconds since 1970 UTC.
    asked_at: i64,
    /// Where the file is fetched; none until it is ready.
    href: Option<String>,
}

impl From<Printout> for PrintoutOut {
    fn from(printout: Printout) -> Self {
        let href = printout.is_ready().then(|| format!("/api/admin/v1/billing/printouts/{}/file", printout.id));
        Self {
            id: printout.id.to_string(),
            period: printout.period.to_string(),
            house: printout.house,
            kind: printout.kind,
            without_refused: printout.without_refused,
            state_words: printouts::state_words(&printout.state).to_owned(),
            state: printout.state,
            done: printout.done,
            total: printout.total,
            problem: printout.problem,
            asked_at: printout.asked_at.0,
            href,
        }
    }
}

/// Which receipts to print.
#[derive(Object)]
struct NewPrintout {
    /// The month, `2026-10`; its run is published.
    period: String,
    /// The company's code of the house.
    house: String,
    /// Code of the receipt kind; the company's main kind without one.
    kind: Option<String>,
    /// Whether to leave out accounts that get these receipts by e-mail in the place of paper.
    #[oai(default)]
    without_refused: bool,
}

#[OpenApi]
impl PrintoutsApi {
    /// Print the receipts of a house; it is done in the background and kept for a week.
    #[oai(path = "/billing/printouts", method = "post", operation_id = "startPrintout")]
    async fn start(&self, staff: Staff<Print>, new: Json<NewPrintout>) -> ApiResult<PrintoutOut> {
        let wrong = |_| Problem::refused("billing.period", "Укажите месяц как 2026-10");
        let period = new.0.period.parse().map_err(wrong)?;
        let tx = staff.read().await?;
        let without_refused = new.0.without_refused.then_some(tx.now());
        tx.commit().await?;
        let wanted = WantedHouse { period, house: &new.0.house, kind: new.0.kind.as_deref(), without_refused };
        let house = self.receipts.of_house(staff.tenant(), wanted).await.map_err(refused)?;
        let mut tx = staff.begin().await?;
        let printout = printouts::start(&mut tx, wanted, &house).await?;
        tx.commit().await?;
        Ok(Json(printout.into()))
    }

    /// How far a printout is.
    #[oai(path = "/billing/printouts/:id", method = "get", operation_id = "getPrintout")]
    async fn show(&self, staff: Staff<Print>, id: Path<Uuid>) -> ApiResult<PrintoutOut> {
        let tx = staff.read().await?;
        let printout = printouts::find(&tx, PrintoutId(id.0)).await?;
        tx.commit().await?;
        Ok(Json(printout.into()))
    }

    /// The file of a printout that is ready.
    #[oai(path = "/billing/printouts/:id/file", method = "get", operation_id = "getPrintoutFile")]
    async fn file(&self, staff: Staff<Print>, id: Path<Uuid>) -> Result<Attachment<Body>, Problem> {
        let tx = staff.begin().await?;
        let printout = printouts::find(&tx, PrintoutId(id.0)).await?;
        if !printout.is_ready() {
            return Err(refused(Error::NotPrinted(printouts::state_words(&printout.state).to_owned())));
        }
        tx.audit("billing.printout_fetched", printout.id, serde_json::json!({})).await?;
        tx.commit().await?;
        let name = format!("receipts-{}-{}.pdf", printout.period, crate::receipts::ascii(&printout.house));
        let pieces = self.receipts.file(staff.tenant(), &printout).map_err(std::io::Error::other);
        let body = Body::from_bytes_stream(pieces);
        Ok(Attachment::new(body).attachment_type(AttachmentType::Attachment).filename(name))
    }
}

/// What was typed does not fit: a refusal with its reason, not an unknown page.
fn refused(error: Error) -> Problem {
    match error {
        Error::NoSuchHouse | Error::NoSuchReceipt | Error::NotPrinted(_) => {
            Problem::refused(error.code(), error.to_string())
        }
        other => other.into(),
    }
}
