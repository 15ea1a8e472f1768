//! `kabinet plugin test`: what an author wants to know before a company gets the plugin.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use kabinet_plugin_host::manifest::Manifest;
use kabinet_plugin_host::{COMPONENT_BYTES, TariffPlugin, Usage, cases};

use super::{Scratch, host, read};

/// Runs every golden case of the plugin in `folder`, twice each and under the limits of its
/// `plugin.toml`; a failure status when one of them does not come out as expected.
pub(in crate::cli) async fn test(folder: &Path, component: Option<&Path>) -> anyhow::Result<ExitCode> {
    let manifest = manifest(&folder.join("plugin.toml"))?;
    let cases = golden_cases(&folder.join("cases"))?;
    let file = component.map_or_else(|| folder.join(format!("{}.wasm", manifest.id)), Path::to_path_buf);
    let scratch = Scratch::new()?;
    let plugin = host(&scratch)?.load(&read(&file)?).await.with_context(|| file.display().to_string())?;
    manifest.agrees_with(plugin.info()).with_context(|| file.display().to_string())?;
    let plugin = plugin.within(manifest.limits);

    println!("{} {}, contract {}", manifest.id, manifest.version, manifest.api);
    let mut failed = 0;
    let mut used = Vec::new();
    for case in &cases {
        let name = case.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let (usage, differences) = outcome(&plugin, case)?;
        println!("{}  {name}", if differences.is_empty() { "ok    " } else { "FAILED" });
        for difference in &differences {
            println!("        {difference}");
        }
        failed += usize::from(!differences.is_empty());
        used.extend(usage.map(|usage| (name, usage)));
    }
    println!("{} of {} cases hold", cases.len() - failed, cases.len());
    print_usage(&used, &plugin);
    if failed == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("kabinet: {}: {failed} of {} cases do not hold", folder.display(), cases.len());
    Ok(ExitCode::FAILURE)
}

fn manifest(file: &Path) -> anyhow::Result<Manifest> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    Manifest::read(&text).with_context(|| file.display().to_string())
}

/// The cases of a folder in the order of their names; at least one.
fn golden_cases(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            cases.push(path);
        }
    }
    if cases.is_empty() {
        bail!("{}: no case (*.json) is there, so nothing was tested", folder.display());
    }
    cases.sort();
    Ok(cases)
}

/// What a case used, where it came to a result, and what is wrong with it.
fn outcome(plugin: &TariffPlugin, case: &Path) -> anyhow::Result<(Option<Usage>, Vec<String>)> {
    let json = std::fs::read_to_string(case).with_context(|| case.display().to_string())?;
    Ok(match cases::run_case(plugin, &json) {
        Ok(report) => (report.usage, report.differences),
        Err(error) => (None, vec![error.to_string()]),
    })
}

/// The most that a case used, beside what it may use.
fn print_usage(used: &[(String, Usage)], plugin: &TariffPlugin) {
    if let Some((case, usage)) = used.iter().max_by_key(|(_, usage)| usage.fuel) {
        println!("fuel       at most {} of {} ({case})", usage.fuel, usage.fuel_limit);
    }
    if let Some((case, usage)) = used.iter().max_by_key(|(_, usage)| usage.memory) {
        println!("memory     at most {} of {} bytes ({case})", usage.memory, usage.memory_limit);
    }
    let info = plugin.info();
    println!("component  {} of {COMPONENT_BYTES} bytes, compiled {} bytes", info.component_bytes, info.artifact_bytes);
}
