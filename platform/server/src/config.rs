//! The configuration: a TOML file, every key also as `KABINET_…` in the environment.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use kabinet_core::audit::Anchors;
use kabinet_core::{Clock, Day, Timestamp};
use kabinet_files::FilesConfig;
use kabinet_residents::PlatformRules;
use kabinet_web::PublicAddress;
use serde::{Deserialize, Serialize};

use crate::gosuslugi::GosuslugiConfig;
use crate::mail::{BounceAddress, Smtp};

/// Everything that can be configured, with defaults for a single machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Addresses.
    pub server: ServerConfig,
    /// Where files go.
    pub data: DataConfig,
    /// Where the files lie that people send.
    pub files: FilesConfig,
    /// The database.
    pub database: DatabaseConfig,
    /// The audit log.
    pub audit: AuditConfig,
    /// Letters.
    pub mail: MailConfig,
    /// Secrets of companies.
    pub secrets: SecretsConfig,
    /// Login through Gosuslugi.
    pub gosuslugi: GosuslugiConfig,
    /// The demo.
    pub demo: DemoConfig,
    /// Residents' logins.
    pub residents: PlatformRules,
    /// Gateways of notices.
    pub notifications: NotificationsConfig,
}

/// Gateways of notices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NotificationsConfig {
    /// Certificates (PEM) that gateways and messengers may come from, beside the usual ones; MAX needs those of
    /// Минцифры. Empty for none.
    pub ca_file: PathBuf,
}

impl NotificationsConfig {
    /// The certificates of `ca_file`; an error names the key.
    pub fn authorities(&self) -> anyhow::Result<Vec<u8>> {
        certificates("notifications.ca_file", &self.ca_file)
    }
}

/// The certificates of a file; none where none is named.
fn certificates(key: &str, file: &Path) -> anyhow::Result<Vec<u8>> {
    if file.as_os_str().is_empty() {
        return Ok(Vec::new());
    }
    let name = || format!("{key} {}", file.display());
    let text = std::fs::read(file).with_context(name)?;
    let holds_one = text.windows(27).any(|part| part == b"-----BEGIN CERTIFICATE-----");
    if holds_one { Ok(text) } else { Err(anyhow::anyhow!("no certificate in it")).with_context(name) }
}

/// Addresses and what the outside sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Where the portals listen.
    pub listen: SocketAddr,
    /// Where health and metrics listen.
    pub management: SocketAddr,
    /// `http` or `https`: how browsers reach the portals.
    pub public_scheme: String,
    /// The port in links of letters, where browsers need one; the demo's own by default.
    pub public_port: Option<u16>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Worker processes for plugins' compilation, templates and PDF.
    pub workers: usize,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            management: SocketAddr::from(([127, 0, 0, 1], 8081)),
            public_scheme: "http".into(),
            public_port: None,
            trusted_proxies: Vec::new(),
            workers: 2,
        }
    }
}

/// Where files go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataConfig {
    /// The folder for the embedded database, caches and the secret key.
    pub dir: PathBuf,
}

impl Default for DataConfig {
    fn default() -> Self {
        Self { dir: "data".into() }
    }
}

/// The database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseConfig {
    /// `sqlite://…` or `postgres://…` with the application's role.
    pub url: String,
    /// PostgreSQL: the role that owns the tables and migrates; empty where another process migrates.
    pub owner_url: String,
    /// Connections of this process; on PostgreSQL its jobs have as many again, four at least.
    pub connections: u32,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self { url: String::new(), owner_url: String::new(), connections: 8 }
    }
}

/// Secrets of companies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SecretsConfig {
    /// The file with the keys that seal them, the same for all servers; empty for `keys/ring` in `data.dir`.
    pub ring_file: PathBuf,
}

/// The audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditConfig {
    /// The folder that the heads of its chains are written to, best on another machine's disk and the same for all
    /// servers; empty for `audit` in `data.dir`.
    pub anchors: PathBuf,
}

/// Letters.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MailConfig {
    /// The mail server: `smtp://user:password@host:port` (STARTTLS) or `smtps://…`; empty for none.
    pub smtp_url: String,
    /// The sender's address; empty for `no-reply@` at the company's host.
    pub from: String,
    /// Where mail servers report letters that come back, `bounces@example.ru`: letters leave as from
    /// `bounces+<letter>@example.ru`, and what comes there is for `kabinet mail bounce`. Empty for none.
    pub bounce_address: String,
    /// Certificates (PEM) of the mail server's own authority, believed beside the usual ones; empty for none.
    pub ca_file: PathBuf,
}

impl MailConfig {
    /// The certificates of `ca_file`; an error names the key.
    pub fn authority(&self) -> anyhow::Result<Vec<u8>> {
        certificates("mail.ca_file", &self.ca_file)
    }
}

impl std::fmt::Debug for MailConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MailConfig(from {})", self.from)
    }
}

/// The demo.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DemoConfig {
    /// A fixed answer that the captcha accepts; empty for none.
    pub captcha_answer: String,
    /// A time from which the demo's clock ticks: `2026-11-22` or RFC 3339; empty for the real time.
    pub now: String,
    /// Whether this process serves the demo: said by `--demo`, never by the configuration.
    #[serde(skip)]
    pub running: bool,
}

