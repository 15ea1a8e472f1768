//! Answers that lead on to another page.

use poem::Response;
use poem::http::{StatusCode, header};

use crate::cookie::Purpose;
use crate::platform::Platform;

/// [`see_other`] with a sentence that the next page shows once; some 180 letters at most.
#[must_use]
pub fn see_other_saying(platform: &Platform, path: &str, text: &str) -> Response {
    let message = platform.cookies.set(Purpose::Message, &crate::page::encode_message(text), Some(60));
    Response::builder()
        .status(StatusCode::SEE_OTHER)
        .header(header::LOCATION, path)
        .header(header::SET_COOKIE, message)
        .finish()
}

/// A redirect to a path of this host: what a form that did something answers.
#[must_use]
pub fn see_other(path: &str) -> Response {
    Response::builder().status(StatusCode::SEE_OTHER).header(header::LOCATION, path).finish()
}
