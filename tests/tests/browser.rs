//! The browser suite of `tests/browser` against the real binary, once on each database.
//! `tests/browser/run` installs what it needs and runs this.

use std::process::Command;

use kabinet_tests::house::root;
use kabinet_tests::{Kind, Server};

fn browse(kind: Kind) {
    let server = Server::shared(kind);
    let mut node = Command::new("node");
    node.args(["--test", "--test-concurrency=1", "."]).current_dir(root().join("tests/browser"));
    node.env("KABINET_TEST_URL", format!("http://{}", server.listen));
    node.env("KABINET_TEST_DEMO", server.database.dir.join("demo.json"));
    let status = node.status().expect("node");
    assert!(status.success(), "the browser suite on {kind}: {status}\n{}", server.log());
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
