//! All combinations of the optional modules' switches: what is off is not there, what is on is there, and nothing that
//! was kept is lost. Which modules are optional, and what they have, the platform itself says: a new one is covered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kabinet_core::jobs::NewJob;
use kabinet_core::{Actor, Tenant, Tx, least_id};
use kabinet_migrations::PLATFORM_TABLES;
use kabinet_server::App;
use kabinet_tests::server::NOW;
use kabinet_tests::{Browser, Database, Kind, Server, on_both_databases};
use kabinet_web::{WebModule, openapi_document};
use poem::listener::{Acceptor, Listener, TcpListener};
use sea_orm::{FromQueryResult, Statement};
use serde_json::{Value, json};

on_both_databases![every_combination_of_the_switches_shows_what_is_on_and_nothing_else];

const COMPANY: &str = "beregovoy";
/// Tables that the probes themselves write.
const PROBED: [&str; 5] = ["audit", "feature", "job_payload", "session", "setting"];

/// The platform in this process, with the demo's resident and administrator.
struct Stage {
    runtime: tokio::runtime::Runtime,
    app: App,
    resident: Browser,
    staff: Browser,
    account: String,
    token: String,
}

/// What a module has, as addresses to be asked.
struct Offered {
    id: &'static str,
    menu: Vec<&'static str>,
    pages: Vec<String>,
    operations: Vec<(String, String)>,
}

/// How a module answers: the statuses of its pages (read, sent a form) and of its operations, in their order.
type Answers = Vec<u16>;

impl Stage {
    fn set(kind: Kind) -> Self {
        let mut server = Server::demo(Database::new(kind), NOW);
        let facts = server.facts().company(COMPANY).clone();
        server.kill();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let app = runtime.block_on(App::open(server.database.config(NOW))).expect("the platform");
        let acceptor = runtime.block_on(TcpListener::bind("127.0.0.1:0").into_acceptor()).expect("a port");
        let address = *acceptor.local_addr()[0].as_socket_addr().expect("an address");
        runtime.spawn(poem::Server::new_with_acceptor(acceptor).run(app.endpoint().expect("the application")));
        let mut resident = Browser::new(address, &format!("{COMPANY}.localhost"));
        let mut staff = resident.clone();
        resident.log_in(&facts.resident.email, &facts.resident.password);
        let login = json!({ "email": facts.admin.email, "password": facts.admin.password });
        staff.call("POST", "/api/admin/v1/session", Some(&login)).expect(204);
        let account = resident.active_account();
        let token = resident.page("/accounts").form("/logout").value("csrf").expect("a token").to_owned();
        Self { runtime, app, resident, staff, account, token }
    }

    fn company(&self) -> Arc<Tenant> {
        let found = self.runtime.block_on(self.app.tenants.by_slug(COMPANY)).expect("the companies");
        found.expect("the company")
    }

    fn in_company<T>(&self, work: impl AsyncFnOnce(&mut Tx) -> T) -> T {
        let company = self.company();
        self.runtime.block_on(async {
            let mut tx = self.app.db.begin(&company, Actor::System).await.expect("a transaction");
            let result = work(&mut tx).await;
            tx.commit().await.expect("a commit");
            result
        })
    }

    fn switch(&self, on: &BTreeSet<&'static str>) {
        self.in_company(async |tx| {
            for module in self.app.registry.optional() {
                tx.set_feature(module, on.contains(module)).await.expect("the switch");
            }
        });
    }

    fn offered(&self) -> Vec<Offered> {
        self.optional().map(|module| self.offered_by(module)).collect()
    }

    fn optional(&self) -> impl Iterator<Item = &Arc<dyn WebModule>> {
        let optional = self.app.registry.optional();
        self.app.modules().iter().filter(move |module| optional.contains(module.manifest().id))
    }

