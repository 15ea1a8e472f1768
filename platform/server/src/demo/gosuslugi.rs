//! A stand-in for Gosuslugi: the demo's and the tests' provider, as strict as the protocol is.
//!
//! It speaks for nobody: people and keys are invented, and it is there only where the demo is served. A
//! knob, set for one login, makes it misbehave in one way, for tests.

mod login;
mod people;
mod provider;
mod tokens;

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use kabinet_core::{Clock, Tenants};
use kabinet_residents::gosuslugi::{ClientConfig, Endpoint, Gosuslugi, MemorySigner, certificate};
use kabinet_web::Site;
use ring::signature::RsaKeyPair;
use rsa::pkcs8::EncodePrivateKey;

pub use people::Person;
pub use provider::{Provider, Redirects, Registration, Verifier};

use crate::config::Config;

/// The host on which it answers.
pub const HOST: &str = "esia.localhost";
/// The mnemonic under which the demo's platform is registered.
const PLATFORM: &str = "KABINET-DEMO";
/// The mnemonic of a second system, for a company that wants one of its own; its certificate is the file
/// `demo-gosuslugi-COMPANY-DEMO.cer` of the data.
pub const COMPANY: &str = "COMPANY-DEMO";

/// The stand-in with the way to it.
pub struct Demo {
    /// What answers on [`HOST`].
    pub provider: Provider,
    /// The platform's way to it.
    pub client: Gosuslugi,
    /// Its origin, to which forms may lead.
    pub origin: String,
}

impl Demo {
    /// Keys, registration and both ends for the demo of `config`; companies' portals are its registered
    /// ways back.
    pub fn open(config: &Config, clock: Clock, tenants: Tenants) -> anyhow::Result<Self> {
        let (scheme, port) = (&config.server.public_scheme, config.public_port());
        let suffix = port.map(|port| format!(":{port}")).unwrap_or_default();
        let origin = format!("{scheme}://{HOST}{suffix}");
        let provider = Provider::new(&origin, &provider_key(&config.data.dir)?, clock)?;
        let redirects = Redirects::Portals { tenants: Box::new(tenants), scheme: scheme.clone(), suffix };
        let mut signer = MemorySigner::default();
        let mut register = |client_id| register(&provider, &mut signer, client_id, &redirects, &config.data.dir);
        let certificate_hash = register(PLATFORM)?;
        register(COMPANY)?;
        let endpoint = Endpoint {
            base_url: origin.clone(),
            issuer: provider.issuer().to_owned(),
            key: provider.key(),
            address: Some(reachable(config.server.listen)),
            roots: Vec::new(),
            timeout: Duration::from_secs(3),
        };
        let config = ClientConfig { endpoint, client_id: PLATFORM.to_owned(), certificate_hash };
        let client = Gosuslugi::new(config, Arc::new(signer)).context("the demo's Gosuslugi")?;
        Ok(Self { provider, client, origin })
    }

    /// The host for the application.
    #[must_use]
    pub fn site(&self) -> Site {
        Site::new(HOST, self.provider.endpoint())
    }
}

/// Where this process reaches its own listener.
fn reachable(listen: SocketAddr) -> SocketAddr {
    if listen.ip().is_unspecified() { SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), listen.port()) } else { listen }
}

/// Makes a system known to both ends, its certificate a file in `dir`; the hash of the certificate comes back.
fn register(
    provider: &Provider,
    signer: &mut MemorySigner,
    client_id: &str,
    redirects: &Redirects,
    dir: &Path,
) -> anyhow::Result<String> {
    let name = format!("demo-gosuslugi-{client_id}");
    let fresh = || Ok(rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519)?.serialize_der());
    let document = kept_key(&dir.join(format!("{name}.key")), |key| signer.add(client_id, key).is_ok(), fresh)?;
    let public = signer.add(client_id, &document)?;
    let certificate = certificate_of(&document)?;
    std::fs::write(dir.join(format!("{name}.cer")), &certificate)?;
    let certificate_hash = certificate::certificate_hash(certificate.as_bytes())?;
    provider.register(Registration {
        client_id: client_id.to_owned(),
        certificate_hash: certificate_hash.clone(),
        verifier: Arc::new(provider::Ed25519Verifier(public)),
        redirects: redirects.clone(),
    });
    Ok(certificate_hash)
}

/// The provider's RSA key, PKCS#8: kept, since making one takes a second.
fn provider_key(dir: &Path) -> anyhow::Result<Vec<u8>> {
    kept_key(&dir.join("demo-gosuslugi.key"), |key| RsaKeyPair::from_pkcs8(key).is_ok(), fresh_key)
}

/// The key in a file, PKCS#8; a fresh one takes its place where it is not fit.
fn kept_key(
    path: &Path,
    mut fit: impl FnMut(&[u8]) -> bool,
    fresh: impl FnOnce() -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<Vec<u8>> {
    if let Ok(key) = std::fs::read(path)
        && fit(&key)
    {
        return Ok(key);
    }
    let key = fresh()?;
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(&key)?;
    Ok(key)
}

/// A fresh RSA key of 2048 bits, PKCS#8.
pub fn fresh_key() -> anyhow::Result<Vec<u8>> {
    let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048)?;
    Ok(key.to_pkcs8_der()?.as_bytes().to_vec())
}

/// The certificate of a key, PEM.
fn certificate_of(key: &[u8]) -> anyhow::Result<String> {
    let key = rcgen::KeyPair::try_from(key)?;
    Ok(rcgen::CertificateParams::new(Vec::new())?.self_signed(&key)?.pem())
}
