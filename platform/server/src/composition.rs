//! The composition root: the one place that knows all modules and puts the house together.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use anyhow::{Context, bail};
use kabinet_accounts::sealed_codes::SealedCodes;
use kabinet_accounts::{Accounts, Profiles};
use kabinet_billing::{Billing, Codes, Linking};
use kabinet_contracts::PersonalData;
use kabinet_core::audit::Sealer;
use kabinet_core::jobs::JobRunner;
use kabinet_core::{Access, Db, DbConfig, KeyRing, Module, Ports, Registry, Tenants};
use kabinet_files::Files;
use kabinet_meters::{Links, Meters};
use kabinet_migrations::{Migrator, UnsafeRole, grant_to_application, refuse_unsafe_role, wait_for_turn};
use kabinet_notifications::{Notifications, Wiring};
use kabinet_paperless::Paperless;
use kabinet_plugin_host::PluginHost;
use kabinet_render::ReceiptPrinter;
use kabinet_requests::Requests;
use kabinet_residents::gosuslugi::GosuslugiLinks;
use kabinet_residents::{Gosuslugi, Residents};
use kabinet_sandbox::{Pool, PoolConfig};
use kabinet_web::cookie::{CookieNames, TokenKey};
use kabinet_web::page::Pages;
use kabinet_web::session::Sessions;
use kabinet_web::{Counters, Platform, PlatformConfig, Site, WebModule, application};
use poem::endpoint::BoxEndpoint;
use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use sea_orm_migration::MigratorTrait;

use crate::config::Config;
use crate::demo;
use crate::mail::{BounceAddress, Mails, Transport};

/// A running platform without its listeners.
pub struct App {
    /// The configuration it was opened with.
    pub config: Config,
    /// The database.
    pub db: Db,
    /// The companies.
    pub tenants: Tenants,
    /// The modules' tables of contents and handlers.
    pub registry: Arc<Registry>,
    /// Tariff plugins.
    pub plugins: PluginHost,
    /// Receipts.
    pub printer: ReceiptPrinter,
    /// Billing, for commands and the demo.
    pub billing: Billing,
    /// Files that people sent.
    pub files: Files,
    access: Access,
    key: [u8; 32],
    modules: Vec<Arc<dyn WebModule>>,
    transport: Transport,
    gosuslugi: Option<demo::gosuslugi::Demo>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "App({})", self.db.name())
    }
}

impl App {
    /// Opens the platform: folders, key, migrations, database, modules.
    pub async fn open(config: Config) -> anyhow::Result<Self> {
        Self::open_with(config, Vec::new()).await
    }

    /// The platform with further modules, opened as [`App::open`] does: how tests prove the toggle with one of their
    /// own.
    ///
    /// Boxed, since an `async fn` is compiled once more in every crate that awaits it, and this one awaits nearly all
    /// that the platform has.
    pub fn open_with(
        config: Config,
        further: Vec<Arc<dyn WebModule>>,
    ) -> Pin<Box<dyn Future<Output = anyhow::Result<Self>> + Send>> {
        Box::pin(Self::assemble(config, further))
    }

