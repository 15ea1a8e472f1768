//! «Информация об ИПУ» and one meter's readings.

use std::collections::HashMap;

use kabinet_contracts::{AccountId, MeterId};
use kabinet_core::{Day, Tx};
use kabinet_web::{AccountRef, Problem, Resident, identifier};
use poem::web::Path;
use poem::{Response, handler};
use uuid::Uuid;

use crate::pages::readings::source;
use crate::settings::Closed;
use crate::store::{self, LookBack, MeterState};
use crate::verdict::Terms;
use crate::view::{Beside, MeterContext, MeterRow, MetersContext, Sending};
use crate::{houses, senders};

/// Readings on a meter's page.
const MOST_READINGS: u32 = 60;

/// GET /meters
#[handler]
pub(crate) async fn list(resident: Resident) -> Result<Response, Problem> {
    let Some(account) = resident.active() else { return Ok(resident.done("/overview")) };
    let tx = resident.read().await?;
    let meters = store::meters_with_readings(&tx, AccountId(account.id), None, LookBack::LAST).await?;
    let house = houses::lines(&tx, AccountId(account.id)).await?;
    let today = tx.today();
    tx.commit().await?;
    let meters = meters.iter().map(|meter| MeterRow::of(meter, today)).collect();
    resident.page("Информация об ИПУ", "meters/meters.html", &MetersContext { meters, house })
}

/// GET /meters/<id>
#[handler]
pub(crate) async fn show(resident: Resident, Path(id): Path<String>) -> Result<Response, Problem> {
    let account = resident.account_for_readings()?;
    let id = identifier(&id)?;
    let tx = resident.read().await?;
    let today = tx.today();
    let (meter, before) = with_predecessor(&tx, AccountId(account.id), id).await?;
    let sent = sent(&tx, &resident, &account, id).await?;
    tx.commit().await?;
    let open = takes_now(&resident, &account, today)?;
    let beside = Beside { before: before.as_ref(), limit: MOST_READINGS as usize, sent: &sent, open };
    let context = MeterContext::of(&meter, today, &beside);
    resident.page(&format!("Прибор учёта {}", meter.serial), "meters/meter.html", &context)
}

fn takes_now(resident: &Resident, account: &AccountRef, today: Day) -> Result<bool, Problem> {
    let terms = Terms::of(resident.tenant(), today, source(account.access))?;
    let open = terms.window.open || terms.policy.closed != Closed::Refuse;
    Ok(open && account.closed_on.is_none_or(|closed| closed > today))
}

/// The account's meter with its readings, and the one whose place it took.
async fn with_predecessor(
    tx: &Tx,
    account: AccountId,
    id: MeterId,
) -> Result<(MeterState, Option<MeterState>), Problem> {
    let back = LookBack { depth: MOST_READINGS, ..LookBack::LAST };
    let mut found = store::meters_with_readings(tx, account, Some(id), back).await?;
    let meter = found.pop().ok_or_else(Problem::not_found)?;
    let before = match meter.replaces {
        Some(old) => store::meters_with_readings(tx, account, Some(old), back).await?.pop(),
        None => None,
    };
    Ok((meter, before))
}

/// What is known of each reading's sending, as far as the resident may know.
async fn sent(
    tx: &Tx,
    resident: &Resident,
    account: &AccountRef,
    meter: MeterId,
) -> Result<HashMap<Uuid, Sending>, Problem> {
    let sent = senders::sent_of(tx, AccountId(account.id), meter).await?;
    let known = sent.into_iter().filter(|reading| reading.is_known_to(resident.id(), account));
    let shown = |reading: senders::SentReading| {
        let photo = reading.photo.map(|photo| format!("/meters/{meter}/photos/{photo}"));
        let (who, waited) = (reading.who(resident.id()), reading.waited(resident.tenant()));
        (reading.id, Sending { who, photo, waited })
    };
    Ok(known.map(shown).collect())
}
