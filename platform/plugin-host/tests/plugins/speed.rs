//! How long things take, printed for the reader; only gross slowness fails.

use std::time::{Duration, Instant};

use kabinet_plugin_host::api::{
    Account, Batch, Consumption, Meter, MeterState, Period, Premises, Price, ServiceKind, ServiceTable, Unit, Zone,
    ZoneReading,
};
use kabinet_plugin_host::native;
use rust_decimal::Decimal;

use crate::build::STANDARD;
use crate::{Stage, Test, new_host};

pub(crate) const TESTS: &[Test] = &[("speed::figures", figures)];

fn figures(stage: &Stage) {
    let fresh = tempfile::tempdir().expect("a folder");
    let load = |what: &str| {
        let begun = Instant::now();
        let host = new_host(fresh.path());
        let ready = begun.elapsed();
        let plugin = stage.runtime.block_on(host.load(&STANDARD)).expect("loads");
        println!("  host ready {ready:?}; {what}: {:?}", begun.elapsed() - ready);
        plugin
    };
    load("first load, compiled in a new worker");
    let plugin = load("second load, from the artifact");
    println!("  component {} bytes, artifact {} bytes", plugin.info().component_bytes, plugin.info().artifact_bytes);
    let batch = town(250);
    let lines: usize = batch.accounts.iter().map(|account| account.services.len()).sum();
    if let Some(rounds) = std::env::var("KABINET_PROFILED_ROUNDS").ok().and_then(|text| text.parse().ok()) {
        (0..rounds).for_each(|_: u32| drop(plugin.calculate(&batch).expect("charged")));
        return;
    }
    let wasm = best(|| drop(plugin.calculate(&batch).expect("charged")));
    let same = best(|| drop(native::calculate(&batch).expect("charged")));
    let one = town(1);
    let single = best(|| drop(plugin.calculate(&one).expect("charged")));
    let (_, usage) = plugin.measure(&batch).expect("charged");
    let lines = u64::try_from(lines).expect("few");
    let ratio = wasm.as_secs_f64() / same.as_secs_f64();
    println!("  an account of 6 lines: wasm {:?}, native {:?}, ratio {ratio:.2}", wasm / 250, same / 250);
    println!("  one account {single:?}; fuel {} a line of {} allowed", usage.fuel / lines, usage.fuel_limit / lines);
}

fn best(mut run: impl FnMut()) -> Duration {
    let time = |()| {
        let begun = Instant::now();
        run();
        begun.elapsed()
    };
    std::iter::repeat_n((), 20).map(time).min().unwrap_or_default()
}

/// A town of accounts with six services each, a function of the account's number.
pub(crate) fn town(accounts: u32) -> Batch {
    Batch {
        period: Period { year: 2026, month: 10 },
        parameters: Vec::new(),
        tables: tables(),
        houses: Vec::new(),
        accounts: (0..accounts).map(account).collect(),
    }
}

fn tables() -> Vec<ServiceTable> {
    use ServiceKind::{CapitalRepair, ColdWater, Electricity, Maintenance, Waste, Wastewater};
    let table = |code: &str, kind, rule: &str, unit, price: i64, norm: Option<Decimal>| ServiceTable {
        code: code.to_owned(),
        kind,
        rule: rule.to_owned(),
        unit,
        prices: vec![Price { zone: Zone::WholeDay, above: Decimal::ZERO, amount: Decimal::new(price, 2) }],
        norm,
        coefficient: norm.map(|_| Decimal::new(3, 0)),
        parameters: Vec::new(),
    };
    let mut tables = vec![
        table("cold-water", ColdWater, "metered", Unit::CubicMetre, 3_956, Some(Decimal::new(485, 2))),
        table("wastewater", Wastewater, "drainage", Unit::CubicMetre, 2_641, None),
        table("electricity", Electricity, "metered", Unit::KilowattHour, 477, Some(Decimal::new(80, 0))),
        table("maintenance", Maintenance, "area", Unit::SquareMetre, 2_540, None),
        table("capital-repair", CapitalRepair, "area", Unit::SquareMetre, 1_392, None),
        table("waste", Waste, "persons", Unit::Person, 12_458, None),
    ];
    for (above, amount) in [(3_900, 720), (6_000, 1_053)] {
        let price = Price { zone: Zone::WholeDay, above: Decimal::new(above, 0), amount: Decimal::new(amount, 2) };
        tables[2].prices.push(price);
    }
    tables
}

fn account(index: u32) -> Account {
    let n = i64::from(index);
    // Every seventh has no water meter, every fifth sent no reading.
    let water = if n % 7 == 0 { Vec::new() } else { vec![meter(n * 3, (n % 5 != 0).then_some(n % 11), 3)] };
    let power = vec![meter(n * 100, Some(n % 8_000), 1)];
    let services = [water, Vec::new(), power, Vec::new(), Vec::new(), Vec::new()];
    Account {
        index,
        premises: Premises::Flat,
        area: Decimal::new(300 + n % 700, 1),
        residents: u16::try_from(n % 5).unwrap_or(0),
        owners: 1,
        house: None,
        spans: Vec::new(),
        absences: Vec::new(),
        services: (0..)
            .zip(services)
            .map(|(service, meters)| Consumption {
                service,
                meters,
                meter_possible: n % 14 == 0,
                averaged: Vec::new(),
                parameters: Vec::new(),
            })
            .collect(),
    }
}

fn meter(previous: i64, used: Option<i64>, scale: u32) -> Meter {
    let previous = Decimal::new(previous, scale);
    Meter {
        state: MeterState::Working,
        missed_periods: 0,
        zones: vec![ZoneReading {
            zone: Zone::WholeDay,
            previous,
            current: used.map(|used| previous + Decimal::new(used, 0)),
            history: if used.is_some() { Vec::new() } else { vec![Decimal::new(41, 1); 6] },
        }],
    }
}
