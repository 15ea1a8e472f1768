//! House meters, as staff keep them.

use std::sync::Arc;

use kabinet_contracts::Estimates;
use kabinet_core::{Day, Tx};
use kabinet_web::{ApiResult, Problem, Staff};
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use uuid::Uuid;

use super::fields::{ResourceName, day, optional_day, text, value};
use super::{Manage, ReadReadings};
use crate::entity::{house_meter_fault, house_reading};
use crate::houses::{self, HouseMeter, NewHouseMeter, faults};

pub(crate) struct HousesApi {
    pub(crate) estimates: Arc<dyn Estimates>,
}

/// A reading of a house meter.
#[derive(Object)]
struct HouseReadingOut {
    id: Uuid,
    /// `2026-11-25`
    taken_on: String,
    /// `2026-11`
    period: String,
    /// As the dial shows: `12900.5`.
    value: String,
    /// Whether a lower value means that the dial began again from 0.
    rollover: bool,
    /// When it was taken back: milliseconds since 1970 UTC.
    withdrawn_at: Option<i64>,
    /// Why.
    withdrawn_reason: Option<String>,
}

/// A meter of a whole house with its readings, the latest first.
#[derive(Object)]
struct HouseMeterOut {
    id: Uuid,
    /// `cold_water`, `hot_water`, `electricity`, `heat` or `gas`.
    service_code: String,
    serial: String,
    place: String,
    model: String,
    digits: i32,
    /// By what the dial's units are multiplied.
    factor: i32,
    /// `2026-11-15`
    installed_on: String,
    removed_on: Option<String>,
    verified_until: Option<String>,
    readings: Vec<HouseReadingOut>,
    /// The oldest first.
    faults: Vec<HouseMeterFaultOut>,
}

/// Days on which a house meter was broken: what it showed then is not counted.
#[derive(Object)]
struct HouseMeterFaultOut {
    /// The first day, `2026-11-05`.
    since: String,
    /// The first day without it; absent while it lasts.
    ended_on: Option<String>,
    note: String,
}

/// The meters of a house.
#[derive(Object)]
struct HouseMeterList {
    items: Vec<HouseMeterOut>,
}

/// A house meter to be put into service.
#[derive(Object)]
struct NewHouseMeterIn {
    resource: ResourceName,
    serial: String,
    #[oai(default)]
    place: String,
    #[oai(default)]
    model: String,
    /// Whole digits of its dial, 1 to 9.
    #[oai(default = "usual_digits")]
    digits: i32,
    /// By what the dial's units are multiplied: the ratio of current transformers.
    #[oai(default = "as_shown")]
    factor: i32,
    /// Day of installation, `2026-11-15`; not in the future.
    installed_on: String,
    /// Last day of its verification.
    verified_until: Option<String>,
    /// What it showed on the day of installation.
    initial: String,
}

fn usual_digits() -> i32 {
    6
}

fn as_shown() -> i32 {
    1
}

/// A reading of a house meter.
#[derive(Object)]
struct HouseReadingIn {
    /// The day, `2026-11-25`; in a month that is not charged.
    on: String,
    /// As the dial shows.
    value: String,
    /// A value lower than before means that the dial began again from 0.
    #[oai(default)]
    rollover: bool,
}

/// The last day of a house meter.
#[derive(Object)]
struct HouseRemovalIn {
    /// `2026-11-25`; its last value is a reading of that day or before.
    on: String,
}

/// The last day of a house meter's verification.
#[derive(Object)]
struct HouseVerificationIn {
    /// `2032-11-15`; absent when it is not known.
    until: Option<String>,
}

/// What is wrong with a house meter.
#[derive(Object)]
struct HouseMeterFaultIn {
    /// The act, a remark; may be empty.
    #[oai(default)]
    note: String,
}

/// How a fault of a house meter ended.
#[derive(Object)]
struct HouseMeterFaultEndIn {
    /// The day from which its readings count again, `2026-11-20`: the first of them is where counting begins.
    on: String,
}

