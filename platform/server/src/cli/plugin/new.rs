//! `kabinet plugin new`: a plugin that builds and passes its case, to change step by step.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::ValueEnum;
use kabinet_plugin_host::manifest::{ID_RULE, is_id};

/// What stands for the plugin's name in the templates.
const NAME: &str = "{{name}}";
/// How the templates name the repository's folder `plugins/`: they are made for `plugins/own/NAME`.
const TWO_UP: &str = "../..";
/// The files that name that folder.
const NAMING_PLUGINS: [&str; 2] = ["Cargo.toml", "build"];
/// The file to run.
const BUILD: &str = "build";

/// What `kabinet plugin new` is asked for.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct NewArguments {
    /// The plugin's id and the folder that is made: lower-case letters, digits, dashes
    name: String,
    /// The language the plugin is written in
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    language: Language,
    /// The folder plugins/ of a clone of the Kabinet repository; looked for from here upwards if not named
    #[arg(long, value_name = "PATH")]
    sdk: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Language {
    Rust,
    Typescript,
}

/// A file of a template: its path in the plugin's folder, and its text.
type File = (&'static str, &'static str);

macro_rules! template {
    ($language:literal: $($path:literal)*) => {
        &[$(($path, include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"), "/../../plugins/templates/", $language, "/", $path
        )))),*]
    };
}

const RUST: &[File] =
    template!("rust": ".gitignore" "Cargo.toml" "build" "cases/part-month.json" "plugin.toml" "src/lib.rs");
const TYPESCRIPT: &[File] = template!("typescript":
    ".gitignore" ".npmrc" "asconfig.json" "build" "cases/part-month.json" "package-lock.json" "package.json"
    "plugin.toml" "src/abi.ts" "src/contract.ts" "src/decimal.ts" "src/layout.ts" "src/memory.ts"
    "src/tariff.ts" "tsconfig.json");

impl Language {
    fn files(self) -> &'static [File] {
        match self {
            Language::Rust => RUST,
            Language::Typescript => TYPESCRIPT,
        }
    }

    fn source(self) -> &'static str {
        match self {
            Language::Rust => "src/lib.rs",
            Language::Typescript => "src/tariff.ts",
        }
    }
}

/// Makes the plugin's folder in the working folder and says what comes next.
pub(in crate::cli) fn new(arguments: &NewArguments) -> anyhow::Result<()> {
    let NewArguments { name, language, sdk } = arguments;
    ensure!(is_id(name), "{name}: a plugin's name has {ID_RULE}");
    let here = std::env::current_dir().and_then(std::fs::canonicalize).context("the working folder")?;
    let plugins = plugins_folder(&here, sdk.as_deref())?;
    let folder = here.join(name);
    let way = way(&folder, &plugins)?;
    std::fs::create_dir(&folder).with_context(|| format!("the folder {name} cannot be made"))?;
    for (path, text) in language.files() {
        write(&folder, path, &filled_in(path, text, name, &way)).with_context(|| format!("{name}/{path}"))?;
    }
    println!("{name}: a tariff plugin that charges a fixed sum a month, by days");
    println!("  {:<22} the rule", language.source());
    println!("  {:<22} a case worked out by hand", "cases/part-month.json");
    println!("  {:<22} id, title, settings and limits", "plugin.toml");
    println!("  {:<22} one command from the source to a tested component", BUILD);
    println!("next: cd {name} && ./build test");
    Ok(())
}

fn write(folder: &Path, path: &str, text: &str) -> anyhow::Result<()> {
    let file = folder.join(path);
    if let Some(parent) = file.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(&file, text)?;
    if path == BUILD {
        let mode = std::fs::metadata(&file)?.permissions().mode();
        // Whoever may read it may run it.
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode | ((mode & 0o444) >> 2)))?;
    }
    Ok(())
}

fn filled_in(path: &str, text: &str, name: &str, way: &str) -> String {
    let text = text.replace(NAME, name);
    if NAMING_PLUGINS.contains(&path) { text.replace(TWO_UP, way) } else { text }
}

