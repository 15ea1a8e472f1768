//! Meters that nothing can be charged by.

use std::sync::Arc;

use kabinet_contracts::{Estimates, MeterId};
use kabinet_core::{Day, Tx};
use kabinet_web::{ApiResult, Staff};
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Enum, Object, OpenApi};
use uuid::Uuid;

use super::fields::day;
use super::{Manage, ReadReadings};
use crate::entity::meter_fault;
use crate::faults::{self, FaultKind};

pub(crate) struct FaultsApi {
    pub(crate) estimates: Arc<dyn Estimates>,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case", rename = "MeterFaultKind")]
enum FaultKindName {
    /// The meter is broken or lost; it stays so until another takes its place.
    Failed,
    /// Nobody was let in to check it.
    AccessRefused,
}

impl From<FaultKindName> for FaultKind {
    fn from(name: FaultKindName) -> Self {
        match name {
            FaultKindName::Failed => Self::Failed,
            FaultKindName::AccessRefused => Self::AccessRefused,
        }
    }
}

impl From<FaultKind> for FaultKindName {
    fn from(kind: FaultKind) -> Self {
        match kind {
            FaultKind::Failed => Self::Failed,
            FaultKind::AccessRefused => Self::AccessRefused,
        }
    }
}

/// A fault to be stated.
#[derive(Object)]
struct MeterFaultIn {
    kind: FaultKindName,
    /// The act, a remark; may be empty.
    #[oai(default)]
    note: String,
}

/// How a fault ended.
#[derive(Object)]
struct MeterFaultEndIn {
    /// The day from which readings count again, `2026-11-20`.
    on: String,
}

/// A fault of a meter.
#[derive(Object)]
struct MeterFaultOut {
    kind: FaultKindName,
    /// Its first day, `2026-11-05`.
    since: String,
    /// The first day without it; absent while it lasts.
    ended_on: Option<String>,
    note: String,
}

#[OpenApi]
impl FaultsApi {
    /// The faults of a meter, the oldest first.
    #[oai(path = "/meters/:id/faults", method = "get", operation_id = "listMeterFaults")]
    async fn list(&self, staff: Staff<ReadReadings>, id: Path<Uuid>) -> ApiResult<Vec<MeterFaultOut>> {
        let tx = staff.read().await?;
        done(tx, MeterId(id.0)).await
    }

    /// State that nothing can be charged by a meter from a day on: the average of the months before takes its place,
    /// then the norm.
    #[oai(path = "/meters/:id/faults/:since", method = "put", operation_id = "declareMeterFault")]
    async fn declare(
        &self,
        staff: Staff<Manage>,
        id: Path<Uuid>,
        since: Path<String>,
        fault: Json<MeterFaultIn>,
    ) -> ApiResult<Vec<MeterFaultOut>> {
        let (id, since) = (MeterId(id.0), day(&since.0, "since")?);
        let mut tx = staff.begin().await?;
        let stated = faults::declare(&mut tx, &*self.estimates, id, since, fault.0.kind.into(), &fault.0.note).await;
        stated?;
        done(tx, id).await
    }

    /// State that somebody was let to a meter: its readings count again, and the next one gives back what was charged
    /// in between. A broken meter is replaced instead.
    #[oai(path = "/meters/:id/faults/:since/end", method = "post", operation_id = "endMeterFault")]
    async fn end(
        &self,
        staff: Staff<Manage>,
        id: Path<Uuid>,
        since: Path<String>,
        to: Json<MeterFaultEndIn>,
    ) -> ApiResult<Vec<MeterFaultOut>> {
        let (id, since, on) = (MeterId(id.0), day(&since.0, "since")?, day(&to.0.on, "on")?);
        let mut tx = staff.begin().await?;
        faults::end(&mut tx, &*self.estimates, id, since, on).await?;
        done(tx, id).await
    }

    /// Take back a fault that was stated by mistake and has not ended. One by which months are published ends with
    /// them; the next reading gives back what they were charged.
    #[oai(path = "/meters/:id/faults/:since", method = "delete", operation_id = "withdrawMeterFault")]
    async fn withdraw(
        &self,
        staff: Staff<Manage>,
        id: Path<Uuid>,
        since: Path<String>,
    ) -> ApiResult<Vec<MeterFaultOut>> {
        let (id, since) = (MeterId(id.0), day(&since.0, "since")?);
        let mut tx = staff.begin().await?;
        faults::withdraw(&mut tx, &*self.estimates, id, since).await?;
        done(tx, id).await
    }
}

/// Commits, and answers with the meter's faults.
async fn done(tx: Tx, id: MeterId) -> ApiResult<Vec<MeterFaultOut>> {
    let found = faults::list(&tx, id).await?;
    tx.commit().await?;
    Ok(Json(found.into_iter().map(MeterFaultOut::from).collect()))
}

impl From<meter_fault::Model> for MeterFaultOut {
    fn from(row: meter_fault::Model) -> Self {
        Self {
            kind: FaultKind::of(&row.kind).into(),
            since: row.since.iso(),
            ended_on: row.ended_on.map(Day::iso),
            note: row.note,
        }
    }
}
