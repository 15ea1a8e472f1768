//! A folder for commands that need the platform's machinery but none of its data.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::config::Config;

/// A temporary folder, removed when dropped.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// A new folder that only this user can read.
    pub(super) fn new() -> anyhow::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let random: [u8; 8] = kabinet_core::Entropy.bytes();
        let dir = std::env::temp_dir().join(format!("kabinet-{}", hex::encode(random)));
        std::fs::DirBuilder::new().mode(0o700).create(&dir).with_context(|| dir.display().to_string())?;
        Ok(Self(dir))
    }

    /// The folder.
    pub(super) fn dir(&self) -> &Path {
        &self.0
    }

    /// A configuration whose data and embedded database lie here.
    pub(super) fn config(&self) -> Config {
        let mut config = Config::default();
        config.data.dir = self.0.clone();
        config.database.url = format!("sqlite://{}", self.0.join("kabinet.db").display());
        config
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now, the system removes from its temporary folder.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
