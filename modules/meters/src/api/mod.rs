//! What programs may ask.

pub(crate) mod links;
pub(crate) mod portal;

use kabinet_core::Day;
use kabinet_web::{AccountRef, Problem};

use crate::error::Error;

/// A failure of the module as a problem: a refusal with its fields.
pub(crate) fn problem(error: Error) -> Problem {
    let code = error.code();
    match error {
        Error::Refused(refusal) => {
            let text = if refusal.window_closed {
                "Приём показаний закрыт"
            } else {
                "Показания не приняты"
            };
            let fields = refusal.verdicts.into_iter().map(|verdict| (verdict.field, verdict.text));
            Problem::refused(code, text).with_fields(fields.collect())
        }
        Error::UnknownMeter(_) => Problem::not_found(),
        Error::Invalid(text) => Problem::refused(code, text),
        Error::Db(error) => error.into(),
    }
}

/// A closed account can only be read.
pub(crate) fn closed_account(account: &AccountRef, today: Day) -> Result<(), Problem> {
    match account.closed_on.filter(|closed| *closed <= today) {
        Some(closed) => {
            let text = format!("Лицевой счет закрыт {closed}: показания по нему не принимаются");
            Err(Problem::refused("meters.account_closed", text))
        }
        None => Ok(()),
    }
}
