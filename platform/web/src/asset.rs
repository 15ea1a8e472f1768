//! Styles, scripts, themes and logos: addresses carry a hash, so browsers keep them for good.

use std::sync::Arc;

use kabinet_core::{Actor, Tenant};
use poem::http::header;
use poem::web::Path;
use poem::{Request, Response, handler};
use sha2::{Digest, Sha256};

use crate::page::short;
use crate::person::tenant_of;
use crate::platform::Platform;
use crate::problem::Problem;
use crate::theme::{Brand, theme_css};

const CSS: &str = include_str!("../assets/portal.css");
const JS: &str = include_str!("../assets/portal.js");

/// Addresses of the platform's own files.
#[derive(Clone, Debug)]
pub struct Assets {
    css_url: String,
    js_url: String,
}

impl Default for Assets {
    fn default() -> Self {
        Self { css_url: format!("/assets/portal.{}.css", hash(CSS)), js_url: format!("/assets/portal.{}.js", hash(JS)) }
    }
}

impl Assets {
    /// The style sheet's address.
    #[must_use]
    pub fn css_url(&self) -> &str {
        &self.css_url
    }

    /// The script's address.
    #[must_use]
    pub fn js_url(&self) -> &str {
        &self.js_url
    }
}

/// The address of a company's theme.
pub(crate) fn theme_url(tenant: &Tenant) -> String {
    format!("/theme.{}.css", hash(&tenant.profile.color))
}

/// The address of a company's logo.
pub(crate) fn logo_url(tenant: &Tenant) -> Option<String> {
    tenant.assets.get("logo").map(|hash| format!("/brand/logo.{}.svg", short(hash)))
}

pub(crate) fn hash(content: &str) -> String {
    hex::encode(&Sha256::digest(content.as_bytes())[..6])
}

/// `/assets/…`: a file of this release; another release's hash is not found here.
#[handler]
pub(crate) fn file(Path(name): Path<String>, request: &Request) -> Result<Response, Problem> {
    let assets = &Platform::of(request).assets;
    let address = format!("/assets/{name}");
    if address == assets.css_url {
        Ok(forever("text/css; charset=utf-8", CSS.as_bytes().to_vec()))
    } else if address == assets.js_url {
        Ok(forever("text/javascript; charset=utf-8", JS.as_bytes().to_vec()))
    } else {
        Err(Problem::not_found())
    }
}

/// `/theme.<hash>.css`: the company's colours.
#[handler]
pub(crate) fn theme_file(request: &Request) -> Result<Response, Problem> {
    let tenant = tenant_of(request)?;
    if request.original_uri().path() != theme_url(&tenant) {
        return Err(Problem::not_found());
    }
    let css = theme_css(&Brand { color: tenant.profile.color.clone() });
    Ok(forever("text/css; charset=utf-8", css.into_bytes()))
}

/// `/brand/logo.<hash>.…`: the company's logo.
#[handler]
pub(crate) async fn logo(Path(name): Path<String>, request: &Request) -> Result<Response, Problem> {
    let tenant: Arc<Tenant> = tenant_of(request)?;
    let asked = name.split('.').nth(1).unwrap_or_default();
    if tenant.assets.get("logo").is_none_or(|hash| short(hash) != asked) {
        return Err(Problem::not_found());
    }
    let tx = Platform::of(request).db.read(&tenant, Actor::Guest).await?;
    let (content_type, content) = tx.brand_file("logo").await?.ok_or_else(Problem::not_found)?;
    tx.commit().await?;
    Ok(forever(&content_type, content))
}

pub(crate) fn forever(content_type: &str, content: Vec<u8>) -> Response {
    Response::builder()
        .content_type(content_type)
        .header(header::CACHE_CONTROL, "public, max-age=31536000, immutable")
        .body(content)
}
