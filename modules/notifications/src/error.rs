//! Why the module refuses.

use kabinet_core::DbError;
use kabinet_web::Problem;

/// A refusal or a fault.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such message here, or not this resident's; the two look alike.
    #[error("no such message")]
    NotFound,
    /// Fields of a message or a form: their names and what is wrong.
    #[error("Проверьте уведомление")]
    Fields(Vec<(&'static str, String)>),
    /// It was sent before.
    #[error("Уведомление уже отправлено")]
    AlreadySent,
    /// It was taken back.
    #[error("Уведомление отозвано")]
    Cancelled,
    /// The company has not set the channel up.
    #[error("Этот канал у компании не настроен")]
    NoChannel,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Error {
    /// The stable code for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "notifications.not_found",
            Self::Fields(_) => "notifications.invalid",
            Self::AlreadySent => "notifications.already_sent",
            Self::Cancelled => "notifications.cancelled",
            Self::NoChannel => "notifications.no_channel",
            Self::Db(_) => "notifications.fault",
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let code = error.code();
        match error {
            Error::NotFound => Self::not_found(),
            Error::Db(cause) => cause.into(),
            Error::Fields(fields) => Self::refused_fields(code, fields),
            other => Self::refused(code, other.to_string()),
        }
    }
}
