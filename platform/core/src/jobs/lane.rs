//! Lanes: letters and messages wait for other machines and long jobs take minutes, so they hold up nothing else.

use crate::module::Registry;

const LETTERS_AT_ONCE: usize = 8;
const OUTWARD_AT_ONCE: usize = 4;

/// Which jobs a loop of the runner takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lane {
    All,
    Letters,
    Outward,
    Long,
    Rest,
}

impl Lane {
    /// The condition on the table `job`, after others.
    pub(super) fn condition(self, registry: &Registry) -> String {
        let (long, outward) = (named(&registry.long_jobs()), named(&registry.outward_jobs()));
        match self {
            Self::All => String::new(),
            Self::Letters => "AND module = 'mail'".to_owned(),
            Self::Outward => format!("AND {outward}"),
            Self::Long => format!("AND {long}"),
            Self::Rest => format!("AND module <> 'mail' AND NOT ({long}) AND NOT ({outward})"),
        }
    }

    /// How many of its jobs are under way at a time.
    pub(super) const fn at_once(self) -> usize {
        match self {
            Self::Letters => LETTERS_AT_ONCE,
            Self::Outward => OUTWARD_AT_ONCE,
            Self::All | Self::Long | Self::Rest => 1,
        }
    }
}

/// The condition that a job is one of these, named `module.kind`.
fn named(jobs: &[String]) -> String {
    if jobs.is_empty() {
        return "1 = 0".to_owned();
    }
    let names: Vec<String> = jobs.iter().map(|name| format!("'{name}'")).collect();
    format!("module || '.' || kind IN ({})", names.join(", "))
}
