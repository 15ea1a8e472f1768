//! Kinds of requests and their topics, each with the time in which it is due. Data: `data/topics.toml`.

use std::sync::LazyLock;

use chrono_tz::Tz;
use kabinet_core::calendar::CompanyCalendar;
use kabinet_core::{DbError, Tenant, Timestamp};
use serde::Deserialize;

use crate::settings::RequestsSettings;

static TOPICS: LazyLock<Vec<Topic>> = LazyLock::new(|| {
    parse(include_str!("../data/topics.toml")).unwrap_or_else(|error| {
        tracing::error!(%error, "the topics of requests cannot be read");
        Vec::new()
    })
});

/// What a resident asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An answer or a deed of the company.
    Appeal,
    /// A service out of the catalogue.
    Paid,
    /// Help at once.
    Emergency,
}

impl Kind {
    /// All of them, in the order of the pages.
    pub const ALL: [Self; 3] = [Self::Appeal, Self::Paid, Self::Emergency];

    /// Its name in addresses, the API and the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Appeal => "appeal",
            Self::Paid => "paid",
            Self::Emergency => "emergency",
        }
    }

    /// Its name for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Appeal => "Обращение",
            Self::Paid => "Платная услуга",
            Self::Emergency => "Авария",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// In what time something is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// To the end of that working day; the first day is not counted.
    WorkingDays(u32),
    /// So many hours.
    Hours(u32),
}

impl Term {
    /// The first moment after the time is over, for what began at `from` in `zone`, by the company's calendar.
    #[must_use]
    pub fn end(self, from: Timestamp, zone: Tz, calendar: &CompanyCalendar) -> Timestamp {
        match self {
            Self::WorkingDays(days) => calendar.working_days_after(from.day(zone), days).plus_days(1).start(zone),
            Self::Hours(hours) => from.plus_seconds(i64::from(hours) * 3600),
        }
    }

    /// How long it is, in its own unit.
    #[must_use]
    pub const fn length(self) -> u32 {
        match self {
            Self::WorkingDays(length) | Self::Hours(length) => length,
        }
    }

    const fn with_length(self, length: u32) -> Self {
        match self {
            Self::WorkingDays(_) => Self::WorkingDays(length),
            Self::Hours(_) => Self::Hours(length),
        }
    }
}

/// A topic of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// The kind it belongs to.
    pub kind: Kind,
    /// Its name in forms, the API and the database; no two topics share it.
    pub code: String,
    /// Its name for people.
    pub title: String,
    /// The law's term, the longest that a company may take.
    pub term: Term,
    /// Minutes in which it is to be answered; none where only its end is due.
    pub answer_minutes: Option<u32>,
    /// Minutes in which the damage is to be stopped.
    pub localise_minutes: Option<u32>,
    /// What else is promised, in words; may be empty.
    pub promise: String,
}

/// What is due of a request: the first moments after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Its answer; of emergencies.
    pub answer_by: Option<Timestamp>,
    /// A stop to the damage; of emergencies.
    pub localise_by: Option<Timestamp>,
    /// Its end.
    pub due_at: Timestamp,
}

impl Topic {
    /// What is due, and when, of what begins at `from`.
    pub fn deadlines(&self, from: Timestamp, tenant: &Tenant) -> Result<Deadlines, DbError> {
        let after = |minutes: u32| from.plus_seconds(i64::from(minutes) * 60);
        let term = self.term_of(&RequestsSettings::of(tenant)?);
        Ok(Deadlines {
            answer_by: self.answer_minutes.map(after),
            localise_by: self.localise_minutes.map(after),
            due_at: term.end(from, tenant.zone, &CompanyCalendar::of(tenant)?),
        })
    }

    /// The company's term: the law's, or a shorter one.
    #[must_use]
    pub fn term_of(&self, settings: &RequestsSettings) -> Term {
        let own = settings.deadlines.get(&self.code).copied();
        self.term.with_length(own.unwrap_or(u32::MAX).min(self.term.length()))
    }
}

/// All topics, in the order of the pages.
#[must_use]
pub fn all() -> &'static [Topic] {
    &TOPICS
}

/// The topics of a kind; the first is the usual one.
pub fn of_kind(kind: Kind) -> impl Iterator<Item = &'static Topic> {
    TOPICS.iter().filter(move |topic| topic.kind == kind)
}

/// The topic of this name.
#[must_use]
pub fn find(code: &str) -> Option<&'static Topic> {
    TOPICS.iter().find(|topic| topic.code == code)
}