    async fn assemble(config: Config, further: Vec<Arc<dyn WebModule>>) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&config.data.dir).with_context(|| format!("data.dir {}", config.data.dir.display()))?;
        let key = secret_key(&config.data.dir)?;
        migrate(&config).await?;
        let db = Db::connect(&connections(&config), config.clock()?).await.context("database")?;
        refuse_role(db.platform()).await?;
        let ring = config.ring_file();
        db.use_keys(KeyRing::open(&ring).with_context(|| ring.display().to_string())?);
        let pool = workers(&config)?;
        let plugins = PluginHost::new(pool.clone(), config.data.dir.join("plugins"), key)?;
        let printer = ReceiptPrinter::new(pool);
        let tokens = TokenKey::new(key);
        let codes = Codes::new(tokens.derived("codes of receipts"));
        let links = Links::new(&tokens, config.public_address());
        let linking = Linking { codes, sealed: SealedCodes::new(&tokens), address: config.public_address() };
        let billing = Billing::new(db.clone(), plugins.clone(), printer.clone()).with_linking(linking);
        let ports = Ports::default();
        let billing = billing.with_ports(ports.clone());
        let tenants = Tenants::new(db.clone());
        let (stand_in, way) = gosuslugi(&config, &db, &tenants)?;
        let files = Files::open(&config.files, &config.data.dir.join("files")).context("files")?;
        let residents = Residents::new(personal(), db.pace()).under(config.residents.clone()).with_gosuslugi(way);
        let notifications = notifications(&config, &billing, &links, ports.clone(), &tokens)?;
        let mut modules: Vec<Arc<dyn WebModule>> = vec![
            Arc::new(residents),
            Arc::new(Accounts::new(Arc::new(codes), billing.estimates())),
            Arc::new(Meters::new(billing.estimates(), links, files.clone(), printer.clone())),
            Arc::new(billing.clone()),
            Arc::new(Requests::new(files.clone())),
            Arc::new(notifications),
            Arc::new(Paperless::new(printer.clone())),
        ];
        modules.extend(further);
        let transport = Transport::of(&config)?;
        let letters: Vec<_> = modules.iter().flat_map(|module| module.mails()).copied().collect();
        modules.push(Arc::new(Mails::new(letters, transport.clone(), (&config, &tokens), ports.clone())?));
        let registry = Arc::new(Registry::new(modules.iter().map(|module| &**module as &dyn Module)));
        ports.connect(&registry);
        db.only_events(registry.events());
        let access = Access::new(&registry).await?;
        Ok(Self {
            tenants,
            config,
            db,
            registry,
            plugins,
            printer,
            billing,
            files,
            access,
            key,
            modules,
            transport,
            gosuslugi: stand_in,
        })
    }

    /// The HTTP application of all hosts.
    pub fn endpoint(&self) -> anyhow::Result<BoxEndpoint<'static>> {
        let templates = self.modules.iter().flat_map(|module| module.templates()).copied();
        let platform = Arc::new(Platform {
            db: self.db.clone(),
            tenants: self.tenants.clone(),
            registry: self.registry.clone(),
            access: self.access.clone(),
            sessions: Sessions::new(self.db.clone(), Arc::new(Profiles)),
            counters: self.counters(),
            pages: Pages::new(templates)?,
            assets: kabinet_web::asset::Assets::default(),
            cookies: CookieNames::for_scheme(&self.config.server.public_scheme),
            key: TokenKey::new(self.key),
            config: PlatformConfig {
                public_scheme: self.config.server.public_scheme.clone(),
                trusted_proxies: self.config.server.trusted_proxies.clone(),
                form_targets: self.form_targets(),
                captcha_answer: self.config.demo.fixed_captcha_answer().to_owned(),
            },
        });
        application(&platform, &self.modules, self.sites()?).map_err(|error| anyhow::anyhow!(error))
    }

    /// What the modules count in the resident's menu.
    fn counters(&self) -> Counters {
        let of = |module: &Arc<dyn WebModule>| {
            let id = module.manifest().id;
            module.counters().into_iter().map(move |counter| (id, counter)).collect::<Vec<_>>()
        };
        Counters::new(self.db.clone(), self.registry.clone(), self.modules.iter().flat_map(of))
    }

    /// The hosts that are no company's.
    fn sites(&self) -> anyhow::Result<Vec<Site>> {
        let mut sites = Vec::new();
        match &self.transport {
            Transport::Mailbox(mailbox) => sites.push(mailbox.site()?),
            Transport::None => tracing::warn!("mail.smtp_url is not set: letters wait in the queue"),
            Transport::Smtp(_) => {}
        }
        sites.extend(self.gosuslugi.as_ref().map(demo::gosuslugi::Demo::site));
        Ok(sites)
    }

    /// The origins of other sites to which forms of the pages may lead.
    fn form_targets(&self) -> Vec<String> {
        match &self.gosuslugi {
            Some(stand_in) => vec![stand_in.origin.clone()],
            None if self.config.gosuslugi.signer.is_empty() => Vec::new(),
            None => vec![self.config.gosuslugi.origin()],
        }
    }

    /// The merged OpenAPI document.
    pub fn openapi(&self) -> anyhow::Result<serde_json::Value> {
        kabinet_web::openapi_document(&self.modules).map_err(|error| anyhow::anyhow!(error))
    }

    /// The modules, in menu order.
    #[must_use]
    pub fn modules(&self) -> &[Arc<dyn WebModule>] {
        &self.modules
    }

    /// The patterns of all pages of all modules.
    #[must_use]
    pub fn page_paths(&self) -> Vec<&'static str> {
        self.modules.iter().flat_map(|module| module.pages()).map(|page| page.path()).collect()
    }

    /// Chains the audit log.
    #[must_use]
    pub fn sealer(&self) -> Sealer {
        Sealer::new(self.db.clone(), self.tenants.clone(), self.config.anchors())
    }

    /// Where reports of letters that came back are awaited; none where the configuration names no such address.
    pub fn bounces(&self) -> anyhow::Result<Option<BounceAddress>> {
        BounceAddress::of(&self.config, &TokenKey::new(self.key))
    }

    /// The runner of jobs and events.
    #[must_use]
    pub fn runner(&self) -> JobRunner {
        JobRunner::new(self.db.clone(), self.tenants.clone(), self.registry.clone())
    }

    /// The runner of a server, which gives way to its answers.
    pub async fn runner_apart(&self) -> anyhow::Result<JobRunner> {
        let db = self.db.for_jobs(&connections(&self.config)).await.context("database")?;
        Ok(JobRunner::new(db, self.tenants.clone(), self.registry.clone()))
    }
}

