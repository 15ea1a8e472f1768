//! Calls to gateways and messengers: TLS by rustls, a deadline for the whole call, a bounded answer, no redirects
//! followed.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use hyper::{Method, Request};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Longest answer that is read.
const LARGEST: usize = 64 * 1024;
/// The longest a call may take.
const DEADLINE: Duration = Duration::from_secs(15);

/// A client for all gateways. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Http(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

/// A call to be made.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// Where to.
    pub url: String,
    /// What is sent; a GET without it.
    pub body: Option<Body>,
    /// The value of the header `Authorization`; empty for none.
    pub authorization: String,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Call")
    }
}

/// What is sent along.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// A form, encoded.
    Form(String),
    /// JSON.
    Json(String),
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Seconds to wait that the other side asked for.
    pub retry_after: Option<i64>,
    /// Body, as text.
    pub body: String,
}

impl Http {
    /// A client that believes `roots` (PEM, may be empty) beside the usual authorities.
    pub(crate) fn new(roots: &[u8]) -> Result<Self, rustls::Error> {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(DEADLINE));
        connector.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(roots)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector)))
    }

    /// Makes a call; an error says why there was no answer, without the address, which may hold a secret.
    pub(crate) async fn send(&self, call: &Call) -> Result<Answer, String> {
        let request = request(call).map_err(|_| "the address cannot be called".to_owned())?;
        let work = async {
            let response = self.0.request(request).await.map_err(|_| "the other side cannot be reached")?;
            let status = response.status().as_u16();
            let wait = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
            let body = Limited::new(response.into_body(), LARGEST).collect().await;
            let body = body.map_err(|_| "the answer cannot be read")?.to_bytes();
            Ok(Answer { status, retry_after: wait, body: String::from_utf8_lossy(&body).into_owned() })
        };
        match tokio::time::timeout(DEADLINE, work).await {
            Ok(outcome) => outcome.map_err(|text: &str| text.to_owned()),
            Err(_) => Err("no answer in time".to_owned()),
        }
    }
}

fn request(call: &Call) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    let method = if call.body.is_some() { Method::POST } else { Method::GET };
    let mut request = Request::builder().method(method).uri(&call.url).header(ACCEPT, "application/json");
    if !call.authorization.is_empty() {
        request = request.header(AUTHORIZATION, &call.authorization);
    }
    match &call.body {
        None => request.body(Full::default()),
        Some(Body::Form(text)) => {
            request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(Full::from(text.clone()))
        }
        Some(Body::Json(text)) => request.header(CONTENT_TYPE, "application/json").body(Full::from(text.clone())),
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
