//! What the people of a company do there, so that it is done: one call of each route and more where one thing leads to
//! another, in an order in which each finds what it needs. An answer that nobody gets is no proof that others do not
//! get it.

use std::collections::BTreeSet;

use super::calls::Call;

mod billing;
mod pages;
mod staff;

/// Method and path, an address with the names of things in it, a body.
pub(super) type Row = (&'static str, &'static str, &'static str);

/// Routes whose calls are not carried out at this company, with those of them that nobody carries out anywhere.
pub(super) fn unproven(slug: &str) -> BTreeSet<&'static str> {
    let here = NOT_AT_A_HEAT_SUPPLIER.into_iter().filter(|_| slug == "teploset");
    UNPROVEN.into_iter().map(|(route, _)| route).chain(here).collect()
}

/// Routes whose calls leave something behind by which the other company can be asked for.
pub(super) const LEFT: [&str; 7] = [
    "POST /api/admin/v1/accounts/{id}/absences",
    "POST /api/admin/v1/accounts/{id}/meter-impossibilities",
    "POST /api/admin/v1/house-meters/of/{house}",
    "POST /api/admin/v1/billing/accounts/{id}/instalments",
    "POST /api/admin/v1/billing/accounts/{id}/recalculations/manual",
    "POST /api/admin/v1/billing/accounts/{id}/benefits",
    "POST /accounts/{id}/helpers",
];

/// What would end that which other calls need: it is asked for other companies' things only.
pub(super) const ENDS_IT: &str = "POST /accounts/{id}/unlink";

/// What takes a moment to become possible: jobs calculate and print.
pub(super) const WAITS: [&str; 3] = [
    "GET /api/admin/v1/billing/printouts/{id}/file",
    "PUT /api/admin/v1/billing/runs/{id}/document-ids",
    "POST /api/admin/v1/billing/runs/{id}/publish",
];

/// Routes whose calls nobody carries out here, and why.
const UNPROVEN: [(&str, &str); 34] = [
    ("PUT /api/admin/v1/notification-channels/{channel}/token", "the demo has no gateways"),
    ("POST /accounts/{id}/unlink", "would end what the others need; tests/tests/linking"),
    ("GET /login", "leads on"),
    ("POST /login", "begins a session"),
    ("POST /register", "wants a captcha"),
    ("POST /recover", "wants a captcha"),
    ("POST /readings", "wants a captcha"),
    ("GET /readings/submit", "leads on whoever has found no account"),
    ("GET /activate", "a link from a letter"),
    ("POST /activate", "a link from a letter"),
    ("GET /recover/new", "a link from a letter"),
    ("POST /recover/new", "a link from a letter"),
    ("GET /settings/email", "a link from a letter"),
    ("POST /settings/email", "a link from a letter"),
    ("GET /settings/export/{token}", "a link from a letter; tests/tests/reliability/elsewhere.rs fetches it"),
    ("POST /accounts/invitation", "a link from a letter"),
    ("GET /notifications/unsubscribe", "a link from a letter"),
    ("POST /notifications/unsubscribe", "a link from a letter"),
    ("POST /notifications/one-click", "a mail program's"),
    ("POST /notifications/hooks/{channel}", "a messenger's, with its secret"),
    ("POST /notifications/preferences/chats/{channel}", "the demo has no bots"),
    ("GET /readings/link/{token}", "a sealed link; tests/tests/reach/links.rs"),
    ("POST /readings/link/{token}", "a sealed link; tests/tests/reach/links.rs"),
    ("GET /esia/login", "leads to Gosuslugi"),
    ("GET /esia/unlink", "leads on"),
    ("GET /esia/callback", "a journey through Gosuslugi; tests/tests/gosuslugi"),
    ("GET /esia/join", "a journey through Gosuslugi"),
    ("GET /esia/join/consent", "a journey through Gosuslugi"),
    ("POST /esia/join/consent", "a journey through Gosuslugi"),
    ("GET /esia/join/password", "a journey through Gosuslugi"),
    ("POST /esia/join/password", "a journey through Gosuslugi"),
    ("GET /esia/join/email", "a journey through Gosuslugi"),
    ("POST /esia/join/email", "a journey through Gosuslugi"),
    ("POST /esia/confirm", "a journey through Gosuslugi"),
];

