//! What a notice is about; residents choose by it what reaches them.

use serde::{Deserialize, Serialize};

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Words of the company's staff.
    Message,
    /// A resource will be switched off in a house.
    Outage,
    /// Readings are taken from today.
    WindowOpens,
    /// Readings are taken until tomorrow, and none were sent.
    WindowCloses,
    /// A receipt was published.
    Receipt,
    /// The debt is above the company's limit.
    Debt,
    /// A meter's verification ends.
    Verification,
    /// A request was answered or moved on.
    Request,
}

impl Kind {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 8] = [
        Self::Message,
        Self::Outage,
        Self::WindowOpens,
        Self::WindowCloses,
        Self::Receipt,
        Self::Debt,
        Self::Verification,
        Self::Request,
    ];

    /// Its name in addresses, the API and the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Outage => "outage",
            Self::WindowOpens => "window_opens",
            Self::WindowCloses => "window_closes",
            Self::Receipt => "receipt",
            Self::Debt => "debt",
            Self::Verification => "verification",
            Self::Request => "request",
        }
    }

    /// Its name for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Message => "Сообщения компании",
            Self::Outage => "Плановые отключения",
            Self::WindowOpens => "Начало приёма показаний",
            Self::WindowCloses => "Показания не переданы, приём закрывается",
            Self::Receipt => "Новая квитанция",
            Self::Debt => "Задолженность",
            Self::Verification => "Окончание поверки счётчика",
            Self::Request => "Ответы на заявки",
        }
    }

    /// Whether it asks for readings: its letter offers a way to send them in one step.
    #[must_use]
    pub fn asks_for_readings(self) -> bool {
        matches!(self, Self::WindowOpens | Self::WindowCloses)
    }

    /// The kind of this name.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}
