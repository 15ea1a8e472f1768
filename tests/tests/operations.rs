//! Running it: starts and crashes, a database that goes away, staff, packages, the command line.

// Text components of the plugin host's own tests; these here need not all of it.
#[allow(dead_code)]
#[path = "../../platform/plugin-host/tests/plugins/guest.rs"]
mod guest;

use std::io::Read;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use kabinet_core::Actor;
use kabinet_residents::{password, people};
use kabinet_tests::company::package_with;
use kabinet_tests::house::root;
use kabinet_tests::postgres::Cluster;
use kabinet_tests::process::new_folder;
use kabinet_tests::server::{NOW, binary};
use kabinet_tests::{Browser, Database, Kind, Server, block_on, on_both_databases, runs, wait_for, wait_until};
use sea_orm::{ConnectionTrait, DatabaseBackend, Statement};
use serde_json::{Value, json};

use guest::Guest;

on_both_databases![
    health_is_told_on_the_management_address,
    hashing_workers_and_jobs_give_way_to_pages,
    a_character_that_no_database_keeps_is_refused_at_the_door,
    a_killed_server_has_what_it_acknowledged,
    staff_calculate_and_publish_a_month,
    only_roles_with_the_permission_may_bill,
    a_package_is_applied_once_and_a_wrong_one_changes_nothing,
    a_plugin_or_template_that_cannot_work_is_named_by_file_line_and_field,
    a_plugin_that_misbehaves_ends_its_run_and_the_old_figures_stand,
    the_demo_is_brought_up_to_date_without_touching_its_visitors,
    a_demo_started_again_on_its_old_date_goes_on_where_it_was_left,
];

fn health_is_told_on_the_management_address(kind: Kind) {
    let server = Server::shared(kind);
    assert_eq!(server.health("/healthz").expect("an answer").0, 200);
    assert_eq!(server.health("/readyz").expect("an answer").0, 200);
    let (status, text) = server.health("/metrics").expect("an answer");
    assert!(status == 200 && text.contains("kabinet_statements_total"), "{text}");
    // The portal's address tells nothing of it.
    server.browser("beregovoy").get("/metrics").expect(404);
}

/// How much the threads of a process whose names begin so give way (`nice`), one number a thread.
fn given_way(process: u32, name: &str) -> Vec<i32> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).expect("threads");
    let of = |line: String| -> Option<i32> {
        let (named, numbers) = line.rsplit_once(") ")?;
        named.split_once('(').filter(|(_, named)| named.starts_with(name))?;
        numbers.split_whitespace().nth(16)?.parse().ok()
    };
    threads.filter_map(|thread| of(std::fs::read_to_string(thread.ok()?.path().join("stat")).ok()?)).collect()
}

fn hashing_workers_and_jobs_give_way_to_pages(kind: Kind) {
    let server = Server::shared(kind);
    let process = server.process_id().expect("a process");
    let answering = given_way(process, "tokio-r");
    let usual = *answering.first().expect("threads that answer");
    assert!(answering.iter().all(|nice| *nice == usual), "{answering:?}");
    assert_eq!(given_way(process, "passwords"), [usual + 10, usual + 10]);
    if server.database.postgres.is_some() {
        let connections = block_on(async {
            let sql = "SELECT pid FROM pg_stat_activity
                       WHERE datname = current_database() AND application_name = 'kabinet jobs'";
            let db = server.database.open().await;
            let statement = Statement::from_string(DatabaseBackend::Postgres, sql);
            db.platform().query_all_raw(statement).await.expect("connections").len()
        });
        assert!(connections > 0, "jobs have connections of their own");
    }
    let mut worker = Command::new(binary());
    let mut worker = worker.arg("worker").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("a worker");
    wait_until("a worker that gives way", || given_way(worker.id(), "kabinet") == [usual + 5]);
    worker.kill().and_then(|()| worker.wait()).expect("its end");
}

fn a_character_that_no_database_keeps_is_refused_at_the_door(kind: Kind) {
    let mut browser = Server::shared(kind).browser("beregovoy");
    let login = json!({ "email": "a\u{0}b@c.example", "password": "none" });
    browser.call("POST", "/api/admin/v1/session", Some(&login)).expect(400);
    browser.get("/activate?token=a%00b").expect(400);
    browser.try_log_in("a\u{0}b@c.example", "none").expect(422);
}

