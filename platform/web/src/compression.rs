//! Compression: pages fast, the files that browsers keep for good small; pictures and PDFs as they are.

use poem::http::{HeaderValue, header};
use poem::web::{Compress, CompressionAlgo, CompressionLevel};
use poem::{IntoResponse, Request, Response};

/// Whether the browser takes gzip.
pub(crate) fn takes_gzip(request: &Request) -> bool {
    let accepted = request.header(header::ACCEPT_ENCODING).unwrap_or_default();
    let mut codings = accepted.split(',').map(|coding| coding.split_once(';').unwrap_or((coding, "")));
    codings
        .any(|(name, weight)| name.trim() == "gzip" && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
}

/// The response as it crosses the line. What is sent once and kept is worth the slower level: the style
/// sheet is a third smaller with it.
pub(crate) fn compressed(mut response: Response, takes_gzip: bool) -> Response {
    let kind = response.content_type().unwrap_or_default();
    let text = ["text/", "application/json", "application/problem+json", "image/svg+xml"];
    if response.status().is_redirection() || !text.iter().any(|prefix| kind.starts_with(prefix)) {
        return response;
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
    if !takes_gzip {
        return response;
    }
    let kept = response.header(header::CACHE_CONTROL).is_some_and(|value| value.contains("immutable"));
    let level = if kept { CompressionLevel::Default } else { CompressionLevel::Fastest };
    Compress::new(response, CompressionAlgo::GZIP).with_quality(level).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_is_compressed_and_only_for_those_who_take_it() {
        let answer = |kind: &str, takes| {
            let response = Response::builder().content_type(kind).body("x");
            compressed(response, takes).header(header::CONTENT_ENCODING).map(str::to_owned)
        };
        assert_eq!(answer("text/html; charset=utf-8", true).as_deref(), Some("gzip"));
        assert_eq!(answer("text/html; charset=utf-8", false), None);
        assert_eq!(answer("application/pdf", true), None);
        let asks = |value: &str| takes_gzip(&Request::builder().header(header::ACCEPT_ENCODING, value).finish());
        assert!(asks("gzip, deflate, br") && asks("br;q=1, gzip;q=0.5"));
        assert!(!asks("br") && !asks("gzip;q=0") && !takes_gzip(&Request::builder().finish()));
    }
}
