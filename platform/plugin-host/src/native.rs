//! The standard plugin's own code, compiled natively: what a component's speed is measured by.
//! The same conversions stand at both edges, over the types of the author's SDK.

use kabinet_tariff_sdk as wit;
use kabinet_tariff_sdk::Tariff;
use kabinet_tariff_standard::Standard;

use crate::api::{AccountCharges, Batch};
use crate::error::PluginError;
use crate::verify;

#[path = "v1/input.rs"]
mod input;
#[path = "v1/output.rs"]
mod output;

/// The charges of the batch's accounts, as [`crate::TariffPlugin::calculate`] gives them.
pub fn calculate(batch: &Batch) -> Result<Vec<AccountCharges>, PluginError> {
    let input = input::batch(batch)?;
    let charges = output::charges(Standard::calculate(&input).map_err(output::failure)?)?;
    verify::charges(batch, &charges)?;
    Ok(charges)
}
