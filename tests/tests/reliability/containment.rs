//! Plugins and templates that would take the whole machine, one after another: the server's memory does not grow with
//! them, and a resident of another company notices nothing of it.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kabinet_tests::company::package_with;
use kabinet_tests::server::NOW;
use kabinet_tests::world::{self, Person};
use kabinet_tests::{Browser, Database, Kind, Server};
use serde_json::{Value, json};

use guest::Guest;

// Text components of the plugin host's own tests; these here need not all of it.
#[allow(dead_code)]
#[path = "../../../platform/plugin-host/tests/plugins/guest.rs"]
mod guest;

const HOSTILE: &str = "teploset";
const NEIGHBOUR: &str = "beregovoy";
/// How much more the server may hold at any moment, MB: caches fill up, and each of the deeds below asks for gigabytes.
const GROWTH: u64 = 128;

#[test]
fn hostile_plugins_and_templates_disturb_nobody() {
    let server = Server::demo(Database::new(Kind::Sqlite), NOW);
    let login = server.facts().company(NEIGHBOUR).resident.clone();
    let mut neighbour = server.browser(NEIGHBOUR);
    neighbour.log_in(&login.email, &login.password);
    let usual = owed(&mut neighbour);
    neighbour.get("/documents/2026-10.pdf").expect(200);
    let before = memory(&server);
    let over = AtomicBool::new(false);
    let (requests, most) = std::thread::scope(|scope| {
        let watching = scope.spawn(|| watch(&server, neighbour, &usual, &over));
        let end = AtEnd(&over);
        let mut attack = Attack::of(&server);
        attack.plugins_are_refused();
        attack.plugins_fail_in_the_server();
        attack.templates_are_refused();
        attack.templates_fail_in_the_server();
        drop(end);
        watching.join().expect("the neighbour was served")
    });
    eprintln!("{requests} requests beside it; the server held {before} MB before and {most} MB at most");
    assert!(most <= before + GROWTH, "{before} MB grew to {most} MB");
    assert!(requests > 50, "{requests}");
}

/// Ends the neighbour's requests, whatever else ends.
struct AtEnd<'a>(&'a AtomicBool);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Every figure of the overview, kopecks.
fn owed(browser: &mut Browser) -> Vec<i64> {
    let figures = browser.page("/overview").figures();
    assert!(figures.len() > 5, "{figures:?}");
    figures
}

/// What the server holds now, MB.
fn memory(server: &Server) -> u64 {
    let status = format!("/proc/{}/status", server.process_id().expect("a process"));
    let status = std::fs::read_to_string(status).expect("the process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).expect("a number") / 1024
}

/// A resident who looks at what is owed again and again, and now and then has a receipt printed: how often, and the
/// most that the server held meanwhile.
fn watch(server: &Server, mut browser: Browser, usual: &[i64], over: &AtomicBool) -> (u32, u64) {
    let months = (1..=9).map(|month| format!("2026-0{month}"));
    let sizes = months.flat_map(|month| [format!("{month}.pdf"), format!("{month}.pdf?size=large")]);
    let mut receipts = sizes.collect::<Vec<_>>().into_iter().cycle();
    let (mut requests, mut most) = (0, memory(server));
    while !over.load(Ordering::SeqCst) {
        assert_eq!(owed(&mut browser), usual, "request {requests}");
        if requests % 20 == 0 {
            let path = format!("/documents/{}", receipts.next().expect("a receipt"));
            assert!(browser.get(&path).expect(200).body.starts_with(b"%PDF"), "{path}");
        }
        requests += 1;
        most = most.max(memory(server));
        std::thread::sleep(Duration::from_millis(50));
    }
    (requests, most)
}

/// A company that means harm.
struct Attack<'a> {
    server: &'a Server,
    staff: Browser,
    package: PathBuf,
}

impl<'a> Attack<'a> {
    fn of(server: &'a Server) -> Self {
        Self { server, staff: server.staff(HOSTILE), package: package_with(HOSTILE, "") }
    }

    fn apply(&self, package: &Path) -> Output {
        self.server.command().args(["tenant", "apply"]).arg(package).output().expect("kabinet")
    }

    /// The company's package with a plugin of its own.
    fn apply_plugin(&self, component: &[u8]) -> Output {
        let package = package_with(HOSTILE, "");
        let file = package.join("tenant.toml");
        let text = std::fs::read_to_string(&file).expect("the package");
        std::fs::write(&file, text.replace("use = \"heat\"", "use = \"own.wasm\"")).expect("a write");
        let manifest = "id = \"evil\"\nversion = \"1\"\napi = \"1.0.0\"\ntitle = \"Проба\"\n";
        std::fs::write(package.join("plugin.toml"), manifest).expect("a write");
        std::fs::write(package.join("own.wasm"), component).expect("a write");
        self.apply(&package)
    }

    /// The company's package with this in front of its receipt template.
    fn apply_template(&self, hostile: &str) -> Output {
        let package = package_with(HOSTILE, "");
        let file = package.join("templates/receipt.typ");
        let text = std::fs::read_to_string(&file).expect("the template");
        std::fs::write(&file, format!("{hostile}\n{text}")).expect("a write");
        self.apply(&package)
    }

