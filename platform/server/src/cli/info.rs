//! `kabinet --version`, `kabinet doctor`, `kabinet config check`.

use std::process::ExitCode;
use std::sync::{LazyLock, OnceLock};

use kabinet_core::{Db, DbConfig, calendar};

use crate::config::Config;
use crate::places::Places;

static COMMIT: OnceLock<&'static str> = OnceLock::new();

/// Says of which commit the program was built; nothing where the build did not know it.
pub(super) fn built_of(commit: Option<&'static str>) {
    if let Some(commit) = commit.filter(|commit| !commit.is_empty()) {
        let _ = COMMIT.set(commit);
    }
}

/// Version, and the commit where the build knew it.
pub(super) fn version() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| match COMMIT.get() {
        Some(commit) => format!("{} ({commit})", env!("CARGO_PKG_VERSION")),
        None => env!("CARGO_PKG_VERSION").to_owned(),
    });
    &TEXT
}

/// The effective configuration in a few lines, without secrets.
pub(super) fn sketch(config: &Config) -> String {
    [
        format!("server.listen      {}", config.server.listen),
        format!("server.management  {}", config.server.management),
        format!("server.scheme      {}", config.server.public_scheme),
        format!("data.dir           {}", config.data.dir.display()),
        format!("database           {}", database(config)),
        format!("mail               {}", mail(config)),
        format!("bounces            {}", bounces(config)),
        "the configuration is good".to_owned(),
    ]
    .join("\n")
}

/// What this binary is, and whether what it needs is there; a failure status when something is not.
pub(super) async fn doctor(config: &Config) -> anyhow::Result<ExitCode> {
    println!("kabinet     {}", env!("CARGO_PKG_VERSION"));
    println!("commit      {}", COMMIT.get().unwrap_or(&"unknown"));
    println!("profile     {}", if cfg!(debug_assertions) { "debug" } else { "release" });
    println!("databases   SQLite, PostgreSQL");
    let places = Places::usual();
    let mut good = true;
    let mut report = |what: &str, outcome: Result<String, String>| {
        good &= outcome.is_ok();
        match outcome {
            Ok(text) => println!("{what:<11} {text}"),
            Err(text) => println!("{what:<11} MISSING: {text}"),
        }
    };
    report("plugins", places.plugins().map(|dir| dir.display().to_string()).map_err(|error| error.to_string()));
    report("packages", places.tenants().map(|dir| dir.display().to_string()).map_err(|error| error.to_string()));
    report("database", reach(config).await);
    println!("calendar    {}", days_off(config)?);
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is known of days off. A year that is missing stops nothing: it is a warning.
fn days_off(config: &Config) -> anyhow::Result<String> {
    let today = config.clock()?.now().day(chrono_tz::UTC);
    let warning = calendar::shortcoming(today).map(|text| format!("WARNING: {text}"));
    Ok(warning.unwrap_or_else(|| "knows this year and the coming one".to_owned()))
}

async fn reach(config: &Config) -> Result<String, String> {
    let path = config.database.url.strip_prefix("sqlite://");
    if let Some(path) = path.filter(|path| !std::path::Path::new(path.split('?').next().unwrap_or(path)).exists()) {
        return Ok(format!("SQLite, {path} will be created"));
    }
    let settings = DbConfig { url: config.database.url.clone(), connections: 1 };
    let clock = config.clock().map_err(|error| error.to_string())?;
    let db = Db::connect(&settings, clock).await.map_err(|error| error.to_string())?;
    db.ping().await.map_err(|error| error.to_string())?;
    Ok(format!("{} answers", db.name()))
}

/// Where letters go.
fn mail(config: &Config) -> String {
    match config.mail.smtp_url.as_str() {
        "" => "mail.smtp_url is not set: letters wait in the queue (the demo shows them in its mailbox)".to_owned(),
        url => without_password(url),
    }
}

/// Where letters come back to.
fn bounces(config: &Config) -> String {
    match config.mail.bounce_address.as_str() {
        "" => "mail.bounce_address is not set: what comes back after the mail server took it is not noticed".to_owned(),
        address => address.to_owned(),
    }
}

/// The database without its password.
fn database(config: &Config) -> String {
    without_password(&config.database.url)
}

fn without_password(url: &str) -> String {
    match url.split_once("://").and_then(|(scheme, rest)| rest.rsplit_once('@').map(|(_, host)| (scheme, host))) {
        Some((scheme, host)) => format!("{scheme}://…@{host}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let mut config = Config::default();
        config.database.url = "postgres://app:secret@db.example/kabinet".to_owned();
        assert_eq!(database(&config), "postgres://…@db.example/kabinet");
        config.mail.smtp_url = "smtp://kabinet:secret@mail.example:587".to_owned();
        assert!(!sketch(&config).contains("secret") && !format!("{config:?}").contains("587"));
    }
}
