//! Resident operations: meters of the chosen account and sending readings.

use std::sync::Arc;

use kabinet_contracts::{AccountId, Estimate, Estimates};
use kabinet_core::limits::Limit;
use kabinet_core::{Day, Quantity};
use kabinet_web::{ApiResult, Resident};
use poem_openapi::payload::Json;
use poem_openapi::{Enum, Object, OpenApi};
use uuid::Uuid;

use crate::api::closed_account;
use crate::faults::Fault;
use crate::overview;
use crate::pages::readings::source;
use crate::readings::{imagine, submit};
use crate::store::{self, LookBack, MeterState};
use crate::submission::{Row, Submission};
use crate::view::Verification;
use crate::volume::MOST_ZONES;
use crate::window::Window;

/// The resident's operations of this module.
pub(crate) struct PortalApi {
    pub(crate) estimates: Arc<dyn Estimates>,
}

/// How a meter's verification stands.
#[derive(Enum)]
#[oai(rename_all = "lowercase")]
enum MeterVerification {
    Ok,
    Soon,
    Expired,
    None,
}

/// A meter of the chosen account.
#[derive(Object)]
struct MeterOut {
    id: Uuid,
    /// `cold_water`, `hot_water`, `electricity`, `heat` or `gas`.
    service_code: String,
    serial: String,
    /// Where it hangs; may be empty.
    place: String,
    /// 1 to 3.
    zones: u32,
    /// Whether it reports by itself: it takes no readings here.
    automatic: bool,
    /// Whether it is in service today.
    active: bool,
    verification: MeterVerification,
    /// `2026-11-15`
    verified_until: Option<String>,
    /// What keeps months from being charged by it, in words: «неисправен с 05.11.2026».
    fault: Option<String>,
    /// Date of the last reading.
    last_date: Option<String>,
    /// Its values by zone, scaled by 10^7.
    last_values: Vec<i64>,
}

/// When readings are taken: `always` from the first day of the month to the last.
#[derive(Object)]
struct WindowOut {
    always: bool,
    open: bool,
    from: String,
    until: String,
    next_from: String,
    next_until: String,
}

/// The meters of the chosen account and the readings window.
#[derive(Object)]
struct MetersOut {
    meters: Vec<MeterOut>,
    window: WindowOut,
}

/// A meter's new reading: a value or a volume for each zone.
#[derive(Object)]
struct ReadingIn {
    meter: Uuid,
    /// New values by zone as decimals (`1284.5`); empty texts where a volume is given.
    #[oai(default)]
    values: Vec<String>,
    /// Volumes by zone as decimals.
    #[oai(default)]
    deltas: Vec<String>,
    /// A value four times the usual is meant.
    #[oai(default)]
    confirm: bool,
}

/// Readings to store, all or nothing.
#[derive(Object)]
struct ReadingsIn {
    /// `2026-11-15`; today when absent.
    date: Option<String>,
    readings: Vec<ReadingIn>,
}

/// What was stored.
#[derive(Object)]
struct ReadingsOut {
    date: String,
    /// `2026-11`
    period: String,
    meters: Vec<Uuid>,
    /// Which of them bills will not count and why, a line for each.
    uncounted: Vec<String>,
}

/// Questions what readings would cost, from one resident.
const PER_RESIDENT: Limit = Limit { most: 60, seconds: 60 };

/// What readings would cost that are not sent yet.
#[derive(Object)]
struct ImaginedOut {
    /// The month of the preliminary charge, `2026-11`; none when there is nothing to tell.
    period: Option<String>,
    /// The preliminary charge with these readings, kopecks.
    total: Option<i64>,
    /// How it differs from the present one, kopecks.
    change: Option<i64>,
}

#[OpenApi]
impl PortalApi {
    /// The meters of the chosen account with their last readings.
    #[oai(path = "/meters", method = "get", operation_id = "listMeters")]
    async fn meters(&self, resident: Resident) -> ApiResult<MetersOut> {
        let account = resident.account_for_readings()?;
        let tx = resident.read().await?;
        let today = tx.today();
        let meters = store::meters_with_readings(&tx, AccountId(account.id), None, LookBack::LAST).await?;
        tx.commit().await?;
        let window = overview::window(resident.tenant(), today)?.into();
        Ok(Json(MetersOut { meters: meters.into_iter().map(|meter| meter_out(meter, today)).collect(), window }))
    }

