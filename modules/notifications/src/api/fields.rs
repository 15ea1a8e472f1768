//! Messages as staff write and see them.

use kabinet_contracts::{AccountId, ResidentId};
use kabinet_core::{Money, Timestamp};
use poem_openapi::{Enum, Object};
use uuid::Uuid;

use crate::audience::Audience;
use crate::channel::Channel;
use crate::error::Error;
use crate::messages::{Message, Outage, Written};
use crate::settings::QuietHours;

/// The beginning of 2200: milliseconds since 1970 UTC.
const YEAR_2200: i64 = 7_258_118_400_000;

/// A way to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
pub(crate) enum NotificationChannel {
    Max,
    Telegram,
    Email,
    Sms,
}

impl From<NotificationChannel> for Channel {
    fn from(channel: NotificationChannel) -> Self {
        match channel {
            NotificationChannel::Max => Self::Max,
            NotificationChannel::Telegram => Self::Telegram,
            NotificationChannel::Email => Self::Email,
            NotificationChannel::Sms => Self::Sms,
        }
    }
}

impl From<Channel> for NotificationChannel {
    fn from(channel: Channel) -> Self {
        match channel {
            Channel::Max => Self::Max,
            Channel::Telegram => Self::Telegram,
            Channel::Email => Self::Email,
            Channel::Sms => Self::Sms,
        }
    }
}

/// Hours in which no phone rings: over midnight where `from` is the later one, none at all where both are the same.
#[derive(Clone, Copy, Debug, Object)]
pub(crate) struct NotificationHours {
    /// The first quiet hour, 0 to 23.
    from: u32,
    /// The first hour that is not quiet any more, 0 to 23.
    to: u32,
}

impl From<NotificationHours> for QuietHours {
    fn from(hours: NotificationHours) -> Self {
        Self { from: hours.from, to: hours.to }
    }
}

impl From<QuietHours> for NotificationHours {
    fn from(hours: QuietHours) -> Self {
        Self { from: hours.from, to: hours.to }
    }
}

/// Whom a message is for; the one list or number that `to` needs stands beside it.
#[derive(Debug, Object)]
pub(crate) struct NotificationAudience {
    /// `all`, `houses`, `accounts`, `debtors` or `resident`. The system's own messages have `receipt`, `readers`
    /// and `unread` too.
    to: String,
    /// Identifiers of houses.
    #[oai(default)]
    houses: Vec<Uuid>,
    /// Identifiers of accounts.
    #[oai(default)]
    accounts: Vec<Uuid>,
    /// Debtors owe more than so many kopecks on an account.
    over: Option<i64>,
    /// The resident.
    resident: Option<Uuid>,
}

impl NotificationAudience {
    fn read(self) -> Result<Audience, Error> {
        let wrong = |text: &str| Error::Fields(vec![("audience", text.to_owned())]);
        Ok(match self.to.as_str() {
            "all" => Audience::All,
            "houses" => Audience::Houses { houses: self.houses },
            "accounts" => Audience::Accounts { accounts: self.accounts.into_iter().map(AccountId).collect() },
            "debtors" => Audience::Debtors {
                over: Money(self.over.ok_or_else(|| wrong("Назовите сумму долга"))?)
            },
            "resident" => Audience::Resident {
                resident: ResidentId(self.resident.ok_or_else(|| wrong("Назовите абонента"))?),
            },
            _ => return Err(wrong("Такого круга получателей нет")),
        })
    }

    fn show(audience: &Audience) -> Self {
        let mut shown =
            Self { to: String::new(), houses: Vec::new(), accounts: Vec::new(), over: None, resident: None };
        let to = match audience {
            Audience::All => "all",
            Audience::Houses { houses } => {
                shown.houses.clone_from(houses);
                "houses"
            }
            Audience::Accounts { accounts } => {
                shown.accounts = accounts.iter().map(|account| account.0).collect();
                "accounts"
            }
            Audience::Debtors { over } => {
                shown.over = Some(over.0);
                "debtors"
            }
            Audience::Resident { resident } => {
                shown.resident = Some(resident.0);
                "resident"
            }
            Audience::Receipt { .. } => "receipt",
            Audience::Readers => "readers",
            Audience::Unread { .. } => "unread",
        };
        to.clone_into(&mut shown.to);
        shown
    }
}

