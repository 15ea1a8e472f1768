//! `/`, `/login`, `/logout`, `/settings`.

use kabinet_contracts::ResidentId;
use kabinet_web::cookie::Purpose;
use kabinet_web::person::see_other;
use kabinet_web::session::Sessions;
use kabinet_web::{ClientAddress, FieldError, Form, Guest, PageRoute, Problem, Resident};
use poem::http::header;
use poem::web::Data;
use poem::{EndpointExt, Request, Response, get, handler, post};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::login::{self, Attempt};
use crate::password::Passwords;
use crate::people;

const START_TITLE: &str = "Личный кабинет абонента";

pub(crate) fn routes(passwords: &Passwords) -> Vec<PageRoute> {
    vec![
        PageRoute::new("/", get(start)),
        PageRoute::new("/login", get(to_start).post(log_in).data(passwords.clone())),
        PageRoute::new("/logout", post(log_out)),
        PageRoute::new("/settings", get(settings)),
    ]
}

/// Which doors of the start page are open. The closed ones come with the issues that build them.
#[derive(Debug, Serialize)]
struct Doors {
    registration: bool,
    recovery: bool,
    gosuslugi: bool,
    guest_readings: bool,
}

impl Default for Doors {
    fn default() -> Self {
        Self { registration: false, recovery: false, gosuslugi: false, guest_readings: true }
    }
}

#[derive(Debug, Default, Serialize)]
struct StartContext<'a> {
    features: Doors,
    form: StartForm<'a>,
    errors: Vec<FieldError>,
}

#[derive(Debug, Default, Serialize)]
struct StartForm<'a> {
    email: &'a str,
}

#[derive(Debug, Deserialize)]
struct LoginForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
}

#[handler]
fn start(guest: Guest) -> Result<Response, Problem> {
    if guest.is_resident() {
        return Ok(see_other("/overview"));
    }
    guest.page(START_TITLE, "residents/start.html", &StartContext::default())
}

#[handler]
fn to_start(_guest: Guest) -> Response {
    see_other("/")
}

#[handler]
async fn log_in(
    guest: Guest,
    address: ClientAddress,
    Form(form): Form<LoginForm>,
    Data(passwords): Data<&Passwords>,
    request: &Request,
) -> Result<Response, Problem> {
    let errors = empty_fields(&form);
    if !errors.is_empty() {
        return refuse(&guest, &form, errors);
    }
    let attempt = Attempt {
        email: &form.email,
        password: &form.password,
        address: &address.0,
        agent: request.header(header::USER_AGENT).unwrap_or_default(),
        former: guest.session_value(),
    };
    let platform = guest.platform();
    match login::resident(&platform.db, passwords, guest.tenant(), attempt).await {
        Ok(value) => Ok(with_cookie(see_other("/overview"), &platform.cookies.set(Purpose::Resident, &value, None))),
        Err(error @ Error::WrongCredentials) => {
            refuse(&guest, &form, vec![FieldError::new("email", error.to_string())])
        }
        Err(other) => Err(other.into()),
    }
}

fn empty_fields(form: &LoginForm) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if form.email.trim().is_empty() {
        errors.push(FieldError::new("email", "Введите Email"));
    }
    if form.password.is_empty() {
        errors.push(FieldError::new("password", "Введите пароль"));
    }
    errors
}

fn refuse(guest: &Guest, form: &LoginForm, errors: Vec<FieldError>) -> Result<Response, Problem> {
    let context = StartContext { form: StartForm { email: &form.email }, errors, ..StartContext::default() };
    guest.refused(START_TITLE, "residents/start.html", &context)
}

#[derive(Deserialize)]
struct NoFields {}

#[handler]
async fn log_out(resident: Resident, _form: Form<NoFields>) -> Result<Response, Problem> {
    let mut tx = resident.begin().await?;
    Sessions::end(&mut tx, resident.session_value()).await?;
    tx.commit().await?;
    let gone = resident.platform().cookies.set(Purpose::Resident, "", Some(0));
    Ok(with_cookie(see_other("/"), &gone))
}

pub(crate) fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(value) = cookie.parse() {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

#[derive(Serialize)]
struct SettingsContext {
    profile: ProfileContext,
}

#[derive(Serialize)]
struct ProfileContext {
    email: String,
    phone: Option<String>,
}

#[handler]
async fn settings(resident: Resident) -> Result<Response, Problem> {
    let tx = resident.read().await?;
    let visitor = people::resident(&tx, ResidentId(resident.id())).await?.ok_or_else(Problem::not_found)?;
    tx.commit().await?;
    let phone = Some(visitor.phone).filter(|phone| !phone.is_empty());
    let profile = ProfileContext { email: visitor.email, phone };
    resident.page("Настройки", "residents/settings.html", &SettingsContext { profile })
}
