//! Meters, as staff keep them.

use std::sync::Arc;

use kabinet_contracts::{AccountId, Estimates, MeterId};
use kabinet_core::{Day, Tx};
use kabinet_files::Files;
use kabinet_web::{ApiResult, Problem, Staff};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::{Attachment, AttachmentType, Json};
use poem_openapi::{Object, OpenApi};
use uuid::Uuid;

use super::fields::{ResourceName, day, default_limit, optional_day, text, values, wrong};
use super::{Manage, ReadReadings};
use crate::error::Error;
use crate::installation::{self, Removal};
use crate::meters::NewMeter;
use crate::photos;
use crate::register::{self, Filter, Listed, Recorded};
use crate::resource::Resource;
use crate::settings::MODULE;

pub(crate) struct AdminApi {
    pub(crate) estimates: Arc<dyn Estimates>,
    pub(crate) files: Files,
}

/// A meter of an account.
#[derive(Object)]
struct AccountMeterOut {
    id: Uuid,
    account: Uuid,
    account_number: String,
    address: String,
    /// `cold_water`, `hot_water`, `electricity`, `heat` or `gas`.
    service_code: String,
    serial: String,
    /// Where it hangs; may be empty.
    place: String,
    /// Maker's model; may be empty.
    model: String,
    /// 1 to 3.
    zones: i32,
    /// Whole digits of its dial.
    digits: i32,
    automatic: bool,
    /// `2026-11-15`
    installed_on: String,
    /// Absent while it is in service.
    removed_on: Option<String>,
    verified_until: Option<String>,
    /// The meter whose place it took.
    replaces: Option<Uuid>,
    /// Date of its last reading.
    last_on: Option<String>,
}

/// Meters by identifier.
#[derive(Object)]
struct AccountMeterList {
    items: Vec<AccountMeterOut>,
    /// Where the next page begins; absent on the last one.
    next: Option<String>,
}

/// A photo beside a reading; as it was sent, with what the phone wrote into it.
#[derive(Object)]
struct MeterPhotoOut {
    id: Uuid,
    media_type: String,
    bytes: i64,
}

/// A reading with everything that is known of it.
#[derive(Object)]
struct RecordedReadingOut {
    id: Uuid,
    /// `2026-11-15`
    taken_on: String,
    /// The month it counts for, `2026-11`.
    period: String,
    /// By zone: `131.5`.
    values: Vec<String>,
    /// `portal`, `helper`, `guest`, `link`, `messenger`, `phone`, `staff`, `import`, `installation`, `removal`,
    /// `inspection` or `automatic`.
    source: String,
    /// Who stored it.
    actor: Option<Uuid>,
    /// When it was stored, or the one was that it corrects: milliseconds since 1970 UTC.
    created_at: i64,
    /// When a browser without a network took it down, where it was sent later: milliseconds since 1970 UTC.
    captured_at: Option<i64>,
    /// Whether a lower value means that the dial began again from 0.
    rollover: bool,
    /// When it was taken back: milliseconds since 1970 UTC.
    withdrawn_at: Option<i64>,
    /// Why.
    withdrawn_reason: Option<String>,
    photos: Vec<MeterPhotoOut>,
}

/// A meter with its readings, the latest first, those taken back among them.
#[derive(Object)]
struct AccountMeterCase {
    meter: AccountMeterOut,
    readings: Vec<RecordedReadingOut>,
}

/// A meter to be put into service.
#[derive(Object)]
struct NewMeterIn {
    account: Uuid,
    resource: ResourceName,
    /// Day of installation, `2026-11-15`; not in the future.
    installed_on: String,
    #[oai(flatten)]
    dial: DialIn,
}

/// What a meter is like.
#[derive(Object)]
struct DialIn {
    serial: String,
    #[oai(default)]
    place: String,
    #[oai(default)]
    model: String,
    /// Whole digits of its dial, 1 to 9.
    #[oai(default = "usual_digits")]
    digits: i32,
    #[oai(default)]
    automatic: bool,
    /// Last day of its verification, `2032-11-15`.
    verified_until: Option<String>,
    /// What it showed on the day of installation, one value a zone.
    initial: Vec<String>,
}

fn usual_digits() -> i32 {
    5
}

