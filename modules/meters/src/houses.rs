//! Meters of whole houses: staff read them, and bills take the month's volume from them where nobody stated one.

use std::collections::BTreeMap;

use kabinet_accounts::houses as registry;
use kabinet_contracts::{AccountId, Estimates};
use kabinet_core::{Day, DbError, Period, Quantity, Tx};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QueryTrait, Set, Unchanged};
use serde_json::json;
use uuid::Uuid;

use crate::consumption::Averages;
use crate::entity::{house_meter, house_meter_fault, house_reading};
use crate::error::Error;
use crate::installation::check_texts;
use crate::readings::uncharged;
use crate::resource::{Resource, rollover_at};
use crate::store;
use crate::view::{HouseLine, service_title, unit};
use crate::volume::{Figures, Values, rolled_over};

mod counted;
pub mod faults;

pub use counted::{Instead, Unread};

use counted::{Metered, instead, together};

/// Months before those asked for whose readings are looked at: the year that an average is made of, the months that it
/// stands in for before, and the reading that the first of all counts from.
const LOOK_BACK: i32 = 16;

/// A house meter to be put into service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewHouseMeter {
    /// What it measures.
    pub resource: Resource,
    /// Serial number.
    pub serial: String,
    /// Where it hangs; may be empty.
    pub place: String,
    /// Maker's model; may be empty.
    pub model: String,
    /// Whole digits of its dial, 1 to 9.
    pub digits: i32,
    /// By what the dial's units are multiplied: the ratio of current transformers, otherwise 1.
    pub factor: i32,
    /// Day of installation.
    pub installed_on: Day,
    /// Last day of its verification.
    pub verified_until: Option<Day>,
    /// What it showed on the day of installation.
    pub initial: Quantity,
}

/// A house meter with its readings, the latest first, those taken back among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HouseMeter {
    /// The meter.
    pub meter: house_meter::Model,
    /// Its readings.
    pub readings: Vec<house_reading::Model>,
    /// Its faults, the oldest first.
    pub faults: Vec<house_meter_fault::Model>,
}

/// What the meters of a house measured of a resource in a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HouseMonth {
    /// The house.
    pub house: Uuid,
    /// Code of what they measure.
    pub resource: String,
    /// The month.
    pub period: Period,
    /// In the resource's units.
    pub volume: Quantity,
    /// Serial numbers.
    pub serial: String,
    /// The readings around the month, of a single meter that shows the volume itself.
    pub readings: Option<(Quantity, Quantity)>,
}

/// A month in which the meters of a house did not count all of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadMonth {
    /// The house.
    pub house: Uuid,
    /// Code of what they measure.
    pub resource: String,
    /// The month.
    pub period: Period,
    /// Serial numbers.
    pub serial: String,
    /// Why.
    pub why: Unread,
    /// What bills go by.
    pub instead: Instead,
}

/// The meters of the house with the company's code of it.
pub async fn list(tx: &Tx, code: &str) -> Result<Vec<HouseMeter>, Error> {
    let house = registry::by_code(tx, code).await?.ok_or(Error::NotFound)?;
    let meters = house_meter::Entity::find().filter(house_meter::Column::HouseId.eq(house.id));
    let meters = tx.all(meters.order_by_asc(house_meter::Column::Id)).await?;
    let mut found = Vec::with_capacity(meters.len());
    for meter in meters {
        found.push(with_readings(tx, meter).await?);
    }
    Ok(found)
}

/// One house meter.
pub async fn find(tx: &Tx, id: Uuid) -> Result<HouseMeter, Error> {
    let meter = house_meter::Entity::find().filter(house_meter::Column::Id.eq(id));
    with_readings(tx, tx.one(meter).await?.ok_or(Error::NotFound)?).await
}

async fn with_readings(tx: &Tx, meter: house_meter::Model) -> Result<HouseMeter, Error> {
    let readings = house_reading::Entity::find()
        .filter(house_reading::Column::MeterId.eq(meter.id))
        .order_by_desc(house_reading::Column::TakenOn)
        .order_by_desc(house_reading::Column::CreatedAt);
    let faults = faults::of(tx, meter.id).await?;
    Ok(HouseMeter { readings: tx.all(readings).await?, faults, meter })
}

