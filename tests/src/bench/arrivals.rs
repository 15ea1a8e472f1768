//! Requests that come at a fixed rate, whether those before are answered or not. An answer's time begins when its
//! request was due: what waited for a free connection behind a server that stood still has waited. A wrong answer, or
//! none, is a miss and counts as the slowest of all.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::bail;

use super::http::{Answer, Connection, PATIENCE};
use super::load::Request;

/// Connections that wait for answers; more requests than that are never under way at once.
const CONNECTIONS: usize = 48;
/// A request that is sent later than this after it was due was not sent in time: half of the strictest goal.
const IN_TIME: Duration = Duration::from_millis(50);
/// So much of a wrong answer is told.
const SHOWN: usize = 400;

/// A request to a company's portal, with what the right answer has.
pub(crate) struct Arrival {
    pub(crate) host: String,
    pub(crate) request: Request,
    pub(crate) right: Right,
}

/// The right answer.
#[derive(Debug)]
pub(crate) enum Right {
    /// A page with these words in it.
    Page(Vec<String>),
    /// That of a form which was taken: it leads to an address that begins so.
    Taken(&'static str),
}

impl Right {
    /// An error that tells what is wrong with `answer`.
    fn check(&self, answer: &Answer) -> anyhow::Result<()> {
        let text = answer.text();
        let (status, missing) = match self {
            Self::Page(words) => (200, words.iter().find(|words| !text.contains(words.as_str())).map(String::as_str)),
            Self::Taken(to) => (303, Some(*to).filter(|to| !answer.headers("location").any(|at| at.starts_with(to)))),
        };
        if answer.status != status || missing.is_some() {
            let beginning: String = text.chars().take(SHOWN).collect();
            bail!("answered {} without {missing:?}: {beginning}", answer.status);
        }
        Ok(())
    }
}

/// How many requests come, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    pub(crate) per_s: f64,
    pub(crate) seconds: f64,
}

/// What came of a rate.
#[derive(Debug, Default)]
pub(crate) struct Arrived {
    /// Of the right answers, the shortest first.
    times: Vec<Duration>,
    misses: u64,
    /// The first miss, in words.
    first_miss: Option<String>,
    late: Late,
}

/// Requests that were not sent in time, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Late {
    /// All connections waited for answers.
    pub(crate) no_connection: u64,
    /// A connection was free, and its thread woke late: the generators had no processor.
    pub(crate) asleep: u64,
}

impl Arrived {
    /// What would have come of this many right answers after `ms`.
    #[cfg(test)]
    pub(crate) fn made_up(right: usize, ms: u64, misses: u64, late: Late) -> Self {
        let first_miss = (misses > 0).then(|| "answered 503".to_owned());
        Self { times: vec![Duration::from_millis(ms); right], misses, first_miss, late }
    }

    pub(crate) fn requests(&self) -> u64 {
        self.right() + self.misses
    }

    /// Requests that were answered rightly.
    pub(crate) fn right(&self) -> u64 {
        self.times.len() as u64
    }

    pub(crate) const fn misses(&self) -> u64 {
        self.misses
    }

    pub(crate) fn first_miss(&self) -> Option<&str> {
        self.first_miss.as_deref()
    }

    pub(crate) const fn late(&self) -> Late {
        self.late
    }

    /// What `share` of a hundred requests took at most, in ms: a miss took as long as anybody waits.
    pub(crate) fn percentile_ms(&self, share: u64) -> f64 {
        let at = usize::try_from(self.requests() * share / 100).unwrap_or(usize::MAX);
        self.times.get(at).unwrap_or(&PATIENCE).as_secs_f64() * 1000.0
    }

    /// The requests of both.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.times.extend(other.times);
        self.times.sort_unstable();
        self.misses += other.misses;
        self.first_miss = self.first_miss.or(other.first_miss);
        self.late.no_connection += other.late.no_connection;
        self.late.asleep += other.late.asleep;
        self
    }
}

/// Sends the arrivals in rotation at this rate.
pub(crate) fn at_rate(address: SocketAddr, arrivals: &[Arrival], rate: Rate) -> anyhow::Result<Arrived> {
    if arrivals.is_empty() {
        bail!("there is nothing to ask for");
    }
    let schedule = Schedule { begun: Instant::now(), next: AtomicU64::new(0), rate };
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(|| send(address, arrivals, &schedule))).collect();
        senders.into_iter().try_fold(Arrived::default(), |all, sender| match sender.join() {
            Ok(arrived) => Ok(all.and(arrived)),
            Err(_) => bail!("a sender panicked"),
        })
    })
}

/// Sends each arrival once, one after the other, as soon as the one before is answered; a wrong answer is an error.
pub(crate) fn one_by_one(address: SocketAddr, arrivals: &[Arrival]) -> anyhow::Result<()> {
    let mut connection = None;
    arrivals.iter().try_for_each(|arrival| answered(&mut connection, address, arrival))
}

/// When requests are due.
struct Schedule {
    begun: Instant,
    next: AtomicU64,
    rate: Rate,
}

