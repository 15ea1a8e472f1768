//! The testkit: what the suites in `tests/` stand on.
//!
//! A [`Server`] is the real binary with `serve --demo` over a [`Database`] of its own, SQLite or a real
//! PostgreSQL that the kit starts itself. A [`Browser`] talks to it as a person's browser would, with
//! cookies, forms and redirects; a [`Page`] reads what came back. Each test takes the database's kind
//! and is listed in [`on_both_databases!`], so that it runs, and is named, once for each.
//!
//! Everything a test process makes lies in one folder and ends with the process, however that ends.

pub mod author;
pub mod books;
pub mod browser;
pub mod company;
pub mod database;
pub mod demo;
pub mod gateways;
pub mod house;
pub mod letters;
pub mod mail_server;
pub mod mutants;
pub mod page;
pub mod pdf;
pub mod postgres;
pub mod process;
pub mod reports;
pub mod runs;
pub mod schema;
mod seed;
pub mod server;
pub mod traces;
pub mod waiting;
pub mod world;

use std::str::FromStr;

pub use browser::{Browser, Response};
pub use database::{Database, Kind};
pub use letters::Letter;
pub use page::Page;
pub use server::{Server, Visit};
pub use waiting::{wait_for, wait_until};

/// Runs tests written as `fn name(kind: Kind)` once on each database: `on_sqlite::name` and
/// `on_postgresql::name`.
#[macro_export]
macro_rules! on_both_databases {
    ($($name:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[test] fn $name() { super::$name($crate::Kind::Sqlite); })*
        }
        mod on_postgresql {
            $(#[test] fn $name() { super::$name($crate::Kind::PostgreSql); })*
        }
    };
}

/// The number that whoever starts the tests asks for by this environment variable, or the usual one.
#[must_use]
pub fn asked_for<T: FromStr>(variable: &str, usual: T) -> T {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Runs `future` to its end.
///
/// # Panics
/// When no runtime can be made.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(future)
}
