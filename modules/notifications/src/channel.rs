//! The ways by which a notice reaches a person, beside the portal itself.

use serde::{Deserialize, Serialize};

/// A way to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// The bot of MAX.
    Max,
    /// The bot of Telegram.
    Telegram,
    /// A letter.
    Email,
    /// A short message to the phone.
    Sms,
}

impl Channel {
    /// All of them, in the order in which they are tried unless somebody decides otherwise: the paid one last.
    pub const ALL: [Self; 4] = [Self::Max, Self::Telegram, Self::Email, Self::Sms];

    /// Its name in the API, the settings and the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Max => "max",
            Self::Telegram => "telegram",
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }

    /// Its name for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Max => "MAX",
            Self::Telegram => "Telegram",
            Self::Email => "Почта",
            Self::Sms => "СМС",
        }
    }

    /// The channel of this name.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.code() == code)
    }

    /// Whether it makes a phone ring, so that quiet hours hold for it.
    #[must_use]
    pub const fn rings(self) -> bool {
        !matches!(self, Self::Email)
    }

    /// Whether people write back by it.
    #[must_use]
    pub const fn is_chat(self) -> bool {
        matches!(self, Self::Max | Self::Telegram)
    }
}
