//! Who gets no paper, and what is known of letters that came back.

use kabinet_contracts::AccountId;
use kabinet_core::Period;
use kabinet_web::{ApiResult, Problem, Staff};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::{Attachment, AttachmentType, Json};
use poem_openapi::{Enum, Object, OpenApi};
use uuid::Uuid;

use super::{List, Restore};
use crate::application::{self, file_name};
use crate::error::Error;
use crate::lists::{self, WithoutPaper};
use crate::refusals::{self, Refusal, RefusalId};

pub(crate) struct AdminApi;

/// An account that gets no paper for a month.
#[derive(Object)]
struct WithoutPaperOut {
    account: Uuid,
    account_number: String,
    /// The company's code of the house.
    house: String,
    address: String,
    /// The day of the first application that holds, `2026-11-22`.
    since: String,
    /// How many residents get the receipts by e-mail.
    recipients: u32,
    /// When the receipts left: milliseconds since 1970 UTC; absent while the month is not published.
    sent_at: Option<i64>,
}

/// Accounts without paper, by identifier.
#[derive(Object)]
struct WithoutPaperListOut {
    items: Vec<WithoutPaperOut>,
    /// Where the next page begins; absent on the last one.
    next: Option<String>,
}

/// The form of a list for a spreadsheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
enum SpreadsheetFormat {
    /// UTF-8 with a byte order mark, `;` between the cells.
    Csv,
    Xlsx,
}

/// A refusal of paper in an account's history.
#[derive(Object)]
struct PaperRefusalOut {
    id: Uuid,
    /// The application's number.
    number: String,
    /// The application's day, `2026-11-22`.
    made_on: String,
    /// Where receipts were to go when it was stated; empty when the login is gone.
    email: String,
    /// Who signed; empty when the login is gone.
    signatory: String,
    /// When paper was restored: milliseconds since 1970 UTC.
    ended_at: Option<i64>,
    /// `asked`, `asked_by_other`, `bounced`, `unlinked`, `holder_changed`, `closed` or `login_deleted`.
    ended_reason: Option<String>,
    /// The reason in words.
    ended_words: Option<String>,
    /// A mail server's codes; may be empty.
    detail: String,
}

/// An address at which letters no longer arrive.
#[derive(Object)]
struct BounceIn {
    email: String,
    /// What the mail server said: `550 5.1.1`.
    #[oai(default)]
    reason: String,
}

/// What a bounced letter led to.
#[derive(Object)]
struct BounceOut {
    /// For how many accounts of the address's resident the refusal ended.
    ended: u32,
}

#[OpenApi]
impl AdminApi {
    /// The accounts that get no paper for a month: whose receipts left by e-mail, or would if it were published now.
    #[oai(path = "/paperless/accounts", method = "get", operation_id = "listWithoutPaper")]
    async fn list(
        &self,
        staff: Staff<List>,
        period: Query<String>,
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))] limit: Query<u16>,
        cursor: Query<Option<Uuid>>,
    ) -> ApiResult<WithoutPaperListOut> {
        let period = month(&period.0)?;
        let tx = staff.read().await?;
        let mut found = lists::of_period(&tx, period, cursor.0.map(AccountId), limit.0 + 1).await?;
        tx.commit().await?;
        let more = found.len() > usize::from(limit.0);
        found.truncate(usize::from(limit.0));
        let next = found.last().filter(|_| more).map(|last| last.account.to_string());
        Ok(Json(WithoutPaperListOut { items: found.into_iter().map(WithoutPaperOut::from).collect(), next }))
    }

    /// A month's accounts without paper as a file, for the printing house.
    #[oai(path = "/paperless/list", method = "get", operation_id = "exportWithoutPaper")]
    async fn export(
        &self,
        staff: Staff<List>,
        period: Query<String>,
        format: Query<SpreadsheetFormat>,
    ) -> Result<Attachment<Vec<u8>>, Problem> {
        let period = month(&period.0)?;
        let tx = staff.begin().await?;
        let table = lists::table(&tx, period).await?;
        let detail = serde_json::json!({ "rows": table.rows.len() });
        tx.audit("paperless.list_fetched", period, detail).await?;
        tx.commit().await?;
        let (bytes, ending) = match format.0 {
            SpreadsheetFormat::Csv => (table.csv(), "csv"),
            SpreadsheetFormat::Xlsx => (table.xlsx(), "xlsx"),
        };
        let bytes = bytes.map_err(Error::from)?;
        let name = format!("without-paper-{period}.{ending}");
        Ok(Attachment::new(bytes).attachment_type(AttachmentType::Attachment).filename(name))
    }

    /// The refusals of an account, the oldest first, with the reasons for which they ended.
    #[oai(path = "/paperless/accounts/:id", method = "get", operation_id = "listPaperRefusals")]
    async fn history(&self, staff: Staff<List>, id: Path<Uuid>) -> ApiResult<Vec<PaperRefusalOut>> {
        let tx = staff.read().await?;
        let refusals = refusals::of_account(&tx, AccountId(id.0)).await?;
        tx.commit().await?;
        Ok(Json(refusals.into_iter().map(PaperRefusalOut::from).collect()))
    }

    /// The document of an application.
    #[oai(path = "/paperless/applications/:id", method = "get", operation_id = "getPaperApplication")]
    async fn document(&self, staff: Staff<List>, id: Path<Uuid>) -> Result<Attachment<Vec<u8>>, Problem> {
        let tx = staff.read().await?;
        let (number, pdf) = application::any(&tx, RefusalId(id.0)).await?;
        tx.commit().await?;
        Ok(Attachment::new(pdf).attachment_type(AttachmentType::Attachment).filename(file_name(&number)))
    }

    /// Say that letters no longer arrive at an address: paper is restored for its resident's accounts.
    #[oai(path = "/paperless/bounces", method = "post", operation_id = "reportBounce")]
    async fn bounce(&self, staff: Staff<Restore>, bounce: Json<BounceIn>) -> ApiResult<BounceOut> {
        let mut tx = staff.begin().await?;
        let reason: String = bounce.0.reason.chars().filter(|c| !c.is_control()).take(100).collect();
        let ended = refusals::bounced(&mut tx, &bounce.0.email, &reason).await?;
        tx.commit().await?;
        Ok(Json(BounceOut { ended: u32::try_from(ended).unwrap_or(u32::MAX) }))
    }
}

fn default_limit() -> u16 {
    50
}

fn month(text: &str) -> Result<Period, Problem> {
    text.parse().map_err(|_| Problem::refused("paperless.period", "Укажите месяц как 2026-10"))
}

impl From<WithoutPaper> for WithoutPaperOut {
    fn from(account: WithoutPaper) -> Self {
        Self {
            account: account.account.0,
            account_number: account.number,
            house: account.house,
            address: account.address,
            since: account.since.iso(),
            recipients: account.applications,
            sent_at: account.sent_at.map(|at| at.0),
        }
    }
}

impl From<Refusal> for PaperRefusalOut {
    fn from(refusal: Refusal) -> Self {
        let ending = refusal.ended.map(|(_, ending)| ending);
        Self {
            id: refusal.id.0,
            number: refusal.number,
            made_on: refusal.made_on.iso(),
            email: refusal.email,
            signatory: refusal.signatory,
            ended_at: refusal.ended.map(|(at, _)| at.0),
            ended_reason: ending.map(|ending| ending.code().to_owned()),
            ended_words: ending.map(|ending| ending.words().to_owned()),
            detail: refusal.detail,
        }
    }
}
