//! The standard plugin, built from source once.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The component as `plugins/build` leaves it.
pub(crate) static STANDARD: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let built = Command::new(root().join("plugins/build")).status().expect("plugins/build starts");
    assert!(built.success(), "plugins/build failed");
    std::fs::read(root().join("target/release/plugins/standard.wasm")).expect("the component")
});
