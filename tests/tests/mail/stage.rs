//! The platform in this process, with one company, and a look into its queue.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use kabinet_core::{Actor, Mail, Manifest, Module, ModuleKind, Tenant};
use kabinet_server::{App, Config};
use kabinet_tests::process::run;
use kabinet_tests::reports::ADDRESS;
use kabinet_tests::server::{NOW, command};
use kabinet_tests::{Database, Kind};
use kabinet_web::WebModule;
use sea_orm::{FromQueryResult, Statement};
use serde_json::json;

static MANIFEST: Manifest =
    Manifest { id: "letters", title: "Проба", kind: ModuleKind::Core, permissions: &[], navigation: &[] };

/// A module whose only sense is its letter.
#[derive(Debug)]
pub struct Writer;

impl Module for Writer {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }
}

impl WebModule for Writer {
    fn mails(&self) -> &'static [(&'static str, &'static str)] {
        &[
            (
                "letters/hello.html",
                "{% extends \"mail.html\" %}{% import \"mail_macros.html\" as mail %}{% block content %}\
                 <p>Здравствуйте, {{ name }}!</p>{{ mail.button(\"Дальше\", company.url ~ \"/activate?token=\" ~ token, company) }}{% endblock %}",
            ),
            (
                "letters/hello.txt",
                "{% extends \"mail.txt\" %}{% block content %}Здравствуйте, {{ name }}! {{ company.url }}/activate?token={{ token }}{% endblock %}",
            ),
        ]
    }
}

/// A database with the company beregovoy.
pub fn database(kind: Kind) -> Database {
    let database = Database::new(kind);
    let mut apply: Command = command(&database, NOW);
    run(apply.args(["tenant", "apply", "tenants/beregovoy"]));
    database
}

/// A platform over a database.
pub struct Stage {
    pub app: App,
    pub tenant: Arc<Tenant>,
}

#[derive(Debug, FromQueryResult, PartialEq, Eq)]
pub struct Job {
    pub state: i32,
    pub attempts: i32,
    pub last_error: Option<String>,
}

impl Stage {
    /// The platform whose letters go to the mail server at `url`; an empty one is none.
    pub async fn set(database: &Database, url: &str, now: &str) -> Self {
        Self::with(database, url, now, |_| {}).await
    }

    /// The same, believing the authority in a file as well.
    pub async fn believing(database: &Database, url: &str, now: &str, authority: &Path) -> Self {
        Self::with(database, url, now, |config| authority.clone_into(&mut config.mail.ca_file)).await
    }

    /// The same, awaiting reports of letters that came back.
    pub async fn awaiting(database: &Database, url: &str, now: &str) -> Self {
        Self::with(database, url, now, |config| ADDRESS.clone_into(&mut config.mail.bounce_address)).await
    }

    async fn with(database: &Database, url: &str, now: &str, configure: impl FnOnce(&mut Config)) -> Self {
        let mut config = database.config(now);
        url.clone_into(&mut config.mail.smtp_url);
        config.mail.from = "no-reply@kabinet.example".into();
        configure(&mut config);
        let app = App::open_with(config, vec![Arc::new(Writer)]).await.expect("the platform");
        let tenant = app.tenants.by_slug("beregovoy").await.expect("the companies").expect("beregovoy");
        Self { app, tenant }
    }

    pub fn letter(to: &str) -> Mail {
        let context = json!({ "name": "Анна <b>", "token": "t-1" });
        Mail::new(to, "Активация личного кабинета", "letters/hello", &context).expect("a letter")
    }

    /// Writes a letter in a transaction that commits.
    pub async fn send(&self, letter: &Mail) {
        let mut tx = self.app.db.begin(&self.tenant, Actor::System).await.expect("a transaction");
        tx.send_mail(letter).await.expect("queued");
        tx.commit().await.expect("a commit");
    }

    /// Runs what is due.
    pub async fn run(&self) {
        self.app.runner().drain().await.expect("the queue");
    }

    /// The letters in the queue.
    pub async fn jobs(&self) -> Vec<Job> {
        let connection = self.app.db.platform();
        let sql = "SELECT state, attempts, last_error FROM job WHERE module = 'mail' ORDER BY id";
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        Job::find_by_statement(statement).all(connection).await.expect("the jobs")
    }

    /// The payloads of all jobs, as stored.
    pub async fn payloads(&self) -> Vec<String> {
        #[derive(FromQueryResult)]
        struct Row {
            payload: String,
        }
        let tx = self.app.db.read(&self.tenant, Actor::System).await.expect("a transaction");
        let rows: Vec<Row> =
            tx.rows("SELECT payload FROM job_payload WHERE tenant_id = $1", vec![]).await.expect("the payloads");
        rows.into_iter().map(|row| row.payload).collect()
    }
}
