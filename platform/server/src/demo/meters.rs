//! What the demo shows of meters beside their readings: one in another's place, and a photo beside a reading.

use kabinet_contracts::{AccountId, MeterId};
use kabinet_core::{Actor, Quantity, Tx};
use kabinet_meters::installation::{self, Removal};
use kabinet_meters::meters::NewMeter;
use kabinet_meters::readings::Accepted;
use kabinet_meters::register::{self, Filter, Listed, Recorded};
use kabinet_meters::{Resource, Submission, photos};
use kabinet_web::Upload;

use super::Town;
use super::dials::SHOWN;
use super::logins::SECOND;
use crate::composition::App;

/// A picture of a dial, drawn for the demo.
const PICTURE: &[u8] = include_bytes!("dial.png");
/// What the old meter counted since its last reading: litres.
const SINCE: i64 = 1_400;

/// Adds what is missing; what visitors did stays.
pub(super) async fn show(app: &App, town: &Town) -> anyhow::Result<()> {
    replaced(app, town).await?;
    photo(app, town).await
}

async fn meters(tx: &Tx, account: AccountId) -> anyhow::Result<Vec<Listed>> {
    let filter = Filter { account: Some(account), ..Filter::default() };
    Ok(register::list(tx, &filter, None, 100).await?.0)
}

/// The resident's second account gets a new meter in the place of its first one.
async fn replaced(app: &App, town: &Town) -> anyhow::Result<()> {
    let account = town.city.account_id(SECOND);
    let staff = Actor::Staff(town.city.chance.id("staff", 0));
    let mut tx = app.db.begin(&town.tenant, staff).await?;
    let there = meters(&tx, account).await?;
    let water = |meter: &&Listed| meter.zones == 1 && meter.service_code != Resource::Electricity.code();
    let Some(old) = there.iter().find(water).filter(|_| there.iter().all(|meter| meter.replaces.is_none())) else {
        return Ok(());
    };
    let readings = register::readings(&tx, old.id).await?;
    let Some(last) = readings.first().and_then(|reading| reading.values.first().copied()) else { return Ok(()) };
    let on = tx.today();
    let removal = Removal { on, last: Some(vec![last + Quantity(SINCE * 10_000)]), rollover: false };
    let new = NewMeter {
        account,
        resource: Resource::ColdWater,
        serial: format!("26-{}", old.serial.trim_start_matches(|c: char| c != '-').trim_start_matches('-')),
        place: old.place.clone(),
        model: "СВК-15Г".to_owned(),
        digits: 5,
        automatic: false,
        installed_on: on,
        verified_until: Some(on.plus_days(6 * 365)),
        initial: vec![Quantity::ZERO],
    };
    installation::replace(&mut tx, &*app.billing.estimates(), old.id, &removal, new).await?;
    Ok(tx.commit().await?)
}

/// The latest reading that the resident's own meter got from the portal has a photo.
async fn photo(app: &App, town: &Town) -> anyhow::Result<()> {
    let tx = app.db.begin(&town.tenant, Actor::System).await?;
    let Some(meter) = meters(&tx, town.city.account_id(SHOWN)).await?.into_iter().next() else { return Ok(()) };
    let readings = register::readings(&tx, meter.id).await?;
    let sent = readings.iter().find(|reading| reading.source == "portal");
    let Some(sent) = sent.filter(|_| readings.iter().all(|reading| reading.photos.is_empty())) else {
        return Ok(());
    };
    let checked = photos::check(vec![upload(meter.id)], &submission(meter.id));
    let checked = checked.map_err(|wrong| anyhow::anyhow!("the demo's picture: {wrong:?}"))?;
    let kept = photos::keep(&app.files, &app.db, &town.tenant, checked).await?;
    photos::attach(&tx, &accepted(&meter, sent), &kept).await?;
    Ok(tx.commit().await?)
}

fn upload(meter: MeterId) -> Upload {
    Upload { field: format!("meter_{meter}_photo"), name: "dial.png".to_owned(), bytes: PICTURE.to_vec() }
}

fn submission(meter: MeterId) -> Submission {
    Submission::from_form(&[(format!("meter_{meter}_value"), "1".to_owned())].into())
}

fn accepted(meter: &Listed, reading: &Recorded) -> Accepted {
    Accepted {
        date: reading.taken_on,
        period: reading.period,
        stored_at: reading.created_at,
        meters: vec![meter.id],
        readings: vec![reading.id],
        uncounted: Vec::new(),
    }
}