/// A supplier of heat has no refusals of paper, no service that others' volumes follow, and one kind of receipts, the main one.
const NOT_AT_A_HEAT_SUPPLIER: [&str; 15] = [
    "GET /api/v1/accounts/{id}/paperless",
    "POST /api/v1/accounts/{id}/paperless",
    "DELETE /api/v1/accounts/{id}/paperless",
    "GET /api/v1/accounts/{id}/paperless/{refusal}",
    "GET /api/admin/v1/paperless/accounts",
    "GET /api/admin/v1/paperless/list",
    "GET /api/admin/v1/paperless/accounts/{id}",
    "GET /api/admin/v1/paperless/applications/{id}",
    "POST /api/admin/v1/paperless/bounces",
    "GET /accounts/{id}/paperless",
    "POST /accounts/{id}/paperless",
    "GET /accounts/{id}/paperless/{file}",
    "POST /accounts/{id}/paperless/{file}",
    "PUT /api/admin/v1/billing/catalog/services/{code}",
    "PUT /api/admin/v1/billing/catalog/receipt-kinds/{code}",
];

/// The calls of a company's people, by method and path.
pub(super) fn rows() -> impl Iterator<Item = Row> {
    let before = [&OF_RESIDENTS[..], &staff::OF_STAFF, &billing::OF_BILLING, &OF_PAPER, &OF_REQUESTS];
    before.into_iter().chain([&pages::PAGES[..], &billing::OF_RUNS]).flatten().copied()
}

/// The row as a call.
pub(super) fn call((route, address, body): Row) -> Call {
    let (method, pattern) = route.split_once(' ').expect("a method and a path");
    Call::new(method, pattern, address, body)
}

