//! Pages: the frame's context, the templates, and how a problem looks to a person.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use kabinet_core::Tenant;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, context};
use poem::http::{StatusCode, header};
use poem::{Request, Response};
use serde::Serialize;

use crate::cookie::{Purpose, random_value};
use crate::counter::Counts;
use crate::number::RequestNumber;
use crate::offline;
use crate::person::tenant_of;
use crate::platform::Platform;
use crate::problem::Problem;
use crate::session::{Session, Subject};
use crate::view;

/// What is wrong with a field of a refused form: shown in the summary and beside the field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field's name.
    pub field: String,
    /// What is wrong and how to mend it, in Russian.
    pub text: String,
}

impl FieldError {
    /// An error of one field.
    #[must_use]
    pub fn new(field: impl Into<String>, text: impl Into<String>) -> Self {
        Self { field: field.into(), text: text.into() }
    }
}

/// The templates of all modules and of the frame.
#[derive(Debug)]
pub struct Pages(Environment<'static>);

impl Pages {
    /// The frame's templates and those of the modules; a syntax error names its template and line.
    pub fn new(
        modules: impl IntoIterator<Item = (&'static str, &'static str)>,
    ) -> Result<Self, kabinet_render::RenderError> {
        let own = [
            ("layout.html", include_str!("../templates/layout.html")),
            ("macros.html", include_str!("../templates/macros.html")),
            ("offline.html", include_str!("../templates/offline.html")),
            ("error.html", include_str!("../templates/error.html")),
            ("accessibility.html", include_str!("../templates/accessibility.html")),
        ];
        kabinet_render::page_environment(own.into_iter().chain(modules)).map(Self)
    }

    /// The text of a template for a context.
    pub fn render(&self, template: &str, context: Value) -> Result<String, minijinja::Error> {
        self.0.get_template(template)?.render(context)
    }
}

/// What of a request its pages need. Made once a request.
#[derive(Debug)]
pub(crate) struct PageRequest {
    pub(crate) platform: Arc<Platform>,
    pub(crate) tenant: Arc<Tenant>,
    path: String,
    guest: Option<String>,
    view_classes: String,
    message: Option<String>,
    counts: Mutex<Counts>,
    number: Option<RequestNumber>,
}

#[derive(Serialize)]
struct CompanyContext<'a> {
    name: &'a str,
    slug: &'a str,
    logo_url: Option<String>,
    theme_url: String,
    phone: &'a str,
    dispatch_phone: &'a str,
    email: &'a str,
    address: &'a str,
    site: &'a str,
    hours: &'a str,
}

#[derive(Clone, Serialize)]
struct AccountContext<'a> {
    id: String,
    number: &'a str,
    address: &'a str,
    active: bool,
}

#[derive(Serialize)]
struct ResidentContext<'a> {
    email: &'a str,
    accounts: Vec<AccountContext<'a>>,
    active: Option<AccountContext<'a>>,
}

#[derive(Serialize)]
struct NavContext {
    title: &'static str,
    href: &'static str,
    current: bool,
    count: u64,
}

#[derive(Serialize)]
struct AssetContext<'a> {
    css: &'a str,
    js: &'a str,
}

#[derive(Serialize)]
struct FrameContext<'a> {
    title: &'a str,
    path: &'a str,
    csrf: String,
    lang: &'static str,
    view_classes: &'a str,
    company: Option<CompanyContext<'a>>,
    assets: AssetContext<'a>,
    resident: Option<ResidentContext<'a>>,
    nav: Vec<NavContext>,
    success: Option<&'a str>,
    accessibility_url: &'static str,
    manifest: Option<&'static str>,
    draft: Option<String>,
}

#[derive(Serialize)]
struct ErrorContext<'a> {
    status: u16,
    message: Option<&'a str>,
    retry_after: Option<i64>,
    request_id: Option<&'a str>,
}

impl PageRequest {
    /// Reads the cookies; called by the portal for each request before its route.
    pub(crate) fn read(request: &Request, tenant: Arc<Tenant>) -> Self {
        let platform = Platform::of(request).clone();
        Self {
            path: request.original_uri().path().to_owned(),
            guest: platform.cookies.read(request, Purpose::Guest),
            view_classes: view::classes(request),
            message: platform.cookies.read(request, Purpose::Message).and_then(|text| decode_message(&text)),
            counts: Mutex::default(),
            number: request.extensions().get().cloned(),
            platform,
            tenant,
        }
    }

