//! `/esia/login`, `/esia/callback`, `/esia/link`, `/esia/unlink`, and what other pages show of it.

mod join;

use kabinet_contracts::ResidentId;
use kabinet_core::{Actor, DbError, Tenant, Tx};
use kabinet_web::cookie::{self, Purpose as Cookie};
use kabinet_web::sealed::{self, with_cookie};
use kabinet_web::session::{LIFETIME as SESSION_LIFETIME, Subject};
use kabinet_web::{ClientAddress, Form, Guest, PageRoute, Platform, Problem, Resident, return_to, see_other};
use poem::http::{StatusCode, header};
use poem::web::{Data, Query};
use poem::{EndpointExt, Request, Response, get, handler};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::attempts::{self, Attempt, Purpose};
use super::client::{Client, Gosuslugi, Identity};
use super::failure::Failure;
use super::{arrivals, links, store};
use crate::attempts::Attempts;
use crate::email;
use crate::login::{self, Browser};
use crate::means::Means;
use crate::pages::NoFields;

/// The heading of login, of linking.
const LOGIN_TITLE: &str = "Вход через Госуслуги";
const LINK_TITLE: &str = "Привязка учетной записи Госуслуг";

pub(crate) fn routes(means: &Means) -> Vec<PageRoute> {
    let mut routes = vec![
        PageRoute::new("/esia/login", get(log_in).data(means.clone())),
        PageRoute::new("/esia/callback", get(come_back).data(means.clone())),
        PageRoute::new("/esia/link", get(link_page).post(link).data(means.clone())),
        PageRoute::new("/esia/unlink", get(unlink_page).post(unlink).data(means.clone())),
    ];
    routes.extend(join::routes(means));
    routes
}

/// The way and the system of this company; 404 where it has the login off.
fn way<'m>(means: &'m Means, tenant: &Tenant) -> Result<(&'m Gosuslugi, Client), Problem> {
    let gosuslugi = means.gosuslugi.as_ref().ok_or_else(Problem::not_found)?;
    let client = gosuslugi.client(tenant)?.ok_or_else(Problem::not_found)?;
    Ok((gosuslugi, client))
}

/// Whether the company's residents may log in through Gosuslugi.
pub(crate) fn is_offered(gosuslugi: Option<&Gosuslugi>, tenant: &Tenant) -> Result<bool, DbError> {
    Ok(match gosuslugi {
        Some(gosuslugi) => gosuslugi.client(tenant)?.is_some(),
        None => false,
    })
}

/// What the settings page shows in the block «Вход через Госуслуги».
#[derive(Debug, Serialize)]
pub(crate) struct SettingsBlock {
    linked: bool,
    since: Option<i32>,
}

/// The block of the settings page; `None` where the company has the login off.
pub(crate) async fn settings_block(
    gosuslugi: Option<&Gosuslugi>,
    tx: &Tx,
    id: ResidentId,
) -> Result<Option<SettingsBlock>, DbError> {
    if !is_offered(gosuslugi, tx.tenant())? {
        return Ok(None);
    }
    let since = links::linked_since(tx, id).await?.map(|moment| moment.day(tx.tenant().zone).0);
    Ok(Some(SettingsBlock { linked: since.is_some(), since }))
}

/// Where the browser goes after the end of a session that was begun at ESIA, to end that one too; `None`
/// for another session.
pub(crate) async fn farewell(
    gosuslugi: Option<&Gosuslugi>,
    tx: &Tx,
    request: &Request,
    session: &str,
) -> Result<Option<String>, DbError> {
    let begun_there = store::forget_session(tx, &cookie::stored(session)).await?;
    let Some(gosuslugi) = gosuslugi.filter(|_| begun_there) else { return Ok(None) };
    let Some(client) = gosuslugi.client(tx.tenant())? else { return Ok(None) };
    Ok(gosuslugi.logout_url(&client, &format!("{}/", origin(request))).ok())
}

/// The portal's own origin, as the browser sees it. The host was found to be the company's before.
fn origin(request: &Request) -> String {
    let host = request.header(header::HOST).unwrap_or_default();
    format!("{}://{host}", Platform::of(request).config.public_scheme)
}

#[handler]
async fn log_in(
    guest: Guest,
    address: ClientAddress,
    request: &Request,
    Data(means): Data<&Means>,
) -> Result<Response, Problem> {
    send_away(&guest, &address, request, means, Purpose::Login).await
}

#[handler]
async fn link(
    resident: Resident,
    guest: Guest,
    address: ClientAddress,
    _form: Form<NoFields>,
    request: &Request,
    Data(means): Data<&Means>,
) -> Result<Response, Problem> {
    let purpose = Purpose::Link(ResidentId(resident.id()));
    send_away(&guest, &address, request, means, purpose).await
}

