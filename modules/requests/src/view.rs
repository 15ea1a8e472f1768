//! What the pages show of requests.

use chrono_tz::Tz;
use kabinet_contracts::RequestId;
use kabinet_core::calendar::CompanyCalendar;
use kabinet_core::{Day, Money, Timestamp};
use kabinet_web::FieldError;
use serde::Serialize;

use crate::catalogue::PaidService;
use crate::filing::Typed;
use crate::history::{Deed, Entry, StoredFile};
use crate::settings::RequestsSettings;
use crate::state::{State, reopened_until};
use crate::tickets::Ticket;
use crate::topics::{self, Kind, Term, Topic};

/// A moment: its day, and the time of that day for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Moment {
    day: Day,
    time: String,
}

impl Moment {
    fn of(at: Timestamp, zone: Tz) -> Self {
        Self { day: at.day(zone), time: at.time(zone) }
    }
}

/// A deadline: the last day in time, and the time of that day where it counts hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Due {
    day: Day,
    time: Option<String>,
    late: bool,
}

impl Due {
    fn of(end: Timestamp, hours: bool, zone: Tz, now: Timestamp) -> Self {
        let late = now >= end;
        if hours {
            return Self { day: end.day(zone), time: Some(end.time(zone)), late };
        }
        Self { day: end.plus_seconds(-1).day(zone), time: None, late }
    }

    fn of_ticket(ticket: &Ticket, zone: Tz, now: Timestamp) -> Option<Self> {
        let hours = topics::find(&ticket.topic).is_some_and(|topic| matches!(topic.term, Term::Hours(_)));
        (!ticket.state.is_closed()).then(|| Self::of(ticket.due_at, hours, zone, now))
    }
}

/// A request in a list.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    number: i64,
    href: String,
    kind: &'static str,
    kind_words: &'static str,
    subject: String,
    state: &'static str,
    state_words: &'static str,
    created: Day,
    closed: Option<Day>,
    due: Option<Due>,
}

impl Row {
    pub(crate) fn of(ticket: Ticket, zone: Tz, now: Timestamp) -> Self {
        Self {
            number: ticket.number,
            href: format!("/requests/{}", ticket.id),
            kind: ticket.kind.code(),
            kind_words: ticket.kind.words(),
            state: ticket.state.code(),
            state_words: ticket.state.words(),
            created: ticket.created_at.day(zone),
            closed: ticket.closed_at.map(|at| at.day(zone)),
            due: Due::of_ticket(&ticket, zone, now),
            subject: ticket.subject,
        }
    }
}

/// «Заявки».
#[derive(Debug, Serialize)]
pub(crate) struct ListContext {
    /// Whether this resident may file: a helper may not, and nobody for a closed account.
    pub(crate) may_file: bool,
    /// Whether the company has a catalogue of paid services.
    pub(crate) paid: bool,
    /// Why not, where one may not: `helper` or `closed`.
    pub(crate) because: Option<&'static str>,
    /// Whether the lists begin here.
    pub(crate) first: bool,
    pub(crate) lists: Vec<List>,
}

/// Requests under way or ended, by their headings.
#[derive(Debug, Serialize)]
pub(crate) struct List {
    name: &'static str,
    groups: Vec<Group>,
    /// Where older ones are.
    more: Option<String>,
}

/// Requests that stand alike.
#[derive(Debug, Serialize)]
struct Group {
    title: &'static str,
    rows: Vec<Row>,
}

/// The headings, in the order of the page.
const TITLES: [&str; 4] =
    ["Новые обращения и заявки", "Принятые обращения и заявки", "Выполненные заявки", "Отклонённые заявки"];

/// The heading of requests that stand so: none says more of them than is true.
const fn title(state: State) -> &'static str {
    match state {
        State::New => TITLES[0],
        State::Accepted | State::InWork | State::Waiting => TITLES[1],
        State::Done => TITLES[2],
        State::Declined => TITLES[3],
    }
}

