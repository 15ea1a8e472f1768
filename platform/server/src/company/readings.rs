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

/// Both days, or the usual ones.
fn window(section: &mut Section<'_>) -> ReadingsWindow {
    let mut day = |name: &str| section.number(name, 1..=31).and_then(|day| u8::try_from(day).ok());
    match (day("from_day"), day("to_day")) {
        (Some(from_day), Some(to_day)) => return ReadingsWindow { from_day, to_day },
        (None, None) => {}
        _ => section.refuse("from_day", "нужны оба дня: from_day и to_day"),
    }
    ReadingsWindow::default()
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
