//! Days, periods and moments.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;
use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};

use super::ValueError;

/// A moment: milliseconds since 1970 UTC.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, DeriveValueType,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The moment `seconds` later.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0 + seconds * 1000)
    }

    /// The calendar day of this moment in `zone`.
    #[must_use]
    pub fn day(self, zone: Tz) -> Day {
        let utc = DateTime::<Utc>::from_timestamp_millis(self.0).unwrap_or_default();
        Day::from_date(utc.with_timezone(&zone).date_naive())
    }

    /// The time of day of this moment in `zone`, for people: `14:05`.
    #[must_use]
    pub fn time(self, zone: Tz) -> String {
        let utc = DateTime::<Utc>::from_timestamp_millis(self.0).unwrap_or_default();
        utc.with_timezone(&zone).format("%H:%M").to_string()
    }
}

/// A calendar day as the integer `yyyymmdd`: 20261115 is 15.11.2026.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, DeriveValueType)]
#[serde(transparent)]
pub struct Day(pub i32);

impl Day {
    /// The day of `year`, `month`, `day`; `None` when the calendar has no such day.
    #[must_use]
    pub fn new(year: i32, month: u32, day: u32) -> Option<Self> {
        NaiveDate::from_ymd_opt(year, month, day).map(Self::from_date)
    }

    /// The day of a chrono date.
    #[must_use]
    pub fn from_date(date: NaiveDate) -> Self {
        Self(date.year() * 10_000 + (date.month() * 100 + date.day()).cast_signed())
    }

    /// The chrono date, for arithmetic; the first day of 1970 when the integer is no date.
    #[must_use]
    pub fn date(self) -> NaiveDate {
        let (year, rest) = (self.0 / 10_000, (self.0 % 10_000).unsigned_abs());
        NaiveDate::from_ymd_opt(year, rest / 100, rest % 100).unwrap_or_default()
    }

    /// The period this day is in.
    #[must_use]
    pub const fn period(self) -> Period {
        Period(self.0 / 100)
    }

    /// Day of the month, from 1.
    #[must_use]
    pub const fn day_of_month(self) -> u32 {
        (self.0 % 100).unsigned_abs()
    }

    /// The day `days` later (earlier when negative).
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        Self::from_date(self.date() + chrono::TimeDelta::days(days))
    }

    /// The moment this day begins in `zone`.
    #[must_use]
    pub fn start(self, zone: Tz) -> Timestamp {
        let midnight = self.date().and_hms_opt(0, 0, 0).unwrap_or_default();
        let moment = zone.from_local_datetime(&midnight).earliest();
        Timestamp(moment.map_or_else(|| midnight.and_utc().timestamp_millis(), |m| m.timestamp_millis()))
    }

    /// The day that a person typed as `15.11.2026`, or a browser as `2026-11-15`.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        const MESSAGE: ValueError = ValueError("Введите дату, например 15.11.2026");
        let text = text.trim();
        let date = NaiveDate::parse_from_str(text, "%d.%m.%Y").or_else(|_| NaiveDate::parse_from_str(text, "%Y-%m-%d"));
        let date = date.map_err(|_| MESSAGE)?;
        if (1900..=2200).contains(&date.year()) { Ok(Self::from_date(date)) } else { Err(MESSAGE) }
    }

    /// `2026-11-15`, for machines.
    #[must_use]
    pub fn iso(self) -> String {
        self.date().format("%Y-%m-%d").to_string()
    }
}

impl fmt::Display for Day {
    /// `15.11.2026`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}.{:02}.{:04}", self.0 % 100, self.0 / 100 % 100, self.0 / 10_000)
    }
}

/// A billing month as the integer `yyyymm`: 202610 is October 2026.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, DeriveValueType)]
#[serde(transparent)]
pub struct Period(pub i32);

impl Period {
    /// The period of `year` and `month` (1 to 12); `None` when there is no such month.
    #[must_use]
    pub fn new(year: i32, month: u32) -> Option<Self> {
        Day::new(year, month, 1).map(Day::period)
    }

    /// The calendar year.
    #[must_use]
    pub const fn year(self) -> i32 {
        self.0 / 100
    }