/// Why a reading of a house meter is taken back.
#[derive(Object)]
struct HouseWithdrawalIn {
    reason: String,
}

#[OpenApi]
impl HousesApi {
    /// The meters of a house with their readings.
    #[oai(path = "/house-meters/of/:house", method = "get", operation_id = "listHouseMeters")]
    async fn list(&self, staff: Staff<ReadReadings>, house: Path<String>) -> ApiResult<HouseMeterList> {
        let tx = staff.read().await?;
        let found = houses::list(&tx, &house.0).await?;
        tx.commit().await?;
        Ok(Json(HouseMeterList { items: found.into_iter().map(HouseMeterOut::from).collect() }))
    }

    /// Put a meter into service in a house.
    #[oai(path = "/house-meters/of/:house", method = "post", operation_id = "installHouseMeter")]
    async fn install(
        &self,
        staff: Staff<Manage>,
        house: Path<String>,
        new: Json<NewHouseMeterIn>,
    ) -> ApiResult<HouseMeterOut> {
        let new = new.0.read()?;
        let mut tx = staff.begin().await?;
        let id = houses::install(&mut tx, &house.0, &new).await?;
        done(tx, id).await
    }

    /// Take down a reading of a house meter.
    #[oai(path = "/house-meters/:id/readings", method = "post", operation_id = "takeDownHouseReading")]
    async fn take_down(
        &self,
        staff: Staff<Manage>,
        id: Path<Uuid>,
        new: Json<HouseReadingIn>,
    ) -> ApiResult<HouseMeterOut> {
        let read = (day(&new.0.on, "on")?, value(&new.0.value, "value")?);
        let mut tx = staff.begin().await?;
        let stored = houses::take_down(&mut tx, &*self.estimates, id.0, read, new.0.rollover).await;
        stored?;
        done(tx, id.0).await
    }

    /// Take a reading of a house meter back.
    #[oai(
        path = "/house-meters/:id/readings/:reading/withdraw",
        method = "post",
        operation_id = "withdrawHouseReading"
    )]
    async fn withdraw(
        &self,
        staff: Staff<Manage>,
        id: Path<Uuid>,
        reading: Path<Uuid>,
        why: Json<HouseWithdrawalIn>,
    ) -> ApiResult<HouseMeterOut> {
        let mut tx = staff.begin().await?;
        let which = (id.0, reading.0);
        houses::withdraw(&mut tx, &*self.estimates, which, &why.0.reason).await?;
        done(tx, id.0).await
    }

    /// Take a house meter out of service.
    #[oai(path = "/house-meters/:id/remove", method = "post", operation_id = "removeHouseMeter")]
    async fn remove(
        &self,
        staff: Staff<Manage>,
        id: Path<Uuid>,
        removal: Json<HouseRemovalIn>,
    ) -> ApiResult<HouseMeterOut> {
        let on = day(&removal.0.on, "on")?;
        let mut tx = staff.begin().await?;
        houses::remove(&mut tx, &*self.estimates, id.0, on).await?;
        done(tx, id.0).await
    }

    /// State the last day of a house meter's verification.
    #[oai(path = "/house-meters/:id/verification", method = "put", operation_id = "putHouseVerification")]
    async fn verify(
        &self,
        staff: Staff<Manage>,
        id: Path<Uuid>,
        to: Json<HouseVerificationIn>,
    ) -> ApiResult<HouseMeterOut> {
        let until = optional_day(to.0.until.as_deref(), "until")?;
        let mut tx = staff.begin().await?;
        houses::verify(&mut tx, &*self.estimates, id.0, until).await?;
        done(tx, id.0).await
    }

    /// State that a house meter is broken from a day on: the average of the months before stands in for it, then the
    /// norm.
    #[oai(path = "/house-meters/:id/faults/:since", method = "put", operation_id = "declareHouseMeterFault")]
    async fn declare_fault(
        &self,
        staff: Staff<Manage>,
        id: Path<Uuid>,
        since: Path<String>,
        fault: Json<HouseMeterFaultIn>,
    ) -> ApiResult<HouseMeterOut> {
        let since = day(&since.0, "since")?;
        let mut tx = staff.begin().await?;
        faults::declare(&mut tx, &*self.estimates, id.0, since, &fault.0.note).await?;
        done(tx, id.0).await
    }

    /// State that a house meter was mended: it counts from its first reading since.
    #[oai(path = "/house-meters/:id/faults/:since/end", method = "post", operation_id = "endHouseMeterFault")]
    async fn end_fault(
        &self,
        staff: Staff<Manage>,
        id: Path<Uuid>,
        since: Path<String>,
        to: Json<HouseMeterFaultEndIn>,
    ) -> ApiResult<HouseMeterOut> {
        let (since, on) = (day(&since.0, "since")?, day(&to.0.on, "on")?);
        let mut tx = staff.begin().await?;
        faults::end(&mut tx, &*self.estimates, id.0, since, on).await?;
        done(tx, id.0).await
    }

    /// Take back a fault that was stated by mistake and has not ended, of a month that is not charged.
    #[oai(path = "/house-meters/:id/faults/:since", method = "delete", operation_id = "withdrawHouseMeterFault")]
    async fn withdraw_fault(
        &self,
        staff: Staff<Manage>,
        id: Path<Uuid>,
        since: Path<String>,
    ) -> ApiResult<HouseMeterOut> {
        let since = day(&since.0, "since")?;
        let mut tx = staff.begin().await?;
        faults::withdraw(&mut tx, &*self.estimates, id.0, since).await?;
        done(tx, id.0).await
    }
}