    /// Store readings of the chosen account.
    ///
    /// A refusal names each field as the form of the readings page does.
    #[oai(path = "/meters/readings", method = "post", operation_id = "sendReadings")]
    async fn send(&self, resident: Resident, body: Json<ReadingsIn>) -> ApiResult<ReadingsOut> {
        let account = resident.account_for_readings()?;
        let mut tx = resident.begin().await?;
        closed_account(&account, tx.today())?;
        let submission = submission(body.0, tx.today());
        let source = source(account.access);
        let accepted = submit(&mut tx, &*self.estimates, AccountId(account.id), &submission, source).await;
        let accepted = accepted?;
        tx.commit().await?;
        Ok(Json(ReadingsOut {
            date: accepted.date.iso(),
            period: accepted.period.to_string(),
            meters: accepted.meters.into_iter().map(|meter| meter.0).collect(),
            uncounted: accepted.uncounted,
        }))
    }

    /// What readings of the chosen account would cost; stores nothing.
    #[oai(path = "/meters/estimate", method = "post", operation_id = "estimateReadings")]
    async fn estimate(&self, resident: Resident, body: Json<ReadingsIn>) -> ApiResult<ImaginedOut> {
        let account = resident.account_with_sums()?;
        resident.count_against(PER_RESIDENT, "imagined").await?;
        let tx = resident.read().await?;
        let (typed, source) = (submission(body.0, tx.today()), source(account.access));
        let charged = self.estimates.published_until(&tx).await?;
        let imagined = imagine(&tx, AccountId(account.id), typed, (source, charged)).await?;
        tx.commit().await?;
        let estimate = self.estimates.imagine(resident.tenant(), AccountId(account.id), &imagined).await?;
        Ok(Json(match estimate {
            Some(Estimate::Computed { period, total, change }) => ImaginedOut {
                period: Some(period.to_string()),
                total: Some(total.0),
                change: change.map(|change| change.0),
            },
            Some(Estimate::Unavailable(_)) | None => ImaginedOut { period: None, total: None, change: None },
        }))
    }
}

fn submission(sent: ReadingsIn, today: Day) -> Submission {
    let zones = |texts: Vec<String>| -> [String; MOST_ZONES] {
        let mut texts = texts.into_iter().map(|text| text.trim().to_owned());
        std::array::from_fn(|_| texts.next().unwrap_or_default())
    };
    let row = |reading: ReadingIn| {
        let (values, deltas) = (zones(reading.values), zones(reading.deltas));
        (reading.meter.into(), Row { values, deltas, confirmed: reading.confirm })
    };
    Submission {
        date: sent.date.unwrap_or_else(|| today.to_string()),
        rows: sent.readings.into_iter().map(row).collect(),
        ..Submission::default()
    }
}

fn meter_out(meter: MeterState, today: Day) -> MeterOut {
    let last = meter.readings.first();
    MeterOut {
        id: meter.id.0,
        zones: u32::try_from(meter.zones).unwrap_or_default(),
        automatic: meter.automatic,
        active: meter.is_in_service(today),
        verification: match Verification::on(meter.verified_until, today) {
            Verification::Ok => MeterVerification::Ok,
            Verification::Soon => MeterVerification::Soon,
            Verification::Expired => MeterVerification::Expired,
            Verification::None => MeterVerification::None,
        },
        verified_until: meter.verified_until.map(Day::iso),
        fault: meter.fault.as_ref().map(Fault::words),
        last_date: last.map(|reading| reading.taken_on.iso()),
        last_values: last.map_or_else(Vec::new, |reading| {
            reading.values[..meter.zones].iter().map(|value: &Quantity| value.0).collect()
        }),
        service_code: meter.service_code,
        serial: meter.serial,
        place: meter.place,
    }
}

impl From<Window> for WindowOut {
    fn from(window: Window) -> Self {
        Self {
            always: window.always,
            open: window.open,
            from: window.from.iso(),
            until: window.until.iso(),
            next_from: window.next_from.iso(),
            next_until: window.next_until.iso(),
        }
    }
}
