//! Why the module refuses.

use kabinet_core::DbError;
use kabinet_web::Problem;
use poem::http::StatusCode;

/// A refusal or a fault.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// E-mail and password do not fit together; which of them is wrong is not said.
    #[error("Неверный Email или пароль")]
    WrongCredentials,
    /// Too many attempts: wait so many seconds.
    #[error("Слишком много попыток")]
    TooManyAttempts(i64),
    /// So many people log in at this moment that hashing has a queue.
    #[error("Сейчас входит слишком много людей, попробуйте через минуту")]
    Busy,
    /// The password is too short, too long or too common.
    #[error("{0}")]
    WeakPassword(&'static str),
    /// The e-mail belongs to a login already.
    #[error("Пользователь с таким email уже существует")]
    EmailTaken,
    /// The new e-mail is the one that is the login already.
    #[error("Это и есть Ваш нынешний Email")]
    SameEmail,
    /// The current password, asked for before a change, is another one.
    #[error("Текущий пароль указан неверно")]
    WrongCurrentPassword,
    /// A mailed link is unknown, used or over; which of it is not said.
    #[error("Ссылка недействительна: она уже использована или её срок истёк")]
    StaleLink,
    /// Hashing failed.
    #[error("password hashing: {0}")]
    Hashing(String),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Error {
    /// The stable code for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::WrongCredentials => "residents.wrong_credentials",
            Self::TooManyAttempts(_) => "residents.too_many_attempts",
            Self::Busy => "residents.busy",
            Self::WeakPassword(_) => "residents.weak_password",
            Self::EmailTaken => "residents.email_taken",
            Self::SameEmail => "residents.same_email",
            Self::WrongCurrentPassword => "residents.wrong_current_password",
            Self::StaleLink => "residents.stale_link",
            Self::Hashing(_) | Self::Db(_) => "residents.fault",
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let code = error.code();
        match error {
            Error::TooManyAttempts(seconds) => Self::too_many(seconds),
            Error::Busy => Self {
                retry_after: Some(30),
                ..Self::new(StatusCode::SERVICE_UNAVAILABLE, code, Error::Busy.to_string())
            },
            Error::Db(cause) => cause.into(),
            Error::Hashing(cause) => Self::fault(&cause),
            other => Self::refused(code, other.to_string()),
        }
    }
}
