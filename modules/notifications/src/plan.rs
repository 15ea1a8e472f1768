//! What to do next with a notice: a pure question over what was tried before.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use kabinet_core::Timestamp;

use crate::channel::Channel;
use crate::choices::Choices;
use crate::kind::Kind;
use crate::settings::NotificationsSettings;

/// How often a channel is tried before it has failed for good. The last time once more where its end is not known.
pub const MOST_ATTEMPTS: i32 = 6;
/// How long a channel may ask to wait, seconds from the first attempt: afterwards each time counts as an attempt that
/// failed, so that what is never taken comes to an end.
pub const PATIENCE: i64 = 24 * 3600;
/// What stands in the log beside a channel whose notice was stopped before it was delivered.
pub(crate) const STOPPED: &str = "stopped before it was delivered";
/// Minutes after the first, second… attempt that failed.
const PAUSES: [i64; 5] = [1, 5, 15, 60, 180];

/// How a notice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeState {
    /// Something is still to be done.
    Waiting,
    /// A letter is in the outbox: its end is told later.
    Handed,
    /// It reached the person by a channel.
    Sent,
    /// It is in the portal only: no channel leads to the person, or the person wants none.
    Silent,
    /// Every channel failed.
    Failed,
    /// It was taken back, or its time was over before it could be delivered.
    Stopped,
}

impl NoticeState {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Waiting, Self::Handed, Self::Sent, Self::Silent, Self::Failed, Self::Stopped];

    /// Its name in the API and the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Handed => "handed",
            Self::Sent => "sent",
            Self::Silent => "silent",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

/// How the attempt to deliver by one channel stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// Begun, its outcome not known; or to be repeated.
    Trying,
    /// A letter in the outbox.
    Handed,
    /// The channel took it.
    Sent,
    /// Failed for good.
    Failed,
    /// Passed over: it would have cost more than the month may, or another letter brings the same.
    Skipped,
}

impl Attempt {
    const ALL: [Self; 5] = [Self::Trying, Self::Handed, Self::Sent, Self::Failed, Self::Skipped];

    /// Its name in the API and the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Trying => "trying",
            Self::Handed => "handed",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    /// The state of this name; what this release does not know is never tried again.
    #[must_use]
    pub fn of(code: &str) -> Self {
        Self::ALL.into_iter().find(|attempt| attempt.code() == code).unwrap_or(Self::Failed)
    }
}

/// A channel that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The channel.
    pub channel: Channel,
    /// How that went.
    pub attempt: Attempt,
    /// How often.
    pub attempts: i32,
    /// When the first attempt began.
    pub since: Timestamp,
}

/// Whom a notice is for, with the ways that lead there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addressee {
    /// Address of e-mail.
    pub email: String,
    /// Phone as its owner wrote it; may be empty.
    pub phone: String,
    /// Chats that were linked.
    pub chats: BTreeMap<Channel, String>,
    /// What the person wants.
    pub choices: Choices,
}

impl Addressee {
    /// Where the person is by this channel; none where the channel does not lead there.
    #[must_use]
    pub fn address(&self, channel: Channel) -> Option<String> {
        match channel {
            Channel::Email => Some(self.email.clone()).filter(|email| email.contains('@')),
            Channel::Sms => phone_digits(&self.phone),
            Channel::Max | Channel::Telegram => self.chats.get(&channel).cloned(),
        }
    }
}

/// A Russian number as gateways take it, `79123456789`; none for anything else.
fn phone_digits(phone: &str) -> Option<String> {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    match (digits.len(), digits.as_bytes().first()) {
        (11, Some(b'7' | b'8')) => Some(format!("7{}", &digits[1..])),
        (10, Some(b'9')) => Some(format!("7{digits}")),
        _ => None,
    }
}

/// What a message says about its delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief {
    /// What it is about.
    pub kind: Kind,
    /// The only channels it may take; empty for all.
    pub channels: Vec<Channel>,
    /// The first moment at which it does not hold any more.
    pub valid_until: Option<Timestamp>,
    /// Whether it was taken back.
    pub cancelled: bool,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Try this channel, or try it again.
    Try(Channel),
    /// This channel has failed though no answer said so; why, in English for the log.
    GiveUp(Channel, &'static str),
    /// Nothing before this moment: it is quiet.
    Wait(Timestamp),
    /// Nothing any more.
    End(NoticeState),
}

/// What to do next with a notice at `now`. A later channel is tried only when the former one failed for good.
#[must_use]
pub fn next_step(
    brief: &Brief,
    who: Option<&Addressee>,
    tried: &[Tried],
    settings: &NotificationsSettings,
    (now, zone): (Timestamp, Tz),
) -> Step {
    let open = tried.iter().find(|tried| tried.attempt == Attempt::Trying);
    let over = brief.cancelled || brief.valid_until.is_some_and(|end| end <= now);
    let Some(who) = who.filter(|_| !over) else {
        return open.map_or(Step::End(NoticeState::Stopped), |open| Step::GiveUp(open.channel, STOPPED));
    };
    // One above the most: an attempt whose server died may not have been made.
    if let Some(open) = open.filter(|open| open.attempts > MOST_ATTEMPTS) {
        return Step::GiveUp(open.channel, "its last attempt did not end");
    }
    let ended = |channel: &Channel| {
        let ended = [Attempt::Failed, Attempt::Skipped];
        tried.iter().any(|tried| tried.channel == *channel && ended.contains(&tried.attempt))
    };
    let allowed = |channel: &Channel| brief.channels.is_empty() || brief.channels.contains(channel);
    let mut left = who
        .choices
        .channels(settings, brief.kind)
        .into_iter()
        .filter(|channel| allowed(channel) && !ended(channel) && who.address(*channel).is_some());
    // What was begun goes on, whatever the order says now.
    match open.map(|open| open.channel).or_else(|| left.next()) {
        Some(channel) => {
            let quiet = who.choices.quiet_hours(settings).filter(|_| channel.rings());
            let end = quiet.and_then(|quiet| quiet.end_after(now, zone));
            end.map_or(Step::Try(channel), Step::Wait)
        }
        None if tried.iter().any(|tried| tried.attempt == Attempt::Failed) => Step::End(NoticeState::Failed),
        None => Step::End(NoticeState::Silent),
    }
}

/// Whether to be asked to wait is no attempt that failed, of a notice that a channel was first tried for at `since`.
#[must_use]
pub fn is_patient(now: Timestamp, since: Timestamp) -> bool {
    now < since.plus_seconds(PATIENCE)
}

/// When a channel is tried again after the attempt with this number failed; none when that was the last.
#[must_use]
pub fn retry_at(now: Timestamp, attempts: i32) -> Option<Timestamp> {
    let index = usize::try_from(attempts - 1).unwrap_or_default();
    PAUSES.get(index).map(|minutes| now.plus_seconds(minutes * 60))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
