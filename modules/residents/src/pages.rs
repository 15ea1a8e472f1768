//! The module's pages; here `/`, `/login`, `/logout`.

pub(crate) mod consent;
mod leaving;
mod recovery;
mod registration;
mod settings;

use kabinet_core::Tenant;
use kabinet_web::cookie::Purpose;
use kabinet_web::sealed::with_cookie;
use kabinet_web::session::{Sessions, Subject};
use kabinet_web::{ClientAddress, FieldError, Form, Guest, PageRoute, Problem, Resident, return_to, see_other};
use poem::http::header;
use poem::web::Data;
use poem::{EndpointExt, Request, Response, get, handler, post};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::gosuslugi;
use crate::login::{self, Attempt, Browser};
use crate::means::Means;
use crate::strength;

const START_TITLE: &str = "Личный кабинет абонента";

pub(crate) fn routes(means: &Means) -> Vec<PageRoute> {
    let mut routes = vec![
        PageRoute::new("/", get(start).data(means.clone())),
        PageRoute::new("/login", get(to_start).post(log_in).data(means.clone())),
        PageRoute::new("/logout", post(log_out).data(means.clone())),
        PageRoute::new("/consent", get(consent::page)),
    ];
    routes.extend(registration::routes(means));
    routes.extend(recovery::routes(means));
    routes.extend(settings::routes(means));
    routes.extend(leaving::routes(means));
    routes
}

/// Which doors of the start page are open at a company.
#[derive(Debug, Serialize)]
struct Doors {
    registration: bool,
    recovery: bool,
    gosuslugi: bool,
    guest_readings: bool,
}

impl Doors {
    fn of(company: &Tenant, means: &Means) -> Result<Self, Problem> {
        let gosuslugi = gosuslugi::is_offered(means.gosuslugi.as_ref(), company)?;
        Ok(Self { registration: true, recovery: true, gosuslugi, guest_readings: true })
    }
}

#[derive(Debug, Serialize)]
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

impl<'a> Browser<'a> {
    /// The browser of a resident's or guest's request.
    pub(crate) fn of(guest: &'a Guest, address: &'a ClientAddress, request: &'a Request) -> Self {
        let agent = request.header(header::USER_AGENT).unwrap_or_default();
        Self { address: &address.0, agent, former: guest.session_value() }
    }
}

#[handler]
fn start(guest: Guest, Data(means): Data<&Means>) -> Result<Response, Problem> {
    if guest.is_resident() {
        return Ok(see_other("/overview"));
    }
    let features = Doors::of(guest.tenant(), means)?;
    let context = StartContext { features, form: StartForm::default(), errors: Vec::new() };
    guest.page(START_TITLE, "residents/start.html", &context)
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
    Data(means): Data<&Means>,
    request: &Request,
) -> Result<Response, Problem> {
    let errors = empty_fields(&form);
    if !errors.is_empty() {
        return refuse(&guest, means, &form, errors);
    }
    let browser = Browser::of(&guest, &address, request);
    let attempt = Attempt { email: &form.email, password: &form.password, browser };
    match login::enter(&guest.platform().db, means, guest.tenant(), Subject::Resident, attempt).await {
        Ok(session) => Ok(return_to::entered(request, guest.tenant(), &session)),
        Err(error @ Error::WrongCredentials) => {
            refuse(&guest, means, &form, vec![FieldError::new("email", error.to_string())])
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

fn refuse(guest: &Guest, means: &Means, form: &LoginForm, errors: Vec<FieldError>) -> Result<Response, Problem> {
    let features = Doors::of(guest.tenant(), means)?;
    let context = StartContext { features, form: StartForm { email: &form.email }, errors };
    guest.refused(START_TITLE, "residents/start.html", &context)
}

/// A form that is a button.
#[derive(Deserialize)]
pub(crate) struct NoFields {}

/// The secret of a mailed link, in an address or in the form of its page.
#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
}

/// What is wrong with a new password, for the login `email` at this company, and its repetition.
fn password_errors(company: &Tenant, email: &str, password: &str, repeat: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let own = [email, &company.name, &company.slug, &company.canonical_host];
    if password.is_empty() {
        errors.push(FieldError::new("password", "Придумайте пароль"));
    } else if let Err(weak) = strength::check(password, &own) {
        errors.push(FieldError::new("password", weak.to_string()));
    }
    if password != repeat {
        errors.push(FieldError::new("password_repeat", "Пароли не совпадают"));
    }
    errors
}

/// The page behind a mailed link that is good no more: 404 when it is opened, 422 when it is used.
fn stale_link(guest: &Guest, kind: &'static str, used: bool) -> Result<Response, Problem> {
    #[derive(Serialize)]
    struct Context {
        kind: &'static str,
    }
    let (title, template) = ("Ссылка недействительна", "residents/stale_link.html");
    if used {
        guest.refused(title, template, &Context { kind })
    } else {
        guest.missing(title, template, &Context { kind })
    }
}

#[handler]
async fn log_out(
    resident: Resident,
    _form: Form<NoFields>,
    request: &Request,
    Data(means): Data<&Means>,
) -> Result<Response, Problem> {
    let mut tx = resident.begin().await?;
    Sessions::end(&mut tx, resident.session_value()).await?;
    let farewell = gosuslugi::farewell(means.gosuslugi.as_ref(), &tx, request, resident.session_value()).await?;
    tx.commit().await?;
    let gone = resident.platform().cookies.set(Purpose::Resident, "", Some(0));
    Ok(with_cookie(see_other(farewell.as_deref().unwrap_or("/")), &gone))
}