/// A planned outage.
#[derive(Debug, Object)]
pub(crate) struct NotificationOutage {
    /// What will be off: «Холодная вода».
    resource: String,
    /// Milliseconds since 1970 UTC.
    from: i64,
    /// Milliseconds since 1970 UTC.
    until: i64,
}

impl NotificationOutage {
    fn read(self) -> Result<Outage, Error> {
        let (from, until) = (moment("outage", self.from)?, moment("outage", self.until)?);
        Ok(Outage { resource: self.resource, from, until })
    }
}

/// A message to be written.
#[derive(Debug, Object)]
pub(crate) struct NotificationIn {
    /// One line.
    title: String,
    /// Markdown: paragraphs, lists, headings, emphasis, links to the web, to mail and to phones. HTML is dropped.
    body: String,
    audience: NotificationAudience,
    /// The only channels it may take beside the portal; without any, all that the company has.
    #[oai(default)]
    channels: Vec<NotificationChannel>,
    /// From when it holds, milliseconds since 1970 UTC; from its sending without it.
    valid_from: Option<i64>,
    /// The first moment at which it does not hold any more, milliseconds since 1970 UTC.
    valid_until: Option<i64>,
    /// What will be switched off in the houses of the audience, for a planned outage.
    outage: Option<NotificationOutage>,
}

impl NotificationIn {
    pub(crate) fn read(self) -> Result<Written, Error> {
        Ok(Written {
            title: self.title,
            body: self.body,
            audience: self.audience.read()?,
            channels: self.channels.into_iter().map(Channel::from).collect(),
            valid_from: self.valid_from.map(|from| moment("valid_from", from)).transpose()?,
            valid_until: self.valid_until.map(|until| moment("valid_until", until)).transpose()?,
            outage: self.outage.map(NotificationOutage::read).transpose()?,
        })
    }
}

/// A moment of a year that calendars know.
fn moment(field: &'static str, milliseconds: i64) -> Result<Timestamp, Error> {
    let known = (0..YEAR_2200).contains(&milliseconds);
    let wrong = || Error::Fields(vec![(field, "Укажите время от 1970 до 2200 года".to_owned())]);
    if known { Ok(Timestamp(milliseconds)) } else { Err(wrong()) }
}

/// A message as staff see it.
#[derive(Debug, Object)]
pub(crate) struct NotificationOut {
    id: Uuid,
    /// `message`, `outage`, or what an automatic one is about: `window_opens`, `window_closes`, `receipt`, `debt`,
    /// `verification`, `request`.
    kind: String,
    /// `draft`, `sending`, `sent` or `cancelled`.
    state: String,
    title: String,
    /// Markdown.
    body: String,
    audience: NotificationAudience,
    /// The only channels it may take; empty for all.
    channels: Vec<NotificationChannel>,
    /// Milliseconds since 1970 UTC.
    valid_from: i64,
    /// Milliseconds since 1970 UTC.
    valid_until: Option<i64>,
    /// The staff member who wrote it; absent for an automatic one.
    author: Option<Uuid>,
    /// Milliseconds since 1970 UTC.
    created_at: i64,
    /// Milliseconds since 1970 UTC.
    sent_at: Option<i64>,
    /// To how many residents it was addressed so far.
    addressed: i64,
}

impl From<Message> for NotificationOut {
    fn from(message: Message) -> Self {
        Self {
            id: message.id.0,
            kind: message.kind.code().to_owned(),
            state: message.state.code().to_owned(),
            title: message.title,
            body: message.body,
            audience: NotificationAudience::show(&message.audience),
            channels: message.channels.into_iter().map(NotificationChannel::from).collect(),
            valid_from: message.valid_from.0,
            valid_until: message.valid_until.map(|until| until.0),
            author: message.author,
            created_at: message.created_at.0,
            sent_at: message.sent_at.map(|at| at.0),
            addressed: message.addressed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_of_a_year_that_calendars_know() {
        assert_eq!(moment("valid_from", 1_795_000_000_000).ok(), Some(Timestamp(1_795_000_000_000)));
        for wrong in [i64::MIN, -1, YEAR_2200, i64::MAX] {
            assert!(moment("valid_from", wrong).is_err(), "{wrong}");
        }
    }
}
