//! What a company decides about readings: when they are taken, and what becomes of doubtful ones.

use std::collections::BTreeMap;

use kabinet_core::{DbError, Tenant};
use serde::{Deserialize, Deserializer, Serialize};

use crate::resource::Source;
use crate::window::ReadingsWindow;

/// The module's name, also in the table of settings.
pub const MODULE: &str = "meters";
/// A volume is doubted when it is more than so many times the usual, where a company says nothing.
const USUAL_TIMES: u32 = 4;
/// Times that a company may say.
pub const TIMES: std::ops::RangeInclusive<u32> = 2..=100;

/// The module's settings of a company; stored under `meters`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetersSettings {
    /// Days of the month on which readings are taken.
    #[serde(deserialize_with = "stored_window")]
    pub window: ReadingsWindow,
    /// What differs from the usual for readings that people send.
    #[serde(skip_serializing_if = "PolicyChange::is_empty")]
    pub policy: PolicyChange,
    /// What differs for one source, by its code (see [`Source::code`]).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, PolicyChange>,
}

/// Settings that were stored long ago say `null` for all month.
fn stored_window<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ReadingsWindow, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(ReadingsWindow::ALL_MONTH))
}

/// What a value lower than the one before means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lower {
    /// A mistake, unless the meter was about to pass its last digit.
    Refuse,
    /// The sender says whether the meter began again from 0.
    Ask,
    /// The meter began again from 0.
    Rollover,
}

/// What a volume many times the usual means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unusual {
    /// The sender says whether it is right.
    Ask,
    /// Nothing.
    Accept,
    /// A mistake.
    Refuse,
}

/// What becomes of a reading after the meter's verification expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expired {
    /// It is stored; its sender is told afterwards that bills do not count it.
    Accept,
    /// It is stored; its sender is told beforehand, too.
    Warn,
    /// It is refused.
    Refuse,
}

/// What becomes of a reading outside the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    /// It is refused.
    Refuse,
    /// It counts for the month of the next window.
    NextMonth,
    /// It counts for its own month.
    Accept,
}

/// What becomes of doubtful readings of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Of a value lower than the one before.
    pub lower: Lower,
    /// Of a volume more than [`Policy::times`] the mean of the last six months.
    pub unusual: Unusual,
    /// How many times.
    pub times: u32,
    /// Of a meter whose verification expired.
    pub expired: Expired,
    /// Of a day outside the window.
    pub closed: Closed,
}

/// What a company says otherwise; what is none stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyChange {
    /// See [`Policy::lower`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lower: Option<Lower>,
    /// See [`Policy::unusual`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unusual: Option<Unusual>,
    /// See [`Policy::times`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unusual_times: Option<u32>,
    /// See [`Policy::expired`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expired: Option<Expired>,
    /// See [`Policy::closed`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed: Option<Closed>,
}

impl PolicyChange {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Policy {
    /// What is usual for readings of `source`. Staff and files say what they saw: a lower value or a large volume
    /// is asked about, and nothing is refused for its day or its meter's verification.
    #[must_use]
    pub const fn usual(source: Source) -> Self {
        if source.is_personal() {
            Self {
                lower: Lower::Refuse,
                unusual: Unusual::Ask,
                times: USUAL_TIMES,
                expired: Expired::Warn,
                closed: Closed::Refuse,
            }
        } else {
            Self {
                lower: Lower::Ask,
                unusual: Unusual::Ask,
                times: USUAL_TIMES,
                expired: Expired::Accept,
                closed: Closed::Accept,
            }
        }
    }

    const fn with(mut self, change: PolicyChange) -> Self {
        if let Some(lower) = change.lower {
            self.lower = lower;
        }
        if let Some(unusual) = change.unusual {
            self.unusual = unusual;
        }
        if let Some(times) = change.unusual_times {
            self.times = times;
        }
        if let Some(expired) = change.expired {
            self.expired = expired;
        }
        if let Some(closed) = change.closed {
            self.closed = closed;
        }
        self
    }
}

impl MetersSettings {
    /// The company's settings.
    pub fn of(tenant: &Tenant) -> Result<Self, DbError> {
        tenant.settings(MODULE)
    }

    /// What becomes of doubtful readings of `source`.
    #[must_use]
    pub fn policy(&self, source: Source) -> Policy {
        let mut policy = Policy::usual(source);
        if source.is_personal() {
            policy = policy.with(self.policy);
        }
        self.sources.get(source.code()).map_or(policy, |change| policy.with(*change))
    }

