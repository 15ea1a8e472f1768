//! What waits in the browser between two steps: encrypted, for one company, for a while.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kabinet_core::{SealKey, Tenant};
use poem::http::header;
use poem::{Request, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::cookie::Purpose;
use crate::platform::Platform;
use crate::problem::Problem;

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    expires: i64,
    value: T,
}

/// The `Set-Cookie` value that keeps `value` for `seconds`; nobody can read or change it.
pub fn cookie(
    platform: &Platform,
    tenant: &Tenant,
    purpose: Purpose,
    value: &impl Serialize,
    seconds: i64,
) -> Result<String, Problem> {
    let expires = platform.db.clock().now().plus_seconds(seconds).0;
    let plain = serde_json::to_vec(&Envelope { expires, value }).map_err(|error| Problem::fault(&error))?;
    let sealed = key(platform).seal(platform.db.entropy(), &place(platform, tenant, purpose), &plain);
    Ok(platform.cookies.set(purpose, &URL_SAFE_NO_PAD.encode(sealed), Some(seconds)))
}

/// The `Set-Cookie` value that forgets what waited.
#[must_use]
pub fn gone(platform: &Platform, purpose: Purpose) -> String {
    platform.cookies.set(purpose, "", Some(0))
}

/// What waits in the request's cookie; `None` when nothing does, when it is over or another company's.
#[must_use]
pub fn waiting<T: DeserializeOwned>(request: &Request, tenant: &Tenant, purpose: Purpose) -> Option<T> {
    let platform = Platform::of(request);
    let sealed = URL_SAFE_NO_PAD.decode(platform.cookies.read(request, purpose)?).ok()?;
    let plain = key(platform).open(&place(platform, tenant, purpose), &sealed)?;
    let envelope: Envelope<T> = serde_json::from_slice(&plain).ok()?;
    (envelope.expires > platform.db.clock().now().0).then_some(envelope.value)
}

/// The response with one more cookie.
#[must_use]
pub fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(value) = cookie.parse() {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

fn key(platform: &Platform) -> SealKey {
    SealKey::new(platform.key.derived("cookie between two steps"))
}

/// What the value is bound to: its purpose and its company.
fn place(platform: &Platform, tenant: &Tenant, purpose: Purpose) -> Vec<u8> {
    [platform.cookies.name(purpose).as_bytes(), tenant.id.0.as_bytes()].concat()
}