/// The chosen account's first meter with one zone: its identifier and last value, scaled by 10^7.
fn dial(browser: &mut Browser) -> (String, i64) {
    let answer = browser.call("GET", "/api/v1/meters", None).expect(200).json();
    let meters = answer["meters"].as_array().expect("meters");
    let meter = meters.iter().find(|meter| meter["zones"] == 1 && meter["active"] == true).expect("a meter");
    (meter["id"].as_str().expect("an id").to_owned(), meter["last_values"][0].as_i64().expect("a value"))
}

fn send(browser: &mut Browser, meter: &str, delta: &str) {
    let body = json!({ "readings": [{ "meter": meter, "deltas": [delta] }] });
    browser.call("POST", "/api/v1/meters/readings", Some(&body)).expect(200);
}

fn a_killed_server_has_what_it_acknowledged(kind: Kind) {
    let mut server = Server::demo(Database::new(kind), NOW);
    let login = server.facts().company("beregovoy").resident.clone();
    for round in 0..3 {
        // Time goes on between the starts, as it does where no demo stands it still.
        let mut browser = server.browser("beregovoy");
        browser.log_in(&login.email, &login.password);
        let (meter, before) = dial(&mut browser);
        send(&mut browser, &meter, "0.5");
        let preliminary = browser.page("/overview").figure("preliminary");
        server.kill();
        server.start_at(&format!("2026-11-22T1{round}:00:00+00:00"));
        // The same session, the same figures: nothing that was answered is lost.
        assert_eq!(dial(&mut browser).1, before + 5_000_000, "round {round}");
        assert_eq!(browser.page("/overview").figure("preliminary"), preliminary, "round {round}");
    }
}

