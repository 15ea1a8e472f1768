//! Reading the months that were charged without a reading, and which a reading of this month covers: it counts from
//! the last reading before them, so what was charged for its meter is given back.

use std::collections::HashMap;

use kabinet_contracts::AccountId;
use kabinet_core::{DbError, Money, Period, Quantity, Tx};
use kabinet_meters::consumption::MeterMonth;
use kabinet_plugin_host::api::{AveragedMonth, Reason, ServiceKind, Unit};
use sea_orm::FromQueryResult;

use crate::calculation::{Facts, Own, ReadMeter, UnreadMonth, Water, api_period, derived_part, made_of, measured};
use crate::catalog::Service;
use crate::difference::Share;
use crate::plan::Plan;
use crate::recalculations::{self, Corrected};
use crate::trace;

/// Months that are given back, by account and code of the service.
type Averaged = HashMap<AccountId, HashMap<String, Vec<AveragedMonth>>>;
/// The meters that are read this month after months without a reading, by account and code of the service.
type Covered<'a> = HashMap<AccountId, HashMap<&'a str, Vec<ReadMeter<'a>>>>;

#[derive(FromQueryResult)]
struct Unread {
    account_id: AccountId,
    service_code: String,
    period: Period,
    method: String,
    volume: Option<Quantity>,
    charged: Money,
    trace: String,
    /// None of lines that are made of others.
    facts: Option<String>,
}

/// The months of the accounts from `first` to `last`. `imagined` corrections of them count as if they were recorded.
pub(super) async fn months(
    tx: &Tx,
    plan: &Plan,
    (first, last): (AccountId, AccountId),
    meters: &HashMap<AccountId, Vec<MeterMonth>>,
    imagined: &[Corrected],
) -> Result<Averaged, DbError> {
    let covered = covered(plan, meters);
    let since = covered.values().flat_map(HashMap::values).flatten().map(|read| read.since);
    let Some(oldest) = since.min() else { return Ok(HashMap::new()) };
    let (accounts, months) = ((first, last), (oldest, plan.period.previous()));
    let rows = unread(tx, accounts, months).await?;
    let corrected = corrected(tx, accounts, months, imagined).await?;
    let corrected = |row: &Unread| {
        corrected.get(&(row.account_id, row.service_code.clone(), row.period)).copied().unwrap_or_default()
    };
    let (derived, own): (Vec<Unread>, Vec<Unread>) = rows.into_iter().partition(|row| row.method == "derived");
    let mut found = Averaged::new();
    let mut waters: HashMap<(AccountId, Period), Vec<(ServiceKind, Water)>> = HashMap::new();
    for row in own {
        let Some(read) = covered.get(&row.account_id) else { continue };
        let Some(service) = plan.snapshot.service(&row.service_code) else { continue };
        let read = read.get(row.service_code.as_str()).map_or(&[][..], Vec::as_slice);
        let month = unread_month(&row, service, corrected(&row))?;
        let (back, charged) = of_meters(&month, read);
        let (unmeasured, whole) = (month.unmeasured(), row.volume.unwrap_or_default());
        let of_month = waters.entry((row.account_id, row.period)).or_default();
        of_month.push((service.resource, Water { back, unmeasured, whole }));
        give(&mut found, row, back, charged);
    }
    for row in derived {
        let Some(waters) = waters.get(&(row.account_id, row.period)) else { continue };
        let Some(service) = plan.snapshot.service(&row.service_code) else { continue };
        let (back, charged) = of_waters(&row, corrected(&row), service.unit, waters);
        give(&mut found, row, back, charged);
    }
    Ok(found)
}

/// The published charges of some months that were not by meters alone. A room of a house with a house meter whose own
/// was not read for too long is charged a share of what others used: that has a reason, and another than that it has
/// no meter.
async fn unread(
    tx: &Tx,
    (first, last): (AccountId, AccountId),
    (from, to): (Period, Period),
) -> Result<Vec<Unread>, DbError> {
    let sql = "SELECT c.account_id, c.service_code, r.period, c.method, c.volume, c.charged, c.trace,
                      CASE WHEN c.method <> 'derived' THEN f.facts END AS facts
               FROM billing_run r
               JOIN charge c ON c.tenant_id = r.tenant_id AND c.run_id = r.id AND c.account_id BETWEEN $2 AND $3
               JOIN receipt_facts f ON f.tenant_id = r.tenant_id AND f.run_id = r.id AND f.account_id = c.account_id
               WHERE r.tenant_id = $1 AND r.state = 'published' AND r.period BETWEEN $4 AND $5
                 AND (c.method IN ('average', 'norm', 'norm_raised', 'derived')
                  OR (c.method = 'house_share' AND c.trace LIKE 'r%' AND c.trace NOT LIKE $6))
               ORDER BY r.period";
    let no_meter = format!("{}%", trace::beginning(Reason::NoMeter));
    tx.rows(sql, vec![first.into(), last.into(), from.into(), to.into(), no_meter.into()]).await
}

