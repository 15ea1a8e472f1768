//! Why the module refuses.

use kabinet_core::{Day, DbError};
use kabinet_web::Problem;

/// A refusal or a fault.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such account here, or not this resident's; the two look alike.
    #[error("no such account")]
    NotFound,
    /// Number, house, flat and proof do not fit together; which of them is wrong is not said.
    #[error("Не удалось привязать лицевой счет: проверьте номер, дом, квартиру и то, что введено здесь")]
    Refused,
    /// Too many failed attempts: wait so many seconds.
    #[error("Слишком много попыток")]
    TooManyAttempts(i64),
    /// The account is linked to this resident already.
    #[error("Лицевой счет уже привязан")]
    AlreadyLinked,
    /// The account is closed.
    #[error("Лицевой счет закрыт")]
    Closed,
    /// A field of a form: its name and what is wrong.
    #[error("{1}")]
    Field(&'static str, &'static str),
    /// What staff sent makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// More people would be away on a day than live there.
    #[error("На {on} уже записано отсутствие {recorded} чел., а всего их на лицевом счете {live}")]
    AwayAlready {
        /// The first such day.
        on: Day,
        /// How many are away by what was recorded before.
        recorded: u32,
        /// How many live there.
        live: u32,
    },
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Error {
    /// The stable code for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "accounts.not_found",
            Self::Refused => "accounts.link_refused",
            Self::TooManyAttempts(_) => "accounts.too_many_attempts",
            Self::AlreadyLinked => "accounts.already_linked",
            Self::Closed => "accounts.closed",
            Self::Field(..) | Self::Invalid(_) => "accounts.invalid",
            Self::AwayAlready { .. } => "accounts.away_already",
            Self::Db(_) => "accounts.fault",
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let code = error.code();
        match error {
            Error::NotFound => Self::not_found(),
            Error::TooManyAttempts(seconds) => Self::too_many(seconds),
            Error::Db(cause) => cause.into(),
            Error::Field(field, text) => Self::refused_fields(code, [(field, text)]),
            other => Self::refused(code, other.to_string()),
        }
    }
}
