//! `/recover`, `/recover/new`.

use kabinet_core::text::email_key;
use kabinet_web::captcha::Captcha;
use kabinet_web::{ClientAddress, FieldError, Form, Guest, PageRoute, Problem, on_the_beat, see_other};
use poem::web::{Data, Query};
use poem::{EndpointExt, Response, get, handler};
use serde::{Deserialize, Serialize};

use super::{Token, password_errors, stale_link};
use crate::attempts::Attempts;
use crate::email::{self, Domains};
use crate::error::Error;
use crate::means::Means;
use crate::recovery;

const TITLE: &str = "Восстановление доступа";
const NEW_TITLE: &str = "Новый пароль";

pub(super) fn routes(means: &Means) -> Vec<PageRoute> {
    vec![
        PageRoute::new("/recover", get(show).post(recover.around(on_the_beat)).data(means.clone())),
        PageRoute::new("/recover/sent", get(sent)),
        PageRoute::new("/recover/new", get(ask).post(set).data(means.clone())),
    ]
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RecoverForm {
    email: String,
    captcha: String,
    captcha_token: String,
}

#[derive(Serialize)]
struct RecoverContext<'a> {
    form: FormContext<'a>,
    captcha: Captcha,
    errors: Vec<FieldError>,
}

#[derive(Serialize)]
struct FormContext<'a> {
    email: &'a str,
}

#[handler]
fn show(guest: Guest) -> Result<Response, Problem> {
    let context = RecoverContext { form: FormContext { email: "" }, captcha: guest.captcha(), errors: Vec::new() };
    guest.page(TITLE, "residents/recover.html", &context)
}

/// Answers alike and does the same work whether the e-mail is known or not.
#[handler]
async fn recover(
    guest: Guest,
    address: ClientAddress,
    Form(form): Form<RecoverForm>,
    Data(means): Data<&Means>,
) -> Result<Response, Problem> {
    let (tenant, db) = (guest.tenant(), &guest.platform().db);
    let email = match checked(&guest, &form).await? {
        Ok(email) => email,
        Err(errors) => {
            let form = FormContext { email: &form.email };
            let context = RecoverContext { form, captcha: guest.captcha(), errors };
            return guest.refused(TITLE, "residents/recover.html", &context);
        }
    };
    let limits = &means.rules.limits;
    Attempts::recoveries_from(limits, tenant, &address.0).count(db).await?;
    Attempts::letters_to(limits, tenant, &email_key(&email)).count(db).await?;
    let mut tx = guest.begin().await?;
    recovery::request(&mut tx, &email).await?;
    tx.commit().await?;
    Ok(see_other("/recover/sent"))
}

/// The e-mail of a form that is right, or what is wrong with it.
async fn checked(guest: &Guest, form: &RecoverForm) -> Result<Result<String, Vec<FieldError>>, Problem> {
    let email = email::checked(&form.email, &Domains::default()).map_err(|text| FieldError::new("email", text));
    let captcha = guest.captcha_error(&form.captcha_token, &form.captcha).await?;
    Ok(match (email, captcha) {
        (Ok(email), None) => Ok(email),
        (email, captcha) => Err(email.err().into_iter().chain(captcha).collect()),
    })
}

#[derive(Serialize)]
struct SentContext {
    kind: &'static str,
}

#[handler]
fn sent(guest: Guest) -> Result<Response, Problem> {
    guest.page("Проверьте почту", "residents/letter_sent.html", &SentContext { kind: "recovery" })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NewForm {
    token: String,
    password: String,
    password_repeat: String,
}

#[derive(Serialize)]
struct NewContext<'a> {
    token: &'a str,
    errors: Vec<FieldError>,
}

#[handler]
async fn ask(guest: Guest, Query(query): Query<Token>) -> Result<Response, Problem> {
    let tx = guest.read().await?;
    match recovery::check(&tx, &query.token).await {
        Ok(_) => {
            let context = NewContext { token: &query.token, errors: Vec::new() };
            guest.page(NEW_TITLE, "residents/new_password.html", &context)
        }
        Err(Error::StaleLink) => stale_link(&guest, "recovery", false),
        Err(other) => Err(other.into()),
    }
}

#[handler]
async fn set(guest: Guest, Form(form): Form<NewForm>, Data(means): Data<&Means>) -> Result<Response, Problem> {
    let tx = guest.read().await?;
    let email = match recovery::check(&tx, &form.token).await {
        Ok(email) => email,
        Err(Error::StaleLink) => return stale_link(&guest, "recovery", true),
        Err(other) => return Err(other.into()),
    };
    tx.commit().await?;
    let errors = password_errors(guest.tenant(), &email, &form.password, &form.password_repeat);
    if !errors.is_empty() {
        let context = NewContext { token: &form.token, errors };
        return guest.refused(NEW_TITLE, "residents/new_password.html", &context);
    }
    let (db, tenant) = (&guest.platform().db, guest.tenant());
    match recovery::set_password(db, means, tenant, &form.token, &form.password).await {
        Ok(()) => Ok(guest.done_saying("/", "Пароль изменён. Войдите с новым паролем.")),
        Err(Error::StaleLink) => stale_link(&guest, "recovery", true),
        Err(other) => Err(other.into()),
    }
}
