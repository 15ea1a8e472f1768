//! Meters and readings as staff see them.

use std::collections::HashMap;

use kabinet_accounts::roster;
use kabinet_contracts::{AccountId, MeterId};
use kabinet_core::{Day, DbError, Period, Quantity, Timestamp, Tx};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::entity::reading;
use crate::error::Error;
use crate::photos::{self, Photo};
use crate::store;

/// Which meters are looked for; without anything, all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of one account.
    pub account: Option<AccountId>,
    /// Of the account with this number, as printed.
    pub number: Option<String>,
    /// Of the house with the company's code.
    pub house: Option<String>,
    /// With this text in the serial number.
    pub serial: Option<String>,
}

/// A meter in a list of staff.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Listed {
    /// Identifier.
    pub id: MeterId,
    /// The account.
    pub account_id: AccountId,
    /// Its number as printed.
    pub account_number: String,
    house: String,
    flat: String,
    kind: String,
    /// What it measures.
    pub service_code: String,
    /// Serial number.
    pub serial: String,
    /// Where it hangs; may be empty.
    pub place: String,
    /// Maker's model; may be empty.
    pub model: String,
    /// Zones, 1 to 3.
    pub zones: i32,
    /// Whole digits of its dial.
    pub digits: i32,
    /// Whether it reports by itself.
    pub automatic: bool,
    /// Day of installation.
    pub installed_on: Day,
    /// Day of removal.
    pub removed_on: Option<Day>,
    /// Last day of its verification.
    pub verified_until: Option<Day>,
    /// The meter whose place it took.
    pub replaces: Option<MeterId>,
    /// Date of its last reading.
    pub last_on: Option<Day>,
}

impl Listed {
    /// The address of its premises in one line.
    #[must_use]
    pub fn address(&self) -> String {
        roster::address(&self.house, &self.flat, &self.kind)
    }
}

const LIST: &str = "SELECT m.id, m.account_id, a.number AS account_number, h.address AS house, p.flat, p.kind,
     m.service_code, m.serial, m.place, m.model, m.zones, m.digits, m.automatic, m.installed_on, m.removed_on,
     m.verified_until, m.replaces,
     (SELECT max(r.taken_on) FROM reading r WHERE r.tenant_id = m.tenant_id AND r.meter_id = m.id
        AND r.withdrawn_at IS NULL) AS last_on
   FROM meter m
   JOIN account a ON a.tenant_id = m.tenant_id AND a.id = m.account_id
   JOIN premises p ON p.tenant_id = a.tenant_id AND p.id = a.premises_id
   JOIN house h ON h.tenant_id = p.tenant_id AND h.id = p.house_id
   WHERE m.tenant_id = $1 AND m.id > $2";

/// Up to `limit` meters behind `after`, by identifier; and whether there are more.
pub async fn list(
    tx: &Tx,
    filter: &Filter,
    after: Option<MeterId>,
    limit: u16,
) -> Result<(Vec<Listed>, bool), DbError> {
    let mut sql = LIST.to_owned();
    let mut values: Vec<sea_orm::Value> = vec![after.unwrap_or(MeterId(Uuid::nil())).into()];
    let mut narrow = |condition: &str, value: sea_orm::Value| {
        values.push(value);
        sql.push_str(" AND ");
        sql.push_str(&condition.replace('?', &format!("${}", values.len() + 1)));
    };
    if let Some(account) = filter.account {
        narrow("m.account_id = ?", account.into());
    }
    if let Some(number) = &filter.number {
        narrow("a.number = ?", number.trim().into());
    }
    if let Some(house) = &filter.house {
        narrow("h.code = ?", house.trim().into());
    }
    if let Some(serial) = &filter.serial {
        narrow("m.serial LIKE ? ESCAPE '!'", format!("%{}%", literal(serial.trim())).into());
    }
    narrow("m.id IS NOT NULL ORDER BY m.id LIMIT ?", (i64::from(limit) + 1).into());
    let mut found: Vec<Listed> = tx.rows(&sql, values).await?;
    let more = found.len() > usize::from(limit);
    found.truncate(usize::from(limit));
    Ok((found, more))
}

/// A text in which nothing stands for anything else.
fn literal(text: &str) -> String {
    text.chars().flat_map(|c| if "!%_".contains(c) { vec!['!', c] } else { vec![c] }).collect()
}

/// One meter as in the list.
pub async fn one(tx: &Tx, id: MeterId) -> Result<Listed, Error> {
    let sql = format!("{LIST} AND m.id = $3");
    let found: Vec<Listed> = tx.rows(&sql, vec![MeterId(Uuid::nil()).into(), id.into()]).await?;
    found.into_iter().next().ok_or(Error::UnknownMeter(id))
}

/// A reading with everything that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Identifier.
    pub id: Uuid,
    /// The day.
    pub taken_on: Day,
    /// The month it counts for.
    pub period: Period,
    /// Values by zone.
    pub values: Vec<Quantity>,
    /// Code of its source.
    pub source: String,
    /// Who stored it.
    pub actor_id: Option<Uuid>,
    /// When.
    pub created_at: Timestamp,
    /// When a browser took it down, where it came later.
    pub captured_at: Option<Timestamp>,
    /// The dial began again from 0.
    pub rollover: bool,
    /// When it was taken back, and why.
    pub withdrawn: Option<(Timestamp, String)>,
    /// Photos beside it.
    pub photos: Vec<Photo>,
}

/// The meter's readings, the latest first, those taken back among them.
pub async fn readings(tx: &Tx, id: MeterId) -> Result<Vec<Recorded>, Error> {
    let meter = store::meter(tx, id).await?.ok_or(Error::UnknownMeter(id))?;
    let mut photos: HashMap<Uuid, Vec<Photo>> = HashMap::new();
    for photo in photos::of_meter(tx, id).await? {
        photos.entry(photo.reading).or_default().push(photo);
    }
    let rows = store::all_readings(tx, &meter).await?;
    let recorded = |row: reading::Model| Recorded {
        photos: photos.remove(&row.id).unwrap_or_default(),
        id: row.id,
        taken_on: row.taken_on,
        period: row.period,
        values: [Some(row.value_t1), row.value_t2, row.value_t3].into_iter().flatten().collect(),
        source: row.source,
        actor_id: row.actor_id,
        created_at: row.created_at,
        captured_at: row.captured_at,
        rollover: row.rollover,
        withdrawn: row.withdrawn_at.map(|at| (at, row.withdrawn_reason)),
    };
    Ok(rows.into_iter().map(recorded).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_means_its_letters() {
        assert_eq!(literal("18-%_!"), "18-!%!_!!");
    }
}
