//! Secrets of companies at rest (tokens of gateways and bots, secrets of their hooks): sealed under a key that is
//! not in the database.
//!
//! The key ring is a file with one key a line, the newest last. The newest seals; all of them open. What
//! was sealed names its key and opens only in its own company and field.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::{fs, io};

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};

use crate::clock::Entropy;
use crate::db::Tx;
use crate::entity::secret;
use crate::error::DbError;
use crate::seal::SealKey;
use crate::tenancy::TenantId;

/// Bytes of a key.
const KEY: usize = 32;

/// The keys that seal companies' secrets. Cheap to clone; a running server hears of a rotation, because
/// it reads the file anew before it seals and when it meets a key that it does not know.
#[derive(Clone)]
pub struct KeyRing {
    file: Arc<PathBuf>,
    keys: Arc<RwLock<Vec<Key>>>,
}

#[derive(Clone)]
struct Key {
    id: String,
    seal: SealKey,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyRing({})", self.file.display())
    }
}

impl KeyRing {
    /// The ring in `file`, which is made with its first key when it is not there, for its owner only.
    pub fn open(file: &Path) -> io::Result<Self> {
        if !file.exists() {
            if let Some(dir) = file.parent() {
                fs::create_dir_all(dir)?;
            }
            write_new(file, &format!("{}\n", fresh_line()))?;
        }
        let keys = read(file)?;
        Ok(Self { file: Arc::new(file.to_path_buf()), keys: Arc::new(RwLock::new(keys)) })
    }

    /// Adds a key, which seals from now on: its name. The others still open.
    pub fn add_key(&self) -> io::Result<String> {
        let line = fresh_line();
        let text = format!("{}{line}\n", fs::read_to_string(&*self.file)?);
        let draft = self.file.with_extension("new");
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        write_new(&draft, &text)?;
        fs::rename(&draft, &*self.file)?;
        self.reload()?;
        Ok(line.split(' ').next().unwrap_or_default().to_owned())
    }

    /// The name of the key that seals.
    pub fn newest(&self) -> io::Result<String> {
        self.reload()?;
        self.last().map(|key| key.id).ok_or_else(empty)
    }

    fn reload(&self) -> io::Result<()> {
        let keys = read(&self.file)?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    fn last(&self) -> Option<Key> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).last().cloned()
    }

    fn key(&self, id: &str) -> Option<Key> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).iter().find(|key| key.id == id).cloned()
    }

    /// `plain`, sealed for a company's field: the key's name and the bytes.
    fn seal(&self, tenant: TenantId, field: &str, plain: &[u8]) -> Result<(String, Vec<u8>), DbError> {
        self.reload().map_err(|error| stored(field, &error.to_string()))?;
        let key = self.last().ok_or_else(|| stored(field, "the key ring is empty"))?;
        let sealed = key.seal.seal(Entropy, &place(tenant, field, &key.id), plain);
        Ok((key.id, sealed))
    }

    fn unseal(&self, tenant: TenantId, field: &str, key_id: &str, sealed: &[u8]) -> Result<Vec<u8>, DbError> {
        if self.key(key_id).is_none() {
            self.reload().map_err(|error| stored(field, &error.to_string()))?;
        }
        let key = self.key(key_id).ok_or_else(|| stored(field, &format!("key {key_id} is not in the key ring")))?;
        let plain = key.seal.open(&place(tenant, field, key_id), sealed);
        plain.ok_or_else(|| stored(field, "it does not open: not sealed for this company and field"))
    }
}

/// What a secret is bound to: company, field, key.
fn place(tenant: TenantId, field: &str, key_id: &str) -> Vec<u8> {
    [tenant.0.as_bytes().as_slice(), field.as_bytes(), b"\0", key_id.as_bytes()].concat()
}

fn stored(field: &str, why: &str) -> DbError {
    DbError::Stored(format!("secret {field}: {why}"))
}

fn empty() -> io::Error {
    io::Error::other("the key ring is empty")
}

/// A new key as the file has it: name and bytes, both in hexadecimal digits.
fn fresh_line() -> String {
    let (id, key): ([u8; 4], [u8; KEY]) = (Entropy.bytes(), Entropy.bytes());
    format!("{} {}", hex::encode(id), hex::encode(key))
}

