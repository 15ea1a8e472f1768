//! What the author of a tariff plugin does at the command line: begin one, test it, read what is wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use kabinet_tests::author::FixedFee;
use kabinet_tests::house::root;
use kabinet_tests::process::new_folder;
use kabinet_tests::server::binary;

/// `kabinet plugin …` in a folder.
fn plugin(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.arg("plugin").args(arguments).current_dir(folder);
    command.output().expect("the program starts")
}

/// Standard output of a command that must succeed.
fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// The one line on standard error of a command that must fail.
fn refused(output: &Output) -> String {
    let line = String::from_utf8(output.stderr.clone()).expect("text");
    assert!(!output.status.success(), "{output:?}");
    assert!(line.starts_with("kabinet: ") && line.trim_end().lines().count() == 1, "{line}");
    line
}

fn standard_component() -> PathBuf {
    let component = binary().parent().expect("a folder").join("plugins/standard.wasm");
    assert!(component.is_file(), "{}: run `make build` first", component.display());
    component
}

/// A plugin's folder: the standard plugin's component as `standard.wasm`, its `plugin.toml` with a
/// text replaced, and one case of its own.
fn standard_with(there: &str, instead: &str) -> PathBuf {
    let example = root().join("plugins/examples/standard");
    let folder = new_folder("plugin");
    let manifest = fs::read_to_string(example.join("plugin.toml")).expect("plugin.toml");
    assert!(manifest.contains(there), "{there}");
    fs::write(folder.join("plugin.toml"), manifest.replace(there, instead)).expect("written");
    fs::create_dir(folder.join("cases")).expect("a folder");
    let case = "cases/cold-water-meter.json";
    fs::copy(example.join(case), folder.join(case)).expect("copied");
    fs::copy(standard_component(), folder.join("standard.wasm")).expect("copied");
    folder
}

/// The number after `at most` in the line that begins with `what`, and the rest of the line.
fn most<'a>(report: &'a str, what: &str) -> (u64, &'a str) {
    let line = report.lines().find(|line| line.starts_with(what)).unwrap_or_else(|| panic!("no {what}: {report}"));
    let (_, rest) = line.split_once("at most ").expect("a most");
    let (number, rest) = rest.split_once(' ').expect("a number");
    (number.parse().expect("a number"), rest)
}

#[test]
fn the_examples_pass_all_their_cases_within_the_limits_of_production() {
    for name in ["standard", "heat"] {
        let folder = root().join("plugins/examples").join(name);
        let component = standard_component().with_file_name(format!("{name}.wasm"));
        let (folder, component) = (folder.to_str().expect("a path"), component.to_str().expect("a path"));
        let report = said(&plugin(&root(), &["test", folder, component]));
        let cases = fs::read_dir(Path::new(folder).join("cases")).expect("the cases").count();
        assert!(cases > 5 && report.contains(&format!("\n{cases} of {cases} cases hold\n")), "{report}");
        assert_eq!(report.lines().filter(|line| line.starts_with("ok ")).count(), cases);
        let (fuel, of) = most(&report, "fuel");
        assert!(fuel > 1_000 && fuel < 20_000_000 && of.starts_with("of 20000000 ("), "{report}");
        let (memory, of) = most(&report, "memory");
        // At least the guest's own stack, in whole pages.
        assert!(memory >= 131_072 && memory % 65_536 == 0 && of.starts_with("of 16777216 bytes ("), "{report}");
        let bytes = fs::metadata(component).expect("the component").len();
        assert!(report.contains(&format!("component  {bytes} of 2097152 bytes, compiled ")), "{report}");
    }
}

#[test]
fn a_limit_that_a_plugin_lowers_for_itself_holds() {
    let enough = standard_with("memory_mib = 16", "memory_mib = 1\nfuel_per_line = 1000");
    let report = said(&plugin(&enough, &["test", "."]));
    assert!(most(&report, "fuel").1.starts_with("of 200000 ("), "{report}");
    assert!(most(&report, "memory").1.starts_with("of 1048576 bytes ("), "{report}");
    let scarce = standard_with("memory_mib = 16", "fuel_per_line = 10");
    let output = plugin(&scarce, &["test", "."]);
    assert!(refused(&output).contains("1 of 1 cases do not hold"), "{output:?}");
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    let wanted = "FAILED  cold-water-meter\n        the plugin was stopped: too many instructions\n";
    assert!(report.contains(wanted), "{report}");
}

