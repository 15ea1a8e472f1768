//! What staff do with a meter: put it into service, put another in its place, take it out, state its verification.

use kabinet_accounts::{registry, search};
use kabinet_contracts::{AccountId, Estimates, MeterId};
use kabinet_core::{Day, Quantity, Tx};
use sea_orm::{Set, Unchanged};
use serde_json::json;

use crate::entity::meter;
use crate::error::Error;
use crate::faults;
use crate::meters::{NewMeter, check, row};
use crate::readings::{self, announce};
use crate::resource::{Resource, Source};
use crate::store;
use crate::volume::rolled_over;

/// The longest text that describes a meter, characters.
const LONGEST: usize = 64;

/// The last that is known of a meter that goes out of service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The day.
    pub on: Day,
    /// What it showed, one value a zone; none when nobody could read it.
    pub last: Option<Vec<Quantity>>,
    /// A value lower than the reading before means that the dial began again from 0.
    pub rollover: bool,
}

/// Puts a meter into service; a second one of the same account, resource and serial number is refused.
pub async fn install(tx: &mut Tx, estimates: &dyn Estimates, new: NewMeter) -> Result<MeterId, Error> {
    described(&new)?;
    open_account(tx, new.account).await?;
    estimates.outdate(tx, &[new.account]).await?;
    estimates.outdate_runs(tx, new.installed_on.period()).await?;
    let id = put(tx, &new, None).await?;
    announce(tx, new.account, new.installed_on.period()).await?;
    let detail = json!({ "account": new.account, "serial": new.serial, "on": new.installed_on });
    tx.audit("meters.meter_installed", id, detail).await?;
    Ok(id)
}

/// Puts `new` in the place of the meter `old` on the day of `removal`; the month's consumption is what both counted.
/// Without a last value the days before are charged by the average of the months before, or by norm. The new
/// meter's account, resource and day of installation are the old one's.
pub async fn replace(
    tx: &mut Tx,
    estimates: &dyn Estimates,
    old: MeterId,
    removal: &Removal,
    new: NewMeter,
) -> Result<MeterId, Error> {
    let gone = take_out(tx, estimates, old, removal).await?;
    let resource = Resource::from_code(&gone.service_code).unwrap_or(new.resource);
    let new = NewMeter { account: gone.account_id, resource, installed_on: removal.on, ..new };
    described(&new)?;
    let id = put(tx, &new, Some(old)).await?;
    announce(tx, gone.account_id, removal.on.period()).await?;
    let detail = json!({ "by": id, "on": removal.on, "last": removal.last, "serial": new.serial });
    tx.audit("meters.meter_replaced", old, detail).await?;
    Ok(id)
}

/// Takes a meter out of service.
pub async fn remove(tx: &mut Tx, estimates: &dyn Estimates, id: MeterId, removal: &Removal) -> Result<(), Error> {
    let gone = take_out(tx, estimates, id, removal).await?;
    announce(tx, gone.account_id, removal.on.period()).await?;
    let detail = json!({ "on": removal.on, "last": removal.last });
    Ok(tx.audit("meters.meter_removed", id, detail).await?)
}

/// States the last day of a meter's verification; none when it is not known.
pub async fn verify(tx: &mut Tx, estimates: &dyn Estimates, id: MeterId, until: Option<Day>) -> Result<(), Error> {
    let meter = store::meter(tx, id).await?.ok_or(Error::UnknownMeter(id))?;
    estimates.outdate(tx, &[meter.account_id]).await?;
    let earliest = until.into_iter().chain(meter.verified_until).min().unwrap_or(tx.today());
    estimates.outdate_runs(tx, earliest.period()).await?;
    let change = meter::ActiveModel { verified_until: Set(until), ..key(tx, id) };
    tx.update(change).await?;
    announce(tx, meter.account_id, tx.today().period()).await?;
    Ok(tx.audit("meters.verification_stated", id, json!({ "until": until, "before": meter.verified_until })).await?)
}

fn key(tx: &Tx, id: MeterId) -> meter::ActiveModel {
    meter::ActiveModel { tenant_id: Unchanged(tx.tenant_id()), id: Unchanged(id), ..Default::default() }
}

/// [`Error::NotFound`] where the company has no such account.
pub(crate) async fn account_exists(tx: &Tx, account: AccountId) -> Result<(), Error> {
    registry::must_exist(tx, account).await.map_err(|error| match error {
        kabinet_accounts::Error::Db(error) => Error::Db(error),
        _ => Error::NotFound,
    })
}

