//! Every query of the module.

pub(crate) mod chats;
pub(crate) mod messages;
pub(crate) mod notices;
pub(crate) mod people;
pub(crate) mod state;

use sea_orm::Value;

/// The placeholders `$first` and on, for so many values, with the values themselves.
/// A reading `g` of the meter `m` by which its month needs no other; to be followed by the bound of `g.period`.
const READ: &str = "SELECT 1 FROM reading g WHERE g.tenant_id = $1 AND g.meter_id = m.id AND g.withdrawn_at IS NULL
    AND g.source NOT IN ('installation', 'removal') AND g.period >= ";

fn list<V: Into<Value> + Copy>(first: usize, values: &[V]) -> (String, Vec<Value>) {
    let names: Vec<String> = (0..values.len()).map(|at| format!("${}", first + at)).collect();
    (names.join(", "), values.iter().map(|value| (*value).into()).collect())
}
