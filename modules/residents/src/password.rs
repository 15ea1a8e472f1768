//! Passwords: argon2id, at most two at a time, a bounded queue before them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use kabinet_core::pace::Pace;
use kabinet_core::{Entropy, priority};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::error::Error;

/// Memory in KiB, passes and lanes: OWASP's second profile for argon2id.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);

/// Threads that hash.
const THREADS: usize = 2;

/// How much hashing gives way (`nice`).
const GIVES_WAY: i32 = 10;

/// So many people may have a place in the queue; the others are asked to come back.
const PLACES: usize = 200;

/// So many of them one address may have: who is refused later for too many attempts stands in nobody's way.
const PLACES_OF_ONE: usize = 4;

/// Nor may the queue be longer than is worked off in this time, by what a hash took lately.
const PATIENCE: Duration = Duration::from_secs(10);

/// A hash of no password, at the same cost: verified for unknown logins so that they take as long.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$a2FiaW5ldC1ub2JvZHk$QK3v1VVm2y8m1yFh5kXfVHkTYh6qZ1G8mB2zq5w3u2A";

/// A hash to be made; whether it was, or nobody waited for it any more.
type Task = Box<dyn FnOnce() -> bool + Send>;

/// Hashing and checking, shared by the whole server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Passwords {
    work: mpsc::Sender<Task>,
    queue: Arc<Queue>,
}

/// Who waits, and how fast that goes.
#[derive(Debug)]
struct Queue {
    places: Arc<Semaphore>,
    /// How many places each address has that has any.
    clients: Mutex<HashMap<String, usize>>,
    /// What a hash took lately with the rest after it, microseconds of the clock.
    took: AtomicU64,
}

impl Default for Queue {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(PLACES)), clients: Mutex::default(), took: AtomicU64::default() }
    }
}

/// A place in the queue; free again when it is dropped, which is to be done once all is hashed. A login takes it before
/// the database is asked for anything, so that a flood of them costs the database nothing.
#[derive(Debug)]
pub struct Place {
    work: mpsc::Sender<Task>,
    _client: Option<Client>,
    _permit: OwnedSemaphorePermit,
}

/// A place among those of its address.
#[derive(Debug)]
struct Client {
    queue: Arc<Queue>,
    address: String,
}

/// What a hashing thread does: it gives way and rests beside answers, since a flood of logins must not slow the pages.
fn hash_on(tasks: &Mutex<mpsc::Receiver<Task>>, queue: &Queue, pace: &Pace) {
    priority::give_way(GIVES_WAY);
    loop {
        let task = tasks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(task) = task else { return };
        let begun = Instant::now();
        // A thread that ended would be missed by everybody after.
        let hashed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(task));
        if matches!(hashed, Ok(true)) {
            let worked = begun.elapsed();
            // For half of the time at most: people wait for these answers, too.
            std::thread::sleep(pace.rest(worked).min(worked));
            queue.note(begun.elapsed());
        }
    }
}

impl Passwords {
    /// Threads that end with the last copy of this value, and rest as `pace` says.
    #[must_use]
    pub fn new(pace: &Pace) -> Self {
        let (work, tasks) = mpsc::channel::<Task>();
        let (tasks, queue) = (Arc::new(Mutex::new(tasks)), Arc::new(Queue::default()));
        for number in 1..=THREADS {
            let (tasks, queue, pace) = (tasks.clone(), queue.clone(), pace.clone());
            let thread = std::thread::Builder::new().name(format!("passwords-{number}"));
            if let Err(error) = thread.spawn(move || hash_on(&tasks, &queue, &pace)) {
                tracing::error!(%error, "no thread for passwords");
            }
        }
        Self { work, queue }
    }

    /// A place in the queue; [`Error::Busy`] where whoever comes now would wait for too long.
    pub fn place(&self) -> Result<Place, Error> {
        let permit = self.queue.permit().ok_or(Error::Busy)?;
        Ok(Place { work: self.work.clone(), _client: None, _permit: permit })
    }

