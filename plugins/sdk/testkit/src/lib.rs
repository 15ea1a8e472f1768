//! Test a tariff plugin.
//!
//! - [`sample`] makes batches: a table, an account, a meter in a line each.
//! - [`answer`] checks charges as the platform does, on the native code, in milliseconds.
//! - [`component`] runs the golden cases against the built component, under the platform's limits.

pub mod answer;
pub mod component;
pub mod sample;

pub use sample::decimal;
