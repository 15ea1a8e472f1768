//! What a company decides about its notices: typed, with defaults. Tokens are secrets and stand elsewhere.

mod faults;

use chrono::{TimeZone, Timelike};
use chrono_tz::Tz;
use kabinet_core::{DbError, Money, Tenant, Timestamp};
use serde::{Deserialize, Serialize};

use crate::channel::Channel;
use crate::kind::Kind;

/// The module's name, also in the table of settings.
pub const MODULE: &str = "notifications";

/// The highest price of a part of a message, kopecks.
pub const HIGHEST_PRICE: i64 = 100_000;
/// The highest sum that settings may name, kopecks: a month's costs, a debt.
pub const HIGHEST_SUM: i64 = 100_000_000_000;
/// The most messages a second that a gateway may be said to take.
pub const FASTEST: u32 = 1000;

/// The module's settings of a company; stored under `notifications`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotificationsSettings {
    /// Channels in the order in which they are tried; those that are left out are not used.
    pub order: Vec<Channel>,
    /// Hours in which no phone rings; none for a company that sends at any hour.
    pub quiet: Option<QuietHours>,
    /// Which automatic notices are sent.
    pub automatic: Automatic,
    /// The gateway of short messages; none where there is none.
    pub sms: Option<SmsGateway>,
    /// The bot of MAX; none where there is none.
    pub max: Option<Bot>,
    /// The bot of Telegram; none where there is none.
    pub telegram: Option<Bot>,
}

impl Default for NotificationsSettings {
    fn default() -> Self {
        Self {
            order: Channel::ALL.to_vec(),
            quiet: Some(QuietHours { from: 21, to: 9 }),
            automatic: Automatic::default(),
            sms: None,
            max: None,
            telegram: None,
        }
    }
}

/// Which automatic notices a company sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Automatic {
    /// Readings are taken from today.
    pub window_opens: bool,
    /// Readings are taken until tomorrow, and none were sent.
    pub window_closes: bool,
    /// A receipt was published.
    pub receipt: bool,
    /// A debt above so many kopecks after its due day; none for no such notice.
    pub debt_over: Option<Money>,
    /// A meter's verification ends in 90, 30, 7 days.
    pub verification: bool,
    /// A request was answered or moved on.
    pub request: bool,
}

impl Default for Automatic {
    fn default() -> Self {
        Self {
            window_opens: true,
            window_closes: true,
            receipt: true,
            debt_over: None,
            verification: true,
            request: true,
        }
    }
}

/// A gateway that takes short messages over plain HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmsGateway {
    /// Where it is. `{phone}` (digits, 7 first), `{text}`, `{id}` (the same at every attempt) and `{token}` (the
    /// secret) are put in, encoded for an address.
    pub url: String,
    /// The body of a POST with the same placeholders, encoded for a form; a GET without one.
    #[serde(default)]
    pub body: Option<String>,
    /// What an answer must contain to be a success; any answer of status 2xx without it.
    #[serde(default)]
    pub success: Option<String>,
    /// The price of one part of a message (70 Cyrillic letters, 67 of a longer one), kopecks.
    pub price: Money,
    /// What a month may cost, kopecks: beyond it the channel is passed over.
    pub monthly_cap: Money,
    /// Messages that it takes in a second; as many as come without it.
    #[serde(default)]
    pub per_second: Option<u32>,
}

/// A bot of a messenger; its token is a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bot {
    /// Its name, as links lead to it.
    pub name: String,
    /// Where the messenger's API is; empty for the usual place.
    #[serde(default)]
    pub base_url: String,
}

/// Hours of the day, `from` included and `to` not; over midnight where `from` is the later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// The first quiet hour, 0 to 23.
    pub from: u32,
    /// The first hour that is not quiet any more, 0 to 23.
    pub to: u32,
}

impl QuietHours {
    /// Whether both are hours of a day.
    #[must_use]
    pub const fn are_of_a_day(self) -> bool {
        self.from <= 23 && self.to <= 23
    }

    /// When the quiet that holds at `now` ends, by the clocks of `zone`; none when it is not quiet now.
    #[must_use]
    pub fn end_after(self, now: Timestamp, zone: Tz) -> Option<Timestamp> {
        let hour = zone.timestamp_millis_opt(now.0).earliest()?.hour();
        let over_midnight = self.from > self.to;
        let quiet = match over_midnight {
            false => (self.from..self.to).contains(&hour),
            true => hour >= self.from || hour < self.to,
        };
        if !quiet {
            return None;
        }
        let today = now.day(zone);
        let ends = if over_midnight && hour >= self.from { today.plus_days(1) } else { today };
        let end = ends.date().and_hms_opt(self.to, 0, 0)?;
        // An hour that the clocks skip ends with the next one that there is.
        let end = zone.from_local_datetime(&end).earliest().map(|end| Timestamp(end.timestamp_millis()));
        Some(end.unwrap_or_else(|| ends.start(zone).plus_seconds(i64::from(self.to) * 3600)))
    }
}

