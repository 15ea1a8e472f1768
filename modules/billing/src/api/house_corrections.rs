//! Volumes of house meters in published months, corrected, and the accounts of the house recalculated by them.

use kabinet_core::{Timestamp, Tx};
use kabinet_web::{ApiResult, Staff};
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::corrections::{Correct, RecomputedOut};
use super::fields::month;
use super::houses::{VolumeEntry, text, volume};
use crate::houses::corrections::{self, Differing, VolumeCorrection};
use crate::plugins::Plugins;
use crate::recalculations::house::{self, HouseRecalculation, Share};

pub(crate) struct HouseCorrectionsApi {
    pub(crate) plugins: Plugins,
}

/// A correction of a published month's volume.
#[derive(Object)]
struct VolumeCorrectionOut {
    /// Code of the service that the meter measures.
    service: String,
    /// The month, `2026-09`.
    period: String,
    /// In the service's units; none where the corrections before were taken back.
    volume: Option<String>,
    /// Serial number of the meter.
    serial: String,
    /// Its reading at the start of the month.
    previous: Option<String>,
    /// Its reading at the end.
    current: Option<String>,
    /// When it was recorded: milliseconds since 1970 UTC.
    recorded_at: i64,
}

impl From<VolumeCorrection> for VolumeCorrectionOut {
    fn from(correction: VolumeCorrection) -> Self {
        let Timestamp(recorded_at) = correction.recorded_at;
        Self {
            service: correction.service,
            period: correction.period.to_string(),
            volume: correction.volume.map(text),
            serial: correction.serial,
            previous: correction.previous.map(text),
            current: correction.current.map(text),
            recorded_at,
        }
    }
}

/// Corrections of volumes, the latest month first, and of a month the latest correction: that one holds.
#[derive(Object)]
struct VolumeCorrectionList {
    items: Vec<VolumeCorrectionOut>,
}

impl VolumeCorrectionList {
    fn of(corrections: Vec<VolumeCorrection>) -> Json<Self> {
        Json(Self { items: corrections.into_iter().map(VolumeCorrectionOut::from).collect() })
    }
}

/// A published month that the meters of a house measured otherwise than it counts with.
#[derive(Object)]
struct DifferingVolume {
    /// What it counts with, as billed or as corrected since; none where no volume was known.
    billed: Option<String>,
    /// What the meters measured; `correctHouseVolume` takes it as it is.
    measured: VolumeEntry,
}

impl From<Differing> for DifferingVolume {
    fn from(month: Differing) -> Self {
        Self { billed: month.billed.map(text), measured: month.measured.into() }
    }
}

/// Months that may be corrected by what was measured, the latest first.
#[derive(Object)]
struct DifferingVolumeList {
    items: Vec<DifferingVolume>,
}

/// What an account has to be charged or given back by the corrected volume.
#[derive(Object)]
struct HouseShare {
    /// The account's identifier.
    account: String,
    /// Its number as printed.
    number: String,
    /// The service and month with the sums.
    #[oai(flatten)]
    recomputed: RecomputedOut,
}

impl From<Share> for HouseShare {
    fn from(share: Share) -> Self {
        Self { account: share.account.to_string(), number: share.number, recomputed: share.recomputed.into() }
    }
}

/// A house's month by the corrected volume.
#[derive(Object)]
struct HouseRecalculationOut {
    /// Accounts that the next run bills something; 0 when nothing differs from what was charged so far.
    accounts: u64,
    /// What it bills them together, kopecks; negative to be given back.
    sum: i64,
    /// Each account, service and month of it.
    items: Vec<HouseShare>,
    /// What no run will bill, since the account is closed: nothing is recorded of it, and the company settles it
    /// with whoever held the account.
    left_out: Vec<HouseShare>,
}

impl From<HouseRecalculation> for HouseRecalculationOut {
    fn from(found: HouseRecalculation) -> Self {
        let shares = |shares: Vec<Share>| shares.into_iter().map(HouseShare::from).collect();
        Self {
            accounts: u64::try_from(found.accounts()).unwrap_or(u64::MAX),
            sum: found.sum().0,
            items: shares(found.shares),
            left_out: shares(found.left_out),
        }
    }
}

