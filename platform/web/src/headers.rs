//! Headers that every answer carries.

use poem::Response;
use poem::http::{HeaderName, HeaderValue, header};

/// No inline code, nothing from other sites, no framing.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
     media-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Adds them; a page that brings a policy of its own keeps it.
pub(crate) fn secure(mut response: Response) -> Response {
    let own = response.headers_mut().entry(header::CONTENT_SECURITY_POLICY);
    own.or_insert(HeaderValue::from_static(POLICY));
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
