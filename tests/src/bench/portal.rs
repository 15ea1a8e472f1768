//! What a request costs: processor time of server and database, statements, rate, slowest answers; then the
//! server's memory and its start.

use std::time::Duration;

use super::Scale;
use super::figures::{Figure, Goal, Report, median};
use super::load::{self, Answers, Request, Until};
use super::stage::{Served, Stage};
use super::usage::{Memory, Moment, memory, settle};
use super::{people, profile};

const START_GOAL_MS: f64 = 500.0;
const RSS_GOAL_MB: f64 = 120.0;
/// Statements of one read, the transaction's own apart.
const READ_STATEMENTS: f64 = 3.0;
/// Server and database together, per request.
const READ_CPU_MS: f64 = 0.6;
const STORE_CPU_MS: f64 = 1.2;
/// How long work that a request left behind may take.
const SETTLING: Duration = Duration::from_secs(20);

/// Seeds a company of `scale` and measures its portal.
pub(crate) fn measure(report: &mut Report, stage: &Stage<'_>, scale: &Scale) -> anyhow::Result<()> {
    let (accounts, months, residents) = (scale.accounts, scale.months, scale.residents);
    eprintln!("{}: portal of {accounts} accounts, {months} months, {residents} residents", stage.name());
    let [accounts, months, count] = [accounts, u64::from(months), residents].map(|number| number.to_string());
    let seconds = stage.seed(&["--accounts", &accounts, "--months", &months, "--residents", &count])?;
    eprintln!("  seeded in {seconds:.1} s");
    let served = stage.serve()?;
    let bench = Bench { stage, served, roots: Vec::new(), scale };
    let bench = bench.with_processes()?;
    bench.portal(report, residents)?;
    drop(bench);
    let mut starts = Vec::new();
    for _ in 0..scale.repeats {
        starts.push(stage.serve()?.ready_ms);
    }
    let start = Figure::new("start_ms", Some(stage.name()), median(&mut starts), "ms", starts.len() as u64);
    report.add(start.promised(Goal::AtMost(START_GOAL_MS)));
    let bench = Bench { stage, served: stage.serve_demo()?, roots: Vec::new(), scale }.with_processes()?;
    bench.doors(report, residents)
}

/// A running server with all processes that work for it.
struct Bench<'s, 'c> {
    stage: &'s Stage<'c>,
    served: Served,
    roots: Vec<u32>,
    scale: &'s Scale,
}

/// One kind of request with what is promised of it.
struct Task {
    name: &'static str,
    status: u16,
    cpu_ms: Option<f64>,
    statements: Option<f64>,
}

/// What a load used.
struct Used {
    answers: Answers,
    cpu_ms: f64,
    statements: f64,
}

impl Bench<'_, '_> {
    fn with_processes(mut self) -> anyhow::Result<Self> {
        self.roots = std::iter::once(self.served.pid()).chain(self.stage.postmaster()?).collect();
        Ok(self)
    }

    fn portal(&self, report: &mut Report, residents: u64) -> anyhow::Result<()> {
        // Publishing left work behind: estimates of all accounts.
        settle(&self.roots, SETTLING);
        let people = people::log_in(&self.served, residents)?;
        let stores = people::first_readings(&self.served, &people)?;
        eprintln!("  {} residents, {} meters", people.len(), stores.len());
        let read = |name| Task { name, status: 200, cpu_ms: Some(READ_CPU_MS), statements: Some(READ_STATEMENTS) };
        let store = Task { name: "store_reading", status: 303, cpu_ms: Some(STORE_CPU_MS), statements: None };
        let overview = people::reads(&self.served, &people, "/overview", "id=\"debt\"")?;
        let readings = people::reads(&self.served, &people, "/meters/readings", "name=\"csrf\"")?;
        let reading = Until { seconds: self.scale.seconds, requests: u64::MAX };
        self.task(report, &read("read_overview"), &overview, reading)?;
        self.task(report, &read("read_readings"), &readings, reading)?;
        let memory = memory(self.served.pid())?;
        let rss = Figure::new("rss_mb", Some(self.stage.name()), memory.rss_mb, "MB", 1);
        let rss = rss.promised(Goal::AtMost(RSS_GOAL_MB));
        if rss.is_missed() {
            let Memory { own_mb, files_mb, .. } = memory;
            report.remark(format!(
                "{}: of rss_mb {own_mb:.0} are its own, {files_mb:.0} the program's file",
                self.stage.name()
            ));
        }
        report.add(rss);
        // Nobody sends more than a few readings a month: the months must not fill up.
        let storing = Until { seconds: self.scale.seconds, requests: stores.len() as u64 * self.scale.readings };
        self.task(report, &store, &stores, storing)
    }

