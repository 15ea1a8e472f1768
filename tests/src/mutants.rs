//! Single removals of what keeps people apart (`tests/mutants/mutants.toml`): a suite that does not notice one proves
//! less than it seems to.
//!
//! All of them stand in one changed copy of the sources, each behind a condition that the environment makes true
//! (`KABINET_MUTANT`, the mutant's name): one build tries them all.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::house::root;
use crate::process::run;

/// The variable that names the mutant which is on.
pub const VARIABLE: &str = "KABINET_MUTANT";

/// A removal.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutant {
    /// What is gone.
    pub name: String,
    /// Where: a path from the root of the repository.
    pub file: String,
    /// Texts that occur once, and what stands in their places; `MUTANT` is the condition that it is on.
    pub edit: Vec<[String; 2]>,
    /// The tests that must notice: a program and a filter of its tests.
    pub suite: String,
}

#[derive(Deserialize)]
struct List {
    mutant: Vec<Mutant>,
}

impl Mutant {
    /// The program and the filter of its suite.
    #[must_use]
    pub fn suite(&self) -> (&str, &str) {
        self.suite.split_once(' ').unwrap_or((&self.suite, ""))
    }

    /// `source` with this mutant behind its condition.
    fn put_into(&self, source: &str) -> Result<String> {
        let condition = format!("std::env::var({VARIABLE:?}).is_ok_and(|chosen| chosen == {:?})", self.name);
        self.edit.iter().try_fold(source.to_owned(), |text, [there, instead]| {
            let times = text.matches(there.as_str()).count();
            ensure!(times == 1, "«{}»: {} has {times} times: {there}", self.name, self.file);
            Ok(text.replace(there.as_str(), &instead.replace("MUTANT", &condition)))
        })
    }
}

/// What became of a suite while a mutant was on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// This test failed.
    Noticed(String),
    /// Every test passed.
    Survives,
    /// No test failed and the suite did not come to its end, which proves nothing.
    Hangs,
}

impl Outcome {
    /// Of a suite that ended well or did not, by what it printed.
    #[must_use]
    pub fn of(passed: bool, said: &str) -> Self {
        let failed = said.lines().find_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
        match failed {
            Some(test) => Self::Noticed(test.to_owned()),
            None if passed => Self::Survives,
            None => Self::Hangs,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Noticed(test) => test,
            Self::Survives => "SURVIVES",
            Self::Hangs => "HANGS",
        })
    }
}

/// All mutants.
///
/// # Errors
/// When the list cannot be read.
pub fn list() -> Result<Vec<Mutant>> {
    let path = root().join("tests/mutants/mutants.toml");
    let text = std::fs::read_to_string(&path).context("the list of mutants")?;
    Ok(toml::from_str::<List>(&text)?.mutant)
}

/// The sources that change, by path, with every mutant behind its condition.
///
/// # Errors
/// When a text is not there any more, or more than once: the list is behind the code.
pub fn mutated(mutants: &[Mutant]) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for mutant in mutants {
        let source = match files.remove(&mutant.file) {
            Some(text) => text,
            None => std::fs::read_to_string(root().join(&mutant.file)).with_context(|| mutant.file.clone())?,
        };
        files.insert(mutant.file.clone(), mutant.put_into(&source)?);
    }
    Ok(files)
}

/// Makes `folder` a copy of the repository with all mutants in it. What stays the same keeps its time, so that a
/// second build is short.
///
/// # Errors
/// When the list is behind the code, or a file cannot be written.
pub fn copy_to(folder: &Path, mutants: &[Mutant]) -> Result<()> {
    let changed = mutated(mutants)?;
    let files =
        run(Command::new("git").args(["ls-files", "--cached", "--others", "--exclude-standard"]).current_dir(root()));
    for path in files.lines().filter(|path| root().join(path).is_file()) {
        let text = match changed.get(path) {
            Some(text) => text.clone().into_bytes(),
            None => std::fs::read(root().join(path))?,
        };
        let copy = folder.join(path);
        if std::fs::read(&copy).is_ok_and(|before| before == text) {
            continue;
        }
        std::fs::create_dir_all(copy.parent().unwrap_or(folder))?;
        std::fs::write(&copy, text)?;
        std::fs::set_permissions(&copy, std::fs::metadata(root().join(path))?.permissions())?;
    }
    Ok(())
}

/// The programs of integration tests among the messages of `cargo test --no-run --message-format=json`, by name.
///
/// # Errors
/// When a message cannot be read.
pub fn programs(messages: &str) -> Result<BTreeMap<String, PathBuf>> {
    #[derive(Deserialize)]
    struct Message {
        target: Option<Target>,
        executable: Option<PathBuf>,
    }
    #[derive(Deserialize)]
    struct Target {
        name: String,
        kind: Vec<String>,
    }
    let mut programs = BTreeMap::new();
    for line in messages.lines() {
        let Message { target: Some(target), executable: Some(program) } = serde_json::from_str(line)? else { continue };
        if target.kind == ["test"] {
            programs.insert(target.name, program);
        }
    }
    Ok(programs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_that_does_not_end_has_noticed_nothing_but_a_test_that_failed_before_has() {
        let passed = "test on_sqlite::one ... ok\n";
        let failed = "test on_sqlite::two ... FAILED\n";
        assert_eq!(Outcome::of(true, passed), Outcome::Survives);
        assert_eq!(Outcome::of(false, passed), Outcome::Hangs);
        let noticed = Outcome::Noticed("on_sqlite::two".to_owned());
        assert_eq!(Outcome::of(false, &format!("{passed}{failed}")), noticed);
    }

    #[test]
    fn every_mutant_fits_the_code_and_names_a_suite() {
        let mutants = list().expect("the list");
        mutated(&mutants).expect("texts that are there");
        assert!(mutants.len() >= 70);
        for mutant in &mutants {
            assert!(mutant.edit.iter().any(|[_, instead]| instead.contains("MUTANT")), "{}", mutant.name);
        }
        let names: std::collections::BTreeSet<&str> = mutants.iter().map(|mutant| mutant.name.as_str()).collect();
        assert_eq!(names.len(), mutants.len(), "two of one name");
        for mutant in &mutants {
            let program = root().join("tests/tests").join(mutant.suite().0);
            assert!(program.is_dir() || program.with_extension("rs").is_file(), "{}", mutant.suite);
        }
    }
}
