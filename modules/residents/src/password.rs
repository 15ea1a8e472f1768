//! Passwords: argon2id, at most two at a time, a bounded queue before them.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use kabinet_core::Entropy;
use tokio::sync::{Semaphore, oneshot};

use crate::error::Error;

/// Memory in KiB, passes and lanes: OWASP's second profile for argon2id.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);

/// Hashes of this many people may wait; the others are asked to come back.
const QUEUE: usize = 200;

/// A hash of no password, at the same cost: verified for unknown logins so that they take as long.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$a2FiaW5ldC1ub2JvZHk$QK3v1VVm2y8m1yFh5kXfVHkTYh6qZ1G8mB2zq5w3u2A";

/// How much hashing gives way to everything else (`nice`): a flood of logins must not slow the pages.
const GIVES_WAY: libc::c_int = 10;

type Task = Box<dyn FnOnce() + Send>;

/// Hashing and checking, shared by the whole server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Passwords {
    work: mpsc::Sender<Task>,
    waiting: Arc<Semaphore>,
}

impl Default for Passwords {
    /// Two threads of low priority that end with the last copy of this value.
    fn default() -> Self {
        let (work, tasks) = mpsc::channel::<Task>();
        let tasks = Arc::new(Mutex::new(tasks));
        for number in 1..=2 {
            let tasks = tasks.clone();
            let thread = std::thread::Builder::new().name(format!("passwords-{number}"));
            if let Err(error) = thread.spawn(move || hash_on(&tasks)) {
                tracing::error!(%error, "no thread for passwords");
            }
        }
        Self { work, waiting: Arc::new(Semaphore::new(QUEUE)) }
    }
}

/// What a hashing thread does.
fn hash_on(tasks: &Mutex<mpsc::Receiver<Task>>) {
    // SAFETY: takes and returns numbers; on Linux it concerns the calling thread alone.
    unsafe { libc::nice(GIVES_WAY) };
    loop {
        let task = tasks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(task) = task else { return };
        // A thread that ended would be missed by everybody after.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(task));
    }
}

impl Passwords {
    /// [`Error::Busy`] when so many wait that one more would be asked to come back.
    pub fn has_room(&self) -> Result<(), Error> {
        if self.waiting.available_permits() > 0 { Ok(()) } else { Err(Error::Busy) }
    }

    /// The hash of a new password.
    pub async fn hash(&self, password: &str) -> Result<String, Error> {
        let password = password.to_owned();
        self.work(move || hash_now(&password)).await?
    }

    /// Whether `password` is the one behind `hash`; takes as long when there is no hash.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, Error> {
        let password = password.to_owned();
        let known = hash.is_some();
        let hash = hash.unwrap_or(NOBODY).to_owned();
        let fits = self
            .work(move || {
                let parsed = PasswordHash::new(&hash).map_err(|error| Error::Hashing(error.to_string()))?;
                Ok::<bool, Error>(hasher()?.verify_password(password.as_bytes(), &parsed).is_ok())
            })
            .await??;
        Ok(fits && known)
    }

    async fn work<T: Send + 'static>(&self, task: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let _place = self.waiting.try_acquire().map_err(|_| Error::Busy)?;
        let (answer, result) = oneshot::channel();
        let task = move || {
            // Whoever was asked to come back waits no more.
            if !answer.is_closed() {
                let _ = answer.send(task());
            }
        };
        self.work.send(Box::new(task)).map_err(|_| Error::Busy)?;
        let answered = tokio::time::timeout(Duration::from_secs(10), result).await.map_err(|_| Error::Busy)?;
        answered.map_err(|_| Error::Hashing("the task did not end".to_owned()))
    }
}

/// The hash of a password, computed on this thread: for commands.
pub fn hash_now(password: &str) -> Result<String, Error> {
    let salt: [u8; 16] = Entropy.bytes();
    let hash = hasher()?.hash_password_with_salt(password.as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(|error| Error::Hashing(error.to_string()))
}

fn hasher() -> Result<Argon2<'static>, Error> {
    let params = Params::new(COST.0, COST.1, COST.2, None).map_err(|error| Error::Hashing(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let passwords = Passwords::default();
        let hash = passwords.hash("береза у пруда").await.unwrap();
        assert!(passwords.verify("береза у пруда", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("береза у пруда ", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("береза у пруда", None).await.unwrap());
    }
}