    /// Small to send and much work to compile, or never ready.
    fn plugins_are_refused(&self) {
        let sum = format!("(func (result i32) (i32.const 1) {})", "(i32.const 77777) (i32.add)".repeat(300));
        let branches: String = (0..199).map(|level| format!("(br_if {level} (local.get 0))")).collect();
        let nest = format!("(func (param i32) {}{branches}{})", "(block ".repeat(199), ")".repeat(199));
        for items in [
            sum.repeat(990),
            nest.repeat(900),
            "(func $begin (loop $again (br $again))) (start $begin)".to_owned(),
            "(table 1001 funcref)".to_owned(),
        ] {
            refused(&self.apply_plugin(&Guest::with(items).component()));
        }
        let huge = vec![0; 3 << 20];
        refused(&self.apply_plugin(&huge));
    }

    /// What passes its check and turns out in a billing run of the server.
    fn plugins_fail_in_the_server(&mut self) {
        let deep = "(func $deep (param i64) (result i64)
            (i64.add (local.get 0) (call $deep (i64.add (local.get 0) (i64.const 1)))))";
        let grow = "(loop $again (drop (table.grow $t (ref.null func) (i32.const 100))) (br $again)) i32.const 64";
        let deeds = [
            ("", "(loop $again (br $again)) i32.const 64", 2),
            ("", "(loop $again (drop (memory.grow (i32.const 16))) (br $again)) i32.const 64", 2),
            (
                "",
                "(loop $again (memory.fill (i32.const 65536) (i32.const 1) (i32.const 12000000)) (br $again)) i32.const 64",
                200,
            ),
            (deep, "(drop (call $deep (i64.const 0))) i32.const 64", 2),
            ("(table $t 1 funcref)", grow, 2),
        ];
        for (items, calculate, pages) in deeds {
            let plugin = Guest {
                calculate: calculate.to_owned(),
                items: items.to_owned(),
                pages,
                rules: &["heating", "metered", "heat_in_water"],
                ..Guest::default()
            };
            let output = self.apply_plugin(&plugin.component());
            assert!(output.status.success(), "{calculate}: {output:?}");
            let run = self.november();
            assert_eq!(run["state"], "failed", "{calculate}: {run}");
        }
    }

    /// What no sample gets through.
    fn templates_are_refused(&self) {
        for (hostile, _) in BOMBS.iter().take(3) {
            refused(&self.apply_template(hostile));
        }
    }

    /// What the samples get through: a template that waits for certain accounts.
    fn templates_fail_in_the_server(&mut self) {
        let flats: Vec<_> = (0..=BOMBS.len()).map(|number| world::flat(self.server, HOSTILE, number)).collect();
        let mut waiting = String::new();
        for ((bomb, _), flat) in BOMBS.iter().zip(&flats) {
            waiting.push_str(&format!("{{% if payer.account == \"{}\" %}}{bomb}{{% endif %}}\n", flat.account));
        }
        let output = self.apply_template(&waiting);
        assert!(output.status.success(), "{output:?}");
        // The server learns of a package within a second.
        std::thread::sleep(Duration::from_secs(2));
        let run = self.november();
        assert_eq!(run["state"], "done", "{run}");
        let path = format!("/api/admin/v1/billing/runs/{}/publish", run["id"].as_str().expect("an id"));
        self.staff.call("POST", &path, None).expect(200);
        let mut people: Vec<Person> = flats.iter().map(|flat| world::holder(self.server, HOSTILE, flat)).collect();
        let spared = people.pop().expect("somebody else");
        for ((bomb, name), person) in BOMBS.iter().zip(&mut people) {
            assert_eq!(person.browser.get("/documents/2026-11.pdf").status, 500, "{name}: {bomb}");
            person.browser.page("/overview");
        }
        let mut spared = spared.browser;
        assert!(spared.get("/documents/2026-11.pdf").expect(200).body.starts_with(b"%PDF"));
        // The company thinks better of it.
        assert!(self.apply(&self.package).status.success());
    }

    /// Has November calculated to its end.
    fn november(&mut self) -> Value {
        let asked = json!({ "period": "2026-11" });
        let run = self.staff.call("POST", "/api/admin/v1/billing/runs", Some(&asked)).expect(200).json();
        let path = format!("/api/admin/v1/billing/runs/{}", run["id"].as_str().expect("an id"));
        let begun = Instant::now();
        loop {
            let run = self.staff.call("GET", &path, None).expect(200).json();
            if run["state"] != "running" {
                return run;
            }
            assert!(begun.elapsed() < Duration::from_secs(120), "{run}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn refused(output: &Output) {
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(!output.stderr.is_empty());
}

/// Templates that loop and grow, each with its name.
const BOMBS: [(&str, &str); 6] = [
    ("#{ while true { } }", "a loop without end"),
    ("#{ let a = range(1000); for i in range(100) { a = a + a }; a.len() }", "a list that doubles"),
    ("{% set x = 'x' * 1000000000000 %}{{ x|length }}", "a text that is made"),
    ("{% for i in [1]*100000000 %}{% endfor %}", "a loop over a list that is made"),
    ("#for i in range(10000000) [#pagebreak() #i]", "pages"),
    ("#table(columns: 3000000, ..range(3000000).map(str))", "a table of a million columns"),
];
