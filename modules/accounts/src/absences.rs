//! Temporary absence of residents (ПП РФ 354, раздел VIII): recorded with its document, billed by the months it
//! falls into.

use kabinet_contracts::{AccountId, Estimates};
use kabinet_core::{Day, DbError, Period, Timestamp, Tx};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Unchanged, ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, Set,
};
use uuid::Uuid;

use crate::entity::absence;
use crate::error::Error;
use crate::registry::must_exist;

/// The longest absence that one record may say, in days.
const LONGEST: i64 = 366;
/// The longest name of a document, characters.
const LONGEST_DOCUMENT: usize = 200;

/// An absence to be recorded.
#[derive(Clone, Debug)]
pub struct NewAbsence {
    /// How many residents were away.
    pub residents: u32,
    /// The day of departure.
    pub from: Day,
    /// The day of return.
    pub to: Day,
    /// The document that shows it.
    pub document: String,
}

/// An absence as staff see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absence {
    /// Identifier.
    pub id: Uuid,
    /// How many residents were away.
    pub residents: u32,
    /// The day of departure.
    pub from: Day,
    /// The day of return.
    pub to: Day,
    /// The document that shows it.
    pub document: String,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// When it was taken back.
    pub withdrawn_at: Option<Timestamp>,
}

impl From<absence::Model> for Absence {
    fn from(row: absence::Model) -> Self {
        Self {
            id: row.id,
            residents: row.residents.unsigned_abs(),
            from: row.from_on,
            to: row.to_on,
            document: row.document,
            recorded_at: row.recorded_at,
            withdrawn_at: row.withdrawn_at,
        }
    }
}

/// Records an absence. Bills to come know it; a month that is published is corrected by a recalculation.
pub async fn record(
    tx: &mut Tx,
    estimates: &dyn Estimates,
    account: AccountId,
    new: &NewAbsence,
) -> Result<Absence, Error> {
    check(new)?;
    must_exist(tx, account).await?;
    estimates.outdate(tx, &[account]).await?;
    let row = absence::Model {
        tenant_id: tx.tenant_id(),
        id: tx.new_id(),
        account_id: account,
        residents: new.residents.cast_signed(),
        from_on: new.from,
        to_on: new.to,
        document: new.document.trim().to_owned(),
        recorded_at: tx.now(),
        withdrawn_at: None,
    };
    tx.insert(absence::ActiveModel::from(row.clone()).reset_all()).await?;
    let detail = serde_json::json!({ "from": new.from, "to": new.to, "residents": new.residents });
    tx.audit("account.absence_recorded", account, detail).await?;
    Ok(row.into())
}

fn check(new: &NewAbsence) -> Result<(), Error> {
    if !(1..=100).contains(&new.residents) {
        return Err(Error::Field("residents", "Укажите, сколько человек отсутствовало: от 1 до 100"));
    }
    if new.to <= new.from {
        return Err(Error::Field("to", "День возвращения должен быть позже дня отъезда"));
    }
    if new.from.plus_days(LONGEST) < new.to {
        return Err(Error::Field("to", "Отсутствие дольше года записывают по частям"));
    }
    let document = new.document.trim();
    if document.is_empty() || document.chars().count() > LONGEST_DOCUMENT {
        return Err(Error::Field("document", "Укажите документ об отсутствии, не длиннее 200 знаков"));
    }
    Ok(())
}

/// The account's absences, the latest first.
pub async fn list(tx: &Tx, account: AccountId) -> Result<Vec<Absence>, Error> {
    must_exist(tx, account).await?;
    let mine = absence::Entity::find().filter(absence::Column::AccountId.eq(account));
    let rows = tx.all(mine.order_by_desc(absence::Column::FromOn).order_by_desc(absence::Column::Id)).await?;
    Ok(rows.into_iter().map(Absence::from).collect())
}

/// Takes an absence back: bills to come do not know it.
pub async fn withdraw(tx: &mut Tx, estimates: &dyn Estimates, id: Uuid) -> Result<(), Error> {
    let row = tx.one(absence::Entity::find().filter(absence::Column::Id.eq(id))).await?.ok_or(Error::NotFound)?;
    if row.withdrawn_at.is_some() {
        return Ok(());
    }
    estimates.outdate(tx, &[row.account_id]).await?;
    tx.update(absence::ActiveModel {
        tenant_id: Unchanged(tx.tenant_id()),
        id: Unchanged(id),
        withdrawn_at: Set(Some(tx.now())),
        ..Default::default()
    })
    .await?;
    Ok(tx.audit("account.absence_withdrawn", row.account_id, serde_json::json!({ "absence": id })).await?)
}

/// Residents who were away in a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Away {
    /// How many.
    pub residents: u32,
    /// Full days in the month: the days of departure and return do not count.
    pub days: u32,
    /// Full days of the whole absence, in whatever months.
    pub in_a_row: u32,
}

#[derive(FromQueryResult)]
struct Row {
    account_id: AccountId,
    residents: i32,
    from_on: Day,
    to_on: Day,
}

/// Who of the accounts `first` to `last` was away for full days of `period`.
pub async fn in_month(
    tx: &Tx,
    period: Period,
    first: AccountId,
    last: AccountId,
) -> Result<Vec<(AccountId, Away)>, DbError> {
    let rows: Vec<Row> = tx
        .rows(
            "SELECT account_id, residents, from_on, to_on FROM absence
             WHERE tenant_id = $1 AND account_id BETWEEN $2 AND $3 AND to_on > $4 AND from_on < $5
               AND withdrawn_at IS NULL
             ORDER BY account_id, from_on, id",
            vec![first.into(), last.into(), period.first_day().into(), period.last_day().into()],
        )
        .await?;
    let away = |row: Row| {
        let away = away(period, row.residents.unsigned_abs(), row.from_on, row.to_on);
        away.map(|away| (row.account_id, away))
    };
    Ok(rows.into_iter().filter_map(away).collect())
}

/// The part of an absence that falls into `period`; none where no full day does.
fn away(period: Period, residents: u32, from: Day, to: Day) -> Option<Away> {
    let (first, last) = (from.plus_days(1), to.plus_days(-1));
    let days = days_between(first.max(period.first_day()), last.min(period.last_day()));
    (days > 0).then(|| Away { residents, days, in_a_row: days_between(first, last) })
}

/// Days from `first` to `last`, both inclusive.
fn days_between(first: Day, last: Day) -> u32 {
    let days = (last.date() - first.date()).num_days() + 1;
    u32::try_from(days).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn departure_and_return_do_not_count_and_the_months_share_an_absence() {
        // 28 October to 4 November: full days are 29, 30, 31 October and 1, 2, 3 November.
        let (from, to) = (Day(20_261_028), Day(20_261_104));
        let october = away(Period(202_610), 2, from, to).expect("days in October");
        assert_eq!(october, Away { residents: 2, days: 3, in_a_row: 6 });
        let november = away(Period(202_611), 2, from, to).expect("days in November");
        assert_eq!(november, Away { residents: 2, days: 3, in_a_row: 6 });
        assert_eq!(away(Period(202_612), 2, from, to), None);
        // Away on the last day of a month only by departure.
        assert_eq!(away(Period(202_610), 1, Day(20_261_031), Day(20_261_110)), None);
        assert_eq!(away(Period(202_610), 1, Day(20_261_010), Day(20_261_011)), None);
    }

    #[test]
    fn a_whole_month_away_is_all_its_days() {
        let february = away(Period(202_602), 1, Day(20_260_115), Day(20_260_310)).expect("days");
        assert_eq!((february.days, february.in_a_row), (28, 53));
    }
}
