//! Headers that every answer carries.

use poem::Response;
use poem::http::{HeaderName, HeaderValue, header};

/// No inline code, nothing from other sites, no framing; `form-action` comes behind it.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
     media-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// The pages' policy, where forms may lead to these origins besides our own.
pub(crate) fn policy(form_targets: &[String]) -> HeaderValue {
    let text = form_targets.iter().fold(POLICY.to_owned(), |text, origin| format!("{text} {origin}"));
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(POLICY))
}

/// Adds them; a page that brings a policy of its own keeps it.
pub(crate) fn secure(mut response: Response, policy: &HeaderValue) -> Response {
    response.headers_mut().entry(header::CONTENT_SECURITY_POLICY).or_insert(policy.clone());
    let fixed: [(HeaderName, &'static str); 3] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // no-referrer would make browsers send `Origin: null` with forms.
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
