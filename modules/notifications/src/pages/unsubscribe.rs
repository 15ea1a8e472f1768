//! The link in each letter that ends letters of its kind, without login.

use kabinet_web::{Form, Guest, Problem};
use poem::web::{Data, Query};
use poem::{Response, handler};
use serde::Deserialize;

use crate::carriers::Unsubscribing;
use crate::choices;
use crate::view::UnsubscribeContext;

const TITLE: &str = "Отказ от писем";
const TEMPLATE: &str = "notifications/unsubscribe.html";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Ticket {
    token: String,
}

/// GET /notifications/unsubscribe?token=…: one button.
#[handler]
pub(crate) async fn show(
    guest: Guest,
    Query(ticket): Query<Ticket>,
    Data(ending): Data<&Unsubscribing>,
) -> Result<Response, Problem> {
    match ending.open(guest.tenant().id, &ticket.token) {
        Some((_, kind)) => guest.page(TITLE, TEMPLATE, &UnsubscribeContext::ask(kind, ticket.token)),
        None => guest.missing(TITLE, TEMPLATE, &UnsubscribeContext::unknown()),
    }
}

/// POST /notifications/unsubscribe: the button.
#[handler]
pub(crate) async fn end(
    guest: Guest,
    Form(ticket): Form<Ticket>,
    Data(ending): Data<&Unsubscribing>,
) -> Result<Response, Problem> {
    let Some((resident, kind)) = ending.open(guest.tenant().id, &ticket.token) else {
        return guest.refused(TITLE, TEMPLATE, &UnsubscribeContext::unknown());
    };
    let mut tx = guest.begin().await?;
    choices::end_letters(&mut tx, resident, kind).await?;
    tx.commit().await?;
    guest.page(TITLE, TEMPLATE, &UnsubscribeContext::done(kind))
}

/// POST /notifications/one-click?token=…: the same, asked for by a mail program (RFC 8058). It has no form of
/// ours: the token alone is its right.
#[handler]
pub(crate) async fn one_click(
    guest: Guest,
    Query(ticket): Query<Ticket>,
    Data(ending): Data<&Unsubscribing>,
) -> Result<Response, Problem> {
    let Some((resident, kind)) = ending.open(guest.tenant().id, &ticket.token) else {
        return Err(Problem::stale_form());
    };
    let mut tx = guest.begin().await?;
    choices::end_letters(&mut tx, resident, kind).await?;
    tx.commit().await?;
    Ok(Response::builder().content_type("text/plain; charset=utf-8").body("Done\n"))
}
