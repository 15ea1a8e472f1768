//! Where the bytes lie.

use std::path::{Path as Folder, PathBuf};
use std::sync::Arc;

use futures_util::TryStreamExt;
use kabinet_core::TenantId;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where files are kept: a folder, or a bucket of S3 where one is named.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilesConfig {
    /// The folder; empty for `files` in `data.dir`.
    pub dir: PathBuf,
    /// The bucket of S3; empty for the folder.
    pub s3_bucket: String,
    /// The region; empty for `us-east-1`, which most stores of one's own expect.
    pub s3_region: String,
    /// The address of a store of one's own, `https://s3.example.ru`; empty for Amazon's.
    pub s3_endpoint: String,
    /// The access key.
    pub s3_access_key: String,
    /// Its secret.
    pub s3_secret_key: String,
}

impl std::fmt::Debug for FilesConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FilesConfig(dir {:?}, bucket {:?} at {:?})", self.dir, self.s3_bucket, self.s3_endpoint)
    }
}

/// Why a file was not kept or not found.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The store does not hold it.
    #[error("no such file")]
    Missing,
    /// The store failed.
    #[error("files: {0}")]
    Store(object_store::Error),
    /// The folder cannot be made.
    #[error("files: {0}")]
    Folder(#[from] std::io::Error),
}

impl From<object_store::Error> for FileError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Missing,
            other => Self::Store(other),
        }
    }
}

/// The files of all companies. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Files {
    store: Arc<dyn ObjectStore>,
}

impl Files {
    /// The store that `config` names; `usual` is the folder where it names none.
    pub fn open(config: &FilesConfig, usual: &Folder) -> Result<Self, FileError> {
        if !config.s3_bucket.is_empty() {
            return Ok(Self { store: Arc::new(s3(config)?) });
        }
        let folder = if config.dir.as_os_str().is_empty() { usual } else { &config.dir };
        std::fs::create_dir_all(folder)?;
        // What is acknowledged is on the disk, as everything in the database is.
        Ok(Self { store: Arc::new(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true)) })
    }

    /// Keeps `bytes` as the file `id` of a company's `section` (a module's name). Before the transaction that
    /// stores its row: a file without a row is lost space, a row without a file is a broken promise.
    pub async fn put(&self, tenant: TenantId, section: &str, id: Uuid, bytes: Vec<u8>) -> Result<(), FileError> {
        self.store.put(&path(tenant, section, id), bytes.into()).await?;
        Ok(())
    }

    /// Keeps several files of a section; when one cannot be kept, none is.
    pub async fn put_all(&self, tenant: TenantId, section: &str, files: Vec<(Uuid, Vec<u8>)>) -> Result<(), FileError> {
        let mut kept = Vec::with_capacity(files.len());
        for (id, bytes) in files {
            if let Err(error) = self.put(tenant, section, id, bytes).await {
                self.let_go(tenant, section, kept).await;
                return Err(error);
            }
            kept.push(id);
        }
        Ok(())
    }

    /// Removes kept files whose rows were not written after all; one that stays is lost space and a line in the log.
    pub async fn let_go(&self, tenant: TenantId, section: &str, ids: Vec<Uuid>) {
        for id in ids {
            if let Err(error) = self.remove(tenant, section, id).await {
                tracing::warn!(%error, section, file = %id, "a file that belongs to nothing stays");
            }
        }
    }

    /// The bytes of a file.
    pub async fn get(&self, tenant: TenantId, section: &str, id: Uuid) -> Result<Vec<u8>, FileError> {
        Ok(self.store.get(&path(tenant, section, id)).await?.bytes().await?.to_vec())
    }

    /// Removes a file; one that is not there is removed already.
    pub async fn remove(&self, tenant: TenantId, section: &str, id: Uuid) -> Result<(), FileError> {
        match self.store.delete(&path(tenant, section, id)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The identifiers of a company's files in a section, in no order.
    pub async fn list(&self, tenant: TenantId, section: &str) -> Result<Vec<Uuid>, FileError> {
        let folder = Path::from_iter([tenant.to_string(), section.to_owned()]);
        let found: Vec<ObjectMeta> = self.store.list(Some(&folder)).try_collect().await?;
        Ok(found.iter().filter_map(|file| file.location.filename()?.parse().ok()).collect())
    }

    /// Whether the store answers now.
    pub async fn ping(&self) -> Result<(), FileError> {
        match self.store.head(&Path::from("ready")).await {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn path(tenant: TenantId, section: &str, id: Uuid) -> Path {
    Path::from_iter([tenant.to_string(), section.to_owned(), id.to_string()])
}

fn s3(config: &FilesConfig) -> Result<impl ObjectStore + use<>, FileError> {
    // The client takes the process's provider; that somebody installed it before is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let region = if config.s3_region.is_empty() { "us-east-1" } else { &config.s3_region };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&config.s3_bucket)
        .with_region(region)
        .with_access_key_id(&config.s3_access_key)
        .with_secret_access_key(&config.s3_secret_key)
        // Stores of one's own know the plain DELETE; not all know Amazon's of many.
        .with_config(AmazonS3ConfigKey::DisableBulkDelete, "true");
    if !config.s3_endpoint.is_empty() {
        let plain = config.s3_endpoint.starts_with("http://");
        builder = builder.with_endpoint(&config.s3_endpoint).with_allow_http(plain);
    }
    Ok(builder.build()?)
}

#[cfg(test)]
mod tests;
