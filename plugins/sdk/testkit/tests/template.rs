//! The Rust template compiles and passes its own tests, before anybody copies it.

#[path = "../../../templates/rust/src/lib.rs"]
mod template;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use kabinet_tariff_sdk::Tariff;

#[test]
fn both_templates_have_one_name_to_fill_in_and_the_same_case() {
    assert_eq!(template::Plugin::ID, "{{name}}");
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../templates");
    let read = |file: &str| fs::read_to_string(templates.join(file)).expect(file);
    assert_eq!(read("rust/cases/part-month.json"), read("typescript/cases/part-month.json"));
    let rust = ["rust/Cargo.toml", "rust/plugin.toml", "rust/build"];
    let typescript = ["asconfig.json", "build", "package-lock.json", "package.json", "plugin.toml", "src/tariff.ts"];
    let typescript = typescript.map(|file| format!("typescript/{file}"));
    for file in rust.into_iter().chain(typescript.iter().map(String::as_str)) {
        let text = read(file);
        let names: BTreeSet<&str> =
            text.split("{{").skip(1).filter_map(|rest| Some(rest.split_once("}}")?.0)).collect();
        assert_eq!(names, BTreeSet::from(["name"]), "{file}");
    }
}
