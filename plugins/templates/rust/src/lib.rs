//! The tariff plugin {{name}}: a fixed sum a month for each premises, by days.

use kabinet_tariff_sdk::{
    Account, AccountCharges, AccountFailure, Batch, Consumption, Exact, Failure, Line, Method, Operation, Part, Role,
    TableFailure, Tariff, TooLarge, Trace, Unit, Zone, days_in_month, export_tariff,
};

/// A volume is rounded to this many places before it meets the tariff.
const PLACES: u8 = 7;

/// The calculation.
pub struct Plugin;

impl Tariff for Plugin {
    const ID: &'static str = "{{name}}";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const RULES: &'static [&'static str] = &["fixed"];

    fn calculate(batch: &Batch) -> Result<Vec<AccountCharges>, Failure> {
        batch.accounts.iter().map(|account| charge_account(batch, account)).collect()
    }
}

export_tariff!(Plugin);

fn charge_account(batch: &Batch, account: &Account) -> Result<AccountCharges, Failure> {
    let lines = account.services.iter().map(|service| charge_service(batch, account, service));
    Ok(AccountCharges { index: account.index, lines: lines.collect::<Result<_, _>>()? })
}

fn charge_service(batch: &Batch, account: &Account, consumption: &Consumption) -> Result<Line, Failure> {
    let service = consumption.service;
    let of_table = |message: &str| Failure::Table(TableFailure { service, message: message.to_owned() });
    let table = batch.tables.get(usize::from(service)).ok_or_else(|| of_table("таблицы услуги нет"))?;
    if table.rule != "fixed" {
        return Err(Failure::Unsupported(format!("правило расчёта «{}» не поддерживается", table.rule)));
    }
    let [price] = table.prices.as_slice() else {
        return Err(of_table("нужна ровно одна цена за месяц"));
    };
    fixed(batch, account, service, price.amount.into()).map_err(|TooLarge| {
        let message = "число слишком велико: проверьте тариф".to_owned();
        Failure::Account(AccountFailure { index: account.index, service: Some(service), message })
    })
}

/// Days charged ÷ days of the month × tariff.
fn fixed(batch: &Batch, account: &Account, service: u16, tariff: Exact) -> Result<Line, TooLarge> {
    let month = days_in_month(batch.period);
    let days = days_charged(batch, account, month)?;
    let volume = days.divided(month.into(), PLACES)?;
    let amount = volume.times(tariff)?;
    let mut trace = Trace::with_capacity(6);
    trace.push(Operation::Start, Role::DaysCharged, days, Unit::Day)?;
    trace.push(Operation::Divide, Role::DaysInMonth, month.into(), Unit::Day)?;
    trace.push(Operation::Equals, Role::Volume, volume, Unit::Month)?;
    trace.push(Operation::Start, Role::Volume, volume, Unit::Month)?;
    trace.push(Operation::Times, Role::Tariff, tariff, Unit::Rouble)?;
    trace.push(Operation::Equals, Role::Amount, amount, Unit::Rouble)?;
    let part = Part {
        zone: Zone::WholeDay,
        above: Exact::ZERO.fit()?,
        volume: volume.fit()?,
        tariff: tariff.fit()?,
        amount: amount.fit()?,
    };
    Ok(Line {
        service,
        method: Method::Fixed,
        reason: None,
        volume: volume.fit()?,
        parts: vec![part],
        norm: None,
        coefficient: None,
        amount: amount.fit()?,
        excess: Exact::ZERO.fit()?,
        recalculations: Vec::new(),
        trace: trace.into_terms(),
    })
}

/// Days of the account in the month, without those that the company's setting makes free.
fn days_charged(batch: &Batch, account: &Account, month: u8) -> Result<Exact, TooLarge> {
    let days = match account.spans.as_slice() {
        [] => u16::from(month),
        spans => spans.iter().map(|span| u16::from(span.to_day.saturating_sub(span.from_day)) + 1).sum(),
    };
    let free = batch.parameters.iter().find(|parameter| parameter.name == "free_days");
    let left = Exact::from(days).minus(free.map_or(Exact::ZERO, |parameter| parameter.value.into()))?;
    Ok(if left.is_negative() { Exact::ZERO } else { left })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kabinet_tariff_sdk::ServiceKind;
    use kabinet_tariff_testkit::{answer, sample};

    #[test]
    fn a_free_day_takes_its_part_off() {
        let tables = vec![sample::table(ServiceKind::Other, "fixed", Unit::Month, "62.00")];
        let mut batch = sample::batch(tables, vec![sample::account(1, "54.3", vec![sample::unmetered(0)])]);
        batch.parameters = vec![sample::parameter("free_days", "1")];
        let charges = Plugin::calculate(&batch).expect("charged");
        answer::check(&batch, &charges).expect("an answer the platform accepts");
        // 30 ÷ 31 = 0.9677419; × 62.00 = 59.9999978 → 60.00
        assert_eq!(answer::kopecks(charges[0].lines[0].amount), 6_000);
    }
}
