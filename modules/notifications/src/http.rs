//! Calls to gateways and messengers.

use std::time::Duration;

use kabinet_outward::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use kabinet_outward::{Bytes, CallError, Full, HttpClient, Method, Request, TlsError, http};

/// Longest answer that is read.
const LARGEST: usize = 64 * 1024;
/// The longest a call may take.
const DEADLINE: Duration = Duration::from_secs(15);

/// A client for all gateways. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Http(HttpClient);

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
    pub(crate) fn new(roots: &[u8]) -> Result<Self, TlsError> {
        HttpClient::new(roots, DEADLINE, LARGEST).map(Self)
    }

    /// Makes a call; an error says why there was no answer, without the address, which may hold a secret.
    pub(crate) async fn send(&self, call: &Call) -> Result<Answer, String> {
        let request = request(call).map_err(|_| "the address cannot be called".to_owned())?;
        let reply = self.0.call(request).await.map_err(|error| match error {
            CallError::Late => "no answer in time".to_owned(),
            CallError::Unreachable(_) => "the other side cannot be reached".to_owned(),
            CallError::Unreadable(_) => "the answer cannot be read".to_owned(),
        })?;
        let body = String::from_utf8_lossy(&reply.body).into_owned();
        Ok(Answer { status: reply.status, retry_after: reply.retry_after, body })
    }
}

fn request(call: &Call) -> Result<Request<Full<Bytes>>, http::Error> {
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
