//! The browser suite of `tests/browser` against the real binary, once on each database.
//! `tests/browser/run` installs what it needs and runs this.

use std::path::Path;
use std::process::Command;

use kabinet_tests::house::root;
use kabinet_tests::world::in_company;
use kabinet_tests::{Kind, Server};
use serde_json::json;

/// What pages look like does not depend on the database: it is asked on one of them, so that both take as long.
const LOOKS: [(&str, Kind); 2] = [("vision.test.mjs", Kind::PostgreSql), ("budget.test.mjs", Kind::Sqlite)];

/// Gives the companies a bot: those of the demo have none, since no messenger knows them, and the pages around a bot
/// are looked at all the same.
fn give_bots(server: &Server) {
    for company in &server.facts().companies {
        in_company(server, &company.slug, async |tx| {
            let mut settings = tx.tenant().settings.get("notifications").cloned().unwrap_or_else(|| json!({}));
            settings["max"] = json!({ "name": "kabinet_bot" });
            tx.set_settings("notifications", &settings).await.expect("the settings");
        });
    }
}

fn browse(kind: Kind) {
    let server = Server::shared(kind);
    give_bots(server);
    let folder = root().join("tests/browser");
    let mut node = Command::new("node");
    node.args(["--test", "--test-concurrency=1"]).args(suites(&folder, kind)).current_dir(folder);
    node.env("KABINET_TEST_URL", format!("http://{}", server.listen));
    node.env("KABINET_TEST_DEMO", server.database.dir.join("demo.json"));
    node.env("KABINET_TEST_BOT", "MAX");
    node.env("KABINET_TEST_HALF", if kind == Kind::Sqlite { "0" } else { "1" });
    let status = node.status().expect("node");
    assert!(status.success(), "the browser suite on {kind}: {status}\n{}", server.log());
}

fn suites(folder: &Path, kind: Kind) -> Vec<String> {
    let files = std::fs::read_dir(folder).expect("the suite");
    let names = files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned());
    let wanted = |name: &String| LOOKS.iter().all(|(looks, on)| name != looks || *on == kind);
    let mut suites: Vec<String> = names.filter(|name| name.ends_with(".test.mjs")).filter(wanted).collect();
    assert!(LOOKS.len() < suites.len(), "{suites:?}");
    suites.sort();
    suites
}

#[test]
#[ignore = "needs the npm packages: run tests/browser/run"]
fn a_browser_on_sqlite() {
    browse(Kind::Sqlite);
}

#[test]
#[ignore = "needs the npm packages: run tests/browser/run"]
fn a_browser_on_postgresql() {
    browse(Kind::PostgreSql);
}
