//! The toggle: an optional module that lives here, switched off and on for one company.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use kabinet_contracts::ReadingsStored;
use kabinet_core::jobs::{Event, EventHandler, JobContext, JobError, JobHandler, NewJob};
use kabinet_core::{Actor, Manifest, Module, ModuleKind, NavItem};
use kabinet_server::App;
use kabinet_tests::server::NOW;
use kabinet_tests::{Browser, Database, Kind, Server, on_both_databases};
use kabinet_web::{ApiPart, ApiResult, PageRoute, Problem, Resident, WebModule};
use poem::listener::{Acceptor, Listener, TcpListener};
use poem::{Response, get, handler};
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use sea_orm::{ConnectionTrait, DatabaseBackend, Statement};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

on_both_databases![
    a_module_that_is_switched_off_is_not_there_and_keeps_its_data,
    jobs_and_events_reach_a_module_whose_server_has_not_heard_yet_that_it_is_on,
];

static MANIFEST: Manifest = Manifest {
    id: "probe",
    title: "Проба",
    kind: ModuleKind::Optional,
    permissions: &[],
    navigation: &[NavItem { title: "Проба", href: "/probe", position: 60_000, sums: false }],
};

const TEMPLATE: &str =
    "{% extends \"layout.html\" %}{% block content %}<h1>Проба</h1><p id=\"kept\">{{ kept }}</p>{% endblock %}";

/// What reached the module.
#[derive(Debug, Default)]
struct Reached {
    jobs: AtomicUsize,
    events: AtomicUsize,
    leases_kept: AtomicUsize,
}

#[derive(Debug)]
struct Probe(Arc<Reached>);

/// The module's stored data, here its settings.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    kept: String,
}

#[derive(Object)]
struct ProbeOut {
    kept: String,
}

struct ProbeApi;

#[OpenApi]
impl ProbeApi {
    /// What the module keeps.
    #[oai(path = "/probe", method = "get", operation_id = "getProbe")]
    async fn show(&self, resident: Resident) -> ApiResult<ProbeOut> {
        let kept: Kept = resident.tenant().settings("probe")?;
        Ok(Json(ProbeOut { kept: kept.kept }))
    }
}

#[handler]
fn show(resident: Resident) -> Result<Response, Problem> {
    let kept: Kept = resident.tenant().settings("probe")?;
    resident.page("Проба", "probe/show.html", &kept)
}

struct Count(Arc<Reached>);

