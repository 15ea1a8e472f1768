//! The months of a made-up town: readings and payments come in, then a real run bills the month.

use std::collections::HashSet;

use kabinet_billing::payments::{self, NewPayment};
use kabinet_billing::runs;
use kabinet_contracts::AccountId;
use kabinet_core::{Actor, Money, Period, Quantity, Timestamp, Tx};
use kabinet_meters::readings::{NewReading, record_many};
use sea_orm::FromQueryResult;

use super::city::City;
use super::fill::{Metered, number_of};
use super::payers::payment;
use super::{Town, houses, now};
use crate::composition::App;

/// Readings and payments in one transaction.
const CHUNK: usize = 2_000;
/// Marks the payments made up here.
const MARK: &str = "demo";

/// The latest month that is billed at `now`: a month is billed from the second day of the next.
#[must_use]
pub fn latest_due(now: Timestamp, zone: chrono_tz::Tz) -> Period {
    now.day(zone).plus_days(-1).period().previous()
}

/// Bills and publishes the months up to `last` that are not published yet, then books the payments
/// that came since.
pub(super) async fn bill_through(
    app: &App,
    town: &mut Town,
    last: Period,
    say: &(dyn Fn(&str) + Sync),
) -> anyhow::Result<()> {
    let tx = app.db.read(&town.tenant, Actor::System).await?;
    let published = runs::latest_published(&tx).await?;
    tx.commit().await?;
    let mut month = published.map_or(town.city.first, Period::next);
    if published.is_none() {
        houses::areas(app, town).await?;
    }
    while month <= last {
        readings(app, town, month).await?;
        houses::volumes(app, town, month).await?;
        pay(app, town, month).await?;
        bill(app, town, month).await?;
        say(&format!("{}: {month} billed and published", town.tenant.slug));
        month = month.next();
    }
    pay(app, town, month).await
}

/// Brings in the readings and payments of `month` without billing it.
pub(super) async fn prepare(app: &App, town: &mut Town, month: Period) -> anyhow::Result<()> {
    readings(app, town, month).await?;
    houses::volumes(app, town, month).await?;
    pay(app, town, month).await
}

async fn bill(app: &App, town: &Town, month: Period) -> anyhow::Result<()> {
    let mut tx = app.db.begin(&town.tenant, Actor::System).await?;
    let run = runs::start(&mut tx, month).await?;
    tx.commit().await?;
    runs::continue_run(&app.db, &town.tenant, app.billing.plugins(), run, |_, _| {}).await?;
    let mut tx = app.db.begin(&town.tenant, Actor::System).await?;
    runs::publish(&mut tx, run).await?;
    Ok(tx.commit().await?)
}

/// The readings of `month`, for meters that nobody read in it.
async fn readings(app: &App, town: &mut Town, month: Period) -> anyhow::Result<()> {
    let city = &town.city;
    let mut new = Vec::new();
    for meter in &mut town.meters {
        if meter.read >= month || city.closed_in(meter.dial.account, month) {
            continue;
        }
        let Some(taken_on) = meter.dial.read_on(city, month) else { continue };
        meter.shown = shown(city, meter, month);
        meter.read = month;
        let source = meter.dial.source(city, month);
        new.push(NewReading { meter: meter.id, taken_on, values: meter.shown.clone(), source });
    }
    for some in new.chunks(CHUNK) {
        let tx = app.db.begin(&town.tenant, Actor::System).await?;
        record_many(&tx, &*app.billing.estimates(), some.to_vec()).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// What the meter shows in `month`: the last reading and all that was consumed since.
fn shown(city: &City, meter: &Metered, month: Period) -> Vec<Quantity> {
    let mut values = meter.shown.clone();
    let mut period = meter.read.next();
    while period <= month {
        for (value, volume) in values.iter_mut().zip(meter.dial.consumption(city, period)) {
            *value = *value + volume;
        }
        period = period.next();
    }
    values
}

/// The payments of `month` on the bills of the month before, as far as they were booked by now.
async fn pay(app: &App, town: &Town, month: Period) -> anyhow::Result<()> {
    let tx = app.db.read(&town.tenant, Actor::System).await?;
    let bills = bills(&tx, month.previous()).await?;
    let known = known(&tx, month, town).await?;
    tx.commit().await?;
    let zone = town.tenant.zone;
    let mut new = Vec::new();
    for bill in bills {
        let number = number_of(bill.account_id);
        let external_id = format!("{MARK}-{month}-{number}-{}", bill.kind_code);
        let Some(plan) = payment(&town.city, number, month, bill.to_pay, zone) else { continue };
        if plan.booked_at > now(app) || known.contains(&external_id) {
            continue;
        }
        new.push(NewPayment {
            account: bill.account_id,
            kind: bill.kind_code,
            amount: plan.amount,
            paid_on: plan.paid_on,
            source: plan.source.to_owned(),
            external_id,
            period: None,
            booked_at: Some(plan.booked_at),
        });
    }
    for some in new.chunks(CHUNK) {
        let mut tx = app.db.begin(&town.tenant, Actor::System).await?;
        payments::record_new(&mut tx, some.to_vec()).await?;
        tx.commit().await?;
    }
    Ok(())
}

#[derive(FromQueryResult)]
struct Bill {
    account_id: AccountId,
    kind_code: String,
    to_pay: Money,
}

async fn bills(tx: &Tx, month: Period) -> anyhow::Result<Vec<Bill>> {
    let sql = "SELECT r.account_id, r.kind_code, r.to_pay
               FROM billing_run b JOIN receipt r ON r.tenant_id = b.tenant_id AND r.run_id = b.id
               WHERE b.tenant_id = $1 AND b.period = $2 AND b.state = 'published' AND r.to_pay > 0
               ORDER BY r.account_id, r.kind_code";
    Ok(tx.rows(sql, vec![month.into()]).await?)
}

/// Numbers of the payments of `month` that were booked before.
async fn known(tx: &Tx, month: Period, town: &Town) -> anyhow::Result<HashSet<String>> {
    #[derive(FromQueryResult)]
    struct Row {
        external_id: String,
    }
    let zone = town.tenant.zone;
    let (from, to) = (month.first_day().start(zone), month.next().first_day().start(zone));
    let sql = "SELECT p.external_id FROM payment p
               WHERE p.tenant_id = $1 AND p.booked_at >= $2 AND p.booked_at < $3";
    let rows: Vec<Row> = tx.rows(sql, vec![from.into(), to.into()]).await?;
    Ok(rows.into_iter().map(|row| row.external_id).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kabinet_core::Day;

    #[test]
    fn a_month_falls_due_on_the_second_day_of_the_next() {
        let zone = chrono_tz::Asia::Yekaterinburg;
        let at = |day: i32| latest_due(Day(day).start(zone), zone);
        assert_eq!(at(20_261_101), Period(202_609));
        assert_eq!(at(20_261_102), Period(202_610));
        assert_eq!(at(20_261_130), Period(202_610));
        assert_eq!(at(20_270_101), Period(202_611));
        assert_eq!(at(20_270_102), Period(202_612));
    }
}
