//! What staff do with accounts, meters and messages.

use super::Row;

pub(super) const OF_STAFF: [Row; 53] = [
    ("GET /api/admin/v1/accounts/{id}/absences", "/api/admin/v1/accounts/{account}/absences", ""),
    (
        "POST /api/admin/v1/accounts/{id}/absences",
        "/api/admin/v1/accounts/{account}/absences",
        r#"{"residents":1,"from":"2026-12-01","to":"2026-12-20","document":"билет"}"#,
    ),
    ("POST /api/admin/v1/accounts/absences/{id}/withdraw", "/api/admin/v1/accounts/absences/{absence}/withdraw", ""),
    (
        "GET /api/admin/v1/accounts/{id}/meter-impossibilities",
        "/api/admin/v1/accounts/{account}/meter-impossibilities",
        "",
    ),
    (
        "POST /api/admin/v1/accounts/{id}/meter-impossibilities",
        "/api/admin/v1/accounts/{unmetered}/meter-impossibilities",
        r#"{"resource":"cold_water","since":"2026-11-05","document":"акт № 3"}"#,
    ),
    (
        "POST /api/admin/v1/accounts/meter-impossibilities/{id}/end",
        "/api/admin/v1/accounts/meter-impossibilities/{impossibility}/end",
        r#"{"on":"2026-11-20"}"#,
    ),
    ("GET /api/admin/v1/meters", "/api/admin/v1/meters?account={account}&house={house}", ""),
    ("GET /api/admin/v1/meters/{id}", "/api/admin/v1/meters/{meter}", ""),
    ("GET /api/admin/v1/meters/{id}/photos/{photo}", "/api/admin/v1/meters/{photo_meter}/photos/{photo}", ""),
    ("GET /api/admin/v1/meters/{id}/faults", "/api/admin/v1/meters/{meter}/faults", ""),
    ("GET /api/admin/v1/meter-settings", "/api/admin/v1/meter-settings", ""),
    ("PUT /api/admin/v1/meter-settings", "/api/admin/v1/meter-settings", r#"{"policy":{},"sources":{}}"#),
    (
        "POST /api/admin/v1/meters",
        "/api/admin/v1/meters",
        r#"{"account":"{free_account}","resource":"gas","installed_on":"2026-11-01","serial":"Г-17","place":"кухня","initial":["5"]}"#,
    ),
    (
        "PUT /api/admin/v1/meters/{id}/verification",
        "/api/admin/v1/meters/{meter}/verification",
        r#"{"until":"2030-01-01"}"#,
    ),
    ("POST /api/admin/v1/meters/{id}/links", "/api/admin/v1/meters/{meter}/links", r#"{"period":"2026-11"}"#),
    (
        "POST /api/admin/v1/meters/{id}/links/revoke",
        "/api/admin/v1/meters/{meter}/links/revoke",
        r#"{"period":"2026-11"}"#,
    ),
    (
        "POST /api/admin/v1/meters/links/sheet",
        "/api/admin/v1/meters/links/sheet",
        r#"{"house":"{house}","period":"2026-11"}"#,
    ),
    (
        "POST /api/admin/v1/meters/{id}/readings",
        "/api/admin/v1/meters/{free_meter}/readings",
        r#"{"on":"2026-11-22","values":["{free_value}"],"source":"phone","confirm":true}"#,
    ),
    (
        "POST /api/admin/v1/meters/{id}/readings/{reading}/correct",
        "/api/admin/v1/meters/{read_meter}/readings/{reading}/correct",
        r#"{"values":["{read_value}"],"reason":"переставлены цифры"}"#,
    ),
    (
        "POST /api/admin/v1/meters/{id}/readings",
        "/api/admin/v1/meters/{free_meter}/readings",
        r#"{"on":"2026-11-22","values":["{free_value}"],"source":"phone","confirm":true}"#,
    ),
    (
        "POST /api/admin/v1/meters/{id}/readings/{reading}/withdraw",
        "/api/admin/v1/meters/{read_meter}/readings/{reading}/withdraw",
        r#"{"reason":"не тот прибор"}"#,
    ),
    (
        "PUT /api/admin/v1/meters/{id}/faults/{since}",
        "/api/admin/v1/meters/{free_meter}/faults/2026-11-10",
        r#"{"kind":"access_refused","note":"акт № 7"}"#,
    ),
    ("DELETE /api/admin/v1/meters/{id}/faults/{since}", "/api/admin/v1/meters/{faulty_meter}/faults/2026-11-10", ""),
    (
        "PUT /api/admin/v1/meters/{id}/faults/{since}",
        "/api/admin/v1/meters/{free_meter}/faults/2026-11-10",
        r#"{"kind":"access_refused","note":"акт № 7"}"#,
    ),
    (
        "POST /api/admin/v1/meters/{id}/faults/{since}/end",
        "/api/admin/v1/meters/{faulty_meter}/faults/2026-11-10/end",
        r#"{"on":"2026-11-20"}"#,
    ),
    (
        "POST /api/admin/v1/meters/{id}/replace",
        "/api/admin/v1/meters/{free_meter}/replace",
        r#"{"removal":{"on":"2026-11-16"},"new":{"serial":"26-777","initial":["10"]}}"#,
    ),
    ("POST /api/admin/v1/meters/{id}/remove", "/api/admin/v1/meters/{free_meter}/remove", r#"{"on":"2026-11-20"}"#),
    ("GET /api/admin/v1/house-meters/of/{house}", "/api/admin/v1/house-meters/of/{house}", ""),
    (
        "POST /api/admin/v1/house-meters/of/{house}",
        "/api/admin/v1/house-meters/of/{house}",
        r#"{"resource":"electricity","serial":"Э-7","installed_on":"2026-11-01","initial":"1"}"#,
    ),
    (
        "POST /api/admin/v1/house-meters/{id}/readings",
        "/api/admin/v1/house-meters/{house_meter}/readings",
        r#"{"on":"2026-11-20","value":"5"}"#,
    ),
    (
        "POST /api/admin/v1/house-meters/{id}/readings/{reading}/withdraw",
        "/api/admin/v1/house-meters/{read_house_meter}/readings/{house_reading}/withdraw",
        r#"{"reason":"не тот"}"#,
    ),
    (
        "PUT /api/admin/v1/house-meters/{id}/verification",
        "/api/admin/v1/house-meters/{house_meter}/verification",
        r#"{"until":"2030-01-01"}"#,
    ),
    (
        "PUT /api/admin/v1/house-meters/{id}/faults/{since}",
        "/api/admin/v1/house-meters/{house_meter}/faults/2026-11-10",
        r#"{"note":"акт № 8"}"#,
    ),
    (
        "DELETE /api/admin/v1/house-meters/{id}/faults/{since}",
        "/api/admin/v1/house-meters/{house_meter}/faults/2026-11-10",
        "",
    ),
    (
        "PUT /api/admin/v1/house-meters/{id}/faults/{since}",
        "/api/admin/v1/house-meters/{house_meter}/faults/2026-11-10",
        r#"{"note":"акт № 8"}"#,
    ),
    (
        "POST /api/admin/v1/house-meters/{id}/faults/{since}/end",
        "/api/admin/v1/house-meters/{house_meter}/faults/2026-11-10/end",
        r#"{"on":"2026-11-20"}"#,
    ),
    (
        "POST /api/admin/v1/house-meters/{id}/remove",
        "/api/admin/v1/house-meters/{house_meter}/remove",
        r#"{"on":"2026-11-21"}"#,
    ),
    ("GET /api/admin/v1/notifications", "/api/admin/v1/notifications", ""),
    ("POST /api/admin/v1/notifications/preview", "/api/admin/v1/notifications/preview", MESSAGE),
    ("POST /api/admin/v1/notifications", "/api/admin/v1/notifications", MESSAGE),
    ("GET /api/admin/v1/notifications/{id}", "/api/admin/v1/notifications/{message}", ""),
    ("PUT /api/admin/v1/notifications/{id}", "/api/admin/v1/notifications/{draft}", TO_A_HOUSE),
    ("POST /api/admin/v1/notifications/{id}/send", "/api/admin/v1/notifications/{draft}/send", ""),
    ("GET /api/admin/v1/notifications/{id}/deliveries", "/api/admin/v1/notifications/{message}/deliveries", ""),
    ("POST /api/admin/v1/notifications/{id}/cancel", "/api/admin/v1/notifications/{draft}/cancel", ""),
    ("POST /api/admin/v1/notifications", "/api/admin/v1/notifications", TO_A_RESIDENT),
    ("GET /api/admin/v1/notification-channels", "/api/admin/v1/notification-channels", ""),
    (
        "PUT /api/admin/v1/notification-channels/{channel}/token",
        "/api/admin/v1/notification-channels/max/token",
        r#"{"token":"x"}"#,
    ),
    ("GET /api/admin/v1/notification-settings", "/api/admin/v1/notification-settings", ""),
    (
        "PUT /api/admin/v1/notification-settings",
        "/api/admin/v1/notification-settings",
        r#"{"order":["email"],"automatic":{"window_opens":true,"window_closes":true,"receipt":true,"verification":true,"request":true}}"#,
    ),
    (
        "POST /api/admin/v1/accounts/{id}/holder",
        "/api/admin/v1/accounts/{free_account}/holder",
        r#"{"from":"2026-11-20","holders":[{"kind":"person","surname":"Новосёлова"}]}"#,
    ),
    ("POST /api/admin/v1/accounts/{id}/close", "/api/admin/v1/accounts/{free_account}/close", r#"{"on":"2026-11-20"}"#),
    ("GET /api/admin/v1/paid-services", "/api/admin/v1/paid-services", ""),
];

/// Messages that name whom they are for.
const MESSAGE: &str = r#"{"title":"Проба","body":"Текст","audience":{"to":"accounts","accounts":["{account}"]}}"#;
const TO_A_HOUSE: &str = r#"{"title":"Проба","body":"Текст","audience":{"to":"houses","houses":["{house_id}"]}}"#;
const TO_A_RESIDENT: &str = r#"{"title":"Проба","body":"Текст","audience":{"to":"resident","resident":"{resident}"}}"#;
