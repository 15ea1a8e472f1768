//! When a company takes readings.

use kabinet_core::{Day, Period};
use serde::{Deserialize, Serialize};

use crate::settings::MetersSettings;

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

impl ReadingsWindow {
    /// Readings are taken every day.
    pub const ALL_MONTH: Self = Self { from_day: 1, to_day: 31 };
}

impl Default for ReadingsWindow {
    fn default() -> Self {
        Self { from_day: 15, to_day: 25 }
    }
}

/// The window as seen on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Window {
    /// Readings are taken every day.
    pub always: bool,
    /// Readings are taken on this day.
    pub open: bool,
    /// First day of the window that is open or was open last.
    pub from: Day,
    /// Its last day.
    pub until: Day,
    /// First day of the next window.
    pub next_from: Day,
    /// Its last day.
    pub next_until: Day,
}

impl Window {
    /// The window as seen on `today`, a day in the company's zone.
    #[must_use]
    pub fn on(settings: &MetersSettings, today: Day) -> Self {
        let (days, period) = (settings.window, today.period());
        let begun = if days.starting_in(period).0 <= today { period } else { period.previous() };
        let ((from, until), (next_from, next_until)) = (days.starting_in(begun), days.starting_in(begun.next()));
        let always = days == ReadingsWindow::ALL_MONTH;
        Self { always, open: from <= today && today <= until, from, until, next_from, next_until }
    }

    /// The month whose readings are asked for on `today`: that in which the open window began, or the day's own.
    #[must_use]
    pub fn month_asked_for(&self, today: Day) -> Period {
        if self.open { self.from.period() } else { today.period() }
    }

    /// The month that a reading of `date` counts for where it may come outside the window: that of the next one.
    #[must_use]
    pub fn month_of(&self, date: Day) -> Period {
        if self.open { date.period() } else { self.next_from.period().max(date.period()) }
    }
}

impl MetersSettings {
    /// The first and last day on which readings for `period` are taken: those of the window that begins in it.
    #[must_use]
    pub fn days_of(&self, period: Period) -> (Day, Day) {
        self.window.starting_in(period)
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

    fn settings(from_day: u8, to_day: u8) -> MetersSettings {
        MetersSettings { window: ReadingsWindow { from_day, to_day }, ..Default::default() }
    }

    fn on(from_day: u8, to_day: u8, today: i32) -> Window {
        Window::on(&settings(from_day, to_day), Day(today))
    }

    #[test]
    fn the_next_window_is_named_before_during_and_after() {
        let before = on(15, 25, 20_261_105);
        assert!(!before.open);
        assert_eq!((before.from, before.next_from), (Day(20_261_015), Day(20_261_115)));
        let during = on(15, 25, 20_261_125);
        assert!(during.open);
        assert_eq!((during.until, during.next_from), (Day(20_261_125), Day(20_261_215)));
        let after = on(15, 25, 20_261_226);
        assert!(!after.open);
        assert_eq!((after.next_from, after.next_until), (Day(20_270_115), Day(20_270_125)));
    }

    #[test]
    fn a_short_month_has_its_last_day() {
        let february = on(25, 30, 20_260_228);
        assert!(february.open);
        assert_eq!(february.until, Day(20_260_228));
        assert_eq!(on(30, 31, 20_260_227).next_from, Day(20_260_228));
    }

    #[test]
    fn a_window_may_end_in_the_following_month() {
        let window = on(25, 3, 20_270_102);
        assert!(window.open);
        assert_eq!((window.from, window.until), (Day(20_261_225), Day(20_270_103)));
        assert!(!on(25, 3, 20_270_104).open);
    }

    #[test]
    fn readings_of_a_window_over_the_turn_of_the_month_are_asked_for_once() {
        let asked = |today: i32| on(25, 3, today).month_asked_for(Day(today));
        assert_eq!((asked(20_261_028), asked(20_261_102)), (Period(202_610), Period(202_610)));
        assert_eq!((asked(20_261_104), asked(20_261_125)), (Period(202_611), Period(202_611)));
    }

    #[test]
    fn a_month_has_its_days() {
        let days = |from_day, to_day, period| settings(from_day, to_day).days_of(Period(period));
        assert_eq!(days(15, 25, 202_611), (Day(20_261_115), Day(20_261_125)));
        assert_eq!(days(25, 3, 202_612), (Day(20_261_225), Day(20_270_103)));
        assert_eq!(days(1, 31, 202_602), (Day(20_260_201), Day(20_260_228)));
    }

    #[test]
    fn without_a_setting_readings_are_taken_from_the_fifteenth_to_the_twenty_fifth() {
        let usual = |today: i32| Window::on(&MetersSettings::default(), Day(today));
        assert!(!usual(20_261_114).open && usual(20_261_115).open);
        assert!(usual(20_261_125).open && !usual(20_261_126).open);
        assert!(!usual(20_261_115).always);
    }

    #[test]
    fn all_month_is_a_window_from_its_first_day_to_its_last() {
        let february = on(1, 31, 20_280_229);
        assert!(february.always && february.open);
        assert_eq!((february.from, february.until), (Day(20_280_201), Day(20_280_229)));
        assert_eq!((february.next_from, february.next_until), (Day(20_280_301), Day(20_280_331)));
        assert!(on(1, 31, 20_280_301).open && !on(1, 30, 20_280_301).always);
    }

    #[test]
    fn the_company_s_zone_decides_which_day_it_is() {
        let moment = Day(20_261_115).start(chrono_tz::Asia::Yekaterinburg);
        let settings = settings(15, 25);
        assert!(Window::on(&settings, moment.day(chrono_tz::Asia::Yekaterinburg)).open);
        assert!(!Window::on(&settings, moment.day(chrono_tz::Europe::Kaliningrad)).open);
    }

    #[test]
    fn the_twenty_ninth_of_february_ends_a_window_in_leap_years_only() {
        assert_eq!(on(20, 31, 20_280_225).until, Day(20_280_229));
        assert!(on(20, 31, 20_280_229).open && !on(20, 29, 20_280_301).open);
        assert_eq!(on(20, 29, 20_270_225).until, Day(20_270_228));
        assert_eq!(on(29, 30, 20_280_229).from, Day(20_280_229));
        // A window over the month's end begins on the last day there is.
        assert_eq!(on(31, 5, 20_280_301).from, Day(20_280_229));
    }
}
