//! Meters of whole houses: staff read them, and bills take the month's volume from them where nobody stated one.

use std::collections::{BTreeMap, HashMap};

use kabinet_accounts::houses as registry;
use kabinet_contracts::{AccountId, Estimates};
use kabinet_core::{Day, DbError, Period, Quantity, Tx};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Set, Unchanged};
use serde_json::json;
use uuid::Uuid;

use crate::entity::{house_meter, house_reading};
use crate::error::Error;
use crate::readings::uncharged;
use crate::resource::{Resource, rollover_at};
use crate::service::check_texts;
use crate::store;
use crate::view::{HouseLine, service_title, unit};
use crate::volume::{Figures, Values, by_month, closings, rolled_over};

/// Months before those asked for in which the reading that a volume counts from is looked for.
const LOOK_BACK: i32 = 13;

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
    Ok(HouseMeter { readings: tx.all(readings).await?, meter })
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

/// States the last day of a house meter's verification.
pub async fn verify(tx: &mut Tx, id: Uuid, until: Option<Day>) -> Result<(), Error> {
    find(tx, id).await?;
    change(tx, id, |row| row.verified_until = Set(until)).await?;
    Ok(tx.audit("meters.verification_stated", id, json!({ "until": until })).await?)
}

async fn change(tx: &Tx, id: Uuid, set: impl FnOnce(&mut house_meter::ActiveModel)) -> Result<(), DbError> {
    let mut row =
        house_meter::ActiveModel { tenant_id: Unchanged(tx.tenant_id()), id: Unchanged(id), ..Default::default() };
    set(&mut row);
    tx.update(row).await
}

/// What house meters measured in the months `from` to `to`, by house, resource and month. A month counts where
/// every meter of the resource was read in it; a volume over several months counts in equal parts for each.
pub async fn volumes(tx: &Tx, from: Period, to: Period) -> Result<Vec<HouseMonth>, DbError> {
    let meters =
        tx.all(house_meter::Entity::find().filter(house_meter::Column::InstalledOn.lte(to.last_day()))).await?;
    measured(tx, meters, (from, to)).await
}

async fn measured(
    tx: &Tx,
    meters: Vec<house_meter::Model>,
    (from, to): (Period, Period),
) -> Result<Vec<HouseMonth>, DbError> {
    if meters.is_empty() {
        return Ok(Vec::new());
    }
    let mut read = store::house_figures(tx, from.plus(-LOOK_BACK), to).await?;
    let mut groups: BTreeMap<(Uuid, String), Vec<Metered>> = BTreeMap::new();
    for meter in meters {
        let figures = read.remove(&meter.id).unwrap_or_default();
        let key = (meter.house_id, meter.service_code.clone());
        groups.entry(key).or_default().push(Metered::of(meter, figures));
    }
    let mut found = Vec::new();
    for ((house, resource), group) in groups {
        let mut period = from;
        while period <= to {
            if let Some((volume, serial, readings)) = together(&group, period) {
                found.push(HouseMonth { house, resource: resource.clone(), period, volume, serial, readings });
            }
            period = period.next();
        }
    }
    Ok(found)
}

/// A house meter with what it counted.
struct Metered {
    meter: house_meter::Model,
    closed: Vec<Figures>,
    /// The reading it was installed with, where that is known.
    first: Option<Figures>,
    months: HashMap<Period, Quantity>,
}

impl Metered {
    /// `newest_first` are its readings.
    fn of(meter: house_meter::Model, newest_first: Vec<Figures>) -> Self {
        let closed = closings(newest_first.iter().copied());
        let months = by_month(&closed, 0, meter.digits).collect();
        let first = newest_first.last().copied().filter(|first| first.taken_on == meter.installed_on);
        Self { meter, closed, first, months }
    }

    fn serves(&self, period: Period) -> bool {
        let gone = self.meter.removed_on.is_some_and(|removed| removed <= period.first_day());
        self.meter.installed_on <= period.last_day() && !gone
    }

    /// What it counted in the month; of the month in which it was installed only where it took another's place.
    fn counted(&self, period: Period, group: &[Self]) -> Option<Quantity> {
        let begins = self.meter.installed_on.period() == period;
        let replaces = group.iter().any(|other| other.meter.removed_on == Some(self.meter.installed_on));
        let volume = match self.first.filter(|_| begins) {
            Some(first) if replaces => {
                let last = self.closed.iter().find(|figures| figures.period == period)?;
                last.since(&first, 0, self.meter.digits)
            }
            Some(_) => return None,
            None => self.months.get(&period).copied()?,
        };
        Some(Quantity(volume.0.checked_mul(i64::from(self.meter.factor))?)).filter(|volume| volume.0 >= 0)
    }
}