#[test]
fn a_limit_above_production_is_refused_by_name() {
    let folder = standard_with("memory_mib = 16", "memory_mib = 17\nfuel_per_line = 100001");
    let line = refused(&plugin(&folder, &["test", "."]));
    assert!(line.contains("limits.memory_mib: 17 is above the limit of production, 16"), "{line}");
    assert!(line.contains("limits.fuel_per_line: 100001 is above the limit of production, 100000"), "{line}");
}

#[test]
fn another_component_than_the_declared_one_fails() {
    for (there, instead, words) in [
        ("id = \"standard\"", "id = \"heat\"", "id: plugin.toml says «heat», the component «standard»"),
        ("version = \"1.2.0\"", "version = \"1.2.1\"", "version: plugin.toml says «1.2.1», the component «1.2.0»"),
        ("api = \"1.0.0\"", "api = \"1.1.0\"", "api: plugin.toml says «1.1.0», the component «1.0.0»"),
    ] {
        let folder = standard_with(there, instead);
        let line = refused(&plugin(&folder, &["test", ".", "standard.wasm"]));
        assert!(line.contains(words), "{line}");
    }
    // Without a name it is the file that has the id's name.
    let line = refused(&plugin(&standard_with("id = \"standard\"", "id = \"heat\""), &["test", "."]));
    assert!(line.contains("heat.wasm"), "{line}");
}

#[test]
fn a_plugin_without_a_case_is_not_tested() {
    let folder = standard_with("", "");
    fs::remove_file(folder.join("cases/cold-water-meter.json")).expect("removed");
    fs::write(folder.join("cases/notes.txt"), "not a case").expect("written");
    assert!(refused(&plugin(&folder, &["test", "."])).contains("no case"));
    fs::remove_dir_all(folder.join("cases")).expect("removed");
    assert!(refused(&plugin(&folder, &["test", "."])).contains("cases"));
}

#[test]
fn a_case_that_does_not_hold_names_each_difference() {
    let folder = standard_with("", "");
    let file = folder.join("cases/cold-water-meter.json");
    let case = fs::read_to_string(&file).expect("a case");
    fs::write(folder.join("cases/wrong.json"), case.replace("15824", "15825")).expect("written");
    fs::write(folder.join("cases/broken.json"), case.replace("\"residents\"", "\"inhabitants\"")).expect("written");
    let output = plugin(&folder, &["test", "."]);
    assert!(refused(&output).contains("2 of 3 cases do not hold"), "{output:?}");
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(report.contains("ok      cold-water-meter\n"), "{report}");
    let wrong = "FAILED  wrong\n        account 1, cold-water: amount is 15824, expected 15825\n";
    assert!(report.contains(wrong), "{report}");
    assert!(report.contains("FAILED  broken\n        not a case: unknown field `inhabitants`"), "{report}");
    assert!(report.contains("1 of 3 cases hold"), "{report}");
    let report = said(&plugin(&folder, &["run", "standard.wasm", "cases/cold-water-meter.json"]));
    assert!(report.contains("\nfuel ") && report.contains(" of 16777216 bytes\n"), "{report}");
}

/// A folder that looks like the repository to whoever searches for `plugins/`.
fn repository() -> PathBuf {
    let repository = new_folder("repository");
    for file in ["sdk/Cargo.toml", "wit/tariff-1.0/tariff.wit", "build"] {
        let file = repository.join("plugins").join(file);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, "").expect("written");
    }
    repository
}

/// Texts of all files in a folder.
fn texts(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(texts(&path));
        } else {
            let text = fs::read_to_string(&path).expect("text");
            found.push((path, text));
        }
    }
    found
}

