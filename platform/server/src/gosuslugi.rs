//! Login through Gosuslugi as the configuration sets it up: files read and checked once, at the start.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use kabinet_residents::gosuslugi::settings::client_id_problem;
use kabinet_residents::gosuslugi::{ClientConfig, CommandSigner, Endpoint, Gosuslugi, ProviderKey, certificate};
use serde::{Deserialize, Serialize};

/// Login through Gosuslugi (ESIA), for all companies. It is off until a signer is set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GosuslugiConfig {
    /// Where ESIA is: `https://esia.gosuslugi.ru`, or the test contour.
    pub base_url: String,
    /// What its tokens say in `iss`.
    pub issuer: String,
    /// The mnemonic of the platform's registered system; empty where each company brings its own.
    pub client_id: String,
    /// The file with that system's certificate, PEM or DER.
    pub certificate: String,
    /// The program that signs, with its arguments; `{client_id}` becomes the system that signs.
    pub signer: Vec<String>,
    /// Seconds it may take.
    pub signer_timeout: u64,
    /// The file with the certificate or public key that ESIA signs its tokens with.
    pub provider_key: String,
    /// A file with authorities that ESIA's own TLS certificate may come from, besides the usual ones; PEM.
    pub authorities: String,
    /// Seconds a call may take.
    pub timeout: u64,
}

impl Default for GosuslugiConfig {
    fn default() -> Self {
        Self {
            base_url: "https://esia.gosuslugi.ru".to_owned(),
            // Not a mistake: the tokens name the old scheme.
            issuer: "http://esia.gosuslugi.ru/".to_owned(),
            client_id: String::new(),
            certificate: String::new(),
            signer: Vec::new(),
            signer_timeout: 10,
            provider_key: String::new(),
            authorities: String::new(),
            timeout: 10,
        }
    }
}

impl GosuslugiConfig {
    /// The way to ESIA; `None` where no signer is set. An error names the key.
    pub fn open(&self) -> anyhow::Result<Option<Gosuslugi>> {
        let Some(signer) = CommandSigner::new(&self.signer, Duration::from_secs(self.signer_timeout)) else {
            return Ok(None);
        };
        let base_url = self.base_url.trim_end_matches('/').to_owned();
        if !base_url.starts_with("https://") {
            bail!("gosuslugi.base_url: expected https://…");
        }
        let key = ProviderKey::read(&read("gosuslugi.provider_key", &self.provider_key)?);
        let roots = match self.authorities.as_str() {
            "" => Vec::new(),
            file => read("gosuslugi.authorities", file)?,
        };
        let endpoint = Endpoint {
            base_url,
            issuer: self.issuer.clone(),
            key: key.context("gosuslugi.provider_key")?,
            address: None,
            roots,
            timeout: Duration::from_secs(self.timeout),
        };
        let config =
            ClientConfig { endpoint, client_id: self.client_id.clone(), certificate_hash: self.certificate_hash()? };
        Ok(Some(Gosuslugi::new(config, Arc::new(signer)).context("gosuslugi: TLS")?))
    }

    fn certificate_hash(&self) -> anyhow::Result<String> {
        if self.client_id.is_empty() {
            return Ok(String::new());
        }
        if let Some(problem) = client_id_problem(&self.client_id) {
            bail!("gosuslugi.client_id: {problem}");
        }
        certificate::certificate_hash(&read("gosuslugi.certificate", &self.certificate)?)
            .context("gosuslugi.certificate")
    }

    /// The origin to which forms may lead.
    #[must_use]
    pub fn origin(&self) -> String {
        self.base_url.trim_end_matches('/').to_owned()
    }
}

fn read(key: &str, file: &str) -> anyhow::Result<Vec<u8>> {
    if file.is_empty() {
        bail!("{key}: not set, and gosuslugi.signer is");
    }
    std::fs::read(Path::new(file)).with_context(|| format!("{key}: {file}"))
}