fn log_staff_in(server: &Server, slug: &str, email: &str, password: &str) -> Browser {
    let mut browser = server.browser(slug);
    let login = json!({ "email": email, "password": password });
    let answer = browser.call("POST", "/api/admin/v1/session", Some(&login)).expect(204);
    assert!(
        answer
            .header("set-cookie")
            .is_some_and(|cookie| cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"))
    );
    browser
}

fn listed_runs(browser: &mut Browser) -> Vec<Value> {
    let answer = browser.call("GET", "/api/admin/v1/billing/runs?limit=100", None).expect(200).json();
    answer["items"].as_array().expect("items").clone()
}

fn staff_calculate_and_publish_a_month(kind: Kind) {
    // The month is over: the demo's clock stands in November when it starts, and is moved on.
    let server = Server::demo(Database::new(kind), NOW);
    let admin = &server.facts().company("beregovoy").admin;
    let mut wrong = server.browser("beregovoy");
    let refused = wrong.call("POST", "/api/admin/v1/session", Some(&json!({ "email": admin.email, "password": "x" })));
    assert_eq!(refused.expect(422).json()["code"], "residents.wrong_credentials");
    let mut browser = log_staff_in(&server, "beregovoy", &admin.email, &admin.password);
    let before = listed_runs(&mut browser);
    assert!(before.len() >= 14 && before.iter().all(|run| run["state"] == "published"), "{before:?}");
    let path = runs::begin(&mut browser, "2026-11");
    let mut visit = server.resident("beregovoy");
    let old = visit.page("/overview").figure("to_pay");
    let done = runs::ended(&mut browser, &path);
    assert_eq!(done["state"], "done", "{done}");
    assert_eq!(done["done"], done["total"]);
    assert_eq!(visit.page("/overview").figure("to_pay"), old, "a run that is not published is not seen");
    browser.call("POST", &format!("{path}/publish"), None).expect(200);
    let page = visit.page("/overview");
    assert_eq!(page.one("table.sums time").attribute("datetime"), Some("2026-11"));
    let again = browser.call("POST", &format!("{path}/publish"), None);
    assert!([200, 422].contains(&again.status), "publishing twice is harmless: {}", again.text());
    assert_eq!(listed_runs(&mut browser).len(), before.len() + 1);
    let wrong =
        browser.call("POST", "/api/admin/v1/billing/runs", Some(&json!({ "period": "2026-13" }))).expect(422).json();
    assert_eq!(wrong["code"], "billing.period");
}

fn only_roles_with_the_permission_may_bill(kind: Kind) {
    let server = Server::shared(kind);
    let visit = server.resident("beregovoy");
    let mut resident = server.browser("beregovoy");
    resident.cookies.clone_from(&visit.cookies);
    resident.call("GET", "/api/admin/v1/billing/runs", None).expect(401);
    // A resident's session under the name of a staff session is nobody's.
    resident.cookies = vec![("kabinet-staff".into(), visit.cookie("kabinet").expect("a session"))];
    resident.call("GET", "/api/admin/v1/billing/runs", None).expect(401);
    let secret = "a-long-enough-secret";
    block_on(async {
        let db = server.database.open().await;
        let company = server.database.company(&db, "beregovoy").await;
        let hash = password::hash_now(secret).expect("a hash");
        let tx = db.begin(&company, Actor::System).await.expect("a transaction");
        for role in ["accountant", "dispatcher"] {
            let (id, email) = (tx.new_id(), format!("{role}@beregovoy.example"));
            people::create_staff(&tx, id, &email, "Проверка", role, &hash).await.expect("a staff member");
        }
        tx.commit().await.expect("a commit");
    });
    let mut accountant = log_staff_in(server, "beregovoy", "accountant@beregovoy.example", secret);
    assert!(!listed_runs(&mut accountant).is_empty());
    let mut dispatcher = log_staff_in(server, "beregovoy", "dispatcher@beregovoy.example", secret);
    let some = listed_runs(&mut accountant)[0]["id"].as_str().expect("an id").to_owned();
    let asked = [
        ("GET", "/billing/runs".to_owned()),
        ("GET", format!("/billing/runs/{some}")),
        ("POST", "/billing/runs".to_owned()),
        ("POST", format!("/billing/runs/{some}/publish")),
    ];
    for (method, path) in asked {
        let body = (method == "POST").then(|| json!({ "period": "2026-11" }));
        let answer = dispatcher.call(method, &format!("/api/admin/v1{path}"), body.as_ref()).expect(403);
        assert_eq!(answer.json()["code"], "forbidden", "{method} {path}");
    }
    // Staff cookies open no resident's page.
    assert_eq!(accountant.get("/overview").expect(303).location(), "/");
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn a_package_is_applied_once_and_a_wrong_one_changes_nothing(kind: Kind) {
    let server = Server::shared(kind);
    let apply =
        |folder: &std::path::Path| server.command().args(["tenant", "apply"]).arg(folder).output().expect("kabinet");
    let folder = new_folder("package");
    assert!(
        Command::new("cp").arg("-r").arg(root().join("tenants/teploset")).arg(&folder).status().expect("cp").success()
    );
    let (folder, file) = (folder.join("teploset"), folder.join("teploset/tenant.toml"));
    let good = std::fs::read_to_string(&file).expect("the package");
    let output = apply(&folder);
    assert!(output.status.success() && text(&output).contains("ничего не изменилось"), "{}", text(&output));
    // A wrong BIC: file, line and field are named, nothing changes.
    let wrong =
        good.replace("bic = \"047501992\"", "bic = \"047501993\"").replace("АО «Теплосеть»\"\ntime", "Другое\"\ntime");
    assert_ne!(wrong, good);
    std::fs::write(&file, &wrong).expect("a write");
    let output = apply(&folder);
    let said = text(&output);
    assert!(!output.status.success(), "{said}");
    // The check digit tells that the BIC and the account do not fit: it may be named by either.
    let fits = |line: &&str| line.starts_with("bic") || line.starts_with("settlement_account");
    let lines = (1..).zip(wrong.lines()).filter(|(_, line)| fits(line));
    let named = |number: usize| said.contains(&format!("tenant.toml:{number}:")) && said.contains("supplier");
    assert!(lines.into_iter().any(|(number, _)| named(number)), "{said}");
    assert!(server.browser("teploset").page("/").title().contains("Теплосеть"));
    // A good change is seen by the running server without a restart.
    std::fs::write(&file, good.replace("8 (351) 200-20-20", "8 (351) 200-20-29")).expect("a write");
    let output = apply(&folder);
    assert!(output.status.success() && !text(&output).contains("ничего не изменилось"), "{}", text(&output));
    wait_until("the package", || server.browser("teploset").page("/").one("footer").text().contains("200-20-29"));
    let output = apply(&root().join("tenants/teploset"));
    assert!(output.status.success(), "{}", text(&output));
    let output = server.command().args(["tenant", "list"]).output().expect("kabinet");
    assert!(text(&output).contains("beregovoy") && text(&output).contains("teploset"), "{}", text(&output));
}

/// What a [`Guest`] says it is.
const MANIFEST: &str = "id = \"evil\"\nversion = \"1\"\napi = \"1.0.0\"\ntitle = \"Проба\"\n";

fn a_plugin_or_template_that_cannot_work_is_named_by_file_line_and_field(kind: Kind) {
    let server = Server::shared(kind);
    let packages = new_folder("packages");
    let line_of = |text: &str, wanted: &str| text.lines().position(|line| line == wanted).expect("the line") + 1;
    let cases: [(&str, &str, &str, &str, &str); 5] = [
        // A file that is no component, a plugin that is not there, a rule that the plugin does not have.
        ("tenant.toml", "use = \"standard\"", "use = \"own.wasm\"", "plugin.use", "own.wasm"),
        ("tenant.toml", "use = \"standard\"", "use = \"nothing\"", "plugin.use", "nothing"),
        ("tenant.toml", "rule = \"area\"", "rule = \"guessing\"", "rule", "guessing"),
        ("tariffs.toml", "price = \"27.60\"", "price = \"27.60\"\nrule = \"guessing\"", "rule", "guessing"),
        ("templates/receipt.typ", "", "{{ unknown_figure_of_nobody.x }}", "", ""),
    ];
    for (number, (file, good, wrong, field, word)) in cases.into_iter().enumerate() {
        let folder = packages.join(number.to_string());
        let copied = Command::new("cp").arg("-r").arg(root().join("tenants/beregovoy")).arg(&folder).status();
        assert!(copied.expect("cp").success());
        std::fs::write(folder.join("own.wasm"), "no component").expect("a write");
        std::fs::write(folder.join("plugin.toml"), MANIFEST).expect("a write");
        let source = std::fs::read_to_string(folder.join(file)).expect("the file");
        let text_now = if good.is_empty() { format!("{source}\n{wrong}\n") } else { source.replacen(good, wrong, 1) };
        std::fs::write(folder.join(file), &text_now).expect("a write");
        let output = server.command().args(["tenant", "apply"]).arg(&folder).output().expect("kabinet");
        let said = text(&output);
        let place = format!("{file}:{}:", line_of(&text_now, wrong.lines().last().unwrap_or_default()));
        assert!(!output.status.success() && said.contains(&place), "{place} {said}");
        assert!(said.contains(field) && said.contains(word), "{field}, {word}: {said}");
    }
    let output = server.command().args(["tenant", "apply"]).arg(root().join("tenants/beregovoy")).output();
    assert!(text(&output.expect("kabinet")).contains("ничего не изменилось"), "nothing of them was taken");
}

fn a_plugin_that_misbehaves_ends_its_run_and_the_old_figures_stand(kind: Kind) {
    let server = Server::demo(Database::new(kind), NOW);
    let admin = &server.facts().company("teploset").admin;
    let mut staff = log_staff_in(&server, "teploset", &admin.email, &admin.password);
    let mut visit = server.resident("teploset");
    let (published, shown) = (listed_runs(&mut staff).len(), visit.page("/overview").one("main").text());
    let package = package_with("teploset", "");
    let file = package.join("tenant.toml");
    let text_now = std::fs::read_to_string(&file).expect("the package");
    std::fs::write(&file, text_now.replace("use = \"heat\"", "use = \"own.wasm\"")).expect("a write");
    std::fs::write(package.join("plugin.toml"), MANIFEST).expect("a write");
    let apply = |plugin: &Guest| {
        std::fs::write(package.join("own.wasm"), plugin.component()).expect("a write");
        server.command().args(["tenant", "apply"]).arg(&package).output().expect("kabinet")
    };
    let misbehaving = |calculate: &str| Guest {
        calculate: calculate.to_owned(),
        rules: &["heating", "metered", "heat_in_water"],
        ..Guest::default()
    };
    let deeds = [
        ("(loop $again (br $again)) i32.const 64", "исчерпан запас инструкций"),
        ("(loop $again (drop (memory.grow (i32.const 16))) (br $again)) i32.const 64", "исчерпана память"),
        ("unreachable", "прервался с ошибкой"),
        ("i32.const 64", "ответил не по договору"),
    ];
    for (deed, reason) in deeds {
        let output = apply(&misbehaving(deed));
        assert!(output.status.success(), "{}", text(&output));
        let path = runs::begin(&mut staff, "2026-11");
        let run = runs::ended(&mut staff, &path);
        assert_eq!(run["state"], "failed", "{deed}: {run}");
        assert!(run["problem"].as_str().is_some_and(|problem| problem.contains(reason)), "{deed}: {run}");
        staff.call("POST", &format!("{path}/publish"), None).expect(422);
        assert_eq!(visit.page("/overview").one("main").text(), shown, "{deed}");
    }
    // One that is made for another version of the contract does not come so far.
    let output = apply(&Guest { version: "2.0.0", ..misbehaving("i32.const 64") });
    let said = text(&output);
    assert!(!output.status.success() && said.contains("tenant.toml:") && said.contains("2.0.0"), "{said}");
    // With the company's own plugin the month is calculated as if nothing had been.
    let output = server.command().args(["tenant", "apply"]).arg(root().join("tenants/teploset")).output();
    assert!(output.as_ref().is_ok_and(|output| output.status.success()), "{output:?}");
    let path = runs::begin(&mut staff, "2026-11");
    let run = runs::ended(&mut staff, &path);
    assert_eq!(run["state"], "done", "{run}");
    staff.call("POST", &format!("{path}/publish"), None).expect(200);
    let now = listed_runs(&mut staff).iter().filter(|run| run["state"] == "published").count();
    assert_eq!(now, published + 1);
    assert_ne!(visit.page("/overview").one("main").text(), shown);
}

fn the_demo_is_brought_up_to_date_without_touching_its_visitors(kind: Kind) {
    let database = Database::new(kind);
    let mut first = Server::demo(database.clone(), NOW);
    let facts = std::fs::read_to_string(database.dir.join("demo.json")).expect("demo.json");
    let login = first.facts().company("beregovoy").resident.clone();
    let mut browser = first.browser("beregovoy");
    browser.log_in(&login.email, &login.password);
    let (meter, before) = dial(&mut browser);
    send(&mut browser, &meter, "1.5");
    first.kill();
    // Two weeks later November fell due.
    let second = Server::demo(database.clone(), "2026-12-08");
    assert_eq!(std::fs::read_to_string(database.dir.join("demo.json")).expect("demo.json"), facts, "passwords survive");
    let mut browser = second.browser("beregovoy");
    browser.log_in(&login.email, &login.password);
    let page = browser.page("/overview");
    assert_eq!(page.one("table.sums time").attribute("datetime"), Some("2026-11"));
    let shown = browser.page(&format!("/meters/{meter}"));
    let rows: Vec<String> = shown.all("table tbody tr").iter().map(|row| row.text()).collect();
    let sent = format!("{},{}", (before + 15_000_000) / 10_000_000, (before + 15_000_000) % 10_000_000 / 1_000_000);
    assert!(rows.iter().any(|row| row.contains("22.11.2026")), "{sent}: {rows:?}");
}

fn a_demo_started_again_on_its_old_date_goes_on_where_it_was_left(kind: Kind) {
    let database = Database::new(kind);
    let mut first = Server::demo(database.clone(), NOW);
    let login = first.facts().company("beregovoy").resident.clone();
    let mut browser = first.browser("beregovoy");
    browser.log_in(&login.email, &login.password);
    let (_, before) = dial(&mut browser);
    for _ in 0..2 {
        let (meter, _) = dial(&mut browser);
        send(&mut browser, &meter, "0.5");
    }
    first.kill();
    let second = Server::demo(database, NOW);
    let mut browser = second.browser("beregovoy");
    browser.log_in(&login.email, &login.password);
    let (meter, _) = dial(&mut browser);
    send(&mut browser, &meter, "0.5");
    assert_eq!(dial(&mut browser).1, before + 15_000_000, "the newest reading of the day is the last one");
}

#[test]
fn without_its_database_the_platform_says_so_and_recovers() {
    let cluster = Cluster::start();
    let server = Server::demo(Database::on(&cluster), NOW);
    let login = server.facts().company("beregovoy").resident.clone();
    let mut browser = server.browser("beregovoy");
    browser.log_in(&login.email, &login.password);
    cluster.stop();
    let begun = Instant::now();
    for (path, is_page) in [("/overview", true), ("/charges", true), ("/api/v1/overview", false)] {
        let answer = browser.get(path).expect(503);
        assert!(answer.header("retry-after").is_some(), "{path}");
        let kind = if is_page { "text/html" } else { "application/problem+json" };
        assert!(answer.header("content-type").is_some_and(|value| value.starts_with(kind)), "{path}");
        assert!(!answer.text().contains("127.0.0.1"), "internals are not told");
    }
    let login_answer = server.browser("beregovoy").get("/");
    assert!([200, 503].contains(&login_answer.status), "{}", login_answer.status);
    assert_eq!(server.health("/readyz").expect("an answer").0, 503);
    assert_eq!(server.health("/healthz").expect("an answer").0, 200, "alive all the same");
    assert!(begun.elapsed() < Duration::from_secs(30), "refused quickly: {:?}", begun.elapsed());
    cluster.resume();
    wait_until("readiness", || server.is_ready());
    browser.page("/overview");
    let (meter, before) = dial(&mut browser);
    send(&mut browser, &meter, "0.5");
    assert_eq!(dial(&mut browser).1, before + 5_000_000);
}

#[test]
fn a_powerful_role_on_postgresql_is_refused_at_the_start() {
    let server = Server::shared(Kind::PostgreSql);
    let owner = server.database.owner_url().to_owned();
    let postgres = server.database.postgres.as_ref().expect("PostgreSQL");
    let deputy = format!("CREATE ROLE deputy LOGIN NOSUPERUSER NOBYPASSRLS IN ROLE {}", postgres.owner);
    Cluster::shared().execute("postgres", &deputy);
    let of_deputy = owner.replace(&format!("//{}@", postgres.owner), "//deputy@");
    for powerful in [owner, of_deputy] {
        let mut serve = server.command();
        serve.env("KABINET_DATABASE__URL", &powerful).arg("serve").stdout(Stdio::null()).stderr(Stdio::piped());
        let mut serving = serve.spawn().expect("kabinet");
        let status = wait_for("the end of a server with such a role", || serving.try_wait().expect("kabinet"));
        let said = std::io::read_to_string(serving.stderr.take().expect("a pipe")).expect("what it said");
        assert!(!status.success() && said.contains("owns tables"), "{powerful}: {said}");
    }
}

#[test]
fn a_wrong_configuration_is_named_by_its_key() {
    let run = |key: &str, value: &str| {
        let mut command = Command::new(binary());
        command
            .args(["config", "check"])
            .current_dir(root())
            .env("KABINET_DATA__DIR", new_folder("config"))
            .env(key, value);
        command.output().expect("kabinet")
    };
    assert!(run("KABINET_SERVER__LISTEN", "127.0.0.1:1").status.success());
    let wrong = [
        ("KABINET_SERVER__LISTEN", "nowhere", "listen"),
        ("KABINET_DATABASE__URL", "mysql://x", "database.url"),
        ("KABINET_SERVER__PUBLIC_SCHEME", "ftp", "server.public_scheme"),
        ("KABINET_DEMO__NOW", "someday", "demo.now"),
        ("KABINET_MAIL__BOUNCE_ADDRESS", "bounces", "mail.bounce_address"),
        ("KABINET_SERVER__LISTN", "127.0.0.1:1", "listn"),
    ];
    for (key, value, named) in wrong {
        let output = run(key, value);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.to_lowercase().contains(named), "{key}={value}: {said}");
        assert_eq!(said.trim().lines().count(), 1, "one clear line: {said}");
    }
}

#[test]
fn the_printed_openapi_document_is_the_served_one() {
    let server = Server::shared(Kind::Sqlite);
    let output = server.command().arg("openapi").output().expect("kabinet");
    assert!(output.status.success(), "{}", text(&output));
    let printed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(printed, server.browser("beregovoy").get("/api/openapi.json").expect(200).json());
}

#[test]
fn whoever_reads_the_beginning_of_a_long_document_only_sees_no_error() {
    let mut command = Server::shared(Kind::Sqlite).command();
    let mut program = command.arg("openapi").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("kabinet");
    let mut beginning = [0; 10];
    program.stdout.take().expect("a pipe").read_exact(&mut beginning).expect("a document longer than a pipe holds");
    let output = program.wait_with_output().expect("its end");
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output));
}