/// Notes the journey and sends the browser on it.
async fn send_away(
    guest: &Guest,
    address: &ClientAddress,
    request: &Request,
    means: &Means,
    purpose: Purpose,
) -> Result<Response, Problem> {
    let (gosuslugi, client) = way(means, guest.tenant())?;
    let platform = guest.platform();
    Attempts::journeys_from(guest.tenant(), &address.0).count(&platform.db).await?;
    let redirect_uri = format!("{}/esia/callback", origin(request));
    let journey = gosuslugi.authorize(&client, &redirect_uri, platform.db.clock().now()).await;
    let (state, url) = match journey {
        Ok(journey) => journey,
        Err(failure) => return fail(guest, &failure),
    };
    let browser = cookie::random_value(kabinet_core::Entropy);
    let mut tx = guest.begin().await?;
    attempts::begin(&mut tx, &state, &browser, purpose, &redirect_uri).await?;
    tx.commit().await?;
    let kept = platform.cookies.set(Cookie::Gosuslugi, &browser, Some(attempts::LIFETIME));
    Ok(with_cookie(leave(&url), &kept))
}

/// A redirect out of this site, which no cache keeps.
fn leave(url: &str) -> Response {
    let answer = Response::builder().status(StatusCode::SEE_OTHER).header(header::LOCATION, url);
    answer.header(header::CACHE_CONTROL, "no-store").finish()
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Return {
    state: String,
    code: String,
    error: String,
}

#[handler]
async fn come_back(
    guest: Guest,
    resident: Option<Resident>,
    address: ClientAddress,
    request: &Request,
    Query(back): Query<Return>,
    Data(means): Data<&Means>,
) -> Result<Response, Problem> {
    let arrived = arrive(&guest, request, means, &back).await;
    let outcome = match arrived {
        Ok((Purpose::Login, identity)) => {
            enter_or_ask(&guest, &address, request, allowed(&guest, means, identity)?).await
        }
        Ok((Purpose::Link(id), identity)) => finish_link(resident.as_ref(), id, &identity).await,
        Err(Arrived::Problem(problem)) => return Err(problem),
        Err(Arrived::Failure(failure)) => Err(failure),
    };
    outcome.or_else(|failure| fail(&guest, &failure))
}

enum Arrived {
    Problem(Problem),
    Failure(Failure),
}

impl<T: Into<Failure>> From<T> for Arrived {
    fn from(failure: T) -> Self {
        Self::Failure(failure.into())
    }
}

/// Takes the journey back and asks ESIA who came. The journey is over, and the transaction that ends it
/// committed, before anything is asked.
async fn arrive(
    guest: &Guest,
    request: &Request,
    means: &Means,
    back: &Return,
) -> Result<(Purpose, Identity), Arrived> {
    let (gosuslugi, client) = way(means, guest.tenant()).map_err(Arrived::Problem)?;
    let platform = guest.platform();
    let browser = platform.cookies.read(request, Cookie::Gosuslugi).ok_or(Failure::Stale)?;
    let tx = platform.db.begin(guest.tenant(), Actor::Guest).await.map_err(Failure::Db)?;
    let attempt = attempts::take(&tx, &back.state, &browser).await.map_err(Failure::Db)?;
    tx.commit().await.map_err(Failure::Db)?;
    let Attempt { purpose, redirect_uri } = attempt.ok_or(Failure::Stale)?;
    match back.error.as_str() {
        "" if back.code.is_empty() => return Err(Failure::Refused("neither code nor error".to_owned()).into()),
        "" => {}
        "access_denied" => return Err(Failure::Denied.into()),
        other => return Err(Failure::Refused(other.chars().take(80).collect()).into()),
    }
    let identity = gosuslugi.identify(&client, &redirect_uri, &back.code, platform.db.clock().now()).await?;
    Ok((purpose, identity))
}

/// The identity without an e-mail of a domain that the platform or the company does not take: such a person
/// is asked for another.
fn allowed(guest: &Guest, means: &Means, mut identity: Identity) -> Result<Identity, Problem> {
    let domains = means.mail_domains(guest.tenant())?;
    identity.email = identity.email.and_then(|email| email::checked(&email, &domains).ok());
    Ok(identity)
}

/// A known person enters; a stranger is asked what is missing.
async fn enter_or_ask(
    guest: &Guest,
    address: &ClientAddress,
    request: &Request,
    identity: Identity,
) -> Result<Response, Failure> {
    let platform = guest.platform();
    let mut tx = platform.db.begin(guest.tenant(), Actor::Guest).await?;
    match links::resident_of(&tx, &identity.oid).await? {
        Some(id) => {
            // The session is begun in the resident's own name.
            drop(tx);
            let mut tx = platform.db.begin(guest.tenant(), Actor::Resident(id.0)).await?;
            let value = enter(&mut tx, guest, id, address, request).await?;
            tx.commit().await?;
            Ok(entered(guest, request, &value))
        }
        None => {
            let value = arrivals::begin(&mut tx, &identity).await?;
            tx.commit().await?;
            let kept = platform.cookies.set(Cookie::Gosuslugi, &value, Some(arrivals::LIFETIME));
            Ok(with_cookie(see_other("/esia/join"), &kept))
        }
    }
}

/// Begins a fresh session, ends the one the browser carried, and remembers where this one came from.
async fn enter(
    tx: &mut Tx,
    guest: &Guest,
    id: ResidentId,
    address: &ClientAddress,
    request: &Request,
) -> Result<String, DbError> {
    let value = login::open(tx, Subject::Resident, id.0, Browser::of(guest, address, request)).await?;
    note_origin(tx, id, &value).await?;
    Ok(value)
}

async fn note_origin(tx: &Tx, id: ResidentId, session: &str) -> Result<(), DbError> {
    store::note_session(tx, &cookie::stored(session), SESSION_LIFETIME).await?;
    tx.audit("gosuslugi.logged_in", id.0, json!({})).await
}

fn entered(guest: &Guest, request: &Request, session: &str) -> Response {
    let answer = return_to::entered(request, guest.tenant(), session);
    with_cookie(answer, &sealed::gone(guest.platform(), Cookie::Gosuslugi))
}

/// Links the person to the login that began the journey, if it is still the one that is logged in.
async fn finish_link(resident: Option<&Resident>, id: ResidentId, identity: &Identity) -> Result<Response, Failure> {
    let resident = resident.filter(|resident| resident.id() == id.0).ok_or(Failure::Stale)?;
    let mut tx = resident.platform().db.begin(resident.tenant(), Actor::Resident(id.0)).await?;
    links::link(&mut tx, &identity.oid, id).await?;
    tx.commit().await?;
    let answer = resident.done_saying("/settings", "Учетная запись Госуслуг привязана к личному кабинету");
    Ok(with_cookie(answer, &sealed::gone(resident.platform(), Cookie::Gosuslugi)))
}

#[derive(Serialize)]
struct FailureContext {
    text: String,
    retry: bool,
}

/// The page that tells why it did not work; what an operator should know goes to the log.
fn fail(guest: &Guest, failure: &Failure) -> Result<Response, Problem> {
    if let Failure::Db(error) = failure {
        return Err(Problem::fault(error));
    }
    if let Some(cause) = failure.cause() {
        tracing::warn!(company = guest.tenant().slug, cause, "login through Gosuslugi failed");
    }
    let context = FailureContext { text: failure.to_string(), retry: !guest.is_resident() };
    let status = StatusCode::from_u16(failure.status()).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut answer = guest.answer(status, LOGIN_TITLE, "residents/gosuslugi_failed.html", &context)?;
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answer.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("60"));
    }
    Ok(answer)
}

