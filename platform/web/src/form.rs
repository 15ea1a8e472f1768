//! Forms: the body is read only after its Origin was found to be ours, and its fields only after its token was.

use poem::http::header;
use poem::{FromRequest, Request, RequestBody, Result};
use serde::de::DeserializeOwned;

use crate::cookie::Purpose;
use crate::platform::Platform;
use crate::problem::Problem;

/// Bytes of the largest form without files.
const LARGEST: usize = 64 * 1024;

/// The fields of a form that was sent from a page of this very session. Text only; see
/// [`BTreeMap`](std::collections::BTreeMap) for fields whose names are made at run time.
#[derive(Clone, Debug)]
pub struct Form<T>(pub T);

/// Refuses a request that another site made the browser send. A missing Origin passes here (old
/// browsers, programs): the token decides.
pub(crate) fn check_origin(request: &Request) -> Result<(), Problem> {
    let Some(origin) = request.headers().get(header::ORIGIN) else { return Ok(()) };
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let same = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, rest)| rest) == host;
    let scheme = &Platform::of(request).config.public_scheme;
    let ours = origin.to_str().is_ok_and(|origin| origin.starts_with(&format!("{scheme}://")));
    if same && ours { Ok(()) } else { Err(Problem::stale_form()) }
}

impl<'a, T: DeserializeOwned + Send> FromRequest<'a> for Form<T> {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> Result<Self> {
        check_origin(request)?;
        let bytes = body.take()?.into_bytes_limit(LARGEST).await.map_err(|_| too_large())?;
        let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(&bytes).map_err(|_| unreadable())?;
        let token = pairs.iter().find(|(name, _)| name == "csrf").map(|(_, value)| value.as_str());
        check_token(request, token.unwrap_or_default())?;
        if pairs.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
            return Err(unreadable().into());
        }
        let form = serde_urlencoded::from_bytes(&bytes).map_err(|_| unreadable())?;
        Ok(Self(form))
    }
}

/// A token is bound to the session, or to the guest's value where nobody is logged in.
pub(crate) fn check_token(request: &Request, token: &str) -> Result<(), Problem> {
    let platform = Platform::of(request);
    let bound = [Purpose::Resident, Purpose::Guest].into_iter().filter_map(|p| platform.cookies.read(request, p));
    let fits = bound.into_iter().any(|value| platform.key.accepts(&value, token));
    if fits { Ok(()) } else { Err(Problem::stale_form()) }
}

pub(crate) fn too_large() -> Problem {
    Problem::new(poem::http::StatusCode::PAYLOAD_TOO_LARGE, "too_large", "Отправлено слишком много данных")
}

pub(crate) fn unreadable() -> Problem {
    Problem::refused("unreadable_form", "")
}

/// `path` when it leads nowhere but into this site, else the start page.
#[must_use]
pub fn local_path(path: &str) -> &str {
    let inside = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
    if inside && path.chars().all(|c| c.is_ascii_graphic()) { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::local_path;

    #[test]
    fn a_return_path_never_leaves_the_site() {
        assert_eq!(local_path("/charges?period=2026-10"), "/charges?period=2026-10");
        for foreign in ["//evil.example", "https://evil.example", "/\\evil", "", "/a\r\nb"] {
            assert_eq!(local_path(foreign), "/", "{foreign}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_leads_to_a_path_of_this_site(text in r"[/\\]{0,3}[a-z0-9.:@?#%&= \t\r\n]{0,30}|.{0,40}") {
            let path = local_path(&text);
            let plain = path.chars().all(|c| c.is_ascii_graphic() && c != '\\');
            proptest::prop_assert!(path.starts_with('/') && !path.starts_with("//") && plain, "{text:?}: {path}");
            proptest::prop_assert!(path == text || path == "/", "{text:?}: {path}");
        }
    }
}
