//! A platform of many companies under requests that come at a fixed rate, whether those before are answered or not,
//! while another company bills and prints. An answer's time begins when its request was due.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::bail;
use kabinet_tests::postgres::Cluster;

use super::figures::{Figure, Goal, Report};
use super::http::Connection;
use super::load::Request;
use super::people;
use super::stage::{Served, Stage, finish};
use super::usage::{Moment, settle};

const COMPANIES: u64 = 20;
const ACCOUNTS: u64 = 20_000;
/// Residents of a company that ask.
const RESIDENTS: u64 = 15;
/// The company that bills and prints meanwhile; nobody asks for it.
const BUSY: &str = "town-20";
/// One of its houses.
const HOUSE: &str = "H00001";
const READS_PER_S: f64 = 300.0;
const READINGS_PER_S: f64 = 200.0;
const SECONDS: f64 = 20.0;
const READ_P99_MS: f64 = 100.0;
const READING_P99_MS: f64 = 150.0;
/// Connections that wait for answers; more requests than that are never under way at once.
const CONNECTIONS: usize = 48;

/// A request to a company's portal, with the status that it must be answered with.
struct Arrival {
    host: String,
    request: Request,
    status: u16,
}

/// What came of a rate.
struct Arrived {
    requests: u64,
    p50_ms: f64,
    p99_ms: f64,
}

/// Measures reads and durable readings of 20 companies of 20,000 accounts, calm and while another bills and prints;
/// then the same page with 10 and with 200 companies.
pub(crate) fn measure(report: &mut Report, cluster: &Cluster) -> anyhow::Result<()> {
    let stage = Stage::new(Some(cluster));
    let crowd = Crowd::of(&stage, COMPANIES, ACCOUNTS, RESIDENTS)?;
    let (reads, readings) = (crowd.reads("/overview")?, crowd.readings()?);
    let calm = crowd.at_rate(&reads, READS_PER_S)?;
    report.add(figure("load_read_p99_ms", &calm, READ_P99_MS));
    let calm = crowd.at_rate(&readings, READINGS_PER_S)?;
    report.add(figure("load_reading_p99_ms", &calm, READING_P99_MS));
    let roots: Vec<u32> = std::iter::once(crowd.served.pid()).chain(stage.postmaster()?).collect();
    let over = AtomicBool::new(false);
    let begun = Moment::of(&roots);
    let (read, stored, done) = std::thread::scope(|scope| {
        let busy = Busy::begin(scope, &stage, &over);
        let read = scope.spawn(|| crowd.at_rate(&reads, READS_PER_S));
        let stored = crowd.at_rate(&readings, READINGS_PER_S);
        (read.join(), stored, busy.end())
    });
    let (seconds, cpu) = Moment::of(&roots).since(begun);
    let read = read.unwrap_or_else(|_| bail!("the readers panicked"))?;
    report.add(figure("load_busy_read_p99_ms", &read, READ_P99_MS));
    report.add(figure("load_busy_reading_p99_ms", &stored?, READING_P99_MS));
    report.remark(format!(
        "both at once while {BUSY} {}: server and database used {:.2} of two cores, reads took {:.1} ms in the middle",
        done?,
        cpu / seconds,
        read.p50_ms
    ));
    drop(crowd);
    companies(report, cluster)
}

/// The page with few companies and with many: what one more company costs the others.
fn companies(report: &mut Report, cluster: &Cluster) -> anyhow::Result<()> {
    let mut few = None;
    for number in [10, 200] {
        let stage = Stage::new(Some(cluster));
        let crowd = Crowd::of(&stage, number, 100, 3)?;
        let arrived = crowd.at_rate(&crowd.reads("/overview")?, 100.0)?;
        let name = format!("overview_p99_ms_of_{number}_companies");
        let mut of = Figure::new(name, Some("postgresql"), arrived.p99_ms, "ms", arrived.requests);
        if let Some(few) = few.replace(arrived.p99_ms) {
            of = of.beside(few, "10 companies");
        }
        report.add(of);
    }
    Ok(())
}

fn figure(name: &str, arrived: &Arrived, most: f64) -> Figure {
    Figure::new(name, Some("postgresql"), arrived.p99_ms, "ms", arrived.requests).promised(Goal::AtMost(most))
}

/// A served platform with residents of every company logged in.
struct Crowd {
    served: Served,
    people: Vec<(String, Vec<people::Person>)>,
}

