//! Calls to ESIA.

use std::net::SocketAddr;
use std::time::Duration;

use kabinet_outward::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use kabinet_outward::{Bytes, CallError, Full, HttpClient, Method, Reply, Request, TlsError, Uri, http};

use super::failure::Failure;

/// Longest answer that is read.
const LARGEST: usize = 256 * 1024;

/// A client for one host.
#[derive(Clone, Debug)]
pub(super) struct Http {
    client: HttpClient,
    base: String,
    address: Option<SocketAddr>,
}

impl Http {
    /// A client for `base` (scheme and host, no slash at the end). `address`, where given, is connected to
    /// instead of looking the name up; `roots` are believed beside the usual authorities.
    pub(super) fn new(
        base: &str,
        address: Option<SocketAddr>,
        roots: &[u8],
        timeout: Duration,
    ) -> Result<Self, TlsError> {
        let client = HttpClient::new(roots, timeout, LARGEST)?;
        Ok(Self { client, base: base.to_owned(), address })
    }

    /// GET with a bearer token.
    pub(super) async fn get(&self, path: &str, token: &str) -> Result<Reply, Failure> {
        let bearer = HeaderValue::from_str(&format!("Bearer {token}")).map_err(unsendable)?;
        let request = self.request(Method::GET, path)?.header(AUTHORIZATION, bearer);
        self.send(request.body(Full::default()).map_err(unsendable)?).await
    }

    /// POST of a form.
    pub(super) async fn post(&self, path: &str, form: String) -> Result<Reply, Failure> {
        let request = self.request(Method::POST, path)?.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Full::from(form)).map_err(unsendable)?).await
    }

    fn request(&self, method: Method, path: &str) -> Result<http::request::Builder, Failure> {
        let uri: Uri = format!("{}{path}", self.base).parse().map_err(unsendable)?;
        let request = Request::builder().method(method).header(ACCEPT, "application/json");
        let Some(address) = self.address else { return Ok(request.uri(uri)) };
        let host = uri.authority().map(|authority| authority.as_str().to_owned()).unwrap_or_default();
        Ok(request.uri(format!("http://{address}{path}")).header(HOST, host))
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Reply, Failure> {
        self.client.call(request).await.map_err(|error: CallError| Failure::Unavailable(error.to_string()))
    }
}

fn unsendable(error: impl std::fmt::Display) -> Failure {
    Failure::Unavailable(format!("request: {error}"))
}
