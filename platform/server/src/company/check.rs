//! The checks of a package that need the platform's workers: its plugin and its receipt template.

use std::path::PathBuf;

use kabinet_billing::catalog::{self, CheckedPlugin, UnknownRule};
use kabinet_plugin_host::{PluginHost, words};
use kabinet_render::ReceiptPrinter;
use kabinet_render::error::RenderError;

use super::document::Problem;
use super::package::{Package, TARIFFS, TENANT, Template};

/// What the checks work with.
#[derive(Clone)]
pub struct CheckTools {
    /// Compiles and describes plugins.
    pub plugins: PluginHost,
    /// Prints sample receipts.
    pub printer: ReceiptPrinter,
    /// The folder with the platform's own plugins, `standard.wasm` among them.
    pub plugins_dir: PathBuf,
}

/// The package's plugin after it and `template`, a receipt template that is to be tried, passed, or what is wrong with
/// them.
pub async fn check_files(
    package: &Package,
    template: Option<&Template>,
    tools: &CheckTools,
) -> Result<CheckedPlugin, Vec<Problem>> {
    let mut problems = Vec::new();
    let plugin = plugin(package, tools).await.map_err(|problem| problems.push(problem)).ok();
    if let Some(plugin) = &plugin {
        problems.extend(unknown_rules(package, plugin));
    }
    if let Some(template) = template
        && let Err(error) = tools.printer.check_template(&template.source).await
    {
        problems.push(template_problem(&template.file, &error));
    }
    match plugin {
        Some(plugin) if problems.is_empty() => Ok(plugin),
        _ => Err(problems),
    }
}

async fn plugin(package: &Package, tools: &CheckTools) -> Result<CheckedPlugin, Problem> {
    let name = &package.plugin.name;
    let refused = |message: String| Problem {
        file: TENANT.to_owned(),
        line: package.places.line(TENANT, "plugin.use"),
        field: "plugin.use".to_owned(),
        message: format!("плагин «{name}»: {message}"),
    };
    let component = match &package.plugin.component {
        Some(component) => component.clone(),
        None => tokio::fs::read(tools.plugins_dir.join(format!("{name}.wasm")))
            .await
            .map_err(|error| refused(format!("среди плагинов платформы не найден: {error}")))?,
    };
    let manifest = package.plugin.manifest.clone().ok_or_else(|| refused("нет описания".to_owned()))?;
    let checked = CheckedPlugin::of(&tools.plugins, component, manifest).await;
    checked.map_err(|error| refused(words::failure(&error)))
}

/// The rules of services and of their terms that the plugin does not have.
fn unknown_rules(package: &Package, plugin: &CheckedPlugin) -> Vec<Problem> {
    let catalog = &package.catalog;
    let services = || catalog.services.iter().map(|service| &service.what);
    let problem = |unknown: UnknownRule| {
        let place = match unknown.terms {
            None => {
                services().position(|known| known.code == unknown.service).map(|at| (TENANT, format!("services[{at}]")))
            }
            Some(from) => {
                let mut own = catalog.tariffs.iter().filter(|tariff| tariff.service == unknown.service);
                own.position(|tariff| tariff.from == from).map(|at| (TARIFFS, format!("{}[{at}]", unknown.service)))
            }
        };
        let (file, entry) = place.unwrap_or_default();
        let field = format!("{entry}.rule");
        let line = package.places.line(file, &field);
        Problem { file: file.to_owned(), line, field, message: unknown.to_string() }
    };
    catalog::unknown_rules(&plugin.info, services(), &catalog.tariffs).into_iter().map(problem).collect()
}

fn template_problem(file: &str, error: &RenderError) -> Problem {
    match error {
        RenderError::Template { line, reason, .. } => Problem {
            file: file.to_owned(),
            line: line.and_then(|line| usize::try_from(line).ok()),
            field: String::new(),
            message: reason.clone(),
        },
        other => Problem::of_file(file, other.to_string()),
    }
}
