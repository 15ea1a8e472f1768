//! Every query of the module.

pub(crate) mod chats;
pub(crate) mod messages;
pub(crate) mod notices;
pub(crate) mod people;
pub(crate) mod state;

use sea_orm::Value;

/// The placeholders `$first` and on, for so many values, with the values themselves.
fn list<V: Into<Value> + Copy>(first: usize, values: &[V]) -> (String, Vec<Value>) {
    let names: Vec<String> = (0..values.len()).map(|at| format!("${}", first + at)).collect();
    (names.join(", "), values.iter().map(|value| (*value).into()).collect())
}
