//! «Информация об ИПУ» and one meter's readings.

use kabinet_contracts::{AccountId, MeterId};
use kabinet_web::{Problem, Resident};
use poem::web::Path;
use poem::{Response, handler};

use crate::overview;
use crate::store::{self, LookBack};
use crate::view::{MeterContext, MeterRow, MetersContext};

/// Readings on a meter's page.
const MOST_READINGS: u32 = 60;

/// GET /meters
#[handler]
pub(crate) async fn list(resident: Resident) -> Result<Response, Problem> {
    let Some(account) = resident.active() else { return Ok(resident.done("/overview")) };
    let tx = resident.read().await?;
    let meters = store::meters_with_readings(&tx, AccountId(account.id), None, LookBack::LAST).await?;
    let today = tx.today();
    tx.commit().await?;
    let meters = meters.iter().map(|meter| MeterRow::of(meter, today)).collect();
    resident.page("Информация об ИПУ", "meters/meters.html", &MetersContext { meters })
}

/// GET /meters/<id>
#[handler]
pub(crate) async fn show(resident: Resident, Path(id): Path<String>) -> Result<Response, Problem> {
    let account = resident.account_for_readings()?;
    // An address that is no identifier is an unknown page, like another's meter.
    let id: MeterId = id.parse().map_err(|_| Problem::not_found())?;
    let tx = resident.read().await?;
    let today = tx.today();
    let back = LookBack { depth: MOST_READINGS, ..LookBack::LAST };
    let meters = store::meters_with_readings(&tx, AccountId(account.id), Some(id), back).await?;
    tx.commit().await?;
    let meter = meters.first().ok_or_else(Problem::not_found)?;
    let open = overview::window(resident.tenant(), today)?.open;
    let can_submit = open && account.closed_on.is_none_or(|closed| closed > today);
    let context = MeterContext::of(meter, today, MOST_READINGS as usize, can_submit);
    resident.page(&format!("Прибор учёта {}", meter.serial), "meters/meter.html", &context)
}