/// What some months were corrected by, by account, code of the service and month: all that is recorded, be it billed by
/// then or by the run itself, or waiting for the next, so that no month goes back with what it was corrected by.
async fn corrected(
    tx: &Tx,
    accounts: (AccountId, AccountId),
    months: (Period, Period),
    imagined: &[Corrected],
) -> Result<HashMap<(AccountId, String, Period), Money>, DbError> {
    let recorded = recalculations::of_months(tx, accounts, months).await?;
    let mut sums: HashMap<_, Money> = HashMap::new();
    for Corrected { account_id, service_code, period, amount } in recorded.iter().chain(imagined) {
        *sums.entry((*account_id, service_code.clone(), *period)).or_default() += *amount;
    }
    Ok(sums)
}

fn give(found: &mut Averaged, row: Unread, back: Quantity, charged: Money) {
    if back == Quantity::ZERO && charged == Money::ZERO {
        return;
    }
    let month = AveragedMonth { period: api_period(row.period), volume: back.decimal(), charged: charged.0 };
    found.entry(row.account_id).or_default().entry(row.service_code).or_default().push(month);
}

fn unread_month(row: &Unread, service: &Service, corrected: Money) -> Result<UnreadMonth, DbError> {
    let facts: Facts = row.facts.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default();
    // The formula tells what the share of the house's was added to.
    let share = Share::of(&trace::decode(&row.trace).terms).and_then(|share| Quantity::from_decimal(share.own));
    let own = match (share, service.resource) {
        (Some(own), _) => Own::Beside(own),
        (None, ServiceKind::Heating) => Own::AsRead,
        (None, _) => Own::All,
    };
    let (period, resource, charged) = (row.period, service.resource, row.charged);
    Ok(UnreadMonth { period, resource, volume: row.volume, own, charged, corrected, meters: facts.meters })
}

/// What of a month's line goes back for the meters that are read now.
fn of_meters(month: &UnreadMonth, read: &[ReadMeter<'_>]) -> (Quantity, Money) {
    let parts = read.iter().filter_map(|read| read.gives_back(month));
    parts.fold((Quantity::ZERO, Money::ZERO), |sum, part| (sum.0 + part.0, sum.1 + part.1))
}

/// What of a line that was made of water goes back with that water.
fn of_waters(row: &Unread, corrected: Money, unit: Unit, waters: &[(ServiceKind, Water)]) -> (Quantity, Money) {
    let mut all = Water::default();
    for (_, water) in waters.iter().filter(|(resource, _)| made_of(unit).contains(resource)) {
        all.back = all.back + water.back;
        all.unmeasured = all.unmeasured + water.unmeasured;
        all.whole = all.whole + water.whole;
    }
    let volume = row.volume.unwrap_or_default();
    // Wastewater is so much water itself, some of it by meters that were read; heat is in the hot water alone.
    if unit == Unit::CubicMetre {
        all.whole = volume;
    }
    derived_part(volume, row.charged, corrected, all)
}

fn covered<'a>(plan: &'a Plan, meters: &'a HashMap<AccountId, Vec<MeterMonth>>) -> Covered<'a> {
    let read_again =
        |meter: &&MeterMonth| meter.missed_periods > 0 && meter.zones.iter().all(|zone| zone.current.is_some());
    let mut covered = Covered::new();
    for (account, list) in meters {
        for meter in list.iter().filter(read_again) {
            let months = i32::try_from(meter.missed_periods).unwrap_or(12).min(36);
            let volume: i64 = meter.zones.iter().filter_map(|zone| zone.volume).map(|volume| volume.0).sum();
            let monthly = Quantity(volume.max(0) / i64::from(months + 1));
            let read = ReadMeter { serial: &meter.serial, since: plan.period.plus(-months), monthly };
            let measures = |service: &Service| measured(&meter.service_code) == Some(service.resource);
            for (service, _) in plan.snapshot.services.iter().filter(|(service, _)| measures(service)) {
                covered.entry(*account).or_default().entry(service.code.as_str()).or_default().push(read);
            }
        }
    }
    covered
}
