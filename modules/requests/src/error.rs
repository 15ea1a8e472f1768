//! Why the module refuses.

use kabinet_core::DbError;
use kabinet_files::FileError;
use kabinet_web::Problem;

/// A refusal or a fault.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such request here, or not this resident's; the two look alike.
    #[error("no such request")]
    NotFound,
    /// Fields of a form: their names and what is wrong.
    #[error("Проверьте заявку")]
    Fields(Vec<(&'static str, String)>),
    /// The account is closed.
    #[error("Лицевой счет закрыт: заявки по нему не принимаются")]
    AccountClosed,
    /// Somebody took the request before.
    #[error("Заявка уже принята")]
    AlreadyAccepted,
    /// The request does not go from its state to the wanted one.
    #[error("Заявка сейчас «{0}»: так её изменить нельзя")]
    WrongState(&'static str),
    /// The request has ended; it may have to be opened again first.
    #[error("Заявка завершена")]
    Closed,
    /// The days in which it could be opened again are over.
    #[error("Вернуть заявку в работу можно было в течение 7 дней после её завершения")]
    TooLate,
    /// It was rated before.
    #[error("Оценка уже поставлена")]
    AlreadyRated,
    /// The files.
    #[error(transparent)]
    Files(#[from] FileError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Error {
    /// A refusal of one field.
    pub(crate) fn field(name: &'static str, text: impl Into<String>) -> Self {
        Self::Fields(vec![(name, text.into())])
    }

    /// The stable code for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "requests.not_found",
            Self::Fields(_) => "requests.invalid",
            Self::AccountClosed => "requests.account_closed",
            Self::AlreadyAccepted => "requests.already_accepted",
            Self::WrongState(_) => "requests.wrong_state",
            Self::Closed => "requests.closed",
            Self::TooLate => "requests.too_late",
            Self::AlreadyRated => "requests.already_rated",
            Self::Files(_) | Self::Db(_) => "requests.fault",
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let code = error.code();
        match error {
            Error::NotFound | Error::Files(FileError::Missing) => Self::not_found(),
            Error::Db(cause) => cause.into(),
            Error::Files(cause) => Self::unavailable("files_unavailable", &cause),
            Error::Fields(fields) => Self::refused_fields(code, fields),
            other => Self::refused(code, other.to_string()),
        }
    }
}
