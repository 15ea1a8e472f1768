//! What programs may ask.

pub(crate) mod admin;
pub(crate) mod faults;
mod fields;
pub(crate) mod houses;
pub(crate) mod impossibility;
pub(crate) mod links;
pub(crate) mod portal;
pub(crate) mod readings;
pub(crate) mod settings;

use kabinet_core::{Day, PermissionKey};
use kabinet_files::FileError;
use kabinet_web::{AccountRef, Problem};

use crate::error::Error;

/// May see meters and readings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadReadings;

impl PermissionKey for ReadReadings {
    const KEY: &'static str = "meters.read_readings";
}

/// May change meters, readings and the rules for them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manage;

impl PermissionKey for Manage {
    const KEY: &'static str = "meters.manage";
}

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
        Error::UnknownMeter(_) | Error::NotFound | Error::Files(FileError::Missing) => Problem::not_found(),
        Error::Files(cause) => Problem::fault(&cause),
        Error::Db(error) => error.into(),
        Error::Fields(fields) => Problem::refused_fields(code, fields),
        other => Problem::refused(code, other.to_string()),
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
