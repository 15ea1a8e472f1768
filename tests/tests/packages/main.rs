//! What `kabinet tenant apply` makes of a company's package beside what is billed already and what staff changed: a
//! plugin of its own with its `plugin.toml`, services, receipt kinds and due days by month; and what staff load by the
//! API in its place.

// Text components of the plugin host's own tests; these here need not all of it.
#[allow(dead_code)]
#[path = "../../../platform/plugin-host/tests/plugins/guest.rs"]
mod guest;

mod catalog;
mod plugin;
mod staff;
mod unprinted;

use std::path::{Path, PathBuf};
use std::process::Output;

use kabinet_tests::Server;
use kabinet_tests::house::root;
use kabinet_tests::server::command;

/// When November and December can be billed.
const LATER: &str = "2026-12-05";

/// What `kabinet tenant apply` says of a package that it takes.
#[track_caller]
fn taken(server: &Server, package: &Path) -> String {
    let output = applied(server, package);
    assert!(output.status.success(), "{}", said(&output));
    said(&output)
}

/// What it says of one that it refuses; the one in the repository is in force as before.
#[track_caller]
fn refused(server: &Server, package: &Path, slug: &str) -> String {
    let output = applied(server, package);
    assert!(!output.status.success(), "{}", said(&output));
    assert!(taken(server, &usual(slug)).contains("ничего не изменилось"), "nothing of it was taken");
    said(&output)
}

fn applied(server: &Server, package: &Path) -> Output {
    server.command().args(["tenant", "apply"]).arg(package).output().expect("kabinet")
}

/// The package in the repository.
fn usual(slug: &str) -> PathBuf {
    root().join("tenants").join(slug)
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// `kabinet bill` on a day when the month is over.
fn bill(server: &Server, slug: &str, month: &str) -> Output {
    command(&server.database, LATER).args(["bill", slug, month]).output().expect("kabinet bill")
}

/// Replaces a text of the package's `tenant.toml` behind another one.
fn change(package: &Path, behind: &str, find: &str, put: &str) {
    let file = package.join("tenant.toml");
    let text = std::fs::read_to_string(&file).expect("the package");
    let (before, after) = text.split_once(behind).unwrap_or_else(|| panic!("no {behind}"));
    assert!(after.contains(find), "no {find} behind {behind}");
    std::fs::write(&file, format!("{before}{behind}{}", after.replacen(find, put, 1))).expect("a write");
}

/// The place of a line in the package's `tenant.toml`, as problems name it.
fn place(package: &Path, behind: &str, line: &str) -> String {
    let text = std::fs::read_to_string(package.join("tenant.toml")).expect("the package");
    let first = text.lines().position(|there| there == behind).unwrap_or_else(|| panic!("no line {behind}"));
    let further = text.lines().skip(first).position(|there| there == line).unwrap_or_else(|| panic!("no line {line}"));
    format!("tenant.toml:{}: ", first + further + 1)
}