const OF_RESIDENTS: [Row; 22] = [
    ("GET /api/v1/me", "/api/v1/me", ""),
    ("PATCH /api/v1/me", "/api/v1/me", r#"{"phone":"+7 912 345-67-89"}"#),
    ("GET /api/v1/me/sessions", "/api/v1/me/sessions", ""),
    ("DELETE /api/v1/me/sessions/{id}", "/api/v1/me/sessions/{session}", ""),
    ("GET /api/v1/meters", "/api/v1/meters", ""),
    (
        "POST /api/v1/meters/estimate",
        "/api/v1/meters/estimate",
        r#"{"readings":[{"meter":"{meter}","values":["{value}"]}]}"#,
    ),
    (
        "POST /api/v1/meters/readings",
        "/api/v1/meters/readings",
        r#"{"readings":[{"meter":"{meter}","values":["{value}"],"confirm":true}]}"#,
    ),
    ("GET /api/v1/overview", "/api/v1/overview", ""),
    ("GET /api/v1/services", "/api/v1/services", ""),
    ("GET /api/v1/charges", "/api/v1/charges?period={period}", ""),
    ("GET /api/v1/charges/difference", "/api/v1/charges/difference?period={period}", ""),
    ("GET /api/v1/payments", "/api/v1/payments", ""),
    ("GET /api/v1/documents", "/api/v1/documents", ""),
    ("GET /api/v1/estimate", "/api/v1/estimate", ""),
    ("GET /api/v1/paid-services", "/api/v1/paid-services", ""),
    ("GET /api/v1/notifications", "/api/v1/notifications", ""),
    ("POST /api/v1/notifications/{id}/read", "/api/v1/notifications/{notice}/read", ""),
    ("POST /api/v1/notifications/read", "/api/v1/notifications/read", ""),
    ("GET /api/v1/notifications/preferences", "/api/v1/notifications/preferences", ""),
    ("PUT /api/v1/notifications/preferences", "/api/v1/notifications/preferences", r#"{"off":[],"order":["email"]}"#),
    ("GET /api/v1/accounts/{id}/paperless", "/api/v1/accounts/{account}/paperless", ""),
    ("GET /api/v1/accounts/{id}/paperless/{refusal}", "/api/v1/accounts/{refused}/paperless/{refusal}", ""),
];

const OF_PAPER: [Row; 7] = [
    ("GET /api/admin/v1/paperless/accounts", "/api/admin/v1/paperless/accounts?period=2026-11", ""),
    ("GET /api/admin/v1/paperless/list", "/api/admin/v1/paperless/list?period=2026-11&format=csv", ""),
    ("GET /api/admin/v1/paperless/accounts/{id}", "/api/admin/v1/paperless/accounts/{refused}", ""),
    ("GET /api/admin/v1/paperless/applications/{id}", "/api/admin/v1/paperless/applications/{refusal}", ""),
    ("POST /api/admin/v1/paperless/bounces", "/api/admin/v1/paperless/bounces", r#"{"email":"nobody@example.ru"}"#),
    ("POST /api/v1/accounts/{id}/paperless", "/api/v1/accounts/{account}/paperless", r#"{"signatory":"{holder}"}"#),
    ("DELETE /api/v1/accounts/{id}/paperless", "/api/v1/accounts/{account}/paperless", ""),
];

const OF_REQUESTS: [Row; 16] = [
    (
        "PUT /api/admin/v1/paid-services/{code}",
        "/api/admin/v1/paid-services/{paid_service}",
        r#"{"title":"Кран","price":1000}"#,
    ),
    ("GET /api/v1/requests", "/api/v1/requests", ""),
    ("POST /api/v1/requests", "/api/v1/requests", r#"{"kind":"appeal","subject":"Домофон","text":"Не работает"}"#),
    ("GET /api/v1/requests/{id}", "/api/v1/requests/{request}", ""),
    ("GET /api/admin/v1/requests", "/api/admin/v1/requests?assignee={staff}", ""),
    ("GET /api/admin/v1/requests/{id}", "/api/admin/v1/requests/{request}", ""),
    ("GET /api/admin/v1/requests/{id}/files/{file}", "/api/admin/v1/requests/{request_with_file}/files/{file}", ""),
    ("POST /api/admin/v1/requests/{id}/accept", "/api/admin/v1/requests/{new_request}/accept", ""),
    (
        "POST /api/admin/v1/requests/{id}/assign",
        "/api/admin/v1/requests/{open_request}/assign",
        r#"{"assignee":"{staff}"}"#,
    ),
    (
        "POST /api/admin/v1/requests/{id}/comments",
        "/api/admin/v1/requests/{open_request}/comments",
        r#"{"text":"ответ"}"#,
    ),
    ("POST /api/v1/requests/{id}/comments", "/api/v1/requests/{open_request}/comments", r#"{"text":"ответ"}"#),
    ("POST /api/admin/v1/requests/{id}/state", "/api/admin/v1/requests/{open_request}/state", DONE),
    ("POST /api/v1/requests/{id}/rating", "/api/v1/requests/{done_request}/rating", r#"{"rating":5,"text":"спасибо"}"#),
    ("POST /api/v1/requests/{id}/reopen", "/api/v1/requests/{done_request}/reopen", r#"{"text":"течёт"}"#),
    ("POST /api/admin/v1/requests/{id}/state", "/api/admin/v1/requests/{open_request}/state", DONE),
    ("POST /api/v1/requests", "/api/v1/requests", r#"{"kind":"paid","text":"В субботу","service":"{paid_service}"}"#),
];

const DONE: &str = r#"{"state":"done","text":"сделано"}"#;
