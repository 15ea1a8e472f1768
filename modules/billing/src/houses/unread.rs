//! House meters that did not count a month: what their services go by instead, and what bills say of it.

use std::collections::{HashMap, HashSet};

use kabinet_core::{DbError, Period, Quantity, Tx};
use kabinet_meters::houses::{Instead, Unread};
use kabinet_plugin_host::api::Premises;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::freeze::{Charged, Way, charged};
use super::{HouseFigures, HouseVolume, charging, decisions};
use crate::plan::{Plan, Snapshot};

/// A house meter that was not read in the month, was broken or overdue for verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadMeter {
    /// Code of the service that it measures.
    #[serde(rename = "c")]
    pub service: String,
    /// Serial number.
    #[serde(rename = "n")]
    pub serial: String,
    /// Why.
    #[serde(rename = "w")]
    pub why: Unread,
    /// Whether the average of the months before stands in for it; otherwise the norm counts.
    #[serde(rename = "a")]
    pub by_average: bool,
}

impl UnreadMeter {
    /// What its service goes by and why, in Russian: «по нормативу: прибор неисправен».
    #[must_use]
    pub fn words(&self) -> String {
        let how = if self.by_average {
            "по среднему за прошлые месяцы"
        } else {
            "по нормативу"
        };
        format!("{how}: {}", self.why.words())
    }
}

/// A month of such a meter.
#[derive(Clone, Debug)]
pub(super) struct UnreadMonth {
    house: Uuid,
    period: Period,
    volume: Option<Quantity>,
    meter: UnreadMeter,
}

impl UnreadMonth {
    /// What stands in the place of a volume, with its house; none where the norm counts.
    pub(super) fn volume(&self) -> Option<(Uuid, HouseVolume)> {
        let (service, serial) = (self.meter.service.clone(), self.meter.serial.clone());
        let volume = self.volume?;
        Some((self.house, HouseVolume { service, period: self.period, volume, serial, previous: None, current: None }))
    }
}

/// The months from `from` to that of the plan that a house meter did not count and that are not `known` otherwise.
pub(super) async fn months(
    tx: &Tx,
    plan: &Plan,
    from: Period,
    known: &[(Uuid, HouseVolume)],
) -> Result<Vec<UnreadMonth>, DbError> {
    let known: HashSet<(Uuid, &str, Period)> =
        known.iter().map(|(house, volume)| (*house, volume.service.as_str(), volume.period)).collect();
    // Of a house as of a room in which people live.
    let averages = plan.averages(Premises::Flat);
    let mut found = Vec::new();
    for month in kabinet_meters::houses::unread(tx, from, plan.period, averages).await? {
        let services = charging(&plan.snapshot, &month.resource);
        let open = services.filter(|service| !known.contains(&(month.house, service.code.as_str(), month.period)));
        let volume = match month.instead {
            Instead::Average(average) => Some(average),
            // For a year to be complete. A month that is charged out of season all the same goes by norm.
            Instead::OffSeason if month.period < plan.period => Some(Quantity::ZERO),
            Instead::OffSeason | Instead::Norm => None,
        };
        found.extend(open.map(|service| UnreadMonth {
            house: month.house,
            period: month.period,
            volume,
            meter: UnreadMeter {
                service: service.code.clone(),
                serial: month.serial.clone(),
                why: month.why,
                by_average: volume.is_some(),
            },
        }));
    }
    Ok(found)
}

/// The meters that did not count a month, by house.
pub(super) fn in_month(months: Vec<UnreadMonth>, period: Period) -> HashMap<Uuid, Vec<UnreadMeter>> {
    let mut houses: HashMap<Uuid, Vec<UnreadMeter>> = HashMap::new();
    for month in months.into_iter().filter(|month| month.period == period) {
        houses.entry(month.house).or_default().push(month.meter);
    }
    houses
}

/// Whether something is charged in the month by the meter of `metered` in a house with this decision of its owners.
pub(super) fn charges(snapshot: &Snapshot, charged: &[Charged], metered: &str, decided: Option<bool>) -> bool {
    let mut monthly = charged.iter().filter(|of| of.metered == metered && by_the_month(of));
    monthly.any(|of| decisions::by_meter(snapshot, &of.code, decided) != Some(false))
}

/// Whether the house's meter tells what a month comes to: of one that is paid evenly the year before does, and of one
/// that the meters of the rooms charge alone nobody asks it.
fn by_the_month(of: &Charged) -> bool {
    matches!(of.way, Way::Rest | Way::Own)
}

impl HouseFigures {
    /// The meter of the house that a service goes by, where it did not count the month.
    pub(crate) fn unread_for(&self, snapshot: &Snapshot, service: &str) -> Option<&UnreadMeter> {
        let known = self.services.iter().find(|known| known.service == service);
        if known.is_some_and(|known| known.by_meter == Some(false)) {
            return None;
        }
        let of = charged(snapshot).into_iter().find(|of| of.code == service && by_the_month(of))?;
        self.unread.iter().find(|meter| meter.service == of.metered)
    }
}
