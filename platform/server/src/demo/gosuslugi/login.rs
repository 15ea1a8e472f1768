//! The stand-in's addresses: the page on which a person logs in, and what systems call.

use std::time::Duration;

use kabinet_residents::gosuslugi::protocol::{AUTHORIZE_PATH, LOGOUT_PATH, TOKEN_PATH};
use poem::http::{StatusCode, header};
use poem::web::{Data, Form, Json, Path, Query};
use poem::{Endpoint, EndpointExt, IntoResponse, Request, Response, Route, get, handler, post};
use serde::Deserialize;
use serde_json::json;

use super::people::{self, Person};
use super::provider::{Call, Knob, Provider, Refusal};

pub(super) fn endpoint(provider: Provider) -> impl Endpoint {
    Route::new()
        .at("/", get(about))
        .at(AUTHORIZE_PATH, get(authorize))
        .at("/login", post(log_in))
        .at(TOKEN_PATH, post(issue_token))
        .at("/rs/prns/:oid", get(send_person))
        .at("/rs/prns/:oid/ctts", get(send_contacts))
        .at(LOGOUT_PATH, get(log_out))
        .at("/knobs", post(turn))
        .data(provider)
}

#[handler]
fn about() -> Response {
    page(
        StatusCode::OK,
        "'none'",
        "<p>Здесь портал получает согласие «Госуслуг» в демонстрации. Начните со входа на портале компании.</p>",
    )
}

#[handler]
async fn authorize(Query(call): Query<Call>, Data(provider): Data<&Provider>) -> Response {
    match provider.authorize(&call).await {
        Ok((ticket, origin)) => login_page(StatusCode::OK, &ticket, &origin, ""),
        Err(Refusal(code, what)) => {
            page(StatusCode::BAD_REQUEST, "'none'", &format!("<p>Запрос отклонён: {}, {}</p>", code, escaped(what)))
        }
    }
}

fn login_page(status: StatusCode, ticket: &str, origin: &str, error: &str) -> Response {
    let choice: String = people::offered().iter().map(choice).collect();
    let error = if error.is_empty() { String::new() } else { format!("<p role=\"alert\">{}</p>", escaped(error)) };
    let body = format!(
        "<p>Это не портал Госуслуг: люди здесь выдуманы, настоящие логин и пароль не вводите.</p>{error}\
         <form method=\"post\" action=\"/login\"><input type=\"hidden\" name=\"ticket\" value=\"{ticket}\">\
         <p><label>Логин <input name=\"login\" type=\"text\" autocomplete=\"off\"></label></p>\
         <p><label>Пароль <input name=\"password\" type=\"password\" autocomplete=\"current-password\"></label> (любой)</p>\
         <p><button type=\"submit\" name=\"answer\" value=\"enter\">Войти</button>\
         <button type=\"submit\" name=\"answer\" value=\"deny\">Отказать в доступе</button></p>\
         <h2>Или войти как</h2><ul>{choice}</ul>\
         <p>Любой другой Email в поле «Логин» — новый человек с этим Email, номер телефона — новый человек без Email.</p>\
         </form>",
        ticket = escaped(ticket)
    );
    page(status, &format!("'self' {origin}"), &body)
}

