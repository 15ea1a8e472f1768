//! Personal data: `/settings/export`, `/settings/consent`, `/settings/delete`.

use kabinet_contracts::ResidentId;
use kabinet_web::cookie::Purpose;
use kabinet_web::sealed::with_cookie;
use kabinet_web::{Form, PageRoute, Problem, Resident, see_other_saying};
use poem::http::header;
use poem::web::{Data, Path};
use poem::{EndpointExt, Response, get, handler, post};
use serde::Serialize;

use super::NoFields;
use crate::attempts::Attempts;
use crate::means::Means;
use crate::{deletion, export};

pub(super) fn routes(means: &Means) -> Vec<PageRoute> {
    vec![
        PageRoute::new("/settings/export", post(request_export)),
        PageRoute::new("/settings/export/:token", get(fetch_export)),
        PageRoute::new("/settings/consent", get(ask_withdrawal)),
        PageRoute::new("/settings/delete", get(ask_deletion).post(delete).data(means.clone())),
    ]
}

#[handler]
async fn request_export(resident: Resident, _form: Form<NoFields>) -> Result<Response, Problem> {
    let id = ResidentId(resident.id());
    Attempts::exports_of(resident.tenant(), &id.to_string()).count(&resident.platform().db).await?;
    let mut tx = resident.begin().await?;
    export::request(&mut tx, id).await?;
    tx.commit().await?;
    Ok(resident.done_saying("/settings", "Мы собираем Ваши данные и пришлём письмо со ссылкой."))
}

/// The archive, for the resident whose it is; to everybody else there is none.
#[handler]
async fn fetch_export(resident: Resident, Path(token): Path<String>) -> Result<Response, Problem> {
    let tx = resident.read().await?;
    let archive = export::archive(&tx, ResidentId(resident.id()), &token).await?.ok_or_else(Problem::not_found)?;
    let name = format!("attachment; filename=\"{}-{}.zip\"", resident.tenant().slug, tx.today().iso());
    tx.commit().await?;
    Ok(Response::builder()
        .content_type("application/zip")
        .header(header::CONTENT_DISPOSITION, name)
        .header(header::CACHE_CONTROL, "private, no-store")
        .body(archive))
}

#[derive(Serialize)]
struct NoContext {}

#[handler]
fn ask_withdrawal(resident: Resident) -> Result<Response, Problem> {
    resident.page("Отзыв согласия", "residents/withdraw_consent.html", &NoContext {})
}

#[handler]
fn ask_deletion(resident: Resident) -> Result<Response, Problem> {
    resident.page("Удаление личного кабинета", "residents/delete.html", &NoContext {})
}

#[handler]
async fn delete(resident: Resident, _form: Form<NoFields>, Data(means): Data<&Means>) -> Result<Response, Problem> {
    let mut tx = resident.begin().await?;
    deletion::delete(&mut tx, &means.parts, ResidentId(resident.id())).await?;
    tx.commit().await?;
    let gone = resident.platform().cookies.set(Purpose::Resident, "", Some(0));
    Ok(with_cookie(see_other_saying(resident.platform(), "/", "Личный кабинет удалён."), &gone))
}
