//! Stand-ins for a gateway of short messages and for the messengers, each as strict as what it stands for: what
//! does not fit the service's documentation is refused as the service refuses it, and is complained of; a test
//! that holds a stand-in fails at its end when there was a complaint. What the platform sends is counted and, but for
//! the largest tests, kept; answers are good, bad, late or lost as a test wants.

mod max;
mod sms;
mod tally;
mod telegram;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};
use tally::Tally;

pub use max::TOKEN as MAX_TOKEN;
pub use sms::KEY as SMS_KEY;
pub use tally::Delivered;
pub use telegram::TOKEN as TELEGRAM_TOKEN;

/// How a stand-in answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It takes everything.
    Good,
    /// Every other call of each message fails for a while: 503. Half of the messages fail at first.
    Half,
    /// Every call fails for a while: 503.
    Down,
    /// Every message is refused for good: 403, as to somebody who blocked the bot.
    Refuses,
    /// Every call comes too early: 429, to be made again after a second.
    Busy,
    /// It takes everything and hangs up before it answers.
    Mute,
}

impl Mood {
    const ALL: [Self; 6] = [Self::Good, Self::Half, Self::Down, Self::Refuses, Self::Busy, Self::Mute];
}

/// A call as it came.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// The method of HTTP.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The header `Content-Type`; empty without one.
    pub content_type: String,
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
        pairs(query).chain(pairs(&self.body)).find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The body as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The body as an object of JSON that has no fields but `known`.
    fn object(&self, known: &[&str]) -> Result<Map<String, Value>, Fault> {
        if self.content_type.split(';').next() != Some("application/json") {
            return Err(Fault::request(format!("Content-Type «{}» is no JSON", self.content_type)));
        }
        let Value::Object(fields) = self.json() else {
            return Err(Fault::request("the body is no object of JSON".to_owned()));
        };
        match fields.keys().find(|field| !known.contains(&field.as_str())) {
            Some(field) => Err(Fault::request(format!("the field «{field}» is not known"))),
            None => Ok(fields),
        }
    }
}

/// The names and values of a query or a form, decoded.
fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    text.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (decoded(name), decoded(value)))
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

/// Whether a text is `least` to `most` letters that secrets of webhooks may have.
fn is_secret(text: &str, least: usize, most: usize) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (least..=most).contains(&text.len()) && text.chars().all(known)
}

/// Whether an address is one that a messenger calls. The portals of tests have no certificate: theirs passes too.
fn is_webhook(url: &str) -> bool {
    let host = |rest: &str| rest.split(['/', ':']).next().unwrap_or_default().to_owned();
    match url.split_once("://") {
        Some(("https", rest)) => host(rest).contains('.'),
        Some(("http", rest)) => host(rest).ends_with(".localhost"),
        _ => false,
    }
}

/// A call that fits its service's documentation.
struct Fitting {
    /// What the service answers when it takes it.
    answer: Value,
    /// Whom it writes to, who may refuse it; none where it is no message.
    recipient: Option<String>,
}

/// A call that does not.
enum Fault {
    /// The token or key is not the one that the service gave. Staff may mistype it: no complaint.
    Token,
    /// Status and reason: the platform made a mistake.
    Wrong(u16, String),
}

impl Fault {
    const fn request(why: String) -> Self {
        Self::Wrong(400, why)
    }

    fn no_such_call(call: &Taken) -> Self {
        Self::Wrong(404, format!("there is no {} {}", call.method, call.path))
    }
}

/// What a stand-in stands for.
struct Service {
    read: fn(&Taken) -> Result<Fitting, Fault>,
    /// The body of an answer of this status that is no success, with a reason.
    refusal: fn(u16, &str) -> Value,
}

impl Service {
    fn of(path: &str) -> Self {
        match path.split(['/', '?']).nth(1) {
            Some("max") => Self { read: max::read, refusal: max::refusal },
            Some("tg") => Self { read: telegram::read, refusal: telegram::refusal },
            _ => Self { read: sms::read, refusal: sms::refusal },
        }
    }
}

