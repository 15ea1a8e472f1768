//! Meters that nothing can be charged by: broken ones, and those that nobody was let to.
//!
//! From the day of a fault a meter's readings are kept and not counted: the month is charged by the average of the
//! months before, for three months where people live, then by the norm with the raising coefficient where there is one
//! (rules 59 and 60 of ПП РФ № 354). A broken meter stays broken until another takes its place. Whoever was not let to
//! a meter is let to it one day: the next reading counts from the last one before, and what was charged between is
//! given back.

use std::collections::HashMap;

use kabinet_contracts::{Estimates, MeterId};
use kabinet_core::{Day, DbError, Tx};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, Set, Unchanged};
use serde_json::json;

use crate::entity::meter_fault;
use crate::error::Error;
use crate::readings::{announce, uncharged};
use crate::store;

/// The longest note, characters.
const LONGEST_NOTE: usize = 200;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The meter is broken or lost.
    Failed,
    /// Nobody was let in to check it.
    AccessRefused,
}

impl FaultKind {
    /// As stored and in the API.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::AccessRefused => "access_refused",
        }
    }

    /// The stored kind; one that this release does not know is a broken meter.
    #[must_use]
    pub fn of(code: &str) -> Self {
        if code == "access_refused" { Self::AccessRefused } else { Self::Failed }
    }
}

/// A fault and its days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// The first day.
    pub since: Day,
    /// The first day without it again.
    pub ended_on: Option<Day>,
}

impl Fault {
    /// Whether the meter has it on a day.
    #[must_use]
    pub fn covers(&self, day: Day) -> bool {
        self.since <= day && self.ended_on.is_none_or(|ended| day < ended)
    }

    /// The state in words: «неисправен с 05.11.2026».
    #[must_use]
    pub fn words(&self) -> String {
        match self.kind {
            FaultKind::Failed => format!("неисправен с {}", self.since),
            FaultKind::AccessRefused => format!("нет доступа для проверки с {}", self.since),
        }
    }
}

impl From<&meter_fault::Model> for Fault {
    fn from(row: &meter_fault::Model) -> Self {
        Self { kind: FaultKind::of(&row.kind), since: row.since, ended_on: row.ended_on }
    }
}

/// The faults of some meters.
#[derive(Debug, Default)]
pub(crate) struct Faults(HashMap<MeterId, Vec<Fault>>);

impl Faults {
    /// All faults there ever were of these meters; of none, without a statement.
    pub(crate) async fn of(tx: &Tx, meters: &[MeterId]) -> Result<Self, DbError> {
        let mut found: HashMap<MeterId, Vec<Fault>> = HashMap::new();
        for row in store::faults_of(tx, meters).await? {
            found.entry(row.meter_id).or_default().push(Fault::from(&row));
        }
        Ok(Self(found))
    }

    /// The fault that a meter has on a day.
    pub(crate) fn on(&self, meter: MeterId, day: Day) -> Option<Fault> {
        self.0.get(&meter)?.iter().copied().find(|fault| fault.covers(day))
    }
}

/// The faults of a meter, the oldest first.
pub(crate) async fn list(tx: &Tx, id: MeterId) -> Result<Vec<meter_fault::Model>, Error> {
    store::meter(tx, id).await?.ok_or(Error::UnknownMeter(id))?;
    Ok(store::faults_of(tx, &[id]).await?)
}

/// Whether a fault may be stated of a meter, of a room or of a house, that hung `(from, to)`.
pub(crate) fn refuse_unfit(today: Day, (from, to): (Day, Option<Day>), since: Day, note: &str) -> Result<(), Error> {
    if to.is_some() {
        return Err(Error::AlreadyRemoved);
    }
    // The value it was installed with always counts.
    if since > today || since <= from {
        let text = format!("Укажите день позже установки ({from}) и не позже {today}");
        return Err(Error::field("since", text));
    }
    if note.chars().count() > LONGEST_NOTE {
        return Err(Error::field("note", format!("Не длиннее {LONGEST_NOTE} знаков")));
    }
    Ok(())
}

/// States a fault of a meter in service, from a day of a month that is not charged.
pub async fn declare(
    tx: &mut Tx,
    estimates: &dyn Estimates,
    id: MeterId,
    since: Day,
    kind: FaultKind,
    note: &str,
) -> Result<(), Error> {
    let meter = store::meter(tx, id).await?.ok_or(Error::UnknownMeter(id))?;
    estimates.outdate(tx, &[meter.account_id]).await?;
    // Read again: a removal may have held the same line.
    let meter = store::meter(tx, id).await?.ok_or(Error::UnknownMeter(id))?;
    refuse_unfit(tx.today(), (meter.installed_on, meter.removed_on), since, note)?;
    uncharged(tx, estimates, since.period()).await?;
    let there = store::faults_of(tx, &[id]).await?;
    if let Some(other) = there.iter().find(|fault| fault.ended_on.is_none_or(|ended| since < ended)) {
        return Err(Error::field("since", format!("Это уже отмечено: {}", Fault::from(other).words())));
    }
    tx.insert(meter_fault::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        meter_id: Set(id),
        since: Set(since),
        kind: Set(kind.code().to_owned()),
        note: Set(note.trim().to_owned()),
        ended_on: Set(None),
        declared_at: Set(tx.now()),
    })
    .await?;
    announce(tx, meter.account_id, since.period()).await?;
    Ok(tx.audit("meters.fault_declared", id, json!({ "kind": kind.code(), "since": since })).await?)
}

