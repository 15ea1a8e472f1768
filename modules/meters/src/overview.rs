//! What other pages show of an account's meters.

use kabinet_contracts::{AccountId, MeterId};
use kabinet_core::{Day, DbError, Period, Tenant, Tx};
use serde::Serialize;

use crate::settings::MetersSettings;
use crate::store::{self, LookBack, MeterState};
use crate::view::{Verification, place, service_title};
use crate::window::Window;

/// A meter in service, in a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OverviewMeter {
    /// The meter.
    pub id: MeterId,
    /// The service it measures, for people.
    pub service: String,
    /// Where it hangs.
    pub place: Option<String>,
    /// Serial number.
    pub serial: String,
    /// Date of its last reading.
    pub last_date: Option<Day>,
    /// Whether a reading of the month that is asked for is there.
    pub sent: bool,
    /// How its verification stands.
    pub verification: Verification,
    /// Last day of its verification.
    pub verification_until: Option<Day>,
}

/// The account's meters in service today, with the state of their readings. One statement.
pub async fn meters(tx: &Tx, account: AccountId) -> Result<Vec<OverviewMeter>, DbError> {
    let today = tx.today();
    let month = window(tx.tenant(), today)?.month_asked_for(today);
    let meters = store::meters_with_readings(tx, account, None, LookBack::LAST).await?;
    let in_service = meters.into_iter().filter(|meter| meter.is_in_service(today));
    Ok(in_service.map(|meter| line(meter, today, month)).collect())
}

/// When the company takes readings, as seen on `today` (a day in its zone). No statement.
pub fn window(tenant: &Tenant, today: Day) -> Result<Window, DbError> {
    Ok(Window::on(&MetersSettings::of(tenant)?, today))
}

pub(crate) fn line(meter: MeterState, today: Day, month: Period) -> OverviewMeter {
    let last = meter.readings.first();
    let (last_date, last_period) = (last.map(|last| last.taken_on), last.map(|last| last.period));
    OverviewMeter {
        id: meter.id,
        service: service_title(&meter.service_code),
        last_date,
        sent: last_period.is_some_and(|period| period >= month),
        verification: Verification::on(meter.verified_until, today),
        verification_until: meter.verified_until,
        place: place(meter.place),
        serial: meter.serial,
    }
}