#[test]
fn a_new_plugin_is_the_template_with_its_name() {
    let sdk = fs::canonicalize(root().join("plugins")).expect("plugins/");
    let sdk = sdk.to_str().expect("a path");
    for (language, files, source) in [("rust", 6, "src/lib.rs"), ("typescript", 15, "src/tariff.ts")] {
        let here = new_folder("authors");
        let words = said(&plugin(&here, &["new", "door-2", "--language", language, "--sdk", sdk]));
        assert!(words.contains(source) && words.ends_with("next: cd door-2 && ./build test\n"), "{words}");
        let folder = here.join("door-2");
        let written = texts(&folder);
        assert_eq!(written.len(), files, "{written:?}");
        for (path, text) in &written {
            assert!(!text.contains("{{") && !text.contains("\"../.."), "{}: {text}", path.display());
        }
        let read = |file: &str| fs::read_to_string(folder.join(file)).expect("a file");
        assert!(read(".gitignore").contains("/door-2.wasm\n"));
        assert!(read("build").contains(&format!("KABINET_PLUGINS:-{sdk}}}")), "{}", read("build"));
        assert_ne!(fs::metadata(folder.join("build")).expect("build").permissions().mode() & 0o100, 0);
        // Its plugin.toml is one: only the component is missing, then it is another's.
        assert!(refused(&plugin(&here, &["test", "door-2"])).contains("door-2/door-2.wasm: No such file"));
        fs::copy(standard_component(), folder.join("door-2.wasm")).expect("copied");
        let line = refused(&plugin(&here, &["test", "door-2"]));
        assert!(line.contains("id: plugin.toml says «door-2», the component «standard»"), "{line}");
    }
}

#[test]
fn the_template_in_rust_builds_with_one_command_and_holds_its_case() {
    let FixedFee { folder, report } = FixedFee::built();
    assert!(report.contains("\n1 of 1 cases hold\n"), "{report}");
    let words = said(&plugin(folder, &["check", "fixed-fee.wasm"]));
    assert!(words.contains("rules      fixed"), "{words}");
}

#[test]
fn a_new_plugin_finds_the_repository_it_is_made_in() {
    let repository = repository();
    for (folder, sdk) in [("plugins/own", "../../sdk"), ("plugins", "../sdk"), ("a/b", "../../../plugins/sdk")] {
        let here = repository.join(folder);
        fs::create_dir_all(&here).expect("a folder");
        said(&plugin(&here, &["new", "intercom"]));
        let cargo = fs::read_to_string(here.join("intercom/Cargo.toml")).expect("Cargo.toml");
        assert!(cargo.contains(&format!("path = \"{sdk}\"")), "{folder}: {cargo}");
        assert!(cargo.contains(&format!("path = \"{sdk}/testkit\"")), "{folder}: {cargo}");
        assert!(here.join("intercom").join(sdk).join("Cargo.toml").is_file());
    }
}

#[test]
fn what_cannot_become_a_plugin_is_refused_and_nothing_is_made() {
    let here = new_folder("authors");
    let line = refused(&plugin(&here, &["new", "intercom"]));
    assert!(line.contains("plugins/") && line.contains("--sdk PATH"), "{line}");
    let line = refused(&plugin(&here, &["new", "intercom", "--sdk", "."]));
    assert!(line.contains("no folder plugins/"), "{line}");
    let sdk = root();
    let sdk = sdk.to_str().expect("a path");
    for name in ["Intercom", "2door", "../intercom", "a_b", "домофон", ""] {
        let line = refused(&plugin(&here, &["new", name, "--sdk", sdk]));
        assert!(line.contains("lower-case letters"), "{line}");
    }
    assert_eq!(fs::read_dir(&here).expect("the folder").count(), 0);
    fs::create_dir(here.join("intercom")).expect("a folder");
    let line = refused(&plugin(&here, &["new", "intercom", "--sdk", sdk]));
    assert!(line.contains("intercom") && line.contains("exists"), "{line}");
    assert_eq!(fs::read_dir(here.join("intercom")).expect("the folder").count(), 0);
}
