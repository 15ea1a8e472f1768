//! Golden cases: a batch with the charges worked out by hand, as one JSON document.
//!
//! ```json
//! { "comment": "4 × 39.56 = 158.24", "batch": { … },
//!   "expect": [ { "index": 1, "lines": [ { "service": "cold-water", "amount": 15824 } ] } ] }
//! ```
//! A line names its service by code; every other field is compared where it is given.
//! `"refused": "text"` in place of `expect` wants an error whose message holds the text.

use rust_decimal::Decimal;
use serde::Deserialize;

use crate::api::{AccountCharges, Batch, Line, Method, Reason};
use crate::error::PluginError;
use crate::host::{TariffPlugin, Usage};
use crate::words;

/// How a case came out.
#[derive(Clone, Debug)]
pub struct CaseReport {
    /// The case's comment: the arithmetic by hand.
    pub comment: String,
    /// What differs from what was expected, one sentence each; empty when the case holds.
    pub differences: Vec<String>,
    /// What the plugin charged; empty where it refused.
    pub charges: Vec<AccountCharges>,
    /// Fuel and memory used, where there was a result.
    pub usage: Option<Usage>,
}

impl CaseReport {
    /// Whether the plugin did what the case expects.
    pub fn passed(&self) -> bool {
        self.differences.is_empty()
    }
}

/// Why a case could not be run at all.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// The document is not a case; the message names line and column.
    #[error("not a case: {0}")]
    Malformed(#[from] serde_json::Error),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    comment: String,
    batch: Batch,
    #[serde(default)]
    expect: Vec<ExpectedAccount>,
    #[serde(default)]
    refused: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedAccount {
    index: u32,
    lines: Vec<ExpectedLine>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedLine {
    service: String,
    /// Kopecks.
    amount: i64,
    /// Kopecks; 0 where not given, so that no excess goes unnoticed.
    #[serde(default)]
    excess: i64,
    /// Kopecks of all recalculations; 0 where not given.
    #[serde(default)]
    recalculated: i64,
    #[serde(default, with = "rust_decimal::serde::str_option")]
    volume: Option<Decimal>,
    #[serde(default)]
    method: Option<Method>,
    #[serde(default)]
    reason: Option<Reason>,
    /// The formula in words, ordinary spaces.
    #[serde(default)]
    formula: Option<String>,
}

/// What the plugin makes of a case; it runs twice, and both runs must agree to the last byte.
pub fn run_case(plugin: &TariffPlugin, json: &str) -> Result<CaseReport, CaseError> {
    let case: Case = serde_json::from_str(json)?;
    let (first, second) = (plugin.measure(&case.batch), plugin.measure(&case.batch));
    let mut differences = Vec::new();
    if first != second {
        differences.push("two runs of the same input differ".to_owned());
    }
    let (charges, usage) = match first {
        Ok((charges, usage)) => {
            match &case.refused {
                Some(reason) => differences.push(format!("charged, but a refusal with «{reason}» was expected")),
                None => compare(&case, &charges, &mut differences),
            }
            (charges, Some(usage))
        }
        Err(error) => {
            refusal(&case, &error, &mut differences);
            (Vec::new(), None)
        }
    };
    Ok(CaseReport { comment: case.comment, differences, charges, usage })
}

fn refusal(case: &Case, error: &PluginError, differences: &mut Vec<String>) {
    let message = error.to_string();
    match &case.refused {
        Some(reason) if message.contains(reason.as_str()) => {}
        Some(reason) => differences.push(format!("refused with «{message}», expected «{reason}»")),
        None => differences.push(message),
    }
}

fn compare(case: &Case, charges: &[AccountCharges], differences: &mut Vec<String>) {
    if case.expect.len() != charges.len() {
        differences.push(format!("{} accounts charged, {} expected", charges.len(), case.expect.len()));
    }
    for (expected, got) in case.expect.iter().zip(charges) {
        if expected.index != got.index {
            differences.push(format!("account {} charged, {} expected", got.index, expected.index));
        }
        if expected.lines.len() != got.lines.len() {
            let (lines, wanted) = (got.lines.len(), expected.lines.len());
            differences.push(format!("account {}: {lines} lines, {wanted} expected", got.index));
        }
        for (expected, line) in expected.lines.iter().zip(&got.lines) {
            let place = format!("account {}, {}", got.index, expected.service);
            let code = case.batch.tables.get(usize::from(line.service)).map_or("", |table| table.code.as_str());
            let mut differ = |what: &str, got: String, wanted: String| {
                if got != wanted {
                    differences.push(format!("{place}: {what} is {got}, expected {wanted}"));
                }
            };
            differ("service", code.to_owned(), expected.service.clone());
            compare_line(expected, line, &mut differ);
        }
    }
}

fn compare_line(expected: &ExpectedLine, line: &Line, differ: &mut impl FnMut(&str, String, String)) {
    differ("amount", line.amount.to_string(), expected.amount.to_string());
    differ("excess", line.excess.to_string(), expected.excess.to_string());
    let recalculated: i64 = line.recalculations.iter().map(|r| r.amount).sum();
    differ("recalculated", recalculated.to_string(), expected.recalculated.to_string());
    if let Some(volume) = expected.volume {
        differ("volume", line.volume.normalize().to_string(), volume.normalize().to_string());
    }
    if let Some(method) = expected.method {
        differ("method", format!("{:?}", line.method), format!("{method:?}"));
    }
    if let Some(reason) = expected.reason {
        differ("reason", format!("{:?}", line.reason), format!("{:?}", Some(reason)));
    }
    if let Some(formula) = &expected.formula {
        differ("formula", words::formula(&line.trace).replace('\u{a0}', " "), formula.clone());
    }
}
