//! The rules of ПП РФ 354, for plugins to choose from.
//!
//! | Rule | Services | Volume |
//! |---|---|---|
//! | [`METERED`] | water, electricity, gas | meters; without a reading the average, then the norm |
//! | [`DRAINAGE`] | wastewater | its own meter, or cold plus hot water of the account |
//! | [`HEAT_IN_WATER`] | heat of hot water in two components | hot water × norm, Гкал |
//! | [`HEATING`] | heating | area × norm, or own heat and a share of the house's rest |
//! | [`COMMON_PROPERTY`] | resources for common property | a share of norm × common area, or of the house's rest |
//! | [`AREA`] | maintenance, capital repair, waste by area | square metres |
//! | [`PERSONS`] | waste by person | residents, or owners where nobody is registered |
//!
//! Tables may name several prices: by zone of the day, and by range of the month's volume.
//! Every rule knows benefits. `docs/plugins.md` lists the parameters.

mod absence;
mod averages;
mod benefit;
mod case;
mod house;
mod parameter;
mod people;
mod price;
mod problem;
mod rules;
mod run;
mod volume;

use kabinet_tariff_sdk::{AccountCharges, Batch, Failure, Line};

use crate::case::Case;
use crate::problem::Problem;
use crate::run::Run;

/// One way to charge a service, under the name that service tables ask for.
#[derive(Clone, Copy)]
pub struct Rule {
    name: &'static str,
    /// Made of other lines of the account, so it waits for them.
    derived: bool,
    line: fn(&Case<'_>, &[Option<Line>]) -> Result<Line, Problem>,
}

/// `metered`: volume by meter × tariff.
pub const METERED: Rule = Rule { name: "metered", derived: false, line: rules::metered::metered };
/// `drainage`: wastewater by its own meter, or as much as cold and hot water together.
pub const DRAINAGE: Rule = Rule { name: "drainage", derived: true, line: rules::derived::drainage };
/// `heat_in_water`: the heat in the account's hot water, Гкал.
pub const HEAT_IN_WATER: Rule = Rule { name: "heat_in_water", derived: true, line: rules::derived::heat_in_water };
/// `heating`: Гкал by norm or by house meter.
pub const HEATING: Rule = Rule { name: "heating", derived: false, line: rules::heating::heating };
/// `common_property`: the account's share of what the house's common property used.
pub const COMMON_PROPERTY: Rule =
    Rule { name: "common_property", derived: false, line: rules::common_property::common_property };
/// `area`: square metres × rate.
pub const AREA: Rule = Rule { name: "area", derived: false, line: rules::plain::area };
/// `persons`: people × rate.
pub const PERSONS: Rule = Rule { name: "persons", derived: false, line: rules::plain::persons };

/// The names of rules, as a plugin gives them in [`kabinet_tariff_sdk::Tariff::RULES`].
pub const fn names<const N: usize>(rules: &[Rule; N]) -> [&'static str; N] {
    let mut names = [""; N];
    let mut position = 0;
    while position < N {
        names[position] = rules[position].name;
        position += 1;
    }
    names
}

/// The charges of every account by the rules that a plugin offers, or the first reason why not.
///
/// # Errors
/// A table that makes no sense, an account that cannot be charged, or a rule that is not offered.
pub fn calculate(batch: &Batch, offered: &[Rule]) -> Result<Vec<AccountCharges>, Failure> {
    let run = Run::new(batch, offered)?;
    batch.accounts.iter().map(|account| run.account(account)).collect()
}
