//! What a company decides about readings.

use std::collections::BTreeMap;

use kabinet_web::{ApiResult, Staff};
use poem_openapi::payload::Json;
use poem_openapi::{Enum, Object, OpenApi};

use super::fields::wrong;
use super::{Manage, ReadReadings};
use crate::settings::{Closed, Expired, Lower, MODULE, MetersSettings, PolicyChange, Unusual};
use crate::window::ReadingsWindow;

pub(crate) struct SettingsApi;

/// What a value lower than the one before means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
enum LowerValue {
    Refuse,
    Ask,
    Rollover,
}

/// What a volume many times the usual means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
enum UnusualVolume {
    Ask,
    Accept,
    Refuse,
}

/// What becomes of a reading after the verification expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
enum ExpiredVerification {
    Accept,
    Warn,
    Refuse,
}

/// What becomes of a reading outside the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
enum ClosedWindow {
    Refuse,
    NextMonth,
    Accept,
}

/// Rules for readings of a source; what is absent stays as it is usual.
#[derive(Object)]
struct ReadingPolicy {
    /// Of a value lower than the one before.
    lower: Option<LowerValue>,
    /// Of a volume many times the mean of the last six months.
    unusual: Option<UnusualVolume>,
    /// How many times, 2 to 100.
    unusual_times: Option<u32>,
    /// Of a meter whose verification expired.
    expired: Option<ExpiredVerification>,
    /// Of a day outside the window.
    closed: Option<ClosedWindow>,
}

/// Days of the month on which readings are taken, both included.
#[derive(Object)]
struct ReadingDays {
    from_day: u8,
    to_day: u8,
}

/// What the company decides about readings.
#[derive(Object)]
struct ReadingRules {
    /// Absent: from the 15th to the 25th. From the 1st to the 31st is all month.
    window: Option<ReadingDays>,
    /// For all that people send.
    policy: ReadingPolicy,
    /// For one source, by its code: `portal`, `helper`, `guest`, `link`, `messenger`, `phone`, `staff`, `import`,
    /// `inspection`, `automatic`. What files and meters that report themselves say comes by `takeDownReading`.
    sources: BTreeMap<String, ReadingPolicy>,
}

#[OpenApi]
impl SettingsApi {
    /// The company's rules for readings.
    #[oai(path = "/meter-settings", method = "get", operation_id = "getReadingRules")]
    async fn show(&self, staff: Staff<ReadReadings>) -> ApiResult<ReadingRules> {
        Ok(Json(MetersSettings::of(staff.tenant())?.into()))
    }

    /// Change the company's rules for readings; they hold until the package itself changes.
    #[oai(path = "/meter-settings", method = "put", operation_id = "putReadingRules")]
    async fn change(&self, staff: Staff<Manage>, rules: Json<ReadingRules>) -> ApiResult<ReadingRules> {
        let settings = MetersSettings::from(rules.0);
        if let Some((field, text)) = settings.fault() {
            return Err(wrong(&field, text));
        }
        let mut tx = staff.begin().await?;
        tx.set_settings(MODULE, &settings).await?;
        tx.commit().await?;
        Ok(Json(settings.into()))
    }
}

impl From<MetersSettings> for ReadingRules {
    fn from(settings: MetersSettings) -> Self {
        let days = |window: ReadingsWindow| ReadingDays { from_day: window.from_day, to_day: window.to_day };
        Self {
            window: Some(days(settings.window)),
            policy: settings.policy.into(),
            sources: settings.sources.into_iter().map(|(code, change)| (code, change.into())).collect(),
        }
    }
}

impl From<ReadingRules> for MetersSettings {
    fn from(rules: ReadingRules) -> Self {
        let days = |days: ReadingDays| ReadingsWindow { from_day: days.from_day, to_day: days.to_day };
        Self {
            window: rules.window.map(days).unwrap_or_default(),
            policy: rules.policy.into(),
            sources: rules.sources.into_iter().map(|(code, policy)| (code, policy.into())).collect(),
        }
    }
}

impl From<PolicyChange> for ReadingPolicy {
    fn from(change: PolicyChange) -> Self {
        Self {
            lower: change.lower.map(|lower| match lower {
                Lower::Refuse => LowerValue::Refuse,
                Lower::Ask => LowerValue::Ask,
                Lower::Rollover => LowerValue::Rollover,
            }),
            unusual: change.unusual.map(|unusual| match unusual {
                Unusual::Ask => UnusualVolume::Ask,
                Unusual::Accept => UnusualVolume::Accept,
                Unusual::Refuse => UnusualVolume::Refuse,
            }),
            unusual_times: change.unusual_times,
            expired: change.expired.map(|expired| match expired {
                Expired::Accept => ExpiredVerification::Accept,
                Expired::Warn => ExpiredVerification::Warn,
                Expired::Refuse => ExpiredVerification::Refuse,
            }),
            closed: change.closed.map(|closed| match closed {
                Closed::Refuse => ClosedWindow::Refuse,
                Closed::NextMonth => ClosedWindow::NextMonth,
                Closed::Accept => ClosedWindow::Accept,
            }),
        }
    }
}

impl From<ReadingPolicy> for PolicyChange {
    fn from(policy: ReadingPolicy) -> Self {
        Self {
            lower: policy.lower.map(|lower| match lower {
                LowerValue::Refuse => Lower::Refuse,
                LowerValue::Ask => Lower::Ask,
                LowerValue::Rollover => Lower::Rollover,
            }),
            unusual: policy.unusual.map(|unusual| match unusual {
                UnusualVolume::Ask => Unusual::Ask,
                UnusualVolume::Accept => Unusual::Accept,
                UnusualVolume::Refuse => Unusual::Refuse,
            }),
            unusual_times: policy.unusual_times,
            expired: policy.expired.map(|expired| match expired {
                ExpiredVerification::Accept => Expired::Accept,
                ExpiredVerification::Warn => Expired::Warn,
                ExpiredVerification::Refuse => Expired::Refuse,
            }),
            closed: policy.closed.map(|closed| match closed {
                ClosedWindow::Refuse => Closed::Refuse,
                ClosedWindow::NextMonth => Closed::NextMonth,
                ClosedWindow::Accept => Closed::Accept,
            }),
        }
    }
}
