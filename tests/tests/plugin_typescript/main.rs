//! The template of a tariff plugin in TypeScript: built as its author builds it, and run in the platform.

mod arithmetic;
mod values;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use kabinet_tests::house::root;
use kabinet_tests::process::new_folder;
use kabinet_tests::server::binary;
use serde_json::Value;

/// `plugin new`, then the command that it names: the compiler is fetched once.
static TEMPLATE: LazyLock<(PathBuf, String)> = LazyLock::new(|| {
    let here = new_folder("authors");
    let sdk = root().join("plugins");
    let mut new = Command::new(binary());
    new.args(["plugin", "new", "door", "--language", "typescript", "--sdk"]).arg(sdk).current_dir(&here);
    assert!(new.status().expect("the program starts").success());
    let folder = here.join("door");
    let report = build(&folder, &["test"]);
    (folder, report)
});

/// The template with another rule in place of its own, compiled; without its case.
static ECHO: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = new_folder("authors").join("door");
    // Links: the compiler is large.
    let copied = Command::new("cp").arg("-al").arg(&TEMPLATE.0).arg(&folder).status();
    assert!(copied.expect("cp starts").success());
    for file in ["src/tariff.ts", "cases/part-month.json", "target/door.wasm", "door.wasm"] {
        fs::remove_file(folder.join(file)).expect("removed");
    }
    fs::write(folder.join("src/tariff.ts"), include_str!("echo.ts").replace("{{name}}", "door")).expect("written");
    build(&folder, &[]);
    folder
});

/// What the plugin's `build` says.
fn build(folder: &Path, arguments: &[&str]) -> String {
    let mut build = Command::new(folder.join("build"));
    let output = build.args(arguments).env("KABINET", binary()).output().expect("build starts");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// What the platform says to these cases of a plugin; all of them must hold.
fn cases_hold(project: &Path, cases: &[Value]) -> String {
    let folder = new_folder("cases");
    fs::create_dir(folder.join("cases")).expect("a folder");
    fs::copy(project.join("plugin.toml"), folder.join("plugin.toml")).expect("copied");
    for (number, case) in cases.iter().enumerate() {
        fs::write(folder.join(format!("cases/{number}.json")), case.to_string()).expect("written");
    }
    let mut test = Command::new(binary());
    let output = test.args(["plugin", "test"]).arg(&folder).arg(project.join("door.wasm")).output();
    let output = output.expect("the program starts");
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{report}{}", String::from_utf8_lossy(&output.stderr));
    assert!(report.contains(&format!("{0} of {0} cases hold", cases.len())), "{report}");
    report
}

#[test]
fn it_builds_with_one_command_and_holds_within_the_limits_of_production() {
    let (folder, report) = &*TEMPLATE;
    assert!(report.contains("\n1 of 1 cases hold\n"), "{report}");
    let bytes = fs::metadata(folder.join("door.wasm")).expect("the component").len();
    assert!(bytes < 50_000, "{bytes} bytes");
    assert!(report.contains(&format!("component  {bytes} of 2097152 bytes")), "{report}");
    let check = Command::new(binary()).args(["plugin", "check", "door.wasm"]).current_dir(folder).output();
    let check = check.expect("the program starts");
    let words = String::from_utf8_lossy(&check.stdout);
    assert!(check.status.success() && words.contains("rules      fixed"), "{check:?}");
}

/// A closed network has a registry of its own: the lock file must not send anybody to another one.
#[test]
fn its_lock_file_names_no_registry() {
    let lock = fs::read_to_string(root().join("plugins/templates/typescript/package-lock.json")).expect("a lock file");
    assert!(lock.contains("\"integrity\"") && !lock.contains("\"resolved\""), "{lock}");
    assert_eq!(lock.matches("https://").count(), lock.matches("\"url\": \"https://").count(), "{lock}");
}
