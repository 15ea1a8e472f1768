//! One request: its state and deadline, what was said, and what its resident may do.

use kabinet_contracts::RequestId;
use kabinet_files::Files;
use kabinet_web::{Form, FormWithFiles, Problem, Resident, identifier};
use poem::web::{Data, Path};
use poem::{Response, handler};
use serde::Deserialize;

use super::{count, mistakes, owner};
use crate::attachments::{self, Checked};
use crate::error::Error;
use crate::view::{Said, TicketContext};
use crate::{filing, history, tickets};

const TEMPLATE: &str = "requests/ticket.html";

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct TextForm {
    text: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct RatingForm {
    rating: String,
    comment: String,
}

/// GET /requests/<id>
#[handler]
pub(crate) async fn show(resident: Resident, id: Path<String>) -> Result<Response, Problem> {
    let context = context(&resident, identifier(&id)?).await?;
    resident.page(&title(&context), TEMPLATE, &context)
}

/// POST /requests/<id>: a message, with files.
#[handler]
pub(crate) async fn answer(
    resident: Resident,
    id: Path<String>,
    FormWithFiles { fields, files: sent }: FormWithFiles<TextForm>,
    Data(files): Data<&Files>,
) -> Result<Response, Problem> {
    let id = identifier(&id)?;
    // Nothing is kept for a request that is not there, not the resident's or over.
    let tx = resident.read().await?;
    let ticket = tickets::own(&tx, &owner(&resident), id).await?;
    tx.commit().await?;
    if ticket.state.is_closed() {
        return Err(Error::Closed.into());
    }
    let said = Said { text: fields.text, ..Said::default() };
    let judged = filing::comment(&said.text).and_then(|_| attachments::check(sent));
    let checked = match judged {
        Ok(checked) => checked,
        Err(error) => return refused(&resident, id, said, error).await,
    };
    count(&resident).await?;
    answered(&resident, id, &said.text, files, checked).await?;
    Ok(resident.done_saying(&format!("/requests/{id}"), "Сообщение отправлено"))
}

async fn answered(
    resident: &Resident,
    id: RequestId,
    text: &str,
    files: &Files,
    checked: Vec<Checked>,
) -> Result<(), Problem> {
    let (db, tenant) = (&resident.platform().db, resident.tenant());
    let kept = attachments::keep(files, db, tenant, checked).await.map_err(Error::from)?;
    let stored = async {
        let mut tx = resident.begin().await?;
        tickets::answer(&mut tx, &owner(resident), id, text, &kept).await?;
        tx.commit().await?;
        Ok(())
    };
    let outcome: Result<(), Problem> = stored.await;
    if outcome.is_err() {
        attachments::let_go(files, tenant, &kept).await;
    }
    outcome
}

/// POST /requests/<id>/reopen
#[handler]
pub(crate) async fn reopen(
    resident: Resident,
    id: Path<String>,
    Form(form): Form<TextForm>,
) -> Result<Response, Problem> {
    let id = identifier(&id)?;
    let mut tx = resident.begin().await?;
    match tickets::reopen(&mut tx, &owner(&resident), id, &form.text).await {
        Ok(_) => tx.commit().await?,
        Err(error) => {
            drop(tx);
            return refused(&resident, id, Said { text: form.text, ..Said::default() }, error).await;
        }
    }
    Ok(resident.done_saying(&format!("/requests/{id}"), "Заявка возвращена в работу"))
}

/// POST /requests/<id>/rating
#[handler]
pub(crate) async fn rate(
    resident: Resident,
    id: Path<String>,
    Form(form): Form<RatingForm>,
) -> Result<Response, Problem> {
    let id = identifier(&id)?;
    let mut tx = resident.begin().await?;
    let rating = form.rating.trim().parse().unwrap_or_default();
    match tickets::rate(&mut tx, &owner(&resident), id, rating, &form.comment).await {
        Ok(_) => tx.commit().await?,
        Err(error) => {
            drop(tx);
            let said = Said { rating: form.rating, comment: form.comment, ..Said::default() };
            return refused(&resident, id, said, error).await;
        }
    }
    Ok(resident.done_saying(&format!("/requests/{id}"), "Спасибо за оценку"))
}

async fn refused(resident: &Resident, id: RequestId, said: Said, error: Error) -> Result<Response, Problem> {
    let errors = mistakes(error)?;
    let context = context(resident, id).await?;
    resident.refused(&title(&context), TEMPLATE, &context.refused(said, errors))
}

async fn context(resident: &Resident, id: RequestId) -> Result<TicketContext, Problem> {
    let tx = resident.read().await?;
    let ticket = tickets::own(&tx, &owner(resident), id).await?;
    let history = history::for_resident(&tx, id).await?;
    let (zone, now) = (tx.tenant().zone, tx.now());
    tx.commit().await?;
    Ok(TicketContext::of(ticket, history, zone, now))
}

fn title(context: &TicketContext) -> String {
    format!("Заявка № {}", context.number())
}