#[derive(Deserialize)]
struct File {
    topic: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    kind: Kind,
    code: String,
    title: String,
    working_days: Option<u32>,
    hours: Option<u32>,
    answer_minutes: Option<u32>,
    localise_minutes: Option<u32>,
    #[serde(default)]
    promise: String,
    #[serde(rename = "source")]
    _source: String,
}

fn parse(text: &str) -> Result<Vec<Topic>, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    file.topic.into_iter().map(topic).collect()
}

fn topic(entry: Entry) -> Result<Topic, String> {
    let term = match (entry.working_days, entry.hours) {
        (Some(days), None) => Term::WorkingDays(days),
        (None, Some(hours)) => Term::Hours(hours),
        _ => return Err(format!("{}: either working_days or hours", entry.code)),
    };
    Ok(Topic {
        kind: entry.kind,
        code: entry.code,
        title: entry.title,
        term,
        answer_minutes: entry.answer_minutes,
        localise_minutes: entry.localise_minutes,
        promise: entry.promise,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kabinet_core::Day;

    const ZONE: Tz = chrono_tz::Asia::Yekaterinburg;

    /// The last day in time for what is filed on `day` at noon.
    fn last_day(code: &str, day: i32) -> Day {
        let topic = find(code).expect(code);
        let end = topic.term.end(Day(day).start(ZONE).plus_seconds(12 * 3600), ZONE, &CompanyCalendar::default());
        end.plus_seconds(-1).day(ZONE)
    }

    #[test]
    fn the_data_file_is_whole() {
        let topics = parse(include_str!("../data/topics.toml")).expect("the data");
        for kind in Kind::ALL {
            assert!(topics.iter().any(|topic| topic.kind == kind), "{}", kind.code());
        }
        let mut codes: Vec<_> = topics.iter().map(|topic| topic.code.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), topics.len(), "no two topics share a code");
        let both =
            "[[topic]]\nkind = \"paid\"\ncode = \"x\"\ntitle = \"x\"\nhours = 1\nworking_days = 1\nsource = \"\"";
        assert!(parse(both).is_err());
    }

    #[test]
    fn deadlines_follow_the_working_calendar() {
        assert_eq!(last_day("question", 20_261_122), Day(20_261_204));
        assert_eq!(last_day("quality", 20_261_127), Day(20_261_202));
        // Over New Year: 30 December is the first working day, then 11 January.
        assert_eq!(last_day("question", 20_261_229), Day(20_270_121));
        assert_eq!(last_day("quality", 20_261_229), Day(20_270_112));
        // 29 February is a Thursday in 2024 and a day like others.
        assert_eq!(last_day("quality", 20_240_227), Day(20_240_301));
    }

    #[test]
    fn an_emergency_counts_hours_through_holidays() {
        let filed = Day(20_261_230).start(ZONE).plus_seconds(9 * 3600);
        let topic = find("emergency").expect("the topic");
        assert_eq!(topic.term.end(filed, ZONE, &CompanyCalendar::default()), filed.plus_seconds(3 * 24 * 3600));
        assert_eq!((topic.answer_minutes, topic.localise_minutes), (Some(5), Some(30)));
    }

    #[test]
    fn a_day_ends_in_the_company_s_zone() {
        // 20:30 UTC on Friday is Saturday in Chelyabinsk: the count begins there.
        let filed = Timestamp(Day(20_261_127).start(chrono_tz::UTC).0).plus_seconds(20 * 3600 + 1800);
        let term = Term::WorkingDays(1);
        assert_eq!(term.end(filed, chrono_tz::UTC, &CompanyCalendar::default()), Day(20_261_201).start(chrono_tz::UTC));
        assert_eq!(term.end(filed, ZONE, &CompanyCalendar::default()), Day(20_261_201).start(ZONE));
        assert_eq!(Term::WorkingDays(0).end(filed, ZONE, &CompanyCalendar::default()), Day(20_261_129).start(ZONE));
    }

    #[test]
    fn a_company_promises_less_time_and_never_more() {
        let topic = find("question").expect("the topic");
        let settings = |days| RequestsSettings { deadlines: [("question".to_owned(), days)].into() };
        assert_eq!(topic.term_of(&settings(7)), Term::WorkingDays(7));
        assert_eq!(topic.term_of(&settings(30)), Term::WorkingDays(10));
        assert_eq!(topic.term_of(&RequestsSettings::default()), Term::WorkingDays(10));
    }
}
