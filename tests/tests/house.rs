//! The house rules: which crate may use which, how long things are, that every template renders.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use kabinet_tests::house::{crates, packages, root, shown, sources};
use minijinja::value::Value;

/// The crates of this workspace that each crate uses: the arrows of ARCHITECTURE.md. A module uses what every module
/// does, and what is named here; an optional one is used by none.
fn used_by(name: &str) -> Option<Vec<&'static str>> {
    let module = |own: &[&'static str]| [&["kabinet-contracts", "kabinet-core", "kabinet-web"][..], own].concat();
    let found = match name {
        "kabinet-core" | "kabinet-sandbox" | "kabinet-outward" | "kabinet-migrations" => Vec::new(),
        "kabinet-contracts" | "kabinet-files" => vec!["kabinet-core"],
        "kabinet-render" => vec!["kabinet-sandbox"],
        // The standard plugin's source, behind a feature, for the measurement beside native code.
        "kabinet-plugin-host" => vec!["kabinet-sandbox", "kabinet-tariff-sdk", "kabinet-tariff-standard"],
        "kabinet-web" => vec!["kabinet-core", "kabinet-render"],
        "kabinet-residents" => module(&["kabinet-outward"]),
        "kabinet-accounts" => module(&["kabinet-residents"]),
        "kabinet-meters" => module(&["kabinet-accounts", "kabinet-files", "kabinet-render"]),
        "kabinet-billing" => module(&["kabinet-accounts", "kabinet-meters", "kabinet-plugin-host", "kabinet-render"]),
        "kabinet-requests" => module(&["kabinet-accounts", "kabinet-files", "kabinet-residents"]),
        "kabinet-notifications" => module(&[
            "kabinet-accounts",
            "kabinet-billing",
            "kabinet-meters",
            "kabinet-outward",
            "kabinet-render",
            "kabinet-residents",
        ]),
        "kabinet-paperless" => module(&["kabinet-accounts", "kabinet-billing", "kabinet-render", "kabinet-residents"]),
        _ => return None,
    };
    Some(found)
}

/// What puts everything together may use everything.
const ABOVE_ALL: [&str; 2] = ["kabinet-server", "kabinet-tests"];

/// Which crates alone may use a library.
const KEPT: [(&str, &[&str]); 20] = [
    (
        "poem",
        &[
            "kabinet-web",
            "kabinet-server",
            "kabinet-residents",
            "kabinet-accounts",
            "kabinet-meters",
            "kabinet-billing",
            "kabinet-requests",
            "kabinet-notifications",
            "kabinet-paperless",
            "kabinet-tests",
        ],
    ),
    (
        "poem-openapi",
        &[
            "kabinet-web",
            "kabinet-residents",
            "kabinet-accounts",
            "kabinet-meters",
            "kabinet-billing",
            "kabinet-requests",
            "kabinet-notifications",
            "kabinet-paperless",
            "kabinet-tests",
        ],
    ),
    ("pulldown-cmark", &["kabinet-notifications"]),
    ("object_store", &["kabinet-files"]),
    ("reqwest", &["kabinet-files"]),
    ("hyper", &["kabinet-outward"]),
    ("hyper-util", &["kabinet-outward"]),
    ("imagesize", &["kabinet-files"]),
    ("wasmtime", &["kabinet-plugin-host"]),
    ("wasmparser", &["kabinet-plugin-host"]),
    ("casbin", &["kabinet-core"]),
    ("typst", &["kabinet-render"]),
    ("typst-layout", &["kabinet-render"]),
    ("typst-pdf", &["kabinet-render"]),
    ("comemo", &["kabinet-render"]),
    ("lettre", &["kabinet-server"]),
    ("mail-parser", &["kabinet-server"]),
    ("qrcode", &["kabinet-render"]),
    ("rust_xlsxwriter", &["kabinet-render"]),
    ("argon2", &["kabinet-residents"]),
];

