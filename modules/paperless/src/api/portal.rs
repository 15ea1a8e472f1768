//! Resident operations: refusing paper for an account of one's own, and having it back.

use kabinet_contracts::{AccountId, ResidentId};
use kabinet_render::ReceiptPrinter;
use kabinet_web::{ApiResult, LinkedAccount, Problem, Resident};
use poem_openapi::param::Path;
use poem_openapi::payload::{Attachment, AttachmentType, Json};
use poem_openapi::{Object, OpenApi};
use uuid::Uuid;

use crate::application::{self, file_name};
use crate::pages::statement::{self, Found};
use crate::refusals::{Refusal, RefusalId};

pub(crate) struct PortalApi {
    pub(crate) printer: ReceiptPrinter,
}

/// How an account stands: paper or e-mail.
#[derive(Object)]
struct PaperStandingOut {
    /// Whether no paper is printed from the next bill on.
    refused: bool,
    /// The resident's own refusal, while it is in force: the receipts go to their e-mail.
    own: Option<OwnRefusalOut>,
    /// Whether another resident of the account has refused paper.
    others: bool,
    /// What the resident would confirm now; absent where they have refused already, or the account is closed.
    application: Option<PaperApplicationOut>,
}

/// A refusal in force.
#[derive(Object)]
struct OwnRefusalOut {
    id: Uuid,
    /// The application's number.
    number: String,
    /// The application's day, `2026-11-22`.
    made_on: String,
    /// Where receipts go.
    email: String,
    signatory: String,
}

/// An application to be confirmed.
#[derive(Object)]
struct PaperApplicationOut {
    number: String,
    /// The day, `2026-11-22`.
    on: String,
    account_number: String,
    address: String,
    /// Where receipts would go; empty where the resident has to name an e-mail first.
    email: String,
    /// The sole holder's name; empty where there are more, or a legal entity.
    signatory: String,
}

/// Who signs an application.
#[derive(Object)]
struct SignatoryIn {
    /// Surname, name and patronymic.
    signatory: String,
}

#[OpenApi]
impl PortalApi {
    /// Whether paper is printed for an account, and the application that would change it.
    #[oai(path = "/accounts/:id/paperless", method = "get", operation_id = "getPaperless")]
    async fn show(&self, resident: Resident, id: Path<Uuid>) -> ApiResult<PaperStandingOut> {
        answer(&resident, resident.own_account(id.0)?).await
    }

    /// Refuse paper: the application is confirmed, and the receipts come by e-mail from the next bill on.
    #[oai(path = "/accounts/:id/paperless", method = "post", operation_id = "refusePaper")]
    async fn refuse(&self, resident: Resident, id: Path<Uuid>, by: Json<SignatoryIn>) -> ApiResult<PaperStandingOut> {
        let account = resident.own_account(id.0)?;
        let found = Found::read(&resident, account).await?;
        statement::confirm(&resident, &found, &by.0.signatory, &self.printer).await?;
        answer(&resident, account).await
    }

    /// Have paper printed again.
    #[oai(path = "/accounts/:id/paperless", method = "delete", operation_id = "restorePaper")]
    async fn restore(&self, resident: Resident, id: Path<Uuid>) -> ApiResult<PaperStandingOut> {
        let account = resident.own_account(id.0)?;
        statement::restore(&resident, account).await?;
        answer(&resident, account).await
    }

    /// The document of one's own application.
    #[oai(path = "/accounts/:id/paperless/:refusal", method = "get", operation_id = "getOwnPaperApplication")]
    async fn document(
        &self,
        resident: Resident,
        id: Path<Uuid>,
        refusal: Path<Uuid>,
    ) -> Result<Attachment<Vec<u8>>, Problem> {
        let account = AccountId(resident.own_account(id.0)?.id);
        let tx = resident.read().await?;
        let by = ResidentId(resident.id());
        let (number, pdf) = application::own(&tx, by, account, RefusalId(refusal.0)).await?;
        tx.commit().await?;
        Ok(Attachment::new(pdf).attachment_type(AttachmentType::Attachment).filename(file_name(&number)))
    }
}

async fn answer(resident: &Resident, account: &LinkedAccount) -> ApiResult<PaperStandingOut> {
    let Found { standing, draft, closed } = Found::read(resident, account).await?;
    let applies = standing.own.is_none() && !closed;
    Ok(Json(PaperStandingOut {
        refused: standing.is_refused(),
        others: standing.others,
        own: standing.own.map(OwnRefusalOut::from),
        application: applies.then(|| PaperApplicationOut {
            number: draft.number,
            on: draft.on.iso(),
            account_number: draft.account_number,
            address: draft.address,
            email: draft.email,
            signatory: draft.signatory,
        }),
    }))
}

impl From<Refusal> for OwnRefusalOut {
    fn from(refusal: Refusal) -> Self {
        let Refusal { id, number, made_on, email, signatory, .. } = refusal;
        Self { id: id.0, number, made_on: made_on.iso(), email, signatory }
    }
}
