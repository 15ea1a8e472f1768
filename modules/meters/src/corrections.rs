//! Readings that staff take down, correct and take back. A reading's figures never change: a wrong one is taken
//! back, stays for staff to see, and another may stand in its place.

use std::collections::BTreeMap;

use kabinet_contracts::{Estimates, MeterId};
use kabinet_core::{Day, DbError, Quantity, Tx};
use sea_orm::{Set, Unchanged};
use serde_json::json;
use uuid::Uuid;

use crate::entity::{meter, reading};
use crate::error::Error;
use crate::readings::{self, announce};
use crate::resource::Source;
use crate::store::{self, LookBack};
use crate::submission::{Row, Submission};
use crate::verdict::{Terms, judge};
use crate::volume::MOST_ZONES;

/// The longest reason for taking a reading back, characters.
const LONGEST_REASON: usize = 200;

/// A reading that staff took down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenDown {
    /// The day.
    pub on: Day,
    /// What the meter showed, one value a zone.
    pub values: Vec<Quantity>,
    /// Where it comes from.
    pub source: Source,
    /// A doubtful value is meant.
    pub confirmed: bool,
}

/// Judges a reading by the company's rules for its source and stores it; its identifier. Not of a month that is
/// charged: what was consumed since would be charged by nobody.
pub async fn take_down(tx: &mut Tx, estimates: &dyn Estimates, id: MeterId, new: &TakenDown) -> Result<Uuid, Error> {
    let meter = store::meter(tx, id).await?.ok_or(Error::UnknownMeter(id))?;
    estimates.outdate(tx, &[meter.account_id]).await?;
    readings::uncharged(tx, estimates, new.on.period()).await?;
    let reading = judged(tx, &meter, new).await?;
    announce(tx, meter.account_id, new.on.period()).await?;
    let detail = json!({ "date": new.on, "values": new.values, "source": new.source.code() });
    tx.audit("meters.reading_taken_down", id, detail).await?;
    Ok(reading)
}

/// Takes a reading back; nothing but staff sees it then. One that closes a charged month cannot go without another
/// in its place (see [`correct`]).
pub async fn withdraw(
    tx: &mut Tx,
    estimates: &dyn Estimates,
    id: MeterId,
    reading: Uuid,
    reason: &str,
) -> Result<(), Error> {
    let (meter, row) = standing(tx, estimates, id, reading).await?;
    readings::uncharged(tx, estimates, row.period).await?;
    take_back(tx, &row, reason).await?;
    announce(tx, meter.account_id, row.period).await?;
    let detail = json!({ "reading": reading, "date": row.taken_on, "reason": reason });
    Ok(tx.audit("meters.reading_withdrawn", id, detail).await?)
}

/// Takes a reading back and puts another of the same day and month in its place; its identifier. Of a charged
/// month as well: the next bill counts from the new value.
pub async fn correct(
    tx: &mut Tx,
    estimates: &dyn Estimates,
    (id, reading): (MeterId, Uuid),
    values: &[Quantity],
    reason: &str,
) -> Result<Uuid, Error> {
    let (meter, row) = standing(tx, estimates, id, reading).await?;
    readings::check_values(values, meter.zones, &meter.serial)
        .map_err(|_| Error::field("values", "Укажите по одному показанию для каждой зоны"))?;
    between_neighbours(tx, &meter, &row, values).await?;
    take_back(tx, &row, reason).await?;
    let mut better = readings::row(tx, meter.account_id, id, row.taken_on, values, Source::Staff);
    (better.period, better.rollover) = (Set(row.period), Set(row.rollover));
    // Among the readings of its day as well: the last of them is still the last.
    better.created_at = Set(row.created_at);
    let better_id = tx.new_id::<Uuid>();
    better.id = Set(better_id);
    match tx.insert(better).await {
        Err(DbError::Duplicate(_)) => {
            let text = "За этот день уже есть показание, которое внёс сотрудник: исправьте или отмените его";
            return Err(Error::field("values", text));
        }
        other => other?,
    }
    announce(tx, meter.account_id, row.period).await?;
    let detail = json!({ "reading": reading, "by": better_id, "values": values, "reason": reason });
    tx.audit("meters.reading_corrected", id, detail).await?;
    Ok(better_id)
}

