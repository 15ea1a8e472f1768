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
use kabinet_web::{AccountRef, Problem};

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
