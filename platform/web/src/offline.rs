//! The portal as an app of the device: its manifest and icon, the service worker, and the page without a network.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kabinet_core::{Actor, Tenant};
use poem::http::{StatusCode, header};
use poem::{Request, Response, handler};
use serde::Serialize;
use serde_json::json;

use crate::asset::{forever, hash, logo_url, theme_url};
use crate::page::PageRequest;
use crate::person::tenant_of;
use crate::platform::Platform;
use crate::problem::Problem;
use crate::theme::{Brand, fill_colors};

/// Where the manifest lies.
pub(crate) const MANIFEST: &str = "/manifest.webmanifest";
/// Where the page without a network lies.
const PAGE: &str = "/offline";
/// The worker, behind the list of what it keeps.
const WORKER: &str = include_str!("../assets/sw.js");
/// A house: the icon of a company without a logo.
const HOUSE: &str = "M256 112 96 240v160h112V288h96v112h112V240z";

fn icon_url(tenant: &Tenant) -> String {
    let logo = tenant.assets.get("logo").map_or("", String::as_str);
    format!("/icon.{}.svg", hash(&format!("{}{logo}", tenant.profile.color)))
}

/// `/manifest.webmanifest`: what a device shows of the portal among its apps.
#[handler]
pub(crate) fn manifest(request: &Request) -> Result<Response, Problem> {
    let tenant = tenant_of(request)?;
    let (fill, _) = fill_colors(&Brand { color: tenant.profile.color.clone() });
    let manifest = json!({
        "name": format!("{}: личный кабинет", tenant.name),
        "short_name": tenant.name,
        "lang": "ru",
        "id": "/overview",
        "start_url": "/overview",
        "scope": "/",
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": fill,
        "icons": [{ "src": icon_url(&tenant), "sizes": "any", "type": "image/svg+xml", "purpose": "any" }],
    });
    Ok(Response::builder()
        .content_type("application/manifest+json")
        .header(header::CACHE_CONTROL, "no-cache")
        .body(manifest.to_string()))
}

/// `/icon.<hash>.svg`: the company's logo over its colour; a house where it has none.
#[handler]
pub(crate) async fn icon(request: &Request) -> Result<Response, Problem> {
    let tenant = tenant_of(request)?;
    if request.original_uri().path() != icon_url(&tenant) {
        return Err(Problem::not_found());
    }
    let tx = Platform::of(request).db.read(&tenant, Actor::Guest).await?;
    let logo = tx.brand_file("logo").await?;
    tx.commit().await?;
    let (fill, text) = fill_colors(&Brand { color: tenant.profile.color.clone() });
    let mut svg = String::from("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 512 512\">");
    // Writing to a String cannot fail.
    let _ = match logo {
        Some((kind, content)) => write!(
            svg,
            "<path fill=\"#fff\" d=\"M0 0h512v512H0z\"/><path fill=\"{fill}\" d=\"M0 464h512v48H0z\"/>\
             <image x=\"96\" y=\"80\" width=\"320\" height=\"320\" href=\"data:{kind};base64,{}\"/>",
            STANDARD.encode(content)
        ),
        None => write!(svg, "<path fill=\"{fill}\" d=\"M0 0h512v512H0z\"/><path fill=\"{text}\" d=\"{HOUSE}\"/>"),
    };
    svg.push_str("</svg>");
    Ok(forever("image/svg+xml", svg.into_bytes()))
}

/// `/sw.js`: the service worker with the addresses of this release and this company.
#[handler]
pub(crate) fn worker(request: &Request) -> Result<Response, Problem> {
    let tenant = tenant_of(request)?;
    let assets = &Platform::of(request).assets;
    let own = [PAGE, assets.css_url(), assets.js_url()].map(str::to_owned);
    let files: Vec<String> = own.into_iter().chain([theme_url(&tenant)]).chain(logo_url(&tenant)).collect();
    Ok(Response::builder()
        .content_type("text/javascript; charset=utf-8")
        .header(header::CACHE_CONTROL, "no-cache")
        .body(format!("const FILES={};{WORKER}", json!(files))))
}

#[derive(Serialize)]
struct Context {
    errors: [(); 0],
}

/// `/offline`: kept by the worker, so it is rendered for nobody, whoever asks.
#[handler]
pub(crate) fn page(request: &Request) -> Result<Response, Problem> {
    let frame = PageRequest::of(request)?.of_nobody();
    frame.render(StatusCode::OK, "Нет связи с интернетом", "offline.html", &Context { errors: [] }, None)
}
