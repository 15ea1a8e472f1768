//! `kabinet demo seed`.

use clap::Args;

use crate::composition::App;
use crate::config::Config;
use crate::demo::{self, Size};
use crate::places::Places;

/// How much to make up.
#[derive(Debug, Args)]
pub(super) struct SeedArguments {
    /// Companies, named town-1, town-2, …
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    tenants: u32,
    /// Accounts of each company
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=899_000))]
    accounts: u64,
    /// Months with readings, payments and published bills
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=32))]
    months: u32,
    /// What the data are drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Residents of each company, named resident1@…, with one linked account each
    #[arg(long, default_value_t = 0)]
    residents: u64,
    /// Leave the latest month unbilled
    #[arg(long)]
    leave_last: bool,
}

/// Fills the database; the same data for the same arguments.
pub(super) async fn seed(config: Config, arguments: &SeedArguments) -> anyhow::Result<()> {
    let app = App::open(config).await?;
    let size = Size {
        tenants: arguments.tenants,
        accounts: arguments.accounts,
        months: arguments.months,
        residents: arguments.residents,
        leave_last: arguments.leave_last,
    };
    demo::seed(&app, &Places::usual(), size, arguments.seed, &|line| eprintln!("{line}")).await
}
