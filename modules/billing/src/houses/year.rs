//! Heating that is paid evenly over the year: averages of the year before, and its correction in January.

use std::collections::HashMap;

use kabinet_accounts::roster::AccountFacts;
use kabinet_contracts::AccountId;
use kabinet_core::{DbError, Money, Period, Quantity, Tx};
use kabinet_meters::consumption;
use kabinet_plugin_host::api::Parameter;
use rust_decimal::Decimal;
use sea_orm::FromQueryResult;

use super::HouseVolume;
use crate::calculation::measures;
use crate::catalog::{Service, Terms};
use crate::plan::Plan;

/// Names under which plugins know these figures (docs/plugins.md).
const EVEN_MONTHS: &str = "even_months";
pub(super) const AVERAGE_VOLUME: &str = "average_volume";
const YEAR_HOUSE_AMOUNT: &str = "year_house_amount";
const YEAR_CHARGED: &str = "year_charged";
const MONTHS: i64 = 12;

/// Whether the service is paid evenly over the year.
pub(crate) fn is_even(terms: &Terms) -> bool {
    terms.parameters.contains_key(EVEN_MONTHS)
}

/// January and December of the year before `period`.
pub(super) fn year_before(period: Period) -> (Period, Period) {
    let year = period.year() - 1;
    (Period(year * 100 + 1), Period(year * 100 + 12))
}

/// The monthly average of a year's volumes of a house: known once there is a volume of every heating month.
pub(super) fn average<'a>(terms: &Terms, of_year: impl Iterator<Item = &'a HouseVolume>) -> Option<Quantity> {
    let volumes: Vec<i64> = of_year.map(|month| month.volume.0).collect();
    let months = terms.parameters.get(EVEN_MONTHS)?;
    if Decimal::from(volumes.len()) < *months {
        return None;
    }
    Quantity::from_decimal(Quantity(volumes.iter().sum()).decimal() / Decimal::from(MONTHS))
}

/// The numbers for the plugin of the accounts `first` to `last` whose heating is paid evenly: last year's average
/// of the room's own meter, and in January what the year before came to. With the account and the service's code.
pub(crate) async fn numbers(
    tx: &Tx,
    plan: &Plan,
    first: AccountId,
    last: AccountId,
) -> Result<Vec<(AccountId, String, Vec<Parameter>)>, DbError> {
    let mut found = Vec::new();
    let (from, to) = year_before(plan.period);
    let even = plan.snapshot.services.iter().filter(|(_, terms)| terms.as_ref().is_some_and(is_even));
    for (service, _) in even {
        if let Some(meters) = measures(service.resource) {
            for (account, volume) in consumption::over_months(tx, meters, (from, to), (first, last)).await? {
                let average = Quantity::from_decimal(volume.decimal() / Decimal::from(MONTHS)).unwrap_or_default();
                found.push((account, service.code.clone(), vec![number(AVERAGE_VOLUME, average.decimal())]));
            }
        }
        if plan.period.month() == 1 && plan.houses().have_year(&service.code) {
            for (account, charged) in charged(tx, service, (from, to), (first, last)).await? {
                found.push((account, service.code.clone(), vec![number(YEAR_CHARGED, charged.roubles())]));
            }
        }
    }
    Ok(found)
}

/// The numbers of an account with what the year before of its house cost, where it was charged in every month of it.
pub(crate) fn with_year(
    plan: &Plan,
    facts: &AccountFacts,
    mut numbers: Vec<(String, Vec<Parameter>)>,
) -> Vec<(String, Vec<Parameter>)> {
    let Some(house) = plan.houses().get(facts.house_id) else {
        numbers.iter_mut().for_each(|(_, of)| of.retain(|number| number.name != YEAR_CHARGED));
        return numbers;
    };
    for (service, of) in &mut numbers {
        if of.iter().any(|number| number.name == YEAR_CHARGED) {
            match house.services.iter().find(|known| known.service == *service).and_then(|known| known.year) {
                Some(year) => of.push(number(YEAR_HOUSE_AMOUNT, year.roubles())),
                None => of.retain(|number| number.name != YEAR_CHARGED),
            }
        }
    }
    numbers
}

fn number(name: &str, value: Decimal) -> Parameter {
    Parameter { name: name.to_owned(), value }
}

/// What each account was charged for a service over a year in which every month was billed to it: with what was
/// recorded to correct those months, without what an earlier year was corrected by.
async fn charged(
    tx: &Tx,
    service: &Service,
    (from, to): (Period, Period),
    (first, last): (AccountId, AccountId),
) -> Result<HashMap<AccountId, Money>, DbError> {
    #[derive(FromQueryResult)]
    struct Year {
        account_id: AccountId,
        charged: Money,
    }
    let sql = "SELECT c.account_id, CAST(sum(c.charged) + COALESCE((SELECT sum(q.amount) FROM recalculation q
                 WHERE q.tenant_id = $1 AND q.account_id = c.account_id AND q.service_code = $2
                   AND q.period BETWEEN $3 AND $4 AND q.withdrawn_at IS NULL
                   AND q.posted_to = 'revenue'), 0) AS bigint) AS charged
               FROM billing_run r
               JOIN charge c ON c.tenant_id = r.tenant_id AND c.run_id = r.id AND c.service_code = $2
                AND c.account_id BETWEEN $5 AND $6
               WHERE r.tenant_id = $1 AND r.state = 'published' AND r.period BETWEEN $3 AND $4
               GROUP BY c.account_id HAVING count(*) = 12";
    let values = vec![service.code.clone().into(), from.into(), to.into(), first.into(), last.into()];
    let rows: Vec<Year> = tx.rows(sql, values).await?;
    // An account that got back more than it was charged has been settled by hand.
    let rows = rows.into_iter().filter(|row| row.charged >= Money::ZERO);
    Ok(rows.map(|row| (row.account_id, row.charged)).collect())
}

/// What the house's heat of the year before cost: each month's volume at the tariff it was charged with.
pub(super) fn cost(of_year: &[&HouseVolume], tariffs: &HashMap<(Period, String), Decimal>) -> Option<Money> {
    let mut sum = Decimal::ZERO;
    for month in of_year {
        sum += month.volume.decimal() * tariffs.get(&(month.period, month.service.clone()))?;
    }
    Money::from_roubles(sum)
}
