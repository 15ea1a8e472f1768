//! Where the files are that the binary needs beside it: company packages and plugins.

use std::path::{Path, PathBuf};

use anyhow::bail;

/// The folders in which files are looked for, the first that has them wins.
#[derive(Clone, Debug)]
pub struct Places {
    roots: Vec<PathBuf>,
}

impl Places {
    /// The working folder, then the folders above the binary: it lies in `target/release` of the
    /// repository, or beside its files where it was installed.
    #[must_use]
    pub fn usual() -> Self {
        let mut roots: Vec<PathBuf> = std::env::current_dir().into_iter().collect();
        if let Ok(program) = std::env::current_exe() {
            roots.extend(program.ancestors().skip(1).take(4).map(Path::to_path_buf));
        }
        Self { roots }
    }

    /// Only this folder.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { roots: vec![root.to_path_buf()] }
    }

    /// The folder of the demo's company packages.
    pub fn tenants(&self) -> anyhow::Result<PathBuf> {
        self.find(&["tenants"], "beregovoy/tenant.toml")
    }

    /// The folder of the platform's own tariff plugins.
    pub fn plugins(&self) -> anyhow::Result<PathBuf> {
        self.find(&["plugins", "target/release/plugins"], "standard.wasm")
    }

    fn find(&self, folders: &[&str], file: &str) -> anyhow::Result<PathBuf> {
        let candidates = self.roots.iter().flat_map(|root| folders.iter().map(|folder| root.join(folder)));
        match candidates.into_iter().find(|folder| folder.join(file).is_file()) {
            Some(folder) => Ok(folder),
            None => bail!("{}/{file}: не найден; соберите проект (make build) и запускайте из его папки", folders[0]),
        }
    }
}
