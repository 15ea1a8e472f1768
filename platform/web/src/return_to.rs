//! Where a login leads: to the page that waits for it, else to the overview.

use kabinet_core::Tenant;
use poem::{Request, Response};

use crate::cookie::Purpose;
use crate::platform::Platform;
use crate::problem::Problem;
use crate::redirect::see_other;
use crate::sealed::{self, with_cookie};

/// Seconds a page waits: a registration and its letter fit in between.
const WAITS: i64 = 24 * 3600;

/// The `Set-Cookie` value that has this browser's next login lead to `path`, a page of this portal. It waits
/// sealed, so that nobody else's address can come in.
pub fn after_login(platform: &Platform, tenant: &Tenant, path: &str) -> Result<String, Problem> {
    sealed::cookie(platform, tenant, Purpose::Return, &path, WAITS)
}

/// The answer to a resident's login: 303 to the page that waits, once, or to the overview, with the value of
/// the fresh session in its cookie.
#[must_use]
pub fn entered(request: &Request, tenant: &Tenant, session: &str) -> Response {
    let platform = Platform::of(request);
    let waiting: Option<String> = sealed::waiting(request, tenant, Purpose::Return);
    let answer = see_other(waiting.as_deref().unwrap_or("/overview"));
    let answer = with_cookie(answer, &platform.cookies.set(Purpose::Resident, session, None));
    if waiting.is_some() { with_cookie(answer, &sealed::gone(platform, Purpose::Return)) } else { answer }
}
