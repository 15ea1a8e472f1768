//! `make stress-load`: pages and durable readings of many large companies at fixed rates, alone, while another company
//! bills and prints, and while a flood of logins comes as well; the same at rising rates until they are not held; then
//! one page with few companies and with many.

use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use kabinet_tests::postgres::Cluster;

use super::administrator::{Administrator, Done};
use super::arrivals::{Arrival, Arrived, Rate, at_rate};
use super::capacity;
use super::crowd::{self, Crowd};
use super::figures::{Figure, Goal, Report};
use super::load::{Flood, Flooded};
use super::people;
use super::saturation::{self, Used};
use super::stage::Stage;
use super::usage::{processors, settle};

pub(crate) const READ_P99_MS: f64 = 100.0;
pub(crate) const READING_P99_MS: f64 = 150.0;
/// Failing logins that the flood repeats, each from an address of its own.
const LOGINS: u64 = 20_000;
/// How long work that a part left behind may take.
const SETTLING: Duration = Duration::from_secs(60);
/// The few companies of the comparison, accounts and residents of each there, and how often the two take turns.
const FEW: u64 = 10;
const SMALL: crowd::Size = crowd::Size { companies: FEW, accounts: 100, residents: 3 };
const TURNS: u32 = 3;
/// The seed closes the 34th account of a house, whose resident may send nothing.
const RESIDENTS: u64 = 30;

/// How large it is. `KABINET_LOAD_COMPANIES` and so on say otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    companies: u64,
    /// Accounts of each company, and residents of each that ask.
    accounts: u64,
    residents: u64,
    pub(crate) reads_per_s: f64,
    pub(crate) readings_per_s: f64,
    /// Seconds of each part.
    pub(crate) seconds: f64,
    /// How many rising rates are tried at most.
    pub(crate) steps: usize,
    /// The many companies of the comparison.
    many: u64,
}

impl Size {
    /// What is promised.
    pub(crate) const WHOLE: Self = Self {
        companies: 20,
        accounts: 20_000,
        residents: RESIDENTS,
        reads_per_s: 300.0,
        readings_per_s: 200.0,
        seconds: 30.0,
        steps: capacity::RATES.len(),
        many: 200,
    };

    /// Enough to see that the harness works.
    pub(crate) const QUICK: Self = Self {
        companies: 3,
        accounts: 200,
        residents: 10,
        reads_per_s: 60.0,
        readings_per_s: 20.0,
        seconds: 3.0,
        steps: 3,
        many: 20,
    };

    /// These sizes, but for those that the environment names.
    fn or_as_told(self) -> anyhow::Result<Self> {
        let size = Self {
            companies: told("COMPANIES", self.companies)?,
            accounts: told("ACCOUNTS", self.accounts)?,
            residents: told("RESIDENTS", self.residents)?,
            reads_per_s: told("READS", self.reads_per_s)?,
            readings_per_s: told("READINGS", self.readings_per_s)?,
            seconds: told("SECONDS", self.seconds)?,
            many: told("MANY", self.many)?,
            ..self
        };
        ensure!(size.companies > 1, "KABINET_LOAD_COMPANIES: one of them bills while the others are asked for");
        ensure!((1..=RESIDENTS).contains(&size.residents), "KABINET_LOAD_RESIDENTS: 1 to {RESIDENTS}");
        Ok(size)
    }
}

fn told<N: FromStr<Err: std::error::Error + Send + Sync + 'static>>(name: &str, usual: N) -> anyhow::Result<N> {
    let name = format!("KABINET_LOAD_{name}");
    let text = std::env::var(&name).ok();
    text.map_or(Ok(usual), |text| text.parse().with_context(|| format!("{name}={text}")))
}

/// Measures all of it.
pub(crate) fn measure(report: &mut Report, cluster: &Cluster, size: Size) -> anyhow::Result<()> {
    let size = size.or_as_told()?;
    large_companies(report, cluster, size)?;
    few_and_many(report, cluster, size)
}

/// Pages and readings of companies of this size, with nothing, with billing, and with billing and logins beside them;
/// then how many a second there may be.
fn large_companies(report: &mut Report, cluster: &Cluster, size: Size) -> anyhow::Result<()> {
    let Size { companies, accounts, residents, .. } = size;
    let stage = Stage::new(Some(cluster));
    let crowd = Crowd::of(&stage, crowd::Size { companies, accounts, residents })?;
    crowd.furnish()?;
    let (reads, readings) = (crowd.all_pages()?, crowd.readings()?);
    let load = Load { stage: &stage, crowd: &crowd, reads, readings, size };
    [Beside::Nothing, Beside::Billing, Beside::BillingAndLogins]
        .into_iter()
        .try_for_each(|it| load.part(report, it))?;
    capacity::measure(report, &load)
}

