//! A profile of what missed its goal, with `perf` where it is installed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::stage::finish;
use super::target;
use super::usage::descendants;

/// Samples a second: not a divisor of the timers' rates.
const FREQUENCY: &str = "499";

/// Runs `work` while the trees of `roots` are sampled; a line that says where the profile lies, or how to
/// make one where `perf` is missing.
pub(crate) fn during(name: &str, roots: &[u32], work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<String> {
    let data = file(name, "perf")?;
    let pids: Vec<String> = descendants(roots).iter().map(u32::to_string).collect();
    let mut perf = perf(&data);
    let Ok(recorder) = perf.args(["-p", &pids.join(",")]).spawn() else { return Ok(how_to(name)) };
    // It needs a moment to attach.
    std::thread::sleep(Duration::from_millis(500));
    let done = work();
    end(recorder)?;
    done?;
    written(name, &data)
}

/// Runs `command` while it and the trees of `others` (a database server) are sampled; the same line.
pub(crate) fn of(name: &str, command: &mut Command, others: &[u32]) -> anyhow::Result<String> {
    // What this process starts after perf attached to it is sampled too.
    let roots: Vec<u32> = others.iter().copied().chain([std::process::id()]).collect();
    during(name, &roots, || finish(command).map(drop))
}

fn perf(data: &Path) -> Command {
    let mut perf = Command::new("perf");
    perf.args(["record", "-q", "-F", FREQUENCY, "-o"]).arg(data);
    perf.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    perf
}

fn end(mut recorder: Child) -> anyhow::Result<()> {
    Command::new("kill").args(["-INT", &recorder.id().to_string()]).status()?;
    recorder.wait()?;
    Ok(())
}

fn written(name: &str, data: &Path) -> anyhow::Result<String> {
    let mut report = Command::new("perf");
    report.args(["report", "--stdio", "--percent-limit", "0.3", "--sort", "comm,dso,symbol", "-i"]).arg(data);
    let output = report.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        return Ok(how_to(name));
    }
    let text = file(name, "txt")?;
    std::fs::write(&text, output.stdout)?;
    Ok(format!("profile of {name}: {}", text.display()))
}

fn how_to(name: &str) -> String {
    format!(
        "no profile of {name}: install perf (Debian: linux-perf), or run the server under \
         `valgrind --tool=callgrind --trace-children=no target/release/kabinet serve`"
    )
}

fn file(name: &str, extension: &str) -> anyhow::Result<PathBuf> {
    let folder = target()?.join("bench-profiles");
    std::fs::create_dir_all(&folder)?;
    Ok(folder.join(format!("{name}.{extension}")))
}
