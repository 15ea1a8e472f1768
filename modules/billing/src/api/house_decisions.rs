//! What owners of houses decided about the resources of their common property.

use kabinet_core::Tx;
use kabinet_web::{ApiResult, Staff};
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::catalog::Catalog;
use super::fields::{day, month};
use crate::houses::decisions::{self, Decision, FromMonth};

pub(crate) struct HouseDecisionsApi;

/// What a meeting of the owners decided.
#[derive(Object)]
struct DecisionEntry {
    /// Whether the house's meter tells what the common property used; otherwise the norm does.
    by_meter: bool,
    /// Number of the meeting's protocol.
    protocol: String,
    /// Its day, `2026-10-31`.
    decided_on: String,
}

impl From<Decision> for DecisionEntry {
    fn from(decision: Decision) -> Self {
        let Decision { by_meter, protocol, decided_on } = decision;
        Self { by_meter, protocol, decided_on: decided_on.iso() }
    }
}

/// What holds for a house from a month on.
#[derive(Object)]
struct DecisionOut {
    /// The first month, `2026-11`.
    from: String,
    /// The decision; none where the one before it has ended, and the house goes as the company does.
    decision: Option<DecisionEntry>,
}

impl From<FromMonth> for DecisionOut {
    fn from(known: FromMonth) -> Self {
        Self { from: known.from.to_string(), decision: known.decision.map(DecisionEntry::from) }
    }
}

/// Decisions of a house, the latest month first; before the first of them the house goes as the company does.
#[derive(Object)]
struct DecisionList {
    items: Vec<DecisionOut>,
}

/// What a transaction that ends here answers: all decisions of the house.
async fn all_of(tx: Tx, house: &str) -> ApiResult<DecisionList> {
    let known = decisions::list(&tx, house).await?;
    tx.commit().await?;
    Ok(Json(DecisionList { items: known.into_iter().map(DecisionOut::from).collect() }))
}

#[OpenApi]
impl HouseDecisionsApi {
    /// What the owners of a house decided about the resources of its common property.
    #[oai(path = "/billing/houses/:house/decisions", method = "get", operation_id = "listHouseDecisions")]
    async fn list(&self, staff: Staff<Catalog>, house: Path<String>) -> ApiResult<DecisionList> {
        let tx = staff.read().await?;
        all_of(tx, &house.0).await
    }

    /// Record what the owners decided from a month on that is not published; replaces what was said of that month.
    #[oai(path = "/billing/houses/:house/decisions/:from", method = "put", operation_id = "putHouseDecision")]
    async fn decide(
        &self,
        staff: Staff<Catalog>,
        house: Path<String>,
        from: Path<String>,
        entry: Json<DecisionEntry>,
    ) -> ApiResult<DecisionList> {
        let from = month(&from.0, "from")?;
        let DecisionEntry { by_meter, protocol, decided_on } = entry.0;
        let decided_on = day(&decided_on, "decided_on")?;
        let mut tx = staff.begin().await?;
        decisions::decide(&mut tx, &house.0, from, Decision { by_meter, protocol, decided_on }).await?;
        all_of(tx, &house.0).await
    }

    /// End the decision that holds in a month that is not published: from then on the house goes as the company does.
    #[oai(path = "/billing/houses/:house/decisions/:from", method = "delete", operation_id = "endHouseDecision")]
    async fn end(&self, staff: Staff<Catalog>, house: Path<String>, from: Path<String>) -> ApiResult<DecisionList> {
        let from = month(&from.0, "from")?;
        let mut tx = staff.begin().await?;
        decisions::end(&mut tx, &house.0, from).await?;
        all_of(tx, &house.0).await
    }
}