/// States that somebody was let to the meter on a day, from which its readings count again. A broken meter is
/// replaced instead.
pub async fn end(tx: &mut Tx, estimates: &dyn Estimates, id: MeterId, since: Day, ended_on: Day) -> Result<(), Error> {
    let (meter, fault) = open(tx, estimates, id, since).await?;
    if FaultKind::of(&fault.kind) == FaultKind::Failed {
        return Err(Error::Broken);
    }
    if ended_on > tx.today() || ended_on <= since {
        let text = format!("Укажите день позже {since} и не позже {}", tx.today());
        return Err(Error::field("on", text));
    }
    uncharged(tx, estimates, ended_on.period()).await?;
    tx.update(meter_fault::ActiveModel { ended_on: Set(Some(ended_on)), ..key(tx, id, since) }).await?;
    announce(tx, meter.account_id, ended_on.period()).await?;
    Ok(tx.audit("meters.fault_ended", id, json!({ "since": since, "on": ended_on })).await?)
}

/// Ends the refusal of access of a meter whose value somebody has read on a day.
pub(crate) async fn let_in(tx: &Tx, id: MeterId, on: Day) -> Result<(), DbError> {
    let there = store::faults_of(tx, &[id]).await?;
    let open = there.iter().find(|fault| fault.ended_on.is_none());
    let Some(fault) = open.filter(|fault| FaultKind::of(&fault.kind) == FaultKind::AccessRefused) else {
        return Ok(());
    };
    tx.update(meter_fault::ActiveModel { ended_on: Set(Some(on)), ..key(tx, id, fault.since) }).await
}

/// Takes back a fault that was stated by mistake. One by which months are published ends with them: what they were
/// charged is given back by the next reading.
pub async fn withdraw(tx: &mut Tx, estimates: &dyn Estimates, id: MeterId, since: Day) -> Result<(), Error> {
    let (meter, fault) = open(tx, estimates, id, since).await?;
    if let Some(latest) = estimates.published_until(tx).await?.filter(|latest| since.period() <= *latest) {
        let ended_on = latest.next().first_day();
        estimates.outdate_runs(tx, latest.next()).await?;
        tx.update(meter_fault::ActiveModel { ended_on: Set(Some(ended_on)), ..key(tx, id, since) }).await?;
        announce(tx, meter.account_id, tx.today().period()).await?;
        return Ok(tx.audit("meters.fault_ended", id, json!({ "since": since, "on": ended_on })).await?);
    }
    estimates.outdate_runs(tx, since.period()).await?;
    let mine = meter_fault::Column::MeterId.eq(id).and(meter_fault::Column::Since.eq(since));
    tx.delete_where(meter_fault::Entity::delete_many().filter(mine)).await?;
    announce(tx, meter.account_id, tx.today().period()).await?;
    Ok(tx.audit("meters.fault_withdrawn", id, json!({ "kind": fault.kind, "since": since })).await?)
}

/// The meter with its fault that has not ended.
async fn open(
    tx: &mut Tx,
    estimates: &dyn Estimates,
    id: MeterId,
    since: Day,
) -> Result<(crate::entity::meter::Model, meter_fault::Model), Error> {
    let meter = store::meter(tx, id).await?.ok_or(Error::UnknownMeter(id))?;
    estimates.outdate(tx, &[meter.account_id]).await?;
    let there = store::faults_of(tx, &[id]).await?;
    let fault = there.into_iter().find(|fault| fault.since == since && fault.ended_on.is_none());
    Ok((meter, fault.ok_or(Error::NotFound)?))
}

fn key(tx: &Tx, id: MeterId, since: Day) -> meter_fault::ActiveModel {
    meter_fault::ActiveModel {
        tenant_id: Unchanged(tx.tenant_id()),
        meter_id: Unchanged(id),
        since: Unchanged(since),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_lasts_from_its_first_day_to_the_day_before_its_end() {
        let fault = |ended_on| Fault { kind: FaultKind::AccessRefused, since: Day(20_261_105), ended_on };
        let ended = fault(Some(Day(20_261_120)));
        assert!(!ended.covers(Day(20_261_104)) && ended.covers(Day(20_261_105)));
        assert!(ended.covers(Day(20_261_119)) && !ended.covers(Day(20_261_120)));
        assert!(fault(None).covers(Day(20_301_231)));
        assert_eq!(fault(None).words(), "нет доступа для проверки с 05.11.2026");
    }
}
