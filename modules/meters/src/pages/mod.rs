//! Resident pages.

pub(crate) mod guest;
pub(crate) mod link;
pub(crate) mod meters;
pub(crate) mod photos;
pub(crate) mod readings;

use poem::Response;
use poem::http::{StatusCode, header};

/// A refused form as the answer to somebody who sent enough for now: 429, values kept; again after `seconds`.
fn too_often(mut form: Response, seconds: i64) -> Response {
    form.set_status(StatusCode::TOO_MANY_REQUESTS);
    form.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    form
}
