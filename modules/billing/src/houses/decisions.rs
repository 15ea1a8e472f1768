//! What the owners of a house decided about the resources of its common property (ЖК РФ, ст. 156, ч. 9.2; Правила 354,
//! п. 44): from a month on the house's meter tells their whole volume, or the norm does again. A house without a
//! decision of its own goes as the company's terms say.

use std::collections::HashMap;

use kabinet_core::jobs::NewJob;
use kabinet_core::{Day, DbError, Period, Tx};
use rust_decimal::Decimal;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::{Houses, house, refuse_published};
use crate::catalog::{self, Terms};
use crate::entity::house_decision;
use crate::error::Error;
use crate::plan::Snapshot;
use crate::runs::{self, ESTIMATES_JOB};
use crate::settings::MODULE;
use crate::store;

use house_decision::Column;

/// The plugin's rule for resources of the common property, and its number that lets the house meter count
/// (docs/plugins.md).
const COMMON_PROPERTY: &str = "common_property";
const BY_HOUSE_METER: &str = "by_house_meter";
/// The longest number of a protocol, characters.
const LONGEST_PROTOCOL: usize = 64;
/// Why a calculated month is given up.
const OUTDATED: &str = "изменилось решение собственников дома: рассчитайте месяц заново";

/// What a meeting of the owners decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether the house's meter tells what the common property used; otherwise the norm does.
    pub by_meter: bool,
    /// Number of the meeting's protocol.
    pub protocol: String,
    /// Its day.
    pub decided_on: Day,
}

/// What holds for a house from a month on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FromMonth {
    /// The first month.
    pub from: Period,
    /// The decision; none where the one before it has ended and the house goes as its company does.
    pub decision: Option<Decision>,
}

impl From<house_decision::Model> for FromMonth {
    fn from(row: house_decision::Model) -> Self {
        let house_decision::Model { by_meter, protocol, decided_on, .. } = row;
        let decided = by_meter.zip(decided_on);
        let decision = decided.map(|(by_meter, decided_on)| Decision { by_meter, protocol, decided_on });
        Self { from: row.from_period, decision }
    }
}

/// The decisions of a house, the latest month first.
pub async fn list(tx: &Tx, code: &str) -> Result<Vec<FromMonth>, Error> {
    Ok(stored(tx, house(tx, code).await?.id).await?)
}

pub(super) async fn stored(tx: &Tx, house: Uuid) -> Result<Vec<FromMonth>, DbError> {
    let rows = house_decision::Entity::find().filter(Column::HouseId.eq(house));
    let rows = tx.all(rows.order_by_desc(Column::FromPeriod)).await?;
    Ok(rows.into_iter().map(FromMonth::from).collect())
}

/// Of the decisions of a house, whether the one that holds in a month is for the meter; none without a decision.
pub(super) fn held_in(decisions: &[FromMonth], period: Period) -> Option<bool> {
    let latest = decisions.iter().filter(|known| known.from <= period).max_by_key(|known| known.from)?;
    latest.decision.as_ref().map(|decision| decision.by_meter)
}

/// Records what the owners decided from a month on that is not published; published months keep what they were billed
/// by. What is calculated of it and not published is given up. The same again changes nothing.
pub async fn decide(tx: &mut Tx, code: &str, from: Period, decision: Decision) -> Result<(), Error> {
    let house = house(tx, code).await?.id;
    let new = FromMonth { from, decision: Some(checked(tx, from, decision)?) };
    if stored(tx, house).await?.contains(&new) {
        return Ok(());
    }
    put(tx, house, new).await
}

fn checked(tx: &Tx, from: Period, decision: Decision) -> Result<Decision, Error> {
    let protocol = decision.protocol.trim().to_owned();
    if protocol.is_empty() || protocol.chars().count() > LONGEST_PROTOCOL {
        return Err(Error::Field("protocol", "Укажите номер протокола общего собрания, не длиннее 64 знаков"));
    }
    if decision.decided_on > tx.today() {
        return Err(Error::Field("decided_on", "Собрание не может пройти в будущем"));
    }
    if from < decision.decided_on.period() {
        return Err(Error::Field("from", "Решение действует не раньше месяца, в котором оно принято"));
    }
    Ok(Decision { protocol, ..decision })
}

