//! Calls to other machines: TLS by rustls, a deadline for the whole call, a bounded answer, no redirects followed.

use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

pub use http_body_util::Full;
pub use hyper::body::Bytes;
pub use hyper::{Method, Request, Uri, header, http};
pub use rustls::Error as TlsError;

/// A client for any number of hosts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HttpClient {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    deadline: Duration,
    largest: usize,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// Seconds to wait that the other side asked for.
    pub retry_after: Option<i64>,
    /// Body.
    pub body: Bytes,
}

/// Why nothing came back. The causes may name the address called.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The deadline passed.
    #[error("no answer in time")]
    Late,
    /// There is no connection, or it broke; with all causes.
    #[error("the other side cannot be reached: {0}")]
    Unreachable(String),
    /// The answer broke off, or is longer than the client reads; with all causes.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
}

impl HttpClient {
    /// A client that believes `roots` (PEM, may be empty) beside the usual authorities, waits for an answer no longer
    /// than `deadline` and reads at most `largest` bytes of it; an error when an authority cannot be read.
    pub fn new(roots: &[u8], deadline: Duration, largest: usize) -> Result<Self, TlsError> {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(deadline));
        connector.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(roots)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector), deadline, largest })
    }

    /// The answer to a request, whatever its status.
    pub async fn call(&self, request: Request<Full<Bytes>>) -> Result<Reply, CallError> {
        let call = async {
            let response = self.client.request(request).await.map_err(|e| CallError::Unreachable(causes(&e)))?;
            let status = response.status().as_u16();
            let wait = response.headers().get(header::RETRY_AFTER);
            let retry_after = wait.and_then(|value| value.to_str().ok()?.parse().ok());
            let body = Limited::new(response.into_body(), self.largest).collect().await;
            let body = body.map_err(|e| CallError::Unreadable(causes(e.as_ref())))?.to_bytes();
            Ok(Reply { status, retry_after, body })
        };
        tokio::time::timeout(self.deadline, call).await.unwrap_or(Err(CallError::Late))
    }
}

fn tls(roots: &[u8]) -> Result<ClientConfig, TlsError> {
    let mut store = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in CertificateDer::pem_slice_iter(roots).flatten() {
        store.add(certificate)?;
    }
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(versions.with_root_certificates(store).with_no_client_auth())
}

/// The error and its causes in one line: hyper says «client error (Connect)» and hides the rest behind it.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}
