//! What staff do with the catalogue, houses, corrections, agreements and months.

use super::Row;

pub(super) const OF_BILLING: [Row; 52] = [
    ("GET /api/admin/v1/billing/catalog/services", "/api/admin/v1/billing/catalog/services", ""),
    (
        "PUT /api/admin/v1/billing/catalog/services/{code}",
        "/api/admin/v1/billing/catalog/services/{service}",
        r#"{"title":"Обращение с ТКО","resource":"waste","unit":"person","section":"utilities","receipt":"utilities","rule":"persons"}"#,
    ),
    ("GET /api/admin/v1/billing/catalog/receipt-kinds", "/api/admin/v1/billing/catalog/receipt-kinds", ""),
    (
        "PUT /api/admin/v1/billing/catalog/receipt-kinds/{code}",
        "/api/admin/v1/billing/catalog/receipt-kinds/{kind}",
        KIND,
    ),
    ("GET /api/admin/v1/billing/catalog/due-days", "/api/admin/v1/billing/catalog/due-days", ""),
    (
        "PUT /api/admin/v1/billing/catalog/due-days/{from}",
        "/api/admin/v1/billing/catalog/due-days/2026-12",
        r#"{"day":20}"#,
    ),
    ("GET /api/admin/v1/billing/catalog/tariffs", "/api/admin/v1/billing/catalog/tariffs", ""),
    (
        "PUT /api/admin/v1/billing/catalog/tariffs/{service}/{from}",
        "/api/admin/v1/billing/catalog/tariffs/{service}/2027-01",
        r#"{"terms":{"prices":[{"amount":"200"}]},"note":"решение от 20.11.2026"}"#,
    ),
    (
        "DELETE /api/admin/v1/billing/catalog/tariffs/{service}/{from}",
        "/api/admin/v1/billing/catalog/tariffs/{service}/2027-01",
        "",
    ),
    ("GET /api/admin/v1/billing/catalog/calendar", "/api/admin/v1/billing/catalog/calendar", ""),
    (
        "PUT /api/admin/v1/billing/catalog/calendar",
        "/api/admin/v1/billing/catalog/calendar",
        r#"{"off":["2026-12-15"]}"#,
    ),
    ("GET /api/admin/v1/billing/catalog/penalty-rates", "/api/admin/v1/billing/catalog/penalty-rates", ""),
    (
        "PUT /api/admin/v1/billing/catalog/penalty-rates",
        "/api/admin/v1/billing/catalog/penalty-rates",
        r#"{"items":[{"from":"2022-02-28","until":"2026-11-30","percent":"9.5"},{"from":"2026-12-01","percent":"8,25","note":"ключевая ставка"}]}"#,
    ),
    ("GET /api/admin/v1/billing/plugin", "/api/admin/v1/billing/plugin", ""),
    ("PUT /api/admin/v1/billing/plugin", "/api/admin/v1/billing/plugin", r#"{"settings":{}}"#),
    ("POST /api/admin/v1/billing/plugin/check", "/api/admin/v1/billing/plugin/check?accounts=1", r#"{"settings":{}}"#),
    ("GET /api/admin/v1/billing/receipt-templates", "/api/admin/v1/billing/receipt-templates", ""),
    ("GET /api/admin/v1/billing/receipt-templates/{hash}", "/api/admin/v1/billing/receipt-templates/{template}", ""),
    (
        "POST /api/admin/v1/billing/receipt-template/preview",
        "/api/admin/v1/billing/receipt-template/preview",
        r#"{"receipt":{"account":"{account}","period":"{period}","kind":"{kind}"}}"#,
    ),
    ("PUT /api/admin/v1/billing/receipt-template", "/api/admin/v1/billing/receipt-template", "{}"),
    ("GET /api/admin/v1/billing/houses/{house}", "/api/admin/v1/billing/houses/{house}", ""),
    ("GET /api/admin/v1/billing/houses/{house}/measured", "/api/admin/v1/billing/houses/{house}/measured", ""),
    (
        "PUT /api/admin/v1/billing/houses/{house}/decisions/{from}",
        "/api/admin/v1/billing/houses/{house}/decisions/2026-12",
        r#"{"by_meter":true,"protocol":"протокол № 4","decided_on":"2026-11-10"}"#,
    ),
    ("GET /api/admin/v1/billing/houses/{house}/decisions", "/api/admin/v1/billing/houses/{house}/decisions", ""),
    (
        "DELETE /api/admin/v1/billing/houses/{house}/decisions/{from}",
        "/api/admin/v1/billing/houses/{house}/decisions/2026-12",
        "",
    ),
    (
        "PUT /api/admin/v1/billing/houses/{house}/areas/{from}",
        "/api/admin/v1/billing/houses/{house}/areas/2026-12",
        r#"{"rooms_area":"4000","common_area":"500,25"}"#,
    ),
    (
        "PUT /api/admin/v1/billing/houses/{house}/volumes/{service}/{period}",
        "/api/admin/v1/billing/houses/{house}/volumes/{stated}/2026-12",
        r#"{"volume":"10"}"#,
    ),
    (
        "DELETE /api/admin/v1/billing/houses/{house}/volumes/{service}/{period}",
        "/api/admin/v1/billing/houses/{house}/volumes/{stated}/2026-12",
        "",
    ),
    (
        "PUT /api/admin/v1/billing/houses/{house}/corrections/{service}/{period}",
        "/api/admin/v1/billing/houses/{house}/corrections/{stated}/{period}",
        r#"{"volume":"1"}"#,
    ),
    ("GET /api/admin/v1/billing/houses/{house}/corrections", "/api/admin/v1/billing/houses/{house}/corrections", ""),
    (
        "GET /api/admin/v1/billing/houses/{house}/recomputed/{service}/{period}",
        "/api/admin/v1/billing/houses/{house}/recomputed/{stated}/{period}",
        "",
    ),
    (
        "POST /api/admin/v1/billing/houses/{house}/recalculations/{service}/{period}",
        "/api/admin/v1/billing/houses/{house}/recalculations/{stated}/{period}",
        "",
    ),
    (
        "DELETE /api/admin/v1/billing/houses/{house}/corrections/{service}/{period}",
        "/api/admin/v1/billing/houses/{house}/corrections/{stated}/{period}",
        "",
    ),
    (
        "POST /api/admin/v1/billing/accounts/{id}/instalments",
        "/api/admin/v1/billing/accounts/{account}/instalments",
        r#"{"service":"{owed}","total":300,"parts":3,"from":"2026-11","percent":"7","basis":"соглашение № 5"}"#,
    ),
    ("GET /api/admin/v1/billing/accounts/{id}/instalments", "/api/admin/v1/billing/accounts/{account}/instalments", ""),
    ("POST /api/admin/v1/billing/instalments/{id}/cancel", "/api/admin/v1/billing/instalments/{plan}/cancel", ""),
    (
        "POST /api/admin/v1/billing/accounts/{id}/awards",
        "/api/admin/v1/billing/accounts/{account}/awards",
        r#"{"basis":"приказ № 7","debts":[{"service":"{owed}","amount":300}]}"#,
    ),
    ("GET /api/admin/v1/billing/accounts/{id}/awards", "/api/admin/v1/billing/accounts/{account}/awards", ""),
    (
        "POST /api/admin/v1/billing/awards/{id}/payments",
        "/api/admin/v1/billing/awards/{award}/payments",
        r#"{"amount":100,"paid_on":"2026-11-20","source":"bailiffs","external_id":"ИП 7"}"#,
    ),
    (
        "GET /api/admin/v1/billing/accounts/{id}/recomputed",
        "/api/admin/v1/billing/accounts/{account}/recomputed?from={period}",
        "",
    ),
    (
        "POST /api/admin/v1/billing/accounts/{id}/recalculations",
        "/api/admin/v1/billing/accounts/{account}/recalculations",
        r#"{"from":"{period}","basis":"акт"}"#,
    ),
    (
        "POST /api/admin/v1/billing/accounts/{id}/recalculations/manual",
        "/api/admin/v1/billing/accounts/{account}/recalculations/manual",
        r#"{"service":"{service}","period":"{period}","amount":-100,"basis":"акт"}"#,
    ),
    (
        "GET /api/admin/v1/billing/accounts/{id}/recalculations",
        "/api/admin/v1/billing/accounts/{account}/recalculations",
        "",
    ),
    (
        "POST /api/admin/v1/billing/recalculations/{id}/withdraw",
        "/api/admin/v1/billing/recalculations/{correction}/withdraw",
        "",
    ),
    (
        "POST /api/admin/v1/billing/accounts/{id}/benefits",
        "/api/admin/v1/billing/accounts/{account}/benefits",
        r#"{"service":"{service}","from":"2026-11","share":"0.5","document":"удостоверение"}"#,
    ),
    ("GET /api/admin/v1/billing/accounts/{id}/benefits", "/api/admin/v1/billing/accounts/{account}/benefits", ""),
    (
        "POST /api/admin/v1/billing/benefits/{id}/end",
        "/api/admin/v1/billing/benefits/{benefit}/end",
        r#"{"to":"2026-11"}"#,
    ),
    ("GET /api/admin/v1/billing/runs", "/api/admin/v1/billing/runs", ""),
    ("GET /api/admin/v1/billing/runs/{id}", "/api/admin/v1/billing/runs/{run}", ""),
    (
        "POST /api/admin/v1/billing/printouts",
        "/api/admin/v1/billing/printouts",
        r#"{"period":"{period}","house":"{house}","kind":"{kind}"}"#,
    ),
    ("GET /api/admin/v1/billing/printouts/{id}", "/api/admin/v1/billing/printouts/{printout}", ""),
    ("GET /api/admin/v1/billing/printouts/{id}/file", "/api/admin/v1/billing/printouts/{printout}/file", ""),
];

/// A receipt kind that pays somebody who is no company of the demo.
const KIND: &str = r#"{"title":"Взносы","supplier":{"name":"ООО «Проба»","inn":"7453012342","kpp":"745301001",
    "bank_name":"ПАО Сбербанк","bic":"044525225","settlement_account":"40702810138250123017",
    "correspondent_account":"30101810400000000225"}}"#;

/// The month is billed last: what was done before goes into it.
pub(super) const OF_RUNS: [Row; 3] = [
    ("POST /api/admin/v1/billing/runs", "/api/admin/v1/billing/runs", r#"{"period":"2026-11"}"#),
    (
        "PUT /api/admin/v1/billing/runs/{id}/document-ids",
        "/api/admin/v1/billing/runs/{new_run}/document-ids",
        r#"{"items":[{"account":"{free_account}","kind":"{kind}","document_id":"75ДА533315-01-6101"}]}"#,
    ),
    ("POST /api/admin/v1/billing/runs/{id}/publish", "/api/admin/v1/billing/runs/{new_run}/publish", ""),
];