    fn offered_by(&self, module: &Arc<dyn WebModule>) -> Offered {
        let none = "0193a1c0-0000-7000-8000-0000000000ff";
        let address = |pattern: &str| {
            let parts = pattern.split('/').enumerate().map(|(at, part)| match part {
                part if !part.starts_with([':', '{']) => part,
                _ if at == 2 && pattern.starts_with("/accounts/") => self.account.as_str(),
                _ => none,
            });
            parts.collect::<Vec<_>>().join("/")
        };
        let document = openapi_document(std::slice::from_ref(module)).expect("a document");
        let mut operations = Vec::new();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for method in item.as_object().into_iter().flat_map(|methods| methods.keys()) {
                operations.push((method.to_uppercase(), address(path)));
            }
        }
        Offered {
            id: module.manifest().id,
            menu: module.manifest().navigation.iter().map(|item| item.title).collect(),
            pages: module.pages().iter().map(|page| address(page.path())).collect(),
            operations,
        }
    }

    fn answers(&mut self, module: &Offered) -> Answers {
        let mut answers = Vec::new();
        let form = [("csrf".to_owned(), self.token.clone())];
        for page in &module.pages {
            answers.extend([self.resident.get(page).status, self.resident.post(page, &form).status]);
        }
        for (method, address) in &module.operations {
            let browser = if address.starts_with("/api/admin") { &mut self.staff } else { &mut self.resident };
            answers.push(browser.call(method, address, Some(&json!({}))).status);
        }
        answers
    }

    fn menu(&mut self) -> BTreeSet<String> {
        self.resident.page("/overview").all("nav .tabs a").iter().map(|link| link.text()).collect()
    }

    /// Jobs that failed: those of a handler that was given what it cannot read. One that nobody runs leaves no trace.
    fn failed(&self, job: NewJob) -> bool {
        #[derive(FromQueryResult)]
        struct Count {
            failed: i64,
        }
        let count = || {
            let connection = self.app.db.platform();
            let sql = "SELECT count(*) AS failed FROM job WHERE state = 2";
            let statement = Statement::from_string(connection.get_database_backend(), sql);
            let count = self.runtime.block_on(Count::find_by_statement(statement).one(connection));
            count.expect("the queue").expect("a number").failed
        };
        let before = count();
        self.in_company(async |tx| tx.enqueue(job).await.expect("queued"));
        self.runtime.block_on(self.app.runner().drain()).expect("the queue");
        count() > before
    }

    /// Whether a job that is queued reaches its handler: it fails there, or it removes a file that belongs to nothing,
    /// as the sweep of a module's files does whatever its payload says.
    fn reached(&self, module: &'static str, kind: &'static str) -> bool {
        let (company, files) = (self.company().id, &self.app.files);
        let old = least_id(self.app.db.clock().now().plus_seconds(-2 * 24 * 3600));
        self.runtime.block_on(files.put(company, module, old, b"of nothing".to_vec())).expect("a file");
        let failed = self.failed(NewJob::new(module, kind, Value::Null));
        let stays = self.runtime.block_on(files.list(company, module)).expect("the files").contains(&old);
        self.runtime.block_on(files.remove(company, module, old)).expect("it is gone");
        failed || !stays
    }

    /// How many rows the company has in each table that no probe writes.
    fn kept(&self) -> BTreeMap<String, i64> {
        #[derive(FromQueryResult)]
        struct Name {
            name: String,
        }
        #[derive(FromQueryResult)]
        struct Count {
            rows: i64,
        }
        let connection = self.app.db.platform();
        let sql = match self.app.db.name() {
            "SQLite" => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
            _ => "SELECT CAST(tablename AS text) AS name FROM pg_tables WHERE schemaname = 'public'",
        };
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let names = self.runtime.block_on(Name::find_by_statement(statement).all(connection)).expect("the tables");
        let tables = names.into_iter().map(|row| row.name);
        let tables =
            tables.filter(|name| !PLATFORM_TABLES.contains(&name.as_str()) && !PROBED.contains(&name.as_str()));
        let count = async |tx: &mut Tx, table: &str| {
            let sql = format!("SELECT count(*) AS rows FROM {table} WHERE tenant_id = $1");
            let rows: Vec<Count> = tx.rows(&sql, vec![]).await.expect("a count");
            rows[0].rows
        };
        tables.map(|table| (table.clone(), self.in_company(async |tx| count(tx, &table).await))).collect()
    }
}

/// All subsets.
fn combinations(modules: &[&'static str]) -> Vec<BTreeSet<&'static str>> {
    let all = 0..1_usize << modules.len();
    let members = |bits: usize| modules.iter().enumerate().filter(move |(at, _)| bits >> at & 1 == 1);
    all.map(|bits| members(bits).map(|(_, module)| *module).collect()).collect()
}

fn every_combination_of_the_switches_shows_what_is_on_and_nothing_else(kind: Kind) {
    let mut stage = Stage::set(kind);
    let offered = stage.offered();
    let modules: Vec<&'static str> = offered.iter().map(|module| module.id).collect();
    assert!(modules.len() >= 2, "{modules:?}");
    stage.switch(&modules.iter().copied().collect());
    let there: BTreeMap<&str, Answers> = offered.iter().map(|module| (module.id, stage.answers(module))).collect();
    for (module, answers) in &there {
        assert!(answers.iter().any(|status| *status != 404), "{module} is nowhere: {answers:?}");
    }
    works(&stage, &modules.iter().copied().collect());
    let kept = stage.kept();
    assert!(kept.values().sum::<i64>() > 1000, "the demo's town");
    for on in combinations(&modules) {
        stage.switch(&on);
        for module in &offered {
            let answers = stage.answers(module);
            if on.contains(module.id) {
                assert_eq!(answers, there[module.id], "{} with {on:?}", module.id);
            } else {
                assert!(answers.iter().all(|status| *status == 404), "{} without, {on:?}: {answers:?}", module.id);
            }
            let menu = stage.menu();
            assert!(
                module.menu.iter().all(|title| menu.contains(*title) == on.contains(module.id)),
                "{menu:?} with {on:?}"
            );
        }
        works(&stage, &on);
        assert_eq!(stage.kept(), kept, "{on:?}");
    }
}

/// Jobs and events reach the modules that are on, and no others. Called with all of them on first: so it is known of
/// every module that its jobs can be seen to work.
fn works(stage: &Stage, on: &BTreeSet<&'static str>) {
    let registry = stage.app.registry.clone();
    for module in stage.optional() {
        let id = module.manifest().id;
        let jobs = module.jobs();
        let reached = jobs.iter().filter(|job| stage.reached(id, job.kind())).count();
        let expected = on.contains(id) && !jobs.is_empty();
        // What the probe cannot see to work proves nothing by not working: a new kind of job teaches `reached` to see it.
        assert_eq!(reached > 0, expected, "{reached} jobs of {id} were seen to work with {on:?}");
        for handler in module.subscriptions() {
            let event = handler.event();
            let heard = registry
                .subscribers(event)
                .any(|(module, _)| on.contains(module) || !registry.optional().contains(module));
            let told = NewJob::new("core", "event", json!({ "name": event, "data": null }));
            assert_eq!(stage.failed(told), heard, "{event} with {on:?}");
        }
    }
}
