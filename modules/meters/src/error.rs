//! Why the module did not do what it was asked for.

use kabinet_contracts::MeterId;
use kabinet_core::DbError;

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
    /// A meter's description or reading from a file or a program makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Error {
    /// The stable code that programs see.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::UnknownMeter(_) => "meters.unknown_meter",
            Self::Invalid(_) => "meters.invalid",
            Self::Db(_) => "database",
        }
    }
}
