//! What a person sent: texts as typed, by meter and zone.

use std::collections::BTreeMap;

use kabinet_contracts::MeterId;
use kabinet_core::{Day, Timestamp};

use crate::volume::MOST_ZONES;

/// Readings as a person typed them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Submission {
    /// The date they were taken: `22.11.2026` or `2026-11-22`.
    pub date: String,
    /// What was typed for each meter.
    pub rows: BTreeMap<MeterId, Row>,
    /// The day on which they were typed, where that is not the day on which they came: they are judged by it.
    pub typed_on: Option<Day>,
    /// The moment at which a browser took them down, where they came later.
    pub captured_at: Option<Timestamp>,
}

/// What was typed for one meter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// New values by zone («Новое показание»); empty where nothing was typed.
    pub values: [String; MOST_ZONES],
    /// Volumes by zone («Объем изменения»); empty where nothing was typed.
    pub deltas: [String; MOST_ZONES],
    /// A doubtful value is meant.
    pub confirmed: bool,
}

impl Row {
    /// Whether anything was typed: an empty row is skipped.
    #[must_use]
    pub fn is_filled(&self) -> bool {
        self.values.iter().chain(&self.deltas).any(|text| !text.is_empty())
    }
}

impl Submission {
    /// What the fields `date` and `meter_<id>_value…`, `_delta…`, `_confirm` of a form hold.
    #[must_use]
    pub fn from_form(fields: &BTreeMap<String, String>) -> Self {
        let date = fields.get("date").map(|text| text.trim().to_owned()).unwrap_or_default();
        let mut submission = Self { date, ..Self::default() };
        for (name, text) in fields {
            let text = text.trim();
            let field = name.strip_prefix("meter_").and_then(|rest| rest.split_once('_'));
            if text.is_empty() {
                continue;
            }
            if let Some((Ok(id), field)) = field.map(|(id, field)| (id.parse(), field)) {
                submission.rows.entry(id).or_default().set(field, text);
            }
        }
        submission
    }
}

impl Row {
    fn set(&mut self, field: &str, text: &str) {
        let (kind, zone) = field.split_once('_').unwrap_or((field, "t1"));
        let index = match zone {
            "t1" => 0,
            "t2" => 1,
            "t3" => 2,
            _ => return,
        };
        match kind {
            "value" => text.clone_into(&mut self.values[index]),
            "delta" => text.clone_into(&mut self.deltas[index]),
            "confirm" => self.confirmed = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_find_their_meter_and_zone() {
        let id = "0193a1c0-0000-7000-8000-000000000103";
        let fields = [
            ("date".to_owned(), " 22.11.2026 ".to_owned()),
            (format!("meter_{id}_value_t2"), "4865".to_owned()),
            (format!("meter_{id}_delta"), "12,5".to_owned()),
            (format!("meter_{id}_confirm"), "on".to_owned()),
            ("meter_x_value".to_owned(), "1".to_owned()),
            ("csrf".to_owned(), "token".to_owned()),
        ];
        let submission = Submission::from_form(&fields.into());
        assert_eq!(submission.date, "22.11.2026");
        assert_eq!(submission.rows.len(), 1);
        let row = submission.rows.values().next().cloned().unwrap_or_default();
        assert_eq!(row.values, ["", "4865", ""]);
        assert_eq!(row.deltas, ["12,5", "", ""]);
        assert!(row.confirmed && row.is_filled());
    }

    #[test]
    fn an_empty_row_is_no_row() {
        let id = "0193a1c0-0000-7000-8000-000000000103";
        let fields = [(format!("meter_{id}_value"), "  ".to_owned())];
        assert!(Submission::from_form(&fields.into()).rows.is_empty());
    }
}
