//! The repository itself: its root, its crates and its sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::process::run;

/// The repository's root.
///
/// # Panics
/// When the tests were moved out of it.
#[must_use]
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("tests/ lies in the repository").to_owned()
}

/// A crate of the workspace.
#[derive(Clone, Debug)]
pub struct Crate {
    /// Its folder from the root: `platform/core`.
    pub folder: String,
    /// What it depends on when it is built for use, not for its own tests.
    pub dependencies: BTreeSet<String>,
}

/// The workspace's crates by name, from `cargo metadata`.
///
/// # Panics
/// When cargo fails.
#[must_use]
pub fn crates() -> BTreeMap<String, Crate> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--format-version", "1", "--no-deps", "--offline"]).current_dir(root());
    let metadata: Value = serde_json::from_str(&run(&mut command)).expect("cargo's JSON");
    let root = format!("{}/", metadata["workspace_root"].as_str().expect("a root"));
    let packages = metadata["packages"].as_array().expect("packages");
    packages.iter().map(|package| crate_of(package, &root)).collect()
}

/// Every package that the workspace is made of, with the features it is built with, as `cargo build` wants them
/// or, with `tests`, as `cargo test` does.
///
/// # Panics
/// When cargo fails.
#[must_use]
pub fn packages(tests: bool) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let edges = if tests { "normal,build,dev" } else { "normal,build" };
    let mut command = Command::new(cargo);
    command.args(["tree", "--workspace", "--locked", "--offline", "--prefix", "none", "--format", "{p} {f}"]);
    let tree = run(command.args(["--edges", edges]).current_dir(root()));
    tree.lines().map(|line| line.trim_end_matches(" (*)").trim_end().to_owned()).collect()
}

fn crate_of(package: &Value, root: &str) -> (String, Crate) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let manifest = text(&package["manifest_path"]);
    let folder = manifest.trim_start_matches(root).trim_end_matches("/Cargo.toml").to_owned();
    let declared = package["dependencies"].as_array().expect("dependencies").iter();
    let used = declared.filter(|dependency| dependency["kind"].as_str() != Some("dev"));
    (text(&package["name"]), Crate { folder, dependencies: used.map(|dependency| text(&dependency["name"])).collect() })
}

/// The sources under the given folders that end with one of `endings`, without what was built or installed.
#[must_use]
pub fn sources(folders: &[&str], endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in folders {
        collect(&root().join(folder), endings, &mut found);
    }
    found.sort();
    found
}

fn collect(folder: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
    let built = ["target", "node_modules", "assets"];
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_dir() && !built.contains(&name.as_str()) && !name.starts_with('.') {
            collect(&path, endings, found);
        } else if path.is_file() && endings.iter().any(|ending| name.ends_with(ending)) {
            found.push(path);
        }
    }
}

/// A path as people name it, from the root.
#[must_use]
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
