//! Plugins, templates and names on receipts that would take the whole machine, one after another: the server's memory does
//! not grow with them, and a resident of another company notices nothing of it.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kabinet_tests::company::package_with;
use kabinet_tests::pdf::Pdf;
use kabinet_tests::server::NOW;
use kabinet_tests::world::{self, Known, Person};
use kabinet_tests::{Browser, Database, Kind, Server, runs};
use serde_json::Value;

use crate::clients::AtEnd;
use guest::Guest;

// Text components of the plugin host's own tests; these here need not all of it.
#[allow(dead_code)]
#[path = "../../../platform/plugin-host/tests/plugins/guest.rs"]
mod guest;

const HOSTILE: &str = "teploset";
const NEIGHBOUR: &str = "beregovoy";
/// How much more the server may hold at any moment, MB: caches fill up, and each of the deeds below asks for gigabytes.
const GROWTH: u64 = 128;

/// What the neighbour looks at.
const PAGES: [&str; 5] = ["/overview", "/services", "/charges", "/charges/difference", "/payments"];

#[test]
fn hostile_plugins_templates_and_names_disturb_nobody() {
    let server = Server::demo(Database::new(Kind::Sqlite), NOW);
    let login = server.facts().company(NEIGHBOUR).resident.clone();
    let mut neighbour = server.browser(NEIGHBOUR);
    neighbour.log_in(&login.email, &login.password);
    // The first look computes the preliminary charge.
    neighbour.page("/overview");
    let usual = PAGES.map(|path| shown(&mut neighbour, path));
    assert!(usual.iter().all(|text| text.contains('₽')), "{usual:?}");
    neighbour.get("/documents/2026-10.pdf").expect(200);
    let before = memory(&server);
    let over = AtomicBool::new(false);
    let watched = std::thread::scope(|scope| {
        let watching = scope.spawn(|| watch(&server, neighbour, &usual, &over));
        let end = AtEnd(&over);
        let mut attack = Attack::of(&server);
        attack.plugins_are_refused();
        attack.plugins_fail_in_the_server();
        attack.templates_are_refused();
        attack.receipts_fail_alone();
        drop(end);
        watching.join().expect("the neighbour was served")
    });
    let Watched { answered, most, slowest: (path, took) } = watched;
    eprintln!("{answered} requests beside it were answered, the slowest, {path}, after {} ms", took.as_millis());
    eprintln!("the server held {before} MB before and {most} MB at most");
    assert!(most <= before + GROWTH, "{before} MB grew to {most} MB");
    assert!(answered > 50, "{answered}");
}

/// What a page says.
fn shown(browser: &mut Browser, path: &str) -> String {
    browser.get(path).expect(200).page().one("main").text()
}