impl Schedule {
    /// The number of the next request, and the moment it is due; none when the time is over.
    fn next(&self) -> Option<(usize, Instant)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let after = number as f64 / self.rate.per_s;
        let due = self.begun + Duration::from_secs_f64(after);
        (after < self.rate.seconds).then(|| (usize::try_from(number).unwrap_or_default(), due))
    }
}

fn send(address: SocketAddr, arrivals: &[Arrival], schedule: &Schedule) -> Arrived {
    let (mut arrived, mut connection) = (Arrived::default(), None);
    while let Some((number, due)) = schedule.next() {
        let early = due.saturating_duration_since(Instant::now());
        std::thread::sleep(early);
        if due.elapsed() > IN_TIME {
            // Numbers are given out in order: one that was due before anybody took it found nobody free.
            let why = if early.is_zero() { &mut arrived.late.no_connection } else { &mut arrived.late.asleep };
            *why += 1;
        }
        // Nobody would wait any more: a server that hangs is found out within its time.
        let outcome = if due.elapsed() > PATIENCE {
            Err(anyhow::anyhow!("all connections waited for {PATIENCE:?}"))
        } else {
            answered(&mut connection, address, &arrivals[number % arrivals.len()])
        };
        match outcome {
            Ok(()) => arrived.times.push(due.elapsed()),
            Err(error) => {
                connection = None;
                arrived.misses += 1;
                arrived.first_miss.get_or_insert_with(|| format!("{error:#}"));
            }
        }
    }
    arrived
}

/// Asks over the connection, which is opened where there is none; an error where the answer is not the right one.
fn answered(connection: &mut Option<Connection>, address: SocketAddr, arrival: &Arrival) -> anyhow::Result<()> {
    let Arrival { host, request, right } = arrival;
    let ask = |connection: &mut Option<Connection>| {
        let open = match connection {
            Some(open) => open,
            None => connection.insert(Connection::open(address, host)?),
        };
        right.check(&request.send(open.asking(host))?)
    };
    ask(connection).map_err(|error| error.context(format!("{host}{}", request.path)))
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::{TcpListener, TcpStream};
    use std::sync::{Arc, Mutex};

    use super::*;

    const STALL: Duration = Duration::from_millis(300);

    /// A server that answers everything with one status and text; before the very first answer it stands still.
    fn standing_still(status: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let stall = Arc::new(Mutex::new(STALL));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let stall = stall.clone();
                std::thread::spawn(move || answer_all(&stream, status, &stall));
            }
        });
        address
    }

    fn answer_all(mut stream: &TcpStream, status: &str, stall: &Mutex<Duration>) {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if line.is_empty() {
                let mut stall = stall.lock().expect("its turn");
                std::thread::sleep(std::mem::take(&mut *stall));
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 3\r\n\r\n123");
                stream.write_all(answer.as_bytes()).expect("an answer");
            }
        }
    }

    fn arrivals(words: &str) -> [Arrival; 1] {
        let right = Right::Page(vec![words.to_owned()]);
        [Arrival { host: "town-1.localhost".to_owned(), request: Request::page("/overview", ""), right }]
    }

    const RATE: Rate = Rate { per_s: 1000.0, seconds: 0.3 };

    #[test]
    fn what_was_due_while_the_server_stood_still_has_waited() {
        let arrived = at_rate(standing_still("200 OK"), &arrivals("123"), RATE).expect("answers");
        assert_eq!((arrived.requests(), arrived.misses()), (300, 0), "{:?}", arrived.first_miss());
        // Half of the requests were due in the first half of the stall: each waited for the other half at least, though
        // most were sent when it was over, since there are fewer connections than requests.
        assert!(arrived.percentile_ms(50) >= 150.0, "{}", arrived.percentile_ms(50));
        // Each connection waited with one request; those due between the 48th and the last 50 ms found none free.
        assert!(arrived.late().no_connection >= 150, "{:?}", arrived.late());
    }

    #[test]
    fn a_wrong_answer_is_a_miss_and_never_a_quick_one() {
        for (status, words) in [("200 OK", "124"), ("503 Service Unavailable", "123"), ("303 See Other", "123")] {
            let arrived = at_rate(standing_still(status), &arrivals(words), RATE).expect("answers");
            assert_eq!((arrived.right(), arrived.misses()), (0, 300), "{status}");
            assert_eq!(arrived.percentile_ms(1), PATIENCE.as_secs_f64() * 1000.0);
            assert!(arrived.first_miss().is_some_and(|miss| miss.starts_with("town-1.localhost/overview: answered")));
        }
    }

    #[test]
    fn a_taken_form_leads_where_it_should() {
        let answer =
            |to: &str| Answer { status: 303, head: format!("HTTP/1.1 303\r\nlocation: {to}"), body: Vec::new() };
        let right = Right::Taken("/meters/readings?sent=");
        assert!(right.check(&answer("/meters/readings?sent=17")).is_ok());
        assert!(right.check(&answer("/")).is_err(), "a session that is over leads to the start page");
    }
}