#[test]
fn crates_use_only_what_lies_below_them() {
    let crates = crates();
    let is_ours = |used: &&str| used.starts_with("kabinet-");
    for (name, one) in crates.iter().filter(|(name, _)| !ABOVE_ALL.contains(&name.as_str())) {
        let known = used_by(name).unwrap_or_else(|| panic!("{name} has no place in the house: name it in this test"));
        let used: BTreeSet<&str> = one.dependencies.iter().map(String::as_str).filter(is_ours).collect();
        assert_eq!(used, BTreeSet::from_iter(known), "what {name} uses, and what it is said to use here");
    }
    assert!(crates.contains_key("kabinet-server") && crates.len() >= 12, "{:?}", crates.keys());
}

#[test]
fn libraries_stay_where_they_belong() {
    for (name, one) in crates() {
        for (library, owners) in KEPT {
            assert!(
                !one.dependencies.contains(library) || owners.contains(&name.as_str()),
                "{name} must not use {library}: only its owners in KEPT may"
            );
        }
    }
}

#[test]
fn nothing_is_built_twice_because_tests_want_other_features() {
    let (built, tested) = (packages(false), packages(true));
    let other: Vec<&String> = built.difference(&tested).collect();
    assert!(built.len() > 100 && other.is_empty(), "name what they need in tests/Cargo.toml: {other:?}");
}

#[test]
fn the_proof_names_every_crate_it_builds() {
    let proof = std::fs::read_to_string(root().join(".ci/proof.toml")).expect("how the proof builds");
    for name in crates().keys().filter(|name| name.starts_with("kabinet-")) {
        assert!(
            proof.contains(&format!("\n{name} = {{ opt-level")),
            ".ci/proof.toml would build {name} as a library: add `{name} = {{ opt-level = 0 }}`"
        );
    }
}

#[test]
fn examples_are_tests_and_no_comments() {
    for file in sources(&["platform", "modules", "migrations", "tests/src"], &[".rs"]) {
        let text = std::fs::read_to_string(&file).expect("a source");
        let comments =
            text.lines().map(str::trim_start).filter_map(|line| line.strip_prefix("///").or(line.strip_prefix("//!")));
        // An opened block without a language is one that `cargo test --doc` would run; `make test` runs no such.
        let opened = comments.map(str::trim).filter(|line| line.starts_with("```")).step_by(2);
        let run = opened.filter(|line| line.trim_start_matches('`').is_empty() || line.contains("rust"));
        assert_eq!(run.count(), 0, "{}: an example that nobody runs", shown(&file));
    }
}

#[test]
fn a_module_names_poem_in_its_pages_and_api_only() {
    for file in sources(&["modules"], &[".rs"]) {
        let text = std::fs::read_to_string(&file).expect("a source");
        let name = shown(&file);
        let surface = ["/pages", "/api", "src/lib.rs", "src/error.rs"].iter().any(|part| name.contains(part));
        let names_poem = text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains("poem"));
        assert!(surface || !names_poem, "{name} names poem");
    }
}

#[test]
fn migrations_import_no_entities() {
    for file in sources(&["migrations/src"], &[".rs"]) {
        let text = std::fs::read_to_string(&file).expect("a source");
        assert!(!text.contains("entity::") && !text.contains("kabinet_core"), "{}", shown(&file));
    }
}

#[test]
fn every_room_of_the_house_is_there() {
    let rooms = [
        "platform/core",
        "platform/render",
        "platform/plugin-host",
        "platform/sandbox",
        "platform/files",
        "platform/outward",
        "platform/web",
        "platform/server",
        "modules/contracts",
        "modules/residents",
        "modules/accounts",
        "modules/meters",
        "modules/billing",
        "modules/requests",
        "modules/notifications",
        "modules/paperless",
        "tenants/beregovoy/tenant.toml",
        "tenants/teploset/tenant.toml",
        "plugins/wit",
        "plugins/sdk",
        "plugins/examples",
        "migrations",
        "tests/browser",
        "modules/README.md",
    ];
    for room in rooms {
        assert!(root().join(room).exists(), "{room}");
    }
    for module in ["residents", "accounts", "meters", "billing", "requests", "notifications", "paperless"] {
        for part in ["src/lib.rs", "src/error.rs", &format!("templates/{module}")] {
            assert!(root().join("modules").join(module).join(part).exists(), "modules/{module}/{part}");
        }
    }
}