fn read(file: &Path) -> io::Result<Vec<Key>> {
    let text = fs::read_to_string(file)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let keys = lines.map(|(number, line)| {
        key(line).ok_or_else(|| io::Error::other(format!("line {}: not a key's name and 64 digits", number + 1)))
    });
    let keys = keys.collect::<io::Result<Vec<Key>>>()?;
    if keys.is_empty() { Err(empty()) } else { Ok(keys) }
}

fn key(line: &str) -> Option<Key> {
    let (id, digits) = line.trim().split_once(' ')?;
    let bytes: [u8; KEY] = hex::decode(digits.trim()).ok()?.try_into().ok()?;
    Some(Key { id: id.to_owned(), seal: SealKey::new(bytes) })
}

fn write_new(file: &Path, text: &str) -> io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

impl Tx {
    /// Stores the company's secret `field` (`esia.client_key`), sealed. What it is stands in no log.
    pub async fn set_secret(&mut self, field: &str, plain: &[u8]) -> Result<(), DbError> {
        let (key_id, sealed) = self.keys()?.seal(self.tenant_id(), field, plain)?;
        let row = secret::ActiveModel {
            tenant_id: Set(self.tenant_id()),
            field: Set(field.to_owned()),
            key_id: Set(key_id),
            sealed: Set(sealed),
            updated_at: Set(self.now()),
        };
        self.put(row).await?;
        self.audit("secret.changed", field, serde_json::json!({})).await
    }

    /// The company's secret `field`; `None` when it has none.
    pub async fn secret(&self, field: &str) -> Result<Option<Vec<u8>>, DbError> {
        let row = self.one(secret::Entity::find().filter(secret::Column::Field.eq(field))).await?;
        let open = |row: secret::Model| self.keys()?.unseal(self.tenant_id(), field, &row.key_id, &row.sealed);
        row.map(open).transpose()
    }

    /// Seals the company's secrets anew where another key than the newest sealed them; how many.
    pub async fn reseal_secrets(&mut self) -> Result<usize, DbError> {
        let newest = self.keys()?.newest().map_err(|error| stored("all", &error.to_string()))?;
        let others = secret::Entity::find().filter(secret::Column::KeyId.ne(newest));
        let rows = self.all(others).await?;
        for row in &rows {
            let plain = self.keys()?.unseal(row.tenant_id, &row.field, &row.key_id, &row.sealed)?;
            let (key_id, sealed) = self.keys()?.seal(row.tenant_id, &row.field, &plain)?;
            let mut row: secret::ActiveModel = row.clone().into();
            row.key_id = Set(key_id);
            row.sealed = Set(sealed);
            self.update(row).await?;
        }
        if !rows.is_empty() {
            self.audit("secret.resealed", "all", serde_json::json!({ "count": rows.len() })).await?;
        }
        Ok(rows.len())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn ring(name: &str) -> KeyRing {
        let dir = std::env::temp_dir().join(format!("kabinet-ring-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        KeyRing::open(&dir.join("keys/ring")).expect("a ring")
    }

    #[test]
    fn it_opens_for_its_company_and_field_only() {
        let (ring, mine, other) = (ring("place"), TenantId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2)));
        let (key, sealed) = ring.seal(mine, "esia.key", b"secret").expect("sealed");
        assert_eq!(ring.unseal(mine, "esia.key", &key, &sealed).expect("opened"), b"secret");
        assert!(ring.unseal(other, "esia.key", &key, &sealed).is_err());
        assert!(ring.unseal(mine, "bank.key", &key, &sealed).is_err());
        assert!(ring.unseal(mine, "esia.key", "00000000", &sealed).is_err());
    }

    #[test]
    fn another_process_hears_of_a_new_key() {
        let (here, tenant) = (ring("rotation"), TenantId(Uuid::from_u128(1)));
        let there = KeyRing::open(&here.file).expect("the same ring");
        let (old, first) = here.seal(tenant, "a", b"1").expect("sealed");
        let new = here.add_key().expect("a key");
        let (key, second) = here.seal(tenant, "a", b"2").expect("sealed");
        assert!(key == new && key != old);
        assert_eq!(there.unseal(tenant, "a", &key, &second).expect("opened"), b"2");
        assert_eq!(there.unseal(tenant, "a", &old, &first).expect("opened"), b"1");
    }

    #[test]
    fn only_its_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let ring = ring("mode");
        ring.add_key().expect("a key");
        let mode = fs::metadata(&*ring.file).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!format!("{ring:?}").contains(fs::read_to_string(&*ring.file).expect("text").trim()));
    }
}
