//! The example plugins, built from source once.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

static BUILT: LazyLock<()> = LazyLock::new(|| {
    let built = Command::new(root().join("plugins/build")).status().expect("plugins/build starts");
    assert!(built.success(), "plugins/build failed");
});

/// The standard plugin's component as `plugins/build` leaves it.
pub(crate) static STANDARD: LazyLock<Vec<u8>> = LazyLock::new(|| component("standard"));
/// The heat plugin's.
pub(crate) static HEAT: LazyLock<Vec<u8>> = LazyLock::new(|| component("heat"));

fn component(name: &str) -> Vec<u8> {
    LazyLock::force(&BUILT);
    std::fs::read(root().join(format!("target/release/plugins/{name}.wasm"))).expect("the component")
}