const CODE: [&str; 6] = ["platform", "modules", "migrations", "plugins", "tests/src", "tests/tests"];

#[test]
fn no_file_is_longer_than_five_hundred_lines() {
    let long: Vec<String> = sources(&CODE, &[".rs"])
        .iter()
        .filter_map(|file| {
            let lines = std::fs::read_to_string(file).expect("a source").lines().count();
            (lines > 500).then(|| format!("{}: {lines}", shown(file)))
        })
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn no_function_is_longer_than_sixty_lines() {
    let mut long = Vec::new();
    for file in sources(&CODE, &[".rs"]) {
        let text = std::fs::read_to_string(&file).expect("a source");
        for (name, lines) in functions(&text) {
            if lines > 60 {
                long.push(format!("{} {name}: {lines}", shown(&file)));
            }
        }
    }
    assert!(long.is_empty(), "{long:#?}");
}

/// The functions of a formatted source with their lines of code: from `fn` to the brace at the same indent.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let Some(at) = code.find("fn ") else { continue };
        let before = &code[..at];
        let begins = before
            .split_whitespace()
            .all(|word| ["pub", "pub(crate)", "pub(super)", "async", "const", "unsafe"].contains(&word));
        if !begins {
            continue;
        }
        let indent = &line[..line.len() - code.len()];
        let end = lines[start..].iter().position(|line| *line == format!("{indent}}}"));
        let name: String = code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let body =
            lines[start..].iter().position(|line| line.ends_with('{') || line.ends_with(';') || line.ends_with('}'));
        let opens = body.is_some_and(|at| lines[start + at].ends_with('{'));
        if let (Some(end), true) = (end, opens) {
            let counts = |line: &&&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
            found.push((name, lines[start..=start + end].iter().filter(counts).count()));
        }
    }
    found
}

#[test]
fn the_scan_of_functions_sees_them() {
    let text = "impl A {\n    pub fn a(\n        b: u8,\n    ) -> u8 {\n        b\n    }\n}\nfn c() {}\npub(crate) async fn d() {\n}\n";
    assert_eq!(functions(text), [("a".to_owned(), 5), ("d".to_owned(), 2)]);
}

/// What stands above a handler of pages and above one of the API.
const HANDLERS: [(&str, &str); 2] = [("pages", "#[handler]"), ("the API", "#[oai(path = ")];

#[test]
fn half_of_all_handlers_are_read_at_a_glance() {
    let files = sources(&["platform", "modules"], &[".rs"]);
    let texts: Vec<String> = files.iter().map(|file| std::fs::read_to_string(file).expect("a source")).collect();
    for (surface, attribute) in HANDLERS {
        let mut lengths: Vec<usize> = texts.iter().flat_map(|text| lengths_of(text, attribute)).collect();
        lengths.sort_unstable();
        assert!(lengths.len() > 100, "hardly any handler of {surface} was found: {lengths:?}");
        let (median, longest) = (lengths[lengths.len() / 2], lengths[lengths.len() - 1]);
        eprintln!("{} handlers of {surface}: {median} lines (the median), at most {longest}", lengths.len());
        assert!(median <= 20, "half of the handlers of {surface} have {median} lines and more");
    }
}

/// The lines of code of each function that `attribute` stands above, whether it is written in one line or in many.
fn lengths_of(text: &str, attribute: &str) -> Vec<usize> {
    let text = text.replace("#[oai(\n        path = ", "#[oai(path = ");
    let begins = |(_, line): &(usize, &str)| line.trim_start().starts_with(attribute);
    let lines: Vec<&str> = text.lines().collect();
    let marked = lines.iter().copied().enumerate().filter(begins);
    marked.filter_map(|(at, _)| functions(&lines[at..].join("\n")).first().map(|(_, length)| *length)).collect()
}