/// How a meter leaves.
#[derive(Object)]
struct RemovalIn {
    /// The day, `2026-11-15`; in a month that is not charged.
    on: String,
    /// What it showed, one value a zone; absent when nobody could read it.
    last: Option<Vec<String>>,
    /// A value lower than the reading before means that the dial began again from 0.
    #[oai(default)]
    rollover: bool,
}

/// Another meter in the place of one.
#[derive(Object)]
struct ReplacementIn {
    removal: RemovalIn,
    new: DialIn,
}

/// The last day of a verification.
#[derive(Object)]
struct VerificationIn {
    /// `2032-11-15`; absent when it is not known.
    until: Option<String>,
}

#[OpenApi]
impl AdminApi {
    /// Meters, by account, house or part of the serial number.
    #[oai(path = "/meters", method = "get", operation_id = "listAccountMeters")]
    #[allow(clippy::too_many_arguments, reason = "each is a filter of the list")]
    async fn list(
        &self,
        staff: Staff<ReadReadings>,
        account: Query<Option<Uuid>>,
        number: Query<Option<String>>,
        house: Query<Option<String>>,
        serial: Query<Option<String>>,
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "200")))] limit: Query<u16>,
        cursor: Query<Option<String>>,
    ) -> ApiResult<AccountMeterList> {
        let after = cursor.0.map(|text| text.parse()).transpose();
        let after = after.map_err(|_| Problem::wrong_cursor())?;
        let filter = Filter { account: account.0.map(AccountId), number: number.0, house: house.0, serial: serial.0 };
        let tx = staff.read().await?;
        let (found, more) = register::list(&tx, &filter, after, limit.0).await?;
        tx.commit().await?;
        let next = found.last().filter(|_| more).map(|meter| meter.id.to_string());
        Ok(Json(AccountMeterList { items: found.into_iter().map(AccountMeterOut::from).collect(), next }))
    }

    /// A meter with its readings and their photos.
    #[oai(path = "/meters/:id", method = "get", operation_id = "getAccountMeter")]
    async fn show(&self, staff: Staff<ReadReadings>, id: Path<Uuid>) -> ApiResult<AccountMeterCase> {
        let tx = staff.read().await?;
        let case = case(&tx, MeterId(id.0)).await?;
        tx.commit().await?;
        Ok(Json(case))
    }

    /// A photo of a meter; it is saved, never shown.
    #[oai(path = "/meters/:id/photos/:photo", method = "get", operation_id = "getMeterPhoto")]
    async fn photo(
        &self,
        staff: Staff<ReadReadings>,
        id: Path<Uuid>,
        photo: Path<Uuid>,
    ) -> Result<Attachment<Vec<u8>>, Problem> {
        let tx = staff.read().await?;
        let photos = photos::of_meter(&tx, MeterId(id.0)).await?;
        tx.commit().await?;
        let found = photos.iter().find(|known| known.id == photo.0).ok_or_else(Problem::not_found)?;
        let bytes = self.files.get(staff.tenant().id, MODULE, found.id).await;
        let bytes = bytes.map_err(Error::from)?;
        let name = format!("meter-{}", found.id);
        Ok(Attachment::new(bytes).attachment_type(AttachmentType::Attachment).filename(name))
    }

    /// Put a meter into service.
    #[oai(path = "/meters", method = "post", operation_id = "installMeter")]
    async fn install(&self, staff: Staff<Manage>, new: Json<NewMeterIn>) -> ApiResult<AccountMeterCase> {
        let installed_on = day(&new.0.installed_on, "installed_on")?;
        let new = new.0.dial.read(AccountId(new.0.account), new.0.resource.into(), installed_on)?;
        let mut tx = staff.begin().await?;
        let id = installation::install(&mut tx, &*self.estimates, new).await?;
        done(tx, id).await
    }

    /// Put another meter in the place of one; the month's consumption is what both counted.
    #[oai(path = "/meters/:id/replace", method = "post", operation_id = "replaceMeter")]
    async fn replace(
        &self,
        staff: Staff<Manage>,
        id: Path<Uuid>,
        to: Json<ReplacementIn>,
    ) -> ApiResult<AccountMeterCase> {
        let removal = to.0.removal.read()?;
        // Account and resource are the old meter's.
        let new = to.0.new.read(AccountId(Uuid::nil()), Resource::ColdWater, removal.on)?;
        let mut tx = staff.begin().await?;
        let new = installation::replace(&mut tx, &*self.estimates, MeterId(id.0), &removal, new).await;
        done(tx, new?).await
    }

    /// Take a meter out of service.
    #[oai(path = "/meters/:id/remove", method = "post", operation_id = "removeMeter")]
    async fn remove(
        &self,
        staff: Staff<Manage>,
        id: Path<Uuid>,
        removal: Json<RemovalIn>,
    ) -> ApiResult<AccountMeterCase> {
        let removal = removal.0.read()?;
        let mut tx = staff.begin().await?;
        installation::remove(&mut tx, &*self.estimates, MeterId(id.0), &removal).await?;
        done(tx, MeterId(id.0)).await
    }

    /// State the last day of a meter's verification.
    #[oai(path = "/meters/:id/verification", method = "put", operation_id = "putVerification")]
    async fn verify(
        &self,
        staff: Staff<Manage>,
        id: Path<Uuid>,
        to: Json<VerificationIn>,
    ) -> ApiResult<AccountMeterCase> {
        let until = optional_day(to.0.until.as_deref(), "until")?;
        let mut tx = staff.begin().await?;
        installation::verify(&mut tx, &*self.estimates, MeterId(id.0), until).await?;
        done(tx, MeterId(id.0)).await
    }
}