fn choice(person: &Person) -> String {
    format!(
        "<li><button type=\"submit\" name=\"person\" value=\"{}\">{} {}</button> {}</li>",
        escaped(&person.login),
        escaped(&person.name[1]),
        escaped(&person.name[0]),
        escaped(&person.note)
    )
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LoginForm {
    ticket: String,
    login: String,
    password: String,
    answer: String,
    person: String,
}

#[handler]
fn log_in(Form(form): Form<LoginForm>, Data(provider): Data<&Provider>) -> Response {
    let Some(pending) = provider.pending(&form.ticket) else {
        return page(
            StatusCode::BAD_REQUEST,
            "'none'",
            "<p>Этот вход уже завершён. Начните заново на портале компании.</p>",
        );
    };
    let person = match (form.person.as_str(), form.answer.as_str()) {
        (_, "deny") => None,
        ("", _) if form.password.is_empty() => {
            let origin = pending.redirect_uri.trim_end_matches("/esia/callback");
            return login_page(StatusCode::UNPROCESSABLE_ENTITY, &form.ticket, origin, "Введите логин и пароль");
        }
        ("", _) => people::by_login(&form.login),
        (chosen, _) => people::by_login(chosen),
    };
    match provider.grant(&form.ticket, person) {
        Some(url) => Response::builder().status(StatusCode::FOUND).header(header::LOCATION, url).finish(),
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}

#[handler]
async fn issue_token(Form(call): Form<Call>, Data(provider): Data<&Provider>) -> Response {
    match provider.knob_of(&call.code) {
        Some(Knob::Failing) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Some(Knob::Silent) => tokio::time::sleep(Duration::from_secs(20)).await,
        Some(Knob::NotJson) => {
            return Response::builder().content_type("text/html").body("<h1>Технические работы</h1>");
        }
        Some(Knob::Redirecting) => {
            return Response::builder().status(StatusCode::FOUND).header(header::LOCATION, "/").finish();
        }
        _ => {}
    }
    match provider.token(&call).await {
        Ok(reply) => Json(reply).into_response(),
        Err(Refusal(code, what)) => {
            let body = Json(json!({ "error": code, "error_description": what, "state": call.state }));
            body.with_status(StatusCode::BAD_REQUEST).into_response()
        }
    }
}

/// The person of the bearer token, when it is the one that is asked for.
fn asked(request: &Request, provider: &Provider, oid: u64) -> Option<Person> {
    let token = request.header(header::AUTHORIZATION)?.strip_prefix("Bearer ")?;
    provider.bearer(token).filter(|person| person.oid == oid)
}

#[handler]
fn send_person(request: &Request, Path(oid): Path<u64>, Data(provider): Data<&Provider>) -> Response {
    let Some(person) = asked(request, provider, oid) else { return StatusCode::UNAUTHORIZED.into_response() };
    Json(json!({
        "stateFacts": ["EntityRoot"], "lastName": person.name[0], "firstName": person.name[1],
        "middleName": person.name[2], "trusted": person.trusted, "status": "REGISTERED",
    }))
    .into_response()
}

#[derive(Deserialize)]
struct Embed {
    #[serde(default)]
    embed: String,
}

#[handler]
fn send_contacts(
    request: &Request,
    Path(oid): Path<u64>,
    Query(query): Query<Embed>,
    Data(provider): Data<&Provider>,
) -> Response {
    let Some(person) = asked(request, provider, oid) else { return StatusCode::UNAUTHORIZED.into_response() };
    if query.embed != "(elements)" {
        return Json(json!({ "stateFacts": ["hasSize"], "size": 0 })).into_response();
    }
    // An address that was never verified stands before the verified one.
    let mut elements =
        vec![json!({ "id": 1, "type": "EML", "vrfStu": "NOT_VERIFIED", "value": "nobody@mail.example" })];
    elements.extend(person.phone.map(|phone| json!({ "id": 2, "type": "MBT", "vrfStu": "VERIFIED", "value": phone })));
    elements.extend(person.email.map(|email| json!({ "id": 3, "type": "EML", "vrfStu": "VERIFIED", "value": email })));
    Json(json!({ "stateFacts": ["hasSize"], "size": elements.len(), "elements": elements })).into_response()
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Logout {
    client_id: String,
    redirect_url: String,
}

#[handler]
async fn log_out(Query(logout): Query<Logout>, Data(provider): Data<&Provider>) -> Response {
    if provider.may_leave_to(&logout.client_id, &logout.redirect_url).await {
        return Response::builder().status(StatusCode::FOUND).header(header::LOCATION, logout.redirect_url).finish();
    }
    page(StatusCode::BAD_REQUEST, "'none'", "<p>Адрес возврата не зарегистрирован.</p>")
}

#[derive(Deserialize)]
struct Turn {
    state: String,
    knob: Knob,
}

#[handler]
fn turn(Form(turn): Form<Turn>, Data(provider): Data<&Provider>) -> StatusCode {
    provider.turn(turn.state, turn.knob);
    StatusCode::NO_CONTENT
}

/// A plain page; `targets` is where its forms may lead, by redirects too.
fn page(status: StatusCode, targets: &str, body: &str) -> Response {
    let html = format!(
        "<!DOCTYPE html><html lang=\"ru\"><head><meta charset=\"utf-8\"><title>Госуслуги (демонстрация)</title>\
         <meta name=\"viewport\" content=\"width=device-width\"></head><body><main><h1>Госуслуги (демонстрация)</h1>\
         {body}</main></body></html>"
    );
    let policy = format!("default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action {targets}");
    Response::builder()
        .status(status)
        .content_type("text/html; charset=utf-8")
        .header(header::CONTENT_SECURITY_POLICY, policy)
        .header(header::CACHE_CONTROL, "no-store")
        .body(html)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