    /// A place for somebody at `address` of whom nothing else is known; [`Error::Busy`] also where several from there
    /// have one.
    pub fn place_from(&self, address: &str) -> Result<Place, Error> {
        let client = self.queue.clone().enter(address).ok_or(Error::Busy)?;
        Ok(Place { _client: Some(client), ..self.place()? })
    }

    /// The hash of a new password.
    pub async fn hash(&self, password: &str) -> Result<String, Error> {
        self.place()?.hash(password).await
    }
}

impl Queue {
    fn enter(self: Arc<Self>, address: &str) -> Option<Client> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let places = clients.entry(address.to_owned()).or_default();
        if *places >= PLACES_OF_ONE {
            return None;
        }
        *places += 1;
        drop(clients);
        Some(Client { queue: self, address: address.to_owned() })
    }

    fn permit(&self) -> Option<OwnedSemaphorePermit> {
        let before = PLACES.saturating_sub(self.places.available_permits());
        let took = Duration::from_micros(self.took.load(Ordering::Relaxed));
        let turns = u32::try_from(before / THREADS).unwrap_or(u32::MAX);
        if took.saturating_mul(turns) > PATIENCE {
            return None;
        }
        self.places.clone().try_acquire_owned().ok()
    }

    /// Remembers what one more hash took: an eighth of what is known is of the last one.
    fn note(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        // Two threads that note at once may lose one of two alike.
        let known = self.took.load(Ordering::Relaxed);
        let known = if known == 0 { took } else { known - known / 8 + took / 8 };
        self.took.store(known, Ordering::Relaxed);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let mut clients = self.queue.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = clients.get_mut(&self.address) {
            *places -= 1;
            if *places == 0 {
                clients.remove(&self.address);
            }
        }
    }
}

impl Place {
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
        let (answer, result) = oneshot::channel();
        // Whoever was asked to come back waits no more.
        let task = move || {
            let asked = !answer.is_closed();
            if asked {
                let _ = answer.send(task());
            }
            asked
        };
        self.work.send(Box::new(task)).map_err(|_| Error::Busy)?;
        let answered = tokio::time::timeout(2 * PATIENCE, result).await.map_err(|_| Error::Busy)?;
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
        let place = Passwords::new(&Pace::default()).place().unwrap();
        let hash = place.hash("береза у пруда").await.unwrap();
        assert!(place.verify("береза у пруда", Some(&hash)).await.unwrap());
        assert!(!place.verify("береза у пруда ", Some(&hash)).await.unwrap());
        assert!(!place.verify("береза у пруда", None).await.unwrap());
    }

    fn taken(passwords: &Passwords) -> Vec<Place> {
        std::iter::from_fn(|| passwords.place().ok()).collect()
    }

    #[test]
    fn nobody_waits_behind_more_people_than_are_judged_in_time() {
        let passwords = Passwords::new(&Pace::default());
        assert_eq!(taken(&passwords).len(), PLACES, "while nothing is known of how long it takes");
        // Two at a time, a second each: whoever is the twenty-third would wait for eleven seconds.
        passwords.queue.note(Duration::from_secs(1));
        let mut places = taken(&passwords);
        assert_eq!(places.len(), 22);
        places.pop();
        assert!(passwords.place().is_ok(), "a place that is free again");
        drop(places);
        // However long it takes, somebody is judged, and by that the queue learns that it goes faster.
        passwords.queue.note(Duration::from_secs(3600));
        assert_eq!(taken(&passwords).len(), THREADS);
        for _ in 0..100 {
            passwords.queue.note(Duration::from_millis(20));
        }
        assert_eq!(taken(&passwords).len(), PLACES);
    }

    #[tokio::test]
    async fn one_address_has_a_few_places_and_leaves_the_others_to_the_others() {
        let passwords = Passwords::new(&Pace::default());
        let mut places: Vec<Place> = std::iter::from_fn(|| passwords.place_from("10.0.0.1").ok()).collect();
        assert_eq!(places.len(), PLACES_OF_ONE);
        assert!(passwords.place_from("10.0.0.2").is_ok());
        places.pop();
        assert!(passwords.place_from("10.0.0.1").is_ok(), "a place that is free again");
        drop(places);
        assert!(passwords.queue.clients.lock().unwrap().is_empty(), "whoever has left is forgotten");
    }
}
