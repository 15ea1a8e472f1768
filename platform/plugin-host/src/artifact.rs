//! Compiled artifacts on disk. Loading one runs machine code, so a file counts only if its
//! keyed hash shows that this platform wrote it, for this very component and engine.

use std::io::Write;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::compile::Compiled;

const TAG: usize = 32;

/// The folder of artifacts.
pub(crate) struct Artifacts {
    folder: PathBuf,
    key: [u8; 32],
    engine: [u8; 32],
}

impl Artifacts {
    /// The folder, made if it is not there.
    pub(crate) fn new(folder: PathBuf, key: [u8; 32], engine: [u8; 32]) -> std::io::Result<Artifacts> {
        std::fs::create_dir_all(&folder)?;
        Ok(Artifacts { folder, key, engine })
    }

    /// The artifact of a component, if an authentic one is there.
    pub(crate) fn load(&self, hash: &str) -> Option<Compiled> {
        let bytes = std::fs::read(self.path(hash)).ok()?;
        let (tag, body) = bytes.split_at_checked(TAG)?;
        if self.mac(hash, body)?.verify_slice(tag).is_err() {
            tracing::warn!(hash, "a cached plugin artifact is not authentic and is ignored");
            return None;
        }
        Compiled::from_bytes(body)
    }

    /// Keeps an artifact. Failure costs only time at the next start, so it is logged, not raised.
    pub(crate) fn store(&self, hash: &str, compiled: &Compiled) {
        if let Err(error) = self.write(hash, &compiled.to_bytes()) {
            tracing::warn!(hash, %error, "a plugin artifact could not be cached");
        }
    }

    fn write(&self, hash: &str, body: &[u8]) -> std::io::Result<()> {
        let mac = self.mac(hash, body).ok_or_else(|| std::io::Error::other("no key"))?;
        let path = self.path(hash);
        // Written aside and renamed: a reader never sees half a file.
        let aside = path.with_extension(format!("{}.part", std::process::id()));
        let mut file = std::fs::File::create(&aside)?;
        file.write_all(&mac.finalize().into_bytes())?;
        file.write_all(body)?;
        file.sync_all()?;
        std::fs::rename(aside, path)
    }

    fn path(&self, hash: &str) -> PathBuf {
        let engine = hex::encode(&self.engine[..8]);
        Path::new(&self.folder).join(format!("{hash}-{engine}.cwasm"))
    }

    fn mac(&self, hash: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.key).ok()?;
        mac.update(b"kabinet plugin artifact 1");
        mac.update(&self.engine);
        mac.update(hash.as_bytes());
        mac.update(body);
        Some(mac)
    }
}