/// The reading while it stands, with its meter; other deeds on the account wait from here on.
async fn standing(
    tx: &Tx,
    estimates: &dyn Estimates,
    id: MeterId,
    reading: Uuid,
) -> Result<(meter::Model, reading::Model), Error> {
    let meter = store::meter(tx, id).await?.ok_or(Error::UnknownMeter(id))?;
    estimates.outdate(tx, &[meter.account_id]).await?;
    let seen = store::reading(tx, id, reading).await?.ok_or(Error::NotFound)?;
    estimates.outdate_runs(tx, seen.period).await?;
    // Read again: whoever published meanwhile may have given it to the next month.
    let row = store::reading(tx, id, reading).await?.ok_or(Error::NotFound)?;
    match row.withdrawn_at {
        Some(_) => Err(Error::AlreadyWithdrawn),
        None => Ok((meter, row)),
    }
}

async fn take_back(tx: &Tx, row: &reading::Model, reason: &str) -> Result<(), Error> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > LONGEST_REASON {
        return Err(Error::field("reason", format!("Укажите причину, не длиннее {LONGEST_REASON} знаков")));
    }
    let change = reading::ActiveModel {
        tenant_id: Unchanged(tx.tenant_id()),
        id: Unchanged(row.id),
        withdrawn_at: Set(Some(tx.now())),
        withdrawn_by: Set(tx.actor().id()),
        withdrawn_reason: Set(reason.to_owned()),
        ..Default::default()
    };
    Ok(tx.update(change).await?)
}

/// A corrected value stands between the readings around it, unless the dial began again there.
async fn between_neighbours(
    tx: &Tx,
    meter: &meter::Model,
    row: &reading::Model,
    values: &[Quantity],
) -> Result<(), Error> {
    let back = LookBack { before: row.taken_on, depth: 1 };
    let around = store::meters_with_readings(tx, meter.account_id, Some(meter.id), back).await?;
    let others = around.iter().flat_map(|meter| &meter.readings).filter(|other| other.id != row.id);
    for other in others {
        let later = (other.taken_on, other.created_at) > (row.taken_on, row.created_at);
        for (value, neighbour) in values.iter().zip(&other.values) {
            let (first, second, began) =
                if later { (value, neighbour, other.rollover) } else { (neighbour, value, row.rollover) };
            let wraps = began || crate::volume::rolled_over(*first, *second, meter.digits);
            if second < first && !wraps {
                let side =
                    if later { "больше следующего" } else { "меньше предыдущего" };
                let text = format!("Показание {side} от {}", other.taken_on);
                return Err(Error::field("values", text));
            }
        }
    }
    Ok(())
}

async fn judged(tx: &Tx, meter: &meter::Model, new: &TakenDown) -> Result<Uuid, Error> {
    readings::check_values(&new.values, meter.zones, &meter.serial)
        .map_err(|_| Error::field("values", "Укажите по одному показанию для каждой зоны"))?;
    let back = readings::look_back(tx.today());
    // All of the account: what a new meter counts is measured by the one before it.
    let meters = store::meters_with_readings(tx, meter.account_id, None, back).await?;
    let text = |at: usize| new.values.get(at).map(ToString::to_string).unwrap_or_default();
    let typed: [String; MOST_ZONES] = std::array::from_fn(text);
    let row = Row { values: typed, confirmed: new.confirmed, ..Row::default() };
    let rows = BTreeMap::from([(meter.id, row)]);
    let submission = Submission { date: new.on.to_string(), rows, ..Submission::default() };
    let terms = Terms::of(tx.tenant(), tx.today(), new.source)?;
    let judged = judge(&meters, &submission, terms).map_err(|refusal| Error::Refused(Box::new(refusal)))?;
    let read = judged.values.first().ok_or(Error::NotFound)?;
    let mut row = readings::row(tx, meter.account_id, meter.id, new.on, &new.values, new.source);
    let id = tx.new_id::<Uuid>();
    (row.id, row.period, row.rollover) = (Set(id), Set(judged.period), Set(read.rollover));
    row.created_at = Set(readings::moment(tx.now(), new.on, meters[read.meter].readings.first()));
    match tx.insert(row).await {
        Err(DbError::Duplicate(_)) => {
            Err(Error::field("on", "Показание этого прибора за этот день из этого источника уже есть"))
        }
        other => Ok(other.map(|()| id)?),
    }
}
