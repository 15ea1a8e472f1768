//! `/esia/join` and what follows it: the first visit of a person whom ESIA has confirmed.

use kabinet_contracts::ResidentId;
use kabinet_core::limits::{self, Limit, Verdict};
use kabinet_core::text::email_key;
use kabinet_core::{Actor, Tx};
use kabinet_web::cookie::{self, Purpose as Cookie};
use kabinet_web::person::see_other;
use kabinet_web::session::{Sessions, Subject};
use kabinet_web::{ClientAddress, FieldError, Form, Guest, PageRoute, Problem};
use poem::http::header;
use poem::web::{Data, Query};
use poem::{EndpointExt, Request, Response, get, handler};
use serde::{Deserialize, Serialize};

use super::super::arrivals::{self, Arrival, Step};
use super::super::failure::Failure;
use super::super::links;
use super::{LOGIN_TITLE, enter, entered, fail, note_origin};
use crate::error::Error;
use crate::consent::ConsentText;
use crate::login::{self, Attempt};
use crate::means::Means;
use crate::pages::with_cookie;

/// Letters to one address, and for one person, in a day.
const LETTERS: Limit = Limit { most: 5, seconds: 24 * 3600 };

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

/// The first visit of this browser with what is asked now; the page to answer instead where there is none.
async fn visit(guest: &Guest, request: &Request, means: &Means) -> Result<(Arrival, Step), Result<Response, Problem>> {
    let found = async {
        means.gosuslugi_of(guest.tenant())?;
        let Some(value) = guest.platform().cookies.read(request, Cookie::Gosuslugi) else { return Ok(None) };
        let tx = guest.read().await?;
        let Some(arrival) = arrivals::find(&tx, &value).await? else { return Ok(None) };
        let step = arrivals::step(&tx, &arrival).await;
        tx.commit().await?;
        Ok::<_, Problem>(Some((arrival, step)))
    };
    match found.await {
        Ok(Some((arrival, Ok(step)))) => Ok((arrival, step)),
        Ok(Some((_, Err(failure)))) => Err(fail(guest, &failure)),
        Ok(None) => Err(fail(guest, &Failure::Stale)),
        Err(problem) => Err(Err(problem)),
    }
}

#[handler]
async fn join(guest: Guest, request: &Request, Data(means): Data<&Means>) -> Result<Response, Problem> {
    match visit(&guest, request, means).await {
        Ok((arrival, step)) => guest.page(LOGIN_TITLE, TEMPLATE, &JoinContext::of(step, &arrival)),
        Err(answer) => answer,
    }
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
    guest: Guest,
    address: ClientAddress,
    Form(form): Form<ConsentForm>,
    request: &Request,
    Data(means): Data<&Means>,
) -> Result<Response, Problem> {
    let (arrival, step) = match visit(&guest, request, means).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    if step != Step::Consent {
        return Ok(see_other(JOIN));
    }
    if let Some(error) = consent_error(&form.consent) {
        let context = JoinContext { errors: vec![error], ..JoinContext::of(step, &arrival) };
        return guest.refused(LOGIN_TITLE, TEMPLATE, &context);
    }
    settle(&guest, &crate::pages::consent::shown(&guest)?, &address, request, &arrival, None).await.or_else(|failure| fail(&guest, &failure))
}

/// Makes the login, links the person and lets in; a letter's link, where one led here, is spent with it.
async fn settle(
    guest: &Guest,
    text: &ConsentText,
    address: &ClientAddress,
    request: &Request,
    arrival: &Arrival,
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
    consent_given(&tx, id, text, address).await?;
    let value = enter(&mut tx, guest, id, address, request).await?;
    tx.commit().await?;
    Ok(entered(platform, &value))
}

/// Records which text the person accepted, and from where.
async fn consent_given(tx: &Tx, id: ResidentId, text: &ConsentText, address: &ClientAddress) -> Result<(), Failure> {
    crate::consent::keep_text(tx, text).await?;
    crate::consent::record(tx, id, text.hash.clone(), tx.now(), &address.0).await?;
    Ok(())
}

#[derive(Deserialize)]
struct PasswordForm {
    #[serde(default)]
    password: String,
}

