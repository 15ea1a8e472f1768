//! Named numbers of a table or of an account's consumption.

use kabinet_tariff_sdk::{Exact, Parameter};

/// The number under a name, if it was given.
pub(crate) fn find(parameters: &[Parameter], name: &str) -> Option<Exact> {
    parameters.iter().find(|parameter| parameter.name == name).map(|parameter| parameter.value.into())
}