struct Answer {
    status: u16,
    body: Value,
}

#[derive(Default)]
struct Shared {
    mood: AtomicU8,
    tally: Mutex<Tally>,
    /// The calls themselves, unless they are only counted.
    kept: Option<Mutex<Vec<Taken>>>,
    complaints: Mutex<Vec<String>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn mood(&self) -> Mood {
        Mood::ALL[usize::from(self.mood.load(Ordering::SeqCst))]
    }

    /// Counts a call that was answered, and keeps it where calls are kept.
    fn note(&self, call: Taken) {
        let mut tally = locked(&self.tally);
        tally.calls += 1;
        tally.taken += usize::from(call.good);
        if let Some(kept) = &self.kept {
            locked(kept).push(call);
        }
    }

    /// A call that does not fit is complained of.
    fn complain(&self, call: &Taken, why: &str) {
        locked(&self.complaints).push(format!("{} {}: {why}; {}", call.method, call.path, call.body));
    }

    /// What the service answers in this mood; what it would never take is complained of.
    fn answer(&self, call: &Taken) -> Answer {
        let service = Service::of(&call.path);
        let refused = |status: u16, why: &str| Answer { status, body: (service.refusal)(status, why) };
        let fitting = match (service.read)(call) {
            Ok(fitting) => fitting,
            Err(Fault::Token) => return refused(401, "the token is wrong"),
            Err(Fault::Wrong(status, why)) => {
                self.complain(call, &why);
                return refused(status, &why);
            }
        };
        let message = call.field("id").unwrap_or_else(|| format!("{} {}", call.path, call.body));
        let counted = locked(&self.tally).call(&message, fitting.recipient.as_deref().unwrap_or_default());
        let Ok(number) = counted else {
            self.complain(call, "this identifier came for somebody else");
            return refused(409, "an identifier is one person's");
        };
        match self.mood() {
            Mood::Half if !is_lucky(&message, number) => refused(503, "try again later"),
            Mood::Down => refused(503, "try again later"),
            Mood::Busy => refused(429, "too many requests"),
            Mood::Refuses if fitting.recipient.is_some() => refused(403, "blocked"),
            Mood::Good | Mood::Half | Mood::Refuses | Mood::Mute => {
                locked(&self.tally).take(&message);
                Answer { status: 200, body: fitting.answer }
            }
        }
    }
}

/// Whether this call of a message is one of those that go well: every second one.
fn is_lucky(message: &str, number: u16) -> bool {
    (u16::from(message.bytes().fold(0_u8, u8::wrapping_add)) + number % 2).is_multiple_of(2)
}

/// What a test holds: when the last of it goes, there must have been nothing to complain of.
struct Held(Arc<Shared>);

impl Drop for Held {
    fn drop(&mut self) {
        let complaints = locked(&self.0.complaints);
        if std::thread::panicking() {
            eprintln!("complaints: {complaints:#?}");
        } else {
            assert!(complaints.is_empty(), "no service would take this: {complaints:#?}");
        }
    }
}

