//! The standard tariff plugin: every rule of [`kabinet_tariff_calculation`].

use kabinet_tariff_calculation::{
    AREA, COMMON_PROPERTY, DRAINAGE, HEAT_IN_WATER, HEATING, METERED, PERSONS, Rule, calculate, names,
};
use kabinet_tariff_sdk::{AccountCharges, Batch, Failure, Tariff, export_tariff};

/// The rules this plugin offers.
const RULES: [Rule; 7] = [METERED, DRAINAGE, AREA, PERSONS, HEATING, HEAT_IN_WATER, COMMON_PROPERTY];

/// The standard calculation of ПП РФ 354.
pub struct Standard;

impl Tariff for Standard {
    const ID: &'static str = "standard";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const RULES: &'static [&'static str] = &names(&RULES);

    fn calculate(batch: &Batch) -> Result<Vec<AccountCharges>, Failure> {
        calculate(batch, &RULES)
    }
}

export_tariff!(Standard);
