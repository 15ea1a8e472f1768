//! The program behind `make stress-mutants`: builds the mutants, runs each one's suite, wants it to fail. Arguments are
//! parts of names; without any, all are tried.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use kabinet_tests::mutants::{Mutant, Outcome, VARIABLE, copy_to, list, programs};

/// A suite that takes longer hangs: seconds, with the time to make a demo of the mutant.
const LONGEST: &str = "600";

fn main() -> Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let target: PathBuf = std::env::var_os("CARGO_TARGET_DIR").context("run it by `make stress-mutants`")?.into();
    let all = list()?;
    let chosen: Vec<&Mutant> = all
        .iter()
        .filter(|mutant| wanted.is_empty() || wanted.iter().any(|part| mutant.name.contains(part.as_str())))
        .collect();
    let built = Built::new(&target, &all)?;
    println!("{} mutants are built", all.len());
    let red = built.red_without_mutants(&chosen)?;
    let mut outcomes = Vec::new();
    for mutant in chosen.iter().filter(|mutant| !red.contains(mutant.suite.as_str())) {
        let begun = Instant::now();
        let outcome = built.outcome(mutant)?;
        println!("{:60} {outcome} ({:.0} s)", mutant.name, begun.elapsed().as_secs_f32());
        outcomes.push(outcome);
    }
    let tried = outcomes.len();
    let noticed = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Noticed(_))).count();
    let hung = outcomes.iter().filter(|outcome| **outcome == Outcome::Hangs).count();
    println!("{noticed} of {tried} noticed, {hung} hung");
    ensure!(
        noticed == tried && red.is_empty(),
        "{} removals turn no suite red, {hung} of them because it hangs; {} were not tried, since their suites are red \
         without any: {red:?}",
        tried - noticed,
        chosen.len() - tried
    );
    Ok(())
}

/// The mutants' server and test programs.
struct Built {
    server: PathBuf,
    tests: PathBuf,
    programs: BTreeMap<String, PathBuf>,
}

impl Built {
    fn new(target: &Path, mutants: &[Mutant]) -> Result<Self> {
        let tree = target.join("mutants/tree");
        copy_to(&tree, mutants)?;
        // A folder of its own: Cargo takes two copies of a workspace that build into one folder for the same, and would
        // hand the mutants to the next build of the server.
        let own = target.join("mutants/target");
        copy_plugins(&target.join("release/plugins"), &own.join("release/plugins"))?;
        let names: BTreeSet<&str> = mutants.iter().map(|mutant| mutant.suite().0).collect();
        let cargo = |word: &str| {
            let mut cargo = Command::new("cargo");
            cargo.args([word, "--release", "--locked", "--workspace", "--message-format=json-render-diagnostics"]);
            cargo.env("CARGO_TARGET_DIR", &own).current_dir(&tree).stdin(Stdio::null()).stderr(Stdio::inherit());
            cargo
        };
        told(cargo("build").args(["--bin", "kabinet"]))?;
        let messages = told(cargo("test").arg("--no-run").args(names.iter().flat_map(|name| ["--test", name])))?;
        let server = own.join("release/kabinet");
        Ok(Self { server, tests: tree.join("tests"), programs: programs(&messages)? })
    }

    fn run(&self, program: &str, filter: &str, mutant: &str) -> Result<Output> {
        let program = self.programs.get(program).with_context(|| program.to_owned())?;
        let mut test = Command::new("timeout");
        test.args(["--kill-after=5", LONGEST]).arg(program).arg(filter);
        test.env("KABINET_BIN", &self.server).env(VARIABLE, mutant).current_dir(&self.tests);
        Ok(test.stdin(Stdio::null()).stderr(Stdio::null()).output()?)
    }

    /// The suites that fail without a mutant, or find no test: they prove nothing of theirs.
    fn red_without_mutants<'m>(&self, chosen: &[&'m Mutant]) -> Result<BTreeSet<&'m str>> {
        let mut red = BTreeSet::new();
        for suite in chosen.iter().map(|mutant| mutant.suite.as_str()).collect::<BTreeSet<_>>() {
            let (program, filter) = suite.split_once(' ').unwrap_or((suite, ""));
            let output = self.run(program, filter, "")?;
            let said = String::from_utf8_lossy(&output.stdout);
            if !output.status.success() || said.contains(" 0 passed") {
                println!("{suite} must pass without a mutant:\n{said}");
                red.insert(suite);
            }
        }
        Ok(red)
    }

    /// What the mutant's suite makes of it.
    fn outcome(&self, mutant: &Mutant) -> Result<Outcome> {
        let (program, filter) = mutant.suite();
        let output = self.run(program, filter, &mutant.name)?;
        Ok(Outcome::of(output.status.success(), &String::from_utf8_lossy(&output.stdout)))
    }
}

/// The server looks for its plugins beside itself.
fn copy_plugins(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for plugin in std::fs::read_dir(from)? {
        let plugin = plugin?;
        std::fs::copy(plugin.path(), to.join(plugin.file_name()))?;
    }
    Ok(())
}

/// What a command printed; an error when it failed.
fn told(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    ensure!(output.status.success(), "{command:?}: {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}
