//! The tariff plugin of a heat supplier: heating, hot water and the heat in it, nothing else.

use kabinet_tariff_calculation::{HEAT_IN_WATER, HEATING, METERED, Rule, calculate, names};
use kabinet_tariff_sdk::{AccountCharges, Batch, Failure, Tariff, export_tariff};

/// The rules this plugin offers.
const RULES: [Rule; 3] = [HEATING, METERED, HEAT_IN_WATER];

/// The calculation of a heat supplier.
pub struct Heat;

impl Tariff for Heat {
    const ID: &'static str = "heat";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const RULES: &'static [&'static str] = &names(&RULES);

    fn calculate(batch: &Batch) -> Result<Vec<AccountCharges>, Failure> {
        calculate(batch, &RULES)
    }
}

export_tariff!(Heat);