/// A stand-in for all of them: short messages under `/sms`, MAX under `/max`, Telegram under `/tg`. It lives as long
/// as the test process.
#[derive(Clone)]
pub struct Gateway {
    address: SocketAddr,
    held: Arc<Held>,
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
        Self::over(Shared { kept: Some(Mutex::default()), ..Shared::default() })
    }

    /// A running stand-in that only counts, for more calls than a machine remembers.
    ///
    /// # Panics
    /// When it cannot listen.
    #[must_use]
    pub fn counting() -> Self {
        Self::over(Shared::default())
    }

    fn over(shared: Shared) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(shared);
        let for_all = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = for_all.clone();
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, held: Arc::new(Held(shared)) }
    }

    fn shared(&self) -> &Shared {
        &self.held.0
    }

    /// Where it is: `http://127.0.0.1:…`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers differently from now on.
    pub fn set(&self, mood: Mood) {
        let index = Mood::ALL.iter().position(|known| *known == mood).unwrap_or_default();
        self.shared().mood.store(u8::try_from(index).unwrap_or_default(), Ordering::SeqCst);
    }

    /// What came so far, refused calls too.
    ///
    /// # Panics
    /// Where calls are only counted.
    #[must_use]
    pub fn calls(&self) -> Vec<Taken> {
        locked(self.shared().kept.as_ref().expect("a stand-in that keeps calls")).clone()
    }

    /// What it took.
    #[must_use]
    pub fn taken(&self) -> Vec<Taken> {
        self.calls().into_iter().filter(|taken| taken.good).collect()
    }

    /// How many calls came so far.
    #[must_use]
    pub fn call_count(&self) -> usize {
        locked(&self.shared().tally).calls
    }

    /// How many it took.
    #[must_use]
    pub fn taken_count(&self) -> usize {
        locked(&self.shared().tally).taken
    }

    /// What a gateway that honours the field `id` as idempotency key delivered.
    #[must_use]
    pub fn delivered(&self) -> Delivered {
        locked(&self.shared().tally).delivered()
    }
}

/// Answers the calls of one connection.
fn serve(stream: TcpStream, shared: &Shared) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    while let Some(mut call) = received(&mut reader) {
        let answer = shared.answer(&call);
        call.good = answer.status == 200;
        shared.note(call);
        if shared.mood() == Mood::Mute {
            return None;
        }
        stream.write_all(written(&answer).as_bytes()).ok()?;
    }
    Some(())
}

/// The next call of a connection; none when there is no further one.
fn received(reader: &mut impl BufRead) -> Option<Taken> {
    let mut first = String::new();
    if reader.read_line(&mut first).ok()? == 0 {
        return None;
    }
    let mut words = first.split(' ');
    let mut call = Taken { method: words.next()?.to_owned(), path: words.next()?.to_owned(), ..Taken::default() };
    let mut length = 0_usize;
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
            "content-type" => value.trim().clone_into(&mut call.content_type),
            "authorization" => value.trim().clone_into(&mut call.authorization),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    call.body = String::from_utf8_lossy(&body).into_owned();
    Some(call)
}

fn written(answer: &Answer) -> String {
    let (status, text) = (answer.status, answer.body.to_string());
    let reason = if status == 200 { "OK" } else { "Refused" };
    let wait = if status == 429 { "Retry-After: 1\r\n" } else { "" };
    let length = text.len();
    format!(
        "HTTP/1.1 {status} {reason}\r\n{wait}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{text}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The statuses with which calls are answered, and how many of them were complained of.
    pub(super) fn answered(calls: &[Taken]) -> (Vec<u16>, usize) {
        let shared = Shared::default();
        let statuses = calls.iter().map(|call| shared.answer(call).status).collect();
        let complaints = locked(&shared.complaints).len();
        (statuses, complaints)
    }

    pub(super) fn post(path: &str, content_type: &str, body: &str) -> Taken {
        let text = str::to_owned;
        Taken {
            method: text("POST"),
            path: text(path),
            content_type: text(content_type),
            body: text(body),
            ..Taken::default()
        }
    }

    #[test]
    fn a_test_fails_at_its_end_when_there_was_a_complaint() {
        let shared = Arc::new(Shared::default());
        let held = Held(shared.clone());
        assert_eq!(shared.answer(&post("/nowhere", "", "")).status, 404);
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(held))).is_err());
        drop(Held(Arc::default()));
    }

    #[test]
    fn a_webhook_has_a_certificate() {
        for good in ["https://kabinet.example/notifications/hooks/max", "http://beregovoy.localhost:8080/x"] {
            assert!(is_webhook(good), "{good}");
        }
        for wrong in ["", "http://kabinet.example/x", "https:///x", "kabinet.example", "ftp://a.localhost/"] {
            assert!(!is_webhook(wrong), "{wrong}");
        }
    }
}