#[test]
fn the_scan_of_handlers_sees_them() {
    let text = "#[handler]\nfn a() {\n    b();\n}\nfn c() {\n    d();\n    e();\n}\nimpl F {\n    /// G.\n    \
                #[oai(\n        path = \"/h\",\n        method = \"put\"\n    )]\n    async fn h(&self) {\n    }\n}\n";
    assert_eq!(HANDLERS.map(|(_, attribute)| lengths_of(text, attribute)), [vec![3], vec![2]]);
}

/// The pages' templates by the names under which they extend and import each other.
fn templates() -> BTreeMap<String, String> {
    let files = sources(&["platform/web/templates", "platform/render/templates", "modules"], &[".html", ".txt"]);
    let files = files.into_iter().filter(|file| shown(file).contains("templates/"));
    let name = |file: &Path| {
        let shown = shown(file);
        shown.split_once("templates/").map(|(_, name)| name.to_owned()).expect("inside templates/")
    };
    files.map(|file| (name(&file), std::fs::read_to_string(file).expect("a template"))).collect()
}

#[test]
fn every_template_renders_from_each_of_its_samples() {
    let environment = kabinet_render::page_environment(templates()).expect("templates");
    let mut rendered = 0;
    for file in sources(&["platform/web/templates", "modules"], &[".sample.json"]) {
        let name = shown(&file).split_once("templates/").expect("inside templates/").1.replace(".sample.json", ".html");
        let samples: Vec<serde_json::Value> = serde_json::from_str(&std::fs::read_to_string(&file).expect("samples"))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!samples.is_empty(), "{name} has no sample");
        for sample in samples {
            let context = Value::from(minijinja::value::Serde(&sample["context"]));
            let outcome = environment.get_template(&name).and_then(|template| template.render(context));
            let html = outcome.unwrap_or_else(|error| panic!("{name}, {}: {error:#}", sample["name"]));
            assert!(html.contains("</html>") && !html.contains("undefined"), "{name}, {}", sample["name"]);
            // A letter has a plain part beside it.
            if let Ok(text) = environment.get_template(&name.replace(".html", ".txt")) {
                let context = Value::from(minijinja::value::Serde(&sample["context"]));
                let text = text.render(context).unwrap_or_else(|error| panic!("{name} as text: {error:#}"));
                assert!(!text.trim().is_empty() && !text.contains("undefined"), "{name} as text");
            }
            rendered += 1;
        }
    }
    assert!(rendered >= 20, "{rendered} samples");
    // A page without a sample would not be rendered here.
    let frames = ["layout.html", "macros.html", "mail.html", "mail_macros.html"];
    for name in templates().keys().filter(|name| name.ends_with(".html") && !frames.contains(&name.as_str())) {
        let sample = sources(
            &["platform/web/templates", "modules"],
            &[&format!("{}.sample.json", name.rsplit('/').next().unwrap_or(name).trim_end_matches(".html"))],
        );
        assert!(!sample.is_empty(), "{name} has no samples");
    }
}

#[test]
fn names_from_outside_are_escaped_in_every_template() {
    let environment = kabinet_render::page_environment(templates()).expect("templates");
    let hostile = "<script>alert(1)</script>\"'";
    for file in sources(&["platform/web/templates", "modules"], &[".sample.json"]) {
        let name = shown(&file).split_once("templates/").expect("inside templates/").1.replace(".sample.json", ".html");
        let samples: Vec<serde_json::Value> =
            serde_json::from_str(&std::fs::read_to_string(&file).expect("samples")).expect("JSON");
        for mut sample in samples {
            poison(&mut sample["context"], hostile);
            let context = Value::from(minijinja::value::Serde(&sample["context"]));
            let html = environment.get_template(&name).and_then(|template| template.render(context));
            let html = html.unwrap_or_else(|error| panic!("{name}: {error:#}"));
            assert!(!html.contains("<script>alert"), "{name}, {}", sample["name"]);
        }
    }
}

/// Puts hostile text behind every text that is no address and no choice of the template's own.
fn poison(value: &mut serde_json::Value, hostile: &str) {
    match value {
        serde_json::Value::String(text) => text.push_str(hostile),
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| poison(item, hostile)),
        serde_json::Value::Object(fields) => fields.values_mut().for_each(|field| poison(field, hostile)),
        _ => {}
    }
}