    /// The request without what the cookies say of a person: no message, the usual look.
    pub(crate) fn of_nobody(&self) -> Self {
        Self {
            platform: self.platform.clone(),
            tenant: self.tenant.clone(),
            path: self.path.clone(),
            guest: self.guest.clone(),
            view_classes: String::new(),
            message: None,
            counts: Mutex::default(),
            number: None,
        }
    }

    /// Learns the numbers of the menu, which the page that is rendered next shows.
    pub(crate) async fn count(&self, session: &Session) {
        let counts = self.platform.counters.of(&self.tenant, session.subject_id).await;
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner) = counts;
    }

    pub(crate) fn of(request: &Request) -> Result<Arc<Self>, Problem> {
        tenant_of(request)?;
        request.extensions().get::<Arc<Self>>().cloned().ok_or_else(Problem::not_found)
    }

    /// Renders `template` into the frame.
    pub(crate) fn render(
        &self,
        status: StatusCode,
        title: &str,
        template: &str,
        context: &impl Serialize,
        session: Option<&Session>,
    ) -> Result<Response, Problem> {
        let fresh = (session.is_none() && self.guest.is_none()).then(|| random_value(self.platform.db.entropy()));
        let bound = session.map(|s| s.value.as_str()).or(self.guest.as_deref()).or(fresh.as_deref());
        let page = self.frame(title, bound.unwrap_or_default(), session);
        let content = Value::from(Serde(context));
        let values = context! { page => Value::from(Serde(&page)), ..content };
        let html =
            self.platform.pages.render(template, values).map_err(|error| Problem::fault(&format!("{error:#}")))?;
        let mut response = html_response(status, html);
        let names = self.platform.cookies;
        let set = fresh.map(|value| names.set(Purpose::Guest, &value, None));
        let seen = self.message.as_ref().map(|_| names.set(Purpose::Message, "", Some(0)));
        for cookie in set.into_iter().chain(seen).filter_map(|cookie| cookie.parse().ok()) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        Ok(response)
    }

    fn frame<'a>(&'a self, title: &'a str, bound: &str, session: Option<&'a Session>) -> FrameContext<'a> {
        let tenant = &self.tenant;
        let nav = session.map(|session| self.navigation(session)).unwrap_or_default();
        FrameContext {
            title,
            // Where the choice of another account leads: to the section, whose parts (a meter) that account may
            // not have. So an unknown page also says nothing of the address that was asked for.
            path: nav.iter().find(|item| item.current).map_or("/overview", |item| item.href),
            csrf: self.platform.key.form_token(bound),
            lang: "ru",
            view_classes: &self.view_classes,
            company: Some(company(tenant)),
            assets: AssetContext { css: self.platform.assets.css_url(), js: self.platform.assets.js_url() },
            resident: session.map(resident),
            nav,
            success: self.message.as_deref(),
            accessibility_url: "/accessibility",
            manifest: session.map(|_| offline::MANIFEST),
            draft: session.and_then(|session| self.draft(session)),
        }
    }

    /// What the script needs to keep a reading that was typed without a network: the name of the place and the key
    /// that it is sealed with, each of this resident and account alone.
    fn draft(&self, session: &Session) -> Option<String> {
        let account = session.profile.active?;
        let owner = format!("{} {} {account}", self.tenant.id, session.subject_id);
        let derived = |what: &str| self.platform.key.derived(&format!("{what} {owner}"));
        let name = hex::encode(&derived("name of a draft")[..8]);
        Some(format!("{name}:{}", STANDARD.encode(derived("key of a draft"))))
    }

    fn navigation(&self, session: &Session) -> Vec<NavContext> {
        let mut items = self.platform.registry.navigation(&self.tenant);
        let profile = &session.profile;
        let shown = profile.accounts.iter().find(|account| Some(account.id) == profile.active);
        let sums = shown.is_none_or(|account| account.access.sees_sums());
        items.retain(|item| sums || !item.sums);
        // The longest address that begins the path is the current section: /meters/readings is not /meters.
        let fits = |href: &str| self.path == href || self.path.strip_prefix(href).is_some_and(|r| r.starts_with('/'));
        let current = items.iter().filter(|item| fits(item.href)).map(|item| item.href.len()).max();
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let entry = |item: &kabinet_core::NavItem| NavContext {
            title: item.title,
            href: item.href,
            current: fits(item.href) && Some(item.href.len()) == current,
            count: counts.iter().find(|(href, _)| *href == item.href).map_or(0, |(_, number)| *number),
        };
        items.iter().map(entry).collect()
    }

    /// The page that tells of a problem, with the menu of whoever is logged in.
    pub(crate) async fn problem(&self, problem: &Problem, session_value: Option<&str>) -> Response {
        let session = match session_value {
            Some(value) => {
                let found = self.platform.sessions.find(&self.tenant, Subject::Resident, value).await.unwrap_or(None);
                found.map(|session| session.as_of(self.platform.db.clock().now()))
            }
            None => None,
        };
        if let Some(session) = &session {
            self.count(session).await;
        }
        let context = problem_context(problem, self.number.as_ref());
        let page = self.render(problem.status, problem.heading(), "error.html", &context, session.as_deref());
        let mut response = page.unwrap_or_else(|_| problem.json());
        problem.add_retry_after(&mut response);
        response
    }
}