/// Puts a meter into service in the house with the company's code; its identifier.
pub async fn install(tx: &mut Tx, code: &str, new: &NewHouseMeter) -> Result<Uuid, Error> {
    let house = registry::by_code(tx, code).await?.ok_or(Error::NotFound)?;
    described(tx, new)?;
    let id: Uuid = tx.new_id();
    let row = house_meter::Model {
        tenant_id: tx.tenant_id(),
        id,
        house_id: house.id,
        service_code: new.resource.code().to_owned(),
        serial: new.serial.trim().to_owned(),
        place: new.place.trim().to_owned(),
        model: new.model.trim().to_owned(),
        digits: new.digits,
        factor: new.factor,
        installed_on: new.installed_on,
        removed_on: None,
        verified_until: new.verified_until,
    };
    match tx.insert(house_meter::ActiveModel::from(row).reset_all()).await {
        Err(DbError::Duplicate(_)) => {
            return Err(Error::field("serial", "Прибор с таким номером в этом доме уже есть"));
        }
        other => other?,
    }
    put(tx, id, new.installed_on, new.initial, false).await?;
    let detail = json!({ "house": house.id, "serial": new.serial, "resource": new.resource.code() });
    tx.audit("meters.house_meter_installed", id, detail).await?;
    Ok(id)
}

fn described(tx: &Tx, new: &NewHouseMeter) -> Result<(), Error> {
    check_texts(&new.serial, &new.place, &new.model)?;
    if !(1..=9).contains(&new.digits) {
        return Err(Error::field("digits", "Знаков до запятой – от 1 до 9"));
    }
    if !(1..=10_000).contains(&new.factor) {
        return Err(Error::field("factor", "Коэффициент трансформации – от 1 до 10 000"));
    }
    if new.installed_on > tx.today() {
        return Err(Error::field("installed_on", "День установки не может быть в будущем"));
    }
    fits(new.initial, new.digits, "initial")
}

fn fits(value: Quantity, digits: i32, field: &str) -> Result<(), Error> {
    if value.0 >= 0 && value < rollover_at(digits) {
        return Ok(());
    }
    Err(Error::field(field, format!("Показание – число не меньше 0, знаков до запятой не больше {digits}")))
}

async fn put(tx: &Tx, meter: Uuid, on: Day, value: Quantity, rollover: bool) -> Result<Uuid, DbError> {
    let id: Uuid = tx.new_id();
    let row = house_reading::Model {
        tenant_id: tx.tenant_id(),
        id,
        meter_id: meter,
        period: on.period(),
        taken_on: on,
        value,
        rollover,
        actor_id: tx.actor().id(),
        created_at: tx.now(),
        withdrawn_at: None,
        withdrawn_reason: String::new(),
    };
    tx.insert(house_reading::ActiveModel::from(row).reset_all()).await?;
    Ok(id)
}

/// Takes down a reading of a month that is not charged. `rollover`: a value lower than before means that the dial
/// began again from 0.
pub async fn take_down(
    tx: &mut Tx,
    estimates: &dyn Estimates,
    id: Uuid,
    (on, value): (Day, Quantity),
    rollover: bool,
) -> Result<Uuid, Error> {
    let known = find(tx, id).await?;
    let meter = &known.meter;
    uncharged(tx, estimates, on.period()).await?;
    if on > tx.today() {
        return Err(Error::field("on", "Дата не может быть в будущем"));
    }
    if meter.removed_on.is_some_and(|removed| on > removed) {
        return Err(Error::AlreadyRemoved);
    }
    fits(value, meter.digits, "value")?;
    let last = known.readings.iter().find(|reading| reading.withdrawn_at.is_none());
    if let Some(last) = last {
        if on < last.taken_on {
            return Err(Error::field("on", format!("Прибор читали позже: {}", last.taken_on)));
        }
        if value < last.value && !rolled_over(last.value, value, meter.digits) && !rollover {
            let text = "Показание меньше предыдущего: проверьте его или подтвердите, что счёт начался сначала";
            return Err(Error::field("value", text));
        }
    }
    let reading = put(tx, id, on, value, rollover).await?;
    tx.audit("meters.house_reading_taken_down", id, json!({ "date": on, "value": value })).await?;
    Ok(reading)
}

