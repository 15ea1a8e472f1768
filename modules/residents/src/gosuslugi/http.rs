//! Calls to ESIA: TLS by rustls, a deadline for the whole call, a bounded answer, no redirects followed.

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::failure::Failure;

/// Longest answer that is read.
const LARGEST: usize = 256 * 1024;

/// A client for one host.
#[derive(Clone, Debug)]
pub(super) struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
    address: Option<SocketAddr>,
    timeout: Duration,
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Bytes,
}

impl Http {
    /// A client for `base` (scheme and host, no slash at the end). `address`, where given, is connected to
    /// instead of looking the name up; `roots` are believed beside the usual authorities.
    pub(super) fn new(
        base: &str,
        address: Option<SocketAddr>,
        roots: &[u8],
        timeout: Duration,
    ) -> Result<Self, rustls::Error> {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(timeout));
        connector.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(roots)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, base: base.to_owned(), address, timeout })
    }

    /// GET with a bearer token.
    pub(super) async fn get(&self, path: &str, token: &str) -> Result<Answer, Failure> {
        let bearer = HeaderValue::from_str(&format!("Bearer {token}")).map_err(unsendable)?;
        let request = self.request(Method::GET, path)?.header(AUTHORIZATION, bearer);
        self.send(request.body(Full::default()).map_err(unsendable)?).await
    }

    /// POST of a form.
    pub(super) async fn post(&self, path: &str, form: String) -> Result<Answer, Failure> {
        let request = self.request(Method::POST, path)?.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Full::from(form)).map_err(unsendable)?).await
    }

    fn request(&self, method: Method, path: &str) -> Result<hyper::http::request::Builder, Failure> {
        let uri: Uri = format!("{}{path}", self.base).parse().map_err(unsendable)?;
        let request = Request::builder().method(method).header(ACCEPT, "application/json");
        let Some(address) = self.address else { return Ok(request.uri(uri)) };
        let host = uri.authority().map(|authority| authority.as_str().to_owned()).unwrap_or_default();
        Ok(request.uri(format!("http://{address}{path}")).header(HOST, host))
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Answer, Failure> {
        let call = async {
            let response = self.client.request(request).await.map_err(|error| unavailable(&error))?;
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), LARGEST).collect().await;
            let body = body.map_err(|error| unavailable(error.as_ref()))?.to_bytes();
            Ok(Answer { status, body })
        };
        match tokio::time::timeout(self.timeout, call).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::Unavailable("no answer in time".to_owned())),
        }
    }
}

fn tls(roots: &[u8]) -> Result<ClientConfig, rustls::Error> {
    let mut store = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in CertificateDer::pem_slice_iter(roots).flatten() {
        store.add(certificate)?;
    }
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(versions.with_root_certificates(store).with_no_client_auth())
}

/// The error and its causes in one line: hyper says «client error (Connect)» and hides the rest behind it.
fn unavailable(error: &dyn std::error::Error) -> Failure {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    Failure::Unavailable(text)
}

fn unsendable(error: impl std::fmt::Display) -> Failure {
    Failure::Unavailable(format!("request: {error}"))
}
