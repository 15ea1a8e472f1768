//! `/api/docs`: the API document to read and try, with everything it needs from this very host.

use std::sync::{Arc, LazyLock, OnceLock};

use poem::http::header;
use poem::web::Json;
use poem::{Endpoint, IntoResponse, Request, Response, handler};
use poem_openapi::OpenApiService;
use serde_json::Value;

use crate::api::openapi_document;
use crate::problem::Problem;
use crate::surface::WebModule;

/// The viewer builds its styles when it runs; scripts come from files of this host alone.
const POLICY: &str = "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; img-src 'self' data:; \
     font-src 'self' data:; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

const PAGE: &str = r#"<!DOCTYPE html>
<html lang="ru">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Kabinet API</title>
<script src="/api/docs/viewer.js"></script>
</head>
<body>
<rapi-doc spec-url="/api/openapi.json" theme="light" render-style="read" show-header="false" load-fonts="false"
  allow-authentication="false" allow-server-selection="false" show-components="true"></rapi-doc>
</body>
</html>
"#;

/// RapiDoc's script as poem-openapi bundles it; it offers the script only inside a page of its own.
static VIEWER: LazyLock<Option<String>> = LazyLock::new(|| {
    let html = OpenApiService::new((), "", "").rapidoc_html();
    let (_, script) = html.split_once("<script charset=\"UTF-8\">")?;
    script.split_once("</script>").map(|(script, _)| script.to_owned())
});

/// The merged document, made when it is first asked for.
pub(crate) struct Document {
    modules: Vec<Arc<dyn WebModule>>,
    made: OnceLock<Result<Value, String>>,
}

impl Document {
    pub(crate) fn of(modules: &[Arc<dyn WebModule>]) -> Self {
        Self { modules: modules.to_vec(), made: OnceLock::new() }
    }
}

impl Endpoint for Document {
    type Output = Response;

    async fn call(&self, _: Request) -> poem::Result<Response> {
        match self.made.get_or_init(|| openapi_document(&self.modules)) {
            Ok(document) => Ok(Json(document).into_response()),
            Err(why) => Err(Problem::fault(why).into()),
        }
    }
}

/// The page.
#[handler]
pub(crate) fn page() -> Response {
    Response::builder()
        .content_type("text/html; charset=utf-8")
        .header(header::CONTENT_SECURITY_POLICY, POLICY)
        .header(header::CACHE_CONTROL, "no-cache")
        .body(PAGE)
}

/// Its script.
#[handler]
pub(crate) fn viewer() -> Result<Response, Problem> {
    let script = VIEWER.as_deref().ok_or_else(|| Problem::fault(&"the bundled viewer has no script"))?;
    Ok(Response::builder()
        .content_type("text/javascript; charset=utf-8")
        .header(header::CACHE_CONTROL, "public, max-age=86400")
        .body(script))
}

#[cfg(test)]
mod tests {
    use super::VIEWER;

    #[test]
    fn the_viewer_is_whole() {
        let script = VIEWER.as_deref().expect("a script");
        assert!(script.len() > 300_000 && script.contains("rapi-doc"), "{} bytes", script.len());
    }
}
