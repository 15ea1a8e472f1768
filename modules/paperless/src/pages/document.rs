//! The document of an own application.

use kabinet_contracts::{AccountId, ResidentId};
use kabinet_web::{Problem, Resident, identifier};
use poem::http::header;
use poem::web::Path;
use poem::{Response, handler};

use crate::application::{self, file_name};
use crate::refusals::RefusalId;

/// GET /accounts/<id>/paperless/<application>.pdf
#[handler]
pub(crate) async fn show(resident: Resident, Path((id, file)): Path<(String, String)>) -> Result<Response, Problem> {
    let account = AccountId(resident.own_account(identifier(&id)?)?.id);
    let refusal = RefusalId(identifier(file.strip_suffix(".pdf").ok_or_else(Problem::not_found)?)?);
    let tx = resident.read().await?;
    let (number, pdf) = application::own(&tx, ResidentId(resident.id()), account, refusal).await?;
    tx.commit().await?;
    Ok(Response::builder()
        .content_type("application/pdf")
        .header(header::CONTENT_DISPOSITION, format!("inline; filename=\"{}\"", file_name(&number)))
        .header(header::CACHE_CONTROL, "private, no-store")
        .body(pdf))
}