    /// Logins, registrations, and what a flood of logins does to the pages.
    fn doors(&self, report: &mut Report, residents: u64) -> anyhow::Result<()> {
        settle(&self.roots, SETTLING);
        let door = |name| Task { name, status: 303, cpu_ms: None, statements: None };
        let until = Until { seconds: self.scale.seconds, requests: u64::MAX };
        self.task(report, &door("login"), &people::logins(&self.served, residents)?, until)?;
        self.task(report, &door("register"), &people::registrations(&self.served, 4000)?, until)?;
        let people = people::log_in(&self.served, residents)?;
        let overview = people::reads(&self.served, &people, "/overview", "id=\"debt\"")?;
        let (address, host) = (self.served.listen, self.served.host());
        let calm = load::run(address, &host, &overview, 200, until)?;
        let flood = load::Flood::begin(address, &host, people::flood(&self.served, 20_000)?);
        // The flood's queue fills first.
        std::thread::sleep(Duration::from_secs(2));
        let flooded = load::run(address, &host, &overview, 200, until);
        let logins = flood.end();
        let flooded = flooded?;
        report.remark(format!("{}: of the flood's logins {}", self.stage.name(), logins.in_words()));
        let figure =
            Figure::new("flood_overview_p99_ms", Some(self.stage.name()), flooded.p99_ms, "ms", flooded.requests);
        let twice = calm.p99_ms * 2.0;
        report.add(figure.beside(twice, "overview p99 without the flood, twice").promised(Goal::AtMost(twice)));
        Ok(())
    }

    fn task(&self, report: &mut Report, task: &Task, requests: &[Request], until: Until) -> anyhow::Result<()> {
        let used = self.load(task, requests, until)?;
        let count = used.answers.requests;
        let figure = |suffix: &str, value, unit| {
            Figure::new(format!("{}{suffix}", task.name), Some(self.stage.name()), value, unit, count)
        };
        let mut cpu = figure("", used.cpu_ms, "ms CPU");
        if let Some(most) = task.cpu_ms {
            cpu = cpu.promised(Goal::AtMost(most));
        }
        let mut statements = figure("_statements", used.statements, "");
        if let Some(most) = task.statements {
            statements = statements.promised(Goal::AtMost(most));
        }
        let missed = cpu.is_missed();
        report.add(cpu);
        report.add(statements);
        report.add(figure("_rps", used.answers.requests as f64 / used.answers.seconds, "1/s"));
        report.add(figure("_p99_ms", used.answers.p99_ms, "ms"));
        if missed && self.scale.profiles {
            let work = || load::run(self.served.listen, &self.served.host(), requests, task.status, until).map(drop);
            let name = format!("{}-{}", task.name, self.stage.name());
            report.remark(profile::during(&name, &self.roots, work)?);
        }
        Ok(())
    }

    /// Warms up, measures what an idle platform uses, then the load with the work it leaves behind.
    fn load(&self, task: &Task, requests: &[Request], until: Until) -> anyhow::Result<Used> {
        let (address, host) = (self.served.listen, self.served.host());
        let warming = Until { seconds: until.seconds / 4.0, requests: requests.len() as u64 * 2 };
        load::run(address, &host, requests, task.status, warming)?;
        settle(&self.roots, SETTLING);
        let (idle, idle_statements) = self.sample()?;
        std::thread::sleep(Duration::from_secs(1));
        let (before, statements_before) = self.sample()?;
        let (idle_seconds, idle_cpu) = before.since(idle);
        let answers = load::run(address, &host, requests, task.status, until)?;
        settle(&self.roots, SETTLING);
        let (after, statements_after) = self.sample()?;
        let (seconds, cpu) = after.since(before);
        let count = answers.requests as f64;
        let drift = seconds / idle_seconds;
        let statements = statements_after - statements_before - (statements_before - idle_statements) * drift;
        // Background work drifts by less than a hundredth of a statement a request.
        let statements = (statements / count * 100.0).round() / 100.0;
        Ok(Used { cpu_ms: (cpu - idle_cpu * drift) * 1000.0 / count, statements, answers })
    }

    fn sample(&self) -> anyhow::Result<(Moment, f64)> {
        let statements = self.served.statements()?;
        Ok((Moment::of(&self.roots), statements))
    }
}