#[handler]
async fn check_password(
    guest: Guest,
    address: ClientAddress,
    Form(form): Form<PasswordForm>,
    request: &Request,
    Data(means): Data<&Means>,
) -> Result<Response, Problem> {
    let (arrival, step) = match visit(&guest, request, means).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    if step != Step::Password {
        return Ok(see_other(JOIN));
    }
    let refuse = |text: &str| {
        let errors = vec![FieldError::new("password", text)];
        guest.refused(LOGIN_TITLE, TEMPLATE, &JoinContext { errors, ..JoinContext::of(step, &arrival) })
    };
    if form.password.is_empty() {
        return refuse("Введите пароль");
    }
    let attempt = Attempt {
        email: &arrival.email,
        password: &form.password,
        address: &address.0,
        agent: request.header(header::USER_AGENT).unwrap_or_default(),
        former: guest.session_value(),
    };
    match login::enter(&guest.platform().db, means, guest.tenant(), Subject::Resident, attempt).await {
        Ok(session) => link_entered(&guest, &arrival, &session).await.or_else(|failure| fail(&guest, &failure)),
        Err(Error::WrongCredentials) => refuse("Неверный пароль"),
        Err(other) => Err(other.into()),
    }
}

/// Links the person to the login whose password was right, in the session that has just begun.
async fn link_entered(guest: &Guest, arrival: &Arrival, session: &str) -> Result<Response, Failure> {
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
    Ok(entered(platform, session))
}

#[derive(Deserialize)]
struct EmailForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    consent: String,
}

#[handler]
async fn take_email(
    guest: Guest,
    Form(form): Form<EmailForm>,
    request: &Request,
    Data(means): Data<&Means>,
) -> Result<Response, Problem> {
    let (arrival, step) = match visit(&guest, request, means).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    if step != Step::Email {
        return Ok(see_other(JOIN));
    }
    let email = form.email.trim();
    let errors: Vec<FieldError> = [email_error(email), consent_error(&form.consent)].into_iter().flatten().collect();
    if !errors.is_empty() {
        let context = JoinContext { email, errors, ..JoinContext::of(step, &arrival) };
        return guest.refused(LOGIN_TITLE, TEMPLATE, &context);
    }
    refuse_too_many_letters(&guest, &arrival, email).await?;
    let mut tx = guest.begin().await?;
    arrivals::send_letter(&mut tx, &arrival, email).await?;
    tx.commit().await?;
    Ok(see_other("/esia/join/sent"))
}

fn email_error(email: &str) -> Option<FieldError> {
    let plain = email.len() <= 254 && email.chars().all(|c| !c.is_control() && !c.is_whitespace());
    let shaped = email.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && !host.contains('@') && host.contains('.') && !host.starts_with('.') && !host.ends_with('.')
    });
    if email.is_empty() {
        return Some(FieldError::new("email", "Введите Email"));
    }
    (!plain || !shaped).then(|| FieldError::new("email", "Введите Email полностью, например name@example.ru"))
}

/// Counts a letter for its address and for the person; the counters hold hashes, no addresses.
async fn refuse_too_many_letters(guest: &Guest, arrival: &Arrival, email: &str) -> Result<(), Problem> {
    let hash = |text: &str| hex::encode(cookie::stored(text));
    for (kind, value) in [("address", hash(&email_key(email))), ("person", hash(&arrival.oid))] {
        let key = format!("gosuslugi-letter-{kind}:{}:{value}", guest.tenant().id);
        if let Verdict::Wait(seconds) = limits::hit(&guest.platform().db, &key, LETTERS).await? {
            return Err(Problem::too_many(seconds));
        }
    }
    Ok(())
}

#[handler]
async fn sent(guest: Guest, Data(means): Data<&Means>) -> Result<Response, Problem> {
    means.gosuslugi_of(guest.tenant())?;
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
    means.gosuslugi_of(guest.tenant())?;
    guest.page("Подтверждение Email", "residents/gosuslugi_confirm.html", &token)
}

#[handler]
async fn confirm(
    guest: Guest,
    address: ClientAddress,
    Form(form): Form<Token>,
    request: &Request,
    Data(means): Data<&Means>,
) -> Result<Response, Problem> {
    let (begun, _) = match visit(&guest, request, means).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let confirmed = confirmed(&guest, &begun, &form.token).await;
    let outcome = match confirmed {
        Ok((arrival, Step::Consent)) => settle(&guest, &crate::pages::consent::shown(&guest)?, &address, request, &arrival, Some(&form.token)).await,
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
    let tx = platform.db.begin(guest.tenant(), Actor::Guest).await?;
    if !arrivals::spend_letter(&tx, token).await? {
        return Err(Failure::Stale);
    }
    let value = arrivals::resume(&tx, &arrival).await?;
    tx.commit().await?;
    let kept = platform.cookies.set(Cookie::Gosuslugi, &value, Some(arrivals::LIFETIME));
    Ok(with_cookie(see_other(JOIN), &kept))
}
