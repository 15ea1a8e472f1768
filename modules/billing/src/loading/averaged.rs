//! Reading the months that were charged without a reading, and which a reading of this month covers: it counts from
//! the last reading before them, so what was charged for its meter is given back.

use std::collections::HashMap;

use kabinet_contracts::AccountId;
use kabinet_core::{DbError, Money, Period, Quantity, Tx};
use kabinet_meters::consumption::MeterMonth;
use kabinet_plugin_host::api::{AveragedMonth, ServiceKind, Unit};
use sea_orm::FromQueryResult;

use crate::calculation::{Facts, UnreadMonth, api_period, derived_part, made_of, measured, part_of};
use crate::catalog::Service;
use crate::plan::Plan;

/// Months that are given back, by account and code of the service.
type Averaged = HashMap<AccountId, HashMap<String, Vec<AveragedMonth>>>;
/// The serial numbers of meters that are read this month after months without a reading, by account and code of
/// the service, each with the first month that its reading covers.
type Covered<'a> = HashMap<(AccountId, &'a str), Vec<(&'a str, Period)>>;

#[derive(FromQueryResult)]
struct Unread {
    account_id: AccountId,
    service_code: String,
    period: Period,
    method: String,
    volume: Option<Quantity>,
    charged: Money,
    /// None of lines that are made of others.
    facts: Option<String>,
}

/// What of a resource that was charged in a month goes back.
struct Returned {
    resource: ServiceKind,
    back: Quantity,
    whole: Quantity,
}

/// The months of the accounts from `first` to `last`.
pub(super) async fn months(
    tx: &Tx,
    plan: &Plan,
    first: AccountId,
    last: AccountId,
    meters: &HashMap<AccountId, Vec<MeterMonth>>,
) -> Result<Averaged, DbError> {
    let covered = covered(plan, meters);
    let since = |covered: &Vec<(&str, Period)>| covered.iter().map(|(_, since)| *since).min();
    let Some(oldest) = covered.values().filter_map(since).min() else { return Ok(HashMap::new()) };
    let rows: Vec<Unread> = tx
        .rows(
            "SELECT c.account_id, c.service_code, r.period, c.method, c.volume, c.charged,
                    CASE WHEN c.method <> 'derived' THEN f.facts END AS facts
             FROM billing_run r
             JOIN charge c ON c.tenant_id = r.tenant_id AND c.run_id = r.id AND c.account_id BETWEEN $2 AND $3
             JOIN receipt_facts f ON f.tenant_id = r.tenant_id AND f.run_id = r.id AND f.account_id = c.account_id
             WHERE r.tenant_id = $1 AND r.state = 'published' AND r.period >= $4 AND r.period < $5
               AND c.method IN ('average', 'norm', 'norm_raised', 'derived') AND c.charged <> 0
             ORDER BY r.period",
            vec![first.into(), last.into(), oldest.into(), plan.period.into()],
        )
        .await?;
    let (derived, own): (Vec<Unread>, Vec<Unread>) = rows.into_iter().partition(|row| row.method == "derived");
    let mut found = Averaged::new();
    let mut returned: HashMap<(AccountId, Period), Vec<Returned>> = HashMap::new();
    for row in own {
        let Some(meters) = covered.get(&(row.account_id, row.service_code.as_str())) else { continue };
        let Some(service) = plan.snapshot.service(&row.service_code) else { continue };
        let (back, charged) = of_meters(&row, service, meters)?;
        let whole = row.volume.unwrap_or_default();
        let of_month = returned.entry((row.account_id, row.period)).or_default();
        of_month.push(Returned { resource: service.resource, back, whole });
        give(&mut found, row, back, charged);
    }
    for row in derived {
        let Some(returned) = returned.get(&(row.account_id, row.period)) else { continue };
        let Some(service) = plan.snapshot.service(&row.service_code) else { continue };
        let (back, charged) = of_waters(&row, service.unit, returned);
        give(&mut found, row, back, charged);
    }
    Ok(found)
}

fn give(found: &mut Averaged, row: Unread, back: Quantity, charged: Money) {
    if back == Quantity::ZERO && charged == Money::ZERO {
        return;
    }
    let month = AveragedMonth { period: api_period(row.period), volume: back.decimal(), charged: charged.0 };
    found.entry(row.account_id).or_default().entry(row.service_code).or_default().push(month);
}

/// What of a month's line goes back for the meters that are read now.
fn of_meters(row: &Unread, service: &Service, meters: &[(&str, Period)]) -> Result<(Quantity, Money), DbError> {
    let facts: Facts = serde_json::from_str(row.facts.as_deref().unwrap_or("{}"))?;
    let (period, resource, charged) = (row.period, service.resource, row.charged);
    let month = UnreadMonth { period, resource, volume: row.volume, charged, meters: facts.meters };
    let mine = meters.iter().filter(|(_, since)| period >= *since);
    let parts = mine.filter_map(|(serial, _)| part_of(&month, serial));
    Ok(parts.fold((Quantity::ZERO, Money::ZERO), |sum, part| (Quantity(sum.0.0 + part.0.0), sum.1 + part.1)))
}

/// What of a line that was made of water goes back with that water.
fn of_waters(row: &Unread, unit: Unit, returned: &[Returned]) -> (Quantity, Money) {
    let waters = || returned.iter().filter(|water| made_of(unit).contains(&water.resource));
    let back = waters().map(|water| water.back.0).sum();
    let volume = row.volume.unwrap_or_default();
    // Wastewater is so much water itself, some of it by meters that were read; heat is in the hot water alone.
    let whole = match unit {
        Unit::CubicMetre => volume.0,
        _ => waters().map(|water| water.whole.0).sum(),
    };
    derived_part(volume, row.charged, Quantity(back), Quantity(whole))
}

fn covered<'a>(plan: &'a Plan, meters: &'a HashMap<AccountId, Vec<MeterMonth>>) -> Covered<'a> {
    let read_again =
        |meter: &&MeterMonth| meter.missed_periods > 0 && meter.zones.iter().all(|zone| zone.current.is_some());
    let mut covered = Covered::new();
    for (account, list) in meters {
        for meter in list.iter().filter(read_again) {
            let since = plan.period.plus(-i32::try_from(meter.missed_periods).unwrap_or(12).min(36));
            let measures = |service: &Service| measured(&meter.service_code) == Some(service.resource);
            for (service, _) in plan.snapshot.services.iter().filter(|(service, _)| measures(service)) {
                covered.entry((*account, service.code.as_str())).or_default().push((&meter.serial, since));
            }
        }
    }
    covered
}
