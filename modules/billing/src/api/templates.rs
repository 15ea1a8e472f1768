//! The receipt template: seen, tried and put in its place by staff.

use kabinet_contracts::AccountId;
use kabinet_core::Timestamp;
use kabinet_render::typeset::DEFAULT_TEMPLATE;
use kabinet_web::{ApiResult, Problem, Staff};
use poem_openapi::param::Path;
use poem_openapi::payload::{Attachment, AttachmentType, Json};
use poem_openapi::{Object, OpenApi};
use uuid::Uuid;

use super::catalog::Changes;
use super::fields::month;
use super::plugins::{Load, TRIALS};
use crate::catalog::{StoredTemplate, edit, templates};
use crate::error::Error;
use crate::receipts::{Example, Receipts, Unprinted, unprinted};
use crate::store;

/// The made-up receipt that is drawn where none is named.
const USUAL_SAMPLE: &str = "ordinary";

pub(crate) struct TemplatesApi {
    pub(crate) receipts: Receipts,
}

/// A receipt template with the published months that are printed with it.
#[derive(Object)]
struct TemplateOut {
    /// SHA-256 of its text, hexadecimal.
    hash: String,
    /// When it came: milliseconds since 1970 UTC.
    installed_at: i64,
    /// The first published month that is printed with it, `2026-10`; none where no month is.
    first: Option<String>,
    /// The last one.
    last: Option<String>,
    /// Whether the next run is printed with it.
    current: bool,
    /// Published receipts that it does not print although it printed all samples, the newest first: up to twenty an
    /// hour are told, the newest hundred of all templates are listed.
    unprinted: Vec<UnprintedReceipt>,
}

/// A published receipt whose resident got no PDF.
#[derive(Object)]
struct UnprintedReceipt {
    /// When that was found: milliseconds since 1970 UTC.
    at: i64,
    /// The account.
    account: Uuid,
    /// The month, `2026-10`.
    period: String,
    /// Code of the receipt kind.
    kind: String,
    /// Why, with the template's line where it is known.
    reason: String,
}

impl From<(Timestamp, Unprinted)> for UnprintedReceipt {
    fn from((at, Unprinted { account, period, kind, reason }): (Timestamp, Unprinted)) -> Self {
        Self { at: at.0, account: account.0, period: period.to_string(), kind, reason }
    }
}

impl TemplateOut {
    fn new(unprinted: Vec<(Timestamp, Unprinted)>, template: StoredTemplate) -> Self {
        Self {
            unprinted: unprinted.into_iter().map(UnprintedReceipt::from).collect(),
            hash: template.hash,
            installed_at: template.installed_at.0,
            first: template.first.map(|period| period.to_string()),
            last: template.last.map(|period| period.to_string()),
            current: template.current,
        }
    }
}

/// The company's receipt templates in the order in which they came.
#[derive(Object)]
struct TemplateList {
    items: Vec<TemplateOut>,
}

/// The text of a receipt template.
#[derive(Object)]
struct TemplateText {
    /// The text, at most 64 KB; none: the platform's own form.
    text: Option<String>,
}

/// A template to be tried on a receipt.
#[derive(Object)]
struct TemplatePreview {
    /// The text, at most 64 KB; none: the platform's own form.
    text: Option<String>,
    /// A made-up receipt, where no receipt is named: `ordinary`, `single_line`, `bare`, `overpaid`, `long_names`,
    /// `no_flat`, `in_debt`, `twelve_services`, `many_lines`, `zones`; the first without a name.
    sample: Option<String>,
    /// A receipt that is published.
    receipt: Option<PublishedReceipt>,
}

/// A receipt that is published.
#[derive(Object)]
struct PublishedReceipt {
    /// The account.
    account: Uuid,
    /// The month, `2026-10`.
    period: String,
    /// Code of the receipt kind; none: the main one.
    kind: Option<String>,
}

#[OpenApi]
impl TemplatesApi {
    /// The receipt templates, with the months that are printed with them.
    #[oai(path = "/billing/receipt-templates", method = "get", operation_id = "listReceiptTemplates")]
    async fn list(&self, staff: Staff<Load>) -> ApiResult<TemplateList> {
        let tx = staff.read().await?;
        let (items, mut failed) = (templates(&tx).await?, unprinted(&tx).await?);
        tx.commit().await?;
        let mut told = |hash: &str| failed.remove(hash).unwrap_or_default();
        let items = items.into_iter().map(|template| TemplateOut::new(told(&template.hash), template));
        Ok(Json(TemplateList { items: items.collect() }))
    }

    /// The text of a receipt template.
    #[oai(path = "/billing/receipt-templates/:hash", method = "get", operation_id = "getReceiptTemplate")]
    async fn show(&self, staff: Staff<Load>, hash: Path<String>) -> ApiResult<TemplateText> {
        let tx = staff.read().await?;
        let text = store::template(&tx, &hash.0).await?.ok_or(Error::NoSuchTemplate)?;
        tx.commit().await?;
        Ok(Json(TemplateText { text: Some(text) }))
    }

    /// Print the receipts of runs that are started from now on with a template; published months keep theirs.
    #[oai(path = "/billing/receipt-template", method = "put", operation_id = "putReceiptTemplate")]
    async fn put(&self, staff: Staff<Load>, new: Json<TemplateText>) -> ApiResult<Changes> {
        let text = new.0.text.as_deref().unwrap_or(DEFAULT_TEMPLATE);
        self.receipts.check_template(text).await?;
        let mut tx = staff.begin().await?;
        let changes = edit::put_receipt_template(&mut tx, text).await?;
        tx.commit().await?;
        Ok(Json(Changes { changes }))
    }

    /// A receipt drawn with a template, as PDF; nothing is kept.
    #[oai(path = "/billing/receipt-template/preview", method = "post", operation_id = "previewReceiptTemplate")]
    async fn preview(&self, staff: Staff<Load>, new: Json<TemplatePreview>) -> Result<Attachment<Vec<u8>>, Problem> {
        staff.count_against(TRIALS, "templates tried").await?;
        let TemplatePreview { text, sample, receipt } = new.0;
        let example = match &receipt {
            Some(PublishedReceipt { account, period, kind }) => {
                Example::Receipt(AccountId(*account), month(period, "receipt.period")?, kind.as_deref())
            }
            None => Example::Sample(sample.as_deref().unwrap_or(USUAL_SAMPLE)),
        };
        let pdf = self.receipts.preview(staff.tenant(), text.as_deref().unwrap_or(DEFAULT_TEMPLATE), example).await?;
        Ok(Attachment::new(pdf).attachment_type(AttachmentType::Inline).filename("preview.pdf"))
    }
}
