//! When a company takes readings.

use kabinet_core::{Day, DbError, Period, Tenant};
use serde::{Deserialize, Serialize};

/// The module's settings of a company; stored under `meters`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetersSettings {
    /// Days of the month on which readings are taken; none: every day.
    pub window: Option<ReadingsWindow>,
}

/// Days of the month, both included. A day that a month lacks is its last day; a window whose end is
/// before its beginning ends in the following month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadingsWindow {
    /// First day, 1 to 31.
    pub from_day: u8,
    /// Last day, 1 to 31.
    pub to_day: u8,
}

/// The window as seen on a day; the dates are none when readings are always taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Window {
    /// Readings are taken every day.
    pub always: bool,
    /// Readings are taken on this day.
    pub open: bool,
    /// First day of the window that is open or was open last.
    pub from: Option<Day>,
    /// Its last day.
    pub until: Option<Day>,
    /// First day of the next window.
    pub next_from: Option<Day>,
    /// Its last day.
    pub next_until: Option<Day>,
}

impl MetersSettings {
    /// The company's settings.
    pub fn of(tenant: &Tenant) -> Result<Self, DbError> {
        tenant.settings("meters")
    }

    /// What is wrong with the settings, in English with the field's name; none when all is well.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let window = self.window?;
        let good = |day: u8| (1..=31).contains(&day);
        match (good(window.from_day), good(window.to_day)) {
            (true, true) => None,
            (false, _) => Some(format!("window.from_day: {} is no day of a month", window.from_day)),
            (_, false) => Some(format!("window.to_day: {} is no day of a month", window.to_day)),
        }
    }
}

impl Window {
    /// The window as seen on `today`, a day in the company's zone.
    #[must_use]
    pub fn on(settings: &MetersSettings, today: Day) -> Self {
        let Some(days) = settings.window.filter(|days| !(days.from_day <= 1 && days.to_day >= 31)) else {
            return Self { always: true, open: true, from: None, until: None, next_from: None, next_until: None };
        };
        let period = today.period();
        let begun = if days.starting_in(period).0 <= today { period } else { period.previous() };
        let ((from, until), (next_from, next_until)) = (days.starting_in(begun), days.starting_in(begun.next()));
        Self {
            always: false,
            open: from <= today && today <= until,
            from: Some(from),
            until: Some(until),
            next_from: Some(next_from),
            next_until: Some(next_until),
        }
    }
}

impl MetersSettings {
    /// The first and last day on which readings for `period` are taken: those of the window that begins in it,
    /// of the whole month without one.
    #[must_use]
    pub fn days_of(&self, period: Period) -> (Day, Day) {
        self.window.map_or((period.first_day(), period.last_day()), |days| days.starting_in(period))
    }
}

impl ReadingsWindow {
    /// The first and last day of the window that begins in `period`.
    fn starting_in(self, period: Period) -> (Day, Day) {
        let day = |period: Period, day: u8| {
            let last = period.last_day();
            Day(period.first_day().0 + i32::from(day.max(1)) - 1).min(last)
        };
        let ends_in = if self.to_day < self.from_day { period.next() } else { period };
        (day(period, self.from_day), day(ends_in, self.to_day))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(from_day: u8, to_day: u8, today: i32) -> Window {
        let settings = MetersSettings { window: Some(ReadingsWindow { from_day, to_day }) };
        Window::on(&settings, Day(today))
    }

    #[test]
    fn the_next_window_is_named_before_during_and_after() {
        let before = on(15, 25, 20_261_105);
        assert!(!before.open);
        assert_eq!((before.from, before.next_from), (Some(Day(20_261_015)), Some(Day(20_261_115))));
        let during = on(15, 25, 20_261_125);
        assert!(during.open);
        assert_eq!((during.until, during.next_from), (Some(Day(20_261_125)), Some(Day(20_261_215))));
        let after = on(15, 25, 20_261_226);
        assert!(!after.open);
        assert_eq!((after.next_from, after.next_until), (Some(Day(20_270_115)), Some(Day(20_270_125))));
    }

    #[test]
    fn a_short_month_has_its_last_day() {
        let february = on(25, 30, 20_260_228);
        assert!(february.open);
        assert_eq!(february.until, Some(Day(20_260_228)));
        assert_eq!(on(30, 31, 20_260_227).next_from, Some(Day(20_260_228)));
    }

    #[test]
    fn a_window_may_end_in_the_following_month() {
        let window = on(25, 3, 20_270_102);
        assert!(window.open);
        assert_eq!((window.from, window.until), (Some(Day(20_261_225)), Some(Day(20_270_103))));
        assert!(!on(25, 3, 20_270_104).open);
    }

    #[test]
    fn a_month_has_its_days() {
        let days = |from_day, to_day, period| {
            MetersSettings { window: Some(ReadingsWindow { from_day, to_day }) }.days_of(Period(period))
        };
        assert_eq!(days(15, 25, 202_611), (Day(20_261_115), Day(20_261_125)));
        assert_eq!(days(25, 3, 202_612), (Day(20_261_225), Day(20_270_103)));
        assert_eq!(MetersSettings::default().days_of(Period(202_602)), (Day(20_260_201), Day(20_260_228)));
    }

    #[test]
    fn without_a_setting_every_day_is_good() {
        assert!(Window::on(&MetersSettings::default(), Day(20_261_105)).always);
        assert!(on(1, 31, 20_261_105).always);
        let wrong = MetersSettings { window: Some(ReadingsWindow { from_day: 0, to_day: 25 }) };
        assert!(wrong.fault().is_some_and(|fault| fault.starts_with("window.from_day")));
    }

    #[test]
    fn the_company_s_zone_decides_which_day_it_is() {
        let moment = Day(20_261_115).start(chrono_tz::Asia::Yekaterinburg);
        let settings = MetersSettings { window: Some(ReadingsWindow { from_day: 15, to_day: 25 }) };
        assert!(Window::on(&settings, moment.day(chrono_tz::Asia::Yekaterinburg)).open);
        assert!(!Window::on(&settings, moment.day(chrono_tz::Europe::Kaliningrad)).open);
    }

    #[test]
    fn settings_read_as_the_package_writes_them() {
        let text = r#"{"window": {"from_day": 15, "to_day": 25}}"#;
        let settings: Result<MetersSettings, _> = serde_json::from_str(text);
        assert_eq!(settings.ok().and_then(|s| s.window), Some(ReadingsWindow { from_day: 15, to_day: 25 }));
    }
}