/// What the server holds now, MB.
fn memory(server: &Server) -> u64 {
    let status = format!("/proc/{}/status", server.process_id().expect("a process"));
    let status = std::fs::read_to_string(status).expect("the process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).expect("a number") / 1024
}

/// What came of the neighbour's requests.
struct Watched {
    /// How many were answered, each as it should be.
    answered: u32,
    /// The most that the server held meanwhile, MB.
    most: u64,
    /// The address whose answer took longest, and how long that was.
    slowest: (String, Duration),
}

/// A resident who looks at their pages again and again, and now and then has a receipt printed: every answer is as
/// before.
fn watch(server: &Server, mut browser: Browser, usual: &[String], over: &AtomicBool) -> Watched {
    let months = (1..=9).map(|month| format!("2026-0{month}"));
    let sizes = months.flat_map(|month| [format!("{month}.pdf"), format!("{month}.pdf?size=large")]);
    let mut receipts = sizes.collect::<Vec<_>>().into_iter().cycle();
    let mut watched = Watched { answered: 0, most: memory(server), slowest: (String::new(), Duration::ZERO) };
    for round in 0_u32.. {
        if over.load(Ordering::SeqCst) {
            break;
        }
        for (path, text) in PAGES.iter().zip(usual) {
            let begun = Instant::now();
            assert_eq!(&shown(&mut browser, path), text, "{path}, request {}", watched.answered);
            watched.saw(path, begun);
        }
        if round.is_multiple_of(4) {
            let path = format!("/documents/{}", receipts.next().expect("a receipt"));
            let begun = Instant::now();
            assert!(browser.get(&path).expect(200).body.starts_with(b"%PDF"), "{path}");
            watched.saw(&path, begun);
        }
        watched.most = watched.most.max(memory(server));
        std::thread::sleep(Duration::from_millis(50));
    }
    watched
}

impl Watched {
    fn saw(&mut self, path: &str, begun: Instant) {
        self.answered += 1;
        if begun.elapsed() > self.slowest.1 {
            self.slowest = (path.to_owned(), begun.elapsed());
        }
    }
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

    /// What the samples get through: a template that waits for certain accounts, and accounts whose holders have names
    /// that are no names.
    fn receipts_fail_alone(&mut self) {
        let number = BOMBS.len() + NAMES.len() + 1;
        let flats: Vec<Known> = (0..number).map(|number| world::flat(self.server, HOSTILE, number)).collect();
        let mut people: Vec<Person> = flats.iter().map(|flat| world::holder(self.server, HOSTILE, flat)).collect();
        for ((name, times), flat) in NAMES.iter().zip(&flats[BOMBS.len()..]) {
            self.rename(flat, &name.repeat(*times));
        }
        let mut waiting = String::new();
        for ((bomb, _), flat) in BOMBS.iter().zip(&flats) {
            waiting.push_str(&format!("{{% if payer.account == \"{}\" %}}{bomb}{{% endif %}}\n", flat.account));
        }
        let output = self.apply_template(&waiting);
        assert!(output.status.success(), "{output:?}");
        // The server learns of a package within a second.
        std::thread::sleep(Duration::from_secs(2));
        runs::publish(&mut self.staff, "2026-11");
        let mut spared = people.pop().expect("somebody else").browser;
        let mut named = people.split_off(BOMBS.len());
        for ((bomb, name), person) in BOMBS.iter().zip(&mut people) {
            assert_eq!(person.browser.get("/documents/2026-11.pdf").status, 503, "{name}: {bomb}");
            person.browser.page("/overview");
        }
        for ((name, times), person) in NAMES.iter().zip(&mut named) {
            names_are_text(&mut person.browser, name, *times);
        }
        assert!(spared.get("/documents/2026-11.pdf").expect(200).body.starts_with(b"%PDF"));
        // The company thinks better of it.
        assert!(self.apply(&self.package).status.success());
    }

    fn rename(&self, flat: &Known, name: &str) {
        let sql = "UPDATE holder SET surname = $3 WHERE tenant_id = $1 AND account_id = $2 AND to_on IS NULL";
        let renamed = world::in_company(self.server, HOSTILE, async |tx| {
            tx.execute(sql, vec![flat.id.into(), name.into()]).await.expect("an update")
        });
        assert!(renamed > 0, "{}", flat.account);
    }

    /// Has November calculated to its end, good or bad.
    fn november(&mut self) -> Value {
        let path = runs::begin(&mut self.staff, "2026-11");
        runs::ended(&mut self.staff, &path)
    }
}

fn refused(output: &Output) {
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(!output.stderr.is_empty());
}

/// A receipt with such a name says it letter by letter, or is told in words not to be printed where it is too long.
fn names_are_text(browser: &mut Browser, name: &str, times: usize) {
    let answer = browser.get("/documents/2026-11.pdf");
    if times == 1 {
        let text = Pdf::new(&answer.expect(200).body).text();
        assert!(text.contains(name), "{name}: {text}");
    } else {
        assert!(answer.status == 200 || answer.status == 503, "{name}: {}", answer.status);
    }
    browser.page("/overview");
}

/// Names that would be Typst or template if they were not text, and names without an end: how often each is repeated.
const NAMES: [(&str, usize); 6] = [
    ("#while(true){}", 1),
    ("{{[1]*100000000}}", 1),
    ("#range(100000000)", 1),
    ("](#pagebreak()", 1),
    ("#", 20_000),
    ("Щ", 200_000),
];

/// Templates that loop and grow, each with its name.
const BOMBS: [(&str, &str); 6] = [
    ("#{ while true { } }", "a loop without end"),
    ("#{ let a = range(1000); for i in range(100) { a = a + a }; a.len() }", "a list that doubles"),
    ("{% set x = 'x' * 1000000000000 %}{{ x|length }}", "a text that is made"),
    ("{% for i in [1]*100000000 %}{% endfor %}", "a loop over a list that is made"),
    ("#for i in range(10000000) [#pagebreak() #i]", "pages"),
    ("#table(columns: 3000000, ..range(3000000).map(str))", "a table of a million columns"),
];
