//! The working calendar: which days are worked, and to which day a due day moves.

use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;

use crate::db::Tx;
use crate::error::DbError;
use crate::tenancy::Tenant;
use crate::values::Day;
use chrono::{Datelike, Weekday};
use serde::{Deserialize, Serialize};

static CALENDAR: LazyLock<Calendar> = LazyLock::new(|| Calendar::parse(include_str!("../data/calendar.toml")));

#[derive(Deserialize)]
struct File {
    year: Vec<Year>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Year {
    year: i32,
    #[serde(rename = "source")]
    _source: String,
    off: Vec<String>,
    working: Vec<String>,
}

struct Calendar {
    years: BTreeSet<i32>,
    off: HashSet<Day>,
    working: HashSet<Day>,
}

impl Calendar {
    /// The calendar in the text of its data file; a test reads the bundled one.
    fn parse(text: &str) -> Self {
        let file = toml::from_str::<File>(text).unwrap_or_else(|error| {
            tracing::error!(%error, "the working calendar cannot be read; only weekends are known");
            File { year: Vec::new() }
        });
        let days = |list: &[String]| list.iter().filter_map(|text| Day::parse(text).ok()).collect::<Vec<_>>();
        Self {
            years: file.year.iter().map(|year| year.year).collect(),
            off: file.year.iter().flat_map(|year| days(&year.off)).collect(),
            working: file.year.iter().flat_map(|year| days(&year.working)).collect(),
        }
    }
}

/// Whether people in Russia work on `day` by the general five-day calendar.
#[must_use]
pub fn is_working(day: Day) -> bool {
    if CALENDAR.working.contains(&day) {
        return true;
    }
    !CALENDAR.off.contains(&day) && !matches!(day.date().weekday(), Weekday::Sat | Weekday::Sun)
}

/// What whoever runs the platform is to know, where the calendar lacks this year or the coming one; none where it has
/// both.
#[must_use]
pub fn shortcoming(today: Day) -> Option<String> {
    let year = today.date().year();
    let lacked = (year..=year + 1).find(|year| !CALENDAR.years.contains(year))?;
    Some(format!(
        "the working calendar lacks {lacked}: its public holidays count as working days, so that requests fall due too \
         early, and a last day to pay that is a holiday stays there and penalty begins too early; a newer release \
         knows the year, or each company names its days off (PUT /api/admin/v1/billing/catalog/calendar)"
    ))
}

/// The name under which a company's own days are kept.
const SETTINGS: &str = "calendar";

/// A company's calendar: the general one, but for days of its own (regional holidays, moved days).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CompanyCalendar {
    /// Days off that the general calendar has as working days.
    pub off: BTreeSet<Day>,
    /// Days worked that it has as days off.
    pub working: BTreeSet<Day>,
}

impl CompanyCalendar {
    /// The company's calendar.
    pub fn of(tenant: &Tenant) -> Result<Self, DbError> {
        tenant.settings(SETTINGS)
    }

    /// Makes it the company's; true when that changed anything. Dates that were counted before stay.
    pub async fn save(&self, tx: &mut Tx) -> Result<bool, DbError> {
        tx.set_settings(SETTINGS, self).await
    }

    /// Whether the company works on `day`.
    #[must_use]
    pub fn is_working(&self, day: Day) -> bool {
        self.working.contains(&day) || (is_working(day) && !self.off.contains(&day))
    }

    /// The working day that is `count` working days after `day`: the day itself is not counted.
    #[must_use]
    pub fn working_days_after(&self, day: Day, count: u32) -> Day {
        (0..count).fold(day, |reached, _| self.working_day_from(reached.plus_days(1)))
    }

    /// `day` itself, or the next working day after it.
    #[must_use]
    pub fn working_day_from(&self, day: Day) -> Day {
        let mut found = day;
        while !self.is_working(found) {
            found = found.plus_days(1);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn working_day_from(day: Day) -> Day {
        CompanyCalendar::default().working_day_from(day)
    }

    fn working_days_after(day: Day, count: u32) -> Day {
        CompanyCalendar::default().working_days_after(day, count)
    }

    #[test]
    fn the_data_file_is_whole() {
        let calendar = Calendar::parse(include_str!("../data/calendar.toml"));
        assert_eq!(calendar.off.len(), 15 + 14 + 12);
        assert_eq!(calendar.working.len(), 1);
        assert!(calendar.years.into_iter().eq(2025..=2027), "no year between is left out");
    }

    #[test]
    fn a_calendar_that_lacks_the_coming_year_says_so() {
        assert_eq!(shortcoming(Day(20_261_231)), None);
        for (today, lacked) in [(20_270_101, "2028"), (20_271_231, "2028"), (20_280_101, "2028"), (20_290_601, "2029")]
        {
            let said = shortcoming(Day(today)).expect("a shortcoming");
            assert!(said.contains(lacked) && said.contains("penalty"), "{today}: {said}");
        }
        // What it says is so: New Year of 2028 is a working day, a Saturday's due day moves all the same.
        assert!(is_working(Day(20_280_103)) && working_day_from(Day(20_280_108)) == Day(20_280_110));
    }

    #[test]
    fn a_day_off_moves_on() {
        assert_eq!(working_day_from(Day(20_261_115)), Day(20_261_116));
        assert_eq!(working_day_from(Day(20_261_116)), Day(20_261_116));
        // New Year 2026 lasts to 11 January; 10 May 2026 is followed by a moved Victory Day.
        assert_eq!(working_day_from(Day(20_260_110)), Day(20_260_112));
        assert_eq!(working_day_from(Day(20_260_510)), Day(20_260_512));
    }

    #[test]
    fn working_days_are_counted_from_the_next_day() {
        // Friday, then Monday.
        assert_eq!(working_days_after(Day(20_261_127), 1), Day(20_261_130));
        assert_eq!(working_days_after(Day(20_261_127), 0), Day(20_261_127));
        // 31 December is a day off in 2026; New Year's holidays end on 10 January 2027.
        assert_eq!(working_days_after(Day(20_261_229), 1), Day(20_261_230));
        assert_eq!(working_days_after(Day(20_261_229), 2), Day(20_270_111));
        assert_eq!(working_days_after(Day(20_261_229), 10), Day(20_270_121));
        // On a day off the count begins all the same.
        assert_eq!(working_days_after(Day(20_261_128), 1), Day(20_261_130));
    }

    #[test]
    fn a_company_has_days_of_its_own() {
        let own = CompanyCalendar { off: [Day(20_261_116)].into(), working: [Day(20_261_122)].into() };
        assert_eq!(own.working_day_from(Day(20_261_115)), Day(20_261_117));
        assert_eq!(own.working_day_from(Day(20_261_121)), Day(20_261_122));
        assert_eq!(own.working_days_after(Day(20_261_113), 2), Day(20_261_118));
    }

    #[test]
    fn a_moved_saturday_is_worked() {
        assert!(is_working(Day(20_251_101)));
        assert!(!is_working(Day(20_251_103)));
    }
}
