//! `/esia/join` and what follows it: the first visit of a person whom ESIA has confirmed.

use kabinet_contracts::ResidentId;
use kabinet_core::Actor;
use kabinet_core::text::email_key;
use kabinet_web::cookie::Purpose as Cookie;
use kabinet_web::sealed::with_cookie;
use kabinet_web::session::{Sessions, Subject};
use kabinet_web::{ClientAddress, FieldError, Form, Guest, PageRoute, Problem, see_other};
use poem::web::{Data, Query};
use poem::{EndpointExt, FromRequest, Request, RequestBody, Response, get, handler};
use serde::{Deserialize, Serialize};

use super::super::arrivals::{self, Arrival, Step};
use super::super::failure::Failure;
use super::super::links;
use super::{LOGIN_TITLE, enter, entered, fail, note_origin, way};
use crate::attempts::Attempts;
use crate::consent::{self, ConsentText};
use crate::email;
use crate::error::Error;
use crate::login::{self, Attempt, Browser};
use crate::means::Means;
use crate::pages::consent as document;

const JOIN: &str = "/esia/join";
const TEMPLATE: &str = "residents/gosuslugi_join.html";

pub(super) fn routes(means: &Means) -> Vec<PageRoute> {
    vec![
        PageRoute::new(JOIN, get(join).data(means.clone())),
        PageRoute::new("/esia/join/consent", get(to_join).post(accept_consent).data(means.clone())),
        PageRoute::new("/esia/join/password", get(to_join).post(check_password).data(means.clone())),
        PageRoute::new("/esia/join/email", get(to_join).post(take_email).data(means.clone())),
        PageRoute::new("/esia/join/sent", get(sent).data(means.clone())),
        PageRoute::new("/esia/confirm", get(confirm_page).post(confirm).data(means.clone())),
    ]
}

#[derive(Default, Serialize)]
struct JoinContext<'a> {
    /// `consent`, `password`, `email` or `sent`.
    step: &'static str,
    email: &'a str,
    errors: Vec<FieldError>,
}

impl<'a> JoinContext<'a> {
    fn of(step: Step, arrival: &'a Arrival) -> Self {
        let step = match step {
            Step::Consent => "consent",
            Step::Password => "password",
            Step::Email => "email",
        };
        Self { step, email: &arrival.email, errors: Vec::new() }
    }
}

/// The first visit of this browser, with what is asked of the person now. A request without one is answered
/// with the page that says so.
struct Visit {
    guest: Guest,
    means: Means,
    arrival: Arrival,
    step: Step,
}

impl<'a> FromRequest<'a> for Visit {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let guest = Guest::from_request(request, body).await?;
        let Data(means) = Data::<&Means>::from_request(request, body).await?;
        match Self::find(&guest, request, means).await? {
            Ok((arrival, step)) => Ok(Self { guest, means: means.clone(), arrival, step }),
            Err(failure) => Err(poem::Error::from_response(fail(&guest, &failure)?)),
        }
    }
}

impl Visit {
    async fn find(
        guest: &Guest,
        request: &Request,
        means: &Means,
    ) -> Result<Result<(Arrival, Step), Failure>, Problem> {
        way(means, guest.tenant())?;
        let Some(value) = guest.platform().cookies.read(request, Cookie::Gosuslugi) else {
            return Ok(Err(Failure::Stale));
        };
        let tx = guest.read().await?;
        let Some(arrival) = arrivals::find(&tx, &value).await? else { return Ok(Err(Failure::Stale)) };
        let step = arrivals::step(&tx, &arrival).await;
        tx.commit().await?;
        Ok(step.map(|step| (arrival, step)))
    }

    fn context(&self) -> JoinContext<'_> {
        JoinContext::of(self.step, &self.arrival)
    }

    /// The page with what is wrong.
    fn refused(&self, errors: Vec<FieldError>) -> Result<Response, Problem> {
        self.guest.refused(LOGIN_TITLE, TEMPLATE, &JoinContext { errors, ..self.context() })
    }
}

