//! Why the module refuses.

use kabinet_core::DbError;
use kabinet_render::RenderError;
use kabinet_web::Problem;

/// A refusal or a fault.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such account or application here, or not this person's; the two look alike.
    #[error("no such account or application")]
    NotFound,
    /// A field of the form and what is wrong with it.
    #[error("{1}")]
    Field(&'static str, String),
    /// The account is closed.
    #[error("Лицевой счет закрыт: квитанций по нему больше не будет")]
    AccountClosed,
    /// There is no address to send receipts to.
    #[error("Сначала укажите Email в настройках личного кабинета")]
    NoEmail,
    /// The resident refused paper before.
    #[error("Вы уже отказались от бумажной квитанции по этому лицевому счету")]
    AlreadyRefused,
    /// Paper is printed already.
    #[error("По этому лицевому счету печатается бумажная квитанция")]
    NotRefused,
    /// Somebody else applied for the same account at the same moment.
    #[error("Заявление с этим номером уже подано. Откройте форму ещё раз")]
    Overtaken,
    /// The document cannot be made.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Error {
    /// The stable code for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "paperless.not_found",
            Self::Field(..) => "paperless.invalid",
            Self::AccountClosed => "paperless.account_closed",
            Self::NoEmail => "paperless.no_email",
            Self::AlreadyRefused => "paperless.already_refused",
            Self::NotRefused => "paperless.not_refused",
            Self::Overtaken => "paperless.overtaken",
            Self::Render(_) | Self::Db(_) => "paperless.fault",
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let code = error.code();
        match error {
            Error::NotFound => Self::not_found(),
            Error::Db(cause) => cause.into(),
            Error::Render(cause) => Self::fault(&cause),
            Error::Field(field, text) => Self::refused_fields(code, [(field, text)]),
            other => Self::refused(code, other.to_string()),
        }
    }
}
