//! What a package says of the plugin that calculates, against the plugin's own `plugin.toml`.

use std::path::Path;

use kabinet_billing::catalog::{Activation, PluginConfig, code_problem};
use kabinet_core::Period;
use kabinet_plugin_host::manifest::Manifest;

use super::document::Section;
use super::package::{Places, PluginSource, TENANT};
use super::read::Files;

/// The file that says what a plugin is; it lies beside the component.
const MANIFEST: &str = "plugin.toml";

/// The platform's own plugins with their `plugin.toml`.
const OF_PLATFORM: [(&str, &str); 2] = [
    ("standard", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins/examples/standard/plugin.toml"))),
    ("heat", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins/examples/heat/plugin.toml"))),
];

/// The section `[plugin]`: which plugin, from which month on, with which numbers.
pub(super) fn read(root: &mut Section<'_>, files: &mut Files<'_>, places: &mut Places) -> PluginSource {
    let mut source = PluginSource {
        name: String::new(),
        component: None,
        manifest: None,
        given: PluginConfig::new(),
        activation: Activation { from: Period(190_001), config: PluginConfig::new() },
    };
    let Some(mut section) = root.section("plugin") else { return source };
    source.name = section.text("use");
    places.add(TENANT, &section, "use");
    if source.name.ends_with(".wasm") {
        match files.bytes(&source.name) {
            Ok(component) => source.component = Some(component),
            Err(message) => section.refuse("use", message),
        }
    }
    source.activation.from = section.parsed("from", "месяц пишется как 2026-02").unwrap_or(source.activation.from);
    source.manifest = manifest(&section, files, &source.name);
    let given = section.optional_section("config");
    if let Some(manifest) = &source.manifest {
        (source.given, source.activation.config) = config(given, manifest);
    }
    section.refuse_unknown();
    source
}

/// What the plugin's author declares.
fn manifest(section: &Section<'_>, files: &mut Files<'_>, name: &str) -> Option<Manifest> {
    let text = if name.ends_with(".wasm") {
        let beside = Path::new(name).with_file_name(MANIFEST);
        files
            .text(&beside.to_string_lossy())
            .map_err(|problem| format!("рядом с «{name}» нужен {MANIFEST}, описание плагина: {}", problem.message))
    } else {
        of_platform(name)
    };
    let read = text.and_then(|text| {
        Manifest::read(&text).map_err(|error| format!("описание плагина «{name}», {MANIFEST}, не принято: {error}"))
    });
    read.map_err(|message| section.check("use", Some(message).filter(|_| !name.is_empty()))).ok()
}

fn of_platform(name: &str) -> Result<String, String> {
    if let Some(problem) = code_problem(&name.replace('-', "_")) {
        return Err(problem.to_owned());
    }
    let known = OF_PLATFORM.iter().find(|(known, _)| *known == name);
    known.map(|(_, text)| (*text).to_owned()).ok_or_else(|| {
        let names = OF_PLATFORM.map(|(name, _)| name).join(", ");
        format!("«{name}»: среди плагинов платформы такого нет, есть {names}")
    })
}

/// The numbers that the package sets, and those with the plugin's defaults where it sets none.
fn config(section: Option<Section<'_>>, manifest: &Manifest) -> (PluginConfig, PluginConfig) {
    let mut given = PluginConfig::new();
    if let Some(mut section) = section {
        for setting in &manifest.config {
            given.extend(section.exact(&setting.name).map(|number| (setting.name.clone(), number)));
        }
        for (name, problem) in manifest.numbers(&given).err().into_iter().flatten() {
            section.refuse(&name, problem);
        }
        section.refuse_unknown();
    }
    let config = manifest.numbers(&given).unwrap_or_default();
    (given, config)
}
