//! What a package says of readings: when they are taken, and what becomes of doubtful ones.

use std::collections::BTreeMap;

use kabinet_meters::settings::{PolicyChange, TIMES};
use kabinet_meters::{MetersSettings, ReadingsWindow, Source};

use super::document::Section;
use super::read::optionally_named;

/// The section `[readings]` with its `[readings.sources.<code>]`; without it, what is usual.
pub(super) fn read(root: &mut Section<'_>) -> MetersSettings {
    let Some(mut section) = root.optional_section("readings") else { return MetersSettings::default() };
    let window = window(&mut section);
    let policy = policy(&mut section);
    let sources = sources(&mut section);
    section.refuse_unknown();
    MetersSettings { window, policy, sources }
}

fn window(section: &mut Section<'_>) -> Option<ReadingsWindow> {
    let from = section.number("from_day", 1..=31);
    let to = section.number("to_day", 1..=31);
    match (from, to) {
        (Some(from), Some(to)) => {
            Some(ReadingsWindow { from_day: u8::try_from(from).ok()?, to_day: u8::try_from(to).ok()? })
        }
        (None, None) => None,
        _ => {
            section.refuse("from_day", "нужны оба дня: from_day и to_day");
            None
        }
    }
}

fn policy(section: &mut Section<'_>) -> PolicyChange {
    let times = i64::from(*TIMES.start())..=i64::from(*TIMES.end());
    PolicyChange {
        lower: optionally_named(section, "lower"),
        unusual: optionally_named(section, "unusual"),
        unusual_times: section.number("unusual_times", times).and_then(|times| u32::try_from(times).ok()),
        expired: optionally_named(section, "expired"),
        closed: optionally_named(section, "closed"),
    }
}

fn sources(section: &mut Section<'_>) -> BTreeMap<String, PolicyChange> {
    let mut changes = BTreeMap::new();
    let Some(mut sources) = section.optional_section("sources") else { return changes };
    // A name that is no source's is an unknown field.
    for code in sources.keys().into_iter().filter(|code| Source::judged(code).is_some()) {
        if let Some(mut of_source) = sources.optional_section(&code) {
            changes.insert(code, policy(&mut of_source));
            of_source.refuse_unknown();
        }
    }
    sources.refuse_unknown();
    changes
}
