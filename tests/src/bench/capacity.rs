//! The capacity of a platform: pages and readings come at rates that rise, in the promised proportion, until one is not
//! held. There a profile is taken, and what is used up is named.

use anyhow::Context;

use super::arrivals::Arrived;
use super::bottleneck::Evidence;
use super::figures::{Figure, Report};
use super::profile;
use super::saturation;
use super::stress::{Load, READ_P99_MS, READING_P99_MS, Size};
use super::usage::processors;

/// The rates that are tried, in times of those that are promised.
pub(crate) const RATES: [f64; 14] = [0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0];
/// The part of a part's time that a rate is tried for, and that a profile is taken for.
const TRIED: f64 = 1.0 / 6.0;
const PROFILED: f64 = 1.0 / 3.0;
/// The file of the profile.
const PROFILE: &str = "load-capacity-postgresql";

/// Raises the rates, profiles the one that was not held and names the bottleneck.
pub(crate) fn measure(report: &mut Report, load: &Load<'_>) -> anyhow::Result<()> {
    let rates = RATES.into_iter().take(load.size.steps);
    let climb = Climb::up(rates, |times| {
        load.settle()?;
        let step = Step::at(load, times, TRIED)?;
        eprintln!("  {}: {}", rates_in_words(load.size, times), step.in_words());
        Ok(step)
    })?;
    climb.tell(report, load.size);
    let last = climb.missed.as_ref().or(climb.held.as_ref()).context("no rate was tried")?;
    let (profiled, evidence, profile) = profiled(load, last.times)?;
    profiled.tell(report, load.size, &evidence);
    report.remark(profile);
    Ok(())
}

/// What came of one rate.
struct Step {
    /// In times of what is promised.
    times: f64,
    reads: Arrived,
    readings: Arrived,
}

impl Step {
    fn at(load: &Load<'_>, times: f64, part: f64) -> anyhow::Result<Self> {
        let (reads, readings) = load.both_rates(times, load.size.seconds * part);
        Ok(Self { times, reads: reads?, readings: readings? })
    }

    fn requests(&self) -> u64 {
        self.reads.requests() + self.readings.requests()
    }

    /// Why the rate was not held; nothing where it was.
    fn faults(&self) -> Vec<String> {
        let slow = |what: &str, arrived: &Arrived, goal: f64| {
            let p99 = arrived.percentile_ms(99);
            (p99 > goal).then(|| format!("p99 of {what} {p99:.0} ms, over {goal:.0}"))
        };
        let Self { reads, readings, .. } = self;
        let misses = reads.misses() + readings.misses();
        let first = reads.first_miss().or(readings.first_miss()).unwrap_or_default();
        let late = [reads, readings].map(|arrived| arrived.late().no_connection + arrived.late().asleep);
        let (late, requests) = (late.iter().sum::<u64>(), self.requests());
        let faults = [
            slow("reads", reads, READ_P99_MS),
            slow("readings", readings, READING_P99_MS),
            (misses > 0).then(|| format!("{misses} of {requests} were misses, the first: {first}")),
            (late * 100 > requests).then(|| format!("{late} of {requests} could not be sent in time")),
        ];
        faults.into_iter().flatten().collect()
    }

    /// Share of requests that were sent late though a connection was free.
    fn asleep(&self) -> f64 {
        let asleep = self.reads.late().asleep + self.readings.late().asleep;
        asleep as f64 / self.requests().max(1) as f64
    }

    fn in_words(&self) -> String {
        match self.faults().as_slice() {
            [] => {
                let [reads, readings] = [&self.reads, &self.readings].map(|arrived| arrived.percentile_ms(99));
                format!("held, p99 {reads:.0} and {readings:.0} ms")
            }
            faults => format!("not held, {}", faults.join("; ")),
        }
    }

    /// Tells what was used under the profiler at this rate, and names what was used up.
    fn tell(&self, report: &mut Report, size: Size, evidence: &Evidence) {
        const NAME: &str = "load_profiled";
        for (what, arrived) in [("read", &self.reads), ("reading", &self.readings)] {
            let p99 = arrived.percentile_ms(99);
            let name = format!("{NAME}_{what}_p99_ms");
            report.add(Figure::new(name, Some("postgresql"), p99, "ms", arrived.requests()));
        }
        evidence.used.tell(report, NAME);
        let named = match self.faults().as_slice() {
            [] => "nothing is used up".to_owned(),
            _ => format!("the bottleneck is {}", evidence.bottleneck().in_words()),
        };
        let rates = rates_in_words(size, self.times);
        report.remark(format!("{NAME}, {rates}: {}", self.in_words()));
        report.remark(format!("{NAME}, {named}: {}", evidence.in_words()));
    }
}

/// How far rates could be raised.
struct Climb {
    /// The highest that was held.
    held: Option<Step>,
    /// The first that was not; none where all were held.
    missed: Option<Step>,
}

impl Climb {
    /// Tries the rates one after the other until one is not held twice: once may be another program's doing.
    fn up(
        rates: impl IntoIterator<Item = f64>,
        mut attempt: impl FnMut(f64) -> anyhow::Result<Step>,
    ) -> anyhow::Result<Self> {
        let mut held = None;
        for times in rates {
            let mut step = attempt(times)?;
            if !step.faults().is_empty() {
                step = attempt(times)?;
            }
            if !step.faults().is_empty() {
                return Ok(Self { held, missed: Some(step) });
            }
            held = Some(step);
        }
        Ok(Self { held, missed: None })
    }