fn connections(config: &Config) -> DbConfig {
    DbConfig { url: config.database.url.clone(), connections: config.database.connections }
}

/// What each module holds about a resident, whatever modules a company has on.
fn personal() -> Vec<Arc<dyn PersonalData>> {
    vec![
        Arc::new(GosuslugiLinks),
        Arc::new(kabinet_accounts::LinksOf),
        Arc::new(kabinet_meters::ReadingsOf),
        Arc::new(kabinet_requests::RequestsOf),
        Arc::new(kabinet_notifications::NoticesOf),
        Arc::new(kabinet_paperless::RefusalsOf),
    ]
}

/// The processes that do what is not trusted.
fn workers(config: &Config) -> anyhow::Result<Arc<Pool>> {
    let (program, workers) = (worker_program()?, config.server.workers);
    Ok(Arc::new(Pool::new(PoolConfig { program, args: vec!["worker".into()], workers })))
}

/// The notices, with what they ask of others.
fn notifications(
    config: &Config,
    billing: &Billing,
    links: &Links,
    ports: Ports,
    tokens: &TokenKey,
) -> anyhow::Result<Notifications> {
    let wiring = Wiring {
        estimates: billing.estimates(),
        ports,
        links: links.clone(),
        key: tokens,
        address: config.public_address(),
        authorities: &config.notifications.authorities()?,
    };
    Notifications::new(wiring).context("notifications.ca_file")
}

/// The way to Gosuslugi: the configured one, or in the demo a stand-in that comes along.
fn gosuslugi(
    config: &Config,
    db: &Db,
    tenants: &Tenants,
) -> anyhow::Result<(Option<demo::gosuslugi::Demo>, Option<Gosuslugi>)> {
    let configured = config.gosuslugi.open()?;
    if configured.is_some() || !config.demo.running {
        return Ok((None, configured));
    }
    let stand_in = demo::gosuslugi::Demo::open(config, db.clock().clone(), tenants.clone())?;
    let way = stand_in.client.clone();
    Ok((Some(stand_in), Some(way)))
}

/// Brings the database's tables up to date. PostgreSQL needs `database.owner_url` for that; without it
/// the tables must be up to date already.
pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    let (url, may_migrate) = match config.database.owner_url.as_str() {
        "" => (&config.database.url, config.database.url.starts_with("sqlite:")),
        owner => (&config.database.owner_url, !owner.is_empty()),
    };
    let connection = connect(url).await?;
    if may_migrate {
        wait_for_turn(&connection).await.context("database")?;
        Migrator::up(&connection, None).await.context("migrations")?;
        if let Some(role) = config.application_role() {
            grant_to_application(&connection, &role).await.context("grants to the application's role")?;
        }
    } else {
        let pending = Migrator::get_pending_migrations(&connection).await.context("migrations")?;
        if !pending.is_empty() {
            bail!("{} migrations are pending: run `kabinet migrate` with database.owner_url", pending.len());
        }
    }
    Ok(connection.close().await?)
}

#[expect(clippy::disallowed_methods, reason = "migrations create what the Db is the door to")]
async fn connect(url: &str) -> anyhow::Result<DatabaseConnection> {
    let mut options =
        ConnectOptions::new(if url.starts_with("sqlite:") { format!("{url}?mode=rwc") } else { url.to_owned() });
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.context("database")
}

async fn refuse_role(application: &DatabaseConnection) -> anyhow::Result<()> {
    match refuse_unsafe_role(application).await {
        Ok(()) => Ok(()),
        Err(UnsafeRole::Powerful(why)) => bail!("database.url: {why}; row security would not hold"),
        Err(UnsafeRole::Database(error)) => Err(error).context("database"),
    }
}

/// The binary whose `worker` command is the sandbox: this one, or `KABINET_WORKER` where another
/// program (a test) opens the platform.
fn worker_program() -> anyhow::Result<std::path::PathBuf> {
    match std::env::var_os("KABINET_WORKER") {
        Some(program) => Ok(program.into()),
        None => std::env::current_exe().context("own program"),
    }
}

/// The key of form tokens and compiled plugins: made at the first start, readable by its owner only.
fn secret_key(dir: &Path) -> anyhow::Result<[u8; 32]> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let path = dir.join("secret.key");
    if !path.exists() {
        let fresh: [u8; 32] = kabinet_core::Entropy.bytes();
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(&fresh)?;
    }
    let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
    bytes.try_into().map_err(|_| anyhow::anyhow!("{}: not a key of 32 bytes", path.display()))
}
