//! Every query of the module.

pub(crate) mod chats;
pub(crate) mod messages;
pub(crate) mod notices;
pub(crate) mod people;
pub(crate) mod state;

use sea_orm::Value;

/// Meters `m` in service that count: one that is broken counts nothing until another takes its place.
const COUNTING: &str = "m.removed_on IS NULL
   AND NOT EXISTS (SELECT 1 FROM meter_fault f WHERE f.tenant_id = m.tenant_id AND f.meter_id = m.id
                   AND f.kind = 'failed' AND f.ended_on IS NULL)";
/// A reading `g` of the meter `m` by which its month needs no other; to be followed by the bound of `g.period`.
const READ: &str = "SELECT 1 FROM reading g WHERE g.tenant_id = $1 AND g.meter_id = m.id AND g.withdrawn_at IS NULL
    AND g.source NOT IN ('installation', 'removal') AND g.period >= ";

/// The placeholders `$first` and on, for these values, with the values themselves. The last one is repeated up to a
/// power of two: a database plans few different texts then, not one for each number of values.
fn list<V: Into<Value> + Copy>(first: usize, values: &[V]) -> (String, Vec<Value>) {
    let places = if values.is_empty() { 0 } else { values.len().next_power_of_two() };
    let names: Vec<String> = (0..places).map(|at| format!("${}", first + at)).collect();
    let repeated = values.last().into_iter().cycle();
    (names.join(", "), values.iter().chain(repeated).take(places).map(|value| (*value).into()).collect())
}
