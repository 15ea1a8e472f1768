//! Months as staff have them calculated and published by the API.

use serde_json::{Value, json};

use crate::Browser;
use crate::waiting::wait_for;

/// Where runs are begun.
pub const RUNS: &str = "/api/admin/v1/billing/runs";

/// The path of a run of the month (`2026-11`) that has begun.
///
/// # Panics
/// When it is refused.
#[track_caller]
pub fn begin(staff: &mut Browser, period: &str) -> String {
    let run = staff.call("POST", RUNS, Some(&json!({ "period": period }))).expect(200).json();
    format!("{RUNS}/{}", run["id"].as_str().expect("an id"))
}

/// The run as it is once it has ended, well or not.
#[track_caller]
pub fn ended(staff: &mut Browser, path: &str) -> Value {
    wait_for("the end of the run", || {
        let run = staff.call("GET", path, None).expect(200).json();
        (run["state"] != "running").then_some(run)
    })
}

/// The path of a run that has calculated the month.
///
/// # Panics
/// When it fails.
#[track_caller]
pub fn calculate(staff: &mut Browser, period: &str) -> String {
    let path = begin(staff, period);
    let run = ended(staff, &path);
    assert_eq!(run["state"], "done", "{run}");
    path
}

/// Calculates the month and publishes it.
#[track_caller]
pub fn publish(staff: &mut Browser, period: &str) {
    let path = calculate(staff, period);
    staff.call("POST", &format!("{path}/publish"), None).expect(200);
}
