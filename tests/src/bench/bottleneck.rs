//! What is used up where a rate is not held, by one rule: processors first, since whoever lacks them is late at
//! everything else; then whether requests were sent in time; then the connections to PostgreSQL, by what they wait for.
//! What is left is the server.

use std::collections::BTreeMap;

use super::saturation::{PROCESSOR, Used};

/// The processors are used up when this share of them is busy.
const BUSY: f64 = 0.9;
/// The generators are, when this share of requests was sent late though a connection was free: what a p99 is made of.
const LATE: f64 = 0.01;
/// The connections are, when this share of looks found all of them at work.
const FULL: f64 = 0.5;

/// What a rule has to go by.
#[derive(Debug)]
pub(crate) struct Evidence {
    pub(crate) used: Used,
    /// The machine's processors.
    pub(crate) processors: usize,
    /// Share of requests that the generators sent late though a connection was free.
    pub(crate) late: f64,
}

/// What is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bottleneck {
    /// The processors, most of them by this one.
    Processors(&'static str),
    /// What sends the requests.
    Generators,
    /// This of PostgreSQL: connections at work wait for it.
    Database(&'static str),
    /// The connections to PostgreSQL: those at work do work, or the server does with a transaction open.
    Connections,
    /// None of these: requests wait inside of the server, for a lock or in a queue.
    Server,
}

impl Evidence {
    /// What is used up, if anything is.
    pub(crate) fn bottleneck(&self) -> Bottleneck {
        let mut processors = self.used.processors();
        processors.sort_by(|one, other| other.1.total_cmp(&one.1));
        if self.busy() >= BUSY * self.processors as f64 {
            Bottleneck::Processors(processors[0].0)
        } else if self.late >= LATE {
            Bottleneck::Generators
        } else if self.used.pool_full < FULL {
            Bottleneck::Server
        } else {
            of_connections(&self.used.waits)
        }
    }

    fn busy(&self) -> f64 {
        self.used.processors().iter().map(|(_, processors)| processors).sum()
    }

    /// The numbers that the rule looks at.
    pub(crate) fn in_words(&self) -> String {
        let Self { used, processors, late } = self;
        let of = |(whose, processors): (&str, f64)| format!("{whose} {processors:.2}");
        format!(
            "{:.2} of {processors} processors busy ({}), {:.1} % of requests sent late though a connection was free, all \
             connections to PostgreSQL at work in {:.0} % of looks, waiting for: {}",
            self.busy(),
            used.processors().map(of).join(", "),
            late * 100.0,
            used.pool_full * 100.0,
            used.waits_in_words(),
        )
    }
}

impl Bottleneck {
    pub(crate) fn in_words(self) -> String {
        match self {
            Self::Processors(whose) => format!("the processors, most of them: {whose}"),
            Self::Generators => "the generators, which did not send in time".to_owned(),
            Self::Database(what) => format!("PostgreSQL, {what}"),
            Self::Connections => "the connections to PostgreSQL".to_owned(),
            Self::Server => "the server itself, a lock or a queue of it: there is room in all else".to_owned(),
        }
    }
}

/// What stops connections that are all at work: that of PostgreSQL which most wait for, when half of them or more wait
/// for PostgreSQL, or their number.
fn of_connections(waits: &[(String, f64)]) -> Bottleneck {
    let mut of_database = BTreeMap::<&str, f64>::new();
    for (what, connections) in waits {
        if let Some(resource) = of_database_what(what) {
            *of_database.entry(resource).or_default() += connections;
        }
    }
    let at_work: f64 = waits.iter().map(|(_, connections)| connections).sum();
    let waiting: f64 = of_database.values().sum();
    match of_database.into_iter().max_by(|one, other| one.1.total_cmp(&other.1)) {
        Some((resource, _)) if waiting * 2.0 >= at_work => Bottleneck::Database(resource),
        _ => Bottleneck::Connections,
    }
}

/// What of PostgreSQL's a wait event is for; none where the connection works, or waits for the server.
fn of_database_what(event: &str) -> Option<&'static str> {
    match event.split(' ').next() {
        _ if event == PROCESSOR => None,
        Some("Client") => None,
        // Versions of PostgreSQL write `WALSync` and `WalSync`.
        _ if event.to_ascii_uppercase().contains("WAL") => Some("its log (WAL)"),
        Some("Lock") => Some("locks of rows and tables"),
        Some("IO") => Some("its files"),
        _ => Some("its inner locks and processes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half of two processors busy, requests sent in time, connections free.
    fn calm() -> Evidence {
        let used = Used {
            server: 0.3,
            database: 0.4,
            generators: 0.2,
            others: 0.1,
            commits_per_s: 500.0,
            log_mb_per_s: 1.0,
            pool_full: 0.1,
            looks: 50,
            waits: Vec::new(),
        };
        Evidence { used, processors: 2, late: 0.0 }
    }

    /// All connections at work, so many of them waiting for each of these.
    fn full(waits: &[(&str, f64)]) -> Evidence {
        let mut full = calm();
        full.used.pool_full = 0.8;
        full.used.waits = waits.iter().map(|(what, number)| ((*what).to_owned(), *number)).collect();
        full
    }

    #[test]
    fn processors_are_named_before_all_else_with_whoever_uses_most_of_them() {
        let mut evidence = full(&[("Lock transactionid", 7.0)]);
        evidence.late = 0.5;
        evidence.used.database = 1.3;
        assert_eq!(evidence.bottleneck(), Bottleneck::Processors("database"));
        evidence.used.generators = 1.4;
        assert_eq!(evidence.bottleneck(), Bottleneck::Processors("generators"));
        evidence.processors = 4;
        assert_eq!(evidence.bottleneck(), Bottleneck::Generators, "3.1 of four are busy");
    }

    #[test]
    fn generators_are_named_when_one_of_a_hundred_requests_is_sent_late_though_processors_are_free() {
        let late = |late| Evidence { late, ..full(&[("Lock tuple", 7.0)]) }.bottleneck();
        assert_eq!(
            [late(0.02), late(0.009)],
            [Bottleneck::Generators, Bottleneck::Database("locks of rows and tables")]
        );
    }

    #[test]
    fn connections_that_are_all_at_work_are_named_by_what_most_of_them_wait_for() {
        let named = |waits: &[(&str, f64)]| full(waits).bottleneck();
        let log = [("IO WALSync", 2.0), ("LWLock WALWrite", 2.5), ("Lock tuple", 3.0), ("Client ClientRead", 0.5)];
        assert_eq!(named(&log), Bottleneck::Database("its log (WAL)"));
        assert_eq!(named(&[("IO WalSync", 6.0), (PROCESSOR, 2.0)]), Bottleneck::Database("its log (WAL)"));
        assert_eq!(named(&[("IO DataFileRead", 5.0), (PROCESSOR, 3.0)]), Bottleneck::Database("its files"));
        let inner = Bottleneck::Database("its inner locks and processes");
        assert_eq!(named(&[("LWLock BufferContent", 4.0), (PROCESSOR, 4.0)]), inner);
        let at_work = [(PROCESSOR, 3.0), ("Client ClientRead", 3.0), ("IO WALSync", 2.0)];
        assert_eq!(named(&at_work), Bottleneck::Connections, "a quarter of them waits for PostgreSQL");
    }

    #[test]
    fn the_server_is_what_is_left() {
        assert_eq!(calm().bottleneck(), Bottleneck::Server);
    }

    #[test]
    fn the_numbers_stand_beside_the_name() {
        let words = Evidence { late: 0.025, ..full(&[("IO WALSync", 6.0)]) }.in_words();
        for told in ["1.00 of 2 processors", "database 0.40", "2.5 % of requests", "80 % of looks", "IO WALSync 6.00"] {
            assert!(words.contains(told), "{told}: {words}");
        }
    }
}
