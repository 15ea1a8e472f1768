//! Stand-ins for gateways of short messages and messengers, which speak their HTTP: what the platform sends is
//! kept, and answers are good, bad or lost as a test wants.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How a stand-in answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It takes everything.
    Good,
    /// Every other call of each message fails for a while: 503. Half of the messages fail at first.
    Half,
    /// Every call fails for a while: 503.
    Down,
    /// Every call is refused for good: 403.
    Refuses,
    /// It takes everything and hangs up before it answers.
    Mute,
}

impl Mood {
    const ALL: [Self; 5] = [Self::Good, Self::Half, Self::Down, Self::Refuses, Self::Mute];
}

/// A call as it came.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Path and query.
    pub path: String,
    /// The header `Authorization`; empty without one.
    pub authorization: String,
    /// The body, as text.
    pub body: String,
    /// Whether it was answered as taken.
    pub good: bool,
}

impl Taken {
    /// A field of the query or of the form in the body, decoded.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<String> {
        let query = self.path.split_once('?').map(|(_, query)| query).unwrap_or_default();
        let pairs = query.split('&').chain(self.body.split('&')).filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| decoded(value))
    }

    /// The body as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

fn decoded(value: &str) -> String {
    let bytes = value.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let hex = value.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (b'+', _) => {
                out.push(b' ');
                at += 1;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[derive(Default)]
struct Shared {
    mood: AtomicU8,
    /// Calls by message.
    calls: Mutex<BTreeMap<String, u64>>,
    taken: Mutex<Vec<Taken>>,
}

impl Shared {
    /// Whether this call of its message is one of those that go well: every second one.
    fn is_lucky(&self, taken: &Taken) -> bool {
        let message = taken.field("id").unwrap_or_else(|| taken.body.clone());
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let number = calls.entry(message.clone()).or_default();
        *number += 1;
        (u64::from(message.bytes().fold(0_u8, u8::wrapping_add)) + *number).is_multiple_of(2)
    }
}

/// A stand-in. It lives as long as the test process.
#[derive(Clone)]
pub struct Gateway {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Gateway({})", self.address)
    }
}

impl Gateway {
    /// A stand-in that takes everything.
    ///
    /// # Panics
    /// When it cannot listen.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let for_all = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = for_all.clone();
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, shared }
    }

    /// Where it is: `http://127.0.0.1:…`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers differently from now on.
    pub fn set(&self, mood: Mood) {
        let index = Mood::ALL.iter().position(|known| *known == mood).unwrap_or_default();
        self.shared.mood.store(u8::try_from(index).unwrap_or_default(), Ordering::SeqCst);
    }

    /// What came so far, refused calls too.
    #[must_use]
    pub fn calls(&self) -> Vec<Taken> {
        self.shared.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it took.
    #[must_use]
    pub fn taken(&self) -> Vec<Taken> {
        self.calls().into_iter().filter(|taken| taken.good).collect()
    }

    /// How many calls came so far.
    #[must_use]
    pub fn call_count(&self) -> usize {
        self.shared.taken.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// How many it took.
    #[must_use]
    pub fn taken_count(&self) -> usize {
        let taken = self.shared.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.iter().filter(|taken| taken.good).count()
    }

    /// What it took, once that is at least `count`.
    ///
    /// # Panics
    /// When it is less after a while.
    #[must_use]
    pub fn wait_for(&self, count: usize) -> Vec<Taken> {
        let begun = Instant::now();
        loop {
            let taken = self.taken();
            if taken.len() >= count {
                return taken;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{} of {count} calls: {:?}", taken.len(), self.calls());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What a gateway that honours the field `id` as idempotency key delivered: recipients by identifier.
    #[must_use]
    pub fn delivered(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut delivered: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for taken in self.taken() {
            let key = taken.field("id").unwrap_or_default();
            delivered.entry(key).or_default().insert(taken.field("to").unwrap_or_default());
        }
        delivered
    }
}

/// Answers the calls of one connection.
fn serve(stream: TcpStream, shared: &Shared) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).ok()? == 0 {
            return None;
        }
        let path = first.split(' ').nth(1)?.to_owned();
        let (mut length, mut authorization) = (0_usize, String::new());
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':')?;
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().ok()?,
                "authorization" => value.trim().clone_into(&mut authorization),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let body = String::from_utf8_lossy(&body).into_owned();
        let mut taken = Taken { path, authorization, body, good: true };
        let mood = Mood::ALL[usize::from(shared.mood.load(Ordering::SeqCst))];
        let status = match mood {
            Mood::Good | Mood::Mute => "200 OK",
            Mood::Half if shared.is_lucky(&taken) => "200 OK",
            Mood::Half | Mood::Down => "503 Service Unavailable",
            Mood::Refuses => "403 Forbidden",
        };
        taken.good = status == "200 OK";
        let good = taken.good;
        shared.taken.lock().unwrap_or_else(PoisonError::into_inner).push(taken);
        if mood == Mood::Mute {
            return None;
        }
        let text =
            if good { "{\"ok\":true,\"result\":{},\"message\":{}}" } else { "{\"ok\":false,\"code\":\"denied\"}" };
        let length = text.len();
        let answer =
            format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{text}");
        stream.write_all(answer.as_bytes()).ok()?;
    }
}
