//! Load: a few connections that ask as fast as they are answered, for a while or for a number of requests.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::bail;

use super::http::{Answer, Connection};

/// Connections: enough to keep two cores busy, few enough that answers do not queue for long.
const CONNECTIONS: usize = 4;

/// A request that is ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) cookies: String,
    /// The encoded form of a POST; none for a GET.
    pub(crate) form: Option<String>,
    /// The address that a proxy says it comes from; empty for none.
    pub(crate) from: String,
}

impl Request {
    /// The page `path` for whoever has these cookies.
    pub(crate) fn page(path: impl Into<String>, cookies: &str) -> Self {
        Self { path: path.into(), cookies: cookies.to_owned(), form: None, from: String::new() }
    }

    /// Sends it and waits for the answer.
    pub(crate) fn send(&self, connection: &mut Connection) -> anyhow::Result<Answer> {
        match &self.form {
            Some(form) => connection.post_from(&self.from, &self.path, &self.cookies, form),
            None => connection.get(&self.path, &self.cookies),
        }
    }
}

/// How long a load goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Until {
    pub(crate) seconds: f64,
    pub(crate) requests: u64,
}

/// What a load was answered with.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    /// What 99 of 100 answers took at most, in ms.
    pub(crate) p99_ms: f64,
}

/// Sends `requests` in rotation; an answer that has not `status` ends it with an error.
pub(crate) fn run(
    address: SocketAddr,
    host: &str,
    requests: &[Request],
    status: u16,
    until: Until,
) -> anyhow::Result<Answers> {
    let next = AtomicU64::new(0);
    let started = Instant::now();
    let work = || one(address, host, requests, status, until, &next);
    let times: anyhow::Result<Vec<Vec<Duration>>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| bail!("a load thread panicked"))).collect()
    });
    let seconds = started.elapsed().as_secs_f64();
    let mut times: Vec<Duration> = times?.concat();
    times.sort_unstable();
    let p99 = times.get(times.len() * 99 / 100).copied().unwrap_or_default();
    Ok(Answers { requests: times.len() as u64, seconds, p99_ms: p99.as_secs_f64() * 1000.0 })
}

fn one(
    address: SocketAddr,
    host: &str,
    requests: &[Request],
    status: u16,
    until: Until,
    next: &AtomicU64,
) -> anyhow::Result<Vec<Duration>> {
    let mut connection = Connection::open(address, host)?;
    let started = Instant::now();
    let mut times = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= until.requests || started.elapsed().as_secs_f64() >= until.seconds {
            return Ok(times);
        }
        let request = &requests[usize::try_from(number)? % requests.len()];
        let asked = Instant::now();
        let answer = request.send(&mut connection)?;
        times.push(asked.elapsed());
        if answer.status != status {
            bail!(
                "{} answered {}: {}",
                request.path,
                answer.status,
                answer.text().chars().take(2000).collect::<String>()
            );
        }
    }
}

/// Senders of a flood: each sends one request a second, and some wait long for their answers.
const SENDERS: usize = 400;

/// How often each status was answered; none stands for no connection, or no answer.
type Statuses = BTreeMap<Option<u16>, u64>;

/// Requests that come whether they are answered or not, in the background.
pub(crate) struct Flood {
    over: Arc<AtomicBool>,
    came: Arc<Mutex<Statuses>>,
    begun: Instant,
    threads: Vec<JoinHandle<()>>,
}

impl Flood {
    /// Begins to send `requests` in rotation; what is answered is counted and does not matter.
    pub(crate) fn begin(address: SocketAddr, host: &str, requests: Vec<Request>) -> Self {
        let (over, came, next) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Statuses>>::default(), AtomicU64::new(0));
        let flooding = Arc::new((requests, next));
        let sender = |number: usize| {
            let (over, came, flooding, host) = (over.clone(), came.clone(), flooding.clone(), host.to_owned());
            let work = move || {
                let (requests, next) = &*flooding;
                std::thread::sleep(Duration::from_millis(number as u64 * 1000 / SENDERS as u64));
                while !over.load(Ordering::Relaxed) {
                    let asked = Instant::now();
                    let request = &requests[next.fetch_add(1, Ordering::Relaxed) as usize % requests.len()];
                    let answer = Connection::open(address, &host).and_then(|mut open| request.send(&mut open));
                    let status = answer.ok().map(|answer| answer.status);
                    *came.lock().unwrap_or_else(PoisonError::into_inner).entry(status).or_default() += 1;
                    std::thread::sleep(Duration::from_secs(1).saturating_sub(asked.elapsed()));
                }
            };
            std::thread::Builder::new().stack_size(256 * 1024).spawn(work).ok()
        };
        let threads = (0..SENDERS).filter_map(sender).collect();
        Self { over, came, begun: Instant::now(), threads }
    }

    /// Ends it: what came of it until now.
    pub(crate) fn end(self) -> Flooded {
        let statuses = self.came.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let flooded = Flooded { statuses, seconds: self.begun.elapsed().as_secs_f64() };
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            let _ = thread.join();
        }
        flooded
    }
}

/// What came of a flood.
#[derive(Debug)]
pub(crate) struct Flooded {
    statuses: Statuses,
    seconds: f64,
}

impl Flooded {
    /// How many requests were answered a second, and how often with what.
    pub(crate) fn in_words(&self) -> String {
        let answered: u64 = self.statuses.iter().filter(|(status, _)| status.is_some()).map(|(_, times)| times).sum();
        let words = |(status, times): (&Option<u16>, &u64)| match status {
            Some(status) => format!("{status} {times} times"),
            None => format!("no answer {times} times"),
        };
        let words: Vec<String> = self.statuses.iter().map(words).collect();
        format!("{:.0} a second were answered: {}", answered as f64 / self.seconds, words.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// A server that answers every connection's first request with one status.
    fn answering(status: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.read(&mut [0; 4096]);
                let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
            }
        });
        address
    }

    fn flooded(address: SocketAddr) -> Flooded {
        let flood = Flood::begin(address, "town-1.localhost", vec![Request::page("/", "")]);
        std::thread::sleep(Duration::from_millis(300));
        flood.end()
    }

    #[test]
    fn a_flood_tells_what_it_was_answered_with_and_what_never_came() {
        let refused = flooded(answering("422 Unprocessable Content"));
        assert_eq!(refused.statuses.keys().collect::<Vec<_>>(), [&Some(422)]);
        assert!(refused.in_words().contains("a second were answered: 422 "), "{}", refused.in_words());
        let nobody = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        let unheard = flooded(nobody);
        assert!(unheard.in_words().starts_with("0 a second were answered: no answer "), "{}", unheard.in_words());
    }
}