    /// What is wrong with the settings: the field, and why in Russian; none when all is well.
    #[must_use]
    pub fn fault(&self) -> Option<(String, &'static str)> {
        let good = |day: u8| (1..=31).contains(&day);
        let days = [("window.from_day", self.window.from_day), ("window.to_day", self.window.to_day)];
        if let Some((field, _)) = days.into_iter().find(|(_, day)| !good(*day)) {
            return Some((field.to_owned(), "День месяца – от 1 до 31"));
        }
        if let Some(code) = self.sources.keys().find(|code| Source::judged(code).is_none()) {
            return Some((format!("sources.{code}"), "Такого источника показаний нет"));
        }
        let whole = std::iter::once(("policy".to_owned(), self.policy));
        let each = self.sources.iter().map(|(code, change)| (format!("sources.{code}"), *change));
        let times = |change: PolicyChange| change.unusual_times.is_some_and(|times| !TIMES.contains(&times));
        let (place, _) = whole.chain(each).find(|(_, change)| times(*change))?;
        Some((format!("{place}.unusual_times"), "Во сколько раз больше обычного – от 2 до 100"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_settings_people_are_judged_as_they_always_were() {
        let usual = MetersSettings::default().policy(Source::Portal);
        assert_eq!((usual.lower, usual.unusual, usual.times), (Lower::Refuse, Unusual::Ask, 4));
        assert_eq!((usual.expired, usual.closed), (Expired::Warn, Closed::Refuse));
        assert_eq!(MetersSettings::default().policy(Source::Guest), usual);
        assert_eq!(MetersSettings::default().policy(Source::Phone).closed, Closed::Accept);
    }

    #[test]
    fn a_source_says_more_than_the_whole() {
        let text = r#"{"window": {"from_day": 14, "to_day": 26}, "policy": {"unusual": "accept", "lower": "ask"},
            "sources": {"guest": {"unusual": "refuse", "unusual_times": 3}, "import": {"lower": "refuse"}}}"#;
        let settings: MetersSettings = serde_json::from_str(text).expect("settings");
        assert_eq!(settings.window, ReadingsWindow { from_day: 14, to_day: 26 });
        assert_eq!(settings.fault(), None);
        let portal = settings.policy(Source::Portal);
        assert_eq!((portal.lower, portal.unusual, portal.times), (Lower::Ask, Unusual::Accept, 4));
        let guest = settings.policy(Source::Guest);
        assert_eq!((guest.lower, guest.unusual, guest.times), (Lower::Ask, Unusual::Refuse, 3));
        // What holds for people holds for no file.
        let file = settings.policy(Source::Import);
        assert_eq!((file.lower, file.unusual), (Lower::Refuse, Unusual::Ask));
        let stored = serde_json::to_string(&settings).expect("text");
        assert_eq!(serde_json::from_str::<MetersSettings>(&stored).ok(), Some(settings));
    }

    #[test]
    fn days_of_which_nothing_is_said_are_the_usual_ones_and_all_month_is_said() {
        let window = |text: &str| serde_json::from_str::<MetersSettings>(text).map(|settings| settings.window).ok();
        assert_eq!(window("{}"), Some(ReadingsWindow { from_day: 15, to_day: 25 }));
        assert_eq!(window(r#"{"window": {"from_day": 1, "to_day": 31}}"#), Some(ReadingsWindow::ALL_MONTH));
        assert_eq!(window(r#"{"window": null}"#), Some(ReadingsWindow::ALL_MONTH));
    }

    #[test]
    fn wrong_settings_are_named() {
        let wrong = |text: &str| {
            let settings: MetersSettings = serde_json::from_str(text).expect("settings");
            settings.fault().map(|(field, _)| field).unwrap_or_default()
        };
        assert_eq!(wrong(r#"{"window": {"from_day": 0, "to_day": 25}}"#), "window.from_day");
        assert_eq!(wrong(r#"{"window": {"from_day": 1, "to_day": 32}}"#), "window.to_day");
        assert_eq!(wrong(r#"{"policy": {"unusual_times": 1}}"#), "policy.unusual_times");
        assert_eq!(wrong(r#"{"sources": {"pigeon": {}}}"#), "sources.pigeon");
        assert_eq!(wrong(r#"{"sources": {"installation": {}}}"#), "sources.installation");
        assert_eq!(wrong(r#"{"sources": {"link": {"unusual_times": 101}}}"#), "sources.link.unusual_times");
    }
}