#[async_trait]
impl JobHandler for Count {
    fn kind(&self) -> &'static str {
        "count"
    }
    async fn run(&self, _: JobContext, _: Value) -> Result<(), JobError> {
        self.0.jobs.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// Keeps SQLite's only writer until after its lease is to be renewed.
struct Write(Arc<Reached>);

#[async_trait]
impl JobHandler for Write {
    fn kind(&self) -> &'static str {
        "write"
    }
    async fn run(&self, context: JobContext, _: Value) -> Result<(), JobError> {
        let leased = lease(&context).await;
        let tx = context.begin().await?;
        tokio::time::sleep(Duration::from_secs(21)).await;
        tx.commit().await?;
        // The next renewal is later.
        for _ in 0..100 {
            if lease(&context).await > leased {
                self.0.leases_kept.fetch_add(1, Ordering::SeqCst);
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }
}

/// Until when the job is its runner's, milliseconds.
async fn lease(context: &JobContext) -> i64 {
    let sql =
        format!("SELECT lease_until FROM job WHERE hex(id) = '{}'", context.job.simple().to_string().to_uppercase());
    let row = context.db.platform_read().query_one_raw(Statement::from_string(DatabaseBackend::Sqlite, sql));
    row.await.expect("the queue").expect("the job").try_get("", "lease_until").expect("a moment")
}

struct Hear(Arc<Reached>);

#[async_trait]
impl EventHandler for Hear {
    fn event(&self) -> &'static str {
        ReadingsStored::NAME
    }
    async fn handle(&self, _: JobContext, _: Value) -> Result<(), JobError> {
        self.0.events.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

impl Module for Probe {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }
    fn jobs(&self) -> Vec<Arc<dyn JobHandler>> {
        vec![Arc::new(Count(self.0.clone())), Arc::new(Write(self.0.clone()))]
    }
    fn subscriptions(&self) -> Vec<Arc<dyn EventHandler>> {
        vec![Arc::new(Hear(self.0.clone()))]
    }
}

impl WebModule for Probe {
    fn pages(&self) -> Vec<PageRoute> {
        vec![PageRoute::new("/probe", get(show))]
    }
    fn resident_api(&self) -> Vec<ApiPart> {
        vec![ApiPart::new(ProbeApi)]
    }
    fn templates(&self) -> &'static [(&'static str, &'static str)] {
        &[("probe/show.html", TEMPLATE)]
    }
}

/// The platform with the module, in this process, with a browser of beregovoy's resident.
struct Stage {
    runtime: tokio::runtime::Runtime,
    app: Arc<App>,
    reached: Arc<Reached>,
    browser: Browser,
}

impl Stage {
    fn set(kind: Kind) -> Self {
        let mut server = Server::demo(Database::new(kind), NOW);
        let login = server.facts().company("beregovoy").resident.clone();
        server.kill();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let reached = Arc::new(Reached::default());
        let (config, probe) = (server.database.config(NOW), Arc::new(Probe(reached.clone())));
        let app = Arc::new(runtime.block_on(App::open_with(config, vec![probe])).expect("the platform"));
        let endpoint = app.endpoint().expect("the application");
        let acceptor = runtime.block_on(TcpListener::bind("127.0.0.1:0").into_acceptor()).expect("a port");
        let address = *acceptor.local_addr()[0].as_socket_addr().expect("an address");
        runtime.spawn(poem::Server::new_with_acceptor(acceptor).run(endpoint));
        let mut browser = Browser::new(address, "beregovoy.localhost");
        browser.log_in(&login.email, &login.password);
        Self { runtime, app, reached, browser }
    }

    fn switch(&self, enabled: bool) {
        self.runtime.block_on(async {
            let company = self.app.tenants.by_slug("beregovoy").await.expect("the companies").expect("beregovoy");
            let mut tx = self.app.db.begin(&company, Actor::System).await.expect("a transaction");
            assert!(tx.set_feature("probe", enabled).await.expect("the switch"));
            if enabled {
                tx.set_settings("probe", &Kept { kept: "осталось".into() }).await.expect("the data");
            }
            tx.commit().await.expect("a commit");
        });
    }

    /// Queues a job of the module and sends a reading; how many jobs and events reach the module then.
    fn work(&mut self) -> (usize, usize) {
        self.work_done_by(&self.app.clone())
    }

    /// The same, where this server does what there is to do.
    fn work_done_by(&mut self, server: &App) -> (usize, usize) {
        let before = (self.reached.jobs.load(Ordering::SeqCst), self.reached.events.load(Ordering::SeqCst));
        let meters = self.browser.call("GET", "/api/v1/meters", None).expect(200).json();
        let meter =
            meters["meters"].as_array().expect("meters").iter().find(|m| m["zones"] == 1).expect("a meter").clone();
        let reading = json!({ "readings": [{ "meter": meter["id"], "deltas": ["0.1"] }] });
        self.browser.call("POST", "/api/v1/meters/readings", Some(&reading)).expect(200);
        self.runtime.block_on(async {
            enqueue(&self.app, "count").await;
            server.runner().drain().await.expect("the queue");
        });
        let after = (self.reached.jobs.load(Ordering::SeqCst), self.reached.events.load(Ordering::SeqCst));
        (after.0 - before.0, after.1 - before.1)
    }

    fn menu(&mut self) -> Vec<String> {
        self.browser.page("/overview").all("nav .tabs a").iter().map(|link| link.text()).collect()
    }
}

/// Queues a job of the module.
async fn enqueue(app: &App, job: &'static str) {
    let company = app.tenants.by_slug("beregovoy").await.expect("the companies").expect("beregovoy");
    let mut tx = app.db.begin(&company, Actor::System).await.expect("a transaction");
    tx.enqueue(NewJob::new("probe", job, json!({}))).await.expect("a job");
    tx.commit().await.expect("a commit");
}

fn jobs_and_events_reach_a_module_whose_server_has_not_heard_yet_that_it_is_on(kind: Kind) {
    let mut stage = Stage::set(kind);
    let (config, probe) = (stage.app.config.clone(), Arc::new(Probe(stage.reached.clone())));
    let other = stage.runtime.block_on(App::open_with(config, vec![probe])).expect("the other server");
    assert_eq!(stage.work_done_by(&other), (0, 0), "the module is off, and the other server knows it");
    stage.switch(true);
    assert_eq!(stage.work_done_by(&other), (1, 1));
}

#[test]
fn a_job_that_holds_the_only_writer_keeps_its_lease() {
    let stage = Stage::set(Kind::Sqlite);
    stage.switch(true);
    stage.runtime.block_on(async {
        enqueue(&stage.app, "write").await;
        stage.app.runner().drain().await.expect("the queue");
    });
    assert_eq!(stage.reached.leases_kept.load(Ordering::SeqCst), 1);
}

fn a_module_that_is_switched_off_is_not_there_and_keeps_its_data(kind: Kind) {
    let mut stage = Stage::set(kind);
    let unknown = stage.browser.get("/nothing").expect(404);
    for round in 0..2 {
        // Off: the four places.
        let absent = stage.browser.get("/probe").expect(404);
        assert_eq!(absent.text().replace("/probe", "/nothing").len(), unknown.text().len(), "like an unknown page");
        assert_eq!(stage.browser.call("GET", "/api/v1/probe", None).expect(404).json()["code"], "not_found");
        assert!(!stage.menu().contains(&"Проба".to_owned()));
        assert_eq!(stage.work(), (0, 0), "round {round}: nothing runs and nothing is heard");
        stage.switch(true);
        // On: all of it, with what it had kept.
        assert_eq!(stage.browser.page("/probe").one("#kept").text(), "осталось");
        assert_eq!(stage.browser.call("GET", "/api/v1/probe", None).expect(200).json()["kept"], "осталось");
        assert_eq!(stage.menu().last().map(String::as_str), Some("Проба"));
        assert_eq!(stage.work(), (1, 1), "round {round}");
        // The other company has not switched it on.
        let mut other = stage.browser.clone();
        other.host = other.host.replace("beregovoy", "teploset");
        other.cookies.clear();
        other.get("/probe").expect(404);
        stage.switch(false);
    }
}
