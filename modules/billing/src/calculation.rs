//! From what is known of accounts to the rows of a bill: pure, so that the same input gives the same
//! rows wherever and whenever it is calculated.

use std::collections::HashMap;

use kabinet_accounts::roster::AccountFacts;
use kabinet_contracts::AccountId;
use kabinet_core::{Day, Money, Period, Timestamp};
use kabinet_meters::consumption::MeterMonth;
use kabinet_plugin_host::api::{AccountCharges, AveragedMonth, Batch};
use kabinet_plugin_host::{PluginError, TariffPlugin};

use crate::arrears::Arrears;
use crate::error::Error;
use crate::plan::Plan;

mod facts;
mod input;
mod rows;
mod settlement;

pub use facts::{Facts, FrozenMeter};
pub(crate) use input::{measured, zone_of};
pub use rows::{AccountRows, ServiceCharge};
pub(crate) use rows::{CARRIED, method};

/// Everything one account's bill is made of.
#[derive(Clone, Debug)]
pub struct AccountCase {
    /// The account, its premises and people.
    pub facts: AccountFacts,
    /// Its meters with the month's readings.
    pub meters: Vec<MeterMonth>,
    /// Balances of its services at the start of the month, by service code.
    pub openings: HashMap<String, Money>,
    /// What it owes for months before the last billed one, by service code.
    pub arrears: HashMap<String, Arrears>,
    /// Months charged without a reading that a reading of this month covers, by service code.
    pub averaged: HashMap<String, Vec<AveragedMonth>>,
    /// Payments to count, and those shortly before, oldest first.
    pub payments: Vec<PaymentFact>,
}

/// A payment as a bill sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentFact {
    /// Code of the receipt kind it was paid on.
    pub kind: String,
    /// The sum.
    pub amount: Money,
    /// The day it was paid.
    pub paid_on: Day,
    /// The month it names, if any.
    pub period: Option<Period>,
    /// Whether this bill counts it (otherwise an earlier one did).
    pub counted: bool,
    /// When it was booked.
    pub booked_at: Timestamp,
}

/// The platform's period as the plugin contract writes it.
pub(crate) fn api_period(period: Period) -> kabinet_plugin_host::api::Period {
    kabinet_plugin_host::api::Period {
        year: u16::try_from(period.year()).unwrap_or_default(),
        month: u8::try_from(period.month()).unwrap_or_default(),
    }
}

/// What the plugin makes of `cases`, in their order. Works on the processor until it is done.
pub fn calculate(plan: &Plan, plugin: &TariffPlugin, cases: &[AccountCase]) -> Result<Vec<AccountCharges>, Error> {
    let batch = Batch {
        period: api_period(plan.period),
        parameters: plan.parameters(),
        tables: plan.tables.clone(),
        houses: Vec::new(),
        accounts: (0_u32..).zip(cases).map(|(index, case)| input::account(plan, index, case)).collect(),
    };
    let charges = plugin.calculate(&batch).map_err(|error| explained(plan, cases, error))?;
    if charges.len() != cases.len() {
        return Err(Error::Stopped("плагин рассчитал не все счета".into()));
    }
    Ok(charges)
}

/// The rows of one account's bill.
#[must_use]
pub fn bill(plan: &Plan, case: &AccountCase, charges: &AccountCharges) -> AccountRows {
    rows::bill(plan, case, charges)
}

/// The account's identifier.
#[must_use]
pub fn account_of(case: &AccountCase) -> AccountId {
    case.facts.id
}

/// A plugin's error with the account number and the service's name in place of positions.
fn explained(plan: &Plan, cases: &[AccountCase], error: PluginError) -> Error {
    let service =
        |table: u16| plan.snapshot.services.get(plan.owner(table)).map_or("?", |(service, _)| service.title.as_str());
    match error {
        PluginError::Account { index, service: table, message } => {
            let place = usize::try_from(index).unwrap_or(usize::MAX);
            let number = cases.get(place).map_or("?", |case| case.facts.number.as_str());
            let of = table.map(|table| format!(", услуга «{}»", service(table))).unwrap_or_default();
            Error::Stopped(format!("лицевой счёт {number} (№ {index} в пачке){of}: {message}"))
        }
        PluginError::Table { service: table, message } => {
            Error::Stopped(format!("услуга «{}»: {message}", service(table)))
        }
        other => Error::Plugin(other),
    }
}
