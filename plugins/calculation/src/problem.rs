//! What can be wrong, before it is known which account it concerns.

use kabinet_tariff_sdk::{AccountFailure, Failure, TableFailure, TooLarge};

/// Words are Russian: the company's accountant reads them.
pub(crate) enum Problem {
    Account(String),
    Table(String),
    Unsupported(String),
    TooLarge,
}

const TOO_LARGE: &str = "число слишком велико: проверьте показания, площадь и тариф";

impl Problem {
    /// The failure of one account, or of a table it met.
    pub(crate) fn of_account(self, index: u32, service: Option<u16>) -> Failure {
        let message = match self {
            Problem::Account(message) => message,
            Problem::TooLarge => TOO_LARGE.to_owned(),
            Problem::Unsupported(message) => return Failure::Unsupported(message),
            Problem::Table(message) => match service {
                Some(service) => return Failure::Table(TableFailure { service, message }),
                None => message,
            },
        };
        Failure::Account(AccountFailure { index, service, message })
    }

    /// The failure of a table as such.
    pub(crate) fn of_table(self, service: u16) -> Failure {
        match self {
            Problem::Account(message) | Problem::Table(message) => Failure::Table(TableFailure { service, message }),
            Problem::TooLarge => Failure::Table(TableFailure { service, message: TOO_LARGE.to_owned() }),
            Problem::Unsupported(message) => Failure::Unsupported(message),
        }
    }
}

impl From<TooLarge> for Problem {
    fn from(_: TooLarge) -> Problem {
        Problem::TooLarge
    }
}