    /// The month, 1 to 12.
    #[must_use]
    pub const fn month(self) -> u32 {
        (self.0 % 100).unsigned_abs()
    }

    /// The period `months` later (earlier when negative).
    #[must_use]
    pub const fn plus(self, months: i32) -> Self {
        let index = self.year() * 12 + self.month().cast_signed() - 1 + months;
        Self(index.div_euclid(12) * 100 + index.rem_euclid(12) + 1)
    }

    /// The following period.
    #[must_use]
    pub const fn next(self) -> Self {
        self.plus(1)
    }

    /// The preceding period.
    #[must_use]
    pub const fn previous(self) -> Self {
        self.plus(-1)
    }

    /// The first day.
    #[must_use]
    pub const fn first_day(self) -> Day {
        Day(self.0 * 100 + 1)
    }

    /// The last day.
    #[must_use]
    pub fn last_day(self) -> Day {
        self.next().first_day().plus_days(-1)
    }
}

impl fmt::Display for Period {
    /// `2026-10`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.month())
    }
}

impl FromStr for Period {
    type Err = ValueError;

    /// The period written `2026-10`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const MESSAGE: ValueError = ValueError("Укажите месяц как 2026-10");
        let (year, month) = text.split_once('-').ok_or(MESSAGE)?;
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if year.len() != 4 || month.len() != 2 || !digits(year) || !digits(month) {
            return Err(MESSAGE);
        }
        let (year, month) = (year.parse().map_err(|_| MESSAGE)?, month.parse().map_err(|_| MESSAGE)?);
        Self::new(year, month).filter(|p| (190_001..=220_012).contains(&p.0)).ok_or(MESSAGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_follow_each_other_over_new_year() {
        assert_eq!(Period(202_512).next(), Period(202_601));
        assert_eq!(Period(202_601).previous(), Period(202_512));
        assert_eq!(Period(202_602).last_day(), Day(20_260_228));
        assert_eq!(Period(202_402).last_day(), Day(20_240_229));
        assert_eq!(Period(202_610).plus(-14), Period(202_508));
    }

    #[test]
    fn days_read_and_print() {
        assert_eq!(Day::parse("15.11.2026"), Ok(Day(20_261_115)));
        assert_eq!(Day::parse("2026-11-15"), Ok(Day(20_261_115)));
        assert!(Day::parse("31.02.2026").is_err());
        assert_eq!(Day(20_261_105).to_string(), "05.11.2026");
    }

    #[test]
    fn a_day_begins_in_the_company_s_zone() {
        let zone = chrono_tz::Asia::Yekaterinburg;
        let start = Day(20_261_101).start(zone);
        assert_eq!(start.day(zone), Day(20_261_101));
        assert_eq!(start.plus_seconds(-1).day(zone), Day(20_261_031));
        assert_eq!(start.day(chrono_tz::UTC), Day(20_261_031));
        assert_eq!((start.time(zone), start.time(chrono_tz::UTC)), ("00:00".to_owned(), "19:00".to_owned()));
    }

    #[test]
    fn a_period_reads_only_as_year_and_month() {
        assert_eq!("2026-10".parse(), Ok(Period(202_610)));
        for wrong in ["2026-13", "2026-1", "202610", "2026-+1", "абвг-01", ""] {
            assert!(wrong.parse::<Period>().is_err(), "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_printed_day_reads_back(days in 0_i64..100_000) {
            let day = Day(19_000_101).plus_days(days);
            proptest::prop_assert_eq!(Day::parse(&day.to_string()), Ok(day));
            proptest::prop_assert_eq!(Day::parse(&day.iso()), Ok(day));
            proptest::prop_assert_eq!(day.period().to_string().parse(), Ok(day.period()));
        }

        #[test]
        fn any_text_is_a_day_or_refused(text in r"[0-9.+\- ]{0,24}|.{0,24}") {
            if let Ok(day) = Day::parse(&text) {
                proptest::prop_assert!((19_000_101..=22_001_231).contains(&day.0), "{text}: {day}");
            }
            let _ = text.parse::<Period>();
        }
    }
}