impl List {
    /// The list of this name, the newest requests of each heading first; older ones are behind `next`.
    pub(crate) fn of(
        name: &'static str,
        mut tickets: Vec<Ticket>,
        next: Option<RequestId>,
        (zone, now): (Tz, Timestamp),
    ) -> Self {
        let mut groups = Vec::new();
        for heading in TITLES {
            let (own, rest): (Vec<_>, Vec<_>) = tickets.into_iter().partition(|it| title(it.state) == heading);
            tickets = rest;
            if !own.is_empty() {
                let rows = own.into_iter().map(|ticket| Row::of(ticket, zone, now)).collect();
                groups.push(Group { title: heading, rows });
            }
        }
        Self { name, groups, more: next.map(|id| format!("/requests?list={name}&after={id}")) }
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}

#[derive(Debug, Serialize)]
struct TopicContext {
    value: &'static str,
    text: String,
}

#[derive(Debug, Serialize)]
struct ServiceContext {
    code: String,
    title: String,
    description: String,
    price: Money,
    unit: String,
}

/// The form of one kind.
#[derive(Debug, Serialize)]
pub(crate) struct NewContext<'a> {
    kind: &'static str,
    title: &'static str,
    topics: Vec<TopicContext>,
    services: Vec<ServiceContext>,
    promise: &'static str,
    /// Until when what is filed now is due, by its usual topic.
    due: Option<Due>,
    form: &'a Typed,
    errors: Vec<FieldError>,
}

/// The heading of a kind's form.
pub(crate) const fn heading(kind: Kind) -> &'static str {
    match kind {
        Kind::Appeal => "Обращение в компанию",
        Kind::Paid => "Заявка на платную услугу",
        Kind::Emergency => "Сообщить об аварии",
    }
}

impl<'a> NewContext<'a> {
    pub(crate) fn of(
        kind: Kind,
        form: &'a Typed,
        services: Vec<PaidService>,
        settings: &RequestsSettings,
        (zone, now, calendar): (Tz, Timestamp, &CompanyCalendar),
    ) -> Self {
        let usual = topics::of_kind(kind).next();
        let end = |topic: &Topic| {
            let term = topic.term_of(settings);
            Due::of(term.end(now, zone, calendar), matches!(term, Term::Hours(_)), zone, now)
        };
        let topic = |topic: &'static Topic| TopicContext {
            value: topic.code.as_str(),
            text: format!("{} – ответ до {}", topic.title, end(topic).day),
        };
        let service = |service: PaidService| ServiceContext {
            code: service.code,
            title: service.title,
            description: service.description,
            price: service.price,
            unit: service.unit,
        };
        let topics: Vec<TopicContext> = topics::of_kind(kind).map(topic).collect();
        Self {
            kind: kind.code(),
            title: heading(kind),
            topics: if topics.len() > 1 { topics } else { Vec::new() },
            services: if kind == Kind::Paid { services.into_iter().map(service).collect() } else { Vec::new() },
            promise: usual.map_or("", |topic| topic.promise.as_str()),
            due: usual.map(end),
            form,
            errors: Vec::new(),
        }
    }

    pub(crate) fn refused(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }
}

#[derive(Debug, Serialize)]
struct FileContext {
    href: String,
    name: String,
    size: String,
    picture: bool,
}

#[derive(Debug, Serialize)]
struct EntryContext {
    at: Moment,
    own: bool,
    words: &'static str,
    text: String,
    files: Vec<FileContext>,
}

/// What was typed into the forms of a request's page.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) rating: String,
    pub(crate) comment: String,
}

/// One request.
#[derive(Debug, Serialize)]
pub(crate) struct TicketContext {
    #[serde(flatten)]
    row: Row,
    action: String,
    at: Moment,
    topic: String,
    price: Option<Money>,
    price_unit: String,
    text: String,
    entries: Vec<EntryContext>,
    may_answer: bool,
    /// The last day on which it may be opened again, while it may be.
    reopen_until: Option<Day>,
    may_rate: bool,
    rating: Option<i32>,
    form: Said,
    errors: Vec<FieldError>,
}