impl Crowd {
    fn of(stage: &Stage<'_>, companies: u64, accounts: u64, residents: u64) -> anyhow::Result<Self> {
        let number = |number: u64| number.to_string();
        let [tenants, accounts, count] = [companies, accounts, residents].map(number);
        let size = ["--tenants", &tenants, "--accounts", &accounts, "--months", "2", "--residents", &count];
        let seconds = stage.seed(&[&size[..], &["--leave-last"]].concat())?;
        eprintln!("{companies} companies of {accounts} accounts seeded in {seconds:.0} s");
        let served = stage.serve()?;
        settle(&[served.pid()], Duration::from_secs(600));
        let slugs = (1..=companies).map(|number| format!("town-{number}")).filter(|slug| slug != BUSY);
        let log_in = |slug: String| Ok((slug.clone(), people::log_in_at(&served, &slug, residents)?));
        let people = slugs.map(log_in).collect::<anyhow::Result<_>>()?;
        Ok(Self { served, people })
    }

    /// A page of every resident, one company after the other.
    fn reads(&self, path: &str) -> anyhow::Result<Vec<Arrival>> {
        let most = self.people.iter().map(|(_, people)| people.len()).max().unwrap_or_default();
        let residents =
            (0..most).flat_map(|at| self.people.iter().filter_map(move |(slug, people)| Some((slug, people.get(at)?))));
        let arrival = |(slug, person): (&String, &people::Person)| Arrival {
            host: self.served.host_of(slug),
            request: Request {
                path: path.to_owned(),
                cookies: person.cookies.clone(),
                form: None,
                from: String::new(),
            },
            status: 200,
        };
        Ok(residents.map(arrival).collect())
    }

    /// A reading a thousandth above the last of every meter, one company after the other.
    fn readings(&self) -> anyhow::Result<Vec<Arrival>> {
        let mut all: Vec<(usize, Arrival)> = Vec::new();
        for (slug, people) in &self.people {
            let forms = people::first_readings_at(&self.served, slug, people)?;
            let host = self.served.host_of(slug);
            all.extend(
                forms.into_iter().map(|request| Arrival { host: host.clone(), request, status: 303 }).enumerate(),
            );
        }
        all.sort_by_key(|(at, _)| *at);
        Ok(all.into_iter().map(|(_, arrival)| arrival).collect())
    }

    fn at_rate(&self, arrivals: &[Arrival], per_s: f64) -> anyhow::Result<Arrived> {
        at_rate(self.served.listen, arrivals, per_s)
    }
}

/// Sends the arrivals in rotation, so many a second.
fn at_rate(address: SocketAddr, arrivals: &[Arrival], per_s: f64) -> anyhow::Result<Arrived> {
    let (next, begun) = (AtomicU64::new(0), Instant::now());
    let work = || one(address, arrivals, per_s, begun, &next);
    let times: anyhow::Result<Vec<Vec<Duration>>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| bail!("a sender panicked"))).collect()
    });
    let mut times = times?.concat();
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).map_or(0.0, |time| time.as_secs_f64() * 1000.0);
    Ok(Arrived { requests: times.len() as u64, p50_ms: at(50), p99_ms: at(99) })
}

fn one(
    address: SocketAddr,
    arrivals: &[Arrival],
    per_s: f64,
    begun: Instant,
    next: &AtomicU64,
) -> anyhow::Result<Vec<Duration>> {
    let mut connection = Connection::open(address, "")?;
    let mut times = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let due = begun + Duration::from_secs_f64(number as f64 / per_s);
        if (due - begun).as_secs_f64() > SECONDS {
            return Ok(times);
        }
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let Arrival { host, request, status } = &arrivals[usize::try_from(number)? % arrivals.len()];
        let connection = connection.asking(host);
        let answer = match &request.form {
            Some(form) => connection.post(&request.path, &request.cookies, form)?,
            None => connection.get(&request.path, &request.cookies)?,
        };
        times.push(due.elapsed());
        if answer.status != *status {
            bail!("{host}{} answered {}: {}", request.path, answer.status, answer.text());
        }
    }
}

/// Another company's billing and printing, again and again, as processes of their own beside the server.
struct Busy<'s> {
    over: &'s AtomicBool,
    work: std::thread::ScopedJoinHandle<'s, anyhow::Result<[u64; 2]>>,
}

impl<'s> Busy<'s> {
    fn begin<'e>(scope: &'s std::thread::Scope<'s, 'e>, stage: &'s Stage<'_>, over: &'s AtomicBool) -> Self {
        let out = stage.folder().join("house.pdf");
        let work = move || {
            let mut done = [0; 2];
            while !over.load(Ordering::Relaxed) {
                finish(stage.kabinet().args(["bill", BUSY, "2026-10"]))?;
                done[0] += 1;
                finish(stage.kabinet().args(["receipts", BUSY, "2026-09", "--house", HOUSE, "--out"]).arg(&out))?;
                done[1] += 1;
            }
            Ok(done)
        };
        Self { over, work: scope.spawn(work) }
    }

    /// What was done, in words.
    fn end(self) -> anyhow::Result<String> {
        self.over.store(true, Ordering::Relaxed);
        let [runs, houses] = self.work.join().unwrap_or_else(|_| bail!("billing panicked"))?;
        Ok(format!("billed {ACCOUNTS} accounts {runs} times and printed {houses} houses"))
    }
}
