//! The number of a request: in its answer's head, on the page that tells a failure, and with every line that is logged
//! meanwhile. Who reads it out on the phone leads support to the cause.

use std::fmt;
use std::sync::Arc;

use kabinet_core::Entropy;
use poem::Response;
use poem::http::HeaderValue;

/// The header that carries it.
const HEADER: &str = "x-request-id";
/// Letters and digits that nobody mistakes for another when they are read out.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Eight letters and digits, drawn anew for each request.
#[derive(Clone, Debug)]
pub(crate) struct RequestNumber(Arc<str>);

impl RequestNumber {
    pub(crate) fn draw() -> Self {
        let bytes: [u8; 8] = Entropy.bytes();
        Self(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect::<String>().into())
    }

    /// As text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Writes it into the head of the answer.
    pub(crate) fn mark(&self, response: &mut Response) {
        if let Ok(value) = HeaderValue::from_str(&self.0) {
            response.headers_mut().insert(HEADER, value);
        }
    }
}

impl fmt::Display for RequestNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