impl NotificationsSettings {
    /// The company's settings.
    pub fn of(tenant: &Tenant) -> Result<Self, DbError> {
        tenant.settings(MODULE)
    }

    /// Whether the company has this channel.
    #[must_use]
    pub fn has(&self, channel: Channel) -> bool {
        let there = match channel {
            Channel::Email => true,
            Channel::Sms => self.sms.is_some(),
            Channel::Max => self.max.is_some(),
            Channel::Telegram => self.telegram.is_some(),
        };
        there && self.order.contains(&channel)
    }

    /// The bot of a messenger.
    #[must_use]
    pub const fn bot(&self, channel: Channel) -> Option<&Bot> {
        match channel {
            Channel::Max => self.max.as_ref(),
            Channel::Telegram => self.telegram.as_ref(),
            Channel::Email | Channel::Sms => None,
        }
    }

    /// Whether notices of this kind are sent: what staff write always is.
    #[must_use]
    pub const fn sends(&self, kind: Kind) -> bool {
        match kind {
            Kind::Message | Kind::Outage => true,
            Kind::WindowOpens => self.automatic.window_opens,
            Kind::WindowCloses => self.automatic.window_closes,
            Kind::Receipt => self.automatic.receipt,
            Kind::Debt => self.automatic.debt_over.is_some(),
            Kind::Verification => self.automatic.verification,
            Kind::Request => self.automatic.request,
        }
    }
}

/// The name under which a channel's token is sealed.
#[must_use]
pub fn token_field(channel: Channel) -> String {
    format!("{MODULE}.{}.token", channel.code())
}

/// The name under which the secret of a messenger's webhook is sealed.
#[must_use]
pub fn webhook_field(channel: Channel) -> String {
    format!("{MODULE}.{}.webhook", channel.code())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kabinet_core::Day;

    const ZONE: Tz = chrono_tz::Asia::Yekaterinburg;

    fn at(day: i32, hour: i64, minute: i64) -> Timestamp {
        Day(day).start(ZONE).plus_seconds(hour * 3600 + minute * 60)
    }

    #[test]
    fn quiet_hours_over_midnight_end_in_the_morning() {
        let quiet = QuietHours { from: 21, to: 9 };
        assert_eq!(quiet.end_after(at(20_280_228, 20, 59), ZONE), None);
        assert_eq!(quiet.end_after(at(20_280_228, 21, 0), ZONE), Some(at(20_280_229, 9, 0)), "29 February");
        assert_eq!(quiet.end_after(at(20_280_229, 8, 59), ZONE), Some(at(20_280_229, 9, 0)));
        assert_eq!(quiet.end_after(at(20_280_229, 9, 0), ZONE), None);
        assert_eq!(quiet.end_after(at(20_281_231, 23, 0), ZONE), Some(at(20_290_101, 9, 0)));
    }

    #[test]
    fn quiet_hours_within_a_day() {
        let quiet = QuietHours { from: 13, to: 15 };
        assert_eq!(quiet.end_after(at(20_261_122, 14, 30), ZONE), Some(at(20_261_122, 15, 0)));
        assert_eq!(quiet.end_after(at(20_261_122, 15, 0), ZONE), None);
        assert_eq!(QuietHours { from: 9, to: 9 }.end_after(at(20_261_122, 9, 0), ZONE), None, "no hour at all");
    }

    #[test]
    fn the_zone_of_the_company_decides() {
        let quiet = QuietHours { from: 21, to: 9 };
        let moment = at(20_261_122, 10, 0);
        assert_eq!(quiet.end_after(moment, ZONE), None);
        assert!(quiet.end_after(moment, chrono_tz::Europe::Moscow).is_some(), "it is eight in Moscow");
    }

    #[test]
    fn telegram_and_sms_are_off_until_they_are_set_up() {
        let usual = NotificationsSettings::default();
        let on: Vec<Channel> = Channel::ALL.into_iter().filter(|channel| usual.has(*channel)).collect();
        assert_eq!(on, [Channel::Email]);
        assert!(!usual.sends(Kind::Debt) && usual.sends(Kind::Receipt) && usual.sends(Kind::Message));
    }
}
