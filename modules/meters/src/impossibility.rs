//! Accounts on which a meter cannot be installed: an act says so (приказ Минстроя РФ от 28.08.2020 № 485/пр). From
//! the month of the act the norm is charged without the raising coefficient, and an absence gives its part back
//! (rules 42 and 86 of ПП РФ № 354).

use std::collections::HashMap;

use kabinet_contracts::{AccountId, Estimates};
use kabinet_core::{Day, DbError, Period, Tx};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, Set, Unchanged};
use serde_json::json;
use uuid::Uuid;

use crate::entity::meter_impossibility::{self, Column};
use crate::error::Error;
use crate::installation::account_exists;
use crate::resource::Resource;

/// The longest name of an act, characters.
const LONGEST_DOCUMENT: usize = 200;

/// An act to be recorded.
#[derive(Clone, Debug)]
pub struct NewAct {
    /// What cannot be measured.
    pub resource: Resource,
    /// The day of the act: all of its month counts.
    pub since: Day,
    /// Number and date of the act.
    pub document: String,
}

/// The account's acts, the latest first.
pub(crate) async fn list(tx: &Tx, account: AccountId) -> Result<Vec<meter_impossibility::Model>, Error> {
    account_exists(tx, account).await?;
    let mine = meter_impossibility::Entity::find().filter(Column::AccountId.eq(account));
    Ok(tx.all(mine.order_by_desc(Column::Since).order_by_desc(Column::Id)).await?)
}

/// Records an act. Bills to come know it; a month that is published is corrected by a recalculation.
pub async fn record(tx: &mut Tx, estimates: &dyn Estimates, account: AccountId, new: &NewAct) -> Result<(), Error> {
    let document = new.document.trim();
    if document.is_empty() || document.chars().count() > LONGEST_DOCUMENT {
        return Err(Error::field("document", format!("Укажите акт, не длиннее {LONGEST_DOCUMENT} знаков")));
    }
    if new.since > tx.today() {
        return Err(Error::field("since", format!("Укажите день акта, не позже {}", tx.today())));
    }
    account_exists(tx, account).await?;
    outdate(tx, estimates, account, new.since).await?;
    let row = meter_impossibility::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        id: Set(tx.new_id()),
        account_id: Set(account),
        service_code: Set(new.resource.code().to_owned()),
        since: Set(new.since),
        document: Set(document.to_owned()),
        ended_on: Set(None),
        recorded_at: Set(tx.now()),
    };
    match tx.insert(row).await {
        Err(DbError::Duplicate(_)) => return Err(Error::field("resource", "Акт по этому ресурсу уже действует")),
        other => other?,
    }
    let detail = json!({ "resource": new.resource.code(), "since": new.since, "document": document });
    Ok(tx.audit("meters.impossibility_recorded", account, detail).await?)
}

/// Ends an act: from the month of `on` a meter can be installed again. On its own day it never counted.
pub async fn end(tx: &mut Tx, estimates: &dyn Estimates, id: Uuid, on: Day) -> Result<AccountId, Error> {
    let found = tx.one(meter_impossibility::Entity::find().filter(Column::Id.eq(id))).await?;
    let act = found.ok_or(Error::NotFound)?;
    if on < act.since || act.ended_on.is_some_and(|ended| ended < on) {
        let text = format!("Укажите день не раньше {}, пока акт действует", act.since);
        return Err(Error::field("on", text));
    }
    outdate(tx, estimates, act.account_id, on).await?;
    tx.update(meter_impossibility::ActiveModel {
        tenant_id: Unchanged(tx.tenant_id()),
        id: Unchanged(id),
        ended_on: Set(Some(on)),
        ..Default::default()
    })
    .await?;
    tx.audit("meters.impossibility_ended", act.account_id, json!({ "act": id, "on": on })).await?;
    Ok(act.account_id)
}

/// The service codes of what cannot be measured in a month, by account, of accounts `first` to `last`.
pub async fn in_month(
    tx: &Tx,
    period: Period,
    (first, last): (AccountId, AccountId),
) -> Result<HashMap<AccountId, Vec<String>>, DbError> {
    #[derive(FromQueryResult)]
    struct Row {
        account_id: AccountId,
        service_code: String,
    }
    let sql = "SELECT account_id, service_code FROM meter_impossibility
               WHERE tenant_id = $1 AND account_id BETWEEN $2 AND $3 AND since <= $4
                 AND (ended_on IS NULL OR ended_on > $4)";
    let rows: Vec<Row> = tx.rows(sql, vec![first.into(), last.into(), period.last_day().into()]).await?;
    let mut found: HashMap<AccountId, Vec<String>> = HashMap::new();
    for row in rows {
        found.entry(row.account_id).or_default().push(row.service_code);
    }
    Ok(found)
}

async fn outdate(tx: &Tx, estimates: &dyn Estimates, account: AccountId, since: Day) -> Result<(), DbError> {
    estimates.outdate(tx, &[account]).await?;
    estimates.outdate_runs(tx, since.period()).await
}
