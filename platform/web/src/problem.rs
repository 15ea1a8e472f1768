//! What a request gets instead of an answer: RFC 9457 for programs, a calm page for people.

use std::str::FromStr;

use kabinet_core::DbError;
use poem::error::ResponseError;
use poem::http::{StatusCode, header};
use poem::{IntoResponse, Response};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::{ToJSON, Type};
use poem_openapi::{ApiResponse, Object};

const PROBLEM_JSON: &str = "application/problem+json";

/// What an operation answers instead of its result (RFC 9457).
#[derive(Debug, Object)]
#[oai(rename = "Problem")]
struct ProblemBody {
    /// Always `about:blank`: the code tells problems apart.
    r#type: String,
    /// Heading for the person, in Russian.
    title: String,
    /// The HTTP status.
    status: u16,
    /// Stable code for programs.
    code: String,
    /// What to say to the person, in Russian.
    #[oai(skip_serializing_if_is_none)]
    detail: Option<String>,
    /// What is wrong, field by field; empty where no field is to blame.
    fields: Vec<ProblemField>,
}

/// What is wrong with one field.
#[derive(Debug, Object)]
struct ProblemField {
    /// The field's name.
    field: String,
    /// What is wrong, in Russian.
    text: String,
}

/// An identifier (or a month) in an address; what is none names no page, like another's: 404.
pub fn identifier<T: FromStr>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}

/// A refusal or a fault. `text` is Russian and for the person; internals are logged, never sent.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{code}: {text}")]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable code for programs: `meters.window_closed`.
    pub code: &'static str,
    /// What to say to the person; empty for the usual words of the status.
    pub text: String,
    /// Seconds to wait, for 429 and 503.
    pub retry_after: Option<i64>,
    /// Field names with what is wrong with them.
    pub fields: Vec<(String, String)>,
}

impl Problem {
    /// A problem with a stable code and words for the person.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, text: impl Into<String>) -> Self {
        Self { status, code, text: text.into(), retry_after: None, fields: Vec::new() }
    }

    /// 404: nothing of that name here, or not yours; the two look alike.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "")
    }

    /// 422: understood, and refused for a reason of the domain.
    #[must_use]
    pub fn refused(code: &'static str, text: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, text)
    }

    /// 422: a list goes on behind an item that its cursor does not name.
    #[must_use]
    pub fn wrong_cursor() -> Self {
        Self::refused("cursor", "Курсор списка не распознан")
    }

    /// 403: the form's token is not this session's.
    #[must_use]
    pub fn stale_form() -> Self {
        Self::new(StatusCode::FORBIDDEN, "stale_form", "")
    }

    /// 429: too many attempts; try again after `seconds`.
    #[must_use]
    pub fn too_many(seconds: i64) -> Self {
        Self { retry_after: Some(seconds), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", "") }
    }

    /// 500 whose cause is logged here and not sent.
    #[must_use]
    pub fn fault(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "fault", "")
    }

    /// 503 whose cause is logged here and not sent: what keeps data does not work now and may soon.
    #[must_use]
    pub fn unavailable(code: &'static str, cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, code, "storage unavailable");
        Self { retry_after: Some(5), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, code, "") }
    }

    /// A refusal of fields, by their names and what is wrong; the first one's words say it all.
    #[must_use]
    pub fn refused_fields<F: Into<String>>(
        code: &'static str,
        fields: impl IntoIterator<Item = (F, impl Into<String>)>,
    ) -> Self {
        let fields = fields.into_iter().map(|(field, text)| (field.into(), text.into()));
        let fields: Vec<(String, String)> = fields.collect();
        let text = fields.first().map(|(_, text)| text.clone()).unwrap_or_default();
        Self::refused(code, text).with_fields(fields)
    }

    /// The problem with what is wrong field by field.
    #[must_use]
    pub fn with_fields(mut self, fields: Vec<(String, String)>) -> Self {
        self.fields = fields;
        self
    }

    /// The problem in an error that any layer raised.
    pub(crate) fn from_error(error: poem::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(problem) => problem,
            Err(error) => Self::from_status(&error),
        }
    }

    fn from_status(error: &poem::Error) -> Self {
        match error.status() {
            StatusCode::NOT_FOUND => Self::not_found(),
            StatusCode::METHOD_NOT_ALLOWED => Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", ""),
            status if status.is_client_error() => Self::new(status, "bad_request", error.to_string()),
            _ => Self::fault(error),
        }
    }

    /// The heading of the page that tells of it.
    pub(crate) fn heading(&self) -> &'static str {
        match self.status.as_u16() {
            403 => "Страница устарела",
            404 | 405 => "Страница не найдена",
            421 => "Портал не найден",
            429 => "Слишком много попыток",
            503 => "Сервис временно недоступен",
            500..=599 => "Ошибка на нашей стороне",
            _ => "Запрос не принят",
        }
    }

    /// The `application/problem+json` answer.
    pub(crate) fn json(&self) -> Response {
        let field = |(field, text): &(String, String)| ProblemField { field: field.clone(), text: text.clone() };
        let body = ProblemBody {
            r#type: "about:blank".to_owned(),
            title: self.heading().to_owned(),
            status: self.status.as_u16(),
            code: self.code.to_owned(),
            detail: Some(self.text.clone()).filter(|text| !text.is_empty()),
            fields: self.fields.iter().map(field).collect(),
        };
        let body = body.to_json_string();
        let mut response = Response::builder().status(self.status).content_type(PROBLEM_JSON).body(body);
        self.add_retry_after(&mut response);
        response
    }

    pub(crate) fn add_retry_after(&self, response: &mut Response) {
        if let Some(value) = self.retry_after.and_then(|seconds| seconds.to_string().parse().ok()) {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unavailable(cause) => Self::unavailable("database_unavailable", &cause),
            other => Self::fault(&other),
        }
    }
}

impl ResponseError for Problem {
    fn status(&self) -> StatusCode {
        self.status
    }

    fn as_response(&self) -> Response {
        self.json().into_response()
    }
}

impl ApiResponse for Problem {
    fn meta() -> MetaResponses {
        let content = MetaMediaType { content_type: PROBLEM_JSON, schema: ProblemBody::schema_ref() };
        MetaResponses {
            responses: vec![MetaResponse {
                description: "A problem",
                status: None,
                status_range: None,
                content: vec![content],
                headers: Vec::new(),
            }],
        }
    }

    fn register(registry: &mut Registry) {
        ProblemBody::register(registry);
    }
}
