//! Heating that is paid evenly over the year: averages of the year before, and its correction in January.

use std::collections::HashMap;

use kabinet_accounts::roster::AccountFacts;
use kabinet_contracts::AccountId;
use kabinet_core::{DbError, Money, Period, Quantity, Tx};
use kabinet_meters::consumption;
use kabinet_plugin_host::api::Parameter;
use rust_decimal::Decimal;
use sea_orm::FromQueryResult;
use serde::{Deserialize, Serialize};

use super::HouseVolume;
use crate::benefits;
use crate::calculation::{CARRIED, measures};
use crate::catalog::{Service, Terms};
use crate::plan::Plan;

/// Names under which plugins know these figures (docs/plugins.md).
const EVEN_MONTHS: &str = "even_months";
pub(super) const AVERAGE_VOLUME: &str = "average_volume";
const YEAR_HOUSE_AMOUNT: &str = "year_house_amount";
const YEAR_CHARGED: &str = "year_charged";
const YEAR_BENEFIT: &str = "year_benefit";
const MONTHS: usize = 12;

/// Whether the service is paid evenly over the year.
pub(crate) fn is_even(terms: &Terms) -> bool {
    terms.parameters.contains_key(EVEN_MONTHS)
}

/// January and December of the year before `period`.
pub(super) fn year_before(period: Period) -> (Period, Period) {
    let year = period.year() - 1;
    (Period(year * 100 + 1), Period(year * 100 + 12))
}

/// The monthly average of a year's volumes of a house: known once there is one of each month, nothing used in summer
/// among them. A month that nobody knows would count as one without heat, which was charged for all the same.
pub(super) fn average(of_year: &[&HouseVolume]) -> Option<Quantity> {
    if of_year.len() < MONTHS {
        return None;
    }
    let sum = Quantity(of_year.iter().map(|month| month.volume.0).sum());
    Quantity::from_decimal(sum.decimal() / Decimal::from(MONTHS))
}

/// The numbers for the plugin of accounts whose heating is paid evenly: last year's average of the room's own meter,
/// and in January what the year before came to. With the account and the service's code. The accounts follow each other
/// in the order of their identifiers.
pub(crate) async fn numbers(
    tx: &Tx,
    plan: &Plan,
    accounts: &[AccountFacts],
) -> Result<Vec<(AccountId, String, Vec<Parameter>)>, DbError> {
    let (Some(first), Some(last)) = (accounts.first(), accounts.last()) else { return Ok(Vec::new()) };
    let (year, range) = (year_before(plan.period), (first.id, last.id));
    let mut found = Vec::new();
    let even = plan.snapshot.services.iter().filter(|(_, terms)| terms.as_ref().is_some_and(is_even));
    for (service, _) in even {
        if let Some(meters) = measures(service.resource) {
            for (account, volume) in consumption::over_months(tx, meters, year, range).await? {
                let average = Quantity::from_decimal(volume.decimal() / Decimal::from(MONTHS)).unwrap_or_default();
                found.push((account, service.code.clone(), vec![number(AVERAGE_VOLUME, average.decimal())]));
            }
        }
        if plan.period.month() == 1 && plan.houses().have_year(&service.code) {
            let billed = billed(tx, service, year, range).await?;
            let benefits = benefits::given_back(tx, &service.code, year, range).await?;
            let of_year = |account: &AccountFacts| {
                let cost = plan.houses().service(account.house_id, &service.code)?.year.as_ref()?;
                let mut numbers = billed.get(&account.id)?.beside(cost, year.0, account)?;
                let benefit = benefits.get(&account.id).filter(|benefit| **benefit > Money::ZERO);
                numbers.extend(benefit.map(|benefit| number(YEAR_BENEFIT, benefit.roubles())));
                Some((account.id, service.code.clone(), numbers))
            };
            found.extend(accounts.iter().filter_map(of_year));
        }
    }
    Ok(found)
}

fn number(name: &str, value: Decimal) -> Parameter {
    Parameter { name: name.to_owned(), value }
}

/// What a house's heat of the year before cost, where each of its months is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum YearCost {
    /// Of each month from January on, roubles: its volume at the tariff it was charged with.
    Months([Quantity; MONTHS]),
    /// Of the whole year, as earlier releases kept it.
    Whole(Money),
}

impl YearCost {
    /// What each month's volume of a whole year cost at the tariff it was charged with; none where one has no tariff.
    pub(super) fn of(of_year: &[&HouseVolume], tariffs: &HashMap<(Period, String), Decimal>) -> Option<Self> {
        let mut months = [Quantity::ZERO; MONTHS];
        for month in of_year {
            let cost = month.volume.decimal() * tariffs.get(&(month.period, month.service.clone()))?;
            let of_month = months.iter_mut().zip(1_u32..).find(|(_, number)| *number == month.period.month());
            let (sum, _) = of_month?;
            *sum = *sum + Quantity::from_decimal(cost)?;
        }
        Some(Self::Months(months))
    }
}

/// What an account was charged for a service over a year.
#[derive(FromQueryResult)]
struct Billed {
    account_id: AccountId,
    charged: Money,
    /// The months for which it was, as bits: January is 1, February 2, March 4.
    months: i64,
}

