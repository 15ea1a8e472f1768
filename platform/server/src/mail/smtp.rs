//! Handing letters to a mail server.

use std::time::Duration;

use anyhow::bail;
use kabinet_core::jobs::JobError;
use lettre::transport::smtp::{AsyncSmtpTransportBuilder, Error, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::outgoing::Outgoing;

/// No step of the conversation may take longer; a job's lease is longer than the whole.
const TIMEOUT: Duration = Duration::from_secs(15);
const CONNECTIONS: u32 = 4;

/// A mail server, with a pool of connections.
#[derive(Clone)]
pub struct Smtp(AsyncSmtpTransport<Tokio1Executor>);

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Smtp")
    }
}

impl Smtp {
    /// The server at `url`: `smtps://` is TLS from the start; `smtp://` with credentials insists on
    /// STARTTLS, without them uses it where it is offered; a server on this machine is trusted as it is;
    /// `?tls=none` switches TLS off.
    /// Its pool begins and ends inside a runtime.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        let pool = PoolConfig::new().max_size(CONNECTIONS).idle_timeout(Duration::from_secs(30));
        Ok(Self(builder(url)?.timeout(Some(TIMEOUT)).pool_config(pool).build()))
    }

    /// Whether [`Smtp::new`] would take the URL.
    pub fn check(url: &str) -> anyhow::Result<()> {
        builder(url).map(drop)
    }

    /// Hands a letter over. A refusal for good fails the job, anything else is tried again.
    pub(super) async fn deliver(&self, letter: &Outgoing) -> Result<(), JobError> {
        let message = letter.message()?;
        match self.0.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => Err(sorted(&error)),
        }
    }
}

fn builder(url: &str) -> anyhow::Result<AsyncSmtpTransportBuilder> {
    match AsyncSmtpTransport::<Tokio1Executor>::from_url(&with_security(url)) {
        Ok(builder) => Ok(builder),
        // The library's own words would repeat the URL with its password.
        Err(_) => bail!("mail.smtp_url: expected smtp://user:password@host:port or smtps://…"),
    }
}

/// The URL with the security that its parts ask for.
fn with_security(url: &str) -> String {
    let Some((bare, query)) = url.split_once('?').or(Some((url, ""))).filter(|_| url.starts_with("smtp://")) else {
        return url.to_owned();
    };
    if query == "tls=none" {
        return bare.to_owned();
    }
    if !query.is_empty() {
        return url.to_owned();
    }
    let credentials = bare.contains('@');
    let host = bare.trim_start_matches("smtp://").rsplit('@').next().unwrap_or_default();
    let local = ["localhost", "127.0.0.1", "[::1]"]
        .iter()
        .any(|name| host.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/'])));
    match (local, credentials) {
        (true, _) => bare.to_owned(),
        (false, true) => format!("{bare}?tls=required"),
        (false, false) => format!("{bare}?tls=opportunistic"),
    }
}

/// What a failure means for the job. The server's words may repeat the recipient's address: only codes
/// are kept.
fn sorted(error: &Error) -> JobError {
    let Some(status) = error.status() else {
        let what = if error.is_timeout() { "does not answer in time" } else { "cannot be reached" };
        let tls = if error.is_tls() { " (TLS)" } else { "" };
        return JobError::Retry(format!("the mail server {what}{tls}"));
    };
    let code = status.to_string();
    let words = error.to_string();
    let detail = words.split([' ', ':', ';', ',']).find(|word| is_enhanced(word)).unwrap_or_default();
    let text = format!("the mail server refuses: {code} {detail}").trim_end().to_owned();
    // 53x is about our own login, not about the letter.
    if error.is_permanent() && !code.starts_with("53") { JobError::Fail(text) } else { JobError::Retry(text) }
}

/// Whether a word is an enhanced status code (RFC 3463): `5.1.1`.
fn is_enhanced(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    parts.len() == 3
        && parts.iter().all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_never_travel_in_the_clear_by_accident() {
        assert_eq!(with_security("smtp://u:p@mail.example:587"), "smtp://u:p@mail.example:587?tls=required");
        assert_eq!(with_security("smtp://mail.example"), "smtp://mail.example?tls=opportunistic");
        assert_eq!(with_security("smtp://127.0.0.1:25"), "smtp://127.0.0.1:25");
        assert_eq!(with_security("smtp://localhost.evil:25"), "smtp://localhost.evil:25?tls=opportunistic");
        assert_eq!(with_security("smtp://u:p@mail.example?tls=none"), "smtp://u:p@mail.example");
        assert_eq!(with_security("smtps://u:p@mail.example"), "smtps://u:p@mail.example");
        assert!(Smtp::check("smtp://u:p@mail.example:587").is_ok());
        assert!(Smtp::check("http://u:p@mail.example").is_err_and(|error| !error.to_string().contains("u:p")));
    }

    #[test]
    fn enhanced_codes_are_told_from_addresses() {
        assert!(is_enhanced("5.1.1") && !is_enhanced("127.0.0.1") && !is_enhanced("a.b.c"));
    }
}
