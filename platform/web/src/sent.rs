//! Files that people sent, on their way to a browser.

use poem::Response;
use poem::http::header;

/// Nothing in a file may run, load or be framed, whatever a browser takes it for.
const POLICY: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

/// The answer that carries a file which somebody sent: `disposition` says whether it is shown or saved, and as what.
#[must_use]
pub fn sent_file(media_type: &str, disposition: &str, bytes: Vec<u8>) -> Response {
    Response::builder()
        .content_type(media_type)
        .header(header::CONTENT_DISPOSITION, disposition)
        .header(header::CONTENT_SECURITY_POLICY, POLICY)
        .header(header::CACHE_CONTROL, "private, no-store")
        .header("cross-origin-resource-policy", "same-origin")
        .body(bytes)
}
