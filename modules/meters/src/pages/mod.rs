//! Resident pages.

pub(crate) mod guest;
pub(crate) mod link;
pub(crate) mod meters;
pub(crate) mod photos;
pub(crate) mod readings;

use kabinet_web::Problem;
use poem::Response;
use poem::http::{StatusCode, header};

use crate::error::Error;
use crate::verdict::Refusal;

/// Why readings were not stored: the form is shown again, or something else is.
enum Fault {
    Refused(Box<Refusal>),
    Other(Problem),
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self::Other(problem)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => Self::Refused(refusal),
            other => Self::Other(other.into()),
        }
    }
}

/// A refused form as the answer to somebody who sent enough for now: 429, values kept; again after `seconds`.
fn too_often(mut form: Response, seconds: i64) -> Response {
    form.set_status(StatusCode::TOO_MANY_REQUESTS);
    form.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    form
}

/// A form refused for its photos as the answer: as it is, or to somebody who is to wait.
fn denied(form: Response, wait: Option<i64>) -> Response {
    match wait {
        Some(seconds) => too_often(form, seconds),
        None => form,
    }
}