/// Takes a reading of a month that is not charged back; it stays for staff to see.
pub async fn withdraw(
    tx: &mut Tx,
    estimates: &dyn Estimates,
    (id, reading): (Uuid, Uuid),
    reason: &str,
) -> Result<(), Error> {
    let known = find(tx, id).await?;
    let row = known.readings.iter().find(|row| row.id == reading).ok_or(Error::NotFound)?;
    if row.withdrawn_at.is_some() {
        return Err(Error::AlreadyWithdrawn);
    }
    uncharged(tx, estimates, row.period).await?;
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > 200 {
        return Err(Error::field("reason", "Укажите причину, не длиннее 200 знаков"));
    }
    let change = house_reading::ActiveModel {
        tenant_id: Unchanged(tx.tenant_id()),
        id: Unchanged(reading),
        withdrawn_at: Set(Some(tx.now())),
        withdrawn_reason: Set(reason.to_owned()),
        ..Default::default()
    };
    tx.update(change).await?;
    Ok(tx.audit("meters.house_reading_withdrawn", id, json!({ "reading": reading, "reason": reason })).await?)
}

/// Takes a house meter out of service on the day of its last reading or later.
pub async fn remove(tx: &mut Tx, estimates: &dyn Estimates, id: Uuid, on: Day) -> Result<(), Error> {
    let known = find(tx, id).await?;
    uncharged(tx, estimates, on.period()).await?;
    let last = known.readings.iter().find(|reading| reading.withdrawn_at.is_none());
    if known.meter.removed_on.is_some() {
        return Err(Error::AlreadyRemoved);
    }
    if on > tx.today() || last.is_some_and(|last| on < last.taken_on) {
        return Err(Error::field("on", "День снятия – не раньше последнего показания и не в будущем"));
    }
    change(tx, id, |row| row.removed_on = Set(Some(on))).await?;
    Ok(tx.audit("meters.house_meter_removed", id, json!({ "on": on })).await?)
}

/// States the last day of a house meter's verification: what is read later is kept and not counted.
pub async fn verify(tx: &mut Tx, estimates: &dyn Estimates, id: Uuid, until: Option<Day>) -> Result<(), Error> {
    let before = find(tx, id).await?.meter.verified_until;
    let earliest = until.into_iter().chain(before).min().unwrap_or(tx.today());
    estimates.outdate_runs(tx, earliest.period()).await?;
    change(tx, id, |row| row.verified_until = Set(until)).await?;
    Ok(tx.audit("meters.verification_stated", id, json!({ "until": until, "before": before })).await?)
}

async fn change(tx: &Tx, id: Uuid, set: impl FnOnce(&mut house_meter::ActiveModel)) -> Result<(), DbError> {
    let mut row =
        house_meter::ActiveModel { tenant_id: Unchanged(tx.tenant_id()), id: Unchanged(id), ..Default::default() };
    set(&mut row);
    tx.update(row).await
}

/// What house meters measured in the months `from` to `to`, by house, resource and month. A month counts where
/// every meter of the resource was read in it; a volume over several months counts in equal parts for each, heat in
/// those of its season.
pub async fn volumes(tx: &Tx, from: Period, to: Period) -> Result<Vec<HouseMonth>, DbError> {
    let meters = installed(tx, to, None).await?;
    measured(tx, meters, (from, to)).await
}

/// What the meters of one house measured, as [`volumes`] has it of all; nothing is read of the others.
pub async fn volumes_of(tx: &Tx, house: Uuid, from: Period, to: Period) -> Result<Vec<HouseMonth>, DbError> {
    let meters = installed(tx, to, Some(house)).await?;
    measured(tx, meters, (from, to)).await
}

