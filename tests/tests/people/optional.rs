//! The routes of the optional modules, by module; the company of these tests has them on.

use crate::routes::{NO_FORM, NO_PAGE, Statuses, all, api, holder, residents};

/// As the table of pages in [`crate::routes`].
pub(crate) const PAGES: [(&str, &str, Statuses, Statuses); 16] = [
    ("/requests", "/requests", [303, 303, 200, 200, 200], NO_FORM),
    ("/requests/new", "/requests/new?kind=emergency", holder(200), holder(422)),
    ("/requests/:id", "/requests/{none}", residents(404), residents(404)),
    ("/requests/:id/reopen", "/requests/{none}/reopen", NO_PAGE, residents(404)),
    ("/requests/:id/rating", "/requests/{none}/rating", NO_PAGE, residents(404)),
    ("/requests/:id/files/:file", "/requests/{none}/files/{none}", residents(404), NO_FORM),
    ("/accounts/:id/paperless", "/accounts/{account}/paperless", holder(200), holder(303)),
    ("/accounts/:id/paperless/:file", "/accounts/{account}/paperless/{none}.pdf", residents(404), NO_FORM),
    ("/notifications", "/notifications", residents(200), NO_FORM),
    ("/notifications/read", "/notifications/read", NO_PAGE, all(303)),
    ("/notifications/preferences", "/notifications/preferences", residents(200), residents(422)),
    ("/notifications/preferences/chats/:channel", "/notifications/preferences/chats/max", NO_PAGE, residents(404)),
    ("/notifications/unsubscribe", "/notifications/unsubscribe?token=none", all(404), all(422)),
    // Whatever comes to these two without its secret is refused: no form of ours leads there.
    ("/notifications/one-click", "/notifications/one-click", NO_PAGE, all(403)),
    ("/notifications/hooks/:channel", "/notifications/hooks/max", NO_PAGE, all(403)),
    ("/notifications/:id", "/notifications/{none}", residents(404), NO_FORM),
];

