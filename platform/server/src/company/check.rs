//! The checks of a package that need the platform's workers: its plugin and its receipt template.

use std::path::PathBuf;

use kabinet_plugin_host::api::PluginInfo;
use kabinet_plugin_host::{PluginHost, words};
use kabinet_render::ReceiptPrinter;
use kabinet_render::error::RenderError;

use super::document::Problem;
use super::package::{Package, TARIFFS, TENANT};

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

/// The plugin of a package, checked.
#[derive(Clone, Debug)]
pub struct CheckedPlugin {
    /// The component.
    pub component: Vec<u8>,
    /// What it says about itself.
    pub info: PluginInfo,
}

/// The package's plugin after it and the receipt template passed, or what is wrong with them.
pub async fn check_files(package: &Package, tools: &CheckTools) -> Result<CheckedPlugin, Vec<Problem>> {
    let mut problems = Vec::new();
    let plugin = plugin(package, tools).await.map_err(|problem| problems.push(problem)).ok();
    if let Some(plugin) = &plugin {
        problems.extend(unknown_rules(package, plugin));
    }
    if let Some(template) = &package.template
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
    let info = tools.plugins.check(&component).await.map_err(|error| refused(words::failure(&error)))?;
    if let Some(Err(error)) = package.plugin.manifest.as_ref().map(|manifest| manifest.agrees_with(&info)) {
        return Err(refused(format!("описание и сам плагин расходятся: {error}")));
    }
    Ok(CheckedPlugin { component, info })
}

/// The rules of services and of their terms that the plugin does not have.
fn unknown_rules(package: &Package, plugin: &CheckedPlugin) -> Vec<Problem> {
    let catalog = &package.catalog;
    let services = (0..).zip(catalog.services.iter().map(|service| &service.what));
    let rules =
        services.clone().map(|(at, service): (usize, _)| (TENANT, format!("services[{at}].rule"), &service.rule));
    let terms = services.flat_map(|(_, service)| {
        let own = catalog.tariffs.iter().filter(|tariff| tariff.service == service.code);
        (0..).zip(own).filter_map(|(at, tariff): (usize, _)| {
            Some((TARIFFS, format!("{}[{at}].rule", service.code), tariff.terms.rule.as_ref()?))
        })
    });
    let unknown = rules.chain(terms).filter(|(.., rule)| !plugin.info.rules.contains(rule));
    unknown
        .map(|(file, field, rule)| {
            let known = plugin.info.rules.join(", ");
            Problem {
                file: file.to_owned(),
                line: package.places.line(file, &field),
                message: format!("правила «{rule}» у плагина «{}» нет; есть {known}", plugin.info.id),
                field,
            }
        })
        .collect()
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