/// The months `from` to `to` in which a house meter was not read, was broken or overdue for verification, with the
/// averages that stand in for them: those that [`volumes`] does not know.
pub async fn unread(tx: &Tx, from: Period, to: Period, averages: Averages) -> Result<Vec<UnreadMonth>, DbError> {
    let groups = groups(tx, installed(tx, to, None).await?, (from, to)).await?;
    let mut found = Vec::new();
    for ((house, resource), group) in groups {
        for period in months(from, to) {
            let Some((why, serial, instead)) = instead(&group, period, averages) else { continue };
            found.push(UnreadMonth { house, resource: resource.clone(), period, serial, why, instead });
        }
    }
    Ok(found)
}

/// The meters of a house, or of all, that were installed until the end of a month.
async fn installed(tx: &Tx, until: Period, house: Option<Uuid>) -> Result<Vec<house_meter::Model>, DbError> {
    let meters = house_meter::Entity::find()
        .filter(house_meter::Column::InstalledOn.lte(until.last_day()))
        .apply_if(house, |meters, house| meters.filter(house_meter::Column::HouseId.eq(house)));
    tx.all(meters.order_by_asc(house_meter::Column::Id)).await
}

async fn measured(
    tx: &Tx,
    meters: Vec<house_meter::Model>,
    (from, to): (Period, Period),
) -> Result<Vec<HouseMonth>, DbError> {
    let mut found = Vec::new();
    for ((house, resource), group) in groups(tx, meters, (from, to)).await? {
        for period in months(from, to) {
            let Some((volume, serial, readings)) = together(&group, period) else { continue };
            found.push(HouseMonth { house, resource: resource.clone(), period, volume, serial, readings });
        }
    }
    Ok(found)
}

fn months(from: Period, to: Period) -> impl Iterator<Item = Period> {
    std::iter::successors(Some(from), |period| Some(period.next())).take_while(move |period| *period <= to)
}

/// The meters with all that months from one to another are told by, by house and resource.
async fn groups(
    tx: &Tx,
    meters: Vec<house_meter::Model>,
    (from, to): (Period, Period),
) -> Result<BTreeMap<(Uuid, String), Vec<Metered>>, DbError> {
    let mut groups: BTreeMap<(Uuid, String), Vec<Metered>> = BTreeMap::new();
    let Some(first) = meters.first() else { return Ok(groups) };
    // Of meters of one house nobody reads all of the company's.
    let house = Some(first.house_id).filter(|house| meters.iter().all(|meter| meter.house_id == *house));
    let mut read = store::house_figures(tx, house, (from.plus(-LOOK_BACK), to)).await?;
    let mut faults = faults::by_meter(tx).await?;
    for meter in meters {
        let key = (meter.house_id, meter.service_code.clone());
        let (figures, faults) = (read.remove(&meter.id), faults.remove(&meter.id));
        let metered = Metered::of(meter, figures.unwrap_or_default(), faults.unwrap_or_default());
        groups.entry(key).or_default().push(metered);
    }
    Ok(groups)
}

/// A reading of one figure.
pub(crate) fn figures(taken_on: Day, period: Period, value: Quantity, rollover: bool) -> Figures {
    let mut values = Values::default();
    values[0] = value;
    Figures { period, taken_on, values, rollover }
}

/// The meters in service of the house in which the account is, with the last month that each resource was measured.
pub(crate) async fn lines(tx: &Tx, account: AccountId) -> Result<Vec<HouseLine>, DbError> {
    let today = tx.today();
    let meters = store::house_meters_of(tx, account, today).await?;
    let months = measured(tx, meters.clone(), (today.period().plus(-2), today.period())).await?;
    let latest = |code: &str| months.iter().filter(|month| month.resource == code).max_by_key(|month| month.period);
    let line = |meter: &house_meter::Model| {
        let month = latest(&meter.service_code);
        HouseLine {
            service: service_title(&meter.service_code),
            serial: meter.serial.clone(),
            unit: unit(&meter.service_code),
            verification_until: meter.verified_until,
            period: month.map(|month| month.period),
            volume: month.map(|month| month.volume),
        }
    };
    Ok(meters.iter().map(line).collect())
}
