//! Where the letter to a helper leads.

use kabinet_contracts::ResidentId;
use kabinet_core::Day;
use kabinet_web::sealed::with_cookie;
use kabinet_web::{Form, Guest, Problem, Resident, return_to};
use poem::web::Query;
use poem::{Response, handler};
use serde::{Deserialize, Serialize};

use crate::helpers;

const TITLE: &str = "Приглашение помочь";
const TEMPLATE: &str = "accounts/invitation.html";

#[derive(Deserialize)]
pub(crate) struct Token {
    #[serde(default)]
    token: String,
}

#[derive(Serialize)]
struct InvitationContext<'a> {
    state: &'static str,
    token: &'a str,
    account: Option<String>,
    sums: bool,
    until: Option<Day>,
}

impl<'a> InvitationContext<'a> {
    fn without(state: &'static str, token: &'a str) -> Self {
        Self { state, token, account: None, sums: false, until: None }
    }
}

/// GET /accounts/invitation?token=…: nothing of the account is shown before the login is the invited one. The
/// page waits for that login, also while the person registers.
#[handler]
pub(crate) async fn show(
    guest: Guest,
    resident: poem::Result<Resident>,
    Query(token): Query<Token>,
) -> Result<Response, Problem> {
    let Ok(resident) = resident else {
        let page = guest.page(TITLE, TEMPLATE, &InvitationContext::without("login", ""))?;
        return Ok(with_cookie(page, &waiting(&guest, &token)?));
    };
    let tx = resident.read().await?;
    let offer = helpers::offer(&tx, ResidentId(resident.id()), &token.token).await?;
    tx.commit().await?;
    let context = match offer {
        None => InvitationContext::without("gone", ""),
        Some(offer) => InvitationContext {
            state: "open",
            token: &token.token,
            account: Some(offer.account),
            sums: offer.sums,
            until: Some(offer.until),
        },
    };
    resident.page(TITLE, TEMPLATE, &context)
}

/// The cookie that leads here again after the login.
fn waiting(guest: &Guest, token: &Token) -> Result<String, Problem> {
    // What is no token of ours is not kept: it goes into an address as it is.
    let sign = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    let is_ours = |token: &&str| token.len() <= 64 && token.bytes().all(sign);
    let token = Some(token.token.as_str()).filter(is_ours).unwrap_or_default();
    return_to::after_login(guest.platform(), guest.tenant(), &format!("/accounts/invitation?token={token}"))
}

/// POST /accounts/invitation
#[handler]
pub(crate) async fn accept(resident: Resident, Form(form): Form<Token>) -> Result<Response, Problem> {
    let mut tx = resident.begin().await?;
    helpers::accept(&mut tx, ResidentId(resident.id()), &form.token).await?;
    tx.commit().await?;
    Ok(resident.done_saying("/meters/readings", "Теперь вы можете передавать показания по этому лицевому счету"))
}
