//! How a request stands, and where it may go from there.

use kabinet_core::{Day, Timestamp};

/// Days after its end in which a request may be opened again.
pub const REOPENED_WITHIN: i64 = 7;

/// How a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody has looked at it yet.
    New,
    /// The company has taken it.
    Accepted,
    /// Somebody works on it.
    InWork,
    /// The company waits for an answer.
    Waiting,
    /// It is done; the resident is told how.
    Done,
    /// It is not done; the resident is told why.
    Declined,
}

impl State {
    /// All of them, in the order of a request's life.
    pub const ALL: [Self; 6] = [Self::New, Self::Accepted, Self::InWork, Self::Waiting, Self::Done, Self::Declined];

    /// Its name in the API and the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Accepted => "accepted",
            Self::InWork => "in_work",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Declined => "declined",
        }
    }

    /// Its name for residents.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::New => "Новая",
            Self::Accepted => "Принята",
            Self::InWork => "В работе",
            Self::Waiting => "Ждёт вашего ответа",
            Self::Done => "Выполнена",
            Self::Declined => "Отклонена",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// Whether nothing more is to be done.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Done | Self::Declined)
    }

    /// Whether the resident is told why when it comes to this: nothing ends without a result, and nobody
    /// waits for an answer to no question.
    #[must_use]
    pub const fn needs_words(self) -> bool {
        matches!(self, Self::Waiting | Self::Done | Self::Declined)
    }

    /// Whether staff may bring a request from here to `next`. Only the resident opens an ended one again.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        let ends = matches!(next, Self::Done | Self::Declined);
        match self {
            Self::New => matches!(next, Self::Accepted | Self::Declined),
            Self::Accepted => ends || matches!(next, Self::InWork | Self::Waiting),
            Self::InWork => ends || matches!(next, Self::Waiting),
            Self::Waiting => ends || matches!(next, Self::InWork),
            Self::Done | Self::Declined => false,
        }
    }

    /// How a request stands after its resident wrote something.
    #[must_use]
    pub const fn after_answer(self) -> Self {
        match self {
            Self::Waiting => Self::InWork,
            other => other,
        }
    }
}

/// The last day on which what ended at `closed` may be opened again.
#[must_use]
pub fn reopened_until(closed: Timestamp, zone: chrono_tz::Tz) -> Day {
    closed.day(zone).plus_days(REOPENED_WITHIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_goes_forward_and_ends_once() {
        let reached = |from: State| State::ALL.into_iter().filter(|to| from.may_become(*to)).collect::<Vec<_>>();
        assert_eq!(reached(State::New), [State::Accepted, State::Declined]);
        assert_eq!(reached(State::Accepted), [State::InWork, State::Waiting, State::Done, State::Declined]);
        assert_eq!(reached(State::InWork), [State::Waiting, State::Done, State::Declined]);
        assert_eq!(reached(State::Waiting), [State::InWork, State::Done, State::Declined]);
        assert_eq!((reached(State::Done), reached(State::Declined)), (Vec::new(), Vec::new()));
    }

    #[test]
    fn an_answer_brings_it_back_to_work() {
        assert_eq!(State::Waiting.after_answer(), State::InWork);
        assert_eq!(State::New.after_answer(), State::New);
    }

    #[test]
    fn names_lead_back() {
        for state in State::ALL {
            assert_eq!(State::of(state.code()), Some(state));
        }
        assert_eq!(State::of("closed"), None);
    }

    #[test]
    fn seven_days_end_with_the_company_s_seventh_day() {
        let zone = chrono_tz::Asia::Yekaterinburg;
        let closed = Day(20_280_222).start(zone).plus_seconds(23 * 3600);
        assert_eq!(reopened_until(closed, zone), Day(20_280_229));
        assert_eq!(reopened_until(closed, chrono_tz::Asia::Tokyo), Day(20_280_301));
    }
}