async fn open_account(tx: &Tx, account: AccountId) -> Result<(), Error> {
    account_exists(tx, account).await?;
    if search::is_open(tx, account).await? { Ok(()) } else { Err(Error::AccountClosed) }
}

/// What the texts of a description must be like to be shown and printed, a house meter's too.
pub(crate) fn check_texts(serial: &str, place: &str, model: &str) -> Result<(), Error> {
    let texts = [("serial", serial), ("place", place), ("model", model)];
    let long = texts.into_iter().find(|(_, text)| text.chars().count() > LONGEST);
    if let Some((field, _)) = long {
        return Err(Error::field(field, format!("Не длиннее {LONGEST} знаков")));
    }
    if serial.trim().is_empty() {
        return Err(Error::field("serial", "Укажите заводской номер прибора"));
    }
    Ok(())
}

fn described(new: &NewMeter) -> Result<(), Error> {
    check_texts(&new.serial, &new.place, &new.model)?;
    if new.verified_until.is_some_and(|until| until < new.installed_on) {
        return Err(Error::field("verified_until", "Поверка нового прибора уже истекла"));
    }
    check(new).map(drop).map_err(|error| Error::field("initial", error.to_string()))
}

async fn put(tx: &Tx, new: &NewMeter, replaces: Option<MeterId>) -> Result<MeterId, Error> {
    if new.installed_on > tx.today() {
        return Err(Error::field("on", "День установки не может быть в будущем"));
    }
    let there = store::meters_of(tx, &[new.account]).await?;
    if there.iter().any(|meter| meter.service_code == new.resource.code() && meter.serial == new.serial) {
        return Err(Error::field("serial", "Прибор с таким номером на этом лицевом счете уже есть"));
    }
    let zones = i32::try_from(new.initial.len()).unwrap_or(1);
    let id: MeterId = tx.new_id();
    let described = row(tx, id, zones, new);
    tx.insert(meter::ActiveModel { replaces: Set(replaces), ..described }).await?;
    let first = readings::row(tx, new.account, id, new.installed_on, &new.initial, Source::Installation);
    tx.insert(first).await?;
    Ok(id)
}

/// Ends a meter's service with its last reading, if there is one; the row as it was.
async fn take_out(
    tx: &mut Tx,
    estimates: &dyn Estimates,
    id: MeterId,
    removal: &Removal,
) -> Result<meter::Model, Error> {
    let meter = store::meter(tx, id).await?.ok_or(Error::UnknownMeter(id))?;
    estimates.outdate(tx, &[meter.account_id]).await?;
    // Read again: another removal may have waited for the same line.
    let meter = store::meter(tx, meter.id).await?.ok_or(Error::UnknownMeter(id))?;
    if meter.removed_on.is_some() {
        return Err(Error::AlreadyRemoved);
    }
    readings::uncharged(tx, estimates, removal.on.period()).await?;
    let newest = store::newest(tx, id).await?;
    let earliest = newest.as_ref().map_or(meter.installed_on, |last| last.taken_on);
    if removal.on > tx.today() {
        return Err(Error::field("on", "День снятия не может быть в будущем"));
    }
    if removal.on < earliest {
        return Err(Error::field("on", format!("Прибор читали позже: {earliest}")));
    }
    if removal.last.is_some() {
        faults::let_in(tx, id, removal.on).await?;
    }
    if let Some(last) = &removal.last {
        readings::check_values(last, meter.zones, &meter.serial)
            .map_err(|_| Error::field("last", "Укажите по одному показанию для каждой зоны"))?;
        let before = newest.as_ref().map(|newest| newest.values).unwrap_or_default();
        let lower = |(now, before): (&Quantity, &Quantity)| now < before && !rolled_over(*before, *now, meter.digits);
        if last.iter().zip(&before).any(lower) && !removal.rollover {
            let text =
                "Последнее показание меньше предыдущего: проверьте его или подтвердите, что счёт начался сначала";
            return Err(Error::field("last", text));
        }
        let mut reading = readings::row(tx, meter.account_id, id, removal.on, last, Source::Removal);
        reading.rollover = Set(removal.rollover);
        reading.created_at = Set(readings::moment(tx.now(), removal.on, newest.as_ref()));
        tx.insert(reading).await?;
    }
    tx.update(meter::ActiveModel { removed_on: Set(Some(removal.on)), ..key(tx, id) }).await?;
    Ok(meter)
}