impl DemoConfig {
    /// The answer that every captcha accepts; empty outside the demo.
    #[must_use]
    pub fn fixed_captcha_answer(&self) -> &str {
        if self.running { &self.captcha_answer } else { "" }
    }
}

/// Keys whose value may stand in a file that the environment names. Other keys may end in `_FILE` themselves.
const SECRETS: [&str; 4] = ["DATABASE__URL", "DATABASE__OWNER_URL", "MAIL__SMTP_URL", "FILES__S3_SECRET_KEY"];

impl Config {
    /// The configuration from `file` (when given) and the environment; an error names the key.
    pub fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = file {
            if !file.is_file() {
                bail!("{}: no such configuration file", file.display());
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        // Only names with a section are keys: KABINET_CACHE and the like belong to the build.
        let environment = Env::prefixed("KABINET_").filter(|key| key.as_str().contains("__")).split("__");
        let environment = environment.filter(|key| {
            let key = key.as_str().to_ascii_uppercase();
            let names_a_secret = key.strip_suffix("_FILE").is_some_and(|secret| SECRETS.contains(&secret));
            !names_a_secret && !key.ends_with("CAPTCHA_ANSWER")
        });
        let mut config: Self = figment.merge(environment).extract()?;
        // A text of digits, which the environment's reader would take for a number, without its zeros.
        if let Ok(answer) = std::env::var("KABINET_DEMO__CAPTCHA_ANSWER") {
            config.demo.captcha_answer = answer;
        }
        config.with_secret_files()?.checked()
    }

    /// Secrets may stand in files: `KABINET_DATABASE__URL_FILE`.
    fn with_secret_files(mut self) -> anyhow::Result<Self> {
        let values = [
            &mut self.database.url,
            &mut self.database.owner_url,
            &mut self.mail.smtp_url,
            &mut self.files.s3_secret_key,
        ];
        for (secret, value) in SECRETS.iter().zip(values) {
            let name = format!("KABINET_{secret}_FILE");
            if let Some(file) = std::env::var_os(&name) {
                let text = std::fs::read_to_string(&file).with_context(|| format!("{name}={}", file.display()))?;
                text.trim().clone_into(value);
            }
        }
        Ok(self)
    }

    fn checked(mut self) -> anyhow::Result<Self> {
        if self.database.url.is_empty() {
            self.database.url = format!("sqlite://{}", self.data.dir.join("kabinet.db").display());
        }
        if !["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| self.database.url.starts_with(scheme)) {
            bail!("database.url: expected sqlite://… or postgres://…");
        }
        if !["http", "https"].contains(&self.server.public_scheme.as_str()) {
            bail!("server.public_scheme: expected http or https");
        }
        self.clock()?;
        if !self.mail.smtp_url.is_empty() {
            Smtp::check(&self.mail.smtp_url, &self.mail.authority()?)?;
        }
        if !self.mail.bounce_address.is_empty() {
            BounceAddress::check(&self.mail.bounce_address)?;
        }
        Ok(self)
    }

    /// The file with the keys that seal companies' secrets.
    #[must_use]
    pub fn ring_file(&self) -> PathBuf {
        let named = &self.secrets.ring_file;
        if named.as_os_str().is_empty() { self.data.dir.join("keys/ring") } else { named.clone() }
    }

    /// Where the heads of the audit log's chains stand.
    #[must_use]
    pub fn anchors(&self) -> Anchors {
        let named = &self.audit.anchors;
        let folder = if named.as_os_str().is_empty() { self.data.dir.join("audit") } else { named.clone() };
        Anchors::new(folder, self.data.dir.join("audit-heads"))
    }

    /// How the portals are reached from outside.
    #[must_use]
    pub fn public_address(&self) -> PublicAddress {
        PublicAddress::new(&self.server.public_scheme, self.public_port())
    }

    /// The port that links carry.
    #[must_use]
    pub fn public_port(&self) -> Option<u16> {
        self.server.public_port.or_else(|| self.demo.running.then(|| self.server.listen.port()))
    }

    /// The clock that `demo.now` asks for.
    pub fn clock(&self) -> anyhow::Result<Clock> {
        if self.demo.now.is_empty() {
            return Ok(Clock::system());
        }
        let moment = chrono::DateTime::parse_from_rfc3339(&self.demo.now).map(|moment| moment.timestamp_millis());
        let day =
            || Day::parse(&self.demo.now).map(|day| day.start(chrono_tz::Asia::Yekaterinburg).plus_seconds(43_200));
        let start = moment.map(Timestamp).or_else(|_| day());
        Ok(Clock::starting_at(start.map_err(|_| anyhow::anyhow!("demo.now: expected 2026-11-22 or RFC 3339"))?))
    }

    /// The PostgreSQL role of the application: the user in `database.url`.
    #[must_use]
    pub fn application_role(&self) -> Option<String> {
        let (_, rest) = self.database.url.split_once("://")?;
        let (user, _) = rest.split_once('@')?;
        Some(user.split(':').next().unwrap_or(user).to_owned())
    }
}
