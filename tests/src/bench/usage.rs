//! What processes use: processor time and memory, as Linux counts them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Ticks a second of `/proc/<pid>/stat`, the same on every Linux that Rust runs on.
const TICKS: f64 = 100.0;
/// A process whose share of a core is below this waits for work.
const QUIET: f64 = 0.04;

/// A moment: the time and the processor seconds that a set of process trees had used by then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    at: Instant,
    cpu: f64,
}

impl Moment {
    /// The present moment of `roots` and all their descendants, those that have ended among them.
    pub(crate) fn of(roots: &[u32]) -> Self {
        Self { at: Instant::now(), cpu: cpu_seconds(roots) }
    }

    /// The present moment of this process alone, without those that it started.
    pub(crate) fn of_this_process() -> Self {
        let own = std::fs::read_to_string("/proc/self/stat").ok().and_then(|line| stat(&line));
        Self { at: Instant::now(), cpu: own.map_or(0.0, |own| own.own / TICKS) }
    }

    /// The present moment of the whole machine: whatever was not idle, and what its host gave to others. Nothing where
    /// this program may use a part of its processors only.
    pub(crate) fn of_the_machine() -> Self {
        let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        Self { at: Instant::now(), cpu: busy(&text, processors()).unwrap_or_default() / TICKS }
    }

    /// Seconds from `before` to this moment, and the processor seconds used in them.
    pub(crate) fn since(self, before: Self) -> (f64, f64) {
        ((self.at - before.at).as_secs_f64(), self.cpu - before.cpu)
    }
}

/// Processors that this program may use.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Waits until the trees of `roots` have nothing left to do, at most `most`; the share of a core that they
/// use then.
pub(crate) fn settle(roots: &[u32], most: Duration) -> f64 {
    let deadline = Instant::now() + most;
    let mut before = Moment::of(roots);
    loop {
        std::thread::sleep(Duration::from_millis(500));
        let now = Moment::of(roots);
        let (seconds, cpu) = now.since(before);
        let share = cpu / seconds;
        if share <= QUIET || Instant::now() > deadline {
            return share;
        }
        before = now;
    }
}

/// Memory of a process that lies in RAM, in MB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) rss_mb: f64,
    /// What it allocated.
    pub(crate) own_mb: f64,
    /// Pages of files, its program above all, which the system may drop.
    pub(crate) files_mb: f64,
}

/// The memory of process `pid`.
pub(crate) fn memory(pid: u32) -> anyhow::Result<Memory> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
        kilobytes.map(|kilobytes| kilobytes / 1024.0).ok_or_else(|| anyhow::anyhow!("process {pid} has ended"))
    };
    Ok(Memory { rss_mb: value("VmRSS:")?, own_mb: value("RssAnon:")?, files_mb: value("RssFile:")? })
}

/// The processes of the trees of `roots`.
pub(crate) fn descendants(roots: &[u32]) -> Vec<u32> {
    trees(roots).map(|(pid, _)| pid).collect()
}

fn cpu_seconds(roots: &[u32]) -> f64 {
    trees(roots).map(|(_, stat)| stat.own + stat.of_children).sum::<f64>() / TICKS
}

fn trees(roots: &[u32]) -> impl Iterator<Item = (u32, Stat)> {
    let processes = all();
    let parents: HashMap<u32, u32> = processes.iter().map(|(pid, stat)| (*pid, stat.parent)).collect();
    processes.into_iter().filter(move |(pid, _)| {
        let mut pid = *pid;
        loop {
            if roots.contains(&pid) {
                return true;
            }
            match parents.get(&pid) {
                Some(parent) if *parent > 1 => pid = *parent,
                _ => return false,
            }
        }
    })
}

/// Ticks that all `processors` were busy, by the text of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq
/// and steal of all, then the same of each. None where there are more processors than that.
fn busy(text: &str, processors: usize) -> Option<f64> {
    let each = text.lines().skip(1).take_while(|line| line.starts_with("cpu")).count();
    let all: Vec<f64> =
        text.lines().next()?.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    let [user, nice, system, _, _, irq, softirq, steal, ..] = all[..] else { return None };
    (each == processors).then_some(user + nice + system + irq + softirq + steal)
}

struct Stat {
    parent: u32,
    /// Ticks of its own.
    own: f64,
    /// Ticks of its children that were waited for.
    of_children: f64,
}

fn all() -> HashMap<u32, Stat> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| Some((pid, stat(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?))).collect()
}

/// After the name in brackets come state, parent and, from the 12th on, user and system time of the process
/// and of its ended children.
fn stat(line: &str) -> Option<Stat> {
    let (_, rest) = line.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |from: usize| -> Option<f64> {
        Some(fields.get(from..from + 2)?.iter().filter_map(|field| field.parse::<f64>().ok()).sum())
    };
    Some(Stat { parent: fields.get(1)?.parse().ok()?, own: ticks(11)?, of_children: ticks(13)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_proc_is_read_though_the_name_has_brackets() {
        let line = "42 (post (gres) x) S 7 42 42 0 -1 4194560 1 2 3 4 100 20 3 1 20 0 1 0 5 6 7";
        let stat = stat(line).expect("a line");
        assert_eq!((stat.parent, stat.own, stat.of_children), (7, 120.0, 4.0));
    }

    #[test]
    fn a_machine_is_busy_when_it_is_not_idle_and_all_of_it_is_ours() {
        let text = "cpu  10 1 5 900 40 0 2 3 0 0\ncpu0 5 1 2 450 20 0 1 1 0 0\ncpu1 5 0 3 450 20 0 1 2 0 0\nintr 7 0\n";
        assert_eq!(busy(text, 2), Some(21.0));
        assert_eq!(busy(text, 1), None, "the other processor is busy for somebody else");
        assert_eq!(busy("", 2), None);
    }

    #[test]
    fn this_process_has_used_something() {
        assert!(memory(std::process::id()).expect("memory").rss_mb > 1.0);
        let before = Moment::of(&[std::process::id()]);
        let spun = Instant::now();
        while spun.elapsed() < Duration::from_millis(60) {
            std::hint::spin_loop();
        }
        let (seconds, cpu) = Moment::of(&[std::process::id()]).since(before);
        assert!(seconds >= 0.06 && cpu > 0.0);
    }
}