#[derive(Serialize)]
struct LinkContext {
    gosuslugi: Option<SettingsBlock>,
}

#[handler]
async fn link_page(resident: Resident, Data(means): Data<&Means>) -> Result<Response, Problem> {
    way(means, resident.tenant())?;
    let tx = resident.read().await?;
    let gosuslugi = settings_block(means.gosuslugi.as_ref(), &tx, ResidentId(resident.id())).await?;
    tx.commit().await?;
    resident.page(LINK_TITLE, "residents/gosuslugi_link.html", &LinkContext { gosuslugi })
}

#[derive(Serialize)]
struct UnlinkContext {
    has_password: bool,
}

const UNLINK_TITLE: &str = "Отвязка учетной записи Госуслуг";

#[handler]
async fn unlink_page(resident: Resident, Data(means): Data<&Means>) -> Result<Response, Problem> {
    way(means, resident.tenant())?;
    let tx = resident.read().await?;
    let id = ResidentId(resident.id());
    let linked = links::linked_since(&tx, id).await?.is_some();
    let has_password = links::has_password(&tx, id).await?;
    tx.commit().await?;
    if !linked {
        return Ok(see_other("/settings"));
    }
    resident.page(UNLINK_TITLE, "residents/gosuslugi_unlink.html", &UnlinkContext { has_password })
}

#[handler]
async fn unlink(resident: Resident, _form: Form<NoFields>, Data(means): Data<&Means>) -> Result<Response, Problem> {
    way(means, resident.tenant())?;
    let mut tx = resident.begin().await?;
    let id = ResidentId(resident.id());
    if !links::has_password(&tx, id).await? {
        let context = UnlinkContext { has_password: false };
        return resident.refused(UNLINK_TITLE, "residents/gosuslugi_unlink.html", &context);
    }
    links::unlink(&mut tx, id).await?;
    tx.commit().await?;
    Ok(resident.done_saying("/settings", "Учетная запись Госуслуг отвязана от личного кабинета"))
}
