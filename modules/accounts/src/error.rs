//! Why the module refuses.

use kabinet_core::DbError;
use kabinet_web::Problem;

/// A refusal or a fault.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such account here, or not this resident's; the two look alike.
    #[error("no such account")]
    NotFound,
    /// The account is linked to this resident already.
    #[error("Лицевой счет уже привязан")]
    AlreadyLinked,
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
            Self::AlreadyLinked => "accounts.already_linked",
            Self::Db(_) => "accounts.fault",
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let code = error.code();
        match error {
            Error::NotFound => Self::not_found(),
            Error::AlreadyLinked => Self::refused(code, error.to_string()),
            Error::Db(cause) => cause.into(),
        }
    }
}