    /// Tells both rates; a platform that held none has a capacity of 0.
    fn tell(&self, report: &mut Report, size: Size) {
        add_rates(report, "load_capacity", size, self.held.as_ref());
        if self.missed.is_some() {
            add_rates(report, "load_not_held", size, self.missed.as_ref());
        }
        let held = self.held.as_ref().map_or_else(
            || "no rate was held".to_owned(),
            |step| format!("the highest rate that was held: {}", rates_in_words(size, step.times)),
        );
        let missed = self.missed.as_ref().map_or_else(
            || "none was tried that was not".to_owned(),
            |step| {
                let (rates, why) = (rates_in_words(size, step.times), step.faults().join("; "));
                format!("the first that was not, twice: {rates}: {why}")
            },
        );
        report.remark(format!("load_capacity, {held}; {missed}"));
    }
}

fn add_rates(report: &mut Report, name: &str, size: Size, step: Option<&Step>) {
    let times = step.map_or(0.0, |step| step.times);
    let [asked, sent] = step.map_or([0; 2], |step| [&step.reads, &step.readings].map(Arrived::requests));
    for (what, per_s, samples) in [("reads", size.reads_per_s, asked), ("readings", size.readings_per_s, sent)] {
        report.add(Figure::new(format!("{name}_{what}_per_s"), Some("postgresql"), per_s * times, "1/s", samples));
    }
}

fn rates_in_words(size: Size, times: f64) -> String {
    format!("{:.0} reads and {:.0} readings a second (×{times})", size.reads_per_s * times, size.readings_per_s * times)
}

/// Asks at this rate once more under the profiler, with the generators among what is sampled: what came of it, what was
/// used, and where the profile lies.
fn profiled(load: &Load<'_>, times: f64) -> anyhow::Result<(Step, Evidence, String)> {
    let mut roots = load.roots()?;
    roots.push(std::process::id());
    load.settle()?;
    let mut measured = None;
    let profile = profile::during(PROFILE, &roots, || {
        let (step, used) = saturation::during(load.stage, &load.crowd.served, || Step::at(load, times, PROFILED))?;
        measured = Some((step?, used));
        Ok(())
    })?;
    let (step, used) = measured.context("nothing was measured under the profiler")?;
    let late = step.asleep();
    Ok((step, Evidence { used, processors: processors(), late }, profile))
}

#[cfg(test)]
mod tests {
    use super::super::arrivals::Late;
    use super::*;

    const IN_TIME: Late = Late { no_connection: 0, asleep: 0 };

    fn step(times: f64, reads: Arrived) -> Step {
        Step { times, reads, readings: Arrived::made_up(200, 120, 0, IN_TIME) }
    }

    fn quick(times: f64) -> Step {
        step(times, Arrived::made_up(300, 80, 0, IN_TIME))
    }

    fn slow(times: f64) -> Step {
        step(times, Arrived::made_up(300, 101, 0, IN_TIME))
    }

    #[test]
    fn a_rate_is_held_when_answers_are_right_and_quick_and_requests_sent_in_time() {
        assert!(quick(1.0).faults().is_empty(), "{:?}", quick(1.0).faults());
        let reads = |right, ms, misses, late| step(1.0, Arrived::made_up(right, ms, misses, late)).faults().join("; ");
        assert_eq!(reads(300, 101, 0, IN_TIME), "p99 of reads 101 ms, over 100");
        assert_eq!(reads(299, 80, 1, IN_TIME), "1 of 500 were misses, the first: answered 503");
        let late = |no_connection, asleep| reads(300, 80, 0, Late { no_connection, asleep });
        assert_eq!(late(2, 3), "", "one of a hundred may be late");
        assert_eq!(late(3, 3), "6 of 500 could not be sent in time");
        let readings = Arrived::made_up(200, 151, 0, IN_TIME);
        assert_eq!(Step { readings, ..quick(1.0) }.faults(), ["p99 of readings 151 ms, over 150"]);
    }

    #[test]
    fn only_what_was_sent_late_though_a_connection_was_free_is_the_generators_doing() {
        let late = Late { no_connection: 100, asleep: 5 };
        assert_eq!(step(1.0, Arrived::made_up(300, 80, 0, late)).asleep(), 0.01);
    }

    /// What is tried of ×1, ×2 and ×3 on a platform that answers each attempt so, and the rates held and missed.
    fn climbed(answers: &[fn(f64) -> Step]) -> (Vec<f64>, Option<f64>, Option<f64>) {
        let (mut tried, mut answers) = (Vec::new(), answers.iter());
        let climb = Climb::up([1.0, 2.0, 3.0], |times| {
            tried.push(times);
            let answer = answers.next().context("an attempt too many")?;
            Ok(answer(times))
        });
        let Climb { held, missed } = climb.expect("attempts");
        (tried, held.map(|step| step.times), missed.map(|step| step.times))
    }

    #[test]
    fn rates_rise_until_one_is_not_held_twice() {
        assert_eq!(climbed(&[quick, slow, slow]), (vec![1.0, 2.0, 2.0], Some(1.0), Some(2.0)));
        assert_eq!(climbed(&[slow, quick, quick, slow, quick]), (vec![1.0, 1.0, 2.0, 3.0, 3.0], Some(3.0), None));
        assert_eq!(climbed(&[slow, slow]), (vec![1.0, 1.0], None, Some(1.0)));
    }

    #[test]
    fn a_platform_that_held_no_rate_has_no_capacity() {
        let mut report = Report::default();
        Climb { held: None, missed: Some(slow(0.5)) }.tell(&mut report, Size::WHOLE);
        let table = report.table();
        let told = |name: &str, value: &str| {
            let mut cells = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
            cells.any(|cells| cells.first() == Some(&name) && cells.get(2) == Some(&value))
        };
        assert!(told("load_capacity_reads_per_s", "0.000") && told("load_not_held_reads_per_s", "150"), "{table}");
        assert!(
            table.contains("no rate was held; the first that was not, twice: 150 reads and 100 readings"),
            "{table}"
        );
    }
}
