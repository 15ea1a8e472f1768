//! Why the module did not do what it was asked for.

use kabinet_contracts::MeterId;
use kabinet_core::{DbError, Period};
use kabinet_files::FileError;
use kabinet_render::RenderError;
use kabinet_web::Problem;

use crate::verdict::Refusal;

/// A failure of the meters module.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The sent readings were refused; nothing was stored.
    #[error("the readings were refused")]
    Refused(Box<Refusal>),
    /// The company has no such meter.
    #[error("no meter {0}")]
    UnknownMeter(MeterId),
    /// The company has no such account, house, house meter, reading or photo; which it is tells the address.
    #[error("not found")]
    NotFound,
    /// A meter's description or reading from a file or a program makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// Fields that staff sent: their names and what is wrong.
    #[error("Проверьте данные")]
    Fields(Vec<(String, String)>),
    /// The meter is out of service already.
    #[error("Прибор уже снят")]
    AlreadyRemoved,
    /// A broken meter does not mend itself.
    #[error("Неисправный прибор заменяют: начисление по показаниям начнётся с нового")]
    Broken,
    /// The account is closed.
    #[error("Лицевой счет закрыт: приборы на нём не меняют")]
    AccountClosed,
    /// The reading was taken back already.
    #[error("Показание уже отменено")]
    AlreadyWithdrawn,
    /// The month is charged already.
    #[error(
        "Месяц {0} уже начислен: показание этого месяца исправляют, а не отменяют; другие данные вносят позже него"
    )]
    MonthCharged(Period),
    /// The files of photos.
    #[error(transparent)]
    Files(#[from] FileError),
    /// What was to be printed.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Error {
    /// A refusal of one field.
    pub(crate) fn field(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Fields(vec![(name.into(), text.into())])
    }

    /// The stable code that programs see.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::UnknownMeter(_) => "meters.unknown_meter",
            Self::NotFound => "meters.not_found",
            Self::Invalid(_) | Self::Fields(_) => "meters.invalid",
            Self::AlreadyRemoved => "meters.already_removed",
            Self::Broken => "meters.broken",
            Self::AccountClosed => "meters.account_closed",
            Self::AlreadyWithdrawn => "meters.already_withdrawn",
            Self::MonthCharged(_) => "meters.month_charged",
            Self::Files(_) => "meters.files",
            Self::Render(_) => "meters.print",
            Self::Db(_) => "database",
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let code = error.code();
        match error {
            Error::Refused(refusal) => {
                let text = if refusal.window_closed {
                    "Приём показаний закрыт"
                } else {
                    "Показания не приняты"
                };
                let fields = refusal.verdicts.into_iter().map(|verdict| (verdict.field, verdict.text));
                Self::refused(code, text).with_fields(fields.collect())
            }
            Error::UnknownMeter(_) | Error::NotFound | Error::Files(FileError::Missing) => Self::not_found(),
            Error::Files(cause) => Self::unavailable("files_unavailable", &cause),
            Error::Render(cause) => Self::fault(&cause),
            Error::Db(error) => error.into(),
            Error::Fields(fields) => Self::refused_fields(code, fields),
            other => Self::refused(code, other.to_string()),
        }
    }
}
