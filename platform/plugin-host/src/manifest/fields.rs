//! Fields of a TOML table, read one by one; each mistake is kept with the path of its field.

use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as ValueError;
use toml::{Table, Value};

use crate::api::Unit;
use crate::limits;

/// Most places of a decimal of the contract that comes from outside.
const PLACES: u32 = 9;

/// Why a number is none of the contract.
pub(super) fn misfit(number: Decimal) -> Option<&'static str> {
    if number.scale() > PLACES {
        return Some("has more than 9 places");
    }
    i64::try_from(number.mantissa()).is_err().then_some("has too many digits")
}

/// A table of which fields are taken until none should be left.
pub(super) struct Fields<'a> {
    path: &'a str,
    table: Table,
    mistakes: &'a mut Vec<String>,
}

impl<'a> Fields<'a> {
    /// The fields of the table at `path`, which is empty for the document itself.
    pub(super) fn new(path: &'a str, table: Table, mistakes: &'a mut Vec<String>) -> Fields<'a> {
        Fields { path, table, mistakes }
    }

    /// A text that must be there; empty after a mistake.
    pub(super) fn text(&mut self, field: &str) -> String {
        let Some(value) = self.must(field) else { return String::new() };
        let Value::String(text) = value else {
            self.mistake(field, "a text is wanted");
            return String::new();
        };
        if text.trim().is_empty() {
            self.mistake(field, "is empty");
        } else if text.len() > limits::TEXT || text.chars().any(char::is_control) {
            self.mistake(field, &format!("has more than one line, or more than {} bytes", limits::TEXT));
        }
        text
    }

    /// A number of the contract, written as text, that must be there.
    pub(super) fn decimal(&mut self, field: &str) -> Option<Decimal> {
        let value = self.must(field)?;
        let number = value.as_str().and_then(|text| Decimal::from_str_exact(text).ok());
        let Some(number) = number else {
            self.mistake(field, "a decimal number as text is wanted, such as \"0.5\"");
            return None;
        };
        if let Some(misfit) = misfit(number) {
            self.mistake(field, misfit);
            return None;
        }
        Some(number)
    }

    /// A unit of the contract that must be there.
    pub(super) fn unit(&mut self, field: &str) -> Option<Unit> {
        let text = self.text(field);
        if text.is_empty() {
            return None;
        }
        let unit: Result<Unit, ValueError> = Unit::deserialize(text.as_str().into_deserializer());
        unit.map_err(|error| self.mistake(field, &error.to_string())).ok()
    }

    /// A limit that may be left out, from 1 to that of production.
    pub(super) fn limit<T: TryFrom<i64> + PartialOrd + From<u8> + std::fmt::Display>(
        &mut self,
        field: &str,
        most: T,
    ) -> Option<T> {
        let value = self.table.remove(field)?;
        let number = value.as_integer().and_then(|number| T::try_from(number).ok());
        match number.filter(|number| *number >= T::from(1)) {
            Some(number) if number <= most => Some(number),
            Some(number) => {
                self.mistake(field, &format!("{number} is above the limit of production, {most}"));
                None
            }
            None => {
                self.mistake(field, &format!("a whole number from 1 is wanted, at most {most}"));
                None
            }
        }
    }

    /// A table that may be left out.
    pub(super) fn table(&mut self, field: &str) -> Table {
        match self.table.remove(field) {
            None => Table::new(),
            Some(Value::Table(table)) => table,
            Some(_) => {
                self.mistake(field, "a table is wanted");
                Table::new()
            }
        }
    }

    /// The named tables inside a table that may be left out, in the order of their names.
    pub(super) fn tables(&mut self, field: &str) -> Vec<(String, Table)> {
        let mut named = Vec::new();
        for (name, value) in self.table(field) {
            match value {
                Value::Table(table) => named.push((name, table)),
                _ => self.mistake(&format!("{field}.{name}"), "a table is wanted"),
            }
        }
        // Whether TOML keeps the order of the text is a feature that another crate may turn on.
        named.sort_by(|(one, _), (other, _)| one.cmp(other));
        named
    }

    /// Notes every field that nobody took.
    pub(super) fn end(self) {
        for field in self.table.keys() {
            self.mistakes.push(format!("{}: is not known", at(self.path, field)));
        }
    }

    fn must(&mut self, field: &str) -> Option<Value> {
        let value = self.table.remove(field);
        if value.is_none() {
            self.mistake(field, "is missing");
        }
        value
    }

    fn mistake(&mut self, field: &str, what: &str) {
        self.mistakes.push(format!("{}: {what}", at(self.path, field)));
    }
}

fn at(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}
