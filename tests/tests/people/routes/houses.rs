//! The operations of billing on houses: areas, volumes, decisions of the owners, corrections.

use super::{Statuses, all};

/// As [`super::operations::OPERATIONS`].
pub(super) const HOUSES: [(&str, &str, &str, Statuses, u16); 13] = [
    ("GET /api/admin/v1/billing/houses/{house}", "/api/admin/v1/billing/houses/H00001", "", all(401), 200),
    (
        "PUT /api/admin/v1/billing/houses/{house}/areas/{from}",
        "/api/admin/v1/billing/houses/H00001/areas/2026-10",
        r#"{"common_area":"1"}"#,
        all(401),
        422,
    ),
    (
        "PUT /api/admin/v1/billing/houses/{house}/volumes/{service}/{period}",
        "/api/admin/v1/billing/houses/H00001/volumes/cold_water/2026-10",
        r#"{"volume":"1"}"#,
        all(401),
        422,
    ),
    (
        "DELETE /api/admin/v1/billing/houses/{house}/volumes/{service}/{period}",
        "/api/admin/v1/billing/houses/H00001/volumes/cold_water/2026-10",
        "",
        all(401),
        422,
    ),
    (
        "GET /api/admin/v1/billing/houses/{house}/corrections",
        "/api/admin/v1/billing/houses/H00001/corrections",
        "",
        all(401),
        200,
    ),
    (
        "PUT /api/admin/v1/billing/houses/{house}/corrections/{service}/{period}",
        "/api/admin/v1/billing/houses/H00001/corrections/cold_water/2099-01",
        r#"{"volume":"1"}"#,
        all(401),
        422,
    ),
    (
        "DELETE /api/admin/v1/billing/houses/{house}/corrections/{service}/{period}",
        "/api/admin/v1/billing/houses/H00001/corrections/cold_water/2026-10",
        "",
        all(401),
        200,
    ),
    (
        "GET /api/admin/v1/billing/houses/{house}/recomputed/{service}/{period}",
        "/api/admin/v1/billing/houses/H00001/recomputed/cold_water/2026-10",
        "",
        all(401),
        422,
    ),
    (
        "POST /api/admin/v1/billing/houses/{house}/recalculations/{service}/{period}",
        "/api/admin/v1/billing/houses/H00001/recalculations/cold_water/2026-10",
        "",
        all(401),
        422,
    ),
    (
        "GET /api/admin/v1/billing/houses/{house}/measured",
        "/api/admin/v1/billing/houses/H00001/measured",
        "",
        all(401),
        200,
    ),
    (
        "GET /api/admin/v1/billing/houses/{house}/decisions",
        "/api/admin/v1/billing/houses/H00001/decisions",
        "",
        all(401),
        200,
    ),
    (
        "PUT /api/admin/v1/billing/houses/{house}/decisions/{from}",
        "/api/admin/v1/billing/houses/H00001/decisions/2026-10",
        r#"{"by_meter":true,"protocol":"","decided_on":"2026-10-01"}"#,
        all(401),
        422,
    ),
    (
        "DELETE /api/admin/v1/billing/houses/{house}/decisions/{from}",
        "/api/admin/v1/billing/houses/H00001/decisions/2026-10",
        "",
        all(401),
        200,
    ),
];
