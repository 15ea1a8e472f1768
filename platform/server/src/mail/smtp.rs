//! Handing letters to a mail server.

use std::error::Error as _;
use std::time::Duration;

use anyhow::{Context, bail};
use kabinet_core::jobs::JobError;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{AsyncSmtpTransportBuilder, Error, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use poem::http::Uri;

use super::Undelivered;
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
    /// `?tls=none` switches TLS off. Certificates of `authority` (PEM, may be empty) are believed beside those
    /// of the usual authorities.
    /// Its pool begins and ends inside a runtime.
    pub fn new(url: &str, authority: &[u8]) -> anyhow::Result<Self> {
        let pool = PoolConfig::new().max_size(CONNECTIONS).idle_timeout(Duration::from_secs(30));
        Ok(Self(builder(url, authority)?.timeout(Some(TIMEOUT)).pool_config(pool).build()))
    }

    /// Whether [`Smtp::new`] would take them.
    pub fn check(url: &str, authority: &[u8]) -> anyhow::Result<()> {
        builder(url, authority).map(drop)
    }

    /// Hands a letter over.
    pub(super) async fn deliver(&self, letter: &Outgoing) -> Result<(), Undelivered> {
        let message = letter.message()?;
        match self.0.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => Err(sorted(&error)),
        }
    }
}

fn builder(url: &str, authority: &[u8]) -> anyhow::Result<AsyncSmtpTransportBuilder> {
    let url = with_security(url);
    // The library's own words would repeat the URL with its password.
    let expected = "mail.smtp_url: expected smtp://user:password@host:port or smtps://…";
    let Ok(builder) = AsyncSmtpTransport::<Tokio1Executor>::from_url(&url) else { bail!(expected) };
    if authority.is_empty() {
        return Ok(builder);
    }
    let Ok(uri) = url.parse::<Uri>() else { bail!(expected) };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let believed = Certificate::from_pem(authority).context("mail.ca_file")?;
    let parameters = TlsParameters::builder(host).add_root_certificate(believed).build().context("mail.ca_file")?;
    Ok(match (uri.scheme_str(), uri.query()) {
        (Some("smtps"), _) => builder.tls(Tls::Wrapper(parameters)),
        (_, Some("tls=required")) => builder.tls(Tls::Required(parameters)),
        (_, Some("tls=opportunistic")) => builder.tls(Tls::Opportunistic(parameters)),
        _ => builder,
    })
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

/// What a failure means for the letter. The server's words may repeat the recipient's address: only codes
/// are kept.
fn sorted(error: &Error) -> Undelivered {
    let Some(status) = error.status() else { return JobError::Retry(unreached(error)).into() };
    let code = status.to_string();
    let words = error.to_string();
    let detail = words.split([' ', ':', ';', ',']).find(|word| is_enhanced(word)).unwrap_or_default();
    let codes = format!("{code} {detail}").trim_end().to_owned();
    // 53x is about our own login, not about the letter.
    if error.is_permanent() && !code.starts_with("53") {
        Undelivered::Bounced(codes)
    } else {
        JobError::Retry(refusal(&codes)).into()
    }
}

/// A mail server's refusal in words.
pub(super) fn refusal(codes: &str) -> String {
    format!("the mail server refuses: {codes}")
}

/// Why the conversation did not come to an answer about the letter.
fn unreached(error: &Error) -> String {
    let mut cause = error.source();
    while let Some(inner) = cause {
        let tls = inner.downcast_ref::<std::io::Error>().and_then(|error| error.get_ref()?.downcast_ref());
        match tls {
            Some(rustls::Error::InvalidCertificate(fault)) => {
                return format!("the mail server's certificate is not believed: {fault}");
            }
            Some(other) => return format!("TLS with the mail server fails: {other}"),
            None => cause = inner.source(),
        }
    }
    let what = match () {
        () if error.is_timeout() => "does not answer in time",
        () if error.is_client() => "does not offer what mail.smtp_url asks for (STARTTLS, a way to log in)",
        () => "cannot be reached",
    };
    format!("the mail server {what}")
}

/// Whether a word is an enhanced status code (RFC 3463): `5.1.1`.
pub(super) fn is_enhanced(word: &str) -> bool {
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
        assert!(Smtp::check("smtp://u:p@mail.example:587", b"").is_ok());
        assert!(Smtp::check("http://u:p@mail.example", b"").is_err_and(|error| !error.to_string().contains("u:p")));
    }

    #[test]
    fn enhanced_codes_are_told_from_addresses() {
        assert!(is_enhanced("5.1.1") && !is_enhanced("127.0.0.1") && !is_enhanced("a.b.c"));
    }
}