/// The repository's folder `plugins/`: the one named, or the next one upwards.
fn plugins_folder(here: &Path, named: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(named) = named {
        // The repository, its folder plugins/, or the folder sdk/ in that: all of them are meant.
        let named = std::fs::canonicalize(named).with_context(|| named.display().to_string())?;
        let candidates = [Some(named.clone()), Some(named.join("plugins")), named.parent().map(Path::to_path_buf)];
        let found = candidates.into_iter().flatten().find(|folder| is_plugins(folder));
        return found.with_context(|| format!("{}: no folder plugins/ of Kabinet with sdk/ in it", named.display()));
    }
    let upwards = here.ancestors().flat_map(|folder| [folder.to_path_buf(), folder.join("plugins")]);
    match upwards.into_iter().find(|folder| is_plugins(folder)) {
        Some(folder) => Ok(folder),
        None => bail!(
            "the folder plugins/ of the Kabinet repository, which a plugin is built with, is not found from {} \
             upwards: name it with --sdk PATH",
            here.display()
        ),
    }
}

fn is_plugins(folder: &Path) -> bool {
    ["sdk/Cargo.toml", "wit/tariff-1.0/tariff.wit", "build"].iter().all(|file| folder.join(file).is_file())
}

/// How the plugin's files name `plugins/`: relative inside the repository, which may be moved as a
/// whole, absolute elsewhere.
fn way(folder: &Path, plugins: &Path) -> anyhow::Result<String> {
    let inside = plugins.parent().and_then(|repository| folder.strip_prefix(repository).ok());
    let way = match (folder.strip_prefix(plugins), inside) {
        (Ok(below), _) => [".."].repeat(below.components().count()).join("/"),
        (_, Some(below)) => {
            let up = [".."].repeat(below.components().count()).join("/");
            let name = plugins.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            format!("{up}/{name}")
        }
        _ => plugins.to_str().context("the path of plugins/ is not text")?.to_owned(),
    };
    // It stands in quotes in a shell script and in Cargo.toml.
    let unfit = |c: char| c.is_control() || matches!(c, '"' | '\\' | '$' | '`' | '}');
    ensure!(!way.contains(unfit), "{way}: a path with such characters cannot stand in the plugin's files");
    Ok(way)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Files of a folder and whether they may be run, without what builds leave there.
    fn on_disk(folder: &Path, below: &str, into: &mut BTreeMap<String, bool>) {
        for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
            let name = entry.file_name().into_string().expect("a plain name");
            if ["target", "node_modules"].contains(&name.as_str()) {
                continue;
            }
            let metadata = entry.metadata().expect("metadata");
            if metadata.is_dir() {
                on_disk(&entry.path(), &format!("{below}{name}/"), into);
            } else {
                into.insert(format!("{below}{name}"), metadata.permissions().mode() & 0o111 != 0);
            }
        }
    }

    #[test]
    fn every_file_of_the_templates_is_in_the_binary() {
        for (language, folder) in [(Language::Rust, "rust"), (Language::Typescript, "typescript")] {
            let mut there = BTreeMap::new();
            let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/templates");
            on_disk(&templates.join(folder), "", &mut there);
            let here = language.files().iter().map(|(path, _)| ((*path).to_owned(), *path == BUILD)).collect();
            assert_eq!(there, here, "{folder}");
        }
    }

    #[test]
    fn plugins_is_named_relatively_inside_the_repository_and_absolutely_elsewhere() {
        let way = |folder: &str| way(Path::new(folder), Path::new("/src/kabinet/plugins")).expect("a way");
        assert_eq!(way("/src/kabinet/plugins/own/intercom"), TWO_UP);
        assert_eq!(way("/src/kabinet/plugins/intercom"), "..");
        assert_eq!(way("/src/kabinet/tenants/teploset/intercom"), "../../../plugins");
        assert_eq!(way("/home/me/intercom"), "/src/kabinet/plugins");
        // Only a name that begins alike.
        assert_eq!(way("/src/kabinet-2/intercom"), "/src/kabinet/plugins");
        let unfit = super::way(Path::new("/home/me/intercom"), Path::new("/src/$HOME/plugins"));
        assert!(unfit.is_err());
    }
}
