//! One call: the tables put in order, then account after account.

use std::cmp::Ordering;

use kabinet_tariff_sdk::{Account, AccountCharges, Batch, Exact, Failure, ServiceTable, days_in_month};

use crate::Rule;
use crate::averages::Averages;
use crate::benefit;
use crate::case::Case;
use crate::people;
use crate::price::PriceList;
use crate::problem::Problem;

/// The batch with its tables put in order.
pub(crate) struct Run<'a> {
    pub(crate) batch: &'a Batch,
    tables: Vec<Table<'a>>,
    /// Days of the month.
    pub(crate) days: u8,
    pub(crate) averages: Averages,
}

/// A service table with its rule and its prices in order.
struct Table<'a> {
    rule: Option<&'a Rule>,
    prices: PriceList,
}

impl<'a> Run<'a> {
    /// The tables in order, or what is wrong with one.
    pub(crate) fn new(batch: &'a Batch, offered: &'a [Rule]) -> Result<Run<'a>, Failure> {
        let mut tables = Vec::with_capacity(batch.tables.len());
        for (position, table) in (0u16..).zip(&batch.tables) {
            let prices = PriceList::new(table).and_then(|prices| check_figures(table).map(|()| prices));
            tables.push(Table {
                rule: offered.iter().find(|rule| rule.name == table.rule),
                prices: prices.map_err(|problem| problem.of_table(position))?,
            });
        }
        Ok(Run { batch, tables, days: days_in_month(batch.period), averages: Averages::of(batch)? })
    }

    /// The account's lines, in the order of its services.
    pub(crate) fn account(&self, account: &Account) -> Result<AccountCharges, Failure> {
        people::check(account, self.days).map_err(|problem| problem.of_account(account.index, None))?;
        let mut lines: Vec<_> = account.services.iter().map(|_| None).collect();
        for derived in [false, true] {
            for (position, consumption) in account.services.iter().enumerate() {
                let service = consumption.service;
                let wrong = |problem: Problem| problem.of_account(account.index, Some(service));
                let tables = (self.batch.tables.get(usize::from(service)), self.tables.get(usize::from(service)));
                let (Some(table), Some(ready)) = tables else {
                    return Err(wrong(Problem::Account("услуги нет среди таблиц расчёта".to_owned())));
                };
                let Some(rule) = ready.rule else {
                    let message = format!("правило расчёта «{}» не поддерживается", table.rule);
                    return Err(wrong(Problem::Unsupported(message)));
                };
                if rule.derived != derived {
                    continue;
                }
                let case = Case { run: self, account, consumption, table, prices: &ready.prices };
                let mut line = (rule.line)(&case, &lines).map_err(wrong)?;
                benefit::apply(&case, &mut line).map_err(wrong)?;
                if let Some(place) = lines.get_mut(position) {
                    *place = Some(line);
                }
            }
        }
        Ok(AccountCharges { index: account.index, lines: lines.into_iter().flatten().collect() })
    }
}

fn check_figures(table: &ServiceTable) -> Result<(), Problem> {
    if table.norm.is_some_and(|norm| norm.mantissa < 0) {
        return Err(Problem::Table("норматив не может быть отрицательным".to_owned()));
    }
    let to_one = table.coefficient.map(|coefficient| Exact::from(coefficient).compare(Exact::ONE)).transpose()?;
    if to_one.is_some_and(Ordering::is_lt) {
        return Err(Problem::Table("повышающий коэффициент меньше единицы".to_owned()));
    }
    Ok(())
}
