//! From what is known of accounts to the rows of a bill: pure, so that the same input gives the same
//! rows wherever and whenever it is calculated.

use std::collections::{BTreeMap, HashMap};

use kabinet_accounts::absences::Away;
use kabinet_accounts::roster::{AccountFacts, People};
use kabinet_contracts::AccountId;
use kabinet_core::{Day, Money, Period, Timestamp};
use kabinet_meters::consumption::MeterMonth;
use kabinet_plugin_host::api::{Account, AccountCharges, AveragedMonth, Batch, Parameter};
use kabinet_plugin_host::{PluginError, TariffPlugin};
use serde::{Deserialize, Serialize};

use crate::arrears::Arrears;
use crate::awards::Award;
use crate::error::Error;
use crate::instalments::DuePart;
use crate::plan::Plan;
use crate::trace::Correction;

mod absences;
mod averaged;
mod facts;
mod input;
mod rows;
mod settlement;
mod spans;
mod stretches;

#[cfg(test)]
pub(crate) use input::of_a_flat;
#[cfg(test)]
pub(crate) use spans::tests::facts;

pub(crate) use averaged::{Own, ReadMeter, UnreadMonth, Water, derived_part, given_back, made_of, part_of};
pub use facts::{Facts, FrozenAward, FrozenInstalment, FrozenMeter};
pub(crate) use input::{measured, measures, zone_of};
pub use rows::{AccountRows, Returned, ServiceCharge};
pub(crate) use rows::{CARRIED, method};
pub(crate) use stretches::Stretch;

/// Everything one account's bill is made of.
#[derive(Clone, Debug)]
pub struct AccountCase {
    /// The account, its premises and people.
    pub facts: AccountFacts,
    /// Its meters with the month's readings.
    pub meters: Vec<MeterMonth>,
    /// Codes of what no meter can be installed for, by act.
    pub unmeterable: Vec<String>,
    /// Months charged without a reading that a reading of this month covers, by service code.
    pub averaged: HashMap<String, Vec<AveragedMonth>>,
    /// Who counted from which day on, where that changed within the month; empty elsewhere.
    pub people: Vec<People>,
    /// Absences long enough to count.
    pub absences: Vec<Away>,
    /// Numbers for the plugin, by service code: benefits, the year of heating that is paid evenly.
    pub numbers: Vec<(String, Vec<Parameter>)>,
    /// What it owes and paid.
    pub standing: Standing,
    /// Parts of instalments that the bill asks for.
    pub instalments: Vec<DuePart>,
    /// What is left of courts' awards.
    pub awards: Vec<Award>,
}

/// What an account brings into a month from the months before, and what it paid; frozen with the run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Standing {
    /// Balances of its services at the start of the month, by service code.
    pub openings: BTreeMap<String, Money>,
    /// What it owes for months before the last billed one, by service code.
    pub arrears: BTreeMap<String, Arrears>,
    /// Payments to count, and those shortly before, in the order in which they are credited.
    pub payments: Vec<PaymentFact>,
    /// Corrections of closed months to bill, each with its service's code.
    pub corrections: Vec<(String, Correction)>,
}

/// A payment as a bill sees it. Payments are credited in the order of these fields: two that are alike in all of them
/// may change places, so that no bill depends on the order in which a file brought them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PaymentFact {
    /// When it was booked.
    pub booked_at: Timestamp,
    /// The day it was paid.
    pub paid_on: Day,
    /// Code of the receipt kind it was paid on.
    pub kind: String,
    /// The month it names, if any.
    pub period: Option<Period>,
    /// The sum.
    pub amount: Money,
    /// Whether this bill counts it (otherwise an earlier one did).
    pub counted: bool,
}

/// The platform's period as the plugin contract writes it.
pub(crate) fn api_period(period: Period) -> kabinet_plugin_host::api::Period {
    kabinet_plugin_host::api::Period {
        year: u16::try_from(period.year()).unwrap_or_default(),
        month: u8::try_from(period.month()).unwrap_or_default(),
    }
}

/// What the plugin makes of `cases`, in their order, with what it was given. Works on the processor until it
/// is done.
pub fn calculate(
    plan: &Plan,
    plugin: &TariffPlugin,
    cases: &[AccountCase],
) -> Result<(Vec<Account>, Vec<AccountCharges>), Error> {
    let accounts = (0_u32..).zip(cases).map(|(index, case)| input::account(plan, index, case)).collect();
    let number = |index: usize| cases.get(index).map_or("?", |case| case.facts.number.as_str()).to_owned();
    charge(plan, plugin, accounts, number)
}

/// What the plugin makes of what it is given; `number` is the printed number of the account at a position.
pub(crate) fn charge(
    plan: &Plan,
    plugin: &TariffPlugin,
    mut accounts: Vec<Account>,
    number: impl Fn(usize) -> String,
) -> Result<(Vec<Account>, Vec<AccountCharges>), Error> {
    let (houses, taken) = plan.houses().of_accounts(&mut accounts, |code| plan.tables_of(code));
    let mut batch =
        Batch { period: api_period(plan.period), parameters: plan.parameters(), tables: Vec::new(), houses, accounts };
    let mut charged = Vec::with_capacity(1);
    for (stretch, tables) in plan.stretches() {
        batch.tables = tables;
        charged.push((stretch, plugin.calculate(&batch).map_err(|error| explained(plan, &number, error))?));
    }
    let charges = match <[_; 1]>::try_from(charged) {
        Ok([(_, whole_month)]) => Some(whole_month).filter(|charges| charges.len() == batch.accounts.len()),
        Err(charged) => stretches::put_together(&batch.tables, &batch.accounts, &charged),
    };
    let charges = charges.ok_or_else(|| Error::Stopped("плагин рассчитал не все счета".into()))?;
    for account in &mut batch.accounts {
        account.house = account.house.and_then(|at| taken.get(usize::try_from(at).ok()?).copied());
    }
    Ok((batch.accounts, charges))
}

/// The rows of one account's bill; `facts` is what its receipt says beside the sums, as [`frozen`] writes it.
#[must_use]
pub fn bill(
    plan: &Plan,
    account: AccountId,
    standing: &Standing,
    charges: &AccountCharges,
    facts: String,
) -> AccountRows {
    rows::bill(plan, account, standing, charges, facts)
}

/// What a receipt says beside its sums, as text.
#[must_use]
pub fn frozen(plan: &Plan, case: &AccountCase) -> String {
    serde_json::to_string(&facts::freeze(plan, case)).unwrap_or_default()
}

/// The account's identifier.
#[must_use]
pub fn account_of(case: &AccountCase) -> AccountId {
    case.facts.id
}

/// A plugin's error with the account number and the service's name in place of positions.
fn explained(plan: &Plan, number: &impl Fn(usize) -> String, error: PluginError) -> Error {
    let service =
        |table: u16| plan.snapshot.services.get(plan.owner(table)).map_or("?", |(service, _)| service.title.as_str());
    match error {
        PluginError::Account { index, service: table, message } => {
            let number = number(usize::try_from(index).unwrap_or(usize::MAX));
            let of = table.map(|table| format!(", услуга «{}»", service(table))).unwrap_or_default();
            Error::Stopped(format!("лицевой счёт {number} (№ {index} в пачке){of}: {message}"))
        }
        PluginError::Table { service: table, message } => {
            Error::Stopped(format!("услуга «{}»: {message}", service(table)))
        }
        other => Error::Plugin(other),
    }
}