/// As the table of operations in [`crate::routes`].
pub(crate) const OPERATIONS: [(&str, &str, &str, Statuses, u16); 42] = [
    ("GET /api/v1/requests", "/api/v1/requests", "", [401, 404, 404, 404, 200], 401),
    ("POST /api/v1/requests", "/api/v1/requests", r#"{"kind":"appeal"}"#, [401, 404, 404, 404, 422], 401),
    ("GET /api/v1/requests/{id}", "/api/v1/requests/{none}", "", api(404), 401),
    ("POST /api/v1/requests/{id}/comments", "/api/v1/requests/{none}/comments", r#"{"text":"ответ"}"#, api(404), 401),
    ("POST /api/v1/requests/{id}/reopen", "/api/v1/requests/{none}/reopen", r#"{"text":"течёт"}"#, api(404), 401),
    ("POST /api/v1/requests/{id}/rating", "/api/v1/requests/{none}/rating", r#"{"rating":5}"#, api(404), 401),
    ("GET /api/v1/paid-services", "/api/v1/paid-services", "", api(200), 401),
    ("GET /api/admin/v1/requests", "/api/admin/v1/requests", "", all(401), 200),
    ("GET /api/admin/v1/requests/{id}", "/api/admin/v1/requests/{none}", "", all(401), 404),
    ("POST /api/admin/v1/requests/{id}/accept", "/api/admin/v1/requests/{none}/accept", "", all(401), 404),
    ("POST /api/admin/v1/requests/{id}/assign", "/api/admin/v1/requests/{none}/assign", "{}", all(401), 404),
    (
        "POST /api/admin/v1/requests/{id}/comments",
        "/api/admin/v1/requests/{none}/comments",
        r#"{"text":"ответ"}"#,
        all(401),
        404,
    ),
    (
        "POST /api/admin/v1/requests/{id}/state",
        "/api/admin/v1/requests/{none}/state",
        r#"{"state":"done","text":"сделано"}"#,
        all(401),
        404,
    ),
    ("GET /api/admin/v1/requests/{id}/files/{file}", "/api/admin/v1/requests/{none}/files/{none}", "", all(401), 404),
    ("GET /api/admin/v1/paid-services", "/api/admin/v1/paid-services", "", all(401), 200),
    (
        "PUT /api/admin/v1/paid-services/{code}",
        "/api/admin/v1/paid-services/UPPER",
        r#"{"title":"Кран","price":1}"#,
        all(401),
        422,
    ),
    ("GET /api/v1/accounts/{id}/paperless", "/api/v1/accounts/{account}/paperless", "", [401, 404, 404, 404, 200], 401),
    (
        "POST /api/v1/accounts/{id}/paperless",
        "/api/v1/accounts/{account}/paperless",
        r#"{"signatory":"?"}"#,
        [401, 404, 404, 404, 422],
        401,
    ),
    (
        "DELETE /api/v1/accounts/{id}/paperless",
        "/api/v1/accounts/{account}/paperless",
        "",
        [401, 404, 404, 404, 422],
        401,
    ),
    ("GET /api/v1/accounts/{id}/paperless/{refusal}", "/api/v1/accounts/{account}/paperless/{none}", "", api(404), 401),
    ("GET /api/admin/v1/paperless/accounts", "/api/admin/v1/paperless/accounts?period=2026-11", "", all(401), 200),
    ("GET /api/admin/v1/paperless/list", "/api/admin/v1/paperless/list?period=2026-11&format=csv", "", all(401), 200),
    ("GET /api/admin/v1/paperless/accounts/{id}", "/api/admin/v1/paperless/accounts/{none}", "", all(401), 404),
    ("GET /api/admin/v1/paperless/applications/{id}", "/api/admin/v1/paperless/applications/{none}", "", all(401), 404),
    (
        "POST /api/admin/v1/paperless/bounces",
        "/api/admin/v1/paperless/bounces",
        r#"{"email":"nobody@example.ru"}"#,
        all(401),
        200,
    ),
    ("GET /api/v1/notifications", "/api/v1/notifications", "", api(200), 401),
    ("POST /api/v1/notifications/read", "/api/v1/notifications/read", "", api(200), 401),
    ("POST /api/v1/notifications/{id}/read", "/api/v1/notifications/{none}/read", "", api(404), 401),
    ("GET /api/v1/notifications/preferences", "/api/v1/notifications/preferences", "", api(200), 401),
    (
        "PUT /api/v1/notifications/preferences",
        "/api/v1/notifications/preferences",
        r#"{"off":[],"order":["email","email"]}"#,
        api(422),
        401,
    ),
    ("GET /api/admin/v1/notifications", "/api/admin/v1/notifications", "", all(401), 200),
    ("POST /api/admin/v1/notifications", "/api/admin/v1/notifications", NOBODY, all(401), 422),
    ("POST /api/admin/v1/notifications/preview", "/api/admin/v1/notifications/preview", NOBODY, all(401), 422),
    ("GET /api/admin/v1/notifications/{id}", "/api/admin/v1/notifications/{none}", "", all(401), 404),
    ("PUT /api/admin/v1/notifications/{id}", "/api/admin/v1/notifications/{none}", NOBODY, all(401), 422),
    ("POST /api/admin/v1/notifications/{id}/send", "/api/admin/v1/notifications/{none}/send", "", all(401), 404),
    ("POST /api/admin/v1/notifications/{id}/cancel", "/api/admin/v1/notifications/{none}/cancel", "", all(401), 404),
    (
        "GET /api/admin/v1/notifications/{id}/deliveries",
        "/api/admin/v1/notifications/{none}/deliveries",
        "",
        all(401),
        404,
    ),
    ("GET /api/admin/v1/notification-channels", "/api/admin/v1/notification-channels", "", all(401), 200),
    (
        "PUT /api/admin/v1/notification-channels/{channel}/token",
        "/api/admin/v1/notification-channels/max/token",
        r#"{"token":"x"}"#,
        all(401),
        422,
    ),
    ("GET /api/admin/v1/notification-settings", "/api/admin/v1/notification-settings", "", all(401), 200),
    ("PUT /api/admin/v1/notification-settings", "/api/admin/v1/notification-settings", TWICE, all(401), 422),
];

/// Decisions about notices that name a channel twice.
const TWICE: &str = r#"{"order":["email","email"],"automatic":{"window_opens":true,"window_closes":true,"receipt":true,
    "verification":true,"request":true}}"#;

/// A message for nobody there is.
const NOBODY: &str = r#"{"title":"x","body":"x","audience":{"to":"moon"}}"#;
