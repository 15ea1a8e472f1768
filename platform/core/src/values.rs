//! Values that look the same in Rust, SQLite and PostgreSQL: all are integers in the database.

mod date;
mod money;
mod quantity;

pub use date::{Day, Period, Timestamp};
pub use money::{Money, round_half_up};
pub use quantity::Quantity;

/// A text that is not the value it should be; `Display` says what was expected, in Russian, for the
/// person who typed it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ValueError(pub &'static str);
