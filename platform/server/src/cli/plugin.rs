//! `kabinet plugin …`.

mod new;
mod test;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use kabinet_plugin_host::{PluginHost, cases};
use kabinet_sandbox::{Pool, PoolConfig};

use super::scratch::Scratch;

pub(super) use new::{NewArguments, new};
pub(super) use test::test;

/// Says what the plugin is, if it can be used.
pub(super) async fn check(file: &Path) -> anyhow::Result<()> {
    let scratch = Scratch::new()?;
    let component = read(file)?;
    let info = host(&scratch)?.check(&component).await.with_context(|| file.display().to_string())?;
    println!("{} {}", info.id, info.version);
    println!("api        {}", info.api);
    println!("rules      {}", info.rules.join(", "));
    println!("hash       {}", info.hash);
    println!("component  {} bytes, compiled {} bytes", info.component_bytes, info.artifact_bytes);
    Ok(())
}

/// Calculates a case; a failure status when it does not come out as expected.
pub(super) async fn run(file: &Path, case: &Path) -> anyhow::Result<ExitCode> {
    let scratch = Scratch::new()?;
    let component = read(file)?;
    let json = std::fs::read_to_string(case).with_context(|| case.display().to_string())?;
    let plugin = host(&scratch)?.load(&component).await.with_context(|| file.display().to_string())?;
    let report = cases::run_case(&plugin, &json).with_context(|| case.display().to_string())?;
    println!("{}", report.comment);
    if let Some(usage) = report.usage {
        println!("fuel {} of {}", usage.fuel, usage.fuel_limit);
        println!("memory {} of {} bytes", usage.memory, usage.memory_limit);
    }
    println!("{}", serde_json::to_string_pretty(&report.charges)?);
    if report.passed() {
        println!("as expected");
        return Ok(ExitCode::SUCCESS);
    }
    for difference in &report.differences {
        eprintln!("{difference}");
    }
    eprintln!("kabinet: {}: not as expected", case.display());
    Ok(ExitCode::FAILURE)
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| file.display().to_string())
}

fn host(scratch: &Scratch) -> anyhow::Result<PluginHost> {
    let program = std::env::current_exe().context("own program")?;
    let pool = Pool::new(PoolConfig { program, args: vec!["worker".into()], workers: 1 });
    Ok(PluginHost::new(Arc::new(pool), scratch.dir().join("plugins"), kabinet_core::Entropy.bytes())?)
}