#[handler]
async fn join(visit: Visit) -> Result<Response, Problem> {
    visit.guest.page(LOGIN_TITLE, TEMPLATE, &visit.context())
}

#[handler]
fn to_join(_guest: Guest) -> Response {
    see_other(JOIN)
}

#[derive(Deserialize)]
struct ConsentForm {
    #[serde(default)]
    consent: String,
}

fn consent_error(consent: &str) -> Option<FieldError> {
    let text = "Без согласия на обработку персональных данных личный кабинет создать нельзя";
    (consent != "yes").then(|| FieldError::new("consent", text))
}

#[handler]
async fn accept_consent(
    address: ClientAddress,
    Form(form): Form<ConsentForm>,
    visit: Visit,
    request: &Request,
) -> Result<Response, Problem> {
    if visit.step != Step::Consent {
        return Ok(see_other(JOIN));
    }
    if let Some(error) = consent_error(&form.consent) {
        return visit.refused(vec![error]);
    }
    let Visit { guest, arrival, .. } = &visit;
    let text = document::shown(guest)?;
    settle(guest, &address, request, arrival, &text, None).await.or_else(|failure| fail(guest, &failure))
}

/// Makes the login, links the person and lets in; a letter's link, where one led here, is spent with it.
async fn settle(
    guest: &Guest,
    address: &ClientAddress,
    request: &Request,
    arrival: &Arrival,
    text: &ConsentText,
    letter: Option<&str>,
) -> Result<Response, Failure> {
    let platform = guest.platform();
    let mut tx = platform.db.begin(guest.tenant(), Actor::Guest).await?;
    if let Some(token) = letter
        && !arrivals::spend_letter(&tx, token).await?
    {
        return Err(Failure::Stale);
    }
    let id = arrivals::settle(&mut tx, arrival).await?;
    consent::keep_text(&tx, text).await?;
    let now = tx.now();
    consent::record(&tx, id, text.hash.clone(), now, &address.0).await?;
    let value = enter(&mut tx, guest, id, address, request).await?;
    tx.commit().await?;
    Ok(entered(guest, request, &value))
}

#[derive(Deserialize)]
struct PasswordForm {
    #[serde(default)]
    password: String,
}

#[handler]
async fn check_password(
    address: ClientAddress,
    Form(form): Form<PasswordForm>,
    visit: Visit,
    request: &Request,
) -> Result<Response, Problem> {
    if visit.step != Step::Password {
        return Ok(see_other(JOIN));
    }
    let refuse = |text: &str| visit.refused(vec![FieldError::new("password", text)]);
    if form.password.is_empty() {
        return refuse("Введите пароль");
    }
    let Visit { guest, means, arrival, .. } = &visit;
    let browser = Browser::of(guest, &address, request);
    let attempt = Attempt { email: &arrival.email, password: &form.password, browser };
    match login::enter(&guest.platform().db, means, guest.tenant(), Subject::Resident, attempt).await {
        Ok(session) => link_entered(guest, request, arrival, &session).await.or_else(|failure| fail(guest, &failure)),
        Err(Error::WrongCredentials) => refuse("Неверный пароль"),
        Err(other) => Err(other.into()),
    }
}

/// Links the person to the login whose password was right, in the session that has just begun.
async fn link_entered(guest: &Guest, request: &Request, arrival: &Arrival, session: &str) -> Result<Response, Failure> {
    let platform = guest.platform();
    let found = platform.sessions.find(guest.tenant(), Subject::Resident, session).await?;
    let id = ResidentId(found.ok_or(Failure::Closed)?.subject_id);
    let mut tx = platform.db.begin(guest.tenant(), Actor::Resident(id.0)).await?;
    if let Err(failure) = links::link(&mut tx, &arrival.oid, id).await {
        Sessions::end(&mut tx, session).await?;
        tx.commit().await?;
        return Err(failure);
    }
    note_origin(&tx, id, session).await?;
    tx.commit().await?;
    Ok(entered(guest, request, session))
}

#[derive(Deserialize)]
struct EmailForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    consent: String,
}