/// What goes on beside the requests that are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beside {
    Nothing,
    /// One more company bills and prints.
    Billing,
    /// One more company bills and prints, and strangers try passwords.
    BillingAndLogins,
}

impl Beside {
    const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "load_calm",
            Self::Billing => "load_billing",
            Self::BillingAndLogins => "load_flooded",
        }
    }
}

/// The platform under load.
pub(crate) struct Load<'l> {
    pub(crate) stage: &'l Stage<'l>,
    pub(crate) crowd: &'l Crowd,
    reads: Vec<Arrival>,
    readings: Vec<Arrival>,
    pub(crate) size: Size,
}

/// What came of a part.
struct Part {
    reads: Arrived,
    readings: Arrived,
    used: Used,
    /// What the other company had done; none where it had nothing to do.
    done: Option<Done>,
    /// What the flood was answered with; none without one.
    logins: Option<Flooded>,
    /// Readings that were acknowledged and are not there.
    lost: u64,
}

impl Load<'_> {
    /// Reads and readings at their rates, with this beside them.
    fn part(&self, report: &mut Report, beside: Beside) -> anyhow::Result<()> {
        self.settle()?;
        let stored = self.stage.rows("reading")?;
        let served = &self.crowd.served;
        let flood = match beside {
            Beside::BillingAndLogins => {
                Some(Flood::begin(served.listen, &served.host(), people::flood(served, LOGINS)?))
            }
            Beside::Nothing | Beside::Billing => None,
        };
        let measured = self.beside_billing(beside != Beside::Nothing);
        let logins = flood.map(Flood::end);
        let (reads, readings, used, done) = measured?;
        let stored = self.stage.rows("reading")? - stored;
        let lost = readings.right().saturating_sub(stored);
        let part = Part { reads, readings, used, done, logins, lost };
        part.tell(report, beside.name());
        Ok(())
    }

    /// Both rates at once; where it is asked for, while the company apart bills and prints.
    fn beside_billing(&self, bills: bool) -> anyhow::Result<(Arrived, Arrived, Used, Option<Done>)> {
        let over = AtomicBool::new(false);
        let served = &self.crowd.served;
        std::thread::scope(|scope| {
            let work = || Administrator::log_in(served, &self.crowd.apart)?.bill_and_print(&over);
            let other = bills.then(|| scope.spawn(work));
            let measured = saturation::during(self.stage, served, || self.both_rates(1.0, self.size.seconds));
            over.store(true, Ordering::Relaxed);
            let done = other.map(|other| other.join().unwrap_or_else(|_| bail!("billing panicked"))).transpose();
            let ((reads, readings), used) = measured?;
            Ok((reads?, readings?, used, done?))
        })
    }

    /// The first processes of server and PostgreSQL.
    pub(crate) fn roots(&self) -> anyhow::Result<Vec<u32>> {
        Ok(std::iter::once(self.crowd.served.pid()).chain(self.stage.postmaster()?).collect())
    }

    /// Waits until what was asked for before has left no work.
    pub(crate) fn settle(&self) -> anyhow::Result<()> {
        settle(&self.roots()?, SETTLING);
        Ok(())
    }

    /// Reads and readings at once, each at this many times its rate.
    pub(crate) fn both_rates(&self, times: f64, seconds: f64) -> (anyhow::Result<Arrived>, anyhow::Result<Arrived>) {
        let Size { reads_per_s, readings_per_s, .. } = self.size;
        let send = |arrivals, per_s: f64| {
            let rate = Rate { per_s: per_s * times, seconds };
            at_rate(self.crowd.served.listen, arrivals, rate)
        };
        std::thread::scope(|scope| {
            let reads = scope.spawn(|| send(&self.reads, reads_per_s));
            let readings = send(&self.readings, readings_per_s);
            (reads.join().unwrap_or_else(|_| bail!("the readers panicked")), readings)
        })
    }
}