/// What a transaction that ends here answers: all corrections of the house.
async fn all_of(tx: Tx, house: &str) -> ApiResult<VolumeCorrectionList> {
    let known = corrections::list(&tx, house).await?;
    tx.commit().await?;
    Ok(VolumeCorrectionList::of(known))
}

#[OpenApi]
impl HouseCorrectionsApi {
    /// All corrections of a house's volumes.
    #[oai(path = "/billing/houses/:house/corrections", method = "get", operation_id = "listHouseVolumeCorrections")]
    async fn list(&self, staff: Staff<Correct>, house: Path<String>) -> ApiResult<VolumeCorrectionList> {
        let tx = staff.read().await?;
        all_of(tx, &house.0).await
    }

    /// Published months that the house's meters measured otherwise than was billed: a reading that came late tells of
    /// the months before it. Each is corrected by one call.
    #[oai(path = "/billing/houses/:house/measured", method = "get", operation_id = "listDifferingHouseVolumes")]
    async fn differing(&self, staff: Staff<Correct>, house: Path<String>) -> ApiResult<DifferingVolumeList> {
        let tx = staff.read().await?;
        let months = corrections::differing(&tx, &house.0).await?;
        tx.commit().await?;
        Ok(Json(DifferingVolumeList { items: months.into_iter().map(DifferingVolume::from).collect() }))
    }

    /// Correct what a house meter measured in a published month; the bills stay until the month is recalculated.
    #[oai(
        path = "/billing/houses/:house/corrections/:service/:period",
        method = "put",
        operation_id = "correctHouseVolume"
    )]
    async fn correct(
        &self,
        staff: Staff<Correct>,
        house: Path<String>,
        service: Path<String>,
        period: Path<String>,
        entry: Json<VolumeEntry>,
    ) -> ApiResult<VolumeCorrectionList> {
        let new = volume(service.0, month(&period.0, "period")?, entry.0)?;
        let mut tx = staff.begin().await?;
        corrections::correct(&mut tx, &house.0, &new).await?;
        all_of(tx, &house.0).await
    }

    /// Take the corrections of a month back: it counts as it was billed. The bills stay until it is recalculated.
    #[oai(
        path = "/billing/houses/:house/corrections/:service/:period",
        method = "delete",
        operation_id = "takeBackHouseVolume"
    )]
    async fn take_back(
        &self,
        staff: Staff<Correct>,
        house: Path<String>,
        service: Path<String>,
        period: Path<String>,
    ) -> ApiResult<VolumeCorrectionList> {
        let period = month(&period.0, "period")?;
        let mut tx = staff.begin().await?;
        corrections::take_back(&mut tx, &house.0, &service.0, period).await?;
        all_of(tx, &house.0).await
    }

    /// What the accounts of a house come to by the corrected volume of a month; nothing is recorded.
    #[oai(path = "/billing/houses/:house/recomputed/:service/:period", method = "get", operation_id = "recomputeHouse")]
    async fn recompute(
        &self,
        staff: Staff<Correct>,
        house: Path<String>,
        service: Path<String>,
        period: Path<String>,
    ) -> ApiResult<HouseRecalculationOut> {
        let period = month(&period.0, "period")?;
        let found = house::recompute(staff.read().await?, &self.plugins, &house.0, &service.0, period).await?;
        Ok(Json(found.into()))
    }

    /// Recalculate the accounts of a house by the corrected volume of a month; the next run bills the differences.
    /// A second time there is nothing left to record.
    #[oai(
        path = "/billing/houses/:house/recalculations/:service/:period",
        method = "post",
        operation_id = "recalculateHouse"
    )]
    async fn recalculate(
        &self,
        staff: Staff<Correct>,
        house: Path<String>,
        service: Path<String>,
        period: Path<String>,
    ) -> ApiResult<HouseRecalculationOut> {
        let period = month(&period.0, "period")?;
        let found = house::recompute(staff.read().await?, &self.plugins, &house.0, &service.0, period).await?;
        let mut tx = staff.begin().await?;
        house::record(&mut tx, &found).await?;
        tx.commit().await?;
        Ok(Json(found.into()))
    }
}