/// Ends the decision that holds in a month: from that month on the house goes as its company does. Without a decision
/// nothing changes.
pub async fn end(tx: &mut Tx, code: &str, from: Period) -> Result<(), Error> {
    let house = house(tx, code).await?.id;
    let known = stored(tx, house).await?;
    match known.iter().find(|known| known.from <= from) {
        Some(FromMonth { decision: Some(_), .. }) => put(tx, house, FromMonth { from, decision: None }).await,
        _ => Ok(()),
    }
}

async fn put(tx: &mut Tx, house: Uuid, new: FromMonth) -> Result<(), Error> {
    // Preliminary charges were computed with what held before. As those who change the catalogue, in this order: its
    // counter first.
    tx.touch(catalog::TOPIC).await?;
    tx.enqueue(NewJob::new(MODULE, ESTIMATES_JOB, serde_json::json!({})).once("estimates")).await?;
    // Before it is looked at: what is about to be published is published or given up.
    runs::outdate(tx, new.from, OUTDATED).await?;
    refuse_published(tx, new.from).await?;
    let decision = new.decision.as_ref();
    let row = house_decision::Model {
        tenant_id: tx.tenant_id(),
        house_id: house,
        from_period: new.from,
        by_meter: decision.map(|decision| decision.by_meter),
        protocol: decision.map(|decision| decision.protocol.clone()).unwrap_or_default(),
        decided_on: decision.map(|decision| decision.decided_on),
        recorded_at: tx.now(),
    };
    let detail = serde_json::json!({
        "from": row.from_period, "by_meter": row.by_meter, "protocol": row.protocol, "decided_on": row.decided_on,
    });
    tx.put(house_decision::ActiveModel::from(row).reset_all()).await?;
    Ok(tx.audit("billing.house_decided", house, detail).await?)
}

/// Of the houses whose owners' decision holds in `period`, whether it is for the meter.
pub(super) async fn in_force(tx: &Tx, period: Period) -> Result<HashMap<Uuid, bool>, DbError> {
    let rows = house_decision::Entity::find().filter(Column::FromPeriod.lte(period));
    let rows = tx.all(rows.order_by_asc(Column::FromPeriod)).await?;
    // Of a house's rows the last one stays.
    let latest: HashMap<Uuid, Option<bool>> = rows.into_iter().map(|row| (row.house_id, row.by_meter)).collect();
    Ok(latest.into_iter().filter_map(|(house, by_meter)| Some((house, by_meter?))).collect())
}

/// Whether a service goes by the meter of a house with this decision; none for what is no resource of the common
/// property, which owners decide nothing about.
pub(super) fn by_meter(snapshot: &Snapshot, service: &str, decided: Option<bool>) -> Option<bool> {
    let (service, terms) = snapshot.services.iter().find(|(known, _)| known.code == service)?;
    let terms = terms.as_ref().filter(|_| service.rule == COMMON_PROPERTY)?;
    Some(decided.unwrap_or_else(|| company_by_meter(terms)))
}

/// Whether the company lets the house meter count.
pub(crate) fn company_by_meter(terms: &Terms) -> bool {
    terms.parameters.get(BY_HOUSE_METER) == Some(&Decimal::ONE)
}

/// The terms for houses that go by the meter, or by norm.
pub(crate) fn decided_terms(terms: &Terms, by_meter: bool) -> Terms {
    let mut terms = terms.clone();
    let value = if by_meter { Decimal::ONE } else { Decimal::ZERO };
    terms.parameters.insert(BY_HOUSE_METER.to_owned(), value);
    terms
}

/// What stands for houses in a month that is not billed yet: their figures of the last published one, charged by what
/// holds in the month itself.
pub(crate) async fn expected(tx: &Tx, snapshot: &Snapshot, period: Period) -> Result<Houses, DbError> {
    let Some(run) = store::latest_run(tx).await? else { return Ok(Houses::default()) };
    let decided = in_force(tx, period).await?;
    let houses = Houses::of(tx, run.id).await?;
    Ok(houses.charged_by(|house, service| by_meter(snapshot, service, decided.get(&house).copied())))
}
