//! Acts that a meter cannot be installed.

use std::sync::Arc;

use kabinet_contracts::{AccountId, Estimates};
use kabinet_core::{Day, Tx};
use kabinet_web::{ApiResult, Staff};
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use uuid::Uuid;

use super::fields::{ResourceName, day};
use super::{Manage, ReadReadings};
use crate::entity::meter_impossibility;
use crate::impossibility::{self, NewAct};

pub(crate) struct ImpossibilityApi {
    pub(crate) estimates: Arc<dyn Estimates>,
}

/// An act to be recorded.
#[derive(Object)]
struct MeterImpossibilityIn {
    resource: ResourceName,
    /// The day of the act, `2026-11-05`: all of its month counts.
    since: String,
    /// Number and date of the act.
    document: String,
}

/// From when on a meter can be installed again.
#[derive(Object)]
struct MeterImpossibilityEndIn {
    /// The day, `2026-11-20`: all of its month counts. The act's own day for one recorded by mistake.
    on: String,
}

/// An act.
#[derive(Object)]
struct MeterImpossibilityOut {
    id: Uuid,
    /// What cannot be measured: `cold_water`, …
    resource: String,
    since: String,
    document: String,
    /// Absent while it is in force.
    ended_on: Option<String>,
}

#[OpenApi]
impl ImpossibilityApi {
    /// The acts of an account, the latest first.
    #[oai(path = "/accounts/:id/meter-impossibilities", method = "get", operation_id = "listMeterImpossibilities")]
    async fn list(&self, staff: Staff<ReadReadings>, id: Path<Uuid>) -> ApiResult<Vec<MeterImpossibilityOut>> {
        let tx = staff.read().await?;
        done(tx, AccountId(id.0)).await
    }

    /// Record an act that a meter cannot be installed: from its month on the norm is charged without the raising
    /// coefficient. A published month is corrected by a recalculation.
    #[oai(path = "/accounts/:id/meter-impossibilities", method = "post", operation_id = "recordMeterImpossibility")]
    async fn record(
        &self,
        staff: Staff<Manage>,
        id: Path<Uuid>,
        act: Json<MeterImpossibilityIn>,
    ) -> ApiResult<Vec<MeterImpossibilityOut>> {
        let act = act.0;
        let new = NewAct { resource: act.resource.into(), since: day(&act.since, "since")?, document: act.document };
        let mut tx = staff.begin().await?;
        impossibility::record(&mut tx, &*self.estimates, AccountId(id.0), &new).await?;
        done(tx, AccountId(id.0)).await
    }

    /// End an act: a meter can be installed again.
    #[oai(path = "/accounts/meter-impossibilities/:id/end", method = "post", operation_id = "endMeterImpossibility")]
    async fn end(
        &self,
        staff: Staff<Manage>,
        id: Path<Uuid>,
        to: Json<MeterImpossibilityEndIn>,
    ) -> ApiResult<Vec<MeterImpossibilityOut>> {
        let on = day(&to.0.on, "on")?;
        let mut tx = staff.begin().await?;
        let account = impossibility::end(&mut tx, &*self.estimates, id.0, on).await?;
        done(tx, account).await
    }
}

/// Commits, and answers with the account's acts.
async fn done(tx: Tx, account: AccountId) -> ApiResult<Vec<MeterImpossibilityOut>> {
    let found = impossibility::list(&tx, account).await?;
    tx.commit().await?;
    Ok(Json(found.into_iter().map(MeterImpossibilityOut::from).collect()))
}

impl From<meter_impossibility::Model> for MeterImpossibilityOut {
    fn from(row: meter_impossibility::Model) -> Self {
        Self {
            id: row.id,
            resource: row.service_code,
            since: row.since.iso(),
            document: row.document,
            ended_on: row.ended_on.map(Day::iso),
        }
    }
}
