//! The list and one notice, which is read by being looked at.

use kabinet_web::{Form, Problem, Resident};
use poem::web::{Path, Query};
use poem::{Response, handler};
use serde::Deserialize;

use super::{identifier, who};
use crate::inbox;
use crate::view::{ListContext, NoticeContext};

const TITLE: &str = "Уведомления";
/// Notices of a page.
const MOST: u16 = 20;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Address {
    after: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Nothing {}

/// GET /notifications
#[handler]
pub(crate) async fn show(resident: Resident, Query(address): Query<Address>) -> Result<Response, Problem> {
    let after = address.after.as_deref().map(identifier).transpose()?;
    let tx = resident.read().await?;
    let (notices, next) = inbox::page(&tx, who(&resident), after, MOST).await?;
    let zone = tx.tenant().zone;
    tx.commit().await?;
    resident.page(TITLE, "notifications/list.html", &ListContext::of(notices, next, after.is_none(), zone))
}

/// GET /notifications/<id>
#[handler]
pub(crate) async fn one(resident: Resident, id: Path<String>) -> Result<Response, Problem> {
    let id = identifier(&id)?;
    let tx = resident.read().await?;
    let notice = inbox::find(&tx, who(&resident), id).await?;
    let zone = tx.tenant().zone;
    tx.commit().await?;
    if !notice.read {
        let mut tx = resident.begin().await?;
        inbox::mark_read(&mut tx, who(&resident), Some(id)).await?;
        tx.commit().await?;
        resident.recount().await;
    }
    let title = notice.title.clone();
    resident.page(&title, "notifications/one.html", &NoticeContext::of(notice, zone))
}

/// POST /notifications/read
#[handler]
pub(crate) async fn read_all(resident: Resident, _: Form<Nothing>) -> Result<Response, Problem> {
    let mut tx = resident.begin().await?;
    inbox::mark_read(&mut tx, who(&resident), None).await?;
    tx.commit().await?;
    Ok(resident.done_saying("/notifications", "Все уведомления отмечены прочитанными"))
}
