//! House meters that are broken.
//!
//! What one shows from the day of its fault on is kept and not counted: the average of the months before stands in for
//! it, then the norm. A meter that is put back, mended, counts from its first reading after that day; one in whose
//! place another comes is taken out of service.

use std::collections::HashMap;

use kabinet_contracts::Estimates;
use kabinet_core::{Day, DbError, Tx};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, Set, Unchanged};
use serde_json::json;
use uuid::Uuid;

use super::find;
use crate::entity::house_meter_fault::{ActiveModel, Column, Entity, Model};
use crate::error::Error;
use crate::faults::{Fault, FaultKind, refuse_unfit};
use crate::readings::uncharged;

impl From<&Model> for Fault {
    fn from(row: &Model) -> Self {
        Self { kind: FaultKind::Failed, since: row.since, ended_on: row.ended_on }
    }
}

/// The faults of a house meter, the oldest first.
pub(super) async fn of(tx: &Tx, meter: Uuid) -> Result<Vec<Model>, DbError> {
    tx.all(Entity::find().filter(Column::MeterId.eq(meter)).order_by_asc(Column::Since)).await
}

/// All faults there ever were, by meter.
pub(super) async fn by_meter(tx: &Tx) -> Result<HashMap<Uuid, Vec<Fault>>, DbError> {
    let mut found: HashMap<Uuid, Vec<Fault>> = HashMap::new();
    for row in tx.all(Entity::find()).await? {
        found.entry(row.meter_id).or_default().push(Fault::from(&row));
    }
    Ok(found)
}

/// States that a house meter is broken since a day of a month that is not charged.
pub async fn declare(tx: &mut Tx, estimates: &dyn Estimates, id: Uuid, since: Day, note: &str) -> Result<(), Error> {
    let known = find(tx, id).await?;
    let meter = &known.meter;
    refuse_unfit(tx.today(), (meter.installed_on, meter.removed_on), since, note)?;
    uncharged(tx, estimates, since.period()).await?;
    if let Some(other) = known.faults.iter().find(|fault| fault.ended_on.is_none_or(|ended| since < ended)) {
        return Err(Error::field("since", format!("Это уже отмечено: {}", Fault::from(other).words())));
    }
    let row = Model {
        tenant_id: tx.tenant_id(),
        meter_id: id,
        since,
        note: note.trim().to_owned(),
        ended_on: None,
        declared_at: tx.now(),
    };
    tx.insert(ActiveModel::from(row).reset_all()).await?;
    Ok(tx.audit("meters.house_fault_declared", id, json!({ "since": since })).await?)
}

/// States that a house meter works again from a day on, which is in a month that is not charged.
pub async fn end(tx: &mut Tx, estimates: &dyn Estimates, id: Uuid, since: Day, ended_on: Day) -> Result<(), Error> {
    open(tx, id, since).await?;
    if ended_on > tx.today() || ended_on <= since {
        return Err(Error::field("on", format!("Укажите день позже {since} и не позже {}", tx.today())));
    }
    uncharged(tx, estimates, ended_on.period()).await?;
    let change = ActiveModel {
        tenant_id: Unchanged(tx.tenant_id()),
        meter_id: Unchanged(id),
        since: Unchanged(since),
        ended_on: Set(Some(ended_on)),
        ..Default::default()
    };
    tx.update(change).await?;
    Ok(tx.audit("meters.house_fault_ended", id, json!({ "since": since, "on": ended_on })).await?)
}

/// Takes back a fault that was stated by mistake and has not ended, since a day of a month that is not charged.
pub async fn withdraw(tx: &mut Tx, estimates: &dyn Estimates, id: Uuid, since: Day) -> Result<(), Error> {
    open(tx, id, since).await?;
    uncharged(tx, estimates, since.period()).await?;
    let mine = Column::MeterId.eq(id).and(Column::Since.eq(since));
    tx.delete_where(Entity::delete_many().filter(mine)).await?;
    Ok(tx.audit("meters.house_fault_withdrawn", id, json!({ "since": since })).await?)
}

/// [`Error::NotFound`] where the meter has no such fault that has not ended.
async fn open(tx: &Tx, id: Uuid, since: Day) -> Result<(), Error> {
    let known = find(tx, id).await?;
    let open = known.faults.iter().any(|fault| fault.since == since && fault.ended_on.is_none());
    if open { Ok(()) } else { Err(Error::NotFound) }
}