impl Part {
    fn tell(&self, report: &mut Report, name: &str) {
        let Self { reads, readings, used, .. } = self;
        let figure = |suffix: &str, value, unit, samples| {
            Figure::new(format!("{name}_{suffix}"), Some("postgresql"), value, unit, samples)
        };
        let (asked, sent) = (reads.requests(), readings.requests());
        report.add(figure("read_p50_ms", reads.percentile_ms(50), "ms", asked));
        report.add(figure("read_p99_ms", reads.percentile_ms(99), "ms", asked).held_to(Goal::AtMost(READ_P99_MS)));
        report.add(figure("reading_p50_ms", readings.percentile_ms(50), "ms", sent));
        let slow = figure("reading_p99_ms", readings.percentile_ms(99), "ms", sent);
        report.add(slow.held_to(Goal::AtMost(READING_P99_MS)));
        let misses = reads.misses() + readings.misses();
        report.add(figure("misses", misses as f64, "", asked + sent).held_to(Goal::AtMost(0.0)));
        report.add(figure("readings_lost", self.lost as f64, "", sent).held_to(Goal::AtMost(0.0)));
        used.tell(report, name);
        let of_all = [reads, readings].into_iter().filter_map(Arrived::first_miss);
        of_all.for_each(|miss| report.remark(format!("{name}, the first miss: {miss}")));
        report.remark(format!("{name}: {}", self.in_words()));
    }

    /// What went on beside it, and what it was that was waited for.
    fn in_words(&self) -> String {
        let other = self.done.map(|done| {
            format!("another company billed {} accounts and printed {} receipts; ", done.accounts, done.receipts)
        });
        let flood = self.logins.as_ref().map(|logins| format!("of a flood of logins {}; ", logins.in_words()));
        format!(
            "{}{}connections at work waited for: {}; the generators themselves used {:.2} of {} processors, which the \
             platform would have alone",
            other.unwrap_or_default(),
            flood.unwrap_or_default(),
            self.used.waits_in_words(),
            self.used.generators,
            processors(),
        )
    }
}

/// The overview on a platform of few companies and on one of many, both up at once and asked in turns: what one more
/// company costs the others.
fn few_and_many(report: &mut Report, cluster: &Cluster, size: Size) -> anyhow::Result<()> {
    let stages = [FEW, size.many].map(|companies| (companies, Stage::new(Some(cluster))));
    let crowd = |(companies, stage): &(u64, Stage<'_>)| {
        let crowd = Crowd::of(stage, crowd::Size { companies: *companies, ..SMALL })?;
        let overviews = crowd.overviews()?;
        anyhow::Ok((*companies, crowd, overviews, Arrived::default()))
    };
    let mut platforms = stages.iter().map(crowd).collect::<anyhow::Result<Vec<_>>>()?;
    let rate = Rate { per_s: size.reads_per_s, seconds: size.seconds / f64::from(TURNS) };
    for _ in 0..TURNS {
        for (_, crowd, overviews, arrived) in &mut platforms {
            *arrived = std::mem::take(arrived).and(at_rate(crowd.served.listen, overviews, rate)?);
        }
    }
    let mut few = None;
    for (companies, _, _, arrived) in &platforms {
        let (name, p99) = (format!("load_overview_p99_ms_of_{companies}_companies"), arrived.percentile_ms(99));
        let mut figure = Figure::new(name, Some("postgresql"), p99, "ms", arrived.requests());
        let mut most = READ_P99_MS;
        if let Some(few) = few.replace(p99) {
            (figure, most) = (figure.beside(few, "10 companies"), of_many_ms(few));
        }
        report.add(figure.held_to(Goal::AtMost(most)));
        let misses = format!("load_overview_misses_of_{companies}_companies");
        let misses = Figure::new(misses, Some("postgresql"), arrived.misses() as f64, "", arrived.requests());
        report.add(misses.held_to(Goal::AtMost(0.0)));
        arrived.first_miss().into_iter().for_each(|miss| report.remark(format!("{companies} companies: {miss}")));
    }
    Ok(())
}

/// The p99 that a page may have on a platform of many companies, by that of few: a quarter more, and what two
/// measurements of the same differ by.
fn of_many_ms(few: f64) -> f64 {
    (few * 1.25 + 2.0).min(READ_P99_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_environment_says_must_make_sense() {
        assert_eq!(told("NOBODY_SAYS_THIS", 7_u64).ok(), Some(7));
        let size = |residents| Size { residents, ..Size::QUICK }.or_as_told();
        assert!(size(30).is_ok() && size(31).is_err() && size(0).is_err());
        assert!(Size { companies: 1, ..Size::QUICK }.or_as_told().is_err());
    }

    #[test]
    fn many_companies_may_cost_a_page_little_and_never_more_than_is_promised() {
        assert_eq!([4.0, 40.0, 99.0].map(of_many_ms), [7.0, 52.0, READ_P99_MS]);
    }
}
