//! What brings notices to people: one carrier a channel, all behind [`Carrier`]. A carrier only makes parcels and
//! reads answers; `delivery` records, calls and repeats.

mod email;
mod max;
mod sms;
mod telegram;

use std::collections::HashMap;

use kabinet_core::{Mail, Money};

use crate::channel::Channel;
use crate::entity::NoticeId;
use crate::http::{Answer, Call};
use crate::kind::Kind;
use crate::settings::NotificationsSettings;
use crate::shortcuts::Shortcut;
use crate::words::{self, Block};

pub(crate) use email::Unsubscribing;

/// Why an answer of a good status is a failure all the same.
const NO_SUCCESS: &str = "the answer is no success";
/// The status of an answer to somebody who calls too often.
const TOO_MANY: u16 = 429;
/// Seconds to wait then, where the answer says nothing of it.
const USUAL_WAIT: i64 = 30;

/// A notice as it leaves.
#[derive(Clone, Debug)]
pub struct Letter<'a> {
    /// The notice: the idempotency key of every gateway that takes one.
    pub notice: NoticeId,
    /// Where to: an address of e-mail, a phone's digits, a chat.
    pub to: &'a str,
    /// What it is about.
    pub kind: Kind,
    /// Title.
    pub title: &'a str,
    /// Text.
    pub blocks: &'a [Block],
    /// The section of the portal that it leads to; empty for none.
    pub link: &'a str,
    /// Ways in one step, for channels with room for them.
    pub shortcuts: &'a [Shortcut],
    /// Where one POST ends letters like this one: a path with a token.
    pub unsubscribe: String,
}

impl Letter<'_> {
    /// Title and text without markup.
    fn text(&self) -> String {
        format!("{}\n\n{}", self.title, words::plain(self.blocks))
    }
}

/// What a carrier makes of a notice.
#[derive(Clone, Debug)]
pub enum Parcel {
    /// A letter for the platform's outbox: written in the transaction that records the attempt.
    Outbox(Box<Mail>),
    /// A call to be made after the attempt was recorded.
    Call(Call),
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The other side took it.
    Sent,
    /// It failed and may go better later, not before so many seconds where the other side said so.
    Retry(String, Option<i64>),
    /// It was too early: to be made again after so many seconds. No attempt that failed, unless it is said for long.
    Later(i64),
    /// It was not made: its turn is so many seconds away.
    Unmade(i64),
    /// It never will.
    Failed(String),
}

/// The company's own part of a channel: its settings and its secrets.
#[derive(Clone, Debug, Default)]
pub struct Means {
    /// The settings.
    pub settings: NotificationsSettings,
    /// Tokens by channel.
    pub tokens: HashMap<Channel, String>,
}

impl Means {
    fn token(&self, channel: Channel) -> &str {
        self.tokens.get(&channel).map_or("", String::as_str)
    }

    /// Where a messenger's API is, without a slash at the end, and the token of the company's bot there; an error
    /// says in English what the company has not set up.
    fn bot<'a>(&'a self, messenger: Channel, usual_base: &'a str) -> Result<(&'a str, &'a str), String> {
        let name = messenger.words();
        let bot = self.settings.bot(messenger).ok_or_else(|| format!("no bot of {name} is set up"))?;
        let token = self.token(messenger);
        if token.is_empty() {
            return Err(format!("the bot of {name} has no token"));
        }
        let base = if bot.base_url.is_empty() { usual_base } else { bot.base_url.trim_end_matches('/') };
        Ok((base, token))
    }
}

/// Brings notices to people by one channel.
pub trait Carrier: Send + Sync {
    /// The channel.
    fn channel(&self) -> Channel;
    /// What a notice costs, kopecks.
    fn cost(&self, _: &Means, _: &Letter<'_>) -> Money {
        Money(0)
    }
    /// The notice ready to leave; an error says in English what the company has not set up.
    fn parcel(&self, means: &Means, letter: &Letter<'_>) -> Result<Parcel, String>;
    /// How many calls a second the other side takes of a company; none where nothing is known of it.
    fn per_second(&self, _: &Means) -> Option<u32> {
        None
    }
    /// What an answer means.
    fn judge(&self, means: &Means, answer: &Answer) -> Outcome;
}

/// The carrier of a channel.
#[must_use]
pub fn of(channel: Channel) -> &'static dyn Carrier {
    match channel {
        Channel::Email => &email::Email,
        Channel::Sms => &sms::Sms,
        Channel::Max => &max::Max,
        Channel::Telegram => &telegram::Telegram,
    }
}

/// A few words to a chat that wrote to the bot.
pub(crate) fn reply(means: &Means, channel: Channel, chat: &str, text: &str) -> Result<Call, String> {
    match channel {
        Channel::Max => max::call(means, chat, text),
        Channel::Telegram => telegram::call(means, chat, text),
        Channel::Email | Channel::Sms => Err("nobody writes back by this channel".to_owned()),
    }
}

/// The call that has a messenger send what is written to the bot to `url`, with `secret` in a header.
pub(crate) fn subscription(means: &Means, channel: Channel, url: &str, secret: &str) -> Result<Call, String> {
    match channel {
        Channel::Max => max::subscription(means, url, secret),
        Channel::Telegram => telegram::subscription(means, url, secret),
        Channel::Email | Channel::Sms => Err("nobody writes back by this channel".to_owned()),
    }
}

/// What most answers mean: a token that does not hold and faults of the other side pass.
fn usual(answer: &Answer) -> Outcome {
    match answer.status {
        200..=299 => Outcome::Sent,
        TOO_MANY => Outcome::Later(answer.retry_after.unwrap_or(USUAL_WAIT)),
        401 | 408 | 425 | 500..=599 => Outcome::Retry(format!("status {}", answer.status), answer.retry_after),
        status => Outcome::Failed(format!("status {status}")),
    }
}

/// A text of at most so many letters.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let short: String = text.chars().take(most - 1).collect();
    format!("{}…", short.trim_end())
}

#[cfg(test)]
mod tests;
