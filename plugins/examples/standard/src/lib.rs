//! The standard tariff plugin.
//!
//! | Rule | Services | Volume |
//! |---|---|---|
//! | `metered` | water, electricity, gas | meters; without a reading the average, then the norm |
//! | `drainage` | wastewater | its own meter, or cold plus hot water of the account |
//! | `area` | maintenance, capital repair, waste by area | square metres |
//! | `persons` | waste by person | residents, or owners where nobody is registered |
//!
//! Tables may name several prices: by zone of the day, and by range of the month's volume.

mod people;
mod price;
mod problem;
mod rules;
mod volume;

use kabinet_tariff_sdk::{Account, AccountCharges, Batch, Failure, Tariff, days_in_month, export_tariff};

use crate::price::PriceList;
use crate::problem::Problem;

/// The standard calculation of ПП РФ 354.
pub struct Standard;

impl Tariff for Standard {
    const ID: &'static str = "standard";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const RULES: &'static [&'static str] = &["metered", "drainage", "area", "persons"];

    fn calculate(batch: &Batch) -> Result<Vec<AccountCharges>, Failure> {
        let mut prices = Vec::with_capacity(batch.tables.len());
        for (position, table) in (0u16..).zip(&batch.tables) {
            prices.push(PriceList::new(table).map_err(|problem| problem.of_table(position))?);
        }
        let run = Run { batch, prices, days: days_in_month(batch.period) };
        batch.accounts.iter().map(|account| run.account(account)).collect()
    }
}

export_tariff!(Standard);

/// One call: the batch with its prices put in order.
struct Run<'a> {
    batch: &'a Batch,
    prices: Vec<PriceList>,
    days: u8,
}

impl Run<'_> {
    fn account(&self, account: &Account) -> Result<AccountCharges, Failure> {
        people::check_spans(account, self.days).map_err(|problem| problem.of_account(account.index, None))?;
        let mut lines: Vec<_> = account.services.iter().map(|_| None).collect();
        // Wastewater is made of the water lines, so it waits for them.
        for derived in [false, true] {
            for (position, consumption) in account.services.iter().enumerate() {
                let service = consumption.service;
                let wrong = |problem: Problem| problem.of_account(account.index, Some(service));
                let tables = self.batch.tables.get(usize::from(service));
                let (Some(table), Some(prices)) = (tables, self.prices.get(usize::from(service))) else {
                    return Err(wrong(Problem::Account("услуги нет среди таблиц расчёта".to_owned())));
                };
                if (table.rule == "drainage") != derived {
                    continue;
                }
                let case = rules::Case { run: self, account, consumption, table, prices };
                let line = case.line(&lines).map_err(wrong)?;
                if let Some(place) = lines.get_mut(position) {
                    *place = Some(line);
                }
            }
        }
        Ok(AccountCharges { index: account.index, lines: lines.into_iter().flatten().collect() })
    }
}