/// The page of a problem on a host that is no company's.
pub(crate) fn hostless_problem(platform: &Platform, problem: &Problem, number: Option<&RequestNumber>) -> Response {
    let page = FrameContext {
        title: problem.heading(),
        path: "/",
        csrf: String::new(),
        lang: "ru",
        view_classes: "",
        company: None,
        assets: AssetContext { css: platform.assets.css_url(), js: platform.assets.js_url() },
        resident: None,
        nav: Vec::new(),
        success: None,
        accessibility_url: "/accessibility",
        manifest: None,
        draft: None,
    };
    let content = Value::from(Serde(problem_context(problem, number)));
    let values = context! { page => Value::from(Serde(&page)), ..content };
    let page = platform.pages.render("error.html", values);
    let mut response = page.map_or_else(|_| problem.json(), |html| html_response(problem.status, html));
    problem.add_retry_after(&mut response);
    response
}

fn problem_context<'a>(problem: &'a Problem, number: Option<&'a RequestNumber>) -> impl Serialize + use<'a> {
    #[derive(Serialize)]
    struct Context<'a> {
        error: ErrorContext<'a>,
    }
    let number = number.filter(|_| problem.status.is_server_error()).map(RequestNumber::as_str);
    Context {
        error: ErrorContext {
            status: problem.status.as_u16(),
            message: Some(problem.text.as_str()).filter(|text| !text.is_empty()),
            retry_after: problem.retry_after,
            request_id: number,
        },
    }
}

fn html_response(status: StatusCode, html: String) -> Response {
    Response::builder()
        .status(status)
        .content_type("text/html; charset=utf-8")
        .header(header::CACHE_CONTROL, "private, no-store")
        .body(html)
}

fn company(tenant: &Tenant) -> CompanyContext<'_> {
    let profile = &tenant.profile;
    CompanyContext {
        name: &tenant.name,
        slug: &tenant.slug,
        logo_url: crate::asset::logo_url(tenant),
        theme_url: crate::asset::theme_url(tenant),
        phone: &profile.phone,
        dispatch_phone: &profile.dispatch_phone,
        email: &profile.email,
        address: &profile.address,
        site: &profile.site,
        hours: &profile.hours,
    }
}

/// The first characters of a hash: enough to tell versions apart in an address.
pub(crate) fn short(hash: &str) -> Cow<'_, str> {
    hash.get(..12).map_or(Cow::Borrowed(hash), Cow::Borrowed)
}

fn resident(session: &Session) -> ResidentContext<'_> {
    let profile = &session.profile;
    let accounts: Vec<AccountContext<'_>> = profile
        .accounts
        .iter()
        .map(|account| AccountContext {
            id: account.id.to_string(),
            number: &account.number,
            address: &account.address,
            active: profile.active == Some(account.id),
        })
        .collect();
    let active = accounts.iter().find(|account| account.active).cloned();
    ResidentContext { email: &profile.email, accounts, active }
}

/// A sentence for the next page, as a cookie value.
pub(crate) fn encode_message(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

fn decode_message(value: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(value).ok()?).ok().filter(|text| !text.is_empty())
}

/// The resident's session cookie, for the page of a problem.
pub(crate) fn session_value(request: &Request) -> Option<String> {
    Platform::of(request).cookies.read(request, Purpose::Resident)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_message_cookie_is_a_text_or_none(text in "(?s).{0,60}", cookie in r"[A-Za-z0-9_-]{0,60}|.{0,60}") {
            let kept = Some(text.clone()).filter(|text| !text.is_empty());
            proptest::prop_assert_eq!(decode_message(&encode_message(&text)), kept);
            proptest::prop_assert!(decode_message(&cookie).is_none_or(|text| !text.is_empty()));
        }
    }
}
