//! The route table: which host leads where, and which module answers.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use kabinet_core::{Module, Tenant};
use poem::endpoint::BoxEndpoint;
use poem::middleware::CatchPanic;
use poem::{Endpoint, EndpointExt, IntoResponse, Request, Response, Result, Route, get};
use tracing::Instrument;

use crate::api::{ApiPart, ApiSurface};
use crate::asset;
use crate::captcha;
use crate::compression;
use crate::counter::Counter;
use crate::docs;
use crate::gate::Gate;
use crate::headers;
use crate::host::{host_of, unknown_host};
use crate::nul;
use crate::number::RequestNumber;
use crate::offline;
use crate::page::{PageRequest, hostless_problem, session_value};
use crate::person::is_api;
use crate::platform::Platform;
use crate::problem::Problem;
use crate::session::Subject;
use crate::view;

/// A page of a module.
pub struct PageRoute {
    path: &'static str,
    endpoint: BoxEndpoint<'static>,
}

impl std::fmt::Debug for PageRoute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PageRoute({})", self.path)
    }
}

impl PageRoute {
    /// A page at `path` (poem's pattern, `:id` for a part).
    pub fn new<E>(path: &'static str, endpoint: E) -> Self
    where
        E: Endpoint + 'static,
        E::Output: IntoResponse,
    {
        Self { path, endpoint: endpoint.map_to_response().boxed() }
    }

    /// Its pattern.
    #[must_use]
    pub const fn path(&self) -> &'static str {
        self.path
    }
}

/// What a module shows to the web.
pub trait WebModule: Module {
    /// Its resident pages.
    fn pages(&self) -> Vec<PageRoute> {
        Vec::new()
    }
    /// Its resident operations, under `/api/v1`.
    fn resident_api(&self) -> Vec<ApiPart> {
        Vec::new()
    }
    /// Its staff operations, under `/api/admin/v1`.
    fn admin_api(&self) -> Vec<ApiPart> {
        Vec::new()
    }
    /// Its templates: name and source.
    fn templates(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }
    /// What it counts in the resident's menu.
    fn counters(&self) -> Vec<Arc<dyn Counter>> {
        Vec::new()
    }
    /// Its letters: the name that [`kabinet_core::Mail`] gives, with `.html` and `.txt` behind it, and source.
    fn mails(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }
}

/// A host that is no company's, with what answers there: the demo's mailbox and other stand-ins for
/// the world outside. Its slug is reserved (see the company packages).
pub struct Site {
    host: String,
    endpoint: BoxEndpoint<'static>,
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Site({})", self.host)
    }
}

impl Site {
    /// What answers on `host` (lower case, no port). Its pages may bring a content security policy of
    /// their own.
    pub fn new<E>(host: impl Into<String>, endpoint: E) -> Self
    where
        E: Endpoint + 'static,
        E::Output: IntoResponse,
    {
        Self { host: host.into(), endpoint: endpoint.map_to_response().boxed() }
    }
}

/// The whole application over `platform` and its modules, with the hosts that are no company's; an
/// error names what does not fit together.
pub fn application(
    platform: &Arc<Platform>,
    modules: &[Arc<dyn WebModule>],
    sites: Vec<Site>,
) -> Result<BoxEndpoint<'static>, String> {
    let policy = headers::policy(&platform.config.form_targets);
    let portal = Portal { platform: platform.clone(), routes: routes(modules)?.boxed(), sites, policy };
    let guarded = portal.with(CatchPanic::new()).around(|portal, request| async move {
        let takes_gzip = compression::takes_gzip(&request);
        Ok(compression::compressed(portal.call(request).await?.into_response(), takes_gzip))
    });
    Ok(guarded.boxed())
}

