//! A tariff plugin as its author makes it.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use crate::house::root;
use crate::process::{new_folder, run};
use crate::server::binary;

/// The template in Rust, a fixed sum a month for each premises by the rule `fixed`, under the name `fixed-fee`.
#[derive(Debug)]
pub struct FixedFee {
    /// Its folder, with `plugin.toml` and `fixed-fee.wasm`.
    pub folder: PathBuf,
    /// What its build said of its cases.
    pub report: String,
}

impl FixedFee {
    /// The plugin, built once a process with the command that its author uses, in the target folder that the examples
    /// were built in.
    ///
    /// # Panics
    /// When it cannot be built.
    pub fn built() -> &'static Self {
        static BUILT: OnceLock<FixedFee> = OnceLock::new();
        BUILT.get_or_init(Self::build)
    }

    fn build() -> Self {
        let (sdk, here) = (root().join("plugins"), new_folder("authors"));
        run(Command::new(binary()).args(["plugin", "new", "fixed-fee", "--sdk"]).arg(&sdk).current_dir(&here));
        let folder = here.join("fixed-fee");
        // The versions that the repository has: nothing newer is fetched, and what is compiled already serves again.
        std::fs::copy(sdk.join("Cargo.lock"), folder.join("Cargo.lock")).expect("copied");
        let report = run(Command::new(folder.join("build")).arg("test").env("KABINET", binary()));
        Self { folder, report }
    }

    /// The component.
    ///
    /// # Panics
    /// When it is gone.
    #[must_use]
    pub fn component(&self) -> Vec<u8> {
        std::fs::read(self.folder.join("fixed-fee.wasm")).expect("the component")
    }

    /// The text of its `plugin.toml`.
    ///
    /// # Panics
    /// When it is gone.
    #[must_use]
    pub fn manifest(&self) -> String {
        std::fs::read_to_string(self.folder.join("plugin.toml")).expect("plugin.toml")
    }
}
