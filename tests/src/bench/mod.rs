//! `make bench`: the figures of the platform over the real binary, on SQLite and on PostgreSQL.

mod administrator;
mod arrivals;
mod billing;
mod bottleneck;
mod bulk;
mod capacity;
mod crowd;
mod figures;
mod http;
mod load;
mod people;
mod portal;
mod profile;
mod programs;
mod saturation;
mod stage;
mod stress;
mod uniform;
mod usage;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, bail};
use kabinet_tests::postgres::Cluster;

use figures::Report;
use stage::Stage;

const USAGE: &str = "bench [--quick] [portal] [billing] [rehearsal] [linear] [uniform] [load] [wasm] [receipts]";

/// How much is measured.
#[derive(Clone, Debug)]
struct Scale {
    /// Accounts of the company whose portal is measured, and the months they were billed.
    accounts: u64,
    months: u32,
    /// Residents that ask in rotation.
    residents: u64,
    /// Seconds of each load.
    seconds: f64,
    /// Readings of one meter that are stored at most.
    readings: u64,
    /// Accounts of the billing run.
    billed: u64,
    receipts: u64,
    /// Starts of the server, runs of the plugin.
    repeats: u32,
    /// Whether what misses its goal is profiled.
    profiles: bool,
    /// The companies and rates of `load`.
    load: stress::Size,
}

const WHOLE: Scale = Scale {
    accounts: 1000,
    months: 14,
    residents: 100,
    seconds: 5.0,
    readings: 15,
    billed: 100_000,
    receipts: 5000,
    repeats: 5,
    profiles: true,
    load: stress::Size::WHOLE,
};

const QUICK: Scale = Scale {
    accounts: 200,
    months: 3,
    residents: 100,
    seconds: 2.0,
    readings: 5,
    billed: 1000,
    receipts: 50,
    repeats: 1,
    profiles: false,
    load: stress::Size::QUICK,
};

/// Measures what the arguments name (everything without any), prints the table and writes `bench.json`. An
/// error says which measurements failed; a goal that is missed is an error of `load` alone.
pub(crate) fn run() -> anyhow::Result<()> {
    let begun = Instant::now();
    let (mut scale, mut parts) = (WHOLE, Vec::new());
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--quick" => scale = QUICK,
            "portal" | "billing" | "rehearsal" | "linear" | "uniform" | "load" | "wasm" | "receipts" => {
                parts.push(argument)
            }
            _ => bail!("{USAGE}"),
        }
    }
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|named| named == part);
    let mut report = Report::default();
    let mut failures = Vec::new();
    let mut note = |what: &str, outcome: anyhow::Result<()>| {
        if let Err(error) = outcome {
            eprintln!("FAILED {what}: {error:#}");
            failures.push(what.to_owned());
        }
    };
    let cluster = ["portal", "billing", "rehearsal", "linear", "uniform"].into_iter().any(wanted).then(database_server);
    for server in [None, cluster.as_ref()].into_iter().take(if cluster.is_some() { 2 } else { 0 }) {
        if wanted("portal") {
            let stage = Stage::new(server);
            note(&format!("portal on {}", stage.name()), portal::measure(&mut report, &stage, &scale));
        }
        if wanted("billing") {
            let stage = Stage::new(server);
            note(&format!("billing on {}", stage.name()), billing::measure(&mut report, &stage, &scale));
        }
        if wanted("rehearsal") && scale.profiles {
            let stage = Stage::new(server);
            note(&format!("rehearsal on {}", stage.name()), billing::rehearsal(&mut report, &stage));
        }
        // A quick run has no use for sizes.
        if wanted("linear") && scale.profiles {
            let stages = billing::OTHER_SIZES.map(|_| Stage::new(server));
            note("billing of other sizes", billing::linear(&mut report, stages));
        }
        if wanted("uniform") {
            let stage = Stage::new(server);
            note(&format!("known and unknown on {}", stage.name()), uniform::measure(&mut report, &stage));
        }
    }
    // Asked for by its name alone: half a million accounts are made first.
    if parts.iter().any(|part| part == "load") {
        note("load", stress::measure(&mut report, &database_server(), scale.load));
    }
    if wanted("wasm") {
        note("wasm", programs::wasm(&mut report, &scale));
    }
    if wanted("receipts") {
        note("receipts", programs::receipts(&mut report, &scale));
    }
    conclude(&report, &failures, begun)
}

/// Prints the table and writes `bench.json`; an error where something was not measured, or misses what it is held to.
fn conclude(report: &Report, failures: &[String], begun: Instant) -> anyhow::Result<()> {
    print!("{}", report.table());
    let file = target()?.join("bench.json");
    report.write(&file)?;
    println!("measured in {:.0} s; the same in {}", begun.elapsed().as_secs_f64(), file.display());
    if !failures.is_empty() {
        bail!("not measured: {}", failures.join(", "));
    }
    match report.broken().as_slice() {
        [] => Ok(()),
        missed => bail!("missed: {}", missed.join(", ")),
    }
}

/// A PostgreSQL as one is set up for work: every commit waits for the disk, the log has room for a run.
fn database_server() -> Cluster {
    let cluster = Cluster::start();
    cluster.execute("postgres", "ALTER SYSTEM SET max_wal_size = '4GB'");
    cluster.execute("postgres", "ALTER SYSTEM SET checkpoint_timeout = '15min'");
    cluster.execute("postgres", "SELECT pg_reload_conf()");
    cluster
}

/// Cargo's folder, in which this program lies.
fn target() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?;
    Ok(program.ancestors().nth(2).context("the program lies in target/release")?.to_path_buf())
}
