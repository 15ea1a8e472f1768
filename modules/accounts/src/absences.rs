//! Temporary absence of residents (ПП РФ 354, раздел VIII): recorded with its document, billed by the months it
//! falls into.

use kabinet_contracts::{AccountId, Estimates};
use kabinet_core::{Day, DbError, Period, Timestamp, Tx};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Unchanged, ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, Set,
};
use uuid::Uuid;

use crate::entity::{absence, occupancy};
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

/// Records an absence. Bills to come know it; a month that is published is corrected by a recalculation. One that
/// overlaps others is refused where more people would be away than live there: the same one recorded twice.
pub async fn record(
    tx: &mut Tx,
    estimates: &dyn Estimates,
    account: AccountId,
    new: &NewAbsence,
) -> Result<Absence, Error> {
    check(new)?;
    must_exist(tx, account).await?;
    // Two at once wait for each other here, and the second one sees what the first recorded.
    estimates.outdate(tx, &[account]).await?;
    must_live_there(tx, account, new).await?;
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

/// Refuses an absence together with which, on some day, more people would be away than count.
async fn must_live_there(tx: &Tx, account: AccountId, new: &NewAbsence) -> Result<(), Error> {
    use absence::Column;
    let others = absence::Entity::find()
        .filter(Column::AccountId.eq(account))
        .filter(Column::WithdrawnAt.is_null())
        .filter(Column::FromOn.lt(new.to))
        .filter(Column::ToOn.gt(new.from));
    let others = tx.all(others).await?;
    if others.is_empty() {
        return Ok(());
    }
    let people = occupancy::Entity::find()
        .filter(occupancy::Column::AccountId.eq(account))
        .filter(occupancy::Column::FromOn.lt(new.to))
        .order_by_asc(occupancy::Column::FromOn);
    let people = tx.all(people).await?;
    let live = |day: Day| people.iter().rev().find(|row| row.from_on <= day).map_or(0, counted);
    let mut day = new.from.plus_days(1);
    while day < new.to {
        let away = others.iter().filter(|other| other.from_on < day && day < other.to_on);
        let recorded: u32 = away.map(|other| other.residents.unsigned_abs()).sum();
        if recorded > 0 && recorded + new.residents > live(day) {
            return Err(Error::AwayAlready { on: day, recorded, live: live(day) });
        }
        day = day.plus_days(1);
    }
    Ok(())
}

/// How many people count: the registered ones, or the owners where nobody is registered.
const fn counted(row: &occupancy::Model) -> u32 {
    let registered = row.registered.unsigned_abs() + row.temporary.unsigned_abs();
    if registered > 0 { registered } else { row.owners.unsigned_abs() }
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

/// Residents who were away in a month, on full days: those of departure and return do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Away {
    /// How many.
    pub residents: u32,
    /// The first full day in the month.
    pub first: Day,
    /// The last one.
    pub last: Day,
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
    let in_a_row = days_between(from.plus_days(1), to.plus_days(-1));
    let first = from.plus_days(1).max(period.first_day());
    let last = to.plus_days(-1).min(period.last_day());
    (first <= last).then_some(Away { residents, first, last, in_a_row })
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
        let full = |first, last| Some(Away { residents: 2, first: Day(first), last: Day(last), in_a_row: 6 });
        assert_eq!(away(Period(202_610), 2, from, to), full(20_261_029, 20_261_031));
        assert_eq!(away(Period(202_611), 2, from, to), full(20_261_101, 20_261_103));
        assert_eq!(away(Period(202_612), 2, from, to), None);
        // Away on the last day of a month only by departure.
        assert_eq!(away(Period(202_610), 1, Day(20_261_031), Day(20_261_110)), None);
        assert_eq!(away(Period(202_610), 1, Day(20_261_010), Day(20_261_011)), None);
    }

    #[test]
    fn a_whole_month_away_is_all_its_days() {
        let february = away(Period(202_602), 1, Day(20_260_115), Day(20_260_310)).expect("days");
        assert_eq!((february.first, february.last, february.in_a_row), (Day(20_260_201), Day(20_260_228), 53));
    }
}
