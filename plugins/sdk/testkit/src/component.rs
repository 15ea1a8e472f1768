//! The built component in the platform itself: `kabinet plugin test`.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

/// What `kabinet plugin test` says about the plugin in `project`: each golden case run twice under
/// the limits of production, fuel, memory and size beside their limits.
///
/// `component` is the built file; the program is `$KABINET`, or `kabinet` on the path.
///
/// # Errors
/// The same report where a case does not hold or the plugin is refused, or why the program does not start.
pub fn golden_cases(project: &Path, component: &Path) -> Result<String, String> {
    let program = env::var_os("KABINET").unwrap_or_else(|| OsString::from("kabinet"));
    let run = Command::new(&program).args(["plugin", "test"]).arg(project).arg(component).output();
    let output = run.map_err(|error| {
        format!("{} does not start ({error}); name the program in KABINET", program.to_string_lossy())
    })?;
    let mut report = String::from_utf8_lossy(&output.stdout).into_owned();
    report.push_str(&String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(report) } else { Err(report) }
}
