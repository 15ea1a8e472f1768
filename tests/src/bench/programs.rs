//! Figures that programs of the crates themselves print: the plugin beside native code, receipts beside the
//! same content drawn by hand. They are built with those crates' own test dependencies, which the server
//! must not be built with.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde::Deserialize;

use super::figures::{Figure, Goal, Report, median};
use super::stage::finish;
use super::{Scale, profile, target};

/// How many times as long as native code a plugin may take.
const WASM_RATIO: f64 = 2.0;
/// The least share of the speed of drawing by hand.
const DRAWN_SHARE: f64 = 0.4;
/// Memory that may still be added after the first thousand receipts, in MB: it is flat.
const PEAK_GROWTH_MB: f64 = 16.0;
/// Receipts from which on that can be seen.
const LEAST_TO_GROW: u64 = 2000;

/// The tariff plugin in the host's sandbox beside the same Rust code compiled natively.
pub(crate) fn wasm(report: &mut Report, scale: &Scale) -> anyhow::Result<()> {
    eprintln!("plugin beside native code");
    let program = std::env::var_os("KABINET_BENCH_PLUGINS").map(PathBuf::from);
    let program = program.context("KABINET_BENCH_PLUGINS names no program: start scripts/bench")?;
    let mut command = Command::new(&program);
    // Its plugin is built from source, by the path of the crate.
    command.arg("speed::figures").current_dir(kabinet_tests::house::root().join("platform/plugin-host"));
    let mut ratios = Vec::new();
    for _ in 0..scale.repeats {
        ratios.push(ratio(&finish(&mut command)?)?);
    }
    let figure = Figure::new("wasm_vs_native", None, median(&mut ratios), "", ratios.len() as u64);
    let figure = figure.beside(1.0, "the same SDK code compiled natively").promised(Goal::AtMost(WASM_RATIO));
    let missed = figure.is_missed();
    report.add(figure);
    if missed && scale.profiles {
        // The plugin alone, for some seconds: a measurement is over before its preparations are.
        report.remark(profile::of("wasm", command.env("KABINET_PROFILED_ROUNDS", "3000"), &[])?);
    }
    Ok(())
}

/// The number after `ratio` in what the program prints.
fn ratio(text: &str) -> anyhow::Result<f64> {
    let after = text.split("ratio ").nth(1).and_then(|rest| rest.split_whitespace().next());
    after.and_then(|number| number.parse().ok()).with_context(|| format!("no ratio in: {text}"))
}

#[derive(Deserialize)]
struct Line {
    name: String,
    value: f64,
}

/// Receipts a second and memory, beside the same content drawn by hand.
pub(crate) fn receipts(report: &mut Report, scale: &Scale) -> anyhow::Result<()> {
    eprintln!("{} receipts", scale.receipts);
    let program = target()?.join("release/examples/receipt_bench");
    if !Path::is_file(&program) {
        bail!("{}: not built, start scripts/bench", program.display());
    }
    let mut command = Command::new(program);
    command.arg(scale.receipts.to_string());
    let text = finish(&mut command)?;
    let lines = text.lines().map(serde_json::from_str).collect::<Result<Vec<Line>, _>>()?;
    let value = |name: &str| {
        let line = lines.iter().find(|line| line.name == name);
        line.map(|line| line.value).with_context(|| format!("no {name} in: {text}"))
    };
    let drawn = value("receipts_drawn_per_s")?;
    let mut missed = false;
    for name in ["receipts", "receipts_house"] {
        let rate =
            Figure::new(format!("{name}_per_s"), None, value(&format!("{name}_per_s"))?, "1/s CPU", scale.receipts)
                .beside(drawn, "the same content drawn by hand with krilla")
                .promised(Goal::AtLeast(DRAWN_SHARE * drawn));
        missed |= rate.is_missed();
        report.add(rate);
        for peak in ["early_peak_mb", "peak_mb"] {
            let name = format!("{name}_{peak}");
            report.add(Figure::new(name.clone(), None, value(&name)?, "MB", scale.receipts));
        }
        // A handful of receipts has no early and late.
        if scale.receipts >= LEAST_TO_GROW {
            let name = format!("{name}_peak_growth_mb");
            let growth = Figure::new(name.clone(), None, value(&name)?, "MB", scale.receipts);
            report.add(growth.promised(Goal::AtMost(PEAK_GROWTH_MB)));
        }
    }
    if missed && scale.profiles {
        report.remark(profile::of("receipts", &mut command, &[])?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::ratio;

    #[test]
    fn the_ratio_is_read_from_the_lines() {
        let text = "  host ready 1ms\n  an account of 6 lines: wasm 2µs, native 1µs, ratio 1.87\n  one account 9µs";
        assert_eq!(ratio(text).ok(), Some(1.87));
        assert!(ratio("plugins: 0 passed").is_err());
    }
}
