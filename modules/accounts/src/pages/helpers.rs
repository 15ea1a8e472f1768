//! «Доступ помощника» of one account.

use kabinet_contracts::{AccountId, ResidentId};
use kabinet_core::limits::Limit;
use kabinet_core::{Day, Timestamp};
use kabinet_web::{FieldError, Form, LinkedAccount, Problem, Resident, identifier};
use poem::web::Path;
use poem::{Response, handler};
use serde::{Deserialize, Serialize};

use super::unlinking::NoFields;
use crate::error::Error;
use crate::helpers::{self, Grant, NewGrant, State};

const TITLE: &str = "Доступ помощника";
const TEMPLATE: &str = "accounts/helpers.html";
/// Letters that one resident may have sent in a day.
const LETTERS: Limit = Limit { most: 10, seconds: 24 * 3600 };

#[derive(Default, Deserialize, Serialize)]
pub(crate) struct InviteForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    access: String,
    #[serde(default)]
    until: String,
}

#[derive(Serialize)]
struct HelpersContext<'a> {
    id: String,
    number: &'a str,
    helpers: Vec<HelperContext>,
    closed: bool,
    form: &'a InviteForm,
    errors: Vec<FieldError>,
}

#[derive(Serialize)]
struct HelperContext {
    id: String,
    email: Option<String>,
    sums: bool,
    until: Day,
    state: &'static str,
    deeds: Vec<DeedContext>,
}

#[derive(Serialize)]
struct DeedContext {
    date: Day,
    text: String,
}

impl HelperContext {
    fn of(grant: Grant, day: impl Fn(Timestamp) -> Day) -> Self {
        Self {
            id: grant.id.to_string(),
            sums: grant.access.sees_sums(),
            until: grant.until,
            state: match grant.state {
                State::Waiting => "waiting",
                State::Active => "active",
                State::Ended => "ended",
            },
            deeds: grant.deeds.into_iter().map(|deed| DeedContext { date: day(deed.at), text: deed.text }).collect(),
            email: Some(grant.email).filter(|email| !email.is_empty()),
        }
    }
}

/// GET /accounts/<id>/helpers
#[handler]
pub(crate) async fn show(resident: Resident, id: Path<String>) -> Result<Response, Problem> {
    let account = resident.own_account(identifier(&id)?)?;
    page(&resident, account, &InviteForm::default(), Vec::new()).await
}

/// POST /accounts/<id>/helpers
#[handler]
pub(crate) async fn invite(
    resident: Resident,
    id: Path<String>,
    Form(form): Form<InviteForm>,
) -> Result<Response, Problem> {
    let account = resident.own_account(identifier(&id)?)?;
    let until = match checked(&form) {
        Ok(until) => until,
        Err(errors) => return page(&resident, account, &form, errors).await,
    };
    resident.count_against(LETTERS, "helper-letters").await?;
    let (by, sums) = (ResidentId(resident.id()), form.access == "sums");
    let new = NewGrant { account: AccountId(account.id), by, email: &form.email, sums, until };
    let mut tx = resident.begin().await?;
    match helpers::invite(&mut tx, new).await {
        Ok(()) => tx.commit().await?,
        Err(Error::Field(field, text)) => {
            drop(tx);
            return page(&resident, account, &form, vec![FieldError::new(field, text)]).await;
        }
        Err(error) => return Err(error.into()),
    }
    Ok(resident.done_saying(&format!("/accounts/{}/helpers", account.id), "Приглашение отправлено"))
}

/// POST /accounts/<id>/helpers/<grant>/revoke
#[handler]
pub(crate) async fn revoke(
    resident: Resident,
    Path((id, grant)): Path<(String, String)>,
    _form: Form<NoFields>,
) -> Result<Response, Problem> {
    let account = resident.own_account(identifier(&id)?)?;
    let mut tx = resident.begin().await?;
    helpers::revoke(&mut tx, AccountId(account.id), identifier(&grant)?).await?;
    tx.commit().await?;
    Ok(resident.done_saying(&format!("/accounts/{}/helpers", account.id), "Доступ помощника завершён"))
}

fn checked(form: &InviteForm) -> Result<Day, Vec<FieldError>> {
    let mut errors = Vec::new();
    let email = form.email.trim();
    let parts = email.split_once('@').filter(|(name, host)| !name.is_empty() && host.contains('.'));
    let plain = email.chars().all(|c| c.is_alphanumeric() || "@.-_+".contains(c)) && email.len() <= 254;
    if parts.is_none() || !plain || email.matches('@').count() != 1 {
        errors.push(FieldError::new("email", "Введите Email помощника, например anna@example.ru"));
    }
    if !["readings", "sums"].contains(&form.access.as_str()) {
        errors.push(FieldError::new("access", "Выберите, что увидит помощник"));
    }
    let until = Day::parse(&form.until);
    if let Err(error) = &until {
        errors.push(FieldError::new("until", error.to_string()));
    }
    match until {
        Ok(until) if errors.is_empty() => Ok(until),
        _ => Err(errors),
    }
}

async fn page(
    resident: &Resident,
    account: &LinkedAccount,
    form: &InviteForm,
    errors: Vec<FieldError>,
) -> Result<Response, Problem> {
    let tx = resident.read().await?;
    let grants = helpers::list(&tx, AccountId(account.id)).await?;
    let today = tx.today();
    tx.commit().await?;
    let zone = resident.tenant().zone;
    let refused = !errors.is_empty();
    let context = HelpersContext {
        id: account.id.to_string(),
        number: &account.number,
        helpers: grants.into_iter().map(|grant| HelperContext::of(grant, |at| at.day(zone))).collect(),
        closed: account.closed_on.is_some_and(|closed| closed <= today),
        form,
        errors,
    };
    if refused { resident.refused(TITLE, TEMPLATE, &context) } else { resident.page(TITLE, TEMPLATE, &context) }
}