impl Billed {
    /// What was charged beside the account's part of what the year that begins with `january` cost its house, as the
    /// plugin is told them. None where nobody can say which part that is.
    ///
    /// An account answers for the heat of the days on which it was open and for which it was charged: who pays, pays from the day on
    /// which the room became theirs (ЖК РФ, ст. 153, ч. 2). Of a month for which it was charged it answers for as many of
    /// the month's days as it was open, at what that month's heat cost, so that whoever moved in after the winter does
    /// not pay for it, and accounts that followed each other in a room share the room's year without a day counted
    /// twice. The remainder is nobody else's: what falls to days without a bill, and to an account that was closed
    /// before January and gets no bill any more, stays with the company, which settles it with whoever held that
    /// account. Where only the holder changed, account, bills and balance went on, and so does the year.
    fn beside(&self, cost: &YearCost, january: Period, account: &AccountFacts) -> Option<Vec<Parameter>> {
        let billed = |month: i32| (self.months >> month) & 1 == 1;
        let cost = match cost {
            YearCost::Whole(cost) => Some(*cost).filter(|_| (0..).take(MONTHS).all(billed))?,
            YearCost::Months(months) => {
                let months = (0..).zip(months).filter(|(month, _)| billed(*month));
                let parts = months.map(|(month, cost)| cost.decimal() * open_part(january.plus(month), account));
                Money::from_roubles(parts.sum())?
            }
        };
        Some(vec![number(YEAR_HOUSE_AMOUNT, cost.roubles()), number(YEAR_CHARGED, self.charged.roubles())])
    }
}

/// The part of a month's days on which the account was open.
fn open_part(month: Period, account: &AccountFacts) -> Decimal {
    let (first, last) = account.open_in(month);
    let days = Decimal::from(last.day_of_month()) + Decimal::ONE - Decimal::from(first.day_of_month());
    if first > last { Decimal::ZERO } else { days / Decimal::from(month.last_day().day_of_month()) }
}

/// What each account was charged for a service over a year: with what was recorded to correct those months, without
/// what an earlier year was corrected by. A month counts that was billed, or charged later by a correction, as one is
/// that was over before the account was entered; a line for a balance alone charges none.
async fn billed(
    tx: &Tx,
    service: &Service,
    (from, to): (Period, Period),
    (first, last): (AccountId, AccountId),
) -> Result<HashMap<AccountId, Billed>, DbError> {
    let sql = "SELECT m.account_id, CAST(sum(1 << (m.period - $3)) AS bigint) AS months,
                 CAST(sum(m.charged) AS bigint) AS charged
               FROM (SELECT l.account_id, l.period, sum(l.charged) AS charged
                     FROM (SELECT c.account_id, r.period, c.charged, 1 AS billed FROM billing_run r
                           JOIN charge c ON c.tenant_id = r.tenant_id AND c.run_id = r.id AND c.service_code = $2
                            AND c.account_id BETWEEN $5 AND $6 AND c.method <> $7
                           WHERE r.tenant_id = $1 AND r.state = 'published' AND r.period BETWEEN $3 AND $4
                           UNION ALL
                           SELECT q.account_id, q.period, q.amount, 0 FROM recalculation q
                           WHERE q.tenant_id = $1 AND q.account_id BETWEEN $5 AND $6 AND q.service_code = $2
                             AND q.period BETWEEN $3 AND $4 AND q.withdrawn_at IS NULL AND q.posted_to = 'revenue') l
                     GROUP BY l.account_id, l.period HAVING max(l.billed) = 1 OR sum(l.charged) > 0) m
               GROUP BY m.account_id";
    let code = service.code.clone();
    let values = vec![code.into(), from.into(), to.into(), first.into(), last.into(), CARRIED.into()];
    let rows: Vec<Billed> = tx.rows(sql, values).await?;
    // An account that got back more than it was charged has been settled by hand.
    let rows = rows.into_iter().filter(|row| row.charged >= Money::ZERO);
    Ok(rows.map(|row| (row.account_id, row)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Heat of the first `months` of a year, nothing from May to September.
    fn months(months: usize) -> Vec<HouseVolume> {
        let year = [30, 24, 18, 10, 0, 0, 0, 0, 0, 12, 20, 30].into_iter().zip(1..).take(months);
        let month = |(volume, number)| HouseVolume {
            service: "heating".to_owned(),
            period: Period(202_600 + number),
            volume: Quantity::whole(volume),
            serial: String::new(),
            previous: None,
            current: None,
        };
        year.map(month).collect()
    }

    #[test]
    fn a_year_with_a_month_that_nobody_knows_has_no_average() {
        let of = |months: &[HouseVolume]| average(&months.iter().collect::<Vec<_>>());
        assert_eq!(of(&months(12)), Some(Quantity::whole(12)));
        // The other eleven are more than a season of seven.
        let mut winter = months(12);
        winter.remove(3);
        assert_eq!((of(&winter), of(&months(11))), (None, None));
    }

    #[test]
    fn what_a_year_cost_is_read_as_it_was_kept() {
        let months = YearCost::Months([Quantity::whole(2000); MONTHS]);
        let kept = serde_json::to_string(&months).expect("a text");
        assert_eq!(serde_json::from_str::<YearCost>(&kept).expect("a year"), months);
        let earlier = serde_json::from_str::<YearCost>("29200000").expect("a year");
        assert_eq!(earlier, YearCost::Whole(Money(29_200_000)));
    }
}