impl TicketContext {
    pub(crate) fn of(ticket: Ticket, history: Vec<Entry>, zone: Tz, now: Timestamp) -> Self {
        let until = ticket.closed_at.map(|closed| reopened_until(closed, zone));
        let base = format!("/requests/{}", ticket.id);
        let entries = history.into_iter().map(|entry| EntryContext::of(entry, &base, zone)).collect();
        Self {
            at: Moment::of(ticket.created_at, zone),
            topic: topics::find(&ticket.topic).map_or_else(String::new, |topic| topic.title.clone()),
            price: ticket.price,
            price_unit: ticket.price_unit.clone(),
            text: ticket.text.clone(),
            entries,
            may_answer: !ticket.state.is_closed(),
            reopen_until: until.filter(|last| now.day(zone) <= *last),
            may_rate: ticket.state == State::Done && ticket.rating.is_none(),
            rating: ticket.rating,
            form: Said::default(),
            errors: Vec::new(),
            row: Row::of(ticket, zone, now),
            action: base,
        }
    }

    pub(crate) const fn number(&self) -> i64 {
        self.row.number
    }

    pub(crate) fn refused(mut self, form: Said, errors: Vec<FieldError>) -> Self {
        (self.form, self.errors) = (form, errors);
        self
    }
}

impl EntryContext {
    fn of(entry: Entry, base: &str, zone: Tz) -> Self {
        let file = |file: StoredFile| FileContext {
            href: format!("{base}/files/{}", file.id),
            size: size_words(file.bytes),
            picture: file.media_type.starts_with("image/"),
            name: file.name,
        };
        Self {
            at: Moment::of(entry.at, zone),
            own: entry.actor == "resident",
            words: words(entry.deed, entry.state),
            text: entry.text,
            files: entry.files.into_iter().map(file).collect(),
        }
    }
}

/// A deed in words for the resident.
const fn words(deed: Deed, state: Option<State>) -> &'static str {
    match (deed, state) {
        (Deed::Filed, _) => "Заявка отправлена",
        (Deed::Reopened, _) => "Заявка возвращена в работу",
        (Deed::Rated, _) => "Оценка",
        (Deed::State, Some(State::Accepted)) => "Заявка принята",
        (Deed::State, Some(State::InWork)) => "Заявка в работе",
        (Deed::State, Some(State::Waiting)) => "Нужен ваш ответ",
        (Deed::State, Some(State::Done)) => "Заявка выполнена",
        (Deed::State, Some(State::Declined)) => "Заявка отклонена",
        _ => "Сообщение",
    }
}

/// A length in words: «2,3 МБ».
fn size_words(bytes: i64) -> String {
    match bytes {
        ..1024 => format!("{bytes} байт"),
        1024..1_048_576 => format!("{} КБ", bytes / 1024),
        _ => format!("{},{} МБ", bytes / 1_048_576, bytes % 1_048_576 * 10 / 1_048_576),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: Tz = chrono_tz::Asia::Yekaterinburg;

    #[test]
    fn a_deadline_of_days_names_the_last_day_in_time() {
        let end = Day(20_261_205).start(ZONE);
        let due = |now: Timestamp| Due::of(end, false, ZONE, now);
        assert_eq!(due(end.plus_seconds(-1)), Due { day: Day(20_261_204), time: None, late: false });
        assert!(due(end).late);
    }

    #[test]
    fn a_deadline_of_hours_names_the_minute() {
        let end = Day(20_261_205).start(ZONE).plus_seconds(14 * 3600 + 5 * 60 + 59);
        let due = Due::of(end, true, ZONE, end.plus_seconds(-60));
        assert_eq!(due, Due { day: Day(20_261_205), time: Some("14:05".to_owned()), late: false });
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!(size_words(512), "512 байт");
        assert_eq!(size_words(300 * 1024), "300 КБ");
        assert_eq!(size_words(2_411_725), "2,3 МБ");
    }
}