/// Commits what was done to a house meter and shows it.
async fn done(tx: Tx, id: Uuid) -> ApiResult<HouseMeterOut> {
    let meter = houses::find(&tx, id).await?;
    tx.commit().await?;
    Ok(Json(meter.into()))
}

impl NewHouseMeterIn {
    fn read(self) -> Result<NewHouseMeter, Problem> {
        Ok(NewHouseMeter {
            resource: self.resource.into(),
            installed_on: day(&self.installed_on, "installed_on")?,
            verified_until: optional_day(self.verified_until.as_deref(), "verified_until")?,
            initial: value(&self.initial, "initial")?,
            serial: self.serial,
            place: self.place,
            model: self.model,
            digits: self.digits,
            factor: self.factor,
        })
    }
}

impl From<HouseMeter> for HouseMeterOut {
    fn from(known: HouseMeter) -> Self {
        let meter = known.meter;
        Self {
            id: meter.id,
            service_code: meter.service_code,
            serial: meter.serial,
            place: meter.place,
            model: meter.model,
            digits: meter.digits,
            factor: meter.factor,
            installed_on: meter.installed_on.iso(),
            removed_on: meter.removed_on.map(Day::iso),
            verified_until: meter.verified_until.map(Day::iso),
            readings: known.readings.into_iter().map(HouseReadingOut::from).collect(),
            faults: known.faults.into_iter().map(HouseMeterFaultOut::from).collect(),
        }
    }
}

impl From<house_meter_fault::Model> for HouseMeterFaultOut {
    fn from(row: house_meter_fault::Model) -> Self {
        Self { since: row.since.iso(), ended_on: row.ended_on.map(Day::iso), note: row.note }
    }
}

impl From<house_reading::Model> for HouseReadingOut {
    fn from(row: house_reading::Model) -> Self {
        Self {
            id: row.id,
            taken_on: row.taken_on.iso(),
            period: row.period.to_string(),
            value: text(row.value),
            rollover: row.rollover,
            withdrawn_at: row.withdrawn_at.map(|at| at.0),
            withdrawn_reason: row.withdrawn_at.map(|_| row.withdrawn_reason),
        }
    }
}
