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
use kabinet_residents::gosuslugi::{ClientConfig, Endpoint, Gosuslugi, MemorySigner, ProviderKey, certificate};
use kabinet_web::Site;
use ring::signature::RsaKeyPair;
use rsa::pkcs8::EncodePrivateKey;

pub use people::Person;
pub use provider::{Provider, Redirects, Registration, Verifier};

use crate::config::Config;

/// The host on which it answers.
pub const HOST: &str = "esia.localhost";
/// The mnemonic under which the demo's platform is registered.
const CLIENT: &str = "KABINET-DEMO";

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
        let key = provider_key(&config.data.dir)?;
        let provider = Provider::new(&origin, &key, clock)?;
        let client_key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519)?;
        let signer = MemorySigner::from_pkcs8(&client_key.serialize_der())?;
        let own = rcgen::CertificateParams::new(Vec::new())?.self_signed(&client_key)?;
        let certificate_hash = certificate::certificate_hash(own.der())?;
        provider.register(Registration {
            client_id: CLIENT.to_owned(),
            certificate_hash: certificate_hash.clone(),
            verifier: Arc::new(provider::Ed25519Verifier(signer.public_key())),
            redirects: Redirects::Portals { tenants: Box::new(tenants), scheme: scheme.clone(), suffix },
        });
        let endpoint = Endpoint {
            base_url: origin.clone(),
            issuer: provider.issuer().to_owned(),
            key: provider.key(),
            address: Some(reachable(config.server.listen)),
            roots: Vec::new(),
            timeout: Duration::from_secs(3),
        };
        let config = ClientConfig { endpoint, client_id: CLIENT.to_owned(), certificate_hash };
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

/// The provider's RSA key, PKCS#8: made at the first start, since making one takes a second.
fn provider_key(dir: &Path) -> anyhow::Result<Vec<u8>> {
    let path = dir.join("demo-gosuslugi.key");
    if let Ok(key) = std::fs::read(&path)
        && RsaKeyPair::from_pkcs8(&key).is_ok()
    {
        return Ok(key);
    }
    let key = fresh_key()?;
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
    file.write_all(&key)?;
    Ok(key)
}

/// A fresh RSA key of 2048 bits, PKCS#8.
pub fn fresh_key() -> anyhow::Result<Vec<u8>> {
    let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048)?;
    Ok(key.to_pkcs8_der()?.as_bytes().to_vec())
}

/// The certificate of such a key, as ESIA publishes one.
fn certificate_of(key: &[u8]) -> anyhow::Result<ProviderKey> {
    let key = rcgen::KeyPair::try_from(key)?;
    let certificate = rcgen::CertificateParams::new(Vec::new())?.self_signed(&key)?;
    Ok(ProviderKey::read(certificate.pem().as_bytes())?)
}