type Together = (Quantity, String, Option<(Quantity, Quantity)>);

/// What all the meters of a resource counted in a month, if each did.
fn together(group: &[Metered], period: Period) -> Option<Together> {
    let serving: Vec<&Metered> = group.iter().filter(|meter| meter.serves(period)).collect();
    let volumes: Option<Vec<Quantity>> = serving.iter().map(|meter| meter.counted(period, group)).collect();
    let volumes = volumes.filter(|volumes| !volumes.is_empty())?;
    let serials: Vec<&str> = serving.iter().map(|meter| meter.meter.serial.as_str()).collect();
    let readings = match serving.as_slice() {
        [only] if only.meter.factor == 1 => {
            let now = only.closed.iter().find(|figures| figures.period == period);
            let before = only.closed.iter().find(|figures| figures.period == period.previous());
            before.zip(now).map(|(before, now)| (before.values[0], now.values[0]))
        }
        _ => None,
    };
    Some((volumes.into_iter().fold(Quantity::ZERO, |sum, of| sum + of), serials.join(", "), readings))
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

#[cfg(test)]
mod tests {
    use super::*;
    use kabinet_core::TenantId;

    fn meter(serial: &str, installed: i32, removed: Option<i32>, readings: &[(i32, i64)]) -> Metered {
        let row = house_meter::Model {
            tenant_id: TenantId(Uuid::nil()),
            id: Uuid::nil(),
            house_id: Uuid::nil(),
            service_code: "cold_water".to_owned(),
            serial: serial.to_owned(),
            place: String::new(),
            model: String::new(),
            digits: 6,
            factor: 1,
            installed_on: Day(installed),
            removed_on: removed.map(Day),
            verified_until: None,
        };
        let figures =
            |(day, value): &(i32, i64)| super::figures(Day(*day), Day(*day).period(), Quantity::whole(*value), false);
        Metered::of(row, readings.iter().map(figures).collect())
    }

    fn volume(group: &[Metered], period: i32) -> Option<i64> {
        together(group, Period(period)).map(|(volume, ..)| volume.0 / 10_000_000)
    }

    #[test]
    fn a_month_counts_where_every_meter_was_read() {
        let one = meter("1", 20_250_101, None, &[(20_261_025, 1300), (20_260_925, 1200), (20_260_825, 1100)]);
        let two = meter("2", 20_250_101, None, &[(20_260_925, 70), (20_260_825, 50)]);
        assert_eq!(volume(std::slice::from_ref(&one), 202_610), Some(100));
        assert_eq!(
            together(std::slice::from_ref(&one), Period(202_610)).and_then(|(.., read)| read),
            Some((Quantity::whole(1200), Quantity::whole(1300)))
        );
        let both = [one, two];
        assert_eq!(volume(&both, 202_609), Some(120));
        assert_eq!(volume(&both, 202_610), None);
    }

    #[test]
    fn a_gap_counts_in_equal_parts() {
        let one = meter("1", 20_250_101, None, &[(20_261_025, 1300), (20_260_825, 1100)]);
        assert_eq!(volume(std::slice::from_ref(&one), 202_610), Some(100));
        assert_eq!(volume(std::slice::from_ref(&one), 202_609), Some(100));
    }

    #[test]
    fn a_new_meter_counts_its_first_month_only_in_anothers_place() {
        let new = || meter("2", 20_261_010, None, &[(20_261_025, 60), (20_261_010, 0)]);
        assert_eq!(volume(&[new()], 202_610), None);
        let old = meter("1", 20_250_101, Some(20_261_010), &[(20_261_010, 1240), (20_260_925, 1200)]);
        assert_eq!(volume(&[old, new()], 202_610), Some(40 + 60));
    }

    #[test]
    fn current_transformers_multiply() {
        let mut one = meter("1", 20_250_101, None, &[(20_261_025, 130), (20_260_925, 120)]);
        one.meter.factor = 40;
        let (volume, _, readings) = together(&[one], Period(202_610)).expect("a volume");
        assert_eq!((volume, readings), (Quantity::whole(400), None));
    }
}
