//! Until which day bills are to be paid, by the month of the bill.

use kabinet_core::calendar::CompanyCalendar;
use kabinet_core::{Day, DbError, Period, Tx};
use sea_orm::{EntityTrait, QueryOrder, Set};
use serde::{Deserialize, Serialize};

use crate::catalog::{History, announce};
use crate::entity::due_day;
use crate::error::{Entry, Error};
use crate::store;

/// From a period on, bills are due by this day of the following month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueDay {
    /// The first period whose bill is due by it, `yyyymm`.
    pub from_period: Period,
    /// Day of the month, 1 to 28.
    pub day: u32,
}

/// The rules of a company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueDays(History<u32>);

impl Default for DueDays {
    /// What the law says (ЖК РФ, ст. 155).
    fn default() -> Self {
        let law = [(190_001, 10), (202_602, 15)];
        Self::new(law.map(|(from, day)| DueDay { from_period: Period(from), day }))
    }
}

impl DueDays {
    /// The rules that begin in these months.
    pub fn new(days: impl IntoIterator<Item = DueDay>) -> Self {
        Self(History::new(days.into_iter().map(|rule| (rule.from_period, rule.day)).collect()))
    }

    /// The company's rules; those of the law where it has none.
    pub async fn of(tx: &Tx) -> Result<Self, DbError> {
        let rows = stored(tx).await?;
        Ok(if rows.is_empty() { Self::default() } else { Self::new(rows) })
    }

    /// The rules, the earliest first.
    pub fn rules(&self) -> impl Iterator<Item = DueDay> {
        self.0.entries().iter().map(|(from, day)| DueDay { from_period: *from, day: *day })
    }

    /// The rules with another day from a month on.
    #[must_use]
    pub fn with(&self, new: DueDay) -> Self {
        Self(self.0.with(new.from_period, new.day))
    }

    /// The last day to pay the bill of `period`; a day off by the company's calendar moves to the next working day.
    #[must_use]
    pub fn due_on(&self, calendar: &CompanyCalendar, period: Period) -> Day {
        calendar.working_day_from(Day(period.next().0 * 100 + self.day(period).cast_signed()))
    }

    fn day(&self, period: Period) -> u32 {
        self.0.in_force(period).map_or(10, |day| *day).clamp(1, 28)
    }

    /// The first month until `published` whose bill would be due by another day.
    fn rewritten(&self, wanted: &Self, published: Period) -> Option<Period> {
        let months = self.rules().chain(wanted.rules()).map(|rule| rule.from_period);
        months.filter(|month| *month <= published && self.day(*month) != wanted.day(*month)).min()
    }
}

/// What the company has of its own.
pub(crate) async fn stored(tx: &Tx) -> Result<Vec<DueDay>, DbError> {
    let rows = tx.all(due_day::Entity::find().order_by_asc(due_day::Column::FromPeriod)).await?;
    let rule = |row: due_day::Model| DueDay { from_period: row.from_period, day: row.day.unsigned_abs() };
    Ok(rows.into_iter().map(rule).collect())
}

/// Stores the company's rules; the changes in words. Bills of published months keep their day
/// ([`Error::PublishedTerms`]).
pub(crate) async fn set(tx: &mut Tx, wanted: &DueDays) -> Result<Vec<String>, Error> {
    let before = DueDays::of(tx).await?;
    if before == *wanted {
        return Ok(Vec::new());
    }
    let published = store::latest_period(tx).await?;
    if let Some((month, period)) = published.and_then(|last| Some((before.rewritten(wanted, last)?, last))) {
        return Err(Error::PublishedTerms { entry: Entry::DueDay(month), period });
    }
    tx.delete_where(due_day::Entity::delete_many()).await?;
    let row = |rule: DueDay| due_day::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        from_period: Set(rule.from_period),
        day: Set(rule.day.cast_signed()),
    };
    tx.insert_many(wanted.rules().map(row).collect()).await?;
    let changes = vec!["сроки оплаты изменены".to_owned()];
    announce(tx, &changes).await?;
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bills_are_due_on_working_days_by_the_rule_of_their_period() {
        let (days, usual) = (DueDays::default(), CompanyCalendar::default());
        assert_eq!(days.due_on(&usual, Period(202_610)), Day(20_261_116));
        assert_eq!(days.due_on(&usual, Period(202_601)), Day(20_260_210));
        assert_eq!(days.due_on(&usual, Period(202_602)), Day(20_260_316));
        assert_eq!(days.due_on(&usual, Period(202_512)), Day(20_260_112));
    }

    #[test]
    fn a_rule_rewrites_the_months_it_begins_among() {
        let days = DueDays::default();
        let with = |from, day| days.with(DueDay { from_period: Period(from), day });
        assert_eq!(days.rewritten(&with(202_612, 20), Period(202_611)), None);
        assert_eq!(days.rewritten(&with(202_610, 20), Period(202_611)), Some(Period(202_610)));
        assert_eq!(with(202_612, 15), days, "what holds already is no rule of its own");
        assert_eq!(days.rewritten(&with(202_602, 10), Period(202_611)), Some(Period(202_602)));
    }
}