async fn case(tx: &Tx, id: MeterId) -> Result<AccountMeterCase, Problem> {
    let meter = register::one(tx, id).await?;
    let readings = register::readings(tx, id).await?;
    Ok(AccountMeterCase { meter: meter.into(), readings: readings.into_iter().map(RecordedReadingOut::from).collect() })
}

/// Commits what was done to a meter and shows it.
async fn done(tx: Tx, id: MeterId) -> ApiResult<AccountMeterCase> {
    let case = case(&tx, id).await?;
    tx.commit().await?;
    Ok(Json(case))
}

impl DialIn {
    fn read(self, account: AccountId, resource: Resource, installed_on: Day) -> Result<NewMeter, Problem> {
        if !(1..=3).contains(&self.initial.len()) {
            return Err(wrong("initial", "Укажите показания при установке: по одному для каждой из 1–3 зон"));
        }
        Ok(NewMeter {
            account,
            resource,
            serial: self.serial.trim().to_owned(),
            place: self.place.trim().to_owned(),
            model: self.model.trim().to_owned(),
            digits: self.digits,
            automatic: self.automatic,
            installed_on,
            verified_until: optional_day(self.verified_until.as_deref(), "verified_until")?,
            initial: values(&self.initial, "initial")?,
        })
    }
}

impl RemovalIn {
    fn read(self) -> Result<Removal, Problem> {
        let last = self.last.map(|last| values(&last, "last")).transpose()?;
        Ok(Removal { on: day(&self.on, "on")?, last, rollover: self.rollover })
    }
}

impl From<Listed> for AccountMeterOut {
    fn from(meter: Listed) -> Self {
        Self {
            address: meter.address(),
            id: meter.id.0,
            account: meter.account_id.0,
            account_number: meter.account_number,
            service_code: meter.service_code,
            serial: meter.serial,
            place: meter.place,
            model: meter.model,
            zones: meter.zones,
            digits: meter.digits,
            automatic: meter.automatic,
            installed_on: meter.installed_on.iso(),
            removed_on: meter.removed_on.map(Day::iso),
            verified_until: meter.verified_until.map(Day::iso),
            replaces: meter.replaces.map(|old| old.0),
            last_on: meter.last_on.map(Day::iso),
        }
    }
}

impl From<Recorded> for RecordedReadingOut {
    fn from(reading: Recorded) -> Self {
        let photo =
            |photo: photos::Photo| MeterPhotoOut { id: photo.id, media_type: photo.media_type, bytes: photo.bytes };
        let (withdrawn_at, withdrawn_reason) = reading.withdrawn.map(|(at, reason)| (at.0, reason)).unzip();
        Self {
            id: reading.id,
            taken_on: reading.taken_on.iso(),
            period: reading.period.to_string(),
            values: reading.values.into_iter().map(text).collect(),
            source: reading.source,
            actor: reading.actor_id,
            created_at: reading.created_at.0,
            captured_at: reading.captured_at.map(|at| at.0),
            rollover: reading.rollover,
            withdrawn_at,
            withdrawn_reason,
            photos: reading.photos.into_iter().map(photo).collect(),
        }
    }
}