#[handler]
async fn take_email(Form(form): Form<EmailForm>, visit: Visit) -> Result<Response, Problem> {
    if visit.step != Step::Email {
        return Ok(see_other(JOIN));
    }
    let Visit { guest, means, arrival, .. } = &visit;
    let checked = email::checked(&form.email, &means.mail_domains(guest.tenant())?);
    let wrong = checked.as_ref().err().map(|text| FieldError::new("email", text));
    let errors: Vec<FieldError> = [wrong, consent_error(&form.consent)].into_iter().flatten().collect();
    let Some(email) = checked.ok().filter(|_| errors.is_empty()) else {
        let context = JoinContext { email: form.email.trim(), errors, ..visit.context() };
        return guest.refused(LOGIN_TITLE, TEMPLATE, &context);
    };
    let (tenant, db) = (guest.tenant(), &guest.platform().db);
    Attempts::letters_to(&means.rules.limits, tenant, &email_key(&email)).count(db).await?;
    Attempts::letters_of(tenant, &arrival.oid).count(db).await?;
    let mut tx = guest.begin().await?;
    arrivals::send_letter(&mut tx, arrival, &email).await?;
    tx.commit().await?;
    Ok(see_other("/esia/join/sent"))
}

#[handler]
async fn sent(guest: Guest, Data(means): Data<&Means>) -> Result<Response, Problem> {
    way(means, guest.tenant())?;
    guest.page(LOGIN_TITLE, TEMPLATE, &JoinContext { step: "sent", ..JoinContext::default() })
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Token {
    token: String,
}

/// A mail scanner's GET confirms nothing: the page has one button.
#[handler]
async fn confirm_page(
    guest: Guest,
    Query(token): Query<Token>,
    Data(means): Data<&Means>,
) -> Result<Response, Problem> {
    way(means, guest.tenant())?;
    guest.page("Подтверждение Email", "residents/gosuslugi_confirm.html", &token)
}

#[handler]
async fn confirm(
    address: ClientAddress,
    Form(form): Form<Token>,
    visit: Visit,
    request: &Request,
) -> Result<Response, Problem> {
    let Visit { guest, arrival: begun, .. } = visit;
    let confirmed = confirmed(&guest, &begun, &form.token).await;
    let text = document::shown(&guest)?;
    let outcome = match confirmed {
        Ok((arrival, Step::Consent)) => settle(&guest, &address, request, &arrival, &text, Some(&form.token)).await,
        Ok((arrival, _)) => ask_password(&guest, arrival, &form.token).await,
        Err(failure) => Err(failure),
    };
    outcome.or_else(|failure| fail(&guest, &failure))
}

/// The visit with the e-mail that the letter has confirmed. A letter works only for the person who had it
/// sent, in the browser where they logged in: otherwise a stranger could make somebody else's mailbox
/// confirm the stranger's own account at ESIA.
async fn confirmed(guest: &Guest, begun: &Arrival, token: &str) -> Result<(Arrival, Step), Failure> {
    let tx = guest.platform().db.read(guest.tenant(), Actor::Guest).await?;
    let arrival = arrivals::by_letter(&tx, token).await?.filter(|letter| letter.oid == begun.oid);
    let arrival = arrival.ok_or(Failure::Stale)?;
    let step = arrivals::step(&tx, &arrival).await?;
    tx.commit().await?;
    Ok((arrival, step))
}

/// The confirmed e-mail has a login already: the visit goes on with it, to that login's password.
async fn ask_password(guest: &Guest, arrival: Arrival, token: &str) -> Result<Response, Failure> {
    let platform = guest.platform();
    let mut tx = platform.db.begin(guest.tenant(), Actor::Guest).await?;
    if !arrivals::spend_letter(&tx, token).await? {
        return Err(Failure::Stale);
    }
    let value = arrivals::resume(&mut tx, &arrival).await?;
    tx.commit().await?;
    let kept = platform.cookies.set(Cookie::Gosuslugi, &value, Some(arrivals::LIFETIME));
    Ok(with_cookie(see_other(JOIN), &kept))
}
