//! The figures: what was measured, beside its limit and its goal, as a table and as `bench.json`.

use std::path::Path;

use serde::Serialize;

/// One measured value.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    /// Name, stable: outside tests read it.
    pub(crate) name: String,
    /// `sqlite` or `postgresql`; none where no database takes part.
    pub(crate) database: Option<&'static str>,
    /// The value in `unit`.
    pub(crate) value: f64,
    /// The unit; empty for a ratio or a count.
    pub(crate) unit: &'static str,
    /// What this work takes at its cheapest, measured in the same run.
    pub(crate) limit: Option<f64>,
    /// What that work is.
    pub(crate) limit_name: Option<&'static str>,
    /// How many requests, accounts, receipts or repetitions the value is made from.
    pub(crate) samples: u64,
    #[serde(skip)]
    goal: Option<Goal>,
    /// Whether a run that misses the goal fails.
    #[serde(skip)]
    must: bool,
}

/// What the project promises of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
}

impl Goal {
    fn is_met_by(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }
}

impl Figure {
    pub(crate) fn new(
        name: impl Into<String>,
        database: Option<&'static str>,
        value: f64,
        unit: &'static str,
        samples: u64,
    ) -> Self {
        Self {
            name: name.into(),
            database,
            value,
            unit,
            limit: None,
            limit_name: None,
            samples,
            goal: None,
            must: false,
        }
    }

    pub(crate) fn beside(mut self, limit: f64, name: &'static str) -> Self {
        (self.limit, self.limit_name) = (Some(limit), Some(name));
        self
    }

    pub(crate) fn promised(mut self, goal: Goal) -> Self {
        self.goal = Some(goal);
        self
    }

    /// As [`Figure::promised`], and a run that misses it fails.
    pub(crate) fn held_to(self, goal: Goal) -> Self {
        Self { must: true, ..self.promised(goal) }
    }

    /// Whether the project's promise is broken.
    pub(crate) fn is_missed(&self) -> bool {
        self.goal.is_some_and(|goal| !goal.is_met_by(self.value))
    }
}

/// All figures of a run.
#[derive(Debug, Default)]
pub(crate) struct Report {
    figures: Vec<Figure>,
    remarks: Vec<String>,
}

impl Report {
    pub(crate) fn add(&mut self, figure: Figure) {
        eprintln!("  {} {} {}", figure.name, number(figure.value), figure.unit);
        self.figures.push(figure);
    }

    /// Names of the figures that were to be held to their goals and were not.
    pub(crate) fn broken(&self) -> Vec<&str> {
        self.figures.iter().filter(|it| it.must && it.is_missed()).map(|it| it.name.as_str()).collect()
    }

    /// A line for the reader, printed below the table.
    pub(crate) fn remark(&mut self, text: String) {
        eprintln!("  {text}");
        self.remarks.push(text);
    }

    /// The table as text.
    pub(crate) fn table(&self) -> String {
        let head = ["figure", "database", "value", "unit", "limit", "goal", "", "limit is"].map(str::to_owned);
        let rows: Vec<[String; 8]> = std::iter::once(head).chain(self.figures.iter().map(cells)).collect();
        let widths: [usize; 8] =
            std::array::from_fn(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or_default());
        let mut text = String::new();
        for row in rows {
            let padded = row.iter().enumerate().map(|(at, cell)| match at {
                2 | 4 => format!("{cell:>width$}", width = widths[at]),
                _ => format!("{cell:<width$}", width = widths[at]),
            });
            let line: Vec<String> = padded.collect();
            text.push_str(line.join("  ").trim_end());
            text.push('\n');
        }
        for remark in &self.remarks {
            text.push_str(&format!("{remark}\n"));
        }
        text
    }

    /// Writes `bench.json`, whole or not at all.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let draft = path.with_extension("json.new");
        std::fs::write(&draft, serde_json::to_vec_pretty(&self.figures)?)?;
        Ok(std::fs::rename(draft, path)?)
    }
}

fn cells(figure: &Figure) -> [String; 8] {
    let goal = match figure.goal {
        Some(Goal::AtMost(most)) => format!("≤ {}", number(most)),
        Some(Goal::AtLeast(least)) => format!("≥ {}", number(least)),
        None => String::new(),
    };
    let verdict = match figure.goal {
        Some(_) if figure.is_missed() => "MISSED",
        Some(_) => "met",
        None => "",
    };
    [
        figure.name.clone(),
        figure.database.unwrap_or("-").to_owned(),
        number(figure.value),
        figure.unit.to_owned(),
        figure.limit.map_or_else(|| "-".to_owned(), number),
        goal,
        verdict.to_owned(),
        figure.limit_name.unwrap_or_default().to_owned(),
    ]
}

/// Three significant digits, whole from a hundred up.
fn number(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// The middle value of an odd number of values; the lower middle of an even one.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_missed_on_its_wrong_side_only() {
        let figure = |value, goal| Figure::new("x", None, value, "", 1).promised(goal);
        assert!(figure(3.1, Goal::AtMost(3.0)).is_missed());
        assert!(!figure(3.0, Goal::AtMost(3.0)).is_missed());
        assert!(figure(0.2, Goal::AtLeast(0.3)).is_missed());
        assert!(!Figure::new("x", None, 9.0, "", 1).is_missed());
    }

    #[test]
    fn a_run_fails_by_what_it_is_held_to_and_not_by_what_is_hoped_for() {
        let figure = |name: &str, value| Figure::new(name, None, value, "", 1);
        let mut report = Report::default();
        report.add(figure("hoped for", 9.0).promised(Goal::AtMost(1.0)));
        report.add(figure("held and met", 1.0).held_to(Goal::AtMost(1.0)));
        assert!(report.broken().is_empty());
        report.add(figure("held", 9.0).held_to(Goal::AtMost(1.0)));
        assert_eq!(report.broken(), ["held"]);
    }

    #[test]
    fn the_file_has_the_keys_that_outside_tests_read() {
        let figure = Figure::new("start_ms", Some("sqlite"), 1.5, "ms", 5).promised(Goal::AtMost(500.0));
        let json = serde_json::to_string(&figure).expect("json");
        assert_eq!(
            json,
            r#"{"name":"start_ms","database":"sqlite","value":1.5,"unit":"ms","limit":null,"limit_name":null,"samples":5}"#
        );
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&mut [5.0, 1.0, 3.0]), 3.0);
        assert_eq!(median(&mut [4.0, 1.0]), 1.0);
    }
}
