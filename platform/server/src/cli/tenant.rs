//! `kabinet tenant …`.

use std::path::Path;
use std::process::ExitCode;

use crate::company::{self, ApplyError, CheckTools, Problem};
use crate::composition::App;
use crate::config::Config;
use crate::places::Places;

/// Applies a package and says what changed; every mistake of a wrong one, by file, line and field.
pub(super) async fn apply(config: Config, dir: &Path) -> anyhow::Result<ExitCode> {
    let app = App::open(config).await?;
    let package = match company::read(dir, &app.registry.optional()) {
        Ok(package) => package,
        Err(problems) => return Ok(refused(dir, &problems)),
    };
    let plugins_dir = match &package.plugin.component {
        Some(_) => dir.to_path_buf(),
        None => Places::usual().plugins()?,
    };
    let tools = CheckTools { plugins: app.plugins.clone(), printer: app.printer.clone(), plugins_dir };
    let plugin = match company::check_files(&package, package.template.as_ref(), &tools).await {
        Ok(plugin) => plugin,
        Err(problems) => return Ok(refused(dir, &problems)),
    };
    let changes = match company::apply(&package, &plugin, &app.db, &app.tenants).await {
        Ok(changes) => changes,
        Err(ApplyError::Refused(problem)) => return Ok(refused(dir, &[problem])),
        Err(error) => return Err(error.into()),
    };
    if changes.is_empty() {
        println!("{}: ничего не изменилось", package.slug);
    }
    for change in changes {
        println!("{}: {change}", package.slug);
    }
    Ok(ExitCode::SUCCESS)
}

fn refused(dir: &Path, problems: &[Problem]) -> ExitCode {
    for problem in problems {
        eprintln!("{}/{problem}", dir.display());
    }
    eprintln!("kabinet: пакет не применён, ошибок: {}", problems.len());
    ExitCode::FAILURE
}

/// The companies, one line each.
pub(super) async fn list(config: Config) -> anyhow::Result<()> {
    let app = App::open(config).await?;
    for line in company::list(&app.tenants).await? {
        println!("{line}");
    }
    Ok(())
}