fn routes(modules: &[Arc<dyn WebModule>]) -> Result<impl Endpoint<Output = Response> + use<>, String> {
    let mut route = Route::new()
        .at("/assets/:name", get(asset::file))
        .at("/theme.:hash", get(asset::theme_file))
        .at("/brand/:name", get(asset::logo))
        .at("/captcha/:name", get(captcha::file))
        .at(offline::MANIFEST, get(offline::manifest))
        .at("/icon.:hash", get(offline::icon))
        .at("/sw.js", get(offline::worker))
        .at("/offline", get(offline::page))
        .at("/favicon.ico", get(poem::endpoint::make_sync(|_| poem::http::StatusCode::NO_CONTENT)))
        .at("/accessibility", get(view::show).post(view::keep))
        .at("/api/docs", get(docs::page))
        .at("/api/docs/viewer.js", get(docs::viewer))
        .at("/api/openapi.json", get(docs::Document::of(modules)));
    let (mut resident, mut admin) = (Vec::new(), Vec::new());
    for module in modules {
        let id = module.manifest().id;
        for page in module.pages() {
            let gate = Gate { module: id, inner: page.endpoint };
            route = route.try_at(page.path, gate).map_err(|error| format!("{id} {}: {error}", page.path))?;
        }
        resident.extend(module.resident_api().into_iter().map(|part| (id, part)));
        admin.extend(module.admin_api().into_iter().map(|part| (id, part)));
    }
    let apis = route.nest("/api/v1", ApiSurface::new(Subject::Resident, resident));
    let apis = apis.nest("/api/admin/v1", ApiSurface::new(Subject::Staff, admin));
    Ok(apis.map_to_response())
}

/// The outermost endpoint: company, page frame, route, problem, headers.
struct Portal {
    platform: Arc<Platform>,
    routes: BoxEndpoint<'static>,
    sites: Vec<Site>,
    policy: poem::http::HeaderValue,
}

impl Endpoint for Portal {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let number = RequestNumber::draw();
        request.extensions_mut().insert(number.clone());
        request.extensions_mut().insert(self.platform.clone());
        // Of the level that no filter leaves out: what is logged inside it carries the number and the company.
        let span = tracing::error_span!("request", %number, company = tracing::field::Empty);
        let mut response = self.respond(request).instrument(span).await?;
        number.mark(&mut response);
        Ok(response)
    }
}

impl Portal {
    async fn respond(&self, request: Request) -> Result<Response> {
        if let Some(site) = self.site(&request) {
            let answer = site.endpoint.call(request).await.unwrap_or_else(poem::Error::into_response);
            return Ok(headers::secure(answer, &self.policy));
        }
        let response = match self.company(&request).await {
            Ok(tenant) => self.answer(request, tenant).await,
            Err(problem) if is_api(&request) => problem.json(),
            // The styles of the page that tells the problem.
            Err(_) if request.uri().path().starts_with("/assets/") => {
                self.routes.call(request).await.unwrap_or_else(|error| Problem::from_error(error).json())
            }
            Err(problem) => hostless_problem(&self.platform, &problem, request.extensions().get()),
        };
        Ok(headers::secure(response, &self.policy))
    }

    fn site(&self, request: &Request) -> Option<&Site> {
        if self.sites.is_empty() {
            return None;
        }
        let host = host_of(request).ok()?;
        self.sites.iter().find(|site| site.host == host)
    }

    /// The company of the host.
    async fn company(&self, request: &Request) -> Result<Arc<Tenant>, Problem> {
        let host = host_of(request)?;
        let tenant = self.platform.tenants.by_host(&host).await?;
        tenant.filter(|tenant| tenant.status == "active").ok_or_else(unknown_host)
    }

    async fn answer(&self, mut request: Request, tenant: Arc<Tenant>) -> Response {
        tracing::Span::current().record("company", &tenant.slug);
        let page = Arc::new(PageRequest::read(&request, tenant.clone()));
        let (api, session) = (is_api(&request), session_value(&request));
        request.extensions_mut().insert(tenant);
        request.extensions_mut().insert(page.clone());
        match self.routed(request).await {
            Ok(response) => response,
            Err(error) if error.is_from_response() => error.into_response(),
            Err(error) => {
                let problem = Problem::from_error(error);
                if api { problem.json() } else { page.problem(&problem, session.as_deref()).await }
            }
        }
    }

    async fn routed(&self, request: Request) -> Result<Response> {
        nul::refuse_in_address(request.uri())?;
        // A panic is told as any other fault is; where it was, the log says.
        let answer = AssertUnwindSafe(self.routes.call(request)).catch_unwind().await;
        answer.unwrap_or_else(|_| Err(Problem::fault(&"a panic").into()))
    }
}
